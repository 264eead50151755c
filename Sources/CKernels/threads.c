#define _GNU_SOURCE
#include "CZooKernels.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct zoo_thread {
    pthread_t thread;
    void (*body)(void *context);
    void *context;
};

static void *run_body(void *argument) {
    zoo_thread *thread = argument;
    thread->body(thread->context);
    return NULL;
}

zoo_thread *zoo_thread_start(void (*body)(void *context), void *context) {
    zoo_thread *thread = calloc(1, sizeof(*thread));
    if (!thread) return NULL;
    thread->body = body;
    thread->context = context;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    // The main thread's usual size; compilers of kernels are deep.
    pthread_attr_setstacksize(&attributes, 8u << 20);
    int status = pthread_create(&thread->thread, &attributes, run_body, thread);
    pthread_attr_destroy(&attributes);
    if (status != 0) {
        free(thread);
        return NULL;
    }
    return thread;
}

bool zoo_thread_is_current(const zoo_thread *thread) {
    return pthread_equal(pthread_self(), thread->thread) != 0;
}

void zoo_thread_finish(zoo_thread *thread) {
    if (zoo_thread_is_current(thread)) {
        // Nobody can wait for itself. run_body has read all that it needs of `thread`.
        pthread_detach(thread->thread);
    } else {
        pthread_join(thread->thread, NULL);
    }
    free(thread);
}

struct zoo_signal {
    atomic_int count;
    atomic_int sleepers;
    pthread_mutex_t mutex;
    pthread_cond_t condition;
};

zoo_signal *zoo_signal_create(void) {
    zoo_signal *signal = calloc(1, sizeof(*signal));
    if (!signal) return NULL;
    pthread_mutex_init(&signal->mutex, NULL);
    pthread_cond_init(&signal->condition, NULL);
    return signal;
}

void zoo_signal_destroy(zoo_signal *signal) {
    pthread_cond_destroy(&signal->condition);
    pthread_mutex_destroy(&signal->mutex);
    free(signal);
}

static bool take(zoo_signal *signal) {
    int count = atomic_load(&signal->count);
    while (count > 0) {
        if (atomic_compare_exchange_weak(&signal->count, &count, count - 1)) return true;
    }
    return false;
}

void zoo_signal_send(zoo_signal *signal) {
    // Under the mutex, so that a receiver that destroys the signal on waking can't do so while it's in use.
    pthread_mutex_lock(&signal->mutex);
    atomic_fetch_add(&signal->count, 1);
    if (atomic_load(&signal->sleepers) > 0) pthread_cond_signal(&signal->condition);
    pthread_mutex_unlock(&signal->mutex);
}

static int64_t nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void zoo_signal_wait(zoo_signal *signal, int32_t watch_microseconds) {
    bool taken = false;
    if (watch_microseconds > 0) {
        int64_t end = nanoseconds() + (int64_t)watch_microseconds * 1000;
        do {
            for (int i = 0; i < 32 && !taken; i++) {
                taken = take(signal);
                if (!taken) pause_briefly();
            }
        } while (!taken && nanoseconds() < end);
    }
    pthread_mutex_lock(&signal->mutex);
    atomic_fetch_add(&signal->sleepers, 1);
    while (!taken && !(taken = take(signal))) pthread_cond_wait(&signal->condition, &signal->mutex);
    atomic_fetch_sub(&signal->sleepers, 1);
    pthread_mutex_unlock(&signal->mutex);
}

// MARK: OpenMP

static struct {
    void (*set_threads)(int);
    void (*set_dynamic)(int);
    int (*thread_number)(void);
    int (*thread_count)(void);
    void (*parallel)(void (*body)(void *), void *context, unsigned threads, unsigned flags);
} openmp;
static pthread_once_t looked_up = PTHREAD_ONCE_INIT;

static void look_up(void) {
    openmp.set_threads = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    openmp.set_dynamic = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_dynamic");
    openmp.thread_number = (int (*)(void))dlsym(RTLD_DEFAULT, "omp_get_thread_num");
    openmp.thread_count = (int (*)(void))dlsym(RTLD_DEFAULT, "omp_get_num_threads");
    // GCC's entry point, which LLVM's runtime offers too.
    openmp.parallel =
        (void (*)(void (*)(void *), void *, unsigned, unsigned))dlsym(RTLD_DEFAULT, "GOMP_parallel");
}

bool zoo_openmp_set_threads(int32_t count) {
    pthread_once(&looked_up, look_up);
    if (!openmp.set_threads) return false;
    if (openmp.set_dynamic) openmp.set_dynamic(0);
    openmp.set_threads(count);
    return true;
}

typedef struct {
    int32_t parts;
    void (*body)(const void *context, int32_t part, int32_t parts);
    const void *context;
} region;

static void run_region(void *argument) {
    const region *region = argument;
    int32_t threads = openmp.thread_count();
    // The runtime may give fewer threads than asked for; every part is done all the same.
    for (int32_t part = openmp.thread_number(); part < region->parts; part += threads) {
        region->body(region->context, part, region->parts);
    }
}

void zoo_parallel(
    int32_t parts, void (*body)(const void *context, int32_t part, int32_t parts), const void *context) {
    pthread_once(&looked_up, look_up);
    if (parts > 1 && openmp.parallel && openmp.thread_number && openmp.thread_count) {
        region region = {parts, body, context};
        openmp.parallel(run_region, &region, (unsigned)parts, 0);
    } else {
        for (int32_t part = 0; part < parts; part++) body(context, part, parts);
    }
}
