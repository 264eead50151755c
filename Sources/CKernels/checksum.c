// CRC-32 by carry-less multiplication: the bytes are a polynomial over GF(2), of which the checksum is the remainder by
// P = 0x104C11DB7. Four runs of 128 bits are carried forward side by side, each step multiplying by a power of x mod P;
// then they are joined, and Barrett's reduction takes the remainder. All with bits reflected, as zip has them.
// (V. Gopal et al., Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction, Intel 2009.)
#include "checksum.h"

#if defined(__x86_64__)
#include <immintrin.h>

bool zoo_crc32_is_fast(void) {
    return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

// a · (low power) + a · (high power) + next.
__attribute__((target("pclmul,sse4.1"))) static inline __m128i carried(__m128i a, __m128i powers, __m128i next) {
    __m128i low = _mm_clmulepi64_si128(a, powers, 0x00);
    __m128i high = _mm_clmulepi64_si128(a, powers, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

__attribute__((target("pclmul,sse4.1"))) uint32_t zoo_crc32_extend(
    uint32_t checksum, const uint8_t *bytes, size_t count) {
    // x^(512+64), x^512 and x^(128+64), x^128 and x^64 mod P, then P and its inverse; all reflected.
    const __m128i over512 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
    const __m128i over128 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
    const __m128i over64 = _mm_set_epi64x(0, 0x0163cd6124);
    const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);
    const __m128i word = _mm_setr_epi32(-1, 0, 0, 0);
    const __m128i *next = (const __m128i *)bytes;

    __m128i a = _mm_xor_si128(_mm_loadu_si128(next), _mm_cvtsi32_si128((int)~checksum));
    __m128i b = _mm_loadu_si128(next + 1);
    __m128i c = _mm_loadu_si128(next + 2);
    __m128i d = _mm_loadu_si128(next + 3);
    for (next += 4, count -= 64; count >= 64; next += 4, count -= 64) {
        a = carried(a, over512, _mm_loadu_si128(next));
        b = carried(b, over512, _mm_loadu_si128(next + 1));
        c = carried(c, over512, _mm_loadu_si128(next + 2));
        d = carried(d, over512, _mm_loadu_si128(next + 3));
    }
    a = carried(a, over128, b);
    a = carried(a, over128, c);
    a = carried(a, over128, d);
    for (; count >= 16; next += 1, count -= 16) a = carried(a, over128, _mm_loadu_si128(next));

    // 128 bits to 96 to 64.
    a = _mm_xor_si128(_mm_srli_si128(a, 8), _mm_clmulepi64_si128(a, over128, 0x10));
    __m128i rest = _mm_srli_si128(a, 4);
    a = _mm_xor_si128(_mm_clmulepi64_si128(_mm_and_si128(a, word), over64, 0x00), rest);
    __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(a, word), barrett, 0x10);
    quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, word), barrett, 0x00);
    return ~(uint32_t)_mm_extract_epi32(_mm_xor_si128(a, quotient), 1);
}

#else

bool zoo_crc32_is_fast(void) { return false; }

uint32_t zoo_crc32_extend(uint32_t checksum, const uint8_t *bytes, size_t count) {
    (void)bytes;
    (void)count;
    return checksum;
}

#endif
