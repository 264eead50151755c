#include "program.h"

#include <stdlib.h>
#include <string.h>

int zoo_add_operation(zoo_dnn_program *program, dnnl_primitive_desc_t description, int32_t *index) {
    zoo_operation *items = zoo_grown(
        program->operations, program->operation_count, &program->operation_capacity, sizeof(*items));
    if (!items) {
        if (description) dnnl_primitive_desc_destroy(description);
        return dnnl_out_of_memory;
    }
    program->operations = items;
    memset(&items[program->operation_count], 0, sizeof(*items));
    items[program->operation_count].description = description;
    *index = program->operation_count++;
    return dnnl_success;
}

static dnnl_alg_kind_t forward_algorithm(zoo_dnn_function function) {
    switch (function.kind) {
    case zoo_dnn_function_relu: return dnnl_eltwise_relu;
    case zoo_dnn_function_logistic: return dnnl_eltwise_logistic;
    case zoo_dnn_function_tanh: return dnnl_eltwise_tanh;
    case zoo_dnn_function_clip: return dnnl_eltwise_clip_v2;
    case zoo_dnn_function_swish: return dnnl_eltwise_swish;
    case zoo_dnn_function_none: break;
    }
    return dnnl_alg_kind_undef;
}

// Backward from the result where that is possible, so that a layer's input needn't be kept.
static dnnl_alg_kind_t backward_algorithm(zoo_dnn_function function) {
    switch (function.kind) {
    case zoo_dnn_function_relu: return dnnl_eltwise_relu_use_dst_for_bwd;
    case zoo_dnn_function_logistic: return dnnl_eltwise_logistic_use_dst_for_bwd;
    case zoo_dnn_function_tanh: return dnnl_eltwise_tanh_use_dst_for_bwd;
    case zoo_dnn_function_clip: return dnnl_eltwise_clip_v2_use_dst_for_bwd;
    case zoo_dnn_function_swish: return dnnl_eltwise_swish;
    case zoo_dnn_function_none: break;
    }
    return dnnl_alg_kind_undef;
}

static const zoo_dnn_fusion no_fusion = {false, {zoo_dnn_function_none, 0, 0}};

// Single precision stays single precision; scratch memory is the caller's: nothing is allocated later.
static int make_attributes(zoo_dnn_fusion fused, dnnl_primitive_attr_t *result) {
    dnnl_primitive_attr_t attributes;
    int status = dnnl_primitive_attr_create(&attributes);
    if (status != dnnl_success) return status;
    status = dnnl_primitive_attr_set_fpmath_mode(attributes, dnnl_fpmath_mode_strict);
    if (status == dnnl_success) {
        status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    }
    const zoo_dnn_function function = fused.function;
    if (status == dnnl_success && (fused.adds_to_destination || function.kind != zoo_dnn_function_none)) {
        dnnl_post_ops_t fusions;
        status = dnnl_post_ops_create(&fusions);
        if (status == dnnl_success) {
#if DNNL_VERSION_MAJOR >= 3
            if (fused.adds_to_destination) {
                status = dnnl_post_ops_append_sum(fusions, 1, 0, dnnl_data_type_undef);
            }
            if (status == dnnl_success && function.kind != zoo_dnn_function_none) {
                status = dnnl_post_ops_append_eltwise(
                    fusions, forward_algorithm(function), function.alpha, function.beta);
            }
#else
            if (fused.adds_to_destination) status = dnnl_post_ops_append_sum(fusions, 1);
            if (status == dnnl_success && function.kind != zoo_dnn_function_none) {
                status = dnnl_post_ops_append_eltwise(
                    fusions, 1, forward_algorithm(function), function.alpha, function.beta);
            }
#endif
            if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(attributes, fusions);
            dnnl_post_ops_destroy(fusions);
        }
    }
    if (status != dnnl_success) {
        dnnl_primitive_attr_destroy(attributes);
        return status;
    }
    *result = attributes;
    return dnnl_success;
}

