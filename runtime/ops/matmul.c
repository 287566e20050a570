/* SPDX-License-Identifier: Apache-2.0 */
/* matmul.c: torch.matmul of two operands of any strides: batches broadcast, vectors take part as torch has it. */
#include "ops/matmul.h"
#include "ops/product.h"

#include <stdio.h>

#include "ops/convolution.h"
#include "ops/gpu_tiles.h"

enum { A, B };

/* A matrix or vector operand: its last two axes after the transposition, −1 where it has none, and its leading axes. */
struct side {
    uint32_t leading;
    int rows, columns;
};

static struct side side_of(uint32_t rank, bool transposed, bool is_first)
{
    if (rank == 1)
        return (struct side){ 0, is_first ? -1 : 0, is_first ? 0 : -1 };
    int last = (int)rank - 1;
    return (struct side){ rank - 2, transposed ? last : last - 1, transposed ? last - 1 : last };
}

static int64_t size_along(const plugcl_shape *shape, int axis)
{
    return axis < 0 ? 1 : shape->dims[axis];
}

uint32_t matmul_rank(uint32_t a, uint32_t b)
{
    uint32_t more = a > b ? a : b;
    return more - (a == 1) - (b == 1) + (more == 1);
}

static plugcl_status check_operand(const char *name, const plugcl_shape *shape, bool transposed)
{
    if (shape->rank < 1)
        return fail(PLUGCL_INVALID, "matmul's %s is a scalar; it must be a vector, a matrix or a batch of matrices", name);
    if (shape->rank == 1 && transposed)
        return fail(PLUGCL_INVALID, "matmul's %s is a vector of %lld elements; only matrices can be transposed", name,
                    (long long)shape->dims[0]);
    return PLUGCL_OK;
}

/* The leading axes by NumPy's rules, aligned at the back. */
static plugcl_status broadcast(const plugcl_shape *a, uint32_t a_leading, const plugcl_shape *b, uint32_t b_leading,
                               plugcl_shape *y)
{
    y->rank = a_leading > b_leading ? a_leading : b_leading;
    for (uint32_t back = 1; back <= y->rank; back++) {
        int64_t from_a = back <= a_leading ? a->dims[a_leading - back] : 1;
        int64_t from_b = back <= b_leading ? b->dims[b_leading - back] : 1;
        if (from_a != from_b && from_a != 1 && from_b != 1)
            return fail(PLUGCL_INVALID, "matmul's batches have %lld and %lld elements on axis %u; they must be equal or 1",
                        (long long)from_a, (long long)from_b, y->rank - back);
        y->dims[y->rank - back] = from_a == 1 ? from_b : from_a;
    }
    return PLUGCL_OK;
}

static plugcl_status matmul_shape(const void *parameters, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct matmul_params *params = parameters;
    (void)present;
    plugcl_status status = check_operand("a", &inputs[A], params->transpose_a);
    if (status == PLUGCL_OK)
        status = check_operand("b", &inputs[B], params->transpose_b);
    if (status != PLUGCL_OK)
        return status;
    struct side a = side_of(inputs[A].rank, params->transpose_a, true), b = side_of(inputs[B].rank, params->transpose_b, false);
    int64_t depth = size_along(&inputs[A], a.columns), found = size_along(&inputs[B], b.rows);
    if (depth != found)
        return fail(PLUGCL_INVALID, "matmul's a has %lld columns and its b has %lld rows%s; they must be equal", (long long)depth,
                    (long long)found, params->transpose_a || params->transpose_b ? " after transposing" : "");
    outputs[0] = (plugcl_shape){ 0 };
    status = broadcast(&inputs[A], a.leading, &inputs[B], b.leading, &outputs[0]);
    if (a.rows >= 0)
        outputs[0].dims[outputs[0].rank++] = inputs[A].dims[a.rows];
    if (b.columns >= 0)
        outputs[0].dims[outputs[0].rank++] = inputs[B].dims[b.columns];
    return status;
}

static int64_t stride_along(const struct operand *operand, int axis)
{
    return axis < 0 || operand->shape.dims[axis] == 1 ? 0 : operand->strides[axis];
}

/* The leading axes alone. */
static struct operand batch_operand(const struct operand *operand, uint32_t leading)
{
    struct operand batch = *operand;
    batch.shape.rank = leading;
    return batch;
}

