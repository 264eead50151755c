// The part of oneDNN that Menagerie uses, as functions over plain structs. Nothing of dnnl.h shows here, so
// that versions 2.6 and 3.x, whose interfaces differ, are one thing to Swift.
//
// A program owns everything it names: descriptors (shape and layout of a piece of memory), memories (a
// descriptor and an address), operations, and lists of operations that run in one call. Names are indices
// into the program. Functions return 0, or a status of oneDNN's (see zoo_dnn_status_text).
//
// A program belongs to one thread at a time: the one whose OpenMP pool runs it.
#ifndef CONEDNNSHIM_H
#define CONEDNNSHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct zoo_dnn_program zoo_dnn_program;

typedef enum __attribute__((enum_extensibility(closed))) : int32_t {
    // The library chooses.
    zoo_dnn_layout_any = 0,
    // Row-major, whatever the rank: x, NC, NCHW, OIHW, gOIHW.
    zoo_dnn_layout_plain = 1,
    // NHWC.
    zoo_dnn_layout_channels_last = 2,
    // NCHW with channels in blocks of 16 or 8 innermost.
    zoo_dnn_layout_blocked16 = 3,
    zoo_dnn_layout_blocked8 = 4,
} zoo_dnn_layout;

typedef enum __attribute__((enum_extensibility(closed))) : int32_t {
    zoo_dnn_pass_inference = 0,
    zoo_dnn_pass_training = 1,
    zoo_dnn_pass_backward_data = 2,
    zoo_dnn_pass_backward_weights = 3,
} zoo_dnn_pass;

typedef enum __attribute__((enum_extensibility(closed))) : int32_t {
    zoo_dnn_function_none = 0,
    // alpha·x below 0; alpha isn't negative.
    zoo_dnn_function_relu = 1,
    zoo_dnn_function_logistic = 2,
    zoo_dnn_function_tanh = 3,
    // Between alpha and beta.
    zoo_dnn_function_clip = 4,
    // x·logistic(alpha·x); backward from the operand, all others from the result.
    zoo_dnn_function_swish = 5,
} zoo_dnn_function_kind;

typedef struct {
    zoo_dnn_function_kind kind;
    float alpha, beta;
} zoo_dnn_function;

// What happens to a result on its way to memory: first what is there already is added, then the function applied.
typedef struct {
    bool adds_to_destination;
    zoo_dnn_function function;
} zoo_dnn_fusion;

typedef enum __attribute__((enum_extensibility(closed))) : int32_t {
    zoo_dnn_convolution_direct = 0,
    // Fewer multiplications for 3×3 windows, at the price of some digits; only in oneDNN 2, with AVX-512.
    zoo_dnn_convolution_winograd = 1,
} zoo_dnn_convolution_kind;

typedef enum __attribute__((enum_extensibility(closed))) : int32_t {
    zoo_dnn_pooling_maximum = 0,
    zoo_dnn_pooling_average_including_padding = 1,
    zoo_dnn_pooling_average_excluding_padding = 2,
} zoo_dnn_pooling_kind;

// What a memory is to an operation.
typedef enum __attribute__((enum_extensibility(closed))) : int32_t {
    zoo_dnn_source = 0,
    zoo_dnn_destination = 1,
    zoo_dnn_weights = 2,
    zoo_dnn_bias = 3,
    zoo_dnn_workspace = 4,
    zoo_dnn_scratchpad = 5,
    zoo_dnn_source_gradient = 6,
    zoo_dnn_destination_gradient = 7,
    zoo_dnn_weights_gradient = 8,
    zoo_dnn_bias_gradient = 9,
} zoo_dnn_argument;

// Heights before widths.
typedef struct {
    int64_t kernel[2];
    int64_t stride[2];
    // Distance between kernel elements; 1 is dense.
    int64_t dilation[2];
    int64_t padding_before[2];
    int64_t padding_after[2];
} zoo_dnn_window;

// Descriptors of an operation's operands; -1 for what it doesn't have. In backward passes source and
// destination stand for the gradients of source and destination, where those are meant.
typedef struct {
    int32_t source;
    int32_t weights;
    int32_t bias;
    int32_t destination;
} zoo_dnn_operands;

// MARK: the library

void zoo_dnn_version(int32_t *major, int32_t *minor, int32_t *patch);
// The widest instruction set that the library uses on this machine, "avx512_core".
const char *zoo_dnn_instruction_set(void);
// Width in floats of the channel blocks that suit it: 16, 8, or 0 where blocks bring nothing.
int32_t zoo_dnn_channel_block(void);
const char *zoo_dnn_status_text(int status);

// MARK: programs

int zoo_dnn_program_create(zoo_dnn_program **program);
void zoo_dnn_program_destroy(zoo_dnn_program *program);

// MARK: descriptors of single-precision memory

