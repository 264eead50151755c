// Where the elements of a feature map lie.
#ifndef ZOO_MAPS_H
#define ZOO_MAPS_H

#include "CZooKernels.h"

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

#endif
