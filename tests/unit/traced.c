/* SPDX-License-Identifier: Apache-2.0 */
#include "traced.h"

#include <math.h>

#include "unit.h"

void tracing_begin(struct tracing *t, uint32_t seed)
{
    *t = (struct tracing){ .random = seed * 2654435761u + 1 };
    assert_int_equal(plugcl_graph_create(NULL, &t->graph), PLUGCL_OK);
}

void tracing_end(struct tracing *t)
{
    plugcl_graph_destroy(&t->graph);
    for (size_t i = 0; i < t->n_memory; i++)
        free(t->memory[i]);
}

uint32_t tracing_random(struct tracing *t, uint32_t below)
{
    t->random = t->random * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(t->random >> 8) * below >> 24);
}

static size_t count_of(const plugcl_shape *shape)
{
    return (size_t)plugcl_shape_elements(shape);
}

struct traced tracing_blank(struct tracing *t, const plugcl_shape *shape)
{
    struct traced made = { { 0 }, *shape, calloc(count_of(shape) + 1, sizeof(double)) };
    assert_non_null(made.data);
    assert_true(t->n_memory < TRACED_MOST);
    return t->memory[t->n_memory++] = made.data, made;
}

static struct traced make_random(struct tracing *t, const plugcl_shape *shape)
{
    struct traced made = tracing_blank(t, shape);
    for (size_t i = 0; i < count_of(shape); i++)
        made.data[i] = (float)((double)tracing_random(t, 4001) / 2000.0 - 1.0);
    return made;
}

/* The place of element `index` of `of` in a tensor of `shape`, where axes of size 1 repeat, aligned at the back. */
static size_t broadcast_index(const plugcl_shape *of, size_t index, const plugcl_shape *shape)
{
    size_t place = 0, stride = 1;
    for (uint32_t i = 0; i < of->rank; i++) {
        size_t coordinate = index % (size_t)of->dims[of->rank - 1 - i];
        index /= (size_t)of->dims[of->rank - 1 - i];
        if (i >= shape->rank)
            continue;
        size_t size = (size_t)shape->dims[shape->rank - 1 - i];
        place += size == 1 ? 0 : coordinate * stride;
        stride *= size;
    }
    return place;
}

struct traced traced_input(struct tracing *t, const plugcl_shape *shape)
{
    char name[16];
    struct traced x = make_random(t, shape);
    plugcl_shape declared = *shape;
    for (uint32_t i = 0; t->unknown && i < shape->rank; i++)
        declared.dims[i] = PLUGCL_DIM_ANY;
    snprintf(name, sizeof name, "x%zu", t->n_inputs);
    x.value = plugcl_graph_input(t->graph, name, PLUGCL_F32, &declared);
    assert_true(t->n_inputs < TRACED_OUTPUTS);
    return t->inputs[t->n_inputs++] = x;
}

struct traced traced_constant(struct tracing *t, const plugcl_shape *shape)
{
    struct traced x = make_random(t, shape);
    float *data = calloc(count_of(shape) + 1, sizeof *data);
    for (size_t i = 0; i < count_of(shape); i++)
        data[i] = (float)x.data[i];
    x.value = plugcl_graph_constant(t->graph, PLUGCL_F32, shape, data);
    free(data);
    return x;
}

struct traced traced_activation(struct tracing *t, struct traced x, plugcl_activation kind)
{
    struct traced y = tracing_blank(t, &x.shape);
    for (size_t i = 0; i < count_of(&x.shape); i++)
        y.data[i] = kind == PLUGCL_RELU ? fmax(x.data[i], 0) : kind == PLUGCL_TANH ? tanh(x.data[i]) : 1 / (1 + exp(-x.data[i]));
    y.value = plugcl_graph_activation(t->graph, x.value, kind, 0, 0);
    return y;
}

struct traced traced_binary(struct tracing *t, plugcl_binary kind, struct traced a, struct traced b)
{
    plugcl_shape shape = { .rank = a.shape.rank > b.shape.rank ? a.shape.rank : b.shape.rank };
    for (uint32_t i = 0; i < shape.rank; i++) {
        int64_t p = i < a.shape.rank ? a.shape.dims[a.shape.rank - 1 - i] : 1;
        int64_t q = i < b.shape.rank ? b.shape.dims[b.shape.rank - 1 - i] : 1;
        shape.dims[shape.rank - 1 - i] = p == 1 ? q : p;
    }
    struct traced y = tracing_blank(t, &shape);
    for (size_t i = 0; i < count_of(&shape); i++) {
        double p = a.data[broadcast_index(&shape, i, &a.shape)], q = b.data[broadcast_index(&shape, i, &b.shape)];
        y.data[i] = kind == PLUGCL_ADD ? p + q : kind == PLUGCL_SUB ? p - q : kind == PLUGCL_MUL ? p * q : fmax(p, q);
    }
    y.value = plugcl_graph_binary(t->graph, kind, a.value, b.value);
    return y;
}