static dnnl_prop_kind_t forward_kind(zoo_dnn_pass pass) {
    return pass == zoo_dnn_pass_inference ? dnnl_forward_inference : dnnl_forward_training;
}

static bool is_forward(zoo_dnn_pass pass) {
    return pass == zoo_dnn_pass_inference || pass == zoo_dnn_pass_training;
}

int zoo_dnn_convolution(
    zoo_dnn_program *program, zoo_dnn_pass pass, zoo_dnn_convolution_kind kind, const zoo_dnn_window *window,
    zoo_dnn_operands operands, zoo_dnn_fusion fused, int32_t forward, int32_t *operation) {
    zoo_layout_ref source = zoo_layout(program, operands.source);
    zoo_layout_ref weights = zoo_layout(program, operands.weights);
    zoo_layout_ref bias = zoo_layout(program, operands.bias);
    zoo_layout_ref destination = zoo_layout(program, operands.destination);
    const_dnnl_primitive_desc_t hint = zoo_description(program, forward);
    if (!source || !weights || !destination) return dnnl_invalid_arguments;
    const dnnl_alg_kind_t algorithm =
        kind == zoo_dnn_convolution_winograd ? dnnl_convolution_winograd : dnnl_convolution_direct;
    // oneDNN counts the gaps between kernel elements.
    dnnl_dims_t gaps = {window->dilation[0] - 1, window->dilation[1] - 1};
    dnnl_primitive_attr_t attributes;
    int status = make_attributes(fused, &attributes);
    if (status != dnnl_success) return status;
    dnnl_primitive_desc_t made = NULL;
#if DNNL_VERSION_MAJOR >= 3
    if (is_forward(pass)) {
        status = dnnl_convolution_forward_primitive_desc_create(
            &made, program->engine, forward_kind(pass), algorithm, source, weights, bias,
            destination, window->stride, gaps, window->padding_before, window->padding_after, attributes);
    } else if (pass == zoo_dnn_pass_backward_data) {
        status = dnnl_convolution_backward_data_primitive_desc_create(
            &made, program->engine, algorithm, source, weights, destination, window->stride,
            gaps, window->padding_before, window->padding_after, hint, attributes);
    } else {
        status = dnnl_convolution_backward_weights_primitive_desc_create(
            &made, program->engine, algorithm, source, weights, bias, destination,
            window->stride, gaps, window->padding_before, window->padding_after, hint, attributes);
    }
#else
    dnnl_convolution_desc_t description;
    if (is_forward(pass)) {
        status = dnnl_dilated_convolution_forward_desc_init(
            &description, forward_kind(pass), algorithm, source, weights, bias, destination,
            window->stride, gaps, window->padding_before, window->padding_after);
    } else if (pass == zoo_dnn_pass_backward_data) {
        status = dnnl_dilated_convolution_backward_data_desc_init(
            &description, algorithm, source, weights, destination, window->stride, gaps,
            window->padding_before, window->padding_after);
    } else {
        status = dnnl_dilated_convolution_backward_weights_desc_init(
            &description, algorithm, source, weights, bias, destination, window->stride, gaps,
            window->padding_before, window->padding_after);
    }
    if (status == dnnl_success) {
        status = dnnl_primitive_desc_create(&made, &description, attributes, program->engine, hint);
    }
#endif
    dnnl_primitive_attr_destroy(attributes);
    return status == dnnl_success ? zoo_add_operation(program, made, operation) : status;
}

