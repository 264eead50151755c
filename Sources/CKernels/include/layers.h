// Layers that oneDNN doesn't have, or not for every layout. Each function takes the address of its operands' struct.
// Maps may be in any layout; what lies beyond the last channel of a blocked one is zero, and stays so.
#ifndef ZOO_LAYERS_H
#define ZOO_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

// MARK: feature maps

// [N, C, H, W] in memory. Vectors are maps of 1×1.
typedef struct {
    int64_t batch, channels, height, width;
    // 0: NCHW; -1: NHWC; else channels in blocks of so many innermost.
    int32_t block;
} zoo_map;

// MARK: element-wise work on tensors with any strides

enum { zoo_most_axes = 12 };

typedef enum __attribute__((enum_extensibility(closed))) : int32_t {
    // The first operand alone.
    zoo_combination_copy = 0,
    zoo_combination_sum = 1,
    zoo_combination_product = 2,
} zoo_combination;

// Strides are in floats. An operand that is repeated along an axis has a stride of 0 there.
typedef struct {
    // At least 2.
    int32_t rank;
    // Of a sum: the axes before this one aren't summed over, and neither is the last; all others are, and have
    // strides of 0 in the result.
    int32_t kept;
    int64_t extents[zoo_most_axes], first_strides[zoo_most_axes], second_strides[zoo_most_axes];
    int64_t result_strides[zoo_most_axes];
    zoo_combination combination;
    // What the combination is multiplied with.
    float scale;
    // Whether the result is added to what is there.
    bool accumulates;
    int32_t threads;
    // Floats that are set to zero before: those of a tensor of which the result is a part.
    int64_t clears;
    float *cleared;
    const float *first, *second;
    float *result;
} zoo_strided;

// Every element of the result is a combination of two elements.
void zoo_combine(void *strided);
// Every element of the result is a sum, taken in double precision, of elements or of products.
void zoo_contract(void *strided);

// MARK: a shift and a scale for each channel

// (x − centre)·scale + offset, and divided by √variance, which counts as 1e-7 at least; null for what there isn't.
// Source and destination may be the same.
typedef struct {
    zoo_map map;
    // How many numbers there are: one per channel, or one for all.
    int64_t channels;
    int32_t threads;
    const float *centre, *scale, *offset, *variance;
    const float *source;
    float *destination;
} zoo_channel_scale;

void zoo_scale_channels(void *channel_scale);

// MARK: weights that take a batch normalisation in

// Rows of weights and their bias, times γ/√(variance + ε), and what the normalisation adds. Null for what there isn't;
// weights and folded ones may be the same.
typedef struct {
    int64_t rows, columns;
    double epsilon;
    int32_t threads;
    const float *scale, *centre, *mean, *variance;
    const float *weights, *bias;
    float *folded, *folded_bias;
} zoo_fold;

void zoo_fold_normalization(void *fold);

// MARK: weights for Winograd's way of computing 3×3 convolutions, m×m results at a time

// From [O, I, 3, 3] to (m + 2)² planes, in which 16 outputs are side by side; channels beyond the last are zero.
typedef struct {
    // m: 2 or 4.
    int64_t results;
    int64_t outputs, inputs, padded_outputs, padded_inputs;
    // Inputs in a block, blocks of inputs in a chunk, blocks of 16 outputs in a chunk; and floats from each to the next.
    int64_t input_block, input_chunk, output_chunk;
    int64_t plane_stride, input_stride, input_block_stride, input_chunk_stride, output_stride, output_chunk_stride;
    int32_t threads;
    const float *weights;
    float *result;
} zoo_winograd;

void zoo_winograd_weights(void *winograd);

// MARK: batch normalisation

