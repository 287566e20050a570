/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pyramid.c: Atrous Spatial Pyramid Pooling: its shapes, what it is in primitives, and its planner.
 *
 * The planner composes other operators' variants. The branches write into channel views of one tensor, which the projection
 * reads; those without a depthwise part are one launch where the device can.
 * The pooled branch is the same for all pixels, so a 1x1 projection takes it as a bias of each image.
 */
#include "ops/convolution.h"

#include <string.h>

enum { X, POOL, POOL_BIAS, PROJECTION, PROJECTION_BIAS, BRANCHES };
enum { DEPTHWISE, WEIGHT, BIAS, BRANCH };

static size_t input_of(size_t branch, size_t part)
{
    return BRANCHES + BRANCH * branch + part;
}

/*
 * Shapes.
 */
static plugcl_status check_bias(const char *name, const plugcl_shape *bias, bool present, int64_t outputs)
{
    if (present && (bias->rank != 1 || bias->dims[0] != outputs))
        return fail(PLUGCL_INVALID, "pyramid's %s bias has rank %u and %lld elements; it must be [%lld]", name, bias->rank,
                    (long long)plugcl_shape_elements(bias), (long long)outputs);
    return PLUGCL_OK;
}

static plugcl_status check_weight(const char *name, const plugcl_shape *weight, int64_t outputs, int64_t channels)
{
    const int64_t *dims = weight->dims;
    if (weight->rank != 4)
        return fail(PLUGCL_INVALID, "pyramid's %s weight has rank %u; it must be 4: [O, C, K, K]", name, weight->rank);
    if (dims[0] < 1 || (outputs >= 0 && dims[0] != outputs) || dims[1] != channels || dims[2] != dims[3] || dims[2] % 2 != 1)
        return fail(PLUGCL_INVALID, "pyramid's %s weight is %lld x %lld x %lld x %lld; it must be [%s%lld, %lld, K, K] with odd K",
                    name, (long long)dims[0], (long long)dims[1], (long long)dims[2], (long long)dims[3],
                    outputs < 0 ? "O ≥ " : "", (long long)(outputs < 0 ? 1 : outputs), (long long)channels);
    return PLUGCL_OK;
}

static plugcl_status check_branch(const plugcl_shape *inputs, const bool *present, size_t branch)
{
    const plugcl_shape *weight = &inputs[input_of(branch, WEIGHT)];
    int64_t channels = inputs[X].dims[1];
    plugcl_status status = PLUGCL_OK;
    if (present[input_of(branch, DEPTHWISE)])
        status = check_weight("depthwise", &inputs[input_of(branch, DEPTHWISE)], channels, 1);
    if (status == PLUGCL_OK)
        status = check_weight("branch", weight, -1, channels);
    if (status == PLUGCL_OK && present[input_of(branch, DEPTHWISE)] && weight->dims[2] != 1)
        return fail(PLUGCL_INVALID, "pyramid's weight after a depthwise one is %lld x %lld; it must be 1 x 1",
                    (long long)weight->dims[2], (long long)weight->dims[3]);
    if (status == PLUGCL_OK)
        status = check_bias("branch", &inputs[input_of(branch, BIAS)], present[input_of(branch, BIAS)], weight->dims[0]);
    return status;
}

