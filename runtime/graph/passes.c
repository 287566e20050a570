/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passes.c: merges nodes of a plan's copy of a graph.
 *
 * A merged node takes the place of the later of the two, where all operands of both have been computed; the earlier one is marked
 * removed. Only a result that nobody else reads may vanish.
 */
#include "graph/graph.h"
#include "ops/attention.h"

static struct node *producer(const plugcl_graph *graph, uint32_t value)
{
    const struct value *found = graph_value(graph, value);
    return found != NULL && found->kind == VALUE_RESULT ? &graph->nodes[found->node] : NULL;
}

static bool is_constant(const plugcl_graph *graph, uint32_t value)
{
    const struct value *found = graph_value(graph, value);
    return found != NULL && found->kind == VALUE_CONSTANT;
}

/* The node that `value` is the result of, if it is of that kind and nobody else reads it. */
static struct node *sole_producer(const plugcl_graph *graph, uint32_t value, const struct operator_info *info)
{
    struct node *node = producer(graph, value);
    return node != NULL && !node->removed && node->info == info && graph_uses(graph, value) == 1 ? node : NULL;
}

/* The node with an epilogue whose only reader is this operand. A gate that is asked for its factors too stays as it is. */
static struct node *sole_layer(const plugcl_graph *graph, uint32_t value)
{
    struct node *node = producer(graph, value);
    bool alone = node != NULL && !node->removed && node->info->epilogue != EPILOGUE_NONE && node->outputs[0] == value &&
                 graph_uses(graph, value) == 1;
    for (uint32_t i = 1; alone && i < node->n_outputs; i++)
        alone = graph_uses(graph, node->outputs[i]) == 0;
    return alone ? node : NULL;
}

static bool takes_activation(const struct node *node, plugcl_activation kind)
{
    return node->info->epilogue != EPILOGUE_OF_GATE || kind == PLUGCL_RELU || kind == PLUGCL_RELU6 || kind == PLUGCL_CLIP;
}

/* `later` becomes `earlier` with its own outputs. */
static void take_over(struct node *later, struct node *earlier)
{
    const struct operator_info *info = later->info;
    void *params = later->params;
    char *label = later->label;
    later->info = earlier->info;
    later->params = earlier->params;
    later->epilogue = earlier->epilogue;
    later->gemm = earlier->gemm;
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++)
        later->inputs[i] = earlier->inputs[i];
    later->label = earlier->label ? earlier->label : label;
    earlier->info = info; /* whose parameters it now keeps */
    earlier->params = params;
    earlier->label = earlier->label ? label : NULL;
    earlier->removed = true;
}

static struct constant *constant_of(const plugcl_graph *graph, uint32_t value)
{
    const struct value *found = graph_value(graph, value);
    return found != NULL ? found->constant : NULL;
}

/* The layer before `value` if its constant weight and bias can take up what follows. A linear layer's channels are its last axis,
 * others' are axis 1: the same for rank 2. */
static struct node *foldable_layer(const plugcl_graph *graph, uint32_t value)
{
    struct node *layer = sole_layer(graph, value);
    if (layer == NULL || layer->info->epilogue != EPILOGUE_OF_LAYER || layer->epilogue.has_residual ||
        layer->epilogue.act != PLUGCL_IDENTITY || !is_constant(graph, layer->inputs[1]) ||
        (layer->inputs[2] != 0 && !is_constant(graph, layer->inputs[2])) ||
        (layer->info == &operator_linear && graph_value(graph, value)->shape.rank != 2))
        return NULL;
    return layer;
}

/* `later` becomes the layer, with weight and bias that do what it did. */
static plugcl_status fold_into(plugcl_graph *graph, struct node *later, struct node *layer,
                               const struct batch_norm_constants *constants)
{
    struct constant *weight = NULL, *bias = NULL;
    plugcl_status status =
        fold_batch_norm(constants, constant_of(graph, layer->inputs[1]), constant_of(graph, layer->inputs[2]), &weight, &bias);
    if (status != PLUGCL_OK)
        return status;
    take_over(later, layer);
    later->inputs[1] = graph_add_constant(graph, weight).id;
    later->inputs[2] = graph_add_constant(graph, bias).id;
    return graph->status;
}

