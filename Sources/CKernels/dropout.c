// Dropout whose mask is a pure function of seed, path, step, sample and place (RandomStream in ZooTensors).
#include "maps.h"

#include <string.h>

// Philox 4×32-10, one block of four numbers.
static void philox(const uint32_t start[2], uint64_t block, uint64_t step, uint32_t words[4]) {
    uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32), c2 = (uint32_t)step;
    uint32_t c3 = (uint32_t)(step >> 32), k0 = start[0], k1 = start[1];
    for (int round = 0; round < 10; round++) {
        uint64_t first = (uint64_t)c0 * 0xD2511F53u, second = (uint64_t)c2 * 0xCD9E8D57u;
        c0 = (uint32_t)(second >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)second;
        c2 = (uint32_t)(first >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)first;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
}

static void make_mask(const zoo_dropout *dropout, uint64_t start, int64_t count, uint8_t *mask) {
    uint32_t words[4] = {0};
    uint64_t index = start, block = ~(uint64_t)0;
    for (int64_t i = 0; i < count; i++, index++) {
        if (index / 4 != block) {
            block = index / 4;
            philox(dropout->key, block, dropout->step, words);
        }
        mask[i] = words[index % 4] >> 8 >= dropout->threshold;
    }
}

// A dropped element is 0 even where the operand isn't finite.
static void apply(
    const zoo_dropout *dropout, const uint8_t *mask, const float *source, float *destination) {
    const zoo_map *map = &dropout->map;
    int64_t plane = map->height * map->width, count = map->channels * plane;
    bool canonical = plane == 1 || map->channels == 1 || map->block == (dropout->channels_last ? -1 : 0);
    if (canonical && map->block <= 0) {
        for (int64_t i = 0; i < count; i++) destination[i] = mask[i] ? source[i] * dropout->scale : 0;
        return;
    }
    if (map->block > 0 && source != destination) {
        memset(destination, 0, (size_t)zoo_map_sample(map) * sizeof(float));
    }
    for (int64_t channel = 0; channel < map->channels; channel++) {
        for (int64_t place = 0; place < plane; place++) {
            int64_t at = zoo_map_offset(map, channel, place);
            int64_t index =
                dropout->channels_last ? place * map->channels + channel : channel * plane + place;
            destination[at] = mask[index] ? source[at] * dropout->scale : 0;
        }
    }
}

static void run(const zoo_dropout *dropout, int32_t part, int32_t parts, bool forward) {
    int64_t count = dropout->map.channels * dropout->map.height * dropout->map.width;
    int64_t sample_size = zoo_map_sample(&dropout->map);
    for (int64_t sample = part; sample < dropout->map.batch; sample += parts) {
        uint8_t *mask = dropout->mask + sample * count;
        if (forward) make_mask(dropout, dropout->start + (uint64_t)(sample * count), count, mask);
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

// Below this many elements, waking threads takes longer than the work.
enum { serial_elements = 1 << 14 };

static int32_t part_count(const zoo_dropout *dropout) {
    int64_t count = dropout->map.batch * zoo_map_sample(&dropout->map);
    if (count < serial_elements || dropout->map.batch < 2) return 1;
    return dropout->map.batch < dropout->threads ? (int32_t)dropout->map.batch : dropout->threads;
}

void zoo_dropout_forward(void *context) {
    const zoo_dropout *dropout = context;
    zoo_parallel(part_count(dropout), forward_part, dropout);
}

void zoo_dropout_backward(void *context) {
    const zoo_dropout *dropout = context;
    zoo_parallel(part_count(dropout), backward_part, dropout);
}