static plugcl_status pyramid_shape(const void *parameters, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct pyramid_params *params = parameters;
    const plugcl_shape *x = &inputs[X];
    int64_t channels = 0;
    if (x->rank != 4)
        return fail(PLUGCL_INVALID, "pyramid's x has rank %u; it must be 4: [N, C, H, W]", x->rank);
    if (x->dims[1] < 1 || x->dims[2] < 1 || x->dims[3] < 1)
        return fail(PLUGCL_INVALID, "pyramid's x has %lld channels of %lld x %lld pixels; all must be at least 1",
                    (long long)x->dims[1], (long long)x->dims[2], (long long)x->dims[3]);
    plugcl_status status = PLUGCL_OK;
    for (uint32_t i = 0; status == PLUGCL_OK && i < params->branches; i++) {
        status = check_branch(inputs, present, i);
        channels += inputs[input_of(i, WEIGHT)].dims[0];
    }
    if (status == PLUGCL_OK && present[POOL]) {
        status = check_weight("pool", &inputs[POOL], -1, x->dims[1]);
        if (status == PLUGCL_OK && inputs[POOL].dims[2] != 1)
            status = fail(PLUGCL_INVALID, "pyramid's pool weight is %lld x %lld; it must be 1 x 1", (long long)inputs[POOL].dims[2],
                          (long long)inputs[POOL].dims[3]);
        if (status == PLUGCL_OK)
            status = check_bias("pool", &inputs[POOL_BIAS], present[POOL_BIAS], inputs[POOL].dims[0]);
        channels += inputs[POOL].dims[0];
    }
    if (status == PLUGCL_OK)
        status = check_weight("projection", &inputs[PROJECTION], -1, channels);
    if (status == PLUGCL_OK)
        status = check_bias("projection", &inputs[PROJECTION_BIAS], present[PROJECTION_BIAS], inputs[PROJECTION].dims[0]);
    outputs[0] = (plugcl_shape){ 4, { x->dims[0], inputs[PROJECTION].dims[0], x->dims[2], x->dims[3] } };
    return status;
}

/*
 * The definition.
 */
static int64_t kernel_of(const plugcl_graph *graph, plugcl_value weight)
{
    plugcl_shape shape;
    return plugcl_graph_shape(graph, weight, &shape) == PLUGCL_OK ? shape.dims[2] : 1;
}

/* Padded so that the picture keeps its size. */
static struct plugcl_conv2d_params same_size(int64_t kernel, uint32_t dilation)
{
    struct plugcl_conv2d_params params = plugcl_conv2d_params_init();
    for (int i = 0; i < 4; i++)
        params.pad[i] = (uint32_t)(kernel / 2) * dilation;
    params.stride[0] = params.stride[1] = params.groups = 1;
    params.dilation[0] = params.dilation[1] = dilation;
    return params;
}

static plugcl_value expand_layer(plugcl_graph *graph, const struct pyramid_params *params, plugcl_value x, plugcl_value weight,
                                 plugcl_value bias, uint32_t dilation)
{
    struct plugcl_conv2d_params window = same_size(kernel_of(graph, weight), dilation);
    plugcl_value sum = plugcl_graph_conv2d(graph, x, weight, bias, &window);
    return params->act == PLUGCL_IDENTITY ? sum : plugcl_graph_activation(graph, sum, params->act, params->act_alpha, 0);
}

static plugcl_value expand_branch(plugcl_graph *graph, const struct pyramid_params *params, const plugcl_value *inputs,
                                  uint32_t branch)
{
    plugcl_value x = inputs[X], depthwise = inputs[input_of(branch, DEPTHWISE)];
    uint32_t dilation = params->dilation[branch];
    if (depthwise.id != 0) {
        plugcl_shape shape = { 0 };
        plugcl_graph_shape(graph, depthwise, &shape);
        struct plugcl_conv2d_params window = same_size(shape.dims[2], dilation);
        window.groups = (uint32_t)shape.dims[0];
        x = plugcl_graph_conv2d(graph, x, depthwise, (plugcl_value){ 0 }, &window);
    }
    return expand_layer(graph, params, x, inputs[input_of(branch, WEIGHT)], inputs[input_of(branch, BIAS)], dilation);
}

/* The pooled branch at every pixel. Whatever align_corners says, resizing one pixel repeats it. */
static plugcl_value expand_pool(plugcl_graph *graph, const struct pyramid_params *params, const plugcl_value *inputs)
{
    struct plugcl_resize_params repeat = plugcl_resize_params_init();
    repeat.mode = PLUGCL_SAMPLE_NEAREST;
    plugcl_value pooled = plugcl_graph_adaptive_avg_pool2d(graph, inputs[X], 1, 1);
    pooled = expand_layer(graph, params, pooled, inputs[POOL], inputs[POOL_BIAS], 1);
    return plugcl_graph_resize(graph, pooled, inputs[X], &repeat);
}

