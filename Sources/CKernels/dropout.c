// Dropout whose mask is a pure function of seed, path, step, sample and place (RandomStream in ZooTensors).
#include "maps.h"

#include <string.h>

enum { lanes = 64 };

// Philox 4×32-10 for `lanes` blocks of four numbers from block number `first` on; word w of block b is
// words[w][b].
ZOO_WIDE static void philox(
    const uint32_t key[2], uint64_t first, uint64_t step, uint32_t words[4][lanes]) {
    for (int lane = 0; lane < lanes; lane++) {
        uint64_t block = first + (uint64_t)lane;
        uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32), c2 = (uint32_t)step;
        uint32_t c3 = (uint32_t)(step >> 32), k0 = key[0], k1 = key[1];
#pragma clang loop unroll(full)
        for (int round = 0; round < 10; round++) {
            uint64_t low = (uint64_t)c0 * 0xD2511F53u, high = (uint64_t)c2 * 0xCD9E8D57u;
            c0 = (uint32_t)(high >> 32) ^ c1 ^ k0;
            c1 = (uint32_t)high;
            c2 = (uint32_t)(low >> 32) ^ c3 ^ k1;
            c3 = (uint32_t)low;
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        words[0][lane] = c0;
        words[1][lane] = c1;
        words[2][lane] = c2;
        words[3][lane] = c3;
    }
}

static void make_mask(const zoo_dropout *dropout, uint64_t start, int64_t count, uint8_t *mask) {
    uint32_t words[4][lanes];
    uint64_t end = start + (uint64_t)count;
    for (uint64_t block = start / 4; block * 4 < end; block += lanes) {
        philox(dropout->key, block, dropout->step, words);
        uint64_t from = block * 4 < start ? start : block * 4;
        uint64_t to = block * 4 + 4 * lanes < end ? block * 4 + 4 * lanes : end;
        for (uint64_t index = from; index < to; index++) {
            mask[index - start] = words[index % 4][index / 4 - block] >> 8 >= dropout->threshold;
        }
    }
}

// A dropped element is 0 even where the operand isn't finite.
static inline float kept(const zoo_dropout *dropout, uint8_t mask, float value) {
    return mask ? value * dropout->scale : 0;
}

static void apply(
    const zoo_dropout *dropout, const uint8_t *mask, const float *source, float *destination) {
    const zoo_map *map = &dropout->map;
    int64_t channels = map->channels, plane = map->height * map->width, count = channels * plane;
    bool is_row = plane == 1 || channels == 1 || map->block == (dropout->channels_last ? -1 : 0);
    if (is_row && map->block <= 0) {
        for (int64_t i = 0; i < count; i++) destination[i] = kept(dropout, mask[i], source[i]);
        return;
    }
    // Steps of the mask's index.
    int64_t per_channel = dropout->channels_last ? 1 : plane, per_place = dropout->channels_last ? channels : 1;
    // Memory holds groups of channels (all, one, or a block), and in a group places of so many channels.
    int64_t group = map->block > 0 ? map->block : map->block < 0 ? channels : 1;
    for (int64_t first = 0; first < channels; first += group) {
        int64_t width = channels - first < group ? channels - first : group;
        for (int64_t place = 0; place < plane; place++) {
            const uint8_t *bits = mask + first * per_channel + place * per_place;
            for (int64_t i = 0; i < width; i++) {
                destination[i] = kept(dropout, bits[i * per_channel], source[i]);
            }
            // Beyond the last channel memory is zero.
            for (int64_t i = width; i < group; i++) destination[i] = 0;
            source += group;
            destination += group;
        }
    }
}

// Units of one sample, each of which has a byte in the mask.
static int64_t unit_count(const zoo_dropout *dropout) {
    const zoo_map *map = &dropout->map;
    switch (dropout->unit) {
    case zoo_dropout_elements: return map->channels * map->height * map->width;
    case zoo_dropout_channels: return map->channels;
    case zoo_dropout_samples: return 1;
    }
    return 0;
}

// Whole channels, or the whole sample.
static void apply_whole(const zoo_dropout *dropout, const uint8_t *mask, int64_t sample) {
    const zoo_map *map = &dropout->map;
    int64_t count = zoo_tile_count(map);
    for (int64_t index = 0; index < count; index++) {
        zoo_tile tile = zoo_tile_at(map, sample * count + index);
        uint8_t bits[zoo_most_lanes] = {0};
        for (int64_t i = 0; i < tile.channels; i++) {
            bits[i] = mask[dropout->unit == zoo_dropout_samples ? 0 : tile.first_channel + i];
        }
        for (int64_t place = 0; place < map->height * map->width; place++) {
            int64_t at = tile.start + place * tile.step;
            for (int64_t i = 0; i < tile.lanes; i++) {
                dropout->destination[at + i] = kept(dropout, bits[i], dropout->source[at + i]);
            }
        }
    }
}

static void run(const zoo_dropout *dropout, int32_t part, int32_t parts, bool forward) {
    int64_t count = unit_count(dropout), sample_size = zoo_map_sample(&dropout->map);
    for (int64_t sample = part; sample < dropout->map.batch; sample += parts) {
        uint8_t *mask = dropout->mask + sample * count;
        if (forward) make_mask(dropout, dropout->start + (uint64_t)(sample * count), count, mask);
        if (dropout->unit != zoo_dropout_elements) {
            apply_whole(dropout, mask, sample);
            continue;
        }
        int64_t start = sample * sample_size;
        apply(dropout, mask, dropout->source + start, dropout->destination + start);
    }
}

static void forward_part(const void *dropout, int32_t part, int32_t parts) {
    run(dropout, part, parts, true);
}

static void backward_part(const void *dropout, int32_t part, int32_t parts) {
    run(dropout, part, parts, false);
}

static int32_t part_count(const zoo_dropout *dropout) {
    int64_t batch = dropout->map.batch;
    return zoo_parts(batch * zoo_map_sample(&dropout->map), batch, dropout->threads);
}

void zoo_dropout_forward(void *context) {
    const zoo_dropout *dropout = context;
    zoo_parallel(part_count(dropout), forward_part, dropout);
}

void zoo_dropout_backward(void *context) {
    const zoo_dropout *dropout = context;
    zoo_parallel(part_count(dropout), backward_part, dropout);
}
