// Local response normalisation: each element divided by what its neighbours among the channels amount to. oneDNN's
// counts other neighbours where their number is even.
#include "maps.h"

#include <math.h>
#include <string.h>

// Channels whose squares the sum of `channel` counts, or backward those whose sums count its square.
static zoo_range neighbours(const zoo_response *work, int64_t channel, bool backward) {
    int64_t before = backward ? (work->size - 1) / 2 : work->size / 2;
    zoo_range range = {channel - before, channel - before + work->size};
    if (range.from < 0) range.from = 0;
    if (range.to > work->channels) range.to = work->channels;
    return range;
}

// Places at a time, whose sums stay in the nearest cache.
enum { chunk = 256 };

// The sums of some channels' elements at neighbouring places, or of their squares.
ZOO_WIDE static void add_channels(
    float *restrict sums, int64_t count, const float *restrict first, int64_t channels, int64_t places,
    bool squares) {
    memset(sums, 0, (size_t)count * sizeof(float));
    for (int64_t channel = 0; channel < channels; channel++) {
        const float *x = first + channel * places;
        if (squares) {
            for (int64_t i = 0; i < count; i++) sums[i] += x[i] * x[i];
        } else {
            for (int64_t i = 0; i < count; i++) sums[i] += x[i];
        }
    }
}

// Elements divided by powers of their divisors. The usual exponents need no logarithm.
ZOO_WIDE static void divide(
    float *restrict results, int64_t count, const float *restrict x, const float *restrict divisors,
    float beta) {
    if (beta == 0.75f) {
        for (int64_t i = 0; i < count; i++) {
            float root = __builtin_elementwise_sqrt(divisors[i]);
            results[i] = x[i] / (root * __builtin_elementwise_sqrt(root));
        }
    } else if (beta == 0.5f) {
        for (int64_t i = 0; i < count; i++) results[i] = x[i] / __builtin_elementwise_sqrt(divisors[i]);
    } else if (beta == 1) {
        for (int64_t i = 0; i < count; i++) results[i] = x[i] / divisors[i];
    } else {
        for (int64_t i = 0; i < count; i++) results[i] = x[i] / powf(divisors[i], beta);
    }
}

static void forward_part(const void *context, int32_t part, int32_t parts) {
    const zoo_response *work = context;
    float share = (float)(work->alpha / (double)work->size), k = (float)work->k, beta = (float)work->beta;
    zoo_range planes = zoo_range_of(work->batch * work->channels, part, parts);
    for (int64_t plane = planes.from; plane < planes.to; plane++) {
        zoo_range range = neighbours(work, plane % work->channels, false);
        const float *first = work->source + (plane - plane % work->channels + range.from) * work->places;
        for (int64_t place = 0; place < work->places; place += chunk) {
            int64_t count = work->places - place < chunk ? work->places - place : chunk;
            int64_t at = plane * work->places + place;
            float *divisors = work->divisors + at;
            add_channels(divisors, count, first + place, range.to - range.from, work->places, true);
            for (int64_t i = 0; i < count; i++) divisors[i] = k + share * divisors[i];
            divide(work->destination + at, count, work->source + at, divisors, beta);
        }
    }
}

// What every element gets through its own numerator, and what its neighbours get through its divisor.
static void slope_part(const void *context, int32_t part, int32_t parts) {
    const zoo_response *work = context;
    zoo_range planes = zoo_range_of(work->batch * work->channels, part, parts);
    int64_t from = planes.from * work->places, count = planes.to * work->places - from;
    const float *x = work->source + from, *divisors = work->divisors + from;
    float *own = work->destination + from, *slopes = work->slopes + from;
    divide(own, count, work->result_gradient + from, divisors, (float)work->beta);
    for (int64_t i = 0; i < count; i++) slopes[i] = own[i] * x[i] / divisors[i];
}

static void gradient_part(const void *context, int32_t part, int32_t parts) {
    const zoo_response *work = context;
    float factor = (float)(2 * work->beta * work->alpha / (double)work->size);
    zoo_range planes = zoo_range_of(work->batch * work->channels, part, parts);
    for (int64_t plane = planes.from; plane < planes.to; plane++) {
        zoo_range range = neighbours(work, plane % work->channels, true);
        const float *first = work->slopes + (plane - plane % work->channels + range.from) * work->places;
        for (int64_t place = 0; place < work->places; place += chunk) {
            int64_t count = work->places - place < chunk ? work->places - place : chunk;
            int64_t at = plane * work->places + place;
            float sums[chunk];
            add_channels(sums, count, first + place, range.to - range.from, work->places, false);
            for (int64_t i = 0; i < count; i++) {
                work->destination[at + i] -= factor * sums[i] * work->source[at + i];
            }
        }
    }
}

void zoo_response_run(void *context) {
    const zoo_response *work = context;
    int64_t planes = work->batch * work->channels;
    int32_t parts = zoo_parts(planes * work->places, planes, work->threads);
    if (!work->result_gradient) {
        zoo_parallel(parts, forward_part, work);
        return;
    }
    zoo_parallel(parts, slope_part, work);
    zoo_parallel(parts, gradient_part, work);
}
