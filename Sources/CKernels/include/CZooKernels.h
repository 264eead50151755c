// Kernels in C for what oneDNN lacks, and the threads that math runs on.
#ifndef CZOOKERNELS_H
#define CZOOKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checksum.h"
#include "layers.h"
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

#endif
