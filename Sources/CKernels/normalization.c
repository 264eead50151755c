// What works channel by channel: a shift and a scale for each, batch normalisation, rectifiers with learned slopes.
// Sums are taken in double precision, in an order that doesn't depend on the number of threads.
#include "maps.h"

#include <math.h>
#include <string.h>

// MARK: (x − centre)·scale + offset

// The numbers of a tile's channels; padding has zeros.
typedef struct {
    float centre[zoo_most_lanes], scale[zoo_most_lanes], offset[zoo_most_lanes];
} lane_numbers;

// Rows of `lanes` floats; for plain maps, whose tiles have one channel, a row is all of it.
ZOO_WIDE static void scale_rows(
    const lane_numbers *n, int64_t rows, int64_t lanes, int64_t step, const float *x, float *y) {
    if (lanes == 1 && step == 1) {
        float centre = n->centre[0], scale = n->scale[0], offset = n->offset[0];
        for (int64_t i = 0; i < rows; i++) y[i] = (x[i] - centre) * scale + offset;
        return;
    }
    for (int64_t row = 0; row < rows; row++, x += step, y += step) {
        for (int64_t i = 0; i < lanes; i++) y[i] = (x[i] - n->centre[i]) * n->scale[i] + n->offset[i];
    }
}

static float number_at(const float *numbers, int64_t count, int64_t channel, float otherwise) {
    return numbers ? numbers[count == 1 ? 0 : channel] : otherwise;
}

static void scale_part(const void *context, int32_t part, int32_t parts) {
    const zoo_channel_scale *work = context;
    const zoo_map *map = &work->map;
    zoo_range tiles = zoo_range_of(map->batch * zoo_tile_count(map), part, parts);
    for (int64_t index = tiles.from; index < tiles.to; index++) {
        zoo_tile tile = zoo_tile_at(map, index);
        lane_numbers numbers;
        memset(&numbers, 0, sizeof(numbers));
        for (int64_t i = 0; i < tile.channels; i++) {
            int64_t channel = tile.first_channel + i;
            numbers.centre[i] = number_at(work->centre, work->channels, channel, 0);
            numbers.scale[i] = number_at(work->scale, work->channels, channel, 1);
            numbers.offset[i] = number_at(work->offset, work->channels, channel, 0);
            if (work->variance) {
                // Keras: the deviation is at least 1e-7.
                double deviation = sqrt((double)number_at(work->variance, work->channels, channel, 1));
                numbers.scale[i] *= (float)(1 / (deviation > 1e-7 ? deviation : 1e-7));
            }
        }
        scale_rows(
            &numbers, map->height * map->width, tile.lanes, tile.step, work->source + tile.start,
            work->destination + tile.start);
    }
}

void zoo_scale_channels(void *context) {
    const zoo_channel_scale *work = context;
    const zoo_map *map = &work->map;
    int64_t elements = map->batch * zoo_map_sample(map);
    zoo_parallel(
        zoo_parts(elements, map->batch * zoo_tile_count(map), work->threads), scale_part, work);
}

// MARK: sums for each channel

// Adds Σ x and Σ x·x, or Σ y and Σ y·(x − centre)·scale if there is a y.
ZOO_WIDE static void add_rows(
    double *restrict first, double *restrict second, const lane_numbers *n, int64_t rows, int64_t lanes,
    int64_t step, const float *x, const float *y) {
    if (lanes == 1 && step == 1) {
        double one[8] = {0}, two[8] = {0};
        float centre = n->centre[0], scale = n->scale[0];
        int64_t whole = rows / 8 * 8;
        for (int64_t row = 0; row < whole; row += 8) {
            for (int i = 0; i < 8; i++) {
                double value = y ? (double)y[row + i] : (double)x[row + i];
                one[i] += value;
                two[i] += value * (y ? (double)((x[row + i] - centre) * scale) : value);
            }
        }
        for (int64_t row = whole; row < rows; row++) {
            double value = y ? (double)y[row] : (double)x[row];
            one[0] += value;
            two[0] += value * (y ? (double)((x[row] - centre) * scale) : value);
        }
        for (int i = 0; i < 8; i++) {
            first[0] += one[i];
            second[0] += two[i];
        }
        return;
    }
    for (int64_t row = 0; row < rows; row++, x += step) {
        if (y) {
            for (int64_t i = 0; i < lanes; i++) {
                first[i] += (double)y[i];
                second[i] += (double)y[i] * (double)((x[i] - n->centre[i]) * n->scale[i]);
            }
            y += step;
        } else {
            for (int64_t i = 0; i < lanes; i++) {
                first[i] += (double)x[i];
                second[i] += (double)x[i] * (double)x[i];
            }
        }
    }
}

// Numbers of a normalisation's channels.
typedef struct {
    double mean, deviation_inverse;
} statistic;

static statistic statistic_at(const zoo_batch_norm *norm, int64_t channel) {
    statistic result;
    if (norm->is_training) {
        result.mean = norm->saved[channel];
        result.deviation_inverse = norm->saved[norm->map.channels + channel];
    } else {
        result.mean = (double)norm->running_mean[channel];
        result.deviation_inverse = 1 / sqrt((double)norm->running_variance[channel] + norm->epsilon);
    }
    return result;
}

