#include "CZooKernels.h"

#include <string.h>

// What a row of three weights becomes for four results at a time: the interpolation points and the scaling are those that
// oneDNN's kernels expect.
static const float four[6][3] = {
    {1.13777777777778f, 0, 0},
    {-0.688403361344538f, -0.430252100840336f, -0.26890756302521f},
    {-0.688403361344538f, 0.430252100840336f, -0.26890756302521f},
    {0.119514472455649f, 0.179271708683473f, 0.26890756302521f},
    {0.119514472455649f, -0.179271708683473f, 0.26890756302521f},
    {0, 0, 1},
};
// The same for two.
static const float two[4][3] = {{1, 0, 0}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0, 0, 1}};

typedef float lanes __attribute__((vector_size(64)));
enum { width = 16 };

// All planes of one block of output channels and a range of input channels.
static inline __attribute__((always_inline)) void transform(
    const zoo_winograd *work, const float (*points)[3], int side, int64_t block, int64_t first, int64_t last) {
    float *start = work->result + block / work->output_chunk * work->output_chunk_stride +
        block % work->output_chunk * work->output_stride;
    for (int64_t input = first; input < last; input++) {
        lanes rows[3][3], half[3][6];
        memset(rows, 0, sizeof(rows));
        if (input < work->inputs) {
            for (int64_t lane = 0; lane < width && block * width + lane < work->outputs; lane++) {
                const float *weights = work->weights + ((block * width + lane) * work->inputs + input) * 9;
                for (int i = 0; i < 9; i++) rows[i / 3][i % 3][lane] = weights[i];
            }
        }
        for (int row = 0; row < 3; row++) {
            for (int j = 0; j < side; j++) {
                half[row][j] = rows[row][0] * points[j][0] + rows[row][1] * points[j][1] + rows[row][2] * points[j][2];
            }
        }
        const int64_t within = input / work->input_block;
        float *place = start + within / work->input_chunk * work->input_chunk_stride +
            within % work->input_chunk * work->input_block_stride + input % work->input_block * work->input_stride;
        for (int i = 0; i < side; i++) {
            for (int j = 0; j < side; j++) {
                lanes sum = half[0][j] * points[i][0] + half[1][j] * points[i][1] + half[2][j] * points[i][2];
                memcpy(place + (i * side + j) * work->plane_stride, &sum, sizeof(sum));
            }
        }
    }
}

static inline __attribute__((always_inline)) void transform_part(
    const zoo_winograd *work, int32_t part, int32_t parts) {
    // Blocks of output channels times halves of the input channels are enough pieces for any number of threads.
    const int64_t blocks = work->padded_outputs / width, pieces = blocks * 2, inputs = work->padded_inputs;
    for (int64_t piece = pieces * part / parts; piece < pieces * (part + 1) / parts; piece++) {
        const int64_t first = inputs / 2 * (piece % 2), last = piece % 2 ? inputs : inputs / 2;
        if (work->results == 4) {
            transform(work, four, 6, piece / 2, first, last);
        } else {
            transform(work, two, 4, piece / 2, first, last);
        }
    }
}

static void run_plain(const void *context, int32_t part, int32_t parts) { transform_part(context, part, parts); }

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void run_avx512(const void *context, int32_t part, int32_t parts) {
    transform_part(context, part, parts);
}
#endif

void zoo_winograd_weights(void *winograd) {
    const zoo_winograd *work = winograd;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return zoo_parallel(work->threads, run_avx512, work);
#endif
    zoo_parallel(work->threads, run_plain, work);
}