int zoo_dnn_describe(
    zoo_dnn_program *program, int32_t rank, const int64_t *dimensions, zoo_dnn_layout layout,
    int32_t *descriptor);
int zoo_dnn_describe_strides(
    zoo_dnn_program *program, int32_t rank, const int64_t *dimensions, const int64_t *strides,
    int32_t *descriptor);
// A descriptor of another program's.
int zoo_dnn_describe_like(
    zoo_dnn_program *program, const zoo_dnn_program *other, int32_t descriptor, int32_t *copy);
// What an operation wants an operand to be; also for operands described with `any`.
int zoo_dnn_describe_argument(
    zoo_dnn_program *program, int32_t operation, zoo_dnn_argument argument, int32_t *descriptor);
// How weights for Winograd's kernels lie: for m×m results of 3×3 windows at a time there are (m + 2)² planes, in each of
// which 16 outputs are side by side. Channels are counted with what fills the last block. False for a descriptor of
// anything else.
typedef struct {
    // m: 2 or 4.
    int64_t results;
    int64_t outputs, inputs;
    // Inputs in a block, blocks of inputs in a chunk, blocks of 16 outputs in a chunk.
    int64_t input_block, input_chunk, output_chunk;
    // Floats from a plane to the next, from an input, a block or a chunk of inputs, a block or a chunk of outputs.
    int64_t plane_stride, input_stride, input_block_stride, input_chunk_stride, output_stride, output_chunk_stride;
} zoo_dnn_winograd;
bool zoo_dnn_describe_winograd(const zoo_dnn_program *program, int32_t descriptor, zoo_dnn_winograd *blocks);
size_t zoo_dnn_descriptor_bytes(const zoo_dnn_program *program, int32_t descriptor);
bool zoo_dnn_descriptors_equal(const zoo_dnn_program *program, int32_t first, int32_t second);
// The layout in oneDNN's notation, "aBcd16b", for reports.
void zoo_dnn_descriptor_text(
    const zoo_dnn_program *program, int32_t descriptor, char *text, size_t capacity);

// MARK: operations: described first, prepared (compiled) once they are to run

int zoo_dnn_convolution(
    zoo_dnn_program *program, zoo_dnn_pass pass, zoo_dnn_convolution_kind kind, const zoo_dnn_window *window,
    zoo_dnn_operands operands, zoo_dnn_fusion fused, int32_t forward, int32_t *operation);
int zoo_dnn_inner_product(
    zoo_dnn_program *program, zoo_dnn_pass pass, zoo_dnn_operands operands, zoo_dnn_function fused,
    int32_t forward, int32_t *operation);
int zoo_dnn_pooling(
    zoo_dnn_program *program, zoo_dnn_pass pass, zoo_dnn_pooling_kind kind, const zoo_dnn_window *window,
    zoo_dnn_operands operands, int32_t forward, int32_t *operation);
// Backward: source is the gradient's descriptor, destination that of the forward result, or of the operand for
// functions that go backward from it.
int zoo_dnn_activation(
    zoo_dnn_program *program, zoo_dnn_pass pass, zoo_dnn_function function, zoo_dnn_operands operands,
    int32_t forward, int32_t *operation);
// Over axis 1.
int zoo_dnn_softmax(
    zoo_dnn_program *program, zoo_dnn_pass pass, zoo_dnn_operands operands, int32_t forward,
    int32_t *operation);
int zoo_dnn_reorder(
    zoo_dnn_program *program, int32_t source, int32_t destination, int32_t *operation);
// A function of ours; the context must outlive the program.
int zoo_dnn_call(
    zoo_dnn_program *program, void (*function)(void *context), void *context, int32_t *operation);

// The kernel's name, "jit:avx512_core"; empty for functions of ours.
const char *zoo_dnn_operation_name(const zoo_dnn_program *program, int32_t operation);
// Binds an operand to an address, which must be aligned to 64 bytes for speed.
int zoo_dnn_bind(
    zoo_dnn_program *program, int32_t operation, zoo_dnn_argument argument, int32_t descriptor,
    void *address);
int zoo_dnn_prepare(zoo_dnn_program *program, int32_t operation);

// MARK: running

// Appends to one of 8 lists.
int zoo_dnn_schedule(zoo_dnn_program *program, int32_t list, int32_t operation);
// Runs a list; if `failed` isn't null it gets the operation that failed.
int zoo_dnn_run(zoo_dnn_program *program, int32_t list, int32_t *failed);
// Runs a single prepared operation.
int zoo_dnn_run_one(zoo_dnn_program *program, int32_t operation);
// The same as zoo_dnn_run, adding each operation's seconds to `seconds`, one element per operation of the list.
int zoo_dnn_run_timed(zoo_dnn_program *program, int32_t list, double *seconds, int32_t *failed);

#endif
