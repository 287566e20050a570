/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise.c: activations, PReLU and binary operators. */
#include "checkcl/checkcl.h"
#include "ref/elementwise.h"

static const struct {
    const char *name;
    float alpha, beta;
} activations[] = {
    [PLUGCL_IDENTITY] = { "identity", 0, 0 },
    [PLUGCL_RELU] = { "relu", 0, 0 },
    [PLUGCL_RELU6] = { "relu6", 0, 0 },
    [PLUGCL_LEAKY_RELU] = { "leaky_relu", 0.1f, 0 },
    [PLUGCL_ELU] = { "elu", 1.3f, 0 },
    [PLUGCL_SILU] = { "silu", 0, 0 },
    [PLUGCL_GELU] = { "gelu", 0, 0 },
    [PLUGCL_GELU_TANH] = { "gelu_tanh", 0, 0 },
    [PLUGCL_SIGMOID] = { "sigmoid", 0, 0 },
    [PLUGCL_TANH] = { "tanh", 0, 0 },
    [PLUGCL_HARD_SIGMOID] = { "hard_sigmoid", 0.2f, 0.5f },
    [PLUGCL_HARD_SWISH] = { "hard_swish", 0, 0 },
    [PLUGCL_EXP] = { "exp", 0, 0 },
    [PLUGCL_LOG] = { "log", 0, 0 },
    [PLUGCL_SQRT] = { "sqrt", 0, 0 },
    [PLUGCL_ABS] = { "abs", 0, 0 },
    [PLUGCL_NEG] = { "neg", 0, 0 },
    [PLUGCL_CLIP] = { "clip", -0.4f, 0.25f },
};
#define N_ACTIVATIONS (sizeof activations / sizeof *activations)

static const char *const layout_names[] = { "nchw", "nhwc", "view", "odd" };
static const char *const fill_names[] = { "random", "positive", "large", "special" };

static void activation_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                                 double *const *outputs)
{
    const struct activation_params *params = row->params;
    for (int64_t i = 0; i < plugcl_shape_elements(&output_shapes[0]); i++)
        outputs[0][i] = ref_overflow(ref_activation(params->kind, inputs[0][i], (double)params->alpha, (double)params->beta));
}

static void check_activation(struct checkcl *check, plugcl_activation kind, const plugcl_shape *shape, enum checkcl_layout in,
                             enum checkcl_layout out, enum checkcl_fill fill)
{
    struct activation_params params = { kind, activations[kind].alpha, activations[kind].beta };
    struct checkcl_case row = {
        .info = &operator_activation,
        .params = &params,
        .inputs = { { .present = true, .shape = *shape, .layout = in, .fill = fill } },
        .output_layout = out,
        .budget = 1e-6,
        .reference = activation_reference,
    };
    checkcl_run(check, &row, "%s_%s_%s_to_%s_rank%u_%lld", activations[kind].name, fill_names[fill], layout_names[in],
                layout_names[out], shape->rank, (long long)plugcl_shape_elements(shape));
}