static void pyramid_expand(plugcl_graph *graph, const void *parameters, const plugcl_value *inputs, plugcl_value *results)
{
    const struct pyramid_params *params = parameters;
    plugcl_value parts[PYRAMID_MAX_BRANCHES + 1];
    size_t count = 0;
    if (inputs[POOL].id != 0 && params->pool_first)
        parts[count++] = expand_pool(graph, params, inputs);
    for (uint32_t i = 0; i < params->branches; i++)
        parts[count++] = expand_branch(graph, params, inputs, i);
    if (inputs[POOL].id != 0 && !params->pool_first)
        parts[count++] = expand_pool(graph, params, inputs);
    plugcl_value all = plugcl_graph_concat(graph, parts, count, 1);
    results[0] = expand_layer(graph, params, all, inputs[PROJECTION], inputs[PROJECTION_BIAS], 1);
}

/*
 * The planner.
 */
struct pyramid {
    const struct operator_call *call;
    const struct pyramid_params *params;
    const struct operand *x, *projection;
    int64_t images, channels, height, width, outputs;
    int64_t pool, branches; /* channels of the pooled branch and of the others together */
    bool folds;             /* the pooled branch becomes a bias of each image */
};

static struct pyramid pyramid_of(const struct operator_call *call)
{
    const plugcl_shape *x = &call->inputs[X].shape;
    struct pyramid self = { .call = call, .params = call->params, .x = &call->inputs[X], .projection = &call->inputs[PROJECTION] };
    self.images = x->dims[0];
    self.channels = x->dims[1];
    self.height = x->dims[2];
    self.width = x->dims[3];
    self.outputs = self.projection->shape.dims[0];
    self.pool = call->inputs[POOL].present ? call->inputs[POOL].shape.dims[0] : 0;
    self.branches = self.projection->shape.dims[1] - self.pool;
    self.folds = self.pool > 0 && self.projection->shape.dims[2] == 1 && self.branches > 0;
    return self;
}

/* `channels` channels of pixels that are `pixel` elements wide, from channel `first` on. */
static struct operand channel_view(const struct pyramid *self, uint32_t region, int64_t first, int64_t channels, int64_t pixel)
{
    int64_t row = pixel * self->width;
    return (struct operand){ .present = true, .dtype = PLUGCL_F32, .region = region, .offset = first,
                             .shape = { 4, { self->images, channels, self->height, self->width } },
                             .strides = { row * self->height, 1, row, pixel } };
}

/* A number for each image and channel; as a map, repeated at every pixel. */
static struct operand image_vector(const struct pyramid *self, uint32_t region, int64_t channels, bool as_map)
{
    struct operand operand = { .present = true, .dtype = PLUGCL_F32, .region = region,
                               .shape = { as_map ? 4 : 2, { self->images, channels } }, .strides = { channels, 1 } };
    if (as_map) {
        operand.shape.dims[2] = self->height;
        operand.shape.dims[3] = self->width;
    }
    return operand;
}

/* The projection's columns for `channels` channels from `first` on; as a matrix for a linear layer. */
static struct operand projection_columns(const struct pyramid *self, int64_t first, int64_t channels, bool as_matrix)
{
    struct operand columns = *self->projection;
    columns.offset += first * columns.strides[1];
    columns.shape.dims[1] = channels;
    columns.shape.rank = as_matrix ? 2 : 4;
    return columns;
}

static struct epilogue epilogue_of(const struct pyramid *self)
{
    return (struct epilogue){ .act = self->params->act, .alpha = self->params->act_alpha };
}

static plugcl_status plan_conv2d(struct schedule *schedule, const struct pyramid *self, const struct operand *operands,
                                 const struct operand *y, uint32_t dilation, uint32_t groups, const struct epilogue *epilogue)
{
    struct plugcl_conv2d_params params = same_size(operands[1].shape.dims[2], dilation);
    params.groups = groups;
    struct operator_call call = { .info = &operator_conv2d, .params = &params, .outputs = { *y },
                                  .no_winograd = self->call->no_winograd };
    memcpy(call.inputs, operands, 4 * sizeof *operands);
    if (epilogue != NULL)
        call.epilogue = *epilogue;
    return variant_plan(schedule, &call);
}