/* Sums f over a window round (h, w) of plane `plane` of x. */
static double pixel(const struct traced *x, int64_t plane, int64_t h, int64_t w, double outside)
{
    int64_t height = x->shape.dims[2], width = x->shape.dims[3];
    return h < 0 || w < 0 || h >= height || w >= width ? outside : x->data[(plane * height + h) * width + w];
}

struct traced traced_conv(struct tracing *t, struct traced x, int64_t channels, int64_t kernel)
{
    int64_t n = x.shape.dims[0], in = x.shape.dims[1], height = x.shape.dims[2], width = x.shape.dims[3];
    uint32_t pad = (uint32_t)kernel / 2;
    struct traced weight = traced_constant(t, PLUGCL_SHAPE(channels, in, kernel, kernel));
    struct traced bias = traced_constant(t, PLUGCL_SHAPE(channels));
    struct traced y = tracing_blank(t, PLUGCL_SHAPE(n, channels, height, width));
    for (int64_t i = 0; i < (int64_t)count_of(&y.shape); i++) {
        int64_t column = i % width, row = i / width % height, o = i / width / height % channels,
                image = i / width / height / channels;
        y.data[i] = bias.data[o];
        for (int64_t k = 0; k < in * kernel * kernel; k++)
            y.data[i] += weight.data[o * in * kernel * kernel + k] *
                         pixel(&x, image * in + k / kernel / kernel, row + k / kernel % kernel - pad, column + k % kernel - pad, 0);
    }
    y.value = plugcl_graph_conv2d(t->graph, x.value, weight.value, bias.value, plugcl_conv2d_params(.pad = { pad, pad, pad, pad }));
    return y;
}

struct traced traced_batch_norm(struct tracing *t, struct traced x)
{
    const plugcl_shape *channels = PLUGCL_SHAPE(x.shape.dims[1]);
    struct traced mean = traced_constant(t, channels), weight = traced_constant(t, channels), bias = traced_constant(t, channels);
    struct traced one = { .data = NULL }, y = tracing_blank(t, &x.shape);
    float variances[64];
    assert_true(x.shape.dims[1] <= 64);
    for (int64_t c = 0; c < x.shape.dims[1]; c++)
        variances[c] = 1.0f + 0.125f * (float)c;
    one.value = plugcl_graph_constant(t->graph, PLUGCL_F32, channels, variances);
    size_t plane = 1;
    for (uint32_t i = 2; i < x.shape.rank; i++)
        plane *= (size_t)x.shape.dims[i];
    for (size_t i = 0; i < count_of(&x.shape); i++) {
        size_t c = i / plane % (size_t)x.shape.dims[1];
        y.data[i] = (x.data[i] - mean.data[c]) / sqrt((double)variances[c] + 0.5) * weight.data[c] + bias.data[c];
    }
    y.value = plugcl_graph_batch_norm(t->graph, x.value, mean.value, one.value, weight.value, bias.value, 0.5f);
    return y;
}

struct traced traced_linear(struct tracing *t, struct traced x, int64_t features)
{
    size_t in = (size_t)x.shape.dims[x.shape.rank - 1], out = (size_t)features;
    struct traced weight = traced_constant(t, PLUGCL_SHAPE(features, x.shape.dims[x.shape.rank - 1]));
    plugcl_shape shape = x.shape;
    shape.dims[shape.rank - 1] = features;
    struct traced y = tracing_blank(t, &shape);
    for (size_t i = 0; i < count_of(&shape); i++)
        for (size_t k = 0; k < in; k++)
            y.data[i] += x.data[i / out * in + k] * weight.data[i % out * in + k];
    y.value = plugcl_graph_linear(t->graph, x.value, weight.value, (plugcl_value){ 0 });
    return y;
}