static plugcl_status fold_norm(plugcl_graph *graph, struct node *norm)
{
    struct node *layer = foldable_layer(graph, norm->inputs[0]);
    for (size_t i = 1; i < 5; i++)
        if (layer == NULL || (norm->inputs[i] != 0 && !is_constant(graph, norm->inputs[i])))
            return PLUGCL_OK;
    struct batch_norm_constants constants = { .eps = ((struct batch_norm_params *)norm->params)->eps };
    constants.mean = constant_of(graph, norm->inputs[1]);
    constants.variance = constant_of(graph, norm->inputs[2]);
    constants.weight = constant_of(graph, norm->inputs[3]);
    constants.bias = constant_of(graph, norm->inputs[4]);
    return fold_into(graph, norm, layer, &constants);
}

/* One number for each channel of a tensor of that rank, or one for all: every other axis has size 1. */
static bool is_per_channel(const plugcl_shape *shape, const plugcl_shape *tensor)
{
    for (uint32_t i = 0; i < shape->rank; i++) {
        uint32_t axis = i + tensor->rank - shape->rank;
        if (shape->dims[i] != 1 && (axis != 1 || shape->dims[i] != tensor->dims[1]))
            return false;
    }
    return shape->rank <= tensor->rank;
}

/* A product with a constant, or a sum with one, for each channel. */
static plugcl_status fold_scale(plugcl_graph *graph, struct node *binary)
{
    plugcl_binary kind = ((struct binary_params *)binary->params)->kind;
    for (int side = 0; side < 2 && (kind == PLUGCL_MUL || kind == PLUGCL_ADD); side++) {
        struct node *layer = foldable_layer(graph, binary->inputs[side]);
        struct constant *factor = constant_of(graph, binary->inputs[1 - side]);
        if (layer == NULL || factor == NULL || !is_per_channel(&factor->shape, &graph_value(graph, binary->inputs[side])->shape))
            continue;
        struct batch_norm_constants constants = { .broadcast = true };
        *(kind == PLUGCL_MUL ? &constants.weight : &constants.bias) = factor;
        return fold_into(graph, binary, layer, &constants);
    }
    return PLUGCL_OK;
}

/* The max-pool that `value` comes from, if a rising activation may as well come before it. Without dilation no window lies wholly
 * in the padding. */
static struct node *pool_to_pass(const plugcl_graph *graph, uint32_t value, plugcl_activation kind)
{
    struct node *node = sole_producer(graph, value, &operator_pool2d);
    const struct pool2d_params *pool = node != NULL ? node->params : NULL;
    bool rising = kind == PLUGCL_RELU || kind == PLUGCL_RELU6;
    bool passes = pool != NULL && rising && pool->is_max && pool->window.dilation[0] == 1 && pool->window.dilation[1] == 1;
    return passes ? node : NULL;
}

/* Into the layer before, also through a max-pool, which then takes the activation's place. */
static void fuse_activation(plugcl_graph *graph, struct node *activation)
{
    struct activation_params params = *(struct activation_params *)activation->params;
    struct node *pool = pool_to_pass(graph, activation->inputs[0], params.kind);
    struct node *layer = sole_layer(graph, pool ? pool->inputs[0] : activation->inputs[0]);
    if (layer == NULL || layer->epilogue.act != PLUGCL_IDENTITY || !takes_activation(layer, params.kind))
        return;
    take_over(activation, pool ? pool : layer);
    struct epilogue *epilogue = pool ? &layer->epilogue : &activation->epilogue;
    epilogue->act = params.kind;
    epilogue->alpha = params.alpha;
    epilogue->beta = params.beta;
}

static bool same_shape(const plugcl_graph *graph, uint32_t a, uint32_t b)
{
    const plugcl_shape *x = &graph_value(graph, a)->shape, *y = &graph_value(graph, b)->shape;
    bool same = x->rank == y->rank;
    for (uint32_t i = 0; same && i < x->rank; i++)
        same = x->dims[i] == y->dims[i];
    return same;
}

static void fuse_residual(plugcl_graph *graph, struct node *add)
{
    if (((struct binary_params *)add->params)->kind != PLUGCL_ADD || !same_shape(graph, add->inputs[0], add->inputs[1]))
        return;
    for (int side = 0; side < 2; side++) {
        struct node *layer = sole_layer(graph, add->inputs[side]);
        uint32_t residual = add->inputs[1 - side];
        if (layer == NULL || layer->info->epilogue == EPILOGUE_OF_BINARY || layer->epilogue.has_residual ||
            layer->epilogue.act != PLUGCL_IDENTITY)
            continue;
        take_over(add, layer);
        add->inputs[add->info->residual_input] = residual;
        add->epilogue.has_residual = true;
        return;
    }
}

