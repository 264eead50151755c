// Element-wise work and sums over tensors that lie in memory in any way that strides can say: operands repeated along
// axes, parts of larger tensors, axes in another order.
#include "maps.h"

#include <string.h>

// Two innermost axes at a time; strides of 0 and 1 are known to the compiler where they are usual.
typedef struct {
    int64_t rows, lanes;
    // Per operand and result: distance between rows, between lanes.
    int64_t first[2], second[2], result[2];
} sheet;

#define LOOP(EXPRESSION)                                                                              \
    for (int64_t row = 0; row < s.rows; row++) {                                                      \
        const float *x = a + row * s.first[0], *y = b + row * s.second[0];                            \
        float *z = d + row * s.result[0];                                                             \
        (void)y;                                                                                      \
        if (accumulate) {                                                                             \
            for (int64_t i = 0; i < s.lanes; i++) z[i * s.result[1]] += scale * (EXPRESSION);         \
        } else {                                                                                      \
            for (int64_t i = 0; i < s.lanes; i++) z[i * s.result[1]] = scale * (EXPRESSION);          \
        }                                                                                             \
    }

static inline __attribute__((always_inline)) void combine_sheet(
    sheet s, zoo_combination combination, float scale, bool accumulate, const float *a, const float *b,
    float *d) {
    switch (combination) {
    case zoo_combination_copy: LOOP(x[i * s.first[1]]) break;
    case zoo_combination_sum: LOOP(x[i * s.first[1]] + y[i * s.second[1]]) break;
    case zoo_combination_product: LOOP(x[i * s.first[1]] * y[i * s.second[1]]) break;
    }
}

ZOO_WIDE static void combine_dense(
    sheet s, zoo_combination combination, float scale, bool accumulate, const float *a, const float *b,
    float *d) {
    s.first[1] = s.second[1] = s.result[1] = 1;
    combine_sheet(s, combination, scale, accumulate, a, b, d);
}

ZOO_WIDE static void combine_repeated(
    sheet s, zoo_combination combination, float scale, bool accumulate, const float *a, const float *b,
    float *d) {
    s.first[1] = s.result[1] = 1;
    s.second[1] = 0;
    combine_sheet(s, combination, scale, accumulate, a, b, d);
}

static void combine_any(
    sheet s, zoo_combination combination, float scale, bool accumulate, const float *a, const float *b,
    float *d) {
    combine_sheet(s, combination, scale, accumulate, a, b, d);
}

// Offsets of the operands and the result at a number of the axes `from` to `to`, counted row by row.
typedef struct {
    int64_t first, second, result;
} place;

static place place_at(const zoo_strided *work, int32_t from, int32_t to, int64_t number) {
    place at = {0, 0, 0};
    for (int32_t axis = to - 1; axis >= from; axis--) {
        int64_t index = number % work->extents[axis];
        number /= work->extents[axis];
        at.first += index * work->first_strides[axis];
        at.second += index * work->second_strides[axis];
        at.result += index * work->result_strides[axis];
    }
    return at;
}

static int64_t product(const zoo_strided *work, int32_t from, int32_t to) {
    int64_t result = 1;
    for (int32_t axis = from; axis < to; axis++) result *= work->extents[axis];
    return result;
}

typedef struct {
    const zoo_strided *work;
    int64_t sheets;
    sheet shape;
    // Whether the parts are ranges of sheets, of rows, or of lanes.
    int split;
} combine_call;

static void combine_part(const void *context, int32_t part, int32_t parts) {
    const combine_call *call = context;
    const zoo_strided *work = call->work;
    sheet shape = call->shape;
    zoo_range sheets = {0, call->sheets}, rows = {0, shape.rows}, lanes = {0, shape.lanes};
    if (call->split == 0) sheets = zoo_range_of(call->sheets, part, parts);
    if (call->split == 1) rows = zoo_range_of(shape.rows, part, parts);
    if (call->split == 2) lanes = zoo_range_of(shape.lanes, part, parts);
    shape.rows = rows.to - rows.from;
    shape.lanes = lanes.to - lanes.from;
    bool dense = shape.first[1] == 1 && shape.result[1] == 1;
    bool alone = work->combination == zoo_combination_copy;
    for (int64_t number = sheets.from; number < sheets.to; number++) {
        place at = place_at(work, 0, work->rank - 2, number);
        const float *a =
            work->first + at.first + rows.from * shape.first[0] + lanes.from * shape.first[1];
        const float *b = alone ? a
                               : work->second + at.second + rows.from * shape.second[0]
                                     + lanes.from * shape.second[1];
        float *d = work->result + at.result + rows.from * shape.result[0] + lanes.from * shape.result[1];
        if (dense && (alone || shape.second[1] == 1)) {
            combine_dense(shape, work->combination, work->scale, work->accumulates, a, b, d);
        } else if (dense && shape.second[1] == 0) {
            combine_repeated(shape, work->combination, work->scale, work->accumulates, a, b, d);
        } else {
            combine_any(shape, work->combination, work->scale, work->accumulates, a, b, d);
        }
    }
}