int zoo_dnn_inner_product(
    zoo_dnn_program *program, zoo_dnn_pass pass, zoo_dnn_operands operands, zoo_dnn_function fused,
    int32_t forward, int32_t *operation) {
    zoo_layout_ref source = zoo_layout(program, operands.source);
    zoo_layout_ref weights = zoo_layout(program, operands.weights);
    zoo_layout_ref bias = zoo_layout(program, operands.bias);
    zoo_layout_ref destination = zoo_layout(program, operands.destination);
    const_dnnl_primitive_desc_t hint = zoo_description(program, forward);
    if (!source || !weights || !destination) return dnnl_invalid_arguments;
    dnnl_primitive_attr_t attributes;
    int status = make_attributes((zoo_dnn_fusion){false, fused}, &attributes);
    if (status != dnnl_success) return status;
    dnnl_primitive_desc_t made = NULL;
#if DNNL_VERSION_MAJOR >= 3
    if (is_forward(pass)) {
        status = dnnl_inner_product_forward_primitive_desc_create(
            &made, program->engine, forward_kind(pass), source, weights, bias, destination, attributes);
    } else if (pass == zoo_dnn_pass_backward_data) {
        status = dnnl_inner_product_backward_data_primitive_desc_create(
            &made, program->engine, source, weights, destination, hint, attributes);
    } else {
        status = dnnl_inner_product_backward_weights_primitive_desc_create(
            &made, program->engine, source, weights, bias, destination, hint, attributes);
    }
#else
    dnnl_inner_product_desc_t description;
    if (is_forward(pass)) {
        status = dnnl_inner_product_forward_desc_init(
            &description, forward_kind(pass), source, weights, bias, destination);
    } else if (pass == zoo_dnn_pass_backward_data) {
        status = dnnl_inner_product_backward_data_desc_init(&description, source, weights, destination);
    } else {
        status = dnnl_inner_product_backward_weights_desc_init(
            &description, source, weights, bias, destination);
    }
    if (status == dnnl_success) {
        status = dnnl_primitive_desc_create(&made, &description, attributes, program->engine, hint);
    }
#endif
    dnnl_primitive_attr_destroy(attributes);
    return status == dnnl_success ? zoo_add_operation(program, made, operation) : status;
}

static dnnl_alg_kind_t pooling_algorithm(zoo_dnn_pooling_kind kind) {
    switch (kind) {
    case zoo_dnn_pooling_maximum: return dnnl_pooling_max;
    case zoo_dnn_pooling_average_including_padding: return dnnl_pooling_avg_include_padding;
    case zoo_dnn_pooling_average_excluding_padding: return dnnl_pooling_avg_exclude_padding;
    }
    return dnnl_alg_kind_undef;
}

int zoo_dnn_pooling(
    zoo_dnn_program *program, zoo_dnn_pass pass, zoo_dnn_pooling_kind kind, const zoo_dnn_window *window,
    zoo_dnn_operands operands, int32_t forward, int32_t *operation) {
    zoo_layout_ref source = zoo_layout(program, operands.source);
    zoo_layout_ref destination = zoo_layout(program, operands.destination);
    const_dnnl_primitive_desc_t hint = zoo_description(program, forward);
    if (!source || !destination) return dnnl_invalid_arguments;
    dnnl_primitive_attr_t attributes;
    int status = make_attributes(no_fusion, &attributes);
    if (status != dnnl_success) return status;
    dnnl_primitive_desc_t made = NULL;
#if DNNL_VERSION_MAJOR >= 3
    const dnnl_dims_t gaps = {0, 0};
    if (is_forward(pass)) {
        status = dnnl_pooling_forward_primitive_desc_create(
            &made, program->engine, forward_kind(pass), pooling_algorithm(kind), source, destination,
            window->stride, window->kernel, gaps, window->padding_before, window->padding_after, attributes);
    } else {
        status = dnnl_pooling_backward_primitive_desc_create(
            &made, program->engine, pooling_algorithm(kind), source, destination, window->stride,
            window->kernel, gaps, window->padding_before, window->padding_after, hint, attributes);
    }
#else
    dnnl_pooling_desc_t description;
    if (is_forward(pass)) {
        status = dnnl_pooling_forward_desc_init(
            &description, forward_kind(pass), pooling_algorithm(kind), source, destination, window->stride,
            window->kernel, window->padding_before, window->padding_after);
    } else {
        status = dnnl_pooling_backward_desc_init(
            &description, pooling_algorithm(kind), source, destination, window->stride, window->kernel,
            window->padding_before, window->padding_after);
    }
    if (status == dnnl_success) {
        status = dnnl_primitive_desc_create(&made, &description, attributes, program->engine, hint);
    }
#endif
    dnnl_primitive_attr_destroy(attributes);
    return status == dnnl_success ? zoo_add_operation(program, made, operation) : status;
}