/* The spatial gate reads x and the channel gate's factors, so that their product is never written. */
static void fuse_gates(plugcl_graph *graph, struct node *spatial)
{
    struct node *channel = producer(graph, spatial->inputs[0]);
    if (channel == NULL || channel->removed || channel->info != &operator_channel_gate || spatial->inputs[3] != 0 ||
        spatial->inputs[0] != channel->outputs[0] || channel->epilogue.has_residual ||
        channel->epilogue.act != PLUGCL_IDENTITY || graph_uses(graph, spatial->inputs[0]) != 1)
        return;
    spatial->inputs[0] = channel->inputs[0];
    spatial->inputs[3] = channel->outputs[1];
}

void graph_remove_unread(plugcl_graph *graph)
{
    for (size_t i = graph->n_nodes; i-- > 0;) {
        struct node *node = &graph->nodes[i];
        size_t uses = 0;
        for (uint32_t j = 0; j < node->n_outputs; j++)
            uses += graph_uses(graph, node->outputs[j]);
        node->removed = node->removed || uses == 0;
    }
}

plugcl_status graph_fold_and_fuse(plugcl_graph *graph)
{
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && i < graph->n_nodes; i++) {
        struct node *node = &graph->nodes[i];
        if (node->info == &operator_batch_norm)
            status = fold_norm(graph, node);
        else if (node->info == &operator_activation)
            fuse_activation(graph, node);
        else if (node->info == &operator_binary && (status = fold_scale(graph, node)) == PLUGCL_OK &&
                 node->info == &operator_binary)
            fuse_residual(graph, node);
        else if (node->info == &operator_spatial_gate)
            fuse_gates(graph, node);
    }
    return status;
}

bool graph_is_pointwise(const plugcl_graph *graph, const struct node *node)
{
    const struct plugcl_conv2d_params *params = node->params;
    if (node->info != &operator_conv2d)
        return false;
    const int64_t *kernel = graph_value(graph, node->inputs[1])->shape.dims + 2;
    return kernel[0] == 1 && kernel[1] == 1 && params->groups == 1 && params->stride[0] == 1 && params->stride[1] == 1 &&
           (params->pad[0] | params->pad[1] | params->pad[2] | params->pad[3]) == 0;
}

/* The attention whose rows are the pixels of a map [N, C, H, W]. */
static struct node *attention_of_map(const plugcl_graph *graph, uint32_t map)
{
    static const uint32_t channels_second[4] = { 0, 3, 1, 2 };
    const struct node *transpose = sole_producer(graph, map, &operator_transpose);
    const struct node *reshape =
        transpose != NULL ? sole_producer(graph, transpose->inputs[0], &operator_reshape) : NULL;
    struct node *attention = reshape != NULL ? sole_producer(graph, reshape->inputs[0], &operator_attention) : NULL;
    if (attention == NULL || graph_value(graph, map)->shape.rank != 4)
        return NULL;
    const int64_t *rows = graph_value(graph, reshape->inputs[0])->shape.dims;
    const int64_t *dims = graph_value(graph, map)->shape.dims;
    for (int i = 0; i < 4; i++)
        if (((const struct transpose_params *)transpose->params)->order[i] != channels_second[i])
            return NULL;
    return dims[0] == rows[0] && dims[1] == rows[2] ? attention : NULL;
}

void graph_fuse_projections(plugcl_graph *graph)
{
    for (size_t i = 0; i < graph->n_nodes; i++) {
        struct node *conv = &graph->nodes[i];
        if (conv->removed || !graph_is_pointwise(graph, conv) || !conv->epilogue.has_residual ||
            conv->epilogue.act != PLUGCL_IDENTITY)
            continue;
        struct node *attention = attention_of_map(graph, conv->inputs[0]);
        const uint32_t weight = conv->inputs[1], bias = conv->inputs[2], residual = conv->inputs[3];
        if (attention == NULL)
            continue;
        take_over(conv, attention);
        conv->inputs[ATTENTION_WEIGHT] = weight;
        conv->inputs[ATTENTION_BIAS] = bias;
        conv->inputs[ATTENTION_RESIDUAL] = residual;
        conv->epilogue.has_residual = true;
    }
}