typedef struct {
    zoo_map map;
    double epsilon, momentum;
    // Whether the batch's statistics normalise, or else the running ones.
    bool is_training;
    // Whether the running variance follows the biased one of the batch.
    bool follows_biased;
    int32_t threads;
    // Null for what there isn't.
    const float *weight, *bias;
    const float *running_mean, *running_variance;
    // What a training pass makes of the running statistics.
    float *next_mean, *next_variance;
    // Means, then inverse deviations, of the batch: written forward, read backward.
    double *saved;
    // Two numbers for each channel of each sample.
    double *sums;
    const float *source;
    // Null forward.
    const float *result_gradient;
    // The result, or backward the operand's gradient, null if nobody needs it. May be the result's gradient.
    float *destination;
    float *weight_gradient, *bias_gradient;
} zoo_batch_norm;

void zoo_batch_norm_forward(void *batch_norm);
void zoo_batch_norm_backward(void *batch_norm);

// MARK: rectifiers with a slope for each channel

typedef struct {
    zoo_map map;
    int32_t threads;
    const float *slopes;
    const float *source;
    // Null forward.
    const float *result_gradient;
    // The result, or the operand's gradient, null if nobody needs it.
    float *destination;
    // One number for each channel of each sample; null if the slopes' gradient isn't wanted.
    double *sums;
    float *slopes_gradient;
} zoo_slopes;

void zoo_slopes_run(void *slopes);

// MARK: local response normalisation

// Maps in canonical order.
typedef struct {
    int64_t batch, channels, places;
    int64_t size;
    double alpha, beta, k;
    int32_t threads;
    const float *source;
    // Null forward.
    const float *result_gradient;
    // The result, or the operand's gradient.
    float *destination;
    // What each element is divided by, before the exponent: written forward, read backward.
    float *divisors;
    // Scratch memory of a backward pass.
    float *slopes;
} zoo_response;

void zoo_response_run(void *response);

// MARK: element-wise functions

typedef enum __attribute__((enum_extensibility(closed))) : int32_t {
    // Numbers: slope, threshold, ceiling.
    zoo_function_rectifier = 0,
    // Number: slope.
    zoo_function_hard_sigmoid = 1,
    zoo_function_hard_swish = 2,
    // Numbers: factor of x above 0, factor of eˣ − 1 below.
    zoo_function_exponential = 3,
    zoo_function_gelu = 4,
    zoo_function_gelu_tanh = 5,
    zoo_function_softplus = 6,
} zoo_function_kind;

typedef struct {
    zoo_function_kind kind;
    float numbers[3];
    zoo_map map;
    int32_t threads;
    const float *source;
    const float *result_gradient;
    float *destination;
} zoo_function;

void zoo_function_forward(void *function);
void zoo_function_backward(void *function);

// MARK: dropout

typedef enum __attribute__((enum_extensibility(closed))) : int32_t {
    zoo_dropout_elements = 0,
    zoo_dropout_channels = 1,
    zoo_dropout_samples = 2,
} zoo_dropout_unit;

typedef struct {
    zoo_map map;
    // What is dropped or kept as a whole.
    zoo_dropout_unit unit;
    // Whether the canonical order of a sample's elements is H, W, C.
    bool channels_last;
    // Of 2^24 values of the upper random bits, the lowest so many drop the unit.
    uint32_t threshold;
    float scale;
    int32_t threads;
    // Philox key and step of this run's stream, and the index of the batch's first unit.
    uint32_t key[2];
    uint64_t step, start;
    const float *source;
    float *destination;
    // One byte per unit in canonical order, written forward, read backward.
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

// MARK: pooling to a fixed size

// Forward the gradients are null, backward the result is.
typedef struct {
    zoo_map operand_map, result_map;
    bool is_maximum;
    int32_t threads;
    const float *operand;
    float *result;
    const float *result_gradient;
    float *operand_gradient;
} zoo_adaptive;

void zoo_adaptive_run(void *adaptive);

// MARK: enlargement by linear interpolation

typedef struct {
    zoo_map operand_map, result_map;
    bool aligns_corners;
    // Whether the result, a gradient, is brought to the operand.
    bool is_backward;
    int32_t threads;
    float *operand;
    float *result;
} zoo_interpolation;

void zoo_interpolate(void *interpolation);

#endif