void zoo_combine(void *context) {
    const zoo_strided *work = context;
    if (work->clears > 0) memset(work->cleared, 0, (size_t)work->clears * sizeof(float));
    if (work->rank < 2) return;
    int32_t row = work->rank - 2, lane = work->rank - 1;
    combine_call call = {
        work,
        product(work, 0, row),
        {work->extents[row], work->extents[lane],
         {work->first_strides[row], work->first_strides[lane]},
         {work->second_strides[row], work->second_strides[lane]},
         {work->result_strides[row], work->result_strides[lane]}},
        0};
    int64_t elements = call.sheets * call.shape.rows * call.shape.lanes;
    int64_t items = call.sheets;
    if (items < work->threads && call.shape.rows > items) {
        call.split = 1;
        items = call.shape.rows;
    }
    if (items < work->threads && call.shape.lanes > items) {
        call.split = 2;
        items = call.shape.lanes;
    }
    zoo_parallel(zoo_parts(elements, items, work->threads), combine_part, &call);
}

// MARK: sums

// Adds a run of products to each lane's sum; a null `b` stands for ones.
ZOO_WIDE static void add_lanes(
    double *restrict sums, int64_t lanes, int64_t count, const float *restrict a, int64_t step_a,
    const float *restrict b, int64_t step_b) {
    for (int64_t i = 0; i < count; i++) {
        const float *x = a + i * step_a;
        if (b) {
            const float *y = b + i * step_b;
            for (int64_t lane = 0; lane < lanes; lane++) sums[lane] += (double)x[lane] * (double)y[lane];
        } else {
            for (int64_t lane = 0; lane < lanes; lane++) sums[lane] += (double)x[lane];
        }
    }
}

// The sum of a dense run, in a fixed order.
ZOO_WIDE static double add_run(int64_t count, const float *restrict a, const float *restrict b) {
    double sums[16] = {0};
    int64_t whole = count / 16 * 16;
    for (int64_t i = 0; i < whole; i += 16) {
        if (b) {
            for (int lane = 0; lane < 16; lane++) sums[lane] += (double)a[i + lane] * (double)b[i + lane];
        } else {
            for (int lane = 0; lane < 16; lane++) sums[lane] += (double)a[i + lane];
        }
    }
    double sum = 0;
    for (int64_t i = whole; i < count; i++) sum += (double)a[i] * (b ? (double)b[i] : 1.0);
    for (int lane = 0; lane < 16; lane++) sum += sums[lane];
    return sum;
}

typedef struct {
    const zoo_strided *work;
    int64_t kept, chunks, lanes;
    // Strides of the lanes.
    int64_t first, second, result;
} contract_call;

// Axes are the kept ones, then those that are summed over, then one whose elements are the lanes.
static void contract_part(const void *context, int32_t part, int32_t parts) {
    const contract_call *call = context;
    const zoo_strided *work = call->work;
    int32_t kept = work->kept, inner = work->rank - 2;
    bool is_product = work->combination == zoo_combination_product;
    int64_t outer = product(work, kept, inner), count = work->extents[inner];
    int64_t step_a = work->first_strides[inner], step_b = work->second_strides[inner];
    bool dense_lanes = call->first == 1 && (!is_product || call->second == 1);
    zoo_range items = zoo_range_of(call->kept * call->chunks, part, parts);
    for (int64_t item = items.from; item < items.to; item++) {
        place at = place_at(work, 0, kept, item / call->chunks);
        int64_t from = item % call->chunks * zoo_most_lanes;
        int64_t lanes = call->lanes - from < zoo_most_lanes ? call->lanes - from : zoo_most_lanes;
        const float *a = work->first + at.first + from * call->first;
        const float *b = is_product ? work->second + at.second + from * call->second : NULL;
        double sums[zoo_most_lanes] = {0};
        for (int64_t number = 0; number < outer; number++) {
            place step = place_at(work, kept, inner, number);
            const float *x = a + step.first, *y = b ? b + step.second : NULL;
            if (lanes == 1 && step_a == 1 && (!b || step_b == 1)) {
                sums[0] += add_run(count, x, y);
            } else if (dense_lanes) {
                add_lanes(sums, lanes, count, x, step_a, y, step_b);
            } else {
                for (int64_t i = 0; i < count; i++) {
                    for (int64_t lane = 0; lane < lanes; lane++) {
                        double factor = y ? (double)y[i * step_b + lane * call->second] : 1.0;
                        sums[lane] += (double)x[i * step_a + lane * call->first] * factor;
                    }
                }
            }
        }
        float *d = work->result + at.result + from * call->result;
        for (int64_t lane = 0; lane < lanes; lane++) {
            float sum = (float)(sums[lane] * (double)work->scale);
            if (work->accumulates) d[lane * call->result] += sum;
            else d[lane * call->result] = sum;
        }
    }
}

void zoo_contract(void *context) {
    const zoo_strided *work = context;
    if (work->clears > 0) memset(work->cleared, 0, (size_t)work->clears * sizeof(float));
    if (work->rank < 2) return;
    int32_t lane = work->rank - 1;
    contract_call call = {
        work, product(work, 0, work->kept), 0, work->extents[lane],
        work->first_strides[lane], work->second_strides[lane], work->result_strides[lane]};
    call.chunks = (call.lanes + zoo_most_lanes - 1) / zoo_most_lanes;
    int64_t items = call.kept * call.chunks;
    zoo_parallel(zoo_parts(product(work, 0, work->rank), items, work->threads), contract_part, &call);
}
