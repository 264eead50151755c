// Average pooling where a ceil-mode window reaches beyond the padding and padding counts: PyTorch divides by
// the elements within the padding, which oneDNN can't express. Rare, so plain loops.
#include "maps.h"

#include <string.h>

typedef struct {
    int64_t first, last, length;
} span;

static span seen(const zoo_average *average, int axis, int64_t index, int64_t size) {
    int64_t start = index * average->stride[axis] - average->before[axis];
    int64_t end = start + average->window[axis];
    if (end > size + average->after[axis]) end = size + average->after[axis];
    span result = {start > 0 ? start : 0, end < size ? end : size, end - start};
    return result;
}

// Calls for the samples of one part; small is the pooled side, large the other.
static void run(const zoo_average *average, int32_t part, int32_t parts, bool forward) {
    const zoo_map *small = forward ? &average->destination_map : &average->source_map;
    const zoo_map *large = forward ? &average->source_map : &average->destination_map;
    int64_t from_size = zoo_map_sample(&average->source_map);
    int64_t to_size = zoo_map_sample(&average->destination_map);
    for (int64_t sample = part; sample < small->batch; sample += parts) {
        const float *from = average->source + sample * from_size;
        float *to = average->destination + sample * to_size;
        memset(to, 0, (size_t)to_size * sizeof(float));
        for (int64_t channel = 0; channel < small->channels; channel++) {
            for (int64_t row = 0; row < small->height; row++) {
                span rows = seen(average, 0, row, large->height);
                for (int64_t column = 0; column < small->width; column++) {
                    span columns = seen(average, 1, column, large->width);
                    int64_t existing = (rows.last - rows.first) * (columns.last - columns.first);
                    int64_t all = rows.length * columns.length;
                    float divisor = (float)(average->counts_padding ? all : existing);
                    int64_t at = zoo_map_offset(small, channel, row * small->width + column);
                    float sum = 0, share = forward ? 0 : from[at] / divisor;
                    for (int64_t y = rows.first; y < rows.last; y++) {
                        for (int64_t x = columns.first; x < columns.last; x++) {
                            int64_t other = zoo_map_offset(large, channel, y * large->width + x);
                            if (forward) sum += from[other];
                            else to[other] += share;
                        }
                    }
                    if (forward) to[at] = sum / divisor;
                }
            }
        }
    }
}

static void forward_part(const void *average, int32_t part, int32_t parts) {
    run(average, part, parts, true);
}

static void backward_part(const void *average, int32_t part, int32_t parts) {
    run(average, part, parts, false);
}

static int32_t part_count(const zoo_average *average) {
    int64_t batch = average->source_map.batch;
    return batch < average->threads ? (int32_t)batch : average->threads;
}

void zoo_average_forward(void *context) {
    const zoo_average *average = context;
    zoo_parallel(part_count(average), forward_part, average);
}

void zoo_average_backward(void *context) {
    const zoo_average *average = context;
    zoo_parallel(part_count(average), backward_part, average);
}
