#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int zoo_add_descriptor(zoo_dnn_program *program, dnnl_memory_desc_t descriptor, int32_t *index) {
    dnnl_memory_desc_t *items = zoo_grown(
        program->descriptors, program->descriptor_count, &program->descriptor_capacity, sizeof(*items));
    if (!items) {
#if DNNL_VERSION_MAJOR >= 3
        dnnl_memory_desc_destroy(descriptor);
#endif
        return dnnl_out_of_memory;
    }
    program->descriptors = items;
    program->descriptors[program->descriptor_count] = descriptor;
    *index = program->descriptor_count++;
    return dnnl_success;
}

static dnnl_format_tag_t tag(int32_t rank, zoo_dnn_layout layout) {
    static const dnnl_format_tag_t plain[] = {
        dnnl_format_tag_undef, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde};
    switch (layout) {
    case zoo_dnn_layout_any: return dnnl_format_tag_any;
    case zoo_dnn_layout_plain: return rank <= 5 ? plain[rank] : dnnl_format_tag_undef;
    case zoo_dnn_layout_channels_last: return rank == 4 ? dnnl_acdb : dnnl_format_tag_undef;
    case zoo_dnn_layout_blocked16: return rank == 4 ? dnnl_aBcd16b : dnnl_format_tag_undef;
    case zoo_dnn_layout_blocked8: return rank == 4 ? dnnl_aBcd8b : dnnl_format_tag_undef;
    }
    return dnnl_format_tag_undef;
}

int zoo_dnn_describe(
    zoo_dnn_program *program, int32_t rank, const int64_t *dimensions, zoo_dnn_layout layout,
    int32_t *descriptor) {
    if (rank < 1 || rank > 5) return dnnl_invalid_arguments;
    dnnl_memory_desc_t made;
#if DNNL_VERSION_MAJOR >= 3
    int status = dnnl_memory_desc_create_with_tag(&made, rank, dimensions, dnnl_f32, tag(rank, layout));
#else
    int status = dnnl_memory_desc_init_by_tag(&made, rank, dimensions, dnnl_f32, tag(rank, layout));
#endif
    return status == dnnl_success ? zoo_add_descriptor(program, made, descriptor) : status;
}

int zoo_dnn_describe_strides(
    zoo_dnn_program *program, int32_t rank, const int64_t *dimensions, const int64_t *strides,
    int32_t *descriptor) {
    if (rank < 1 || rank > 5) return dnnl_invalid_arguments;
    dnnl_memory_desc_t made;
#if DNNL_VERSION_MAJOR >= 3
    int status = dnnl_memory_desc_create_with_strides(&made, rank, dimensions, dnnl_f32, strides);
#else
    int status = dnnl_memory_desc_init_by_strides(&made, rank, dimensions, dnnl_f32, strides);
#endif
    return status == dnnl_success ? zoo_add_descriptor(program, made, descriptor) : status;
}

static int add_copy(zoo_dnn_program *program, zoo_layout_ref source, int32_t *copy) {
    if (!source) return dnnl_invalid_arguments;
#if DNNL_VERSION_MAJOR >= 3
    dnnl_memory_desc_t made;
    int status = dnnl_memory_desc_clone(&made, source);
    return status == dnnl_success ? zoo_add_descriptor(program, made, copy) : status;
#else
    return zoo_add_descriptor(program, *source, copy);
#endif
}

int zoo_dnn_describe_like(
    zoo_dnn_program *program, const zoo_dnn_program *other, int32_t descriptor, int32_t *copy) {
    return add_copy(program, zoo_layout(other, descriptor), copy);
}

int zoo_dnn_describe_argument(
    zoo_dnn_program *program, int32_t operation, zoo_dnn_argument argument, int32_t *descriptor) {
    const_dnnl_primitive_desc_t description = zoo_description(program, operation);
    if (!description) return dnnl_invalid_arguments;
    return add_copy(
        program,
        dnnl_primitive_desc_query_md(description, dnnl_query_exec_arg_md, zoo_argument_code(argument)),
        descriptor);
}

size_t zoo_dnn_descriptor_bytes(const zoo_dnn_program *program, int32_t descriptor) {
    zoo_layout_ref layout = zoo_layout(program, descriptor);
    return layout ? dnnl_memory_desc_get_size(layout) : 0;
}

