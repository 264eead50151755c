// Kernels in C for what oneDNN lacks, and the threads that math runs on.
#ifndef CZOOKERNELS_H
#define CZOOKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checksum.h"
#include "optimizers.h"
#include "system.h"

// MARK: threads

// An operating system's thread that runs one function.
typedef struct zoo_thread zoo_thread;

// Null when the system refuses.
zoo_thread *zoo_thread_start(void (*body)(void *context), void *context);
bool zoo_thread_is_current(const zoo_thread *thread);
// Waits for the thread's end, unless called from the thread itself, and frees it.
void zoo_thread_finish(zoo_thread *thread);

// A counting signal between threads.
typedef struct zoo_signal zoo_signal;

zoo_signal *zoo_signal_create(void);
void zoo_signal_destroy(zoo_signal *signal);
void zoo_signal_send(zoo_signal *signal);
// Takes one; first watches for it for some microseconds, since falling asleep costs more than that.
void zoo_signal_wait(zoo_signal *signal, int32_t watch_microseconds);

// How many threads OpenMP uses when the calling thread asks for help. False when there is no OpenMP runtime
// in the process. The runtime is looked up by name, so that it's always the one that oneDNN brought.
bool zoo_openmp_set_threads(int32_t count);
// Calls body(context, part, parts) for every part, on the calling thread's OpenMP pool.
void zoo_parallel(
    int32_t parts, void (*body)(const void *context, int32_t part, int32_t parts), const void *context);

// MARK: feature maps

// [N, C, H, W] in memory. Vectors are maps of 1×1.
typedef struct {
    int64_t batch, channels, height, width;
    // 0: NCHW; -1: NHWC; else channels in blocks of so many innermost.
    int32_t block;
} zoo_map;

// MARK: dropout

typedef struct {
    zoo_map map;
    // Whether the canonical order of a sample's elements is H, W, C.
    bool channels_last;
    // Of 2^24 values of the upper random bits, the lowest so many drop the element.
    uint32_t threshold;
    float scale;
    int32_t threads;
    // Philox key and step of this run's stream, and the index of the batch's first element.
    uint32_t key[2];
    uint64_t step, start;
    const float *source;
    float *destination;
    // One byte per element in canonical order, written forward, read backward.
    uint8_t *mask;
} zoo_dropout;

void zoo_dropout_forward(void *dropout);
void zoo_dropout_backward(void *dropout);

// MARK: average pooling by PyTorch's rule for windows that reach beyond the padding

typedef struct {
    zoo_map source_map, destination_map;
    int64_t window[2], stride[2], before[2], after[2];
    bool counts_padding;
    int32_t threads;
    const float *source;
    float *destination;
} zoo_average;

void zoo_average_forward(void *average);
// Source is the result's gradient, destination the operand's.
void zoo_average_backward(void *average);

#endif