/* A depthwise convolution, whose result all such branches keep in `separated` one after the other, and a 1x1 one. */
static plugcl_status plan_separated(struct schedule *schedule, const struct pyramid *self, size_t branch, uint32_t separated,
                                    const struct operand *y)
{
    const struct operand *inputs = &self->call->inputs[input_of(branch, 0)];
    const struct epilogue epilogue = epilogue_of(self);
    const struct operand depthwise = channel_view(self, separated, 0, self->channels, self->channels);
    const struct operand filters[4] = { *self->x, inputs[DEPTHWISE] }, layer[4] = { depthwise, inputs[WEIGHT], inputs[BIAS] };
    const uint32_t dilation = self->params->dilation[branch];
    plugcl_status status = plan_conv2d(schedule, self, filters, &depthwise, dilation, (uint32_t)self->channels, NULL);
    return status == PLUGCL_OK ? plan_conv2d(schedule, self, layer, y, dilation, 1, &epilogue) : status;
}

/* The branches into channels of `region`, whose pixels are `all` channels wide, from `first` on. */
static plugcl_status plan_branches(struct schedule *schedule, const struct pyramid *self, uint32_t region, int64_t first,
                                   int64_t all)
{
    struct plugcl_conv2d_params params[PYRAMID_MAX_BRANCHES];
    struct operator_call *calls = memory_zeroed(PYRAMID_MAX_BRANCHES, sizeof *calls);
    uint32_t separated = REGION_NONE;
    size_t count = 0;
    plugcl_status status = calls != NULL ? PLUGCL_OK : fail_no_memory(PYRAMID_MAX_BRANCHES * sizeof *calls);
    for (uint32_t i = 0; status == PLUGCL_OK && i < self->params->branches; i++) {
        const struct operand *inputs = &self->call->inputs[input_of(i, 0)];
        const struct operand y = channel_view(self, region, first, inputs[WEIGHT].shape.dims[0], all);
        if (inputs[DEPTHWISE].present) {
            if (separated == REGION_NONE)
                separated = schedule_floats(schedule, self->images * self->height * self->width * self->channels);
            status = plan_separated(schedule, self, i, separated, &y);
        } else {
            params[count] = same_size(inputs[WEIGHT].shape.dims[2], self->params->dilation[i]);
            calls[count] = (struct operator_call){ .info = &operator_conv2d, .params = &params[count],
                                                   .inputs = { *self->x, inputs[WEIGHT], inputs[BIAS] }, .outputs = { y },
                                                   .epilogue = epilogue_of(self),
                                                   .no_winograd = self->call->no_winograd };
            count++;
        }
        first += inputs[WEIGHT].shape.dims[0];
    }
    if (status == PLUGCL_OK)
        status = conv2d_plan_together(schedule, calls, count);
    memory_free(calls);
    return status;
}

static plugcl_status plan_linear(struct schedule *schedule, const struct operand *x, const struct operand *weight,
                                 const struct operand *bias, const struct operand *y, const struct epilogue *epilogue)
{
    struct operator_call call = { .info = &operator_linear, .inputs = { *x, *weight, *bias }, .outputs = { *y } };
    if (epilogue != NULL)
        call.epilogue = *epilogue;
    return variant_plan(schedule, &call);
}

/* The pooled branch's features, a vector for each image. */
static plugcl_status plan_pool(struct schedule *schedule, const struct pyramid *self, const struct operand *features)
{
    const struct adaptive_pool2d_params params = { .height = 1, .width = 1 };
    const struct epilogue epilogue = epilogue_of(self);
    uint32_t region = schedule_floats(schedule, self->images * self->channels);
    struct operand means = image_vector(self, region, self->channels, true);
    const struct operand rows = image_vector(self, region, self->channels, false);
    struct operator_call pool = { .info = &operator_adaptive_pool2d, .params = &params, .inputs = { *self->x } };
    means.shape.dims[2] = means.shape.dims[3] = 1;
    pool.outputs[0] = means;
    plugcl_status status = variant_plan(schedule, &pool);
    if (status != PLUGCL_OK)
        return status;
    return plan_linear(schedule, &rows, &self->call->inputs[POOL], &self->call->inputs[POOL_BIAS], features, &epilogue);
}

/* The pooled branch through its columns of the projection, with the projection's bias: a bias of each image. */
static plugcl_status plan_image_bias(struct schedule *schedule, const struct pyramid *self, const struct operand *bias)
{
    uint32_t region = schedule_floats(schedule, self->images * self->pool);
    const struct operand features = image_vector(self, region, self->pool, false);
    const struct operand columns = projection_columns(self, self->params->pool_first ? 0 : self->branches, self->pool, true);
    plugcl_status status = plan_pool(schedule, self, &features);
    if (status != PLUGCL_OK)
        return status;
    return plan_linear(schedule, &features, &columns, &self->call->inputs[PROJECTION_BIAS], bias, NULL);
}

