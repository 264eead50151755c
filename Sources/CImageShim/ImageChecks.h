#ifndef ZOO_IMAGE_CHECKS_H
#define ZOO_IMAGE_CHECKS_H

#include <string.h>

#include "CImageShim.h"

/// Copies a library's message, cut to the room there is. The message may be the one that is there already.
static inline void zoo_image_say(zoo_image_info *info, const char *message) {
    if (message == info->message) return;
    strncpy(info->message, message ? message : "", sizeof info->message - 1);
    info->message[sizeof info->message - 1] = 0;
}

/// Whether a size is within the limits; `bytes_per_pixel` × pixels then fits 64 bits.
static inline zoo_image_status zoo_image_check_size(zoo_image_info *info, zoo_image_limits limits) {
    if (info->width == 0 || info->height == 0) return ZOO_IMAGE_CORRUPT;
    if (info->width > limits.side || info->height > limits.side ||
        (uint64_t)info->width * info->height > limits.pixels) {
        zoo_image_say(info, "larger than the limits allow");
        return ZOO_IMAGE_TOO_LARGE;
    }
    return ZOO_IMAGE_OK;
}

/// Whether the buffer is exactly what the header asks for.
static inline int zoo_image_fits(const zoo_image_info *info, const uint8_t *pixels, size_t pixel_bytes) {
    return pixels != NULL && (uint64_t)info->width * info->height * info->channels == pixel_bytes;
}

#endif