bool zoo_dnn_describe_winograd(const zoo_dnn_program *program, int32_t descriptor, zoo_dnn_winograd *blocks) {
#if DNNL_VERSION_MAJOR < 3
    zoo_layout_ref layout = zoo_layout(program, descriptor);
    if (!layout || layout->format_kind != dnnl_format_kind_wino || layout->data_type != dnnl_f32) return false;
    const dnnl_wino_desc_t *found = &layout->format_desc.wino_desc;
    if (found->r != 3 || found->oc_block != 16 || found->ic_block < 1 || found->oc < 16) return false;
    zoo_dnn_winograd result = {
        .results = found->alpha - 2, .outputs = found->oc, .inputs = found->ic, .input_block = found->ic_block};
    const int64_t output_blocks = found->oc / 16, input_blocks = found->ic / found->ic_block;
    result.input_chunk = input_blocks;
    result.output_chunk = output_blocks;
    switch (found->wino_format) {
    case dnnl_wino_wei_OBaaIBOIio:
        result.input_chunk = found->ic2_block;
        result.output_chunk = found->oc2_block;
        break;
    case dnnl_wino_wei_aaOio: break;
    case dnnl_wino_wei_aaOBiOo: result.output_chunk = found->oc2_block; break;
    default: return false;
    }
    if (result.input_chunk < 1 || result.output_chunk < 1 || found->oc % (16 * result.output_chunk) != 0 ||
        found->ic % (found->ic_block * result.input_chunk) != 0 || (found->alpha != 4 && found->alpha != 6) ||
        found->size != sizeof(float) * (size_t)found->alpha * (size_t)found->alpha * (size_t)found->ic * (size_t)found->oc) {
        return false;
    }
    if (found->wino_format == dnnl_wino_wei_aaOBiOo) {
        result.output_stride = 16;
        result.input_stride = 16 * result.output_chunk;
        result.input_block_stride = result.input_block * result.input_stride;
        result.input_chunk_stride = result.input_chunk * result.input_block_stride;
        result.output_chunk_stride = result.input_chunk_stride;
        result.plane_stride = output_blocks / result.output_chunk * result.output_chunk_stride;
    } else {
        result.input_stride = 16;
        result.input_block_stride = result.input_block * result.input_stride;
        result.output_stride = result.input_chunk * result.input_block_stride;
        result.input_chunk_stride = result.output_chunk * result.output_stride;
        result.plane_stride = input_blocks / result.input_chunk * result.input_chunk_stride;
        result.output_chunk_stride = (int64_t)found->alpha * found->alpha * result.plane_stride;
    }
    *blocks = result;
    return true;
#else
    (void)program;
    (void)descriptor;
    (void)blocks;
    return false;
#endif
}

bool zoo_dnn_descriptors_equal(const zoo_dnn_program *program, int32_t first, int32_t second) {
    zoo_layout_ref left = zoo_layout(program, first), right = zoo_layout(program, second);
    return left && right && dnnl_memory_desc_equal(left, right);
}

typedef struct {
    int rank, block_count;
    dnnl_dims_t dimensions, strides, blocks, block_axes;
    bool blocked;
} parts;

static parts taken_apart(zoo_layout_ref layout) {
    parts result = {0};
#if DNNL_VERSION_MAJOR >= 3
    dnnl_format_kind_t kind;
    if (dnnl_memory_desc_query(layout, dnnl_query_format_kind, &kind) != dnnl_success) return result;
    result.blocked = kind == dnnl_blocked;
    const dnnl_dims_t *dimensions, *strides, *blocks, *axes;
    dnnl_memory_desc_query(layout, dnnl_query_ndims_s32, &result.rank);
    if (!result.blocked || dnnl_memory_desc_query(layout, dnnl_query_dims, &dimensions) != dnnl_success
        || dnnl_memory_desc_query(layout, dnnl_query_strides, &strides) != dnnl_success
        || dnnl_memory_desc_query(layout, dnnl_query_inner_nblks_s32, &result.block_count) != dnnl_success
        || dnnl_memory_desc_query(layout, dnnl_query_inner_blks, &blocks) != dnnl_success
        || dnnl_memory_desc_query(layout, dnnl_query_inner_idxs, &axes) != dnnl_success) {
        result.blocked = false;
        return result;
    }
    memcpy(result.dimensions, *dimensions, sizeof(dnnl_dims_t));
    memcpy(result.strides, *strides, sizeof(dnnl_dims_t));
    memcpy(result.blocks, *blocks, sizeof(dnnl_dims_t));
    memcpy(result.block_axes, *axes, sizeof(dnnl_dims_t));
#else
    result.blocked = layout->format_kind == dnnl_blocked;
    result.rank = layout->ndims;
    result.block_count = layout->format_desc.blocking.inner_nblks;
    memcpy(result.dimensions, layout->dims, sizeof(dnnl_dims_t));
    memcpy(result.strides, layout->format_desc.blocking.strides, sizeof(dnnl_dims_t));
    memcpy(result.blocks, layout->format_desc.blocking.inner_blks, sizeof(dnnl_dims_t));
    memcpy(result.block_axes, layout->format_desc.blocking.inner_idxs, sizeof(dnnl_dims_t));
#endif
    return result;
}

void zoo_dnn_descriptor_text(
    const zoo_dnn_program *program, int32_t descriptor, char *text, size_t capacity) {
    if (capacity == 0) return;
    text[0] = 0;
    zoo_layout_ref layout = zoo_layout(program, descriptor);
    if (!layout) return;
    parts parts = taken_apart(layout);
    if (!parts.blocked) {
        snprintf(text, capacity, "opaque");
        return;
    }
    // Axes from the slowest to the fastest; of equal strides the axis of extent 1 is the slower.
    int order[DNNL_MAX_NDIMS];
    bool split[DNNL_MAX_NDIMS] = {false};
    for (int i = 0; i < parts.block_count; i++) split[parts.block_axes[i]] = true;
    for (int i = 0; i < parts.rank; i++) {
        int place = i;
        while (place > 0 && parts.strides[order[place - 1]] < parts.strides[i]) {
            order[place] = order[place - 1];
            place--;
        }
        order[place] = i;
    }
    size_t used = 0;
    for (int i = 0; i < parts.rank && used + 2 < capacity; i++) {
        text[used++] = (char)((split[order[i]] ? 'A' : 'a') + order[i]);
    }
    text[used] = 0;
    for (int i = 0; i < parts.block_count && used + 1 < capacity; i++) {
        int count = snprintf(
            text + used, capacity - used, "%d%c", (int)parts.blocks[i], (char)('a' + parts.block_axes[i]));
        if (count < 0) return;
        used += (size_t)count;
    }
}