static void sum_part(const void *context, int32_t part, int32_t parts) {
    const zoo_batch_norm *norm = context;
    const zoo_map *map = &norm->map;
    zoo_range tiles = zoo_range_of(map->batch * zoo_tile_count(map), part, parts);
    for (int64_t index = tiles.from; index < tiles.to; index++) {
        zoo_tile tile = zoo_tile_at(map, index);
        double first[zoo_most_lanes] = {0}, second[zoo_most_lanes] = {0};
        lane_numbers numbers;
        memset(&numbers, 0, sizeof(numbers));
        if (norm->result_gradient) {
            for (int64_t i = 0; i < tile.channels; i++) {
                statistic at = statistic_at(norm, tile.first_channel + i);
                numbers.centre[i] = (float)at.mean;
                numbers.scale[i] = (float)at.deviation_inverse;
            }
        }
        add_rows(
            first, second, &numbers, map->height * map->width, tile.lanes, tile.step,
            norm->source + tile.start, norm->result_gradient ? norm->result_gradient + tile.start : NULL);
        double *sums = norm->sums + index / zoo_tile_count(map) * 2 * map->channels + tile.first_channel;
        memcpy(sums, first, (size_t)tile.channels * sizeof(double));
        memcpy(sums + map->channels, second, (size_t)tile.channels * sizeof(double));
    }
}

static int32_t norm_parts(const zoo_batch_norm *norm) {
    const zoo_map *map = &norm->map;
    return zoo_parts(
        map->batch * zoo_map_sample(map), map->batch * zoo_tile_count(map), norm->threads);
}

// The whole batch's sums, in place of the first sample's.
static void sum_channels(const zoo_batch_norm *norm) {
    zoo_parallel(norm_parts(norm), sum_part, norm);
    int64_t width = 2 * norm->map.channels;
    for (int64_t sample = 1; sample < norm->map.batch; sample++) {
        for (int64_t i = 0; i < width; i++) norm->sums[i] += norm->sums[sample * width + i];
    }
}

// MARK: batch normalisation

static void normalize_part(const void *context, int32_t part, int32_t parts) {
    const zoo_batch_norm *norm = context;
    const zoo_map *map = &norm->map;
    zoo_range tiles = zoo_range_of(map->batch * zoo_tile_count(map), part, parts);
    for (int64_t index = tiles.from; index < tiles.to; index++) {
        zoo_tile tile = zoo_tile_at(map, index);
        lane_numbers numbers;
        memset(&numbers, 0, sizeof(numbers));
        for (int64_t i = 0; i < tile.channels; i++) {
            int64_t channel = tile.first_channel + i;
            statistic at = statistic_at(norm, channel);
            double weight = norm->weight ? (double)norm->weight[channel] : 1;
            numbers.centre[i] = (float)at.mean;
            numbers.scale[i] = (float)(weight * at.deviation_inverse);
            // What rounding took off the mean comes back here.
            numbers.offset[i] = (float)((norm->bias ? (double)norm->bias[channel] : 0)
                + ((double)numbers.centre[i] - at.mean) * (double)numbers.scale[i]);
        }
        scale_rows(
            &numbers, map->height * map->width, tile.lanes, tile.step, norm->source + tile.start,
            norm->destination + tile.start);
    }
}

void zoo_batch_norm_forward(void *context) {
    const zoo_batch_norm *norm = context;
    const zoo_map *map = &norm->map;
    if (norm->is_training) {
        sum_channels(norm);
        double count = (double)(map->batch * map->height * map->width);
        for (int64_t channel = 0; channel < map->channels; channel++) {
            double mean = norm->sums[channel] / count;
            double variance = norm->sums[map->channels + channel] / count - mean * mean;
            if (variance < 0) variance = 0;
            norm->saved[channel] = mean;
            norm->saved[map->channels + channel] = 1 / sqrt(variance + norm->epsilon);
            double followed = norm->follows_biased ? variance : variance * (count / (count - 1));
            double share = norm->momentum, rest = 1 - share;
            norm->next_mean[channel] = (float)(rest * (double)norm->running_mean[channel] + share * mean);
            norm->next_variance[channel] =
                (float)(rest * (double)norm->running_variance[channel] + share * followed);
        }
    }
    zoo_parallel(norm_parts(norm), normalize_part, norm);
}

// dx = scale·(dy + centre + offset·(x − mean)); what the names hold is said where they are set.
ZOO_WIDE static void operand_rows(
    const lane_numbers *n, const float *mean, int64_t rows, int64_t lanes, int64_t step, const float *x,
    const float *y, float *result) {
    if (lanes == 1 && step == 1) {
        float centre = n->centre[0], scale = n->scale[0], offset = n->offset[0], middle = mean[0];
        for (int64_t i = 0; i < rows; i++) {
            result[i] = scale * (y[i] + centre + offset * (x[i] - middle));
        }
        return;
    }
    for (int64_t row = 0; row < rows; row++, x += step, y += step, result += step) {
        for (int64_t i = 0; i < lanes; i++) {
            result[i] = n->scale[i] * (y[i] + n->centre[i] + n->offset[i] * (x[i] - mean[i]));
        }
    }
}

