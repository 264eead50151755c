// The checksum of zip and gzip.
#ifndef ZOO_CHECKSUM_H
#define ZOO_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Whether this processor has the instruction that makes the following fast.
bool zoo_crc32_is_fast(void);
// Carries a checksum on over bytes, whose number is a multiple of 16 and at least 64. Only where it's fast.
uint32_t zoo_crc32_extend(uint32_t checksum, const uint8_t *bytes, size_t count);

#endif
