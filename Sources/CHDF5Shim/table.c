#include "table.h"

#include <stdlib.h>
#include <string.h>

int zoo_put(zoo_buffer *buffer, const void *bytes, size_t count) {
    if (count == 0) return 0;
    if (count > buffer->limit || buffer->count > buffer->limit - count) return -2;
    size_t needed = buffer->count + count;
    if (needed > buffer->capacity) {
        size_t capacity = buffer->capacity < 4096 ? 4096 : buffer->capacity;
        while (capacity < needed) capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
        unsigned char *grown = realloc(buffer->bytes, capacity);
        if (grown == NULL) return -1;
        buffer->bytes = grown;
        buffer->capacity = capacity;
    }
    memcpy(buffer->bytes + buffer->count, bytes, count);
    buffer->count = needed;
    return 0;
}

int zoo_put_number(zoo_buffer *buffer, uint64_t value) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(value >> (8 * i));
    return zoo_put(buffer, bytes, sizeof bytes);
}

int zoo_put_string(zoo_buffer *buffer, const void *bytes, size_t count) {
    int status = zoo_put_number(buffer, count);
    return status != 0 ? status : zoo_put(buffer, bytes, count);
}