/* The pooled branch written to every pixel, for a projection that sees the picture's edge. */
static plugcl_status plan_pool_map(struct schedule *schedule, const struct pyramid *self, const struct operand *y)
{
    uint32_t region = schedule_floats(schedule, self->images * self->pool);
    const struct operand features = image_vector(self, region, self->pool, false);
    const struct operand repeated = image_vector(self, region, self->pool, true);
    plugcl_status status = plan_pool(schedule, self, &features);
    return status == PLUGCL_OK ? variant_plan_copy(schedule, &repeated, y) : status;
}

static plugcl_status plan_projection(struct schedule *schedule, const struct pyramid *self, const struct operand *all,
                                     const struct operand *image_bias)
{
    struct epilogue epilogue = epilogue_of(self);
    int64_t first = self->folds && self->params->pool_first ? self->pool : 0;
    struct operand operands[4] = { *all, projection_columns(self, first, all->shape.dims[1], false) };
    if (self->folds)
        operands[3] = *image_bias;
    else
        operands[2] = self->call->inputs[PROJECTION_BIAS];
    epilogue.has_residual = self->folds;
    return plan_conv2d(schedule, self, operands, &self->call->outputs[0], 1, 1, &epilogue);
}

static plugcl_status plan_views(struct schedule *schedule, const struct operator_call *call)
{
    const struct pyramid self = pyramid_of(call);
    int64_t pixels = self.images * self.height * self.width, all = self.folds ? self.branches : self.branches + self.pool;
    if (pixels == 0)
        return PLUGCL_OK;
    uint32_t region = schedule_floats(schedule, pixels * all);
    const struct operand concat = channel_view(&self, region, 0, all, all);
    struct operand image_bias = { .present = false };
    plugcl_status status = PLUGCL_OK;
    if (self.folds) {
        uint32_t bias = schedule_floats(schedule, self.images * self.outputs);
        const struct operand rows = image_vector(&self, bias, self.outputs, false);
        image_bias = image_vector(&self, bias, self.outputs, true);
        status = plan_image_bias(schedule, &self, &rows);
    } else if (self.pool > 0) {
        const struct operand map = channel_view(&self, region, self.params->pool_first ? 0 : self.branches, self.pool, all);
        status = plan_pool_map(schedule, &self, &map);
    }
    if (status == PLUGCL_OK)
        status = plan_branches(schedule, &self, region, self.params->pool_first && !self.folds ? self.pool : 0, all);
    return status == PLUGCL_OK ? plan_projection(schedule, &self, &concat, &image_bias) : status;
}

static enum operand_need pyramid_need(const struct operator_call *call, size_t input)
{
    if (input == X)
        return NEED_CHANNELS_LAST;
    return call->inputs[input].constant != NULL ? NEED_HOST : NEED_NOTHING;
}

/* Of the convolutions, padding included. */
static uint64_t pyramid_flops(const struct operator_call *call)
{
    const struct pyramid self = pyramid_of(call);
    uint64_t weights = (uint64_t)operand_elements(self.projection), pixels = (uint64_t)(self.images * self.height * self.width);
    for (uint32_t i = 0; i < self.params->branches; i++) {
        const struct operand *inputs = &call->inputs[input_of(i, 0)];
        weights += (uint64_t)operand_elements(&inputs[WEIGHT]);
        weights += inputs[DEPTHWISE].present ? (uint64_t)operand_elements(&inputs[DEPTHWISE]) : 0;
    }
    return 2 * pixels * weights;
}

static const struct variant variants[] = {
    { "views", variant_always, NULL, plan_views },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_pyramid = {
    .name = "pyramid",
    .params_size = sizeof(struct pyramid_params),
    .shape = pyramid_shape,
    .need = pyramid_need,
    .layout = OUTPUT_CHANNELS_LAST,
    .variants = variants,
    .flops = pyramid_flops,
    .expand = pyramid_expand,
};