int zoo_dnn_activation(
    zoo_dnn_program *program, zoo_dnn_pass pass, zoo_dnn_function function, zoo_dnn_operands operands,
    int32_t forward, int32_t *operation) {
    zoo_layout_ref source = zoo_layout(program, operands.source);
    zoo_layout_ref destination = zoo_layout(program, operands.destination);
    const_dnnl_primitive_desc_t hint = zoo_description(program, forward);
    if (!source || !destination) return dnnl_invalid_arguments;
    dnnl_primitive_attr_t attributes;
    int status = make_attributes(no_fusion, &attributes);
    if (status != dnnl_success) return status;
    dnnl_primitive_desc_t made = NULL;
    // A forward pass for training names the backward algorithm already.
    dnnl_alg_kind_t algorithm =
        pass == zoo_dnn_pass_inference ? forward_algorithm(function) : backward_algorithm(function);
#if DNNL_VERSION_MAJOR >= 3
    if (is_forward(pass)) {
        status = dnnl_eltwise_forward_primitive_desc_create(
            &made, program->engine, forward_kind(pass), algorithm, source, destination, function.alpha,
            function.beta, attributes);
    } else {
        status = dnnl_eltwise_backward_primitive_desc_create(
            &made, program->engine, algorithm, source, source, destination, function.alpha,
            function.beta, hint, attributes);
    }
#else
    dnnl_eltwise_desc_t description;
    if (is_forward(pass)) {
        status = dnnl_eltwise_forward_desc_init(
            &description, forward_kind(pass), algorithm, source, function.alpha, function.beta);
    } else {
        status = dnnl_eltwise_backward_desc_init(
            &description, algorithm, source, destination, function.alpha, function.beta);
    }
    if (status == dnnl_success) {
        status = dnnl_primitive_desc_create(&made, &description, attributes, program->engine, hint);
    }
#endif
    dnnl_primitive_attr_destroy(attributes);
    return status == dnnl_success ? zoo_add_operation(program, made, operation) : status;
}

int zoo_dnn_softmax(
    zoo_dnn_program *program, zoo_dnn_pass pass, zoo_dnn_operands operands, int32_t forward,
    int32_t *operation) {
    zoo_layout_ref source = zoo_layout(program, operands.source);
    zoo_layout_ref destination = zoo_layout(program, operands.destination);
    const_dnnl_primitive_desc_t hint = zoo_description(program, forward);
    if (!source || !destination) return dnnl_invalid_arguments;
    dnnl_primitive_attr_t attributes;
    int status = make_attributes(no_fusion, &attributes);
    if (status != dnnl_success) return status;
    dnnl_primitive_desc_t made = NULL;
#if DNNL_VERSION_MAJOR >= 3
    if (is_forward(pass)) {
        status = dnnl_softmax_forward_primitive_desc_create(
            &made, program->engine, forward_kind(pass), dnnl_softmax_accurate, source, destination, 1,
            attributes);
    } else {
        status = dnnl_softmax_backward_primitive_desc_create(
            &made, program->engine, dnnl_softmax_accurate, source, source, destination, 1, hint, attributes);
    }
#else
    dnnl_softmax_desc_t description;
    if (is_forward(pass)) {
        status = dnnl_softmax_forward_desc_init(&description, forward_kind(pass), source, 1);
    } else {
        status = dnnl_softmax_backward_desc_init(&description, source, destination, 1);
    }
    if (status == dnnl_success) {
        status = dnnl_primitive_desc_create(&made, &description, attributes, program->engine, hint);
    }
#endif
    dnnl_primitive_attr_destroy(attributes);
    return status == dnnl_success ? zoo_add_operation(program, made, operation) : status;
}