void matmul_of(const struct operator_call *call, struct matmul *matmul)
{
    const struct matmul_params *params = call->params;
    const struct operand *a = &call->inputs[A], *b = &call->inputs[B], *y = &call->outputs[0];
    struct side a_side = side_of(a->shape.rank, params->transpose_a, true);
    struct side b_side = side_of(b->shape.rank, params->transpose_b, false);
    uint32_t leading = y->shape.rank - (a_side.rows >= 0) - (b_side.columns >= 0);
    *matmul = (struct matmul){ .a = a, .b = b, .y = y };
    matmul->rows = size_along(&a->shape, a_side.rows);
    matmul->columns = size_along(&b->shape, b_side.columns);
    matmul->depth = size_along(&a->shape, a_side.columns);
    matmul->a_row = stride_along(a, a_side.rows);
    matmul->a_depth = stride_along(a, a_side.columns);
    matmul->b_depth = stride_along(b, b_side.rows);
    matmul->b_column = stride_along(b, b_side.columns);
    matmul->y_row = a_side.rows >= 0 ? stride_along(y, (int)leading) : 0;
    matmul->y_column = b_side.columns >= 0 ? stride_along(y, (int)y->shape.rank - 1) : 0;
    struct operand batches[3] = { batch_operand(a, a_side.leading), batch_operand(b, b_side.leading), batch_operand(y, leading) };
    strided_begin(&matmul->batch, &batches[2].shape);
    for (int i = 0; i < 3; i++)
        strided_add_broadcast(&matmul->batch, &batches[i]);
    strided_fold(&matmul->batch);
}

/* A kernel that takes any strides; its range is left to the caller. */
static struct launch *launch_product(struct schedule *schedule, const struct matmul *matmul, const char *file, const char *options)
{
    const int64_t ints[] = { matmul->rows, matmul->columns, matmul->depth, matmul->a_row, matmul->a_depth,
                             matmul->b_depth, matmul->b_column, matmul->y_row, matmul->y_column };
    struct launch *launch = schedule_launch(schedule, file, options, "matmul");
    launch_operand(launch, matmul->a);
    launch_operand(launch, matmul->b);
    launch_operand(launch, matmul->y);
    for (uint32_t k = 0; k < matmul->batch.operands; k++) /* within a matrix offsets are long */
        launch_reach(launch, k + 1, matmul->batch.rank, matmul->batch.sizes, matmul->batch.strides[k]);
    launch_space(launch, &matmul->batch, 0, matmul->batch.rank);
    launch_ints(launch, ints, sizeof ints / sizeof *ints);
    return launch;
}

static plugcl_status plan_generic(struct schedule *schedule, const struct operator_call *call)
{
    struct matmul matmul;
    if (call_is_empty(call))
        return schedule_status(schedule);
    matmul_of(call, &matmul);
    struct launch *launch = launch_product(schedule, &matmul, "common/matmul.cl", NULL);
    launch_range_wide(launch, (size_t)matmul.columns, (size_t)matmul.rows, (size_t)strided_elements(&matmul.batch), 64);
    return schedule_status(schedule);
}

/*
 * cl/gpu/matmul.cl
 */
static bool can_take_tile(const struct device_caps *caps, const struct operator_call *call)
{
    return gpu_tiles_fit(&gpu_product_tiles, caps, call->tile);
}

static bool prefers_tile(const struct device_caps *caps, const struct operator_call *call)
{
    struct matmul matmul;
    matmul_of(call, &matmul);
    return caps->fast_local_memory && matmul.rows >= 8 && matmul.columns >= 8;
}

static struct gpu_work tile_work(const struct matmul *matmul, uint32_t tile)
{
    return (struct gpu_work){ .tiles = &gpu_product_tiles, .rows = matmul->rows, .columns = matmul->columns,
                              .batch = strided_elements(&matmul->batch), .tile = tile };
}

static plugcl_status plan_tile(struct schedule *schedule, const struct operator_call *call)
{
    struct matmul matmul;
    char options[GPU_OPTIONS];
    if (call_is_empty(call))
        return schedule_status(schedule);
    matmul_of(call, &matmul);
    const struct gpu_work work = tile_work(&matmul, call->tile);
    const struct gpu_tile *tile = gpu_tile_choose(schedule, &work, "gpu/matmul.cl", "matmul", "", options);
    if (tile == NULL)
        return schedule_status(schedule) == PLUGCL_OK ? plan_generic(schedule, call) : schedule_status(schedule);
    const int64_t rows = gpu_tile_rows(tile), columns = gpu_tile_columns(tile);
    const int64_t row_flops = 2 * matmul.columns * matmul.depth * work.batch;
    const int64_t count = gpu_rows_a_launch(schedule_caps(schedule), row_flops, rows);
    for (int64_t first = 0; first < work.rows; first += count) {
        const int64_t own = work.rows - first < count ? work.rows - first : count;
        struct launch *launch = launch_product(schedule, &matmul, "gpu/matmul.cl", options);
        launch_int(launch, first);
        launch_range(launch, (size_t)(divide_up(work.columns, columns) * tile->group_columns),
                     (size_t)(divide_up(own, rows) * tile->group_rows), (size_t)work.batch, (size_t)tile->group_columns,
                     (size_t)tile->group_rows, 1);
    }
    return schedule_status(schedule);
}