struct traced traced_pool(struct tracing *t, struct traced x, bool is_max)
{
    int64_t height = x.shape.dims[2], width = x.shape.dims[3];
    struct traced y = tracing_blank(t, &x.shape);
    for (int64_t i = 0; i < (int64_t)count_of(&x.shape); i++) {
        y.data[i] = is_max ? -INFINITY : 0;
        for (int64_t k = 0; k < 9; k++) {
            double value =
                pixel(&x, i / width / height, i / width % height + k / 3 - 1, i % width + k % 3 - 1, is_max ? -INFINITY : 0);
            y.data[i] = is_max ? fmax(y.data[i], value) : y.data[i] + value / 9;
        }
    }
    const struct plugcl_pool2d_params *params = plugcl_pool2d_params(.kernel = { 3, 3 }, .stride = { 1, 1 }, .pad = { 1, 1, 1, 1 });
    y.value = is_max ? plugcl_graph_max_pool2d(t->graph, x.value, params) : plugcl_graph_avg_pool2d(t->graph, x.value, params);
    return y;
}

/* Squeeze-and-Excitation with two hidden channels and no biases. */
struct traced traced_gate(struct tracing *t, struct traced x)
{
    size_t n = (size_t)x.shape.dims[0], c = (size_t)x.shape.dims[1], plane = (size_t)(x.shape.dims[2] * x.shape.dims[3]);
    struct traced first = traced_constant(t, PLUGCL_SHAPE(2, (int64_t)c)), second = traced_constant(t, PLUGCL_SHAPE((int64_t)c, 2));
    struct traced y = tracing_blank(t, &x.shape);
    for (size_t i = 0; i < n * c; i++) {
        double hidden[2] = { 0, 0 };
        for (size_t k = 0; k < c; k++) {
            double mean = 0;
            for (size_t p = 0; p < plane; p++)
                mean += x.data[(i / c * c + k) * plane + p] / (double)plane;
            for (size_t h = 0; h < 2; h++)
                hidden[h] += first.data[h * c + k] * mean;
        }
        double sum = fmax(hidden[0], 0) * second.data[i % c * 2] + fmax(hidden[1], 0) * second.data[i % c * 2 + 1];
        for (size_t p = 0; p < plane; p++)
            y.data[i * plane + p] = x.data[i * plane + p] / (1 + exp(-sum));
    }
    y.value = plugcl_graph_channel_gate(t->graph, x.value, first.value, (plugcl_value){ 0 }, second.value, (plugcl_value){ 0 },
                                        plugcl_channel_gate_params(.act = PLUGCL_RELU), NULL);
    return y;
}

struct traced traced_concat(struct tracing *t, const struct traced *parts, size_t n, int axis)
{
    plugcl_value values[TRACED_OUTPUTS];
    plugcl_shape shape = parts[0].shape;
    uint32_t along = axis < 0 ? (uint32_t)(axis + (int)shape.rank) : (uint32_t)axis;
    shape.dims[along] = 0;
    for (size_t i = 0; i < n; i++) {
        values[i] = parts[i].value;
        shape.dims[along] += parts[i].shape.dims[along];
    }
    struct traced y = tracing_blank(t, &shape);
    size_t inner = 1, start = 0;
    for (uint32_t i = along + 1; i < shape.rank; i++)
        inner *= (size_t)shape.dims[i];
    for (size_t i = 0; i < n; i++) {
        size_t row = (size_t)parts[i].shape.dims[along] * inner;
        for (size_t j = 0; j < count_of(&parts[i].shape); j++)
            y.data[j / row * (size_t)shape.dims[along] * inner + start + j % row] = parts[i].data[j];
        start += row;
    }
    y.value = plugcl_graph_concat(t->graph, values, n, axis);
    return y;
}

struct traced traced_reshape(struct tracing *t, struct traced x, const plugcl_shape *shape)
{
    struct traced y = { plugcl_graph_reshape(t->graph, x.value, shape), *shape, x.data };
    int64_t known = 1;
    for (uint32_t i = 0; i < shape->rank; i++) {
        y.shape.dims[i] = shape->dims[i] == 0 ? x.shape.dims[i] : shape->dims[i];
        known *= y.shape.dims[i] == -1 ? 1 : y.shape.dims[i];
    }
    for (uint32_t i = 0; i < shape->rank; i++)
        y.shape.dims[i] = y.shape.dims[i] == -1 ? plugcl_shape_elements(&x.shape) / known : y.shape.dims[i];
    return y;
}