int zoo_dnn_reorder(
    zoo_dnn_program *program, int32_t source, int32_t destination, int32_t *operation) {
    zoo_layout_ref from = zoo_layout(program, source), to = zoo_layout(program, destination);
    if (!from || !to) return dnnl_invalid_arguments;
    dnnl_primitive_attr_t attributes;
    int status = make_attributes(no_fusion, &attributes);
    if (status != dnnl_success) return status;
    dnnl_primitive_desc_t made = NULL;
    status = dnnl_reorder_primitive_desc_create(
        &made, from, program->engine, to, program->engine, attributes);
    dnnl_primitive_attr_destroy(attributes);
    return status == dnnl_success ? zoo_add_operation(program, made, operation) : status;
}

int zoo_dnn_call(
    zoo_dnn_program *program, void (*function)(void *context), void *context, int32_t *operation) {
    int status = zoo_add_operation(program, NULL, operation);
    if (status != dnnl_success) return status;
    program->operations[*operation].function = function;
    program->operations[*operation].context = context;
    return dnnl_success;
}

const char *zoo_dnn_operation_name(const zoo_dnn_program *program, int32_t operation) {
    const_dnnl_primitive_desc_t description = zoo_description(program, operation);
    const char *name = NULL;
    if (!description) return "";
    int status = dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &name);
    return status == dnnl_success && name ? name : "";
}

int zoo_argument_code(zoo_dnn_argument argument) {
    switch (argument) {
    case zoo_dnn_source: return DNNL_ARG_SRC;
    case zoo_dnn_destination: return DNNL_ARG_DST;
    case zoo_dnn_weights: return DNNL_ARG_WEIGHTS;
    case zoo_dnn_bias: return DNNL_ARG_BIAS;
    case zoo_dnn_workspace: return DNNL_ARG_WORKSPACE;
    case zoo_dnn_scratchpad: return DNNL_ARG_SCRATCHPAD;
    case zoo_dnn_source_gradient: return DNNL_ARG_DIFF_SRC;
    case zoo_dnn_destination_gradient: return DNNL_ARG_DIFF_DST;
    case zoo_dnn_weights_gradient: return DNNL_ARG_DIFF_WEIGHTS;
    case zoo_dnn_bias_gradient: return DNNL_ARG_DIFF_BIAS;
    }
    return 0;
}

int zoo_dnn_bind(
    zoo_dnn_program *program, int32_t index, zoo_dnn_argument argument, int32_t descriptor, void *address) {
    zoo_layout_ref layout = zoo_layout(program, descriptor);
    if (!zoo_has_operation(program, index) || !layout) return dnnl_invalid_arguments;
    zoo_operation *operation = &program->operations[index];
    if (operation->argument_count >= zoo_most_arguments) return dnnl_invalid_arguments;
    dnnl_memory_t memory;
    int status = dnnl_memory_create(&memory, layout, program->engine, address);
    if (status != dnnl_success) return status;
    operation->arguments[operation->argument_count].arg = zoo_argument_code(argument);
    operation->arguments[operation->argument_count].memory = memory;
    operation->argument_count++;
    return dnnl_success;
}

int zoo_dnn_prepare(zoo_dnn_program *program, int32_t index) {
    if (!zoo_has_operation(program, index)) return dnnl_invalid_arguments;
    zoo_operation *operation = &program->operations[index];
    if (operation->primitive || !operation->description) return dnnl_success;
    return dnnl_primitive_create(&operation->primitive, operation->description);
}
