// Calls of the operating system that Swift's modules don't have.
#ifndef CZOOKERNELS_SYSTEM_H
#define CZOOKERNELS_SYSTEM_H

#include <stdint.h>

// Has the system begin to bring a part of a file to the disk, and doesn't wait. Does nothing where there is no such call.
void zoo_start_writing_back(int32_t descriptor, int64_t offset, int64_t count);

// Multiply-adds per second that so many threads reach together with vectors of the processor's width and no memory: what
// nothing that computes in single precision can exceed but by computing less. Measures for so long.
double zoo_multiply_add_rate(int32_t threads, double seconds);

// The most memory that this process had resident, in bytes; 0 where the system doesn't tell.
int64_t zoo_peak_memory(void);

/* Tells the processor that this thread is waiting in a loop. */
static inline void zoo_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