/*
 * cl/cpu/taps.cl, whose pixels are the rows of a and whose weights are b.
 */
static const struct operand absent;

/* The rows as a picture of one row of pixels; images are the batch. Fits where the batch is one run of every operand. */
static bool convolution_of(const struct matmul *matmul, struct convolution *conv)
{
    static const struct epilogue none;
    int64_t images = strided_elements(&matmul->batch);
    const int64_t *image_strides[3] = { matmul->batch.strides[A], matmul->batch.strides[B], matmul->batch.strides[2] };
    *conv = (struct convolution){ .x = matmul->a, .weight = matmul->b, .bias = &absent, .residual = &absent, .y = matmul->y,
                                  .epilogue = &none, .images = images, .channels = matmul->depth, .outputs = matmul->columns,
                                  .groups = 1, .in = { 1, matmul->rows }, .out = { 1, matmul->rows }, .kernel = { 1, 1 },
                                  .stride = { 1, 1 }, .dilation = { 1, 1 } };
    conv->weight_strides[0] = matmul->b_column;
    conv->weight_strides[1] = matmul->b_depth;
    conv->weight_image = images > 1 ? image_strides[B][0] : 0;
    conv->packs = matmul->b->constant == NULL || conv->weight_image != 0; /* else packed once for all plans */
    conv->x_strides[IMAGE_STRIDE] = images > 1 ? image_strides[A][0] : 0;
    conv->x_strides[CHANNEL_STRIDE] = matmul->a_depth;
    conv->x_strides[PIXEL_STRIDE] = matmul->a_row;
    conv->y_strides[IMAGE_STRIDE] = images > 1 ? image_strides[2][0] : 0;
    conv->y_strides[CHANNEL_STRIDE] = matmul->columns == 1 ? 1 : matmul->y_column;
    conv->y_strides[PIXEL_STRIDE] = matmul->y_row;
    return matmul->batch.rank == 1 && matmul->depth > 0;
}

static bool can_take_taps(const struct device_caps *caps, const struct operator_call *call)
{
    struct matmul matmul;
    struct convolution conv;
    matmul_of(call, &matmul);
    if (!convolution_of(&matmul, &conv))
        return false;
    return matmul.columns * matmul.b_column <= INT32_MAX && matmul.b_depth <= INT32_MAX && conv.weight_image <= INT32_MAX &&
           taps_can_run(caps, &conv);
}

static plugcl_status plan_taps(struct schedule *schedule, const struct operator_call *call)
{
    struct matmul matmul;
    struct convolution conv;
    if (call_is_empty(call))
        return schedule_status(schedule);
    matmul_of(call, &matmul);
    convolution_of(&matmul, &conv);
    conv.tile = call->tile;
    return taps_plan(schedule, &conv);
}

/*
 * CLBlast.
 */
static bool can_take_product(const struct device_caps *caps, const struct operator_call *call)
{
    struct matmul matmul;
    matmul_of(call, &matmul);
    return product_can_run(caps, call, &matmul);
}

static bool prefers_product(const struct device_caps *caps, const struct operator_call *call)
{
    struct matmul matmul;
    matmul_of(call, &matmul);
    return product_is_preferred(caps, call, (double)matmul.rows * (double)matmul.columns * (double)matmul.depth);
}

static plugcl_status plan_product(struct schedule *schedule, const struct operator_call *call)
{
    struct matmul matmul;
    if (call_is_empty(call))
        return schedule_status(schedule);
    matmul_of(call, &matmul);
    return product_plan(schedule, &matmul, 0);
}

static uint64_t matmul_flops(const struct operator_call *call)
{
    struct matmul matmul;
    matmul_of(call, &matmul);
    return 2 * (uint64_t)operand_elements(&call->outputs[0]) * (uint64_t)matmul.depth;
}

static bool matmul_tile(const struct variant *variant, const struct device_caps *caps, const struct operator_call *call,
                        uint32_t number, char name[TILE_NAME])
{
    struct matmul matmul;
    matmul_of(call, &matmul);
    struct gpu_work work = tile_work(&matmul, number);
    return (variant->plan == plan_taps && taps_tile(caps, matmul.columns, number, name)) ||
           (variant->plan == plan_tile && gpu_tile_name(caps, &work, name));
}

static const struct variant variants[] = {
    { CLBLAST_ROW, can_take_product, prefers_product, plan_product },
    { "cpu_taps", can_take_taps, NULL, plan_taps },
    { "gpu_tile", can_take_tile, prefers_tile, plan_tile },
    { "generic", variant_always, NULL, plan_generic },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_matmul = {
    .name = "matmul",
    .params_size = sizeof(struct matmul_params),
    .shape = matmul_shape,
    .layout = OUTPUT_ROW_MAJOR,
    .variants = variants,
    .tile = matmul_tile,
    .flops = matmul_flops,
};
