// Adaptive pooling, and enlargement by linear interpolation: windows whose size or weights change from place to place.
#include "maps.h"

#include <string.h>

// MARK: adaptive pooling

// Window `index` of `count` over `size` elements.
static zoo_range window_of(int64_t index, int64_t count, int64_t size) {
    zoo_range range = {index * size / count, ((index + 1) * size + count - 1) / count};
    return range;
}

static void adaptive_part(const void *context, int32_t part, int32_t parts) {
    const zoo_adaptive *work = context;
    const zoo_map *large = &work->operand_map, *small = &work->result_map;
    int64_t places = large->height * large->width;
    zoo_range tiles = zoo_range_of(large->batch * zoo_tile_count(large), part, parts);
    for (int64_t index = tiles.from; index < tiles.to; index++) {
        zoo_tile from = zoo_tile_at(large, index), to = zoo_tile_at(small, index);
        const float *x = work->operand ? work->operand + from.start : NULL;
        float *gradient = work->operand_gradient ? work->operand_gradient + from.start : NULL;
        for (int64_t i = 0; gradient && i < places; i++) {
            memset(gradient + i * from.step, 0, (size_t)from.lanes * sizeof(float));
        }
        for (int64_t place = 0; place < small->height * small->width; place++) {
            zoo_range rows = window_of(place / small->width, small->height, large->height);
            zoo_range columns = window_of(place % small->width, small->width, large->width);
            float share = 1 / (float)((rows.to - rows.from) * (columns.to - columns.from));
            for (int64_t lane = 0; lane < to.lanes; lane++) {
                int64_t best = rows.from * large->width + columns.from;
                float sum = 0;
                for (int64_t row = rows.from; row < rows.to; row++) {
                    for (int64_t column = columns.from; column < columns.to; column++) {
                        int64_t at = row * large->width + column;
                        if (work->is_maximum) {
                            if (x[at * from.step + lane] > x[best * from.step + lane]) best = at;
                        } else if (gradient) {
                            gradient[at * from.step + lane] +=
                                share * work->result_gradient[to.start + place * to.step + lane];
                        } else {
                            sum += x[at * from.step + lane];
                        }
                    }
                }
                int64_t at = to.start + place * to.step + lane;
                if (!gradient) {
                    work->result[at] = work->is_maximum ? x[best * from.step + lane] : sum * share;
                } else if (work->is_maximum) {
                    gradient[best * from.step + lane] += work->result_gradient[at];
                }
            }
        }
    }
}

void zoo_adaptive_run(void *context) {
    const zoo_adaptive *work = context;
    const zoo_map *map = &work->operand_map;
    int64_t items = map->batch * zoo_tile_count(map);
    zoo_parallel(zoo_parts(map->batch * zoo_map_sample(map), items, work->threads), adaptive_part, work);
}

// MARK: linear interpolation

// The two neighbours of a place of the enlarged axis, and the share of the second.
typedef struct {
    int64_t first, second;
    float share;
} neighbours;

static neighbours neighbours_of(int64_t index, int64_t size, int64_t enlarged, bool aligned) {
    double place;
    if (aligned) {
        place = enlarged > 1 ? (double)index * (double)(size - 1) / (double)(enlarged - 1) : 0;
    } else {
        place = ((double)index + 0.5) * (double)size / (double)enlarged - 0.5;
        if (place < 0) place = 0;
    }
    neighbours result;
    result.first = (int64_t)place;
    if (result.first > size - 1) result.first = size - 1;
    result.second = result.first + 1 < size ? result.first + 1 : result.first;
    result.share = (float)(place - (double)result.first);
    return result;
}

static void interpolation_part(const void *context, int32_t part, int32_t parts) {
    const zoo_interpolation *work = context;
    const zoo_map *small = &work->operand_map, *large = &work->result_map;
    zoo_range tiles = zoo_range_of(small->batch * zoo_tile_count(small), part, parts);
    for (int64_t index = tiles.from; index < tiles.to; index++) {
        zoo_tile from = zoo_tile_at(small, index), to = zoo_tile_at(large, index);
        for (int64_t i = 0; work->is_backward && i < small->height * small->width; i++) {
            memset(work->operand + from.start + i * from.step, 0, (size_t)from.lanes * sizeof(float));
        }
        for (int64_t row = 0; row < large->height; row++) {
            neighbours rows = neighbours_of(row, small->height, large->height, work->aligns_corners);
            for (int64_t column = 0; column < large->width; column++) {
                neighbours columns =
                    neighbours_of(column, small->width, large->width, work->aligns_corners);
                float *corner[4] = {
                    work->operand + from.start + (rows.first * small->width + columns.first) * from.step,
                    work->operand + from.start + (rows.first * small->width + columns.second) * from.step,
                    work->operand + from.start + (rows.second * small->width + columns.first) * from.step,
                    work->operand + from.start + (rows.second * small->width + columns.second) * from.step};
                float down = rows.share, right = columns.share, up = 1 - down, left = 1 - right;
                float weights[4] = {up * left, up * right, down * left, down * right};
                float *value = work->result + to.start + (row * large->width + column) * to.step;
                for (int64_t lane = 0; lane < to.lanes; lane++) {
                    if (work->is_backward) {
                        for (int i = 0; i < 4; i++) corner[i][lane] += weights[i] * value[lane];
                    } else {
                        value[lane] = weights[0] * corner[0][lane] + weights[1] * corner[1][lane]
                            + (weights[2] * corner[2][lane] + weights[3] * corner[3][lane]);
                    }
                }
            }
        }
    }
}

void zoo_interpolate(void *context) {
    const zoo_interpolation *work = context;
    const zoo_map *map = &work->operand_map;
    int64_t items = map->batch * zoo_tile_count(map);
    int64_t elements = work->result_map.batch * zoo_map_sample(&work->result_map);
    zoo_parallel(zoo_parts(elements, items, work->threads), interpolation_part, work);
}
