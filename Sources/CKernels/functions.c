// Element-wise functions that oneDNN doesn't have, or has with other numbers.
#include "maps.h"

#include <math.h>

static inline __attribute__((always_inline)) float value_of(
    zoo_function_kind kind, const float *n, float x) {
    switch (kind) {
    case zoo_function_rectifier: {
        // n: slope, threshold, ceiling.
        float y = x >= n[1] ? x : n[0] * (x - n[1]);
        return x >= n[2] ? n[2] : y;
    }
    case zoo_function_hard_sigmoid: {
        float y = n[0] * x + 0.5f;
        return y < 0 ? 0 : y > 1 ? 1 : y;
    }
    case zoo_function_hard_swish: {
        float y = x + 3;
        y = y < 0 ? 0 : y > 6 ? 6 : y;
        return x * y * (1.0f / 6);
    }
    // n: factor above 0, factor below.
    case zoo_function_exponential: return x > 0 ? n[0] * x : n[1] * expm1f(x);
    case zoo_function_gelu: return 0.5f * x * (1 + erff(x * 0.70710678f));
    case zoo_function_gelu_tanh:
        return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case zoo_function_softplus: return (x > 0 ? x : 0) + log1pf(expf(-fabsf(x)));
    }
    return x;
}

static inline __attribute__((always_inline)) float slope_of(
    zoo_function_kind kind, const float *n, float x) {
    switch (kind) {
    case zoo_function_rectifier: return x >= n[2] ? 0 : x > n[1] ? 1 : n[0];
    case zoo_function_hard_sigmoid: {
        float y = n[0] * x + 0.5f;
        return y > 0 && y < 1 ? n[0] : 0;
    }
    case zoo_function_hard_swish: return x <= -3 ? 0 : x >= 3 ? 1 : x * (1.0f / 3) + 0.5f;
    case zoo_function_exponential: return x > 0 ? n[0] : n[1] * expf(x);
    case zoo_function_gelu:
        return 0.5f * (1 + erff(x * 0.70710678f)) + x * 0.39894228f * expf(-0.5f * x * x);
    case zoo_function_gelu_tanh: {
        float t = tanhf(0.79788456f * (x + 0.044715f * x * x * x));
        return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * 0.79788456f * (1 + 3 * 0.044715f * x * x);
    }
    case zoo_function_softplus: return 1 / (1 + expf(-x));
    }
    return 1;
}

static void forward_part(const void *context, int32_t part, int32_t parts) {
    const zoo_function *work = context;
    const zoo_map *map = &work->map;
    zoo_range tiles = zoo_range_of(map->batch * zoo_tile_count(map), part, parts);
    for (int64_t index = tiles.from; index < tiles.to; index++) {
        zoo_tile tile = zoo_tile_at(map, index);
        for (int64_t row = 0; row < map->height * map->width; row++) {
            const float *x = work->source + tile.start + row * tile.step;
            float *y = work->destination + tile.start + row * tile.step;
            for (int64_t i = 0; i < tile.channels; i++) y[i] = value_of(work->kind, work->numbers, x[i]);
            // Padding stays zero, whatever the function makes of 0.
            for (int64_t i = tile.channels; i < tile.lanes; i++) y[i] = 0;
        }
    }
}

static void backward_part(const void *context, int32_t part, int32_t parts) {
    const zoo_function *work = context;
    zoo_range range = zoo_range_of(work->map.batch * zoo_map_sample(&work->map), part, parts);
    for (int64_t i = range.from; i < range.to; i++) {
        work->destination[i] =
            work->result_gradient[i] * slope_of(work->kind, work->numbers, work->source[i]);
    }
}

void zoo_function_forward(void *context) {
    const zoo_function *work = context;
    const zoo_map *map = &work->map;
    int64_t items = map->batch * zoo_tile_count(map);
    zoo_parallel(zoo_parts(map->batch * zoo_map_sample(map), items, work->threads), forward_part, work);
}

void zoo_function_backward(void *context) {
    const zoo_function *work = context;
    int64_t elements = work->map.batch * zoo_map_sample(&work->map);
    zoo_parallel(zoo_parts(elements, elements, work->threads), backward_part, work);
}
