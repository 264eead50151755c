/* The growing table that indexing writes. */
#ifndef ZOO_TABLE_H
#define ZOO_TABLE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    unsigned char *bytes;
    size_t count;
    size_t capacity;
    size_t limit;
} zoo_buffer;

/* Each returns 0, -1 when memory is out, -2 when the limit is reached. */
int zoo_put(zoo_buffer *buffer, const void *bytes, size_t count);
int zoo_put_number(zoo_buffer *buffer, uint64_t value);
int zoo_put_string(zoo_buffer *buffer, const void *bytes, size_t count);

#endif
