// Local response normalisation: each element divided by what its neighbours among the channels amount to. oneDNN's
// counts other neighbours where their number is even.
#include "maps.h"

#include <math.h>

// Channels whose squares the sum of `channel` counts, or backward those whose sums count its square.
static zoo_range neighbours(const zoo_response *work, int64_t channel, bool backward) {
    int64_t before = backward ? (work->size - 1) / 2 : work->size / 2;
    zoo_range range = {channel - before, channel - before + work->size};
    if (range.from < 0) range.from = 0;
    if (range.to > work->channels) range.to = work->channels;
    return range;
}

static void divisor_part(const void *context, int32_t part, int32_t parts) {
    const zoo_response *work = context;
    float share = (float)(work->alpha / (double)work->size), k = (float)work->k, beta = (float)work->beta;
    zoo_range planes = zoo_range_of(work->batch * work->channels, part, parts);
    for (int64_t plane = planes.from; plane < planes.to; plane++) {
        zoo_range range = neighbours(work, plane % work->channels, false);
        int64_t at = plane * work->places;
        const float *first = work->source + (plane - plane % work->channels + range.from) * work->places;
        for (int64_t i = 0; i < work->places; i++) {
            float sum = 0;
            for (int64_t j = 0; j < range.to - range.from; j++) {
                float x = first[j * work->places + i];
                sum += x * x;
            }
            work->divisors[at + i] = k + share * sum;
            work->destination[at + i] = work->source[at + i] / powf(work->divisors[at + i], beta);
        }
    }
}

static void slope_part(const void *context, int32_t part, int32_t parts) {
    const zoo_response *work = context;
    zoo_range planes = zoo_range_of(work->batch * work->channels, part, parts);
    for (int64_t i = planes.from * work->places; i < planes.to * work->places; i++) {
        float result = work->source[i] / powf(work->divisors[i], (float)work->beta);
        work->slopes[i] = work->result_gradient[i] * result / work->divisors[i];
    }
}

static void gradient_part(const void *context, int32_t part, int32_t parts) {
    const zoo_response *work = context;
    float factor = (float)(2 * work->beta * work->alpha / (double)work->size), beta = (float)work->beta;
    zoo_range planes = zoo_range_of(work->batch * work->channels, part, parts);
    for (int64_t plane = planes.from; plane < planes.to; plane++) {
        zoo_range range = neighbours(work, plane % work->channels, true);
        int64_t at = plane * work->places;
        const float *first = work->slopes + (plane - plane % work->channels + range.from) * work->places;
        for (int64_t i = 0; i < work->places; i++) {
            float sum = 0;
            for (int64_t j = 0; j < range.to - range.from; j++) sum += first[j * work->places + i];
            work->destination[at + i] = work->result_gradient[at + i] / powf(work->divisors[at + i], beta)
                - factor * sum * work->source[at + i];
        }
    }
}

void zoo_response_run(void *context) {
    const zoo_response *work = context;
    int64_t planes = work->batch * work->channels;
    int32_t parts = zoo_parts(planes * work->places, planes, work->threads);
    if (!work->result_gradient) {
        zoo_parallel(parts, divisor_part, work);
        return;
    }
    zoo_parallel(parts, slope_part, work);
    zoo_parallel(parts, gradient_part, work);
}
