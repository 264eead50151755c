#define _GNU_SOURCE
#include "CZooKernels.h"

#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Chains that don't wait for each other: more than any processor has multiply-adds under way.
enum { chains = 12, rounds = 4096 };

typedef struct {
    double seconds;
    double *rates;
} measurement;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static float run_avx512(void) {
    __m512 sums[chains];
    const __m512 factor = _mm512_set1_ps(0.999f), term = _mm512_set1_ps(1e-3f);
    for (int i = 0; i < chains; i++) sums[i] = _mm512_set1_ps((float)i);
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < chains; i++) sums[i] = _mm512_fmadd_ps(sums[i], factor, term);
    }
    for (int i = 1; i < chains; i++) sums[0] = _mm512_add_ps(sums[0], sums[i]);
    return _mm512_cvtss_f32(sums[0]);
}

__attribute__((target("avx2,fma"))) static float run_avx2(void) {
    __m256 sums[chains];
    const __m256 factor = _mm256_set1_ps(0.999f), term = _mm256_set1_ps(1e-3f);
    for (int i = 0; i < chains; i++) sums[i] = _mm256_set1_ps((float)i);
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < chains; i++) sums[i] = _mm256_fmadd_ps(sums[i], factor, term);
    }
    for (int i = 1; i < chains; i++) sums[0] = _mm256_add_ps(sums[0], sums[i]);
    return _mm256_cvtss_f32(sums[0]);
}
#endif

// As wide as the compiler's usual target.
static float run_plain(void) {
    typedef float vector __attribute__((vector_size(16)));
    vector sums[chains];
    for (int i = 0; i < chains; i++) sums[i] = (vector){(float)i, 1, 2, 3};
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < chains; i++) sums[i] = sums[i] * 0.999f + 1e-3f;
    }
    for (int i = 1; i < chains; i++) sums[0] += sums[i];
    return sums[0][0];
}

static void measure(const void *context, int32_t part, int32_t parts) {
    (void)parts;
    const measurement *work = context;
    float (*run)(void) = run_plain;
    double lanes = 4;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        run = run_avx512;
        lanes = 16;
    } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        run = run_avx2;
        lanes = 8;
    }
#endif
    volatile float kept = run();
    double count = 0, start = now(), end = start;
    while (end - start < work->seconds) {
        kept = run();
        count += lanes * chains * rounds;
        end = now();
    }
    (void)kept;
    work->rates[part] = count / (end - start);
}

double zoo_multiply_add_rate(int32_t threads, double seconds) {
    double rates[256] = {0}, sum = 0;
    if (threads < 1) threads = 1;
    if (threads > 256) threads = 256;
    measurement work = {seconds, rates};
    zoo_parallel(threads, measure, &work);
    for (int32_t i = 0; i < threads; i++) sum += rates[i];
    return sum;
}