struct traced traced_flatten(struct tracing *t, struct traced x, int start, int end)
{
    int rank = (int)x.shape.rank, first = start < 0 ? start + rank : start, last = end < 0 ? end + rank : end;
    struct traced y = { plugcl_graph_flatten(t->graph, x.value, start, end), { 0, { 0 } }, x.data };
    for (int i = 0; i < rank; i++) {
        if (i > first && i <= last)
            y.shape.dims[y.shape.rank - 1] *= x.shape.dims[i];
        else
            y.shape.dims[y.shape.rank++] = x.shape.dims[i];
    }
    return y;
}

struct traced traced_transpose(struct tracing *t, struct traced x, const int *order)
{
    plugcl_shape shape = { .rank = x.shape.rank };
    size_t strides[PLUGCL_MAX_RANK], stride = 1;
    for (uint32_t i = x.shape.rank; i-- > 0; stride *= (size_t)x.shape.dims[i])
        strides[i] = stride;
    for (uint32_t i = 0; i < shape.rank; i++)
        shape.dims[i] = x.shape.dims[order[i]];
    struct traced y = tracing_blank(t, &shape);
    for (size_t i = 0; i < count_of(&shape); i++) {
        size_t rest = i, place = 0;
        for (uint32_t j = shape.rank; j-- > 0; rest /= (size_t)shape.dims[j])
            place += rest % (size_t)shape.dims[j] * strides[order[j]];
        y.data[i] = x.data[place];
    }
    y.value = plugcl_graph_transpose(t->graph, x.value, order, shape.rank);
    return y;
}

struct traced traced_softmax(struct tracing *t, struct traced x, int axis)
{
    uint32_t along = axis < 0 ? (uint32_t)(axis + (int)x.shape.rank) : (uint32_t)axis;
    size_t inner = 1, size = (size_t)x.shape.dims[along];
    for (uint32_t i = along + 1; i < x.shape.rank; i++)
        inner *= (size_t)x.shape.dims[i];
    struct traced y = tracing_blank(t, &x.shape);
    for (size_t i = 0; i < count_of(&x.shape); i++) {
        const double *row = x.data + i / (inner * size) * inner * size + i % inner;
        double sum = 0;
        for (size_t k = 0; k < size; k++)
            sum += exp(row[k * inner] - x.data[i]);
        y.data[i] = 1 / sum;
    }
    y.value = plugcl_graph_softmax(t->graph, x.value, axis);
    return y;
}

struct traced traced_reduce(struct tracing *t, plugcl_reduce kind, struct traced x, const int *axes, size_t n, bool keep)
{
    plugcl_shape kept = x.shape, shape = { 0, { 0 } };
    bool reduced[PLUGCL_MAX_RANK] = { false };
    for (size_t i = 0; i < n; i++)
        reduced[axes[i] < 0 ? axes[i] + (int)x.shape.rank : axes[i]] = true;
    for (uint32_t i = 0; i < x.shape.rank; i++) {
        reduced[i] = reduced[i] || n == 0;
        kept.dims[i] = reduced[i] ? 1 : kept.dims[i];
        if (!reduced[i])
            shape.dims[shape.rank++] = kept.dims[i];
    }
    struct traced y = tracing_blank(t, &kept);
    double count = (double)count_of(&x.shape) / (double)count_of(&kept);
    for (size_t i = 0; kind == PLUGCL_REDUCE_MAX && i < count_of(&kept); i++)
        y.data[i] = -INFINITY;
    for (size_t i = 0; i < count_of(&x.shape); i++) {
        double *place = &y.data[broadcast_index(&x.shape, i, &kept)];
        *place = kind == PLUGCL_REDUCE_MAX ? fmax(*place, x.data[i]) : *place + x.data[i] / (kind == PLUGCL_REDUCE_SUM ? 1 : count);
    }
    y.shape = keep ? kept : shape;
    y.value = plugcl_graph_reduce(t->graph, kind, x.value, axes, n, keep);
    return y;
}

void traced_output(struct tracing *t, struct traced x)
{
    char name[16];
    snprintf(name, sizeof name, "y%zu", t->n_outputs);
    plugcl_graph_output(t->graph, name, x.value);
    assert_true(t->n_outputs < TRACED_OUTPUTS);
    t->outputs[t->n_outputs++] = x;
}

/*
 * Running.
 */