static void operand_part(const void *context, int32_t part, int32_t parts) {
    const zoo_batch_norm *norm = context;
    const zoo_map *map = &norm->map;
    double count = (double)(map->batch * map->height * map->width);
    zoo_range tiles = zoo_range_of(map->batch * zoo_tile_count(map), part, parts);
    for (int64_t index = tiles.from; index < tiles.to; index++) {
        zoo_tile tile = zoo_tile_at(map, index);
        lane_numbers numbers;
        float mean[zoo_most_lanes] = {0};
        memset(&numbers, 0, sizeof(numbers));
        for (int64_t i = 0; i < tile.channels; i++) {
            int64_t channel = tile.first_channel + i;
            statistic at = statistic_at(norm, channel);
            double weight = norm->weight ? (double)norm->weight[channel] : 1;
            numbers.scale[i] = (float)(weight * at.deviation_inverse);
            if (norm->is_training) {
                mean[i] = (float)at.mean;
                numbers.centre[i] = (float)(-norm->sums[channel] / count);
                numbers.offset[i] =
                    (float)(-norm->sums[map->channels + channel] / count * at.deviation_inverse);
            }
        }
        operand_rows(
            &numbers, mean, map->height * map->width, tile.lanes, tile.step, norm->source + tile.start,
            norm->result_gradient + tile.start, norm->destination + tile.start);
    }
}

void zoo_batch_norm_backward(void *context) {
    const zoo_batch_norm *norm = context;
    int64_t channels = norm->map.channels;
    if (norm->is_training || norm->weight_gradient || norm->bias_gradient) {
        sum_channels(norm);
        for (int64_t channel = 0; channel < channels; channel++) {
            if (norm->bias_gradient) norm->bias_gradient[channel] = (float)norm->sums[channel];
            if (norm->weight_gradient) norm->weight_gradient[channel] = (float)norm->sums[channels + channel];
        }
    }
    if (norm->destination) zoo_parallel(norm_parts(norm), operand_part, norm);
}

// MARK: rectifiers with a slope for each channel

static void slope_part(const void *context, int32_t part, int32_t parts) {
    const zoo_slopes *work = context;
    const zoo_map *map = &work->map;
    int64_t rows = map->height * map->width;
    zoo_range tiles = zoo_range_of(map->batch * zoo_tile_count(map), part, parts);
    for (int64_t index = tiles.from; index < tiles.to; index++) {
        zoo_tile tile = zoo_tile_at(map, index);
        float slopes[zoo_most_lanes] = {0};
        double sums[zoo_most_lanes] = {0};
        memcpy(slopes, work->slopes + tile.first_channel, (size_t)tile.channels * sizeof(float));
        for (int64_t row = 0; row < rows; row++) {
            int64_t at = tile.start + row * tile.step;
            for (int64_t i = 0; i < tile.lanes; i++) {
                float x = work->source[at + i];
                float value = work->result_gradient ? work->result_gradient[at + i] : x;
                if (work->sums && !(x > 0)) sums[i] += (double)value * (double)x;
                if (work->destination) work->destination[at + i] = x > 0 ? value : slopes[i] * value;
            }
        }
        if (work->sums) {
            double *place = work->sums + index / zoo_tile_count(map) * map->channels + tile.first_channel;
            memcpy(place, sums, (size_t)tile.channels * sizeof(double));
        }
    }
}

void zoo_slopes_run(void *context) {
    const zoo_slopes *work = context;
    const zoo_map *map = &work->map;
    int64_t items = map->batch * zoo_tile_count(map);
    zoo_parallel(zoo_parts(map->batch * zoo_map_sample(map), items, work->threads), slope_part, work);
    if (!work->slopes_gradient) return;
    for (int64_t channel = 0; channel < map->channels; channel++) {
        double sum = 0;
        for (int64_t sample = 0; sample < map->batch; sample++) {
            sum += work->sums[sample * map->channels + channel];
        }
        work->slopes_gradient[channel] = (float)sum;
    }
}

static void fold_part(const void *context, int32_t part, int32_t parts) {
    const zoo_fold *work = context;
    int64_t first = work->rows * part / parts, last = work->rows * (part + 1) / parts;
    for (int64_t row = first; row < last; row++) {
        double factor = 1 / sqrt((double)work->variance[row] + work->epsilon);
        if (work->scale) factor *= work->scale[row];
        const float *weights = work->weights + row * work->columns;
        float *folded = work->folded + row * work->columns;
        for (int64_t i = 0; i < work->columns; i++) folded[i] = (float)(weights[i] * factor);
        double term = ((work->bias ? work->bias[row] : 0) - (double)work->mean[row]) * factor;
        work->folded_bias[row] = (float)(term + (work->centre ? work->centre[row] : 0));
    }
}

void zoo_fold_normalization(void *fold) {
    const zoo_fold *work = fold;
    zoo_parallel(work->rows * work->columns < 1 << 14 ? 1 : work->threads, fold_part, work);
}
