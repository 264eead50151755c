// Where the elements of a feature map lie.
#ifndef ZOO_MAPS_H
#define ZOO_MAPS_H

#include "CZooKernels.h"

// Widened by the compiler to the vectors that the machine has.
#if defined(__x86_64__) && defined(__linux__)
#define ZOO_WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ZOO_WIDE
#endif

// Channels with the padding to whole blocks.
static inline int64_t zoo_map_padded(const zoo_map *map) {
    if (map->block <= 0) return map->channels;
    return (map->channels + map->block - 1) / map->block * map->block;
}

// Floats of one sample.
static inline int64_t zoo_map_sample(const zoo_map *map) {
    return zoo_map_padded(map) * map->height * map->width;
}

// Offset in its sample of the element at a channel and a place (row × width + column).
static inline int64_t zoo_map_offset(const zoo_map *map, int64_t channel, int64_t place) {
    int64_t plane = map->height * map->width;
    if (map->block == 0) return channel * plane + place;
    if (map->block < 0) return place * map->channels + channel;
    return (channel / map->block * plane + place) * map->block + channel % map->block;
}

// Neighbouring channels of one sample: `lanes` floats at every place, of which `channels` are in use; the others are
// padding, and zero.
typedef struct {
    // Offset of the first float, and distance between places.
    int64_t start, step;
    int64_t first_channel;
    int64_t channels, lanes;
} zoo_tile;

enum { zoo_most_lanes = 64 };

// Channels of one tile.
static inline int64_t zoo_tile_width(const zoo_map *map) {
    if (map->block > 0) return map->block;
    if (map->block == 0) return 1;
    return map->channels < zoo_most_lanes ? map->channels : zoo_most_lanes;
}

// Tiles of one sample.
static inline int64_t zoo_tile_count(const zoo_map *map) {
    int64_t width = zoo_tile_width(map);
    return width > 0 ? (map->channels + width - 1) / width : 0;
}

// Tile number `index` of the batch: those of a sample follow one another.
static inline zoo_tile zoo_tile_at(const zoo_map *map, int64_t index) {
    int64_t count = zoo_tile_count(map), width = zoo_tile_width(map);
    int64_t sample = index / count, first = index % count * width;
    int64_t rest = map->channels - first;
    zoo_tile tile;
    tile.first_channel = first;
    tile.channels = rest < width ? rest : width;
    tile.lanes = map->block > 0 ? width : tile.channels;
    tile.step = map->block > 0 ? map->block : map->block < 0 ? map->channels : 1;
    tile.start = sample * zoo_map_sample(map) + zoo_map_offset(map, first, 0);
    return tile;
}

// Below this many elements, waking threads takes longer than the work.
enum { zoo_serial_elements = 1 << 14 };

// Into how many parts work on so many elements is divided.
static inline int32_t zoo_parts(int64_t elements, int64_t items, int32_t threads) {
    if (elements < zoo_serial_elements || items < 2) return 1;
    return items < threads ? (int32_t)items : threads;
}

typedef struct {
    int64_t from, to;
} zoo_range;

// The items of one part, which are neighbours.
static inline zoo_range zoo_range_of(int64_t items, int32_t part, int32_t parts) {
    zoo_range range = {items * part / parts, items * (part + 1) / parts};
    return range;
}

#endif
