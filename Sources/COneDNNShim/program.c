#include "program.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void zoo_dnn_version(int32_t *major, int32_t *minor, int32_t *patch) {
    const dnnl_version_t *version = dnnl_version();
    *major = version->major;
    *minor = version->minor;
    *patch = version->patch;
}

const char *zoo_dnn_instruction_set(void) {
    switch ((int)dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41: return "sse41";
    case dnnl_cpu_isa_avx: return "avx";
    case dnnl_cpu_isa_avx2: return "avx2";
    case dnnl_cpu_isa_avx2_vnni: return "avx2_vnni";
    case dnnl_cpu_isa_avx512_core: return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni: return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16: return "avx512_core_bf16";
#if DNNL_VERSION_MAJOR >= 3
    case dnnl_cpu_isa_avx2_vnni_2: return "avx2_vnni_2";
    case dnnl_cpu_isa_avx512_core_fp16: return "avx512_core_fp16";
    case dnnl_cpu_isa_avx512_core_amx: return "avx512_core_amx";
    case dnnl_cpu_isa_avx512_core_amx_fp16: return "avx512_core_amx_fp16";
#else
    case dnnl_cpu_isa_avx512_core_amx: return "avx512_core_amx";
#endif
    default: return "generic";
    }
}

int32_t zoo_dnn_channel_block(void) {
    const char *name = zoo_dnn_instruction_set();
    if (strncmp(name, "avx512", 6) == 0) return 16;
    if (strncmp(name, "avx", 3) == 0 || strcmp(name, "sse41") == 0) return 8;
    return 0;
}

const char *zoo_dnn_status_text(int status) {
    switch (status) {
    case dnnl_success: return "success";
    case dnnl_out_of_memory: return "out of memory";
    case dnnl_invalid_arguments: return "invalid arguments";
    case dnnl_unimplemented: return "unimplemented";
    case dnnl_runtime_error: return "runtime error";
    case dnnl_not_required: return "not required";
    default: return "unknown status";
    }
}

void *zoo_grown(void *items, int32_t count, int32_t *capacity, size_t size) {
    if (count < *capacity) return items;
    int32_t larger = *capacity > 0 ? *capacity * 2 : 32;
    void *moved = realloc(items, (size_t)larger * size);
    if (moved) *capacity = larger;
    return moved;
}

// oneDNN 2 keeps primitives in a cache of the whole process, and with them copies of their descriptions. A copy of one of
// the "brgemm" kernels with fused functions still points into the description that it was copied from; when that is gone,
// and the cache has dropped the primitive meanwhile, making it again from the copy reads freed memory. Plans keep what
// they need themselves, so nothing is lost without the cache.
static void leave_cache(void) {
#if DNNL_VERSION_MAJOR < 3
    (void)dnnl_set_primitive_cache_capacity(0);
#endif
}

int zoo_dnn_program_create(zoo_dnn_program **result) {
    static pthread_once_t left = PTHREAD_ONCE_INIT;
    pthread_once(&left, leave_cache);
    zoo_dnn_program *program = calloc(1, sizeof(*program));
    if (!program) return dnnl_out_of_memory;
    dnnl_status_t status = dnnl_engine_create(&program->engine, dnnl_cpu, 0);
    if (status == dnnl_success) {
        status = dnnl_stream_create(&program->stream, program->engine, dnnl_stream_default_flags);
    }
    if (status != dnnl_success) {
        zoo_dnn_program_destroy(program);
        return status;
    }
    *result = program;
    return dnnl_success;
}

void zoo_dnn_program_destroy(zoo_dnn_program *program) {
    if (!program) return;
    for (int32_t i = 0; i < program->operation_count; i++) {
        zoo_operation *operation = &program->operations[i];
        for (int32_t j = 0; j < operation->argument_count; j++) {
            dnnl_memory_destroy(operation->arguments[j].memory);
        }
        if (operation->primitive) dnnl_primitive_destroy(operation->primitive);
        if (operation->description) dnnl_primitive_desc_destroy(operation->description);
    }
#if DNNL_VERSION_MAJOR >= 3
    for (int32_t i = 0; i < program->descriptor_count; i++) {
        dnnl_memory_desc_destroy(program->descriptors[i]);
    }
#endif
    for (int32_t i = 0; i < zoo_list_count; i++) free(program->lists[i].items);
    free(program->operations);
    free(program->descriptors);
    if (program->stream) dnnl_stream_destroy(program->stream);
    if (program->engine) dnnl_engine_destroy(program->engine);
    free(program);
}

int zoo_dnn_schedule(zoo_dnn_program *program, int32_t index, int32_t operation) {
    if (index < 0 || index >= zoo_list_count || !zoo_has_operation(program, operation)) {
        return dnnl_invalid_arguments;
    }
    const zoo_operation *item = &program->operations[operation];
    if (!item->primitive && !item->function) return dnnl_invalid_arguments;
    zoo_list *list = &program->lists[index];
    int32_t *items = zoo_grown(list->items, list->count, &list->capacity, sizeof(*items));
    if (!items) return dnnl_out_of_memory;
    list->items = items;
    list->items[list->count++] = operation;
    return dnnl_success;
}

static int run_one(zoo_dnn_program *program, const zoo_operation *operation) {
    if (operation->function) {
        operation->function(operation->context);
        return dnnl_success;
    }
    return dnnl_primitive_execute(
        operation->primitive, program->stream, operation->argument_count, operation->arguments);
}

int zoo_dnn_run_one(zoo_dnn_program *program, int32_t index) {
    if (!zoo_has_operation(program, index)) return dnnl_invalid_arguments;
    int status = run_one(program, &program->operations[index]);
    return status == dnnl_success ? (int)dnnl_stream_wait(program->stream) : status;
}

int zoo_dnn_run(zoo_dnn_program *program, int32_t index, int32_t *failed) {
    return zoo_dnn_run_timed(program, index, NULL, failed);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

int zoo_dnn_run_timed(zoo_dnn_program *program, int32_t index, double *seconds, int32_t *failed) {
    if (index < 0 || index >= zoo_list_count) return dnnl_invalid_arguments;
    const zoo_list *list = &program->lists[index];
    double start = seconds ? now() : 0;
    for (int32_t i = 0; i < list->count; i++) {
        int status = run_one(program, &program->operations[list->items[i]]);
        if (status != dnnl_success) {
            if (failed) *failed = list->items[i];
            return status;
        }
        if (seconds) {
            double end = now();
            seconds[i] += end - start;
            start = end;
        }
    }
    return dnnl_stream_wait(program->stream);
}
