// What the shim's files share. oneDNN 2.6 passes memory descriptors as structs, 3.x as handles.
#ifndef ZOO_DNN_PROGRAM_H
#define ZOO_DNN_PROGRAM_H

#include "COneDNNShim.h"

#include <dnnl.h>

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t zoo_layout_ref;
#else
typedef const dnnl_memory_desc_t *zoo_layout_ref;
#endif

enum { zoo_most_arguments = 8, zoo_list_count = 8 };

typedef struct {
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arguments[zoo_most_arguments];
    int32_t argument_count;
    void (*function)(void *context);
    void *context;
} zoo_operation;

typedef struct {
    int32_t *items;
    int32_t count, capacity;
} zoo_list;

struct zoo_dnn_program {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_memory_desc_t *descriptors;
    int32_t descriptor_count, descriptor_capacity;
    zoo_operation *operations;
    int32_t operation_count, operation_capacity;
    zoo_list lists[zoo_list_count];
};

// Makes room for one more element of an array; 0 when there is no memory.
void *zoo_grown(void *items, int32_t count, int32_t *capacity, size_t size);
// Takes over a descriptor; on failure it is destroyed.
int zoo_add_descriptor(zoo_dnn_program *program, dnnl_memory_desc_t descriptor, int32_t *index);
// Takes over a primitive descriptor; on failure it is destroyed.
int zoo_add_operation(zoo_dnn_program *program, dnnl_primitive_desc_t description, int32_t *index);
// oneDNN's name of an argument.
int zoo_argument_code(zoo_dnn_argument argument);

static inline bool zoo_has_descriptor(const zoo_dnn_program *program, int32_t index) {
    return index >= 0 && index < program->descriptor_count;
}

static inline bool zoo_has_operation(const zoo_dnn_program *program, int32_t index) {
    return index >= 0 && index < program->operation_count;
}

// What oneDNN is handed for an index, null for one that isn't there.
static inline zoo_layout_ref zoo_layout(const zoo_dnn_program *program, int32_t index) {
    if (!zoo_has_descriptor(program, index)) return NULL;
#if DNNL_VERSION_MAJOR >= 3
    return program->descriptors[index];
#else
    return &program->descriptors[index];
#endif
}

static inline const_dnnl_primitive_desc_t zoo_description(const zoo_dnn_program *program, int32_t index) {
    return zoo_has_operation(program, index) ? program->operations[index].description : NULL;
}

#endif