/* Element i of the logical order in memory of that layout. */
static size_t memory_index(const plugcl_shape *shape, size_t i, bool channels_last)
{
    if (!channels_last || shape->rank != 4)
        return i;
    size_t c = (size_t)shape->dims[1], plane = (size_t)(shape->dims[2] * shape->dims[3]);
    return (i / (c * plane) * plane + i % plane) * c + i / plane % c;
}

static plugcl_tensor *make_tensor(const struct traced *x, bool channels_last, bool fill, float **memory)
{
    plugcl_tensor *tensor = NULL;
    size_t count = count_of(&x->shape);
    *memory = malloc((count + 1) * sizeof **memory);
    assert_non_null(*memory);
    for (size_t i = 0; i < count; i++)
        (*memory)[memory_index(&x->shape, i, channels_last)] = fill ? (float)x->data[i] : NAN;
    plugcl_layout layout = channels_last && x->shape.rank == 4 ? PLUGCL_NHWC : PLUGCL_NCHW;
    assert_int_equal(plugcl_tensor_wrap_host(*memory, (count + 1) * sizeof **memory, PLUGCL_F32, &x->shape, layout, &tensor),
                     PLUGCL_OK);
    return tensor;
}

static void compare(const struct traced *y, const float *got, bool channels_last, const char *what, size_t output, bool no_fusion)
{
    double most = 1e-2, worst = 0;
    size_t place = 0;
    for (size_t i = 0; i < count_of(&y->shape); i++)
        most = fmax(most, fabs(y->data[i]));
    for (size_t i = 0; i < count_of(&y->shape); i++) {
        double error = fabs((double)got[memory_index(&y->shape, i, channels_last)] - y->data[i]);
        if (!(error <= worst)) {
            worst = error;
            place = i;
        }
    }
    if (!(worst <= 1e-4 * most))
        fail_msg("%s, fusion %s, %s: output y%zu is %g in place of %g at element %zu", what, no_fusion ? "off" : "on",
                 channels_last ? "NHWC" : "NCHW", output, (double)got[memory_index(&y->shape, place, channels_last)],
                 y->data[place], place);
}

static void run(struct tracing *t, plugcl_plan *plan, const char *what, bool no_fusion, bool channels_last)
{
    struct plugcl_binding bindings[2 * TRACED_OUTPUTS];
    float *memory[2 * TRACED_OUTPUTS];
    char names[2 * TRACED_OUTPUTS][16];
    size_t n = t->n_inputs + t->n_outputs;
    for (size_t i = 0; i < n; i++) {
        bool is_input = i < t->n_inputs;
        const struct traced *x = is_input ? &t->inputs[i] : &t->outputs[i - t->n_inputs];
        snprintf(names[i], sizeof names[i], "%c%zu", is_input ? 'x' : 'y', is_input ? i : i - t->n_inputs);
        bindings[i] = (struct plugcl_binding){ names[i], make_tensor(x, channels_last, is_input, &memory[i]) };
    }
    if (plugcl_plan_run(plan, bindings, n, NULL) != PLUGCL_OK)
        fail_msg("%s: %s", what, plugcl_error_message());
    for (size_t i = 0; i < n; i++) {
        if (i >= t->n_inputs)
            compare(&t->outputs[i - t->n_inputs], memory[i], channels_last, what, i - t->n_inputs, no_fusion);
        plugcl_tensor_destroy(&bindings[i].tensor);
        free(memory[i]);
    }
}

void tracing_check(struct tracing *t, plugcl_context *context, const char *what)
{
    struct plugcl_input_shape shapes[TRACED_OUTPUTS];
    char names[TRACED_OUTPUTS][16];
    for (size_t i = 0; i < t->n_inputs; i++) {
        snprintf(names[i], sizeof names[i], "x%zu", i);
        shapes[i] = (struct plugcl_input_shape){ names[i], t->inputs[i].shape };
    }
    for (int mode = 0; mode < 4; mode++) {
        plugcl_plan *plan = NULL;
        bool no_fusion = mode & 1, channels_last = mode & 2;
        if (plugcl_plan_create(context, t->graph,
                               plugcl_plan_params(.shapes = shapes, .n_shapes = t->n_inputs, .no_fusion = no_fusion,
                                                  .channels_last = channels_last),
                               &plan) != PLUGCL_OK)
            fail_msg("%s: %s", what, plugcl_error_message());
        run(t, plan, what, no_fusion, channels_last);
        plugcl_plan_destroy(&plan);
    }
}