static void check_activations(struct checkcl *check)
{
    for (size_t kind = 0; kind < N_ACTIVATIONS; kind++) {
        plugcl_activation act = (plugcl_activation)kind;
        check_activation(check, act, PLUGCL_SHAPE(2, 5, 7, 9), CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_SPECIAL);
        check_activation(check, act, PLUGCL_SHAPE(3, 19, 5, 3), CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST,
                         act == PLUGCL_LOG || act == PLUGCL_SQRT ? CHECKCL_POSITIVE : CHECKCL_LARGE);
        check_activation(check, act, PLUGCL_SHAPE(1, 17, 4, 6), CHECKCL_CHANNEL_VIEW, CHECKCL_ROW_MAJOR,
                         act == PLUGCL_LOG || act == PLUGCL_SQRT ? CHECKCL_POSITIVE : CHECKCL_RANDOM);
    }
    static const enum checkcl_layout layouts[] = { CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNEL_VIEW,
                                                   CHECKCL_ODD_VIEW };
    for (size_t in = 0; in < 4; in++)
        for (size_t out = 0; out < 2; out++)
            check_activation(check, PLUGCL_RELU, PLUGCL_SHAPE(3, 21, 5, 7), layouts[in], layouts[out], CHECKCL_SPECIAL);
    check_activation(check, PLUGCL_SILU, PLUGCL_SHAPE(1), CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_activation(check, PLUGCL_SILU, PLUGCL_SHAPE(1, 1, 1, 1), CHECKCL_CHANNELS_LAST, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_activation(check, PLUGCL_SILU, PLUGCL_SHAPE(0, 3, 4, 5), CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_activation(check, PLUGCL_SILU, PLUGCL_SHAPE(2, 3, 2, 3, 2, 3, 2, 3), CHECKCL_ODD_VIEW, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    if (!checkcl_is_quick(check))
        check_activation(check, PLUGCL_SILU, PLUGCL_SHAPE(1, 64, 56, 56), CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST,
                         CHECKCL_RANDOM);
}

static void prelu_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                            double *const *outputs)
{
    ref_prelu(inputs[0], &output_shapes[0], inputs[1], plugcl_shape_elements(&row->inputs[1].shape), outputs[0]);
    for (int64_t i = 0; i < plugcl_shape_elements(&output_shapes[0]); i++)
        outputs[0][i] = ref_overflow(outputs[0][i]);
}

static void check_prelu(struct checkcl *check, const plugcl_shape *shape, const plugcl_shape *slope, enum checkcl_layout layout)
{
    struct checkcl_case row = {
        .info = &operator_prelu,
        .inputs = { { .present = true, .shape = *shape, .layout = layout, .fill = CHECKCL_SPECIAL },
                    { .present = true, .constant = true, .shape = *slope } },
        .output_layout = layout == CHECKCL_ODD_VIEW ? CHECKCL_ROW_MAJOR : layout,
        .budget = 1e-6,
        .reference = prelu_reference,
    };
    checkcl_run(check, &row, "%s_rank%u_%lld_slopes%lld", layout_names[layout], shape->rank,
                (long long)plugcl_shape_elements(shape), (long long)plugcl_shape_elements(slope));
}

static void binary_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                             double *const *outputs)
{
    ref_broadcast(((const struct binary_params *)row->params)->kind, inputs[0], &row->inputs[0].shape, inputs[1],
                  &row->inputs[1].shape, &output_shapes[0], outputs[0]);
    for (int64_t i = 0; row->epilogue.act != PLUGCL_IDENTITY && i < plugcl_shape_elements(&output_shapes[0]); i++)
        outputs[0][i] = ref_overflow(ref_activation(row->epilogue.act, outputs[0][i], (double)row->epilogue.alpha,
                                                    (double)row->epilogue.beta));
}

static void check_binary(struct checkcl *check, plugcl_binary kind, const struct checkcl_tensor *a, const struct checkcl_tensor *b,
                         enum checkcl_layout out, plugcl_activation act, const char *name)
{
    static const char *const kinds[] = { "add", "sub", "mul", "div", "min", "max", "pow" };
    struct binary_params params = { kind };
    struct checkcl_case row = {
        .info = &operator_binary,
        .params = &params,
        .inputs = { *a, *b },
        .output_layout = out,
        .epilogue = { .act = act, .alpha = activations[act].alpha, .beta = activations[act].beta },
        .budget = 1e-6,
        .reference = binary_reference,
    };
    checkcl_run(check, &row, "%s_%s_%s_%s_to_%s%s%s", kinds[kind], name, layout_names[a->layout], layout_names[b->layout],
                layout_names[out], act ? "_" : "", act ? activations[act].name : "");
}

static struct checkcl_tensor tensor(const plugcl_shape *shape, enum checkcl_layout layout, enum checkcl_fill fill)
{
    return (struct checkcl_tensor){ .present = true, .shape = *shape, .layout = layout, .fill = fill };
}

static void check_binaries(struct checkcl *check)
{
    static const struct {
        const char *name;
        plugcl_shape a, b;
    } patterns[] = {
        { "same", { 4, { 2, 13, 5, 7 } }, { 4, { 2, 13, 5, 7 } } },
        { "gate", { 4, { 3, 18, 4, 5 } }, { 4, { 3, 18, 1, 1 } } },
        { "map", { 4, { 3, 18, 4, 5 } }, { 4, { 3, 1, 4, 5 } } },
        { "rows", { 4, { 2, 3, 6, 5 } }, { 4, { 1, 1, 6, 1 } } },
        { "outer", { 4, { 2, 1, 5, 1 } }, { 4, { 1, 7, 1, 9 } } },
        { "vector", { 4, { 2, 3, 4, 17 } }, { 1, { 17 } } },
        { "scalar", { 4, { 2, 3, 4, 17 } }, { 0, { 0 } } },
        { "scalar_first", { 0, { 0 } }, { 4, { 2, 3, 4, 17 } } },
        { "scalars", { 0, { 0 } }, { 0, { 0 } } },
        { "planes", { 2, { 4, 5 } }, { 4, { 2, 3, 4, 5 } } },
        { "rank8", { 8, { 2, 1, 2, 3, 1, 2, 3, 2 } }, { 8, { 1, 3, 2, 1, 2, 2, 1, 2 } } },
        { "empty", { 4, { 0, 3, 2, 2 } }, { 4, { 1, 3, 1, 1 } } },
    };
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        for (int layouts = 0; layouts < 4; layouts++) {
            enum checkcl_layout first = layouts & 1 ? CHECKCL_CHANNELS_LAST : CHECKCL_ROW_MAJOR;
            enum checkcl_layout second = layouts & 2 ? CHECKCL_ODD_VIEW : first;
            if (layouts & 1 && (patterns[i].a.rank != 4 || patterns[i].b.rank != 4))
                continue;
            struct checkcl_tensor a = tensor(&patterns[i].a, first, CHECKCL_RANDOM);
            struct checkcl_tensor b = tensor(&patterns[i].b, second, CHECKCL_RANDOM);
            check_binary(check, PLUGCL_MUL, &a, &b, first, PLUGCL_IDENTITY, patterns[i].name);
            check_binary(check, PLUGCL_SUB, &a, &b, CHECKCL_ROW_MAJOR, PLUGCL_IDENTITY, patterns[i].name);
        }
    }
    for (int kind = PLUGCL_ADD; kind <= PLUGCL_POW; kind++) {
        struct checkcl_tensor a = tensor(PLUGCL_SHAPE(3, 5, 7, 11), CHECKCL_CHANNEL_VIEW, CHECKCL_SPECIAL);
        struct checkcl_tensor b = tensor(PLUGCL_SHAPE(3, 5, 7, 11), CHECKCL_CHANNELS_LAST,
                                         kind == PLUGCL_DIV ? CHECKCL_POSITIVE : CHECKCL_SPECIAL);
        check_binary(check, (plugcl_binary)kind, &a, &b, CHECKCL_CHANNELS_LAST, PLUGCL_IDENTITY, "special");
        check_binary(check, (plugcl_binary)kind, &b, &a, CHECKCL_CHANNELS_LAST, PLUGCL_IDENTITY, "swapped");
    }
    for (int act = PLUGCL_RELU; act <= PLUGCL_CLIP; act += PLUGCL_CLIP - PLUGCL_RELU) {
        struct checkcl_tensor a = tensor(PLUGCL_SHAPE(3, 5, 7, 11), CHECKCL_ODD_VIEW, CHECKCL_SPECIAL);
        struct checkcl_tensor b = tensor(PLUGCL_SHAPE(3, 5, 1, 1), CHECKCL_CHANNELS_LAST, CHECKCL_SPECIAL);
        check_binary(check, PLUGCL_ADD, &a, &b, CHECKCL_CHANNELS_LAST, (plugcl_activation)act, "gate");
    }
}

void checkcl_elementwise(struct checkcl *check)
{
    check_activations(check);
    check_prelu(check, PLUGCL_SHAPE(2, 7, 5, 3), PLUGCL_SHAPE(7), CHECKCL_ROW_MAJOR);
    check_prelu(check, PLUGCL_SHAPE(2, 19, 5, 3), PLUGCL_SHAPE(19), CHECKCL_CHANNELS_LAST);
    check_prelu(check, PLUGCL_SHAPE(2, 19, 5, 3), PLUGCL_SHAPE(1), CHECKCL_ODD_VIEW);
    check_prelu(check, PLUGCL_SHAPE(4, 6), PLUGCL_SHAPE(6), CHECKCL_ROW_MAJOR);
    check_prelu(check, PLUGCL_SHAPE(9), PLUGCL_SHAPE(1), CHECKCL_ROW_MAJOR);
    check_binaries(check);
}
