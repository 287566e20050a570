/* SPDX-License-Identifier: Apache-2.0 */
/* conv2d.c: convolutions of every geometry, layout and epilogue. */
#include "checkcl/checkcl.h"
#include "ref/conv2d.h"
#include "ref/elementwise.h"

#include <math.h>

struct geometry {
    const char *name;
    int64_t x[4];      /* N, C, H, W */
    int64_t outputs, kernel[2];
    uint32_t stride, dilation, pad[4], groups; /* top, left, bottom, right */
    bool is_large;     /* left out by --quick */
};

struct finish {
    const char *name;
    bool has_bias, has_residual;
    plugcl_activation act;
    float alpha, beta;
};

struct layouts {
    const char *name;
    enum checkcl_layout x, residual, y;
};

static void reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs)
{
    const struct epilogue *epilogue = &row->epilogue;
    ref_conv2d(inputs[0], &row->inputs[0].shape, inputs[1], &row->inputs[1].shape, inputs[2], row->params, &output_shapes[0],
               outputs[0]);
    int64_t elements = plugcl_shape_elements(&output_shapes[0]);
    for (int64_t i = 0; i < elements; i++)
        outputs[0][i] = ref_activation(epilogue->act, outputs[0][i] + (epilogue->has_residual ? inputs[3][i] : 0), epilogue->alpha,
                                       epilogue->beta);
}

/* Winograd's larger tiles round more than a sum over taps, but not as much as a convolution may. */
static const struct checkcl_budget budgets[] = {
    { "cpu_winograd@4x4*", 5e-5 },
    { "cpu_winograd@3x3*", 2e-5 },
    { "cpu_winograd@2x2*", 5e-6 },
    { NULL, 0 },
};

static int64_t output_size(const struct geometry *geometry, int axis)
{
    int64_t padded = geometry->x[2 + axis] + geometry->pad[axis] + geometry->pad[2 + axis];
    return (padded - geometry->dilation * (geometry->kernel[axis] - 1) - 1) / geometry->stride + 1;
}

static void check_with_tiles(struct checkcl *check, const struct geometry *geometry, const struct finish *finish,
                             const struct layouts *layouts, bool constant_weights, bool every_tile)
{
    if (geometry->is_large && checkcl_is_quick(check))
        return;
    struct plugcl_conv2d_params params = plugcl_conv2d_params_init();
    for (int i = 0; i < 4; i++)
        params.pad[i] = geometry->pad[i];
    params.stride[0] = params.stride[1] = geometry->stride;
    params.dilation[0] = params.dilation[1] = geometry->dilation;
    params.groups = geometry->groups;
    const int64_t *x = geometry->x, outputs = geometry->outputs;
    const plugcl_shape x_shape = { .rank = 4, .dims = { x[0], x[1], x[2], x[3] } };
    const plugcl_shape weight = { .rank = 4,
                                  .dims = { outputs, x[1] / geometry->groups, geometry->kernel[0], geometry->kernel[1] } };
    const plugcl_shape bias = { .rank = 1, .dims = { outputs } };
    const plugcl_shape y = { .rank = 4, .dims = { x[0], outputs, output_size(geometry, 0), output_size(geometry, 1) } };
    struct checkcl_case row = {
        .info = &operator_conv2d,
        .params = &params,
        .epilogue = { finish->has_residual, finish->act, finish->alpha, finish->beta },
        .inputs = { { .present = true, .shape = x_shape, .layout = layouts->x },
                    { .present = true, .shape = weight, .constant = constant_weights },
                    { .present = finish->has_bias, .shape = bias, .constant = constant_weights },
                    { .present = finish->has_residual, .shape = y, .layout = layouts->residual } },
        .output_layout = layouts->y,
        .every_tile = every_tile,
        .budget = 1e-4,
        .budgets = budgets,
        .reference = reference,
    };
    checkcl_run(check, &row, "%s_n%lldc%lldh%lldw%lldo%lld_%s_%s%s", geometry->name, (long long)x[0], (long long)x[1],
                (long long)x[2], (long long)x[3], (long long)outputs, finish->name, layouts->name,
                constant_weights ? "" : "_computed");
}

static void check_one(struct checkcl *check, const struct geometry *geometry, const struct finish *finish,
                      const struct layouts *layouts, bool constant_weights)
{
    check_with_tiles(check, geometry, finish, layouts, constant_weights, false);
}

static const struct layouts nhwc = { "nhwc", CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST };
static const struct layouts view = { "view", CHECKCL_CHANNEL_VIEW, CHECKCL_CHANNEL_VIEW, CHECKCL_CHANNEL_VIEW };
static const struct layouts nchw = { "nchw", CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNEL_VIEW };
static const struct layouts odd = { "odd", CHECKCL_ODD_VIEW, CHECKCL_CHANNEL_VIEW, CHECKCL_CHANNELS_LAST };
static const struct layouts to_nchw = { "to_nchw", CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_ROW_MAJOR };

static const struct finish plain = { .name = "plain" };
static const struct finish with_bias = { .name = "bias", .has_bias = true };
static const struct finish relu = { .name = "relu", .has_bias = true, .act = PLUGCL_RELU };
static const struct finish residual = { .name = "residual", .has_residual = true };
static const struct finish residual_relu = { .name = "residual_relu", .has_bias = true, .has_residual = true, .act = PLUGCL_RELU };

static const struct geometry geometries[] = {
    { "k1", { 1, 16, 5, 7 }, 24, { 1, 1 }, 1, 1, { 0 }, 1, false },
    { "k1", { 3, 67, 9, 4 }, 130, { 1, 1 }, 1, 1, { 0 }, 1, false },
    { "k1s2", { 2, 19, 7, 8 }, 33, { 1, 1 }, 2, 1, { 0 }, 1, false },
    { "k1p1", { 1, 9, 3, 3 }, 5, { 1, 1 }, 1, 1, { 1, 1, 1, 1 }, 1, false }, /* pixels without any tap */
    { "k3p1", { 1, 8, 1, 1 }, 17, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 1, false },
    { "k3p1", { 3, 13, 11, 9 }, 70, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 1, false },
    { "k3p1", { 1, 600, 6, 5 }, 48, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 1, false }, /* channels in two passes */
    { "k3p1", { 1, 16, 30, 41 }, 16, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 1, false },
    { "k3s2p1", { 2, 24, 13, 10 }, 40, { 3, 3 }, 2, 1, { 1, 1, 1, 1 }, 1, false },
    { "k3s2p0120", { 2, 9, 8, 9 }, 12, { 3, 3 }, 2, 1, { 0, 1, 2, 0 }, 1, false },
    { "k5x2p3012", { 1, 10, 9, 8 }, 11, { 5, 2 }, 1, 1, { 3, 0, 1, 2 }, 1, false },
    { "k7s2p3", { 1, 3, 21, 23 }, 64, { 7, 7 }, 2, 1, { 3, 3, 3, 3 }, 1, false },
    { "k3d2p2", { 1, 16, 9, 9 }, 16, { 3, 3 }, 1, 2, { 2, 2, 2, 2 }, 1, false },
    { "k3s3d2p1", { 2, 11, 14, 12 }, 21, { 3, 3 }, 3, 2, { 1, 2, 0, 3 }, 1, false },
    { "k3d6p6", { 1, 32, 13, 11 }, 20, { 3, 3 }, 1, 6, { 6, 6, 6, 6 }, 1, false },
    { "k3d12p12", { 2, 16, 13, 15 }, 20, { 3, 3 }, 1, 12, { 12, 12, 12, 12 }, 1, false },
    { "k3d18p18", { 1, 16, 10, 10 }, 20, { 3, 3 }, 1, 18, { 18, 18, 18, 18 }, 1, false },
    { "g2", { 2, 12, 7, 6 }, 10, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 2, false },
    { "g3s2", { 1, 9, 8, 9 }, 27, { 3, 3 }, 2, 1, { 1, 0, 0, 1 }, 3, false },
    { "depthwise", { 1, 8, 1, 1 }, 8, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 8, false },
    { "depthwise", { 3, 37, 9, 12 }, 37, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 37, false },
    { "depthwise_s2", { 2, 16, 11, 8 }, 16, { 5, 5 }, 2, 1, { 2, 2, 2, 2 }, 16, false },
    { "depthwise_d4", { 1, 20, 10, 9 }, 20, { 3, 3 }, 1, 4, { 4, 3, 2, 5 }, 20, false },
    { "depthwise", { 2, 33, 6, 16 }, 33, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 33, false },
    { "depthwise_s2", { 1, 19, 9, 18 }, 19, { 3, 3 }, 2, 1, { 1, 0, 1, 1 }, 19, false },
    { "depthwise", { 1, 24, 8, 17 }, 24, { 5, 5 }, 1, 1, { 2, 2, 2, 2 }, 24, false },
    { "depthwise", { 1, 16, 7, 9 }, 16, { 7, 7 }, 1, 1, { 3, 3, 3, 3 }, 16, false },
    { "depthwise", { 1, 17, 1, 11 }, 17, { 1, 3 }, 1, 1, { 0, 1, 0, 1 }, 17, false },
    { "depthwise_s3", { 1, 18, 8, 10 }, 18, { 4, 2 }, 3, 1, { 1, 1, 1, 1 }, 18, false },
    { "depthwise_x2", { 1, 12, 6, 5 }, 24, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 12, false }, /* two outputs a channel */
    { "empty", { 0, 16, 5, 7 }, 24, { 3, 3 }, 1, 1, { 0 }, 1, false },
    { "k3p1", { 1, 512, 32, 32 }, 256, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 1, true },
    { "k3p1", { 2, 64, 56, 56 }, 64, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 1, true },
    { "k3d12p12", { 1, 256, 33, 33 }, 64, { 3, 3 }, 1, 12, { 12, 12, 12, 12 }, 1, true },
    { "k3p1", { 1, 64, 14, 14 }, 72, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 1, true },
    { "k3p1", { 2, 320, 20, 18 }, 128, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 1, true }, /* Winograd's tiles in several passes */
    { "k3d6p6", { 1, 160, 33, 31 }, 128, { 3, 3 }, 1, 6, { 6, 6, 6, 6 }, 1, true },
    { "depthwise", { 1, 128, 56, 56 }, 128, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 128, true },
};

/*
 * NaN, infinities and 1e30 in x. In Winograd's tiles they, or their rounding, reach each output of a tile whose patch has them,
 * as in PyTorch where it takes Winograd's method: of outputs as near to them as a patch is wide only those are checked that have
 * them in their taps, and may be NaN for infinity.
 */
static bool has_near(const double *x, const plugcl_shape *shape, const struct plugcl_conv2d_params *params, int64_t row,
                     int64_t column)
{
    const int64_t reach = 5, height = shape->dims[2], width = shape->dims[3], d = params->dilation[0];
    for (int64_t i = -reach; i <= reach; i++)
        for (int64_t j = -reach; j <= reach; j++) {
            int64_t y = row - params->pad[0] + i * d, at = column - params->pad[1] + j * d;
            for (int64_t c = 0; y >= 0 && y < height && at >= 0 && at < width && c < shape->dims[1]; c++)
                if (!(fabs(x[(c * height + y) * width + at]) < 1e20))
                    return true;
        }
    return false;
}

static void spreading_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                                double *const *outputs)
{
    const plugcl_shape *x = &row->inputs[0].shape, *y = &output_shapes[0];
    const int64_t pixels = y->dims[2] * y->dims[3], elements = plugcl_shape_elements(y);
    reference(row, inputs, output_shapes, outputs);
    for (int64_t i = 0; i < elements; i++) {
        const double *image = inputs[0] + i / pixels / y->dims[1] * (plugcl_shape_elements(x) / x->dims[0]);
        if (!isfinite(outputs[0][i]))
            outputs[0][i] = CHECKCL_NOT_FINITE;
        else if (has_near(image, x, row->params, i % pixels / y->dims[3], i % y->dims[3]))
            outputs[0][i] = CHECKCL_UNCHECKED;
    }
}

static void check_special(struct checkcl *check, uint32_t dilation)
{
    enum { IMAGES = 2, CHANNELS = 17, SIDE = 26, ELEMENTS = IMAGES * CHANNELS * SIDE * SIDE };
    static float values[ELEMENTS];
    for (uint32_t i = 0; i < ELEMENTS; i++)
        values[i] = (float)(i * 2654435761u >> 16) / 32768.0f - 1.0f;
    values[(3 * SIDE + 2) * SIDE + 1] = NAN; /* near a corner of the first image, and so on */
    values[(5 * SIDE + 21) * SIDE + 22] = INFINITY;
    values[(5 * SIDE + 21) * SIDE + 23] = -INFINITY;
    values[((CHANNELS + 16) * SIDE + 12) * SIDE + 24] = 1e30f;
    struct plugcl_conv2d_params params = plugcl_conv2d_params_init();
    for (int i = 0; i < 4; i++)
        params.pad[i] = dilation;
    params.dilation[0] = params.dilation[1] = dilation;
    params.stride[0] = params.stride[1] = params.groups = 1;
    const plugcl_shape x = { 4, { IMAGES, CHANNELS, SIDE, SIDE } }, weight = { 4, { 19, CHANNELS, 3, 3 } };
    struct checkcl_case row = {
        .info = &operator_conv2d,
        .params = &params,
        .epilogue = { .act = PLUGCL_LEAKY_RELU, .alpha = 0.1f },
        .inputs = { { .present = true, .shape = x, .layout = CHECKCL_CHANNELS_LAST, .values = values },
                    { .present = true, .shape = weight, .constant = true } },
        .output_layout = CHECKCL_CHANNELS_LAST,
        .budget = 1e-4,
        .budgets = budgets,
        .variants = "!cpu_winograd",
        .reference = reference,
    };
    checkcl_run(check, &row, "special_d%u", dilation);
    row.variants = "cpu_winograd";
    row.reference = spreading_reference;
    checkcl_run(check, &row, "special_spreads_d%u", dilation);
}

static void check_epilogues(struct checkcl *check)
{
    static const struct geometry dense = { "k3p1", { 2, 18, 7, 9 }, 35, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 1, false };
    static const struct geometry depthwise = { "depthwise", { 2, 21, 6, 7 }, 21, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 21, false };
    static const struct geometry grouped = { "g2", { 1, 8, 6, 7 }, 12, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 2, false };
    static const struct finish finishes[] = {
        { "relu6", true, false, PLUGCL_RELU6, 0, 0 },
        { "leaky_relu", true, true, PLUGCL_LEAKY_RELU, 0.1f, 0 },
        { "elu", true, false, PLUGCL_ELU, 1.5f, 0 },
        { "silu", true, true, PLUGCL_SILU, 0, 0 },
        { "gelu", true, false, PLUGCL_GELU, 0, 0 },
        { "gelu_tanh", true, false, PLUGCL_GELU_TANH, 0, 0 },
        { "sigmoid", false, true, PLUGCL_SIGMOID, 0, 0 },
        { "tanh", true, false, PLUGCL_TANH, 0, 0 },
        { "hard_sigmoid", true, false, PLUGCL_HARD_SIGMOID, 0.2f, 0.5f },
        { "hard_swish", true, true, PLUGCL_HARD_SWISH, 0, 0 },
        { "clip", true, true, PLUGCL_CLIP, -0.2f, 0.3f },
        { "clip_crossed", true, false, PLUGCL_CLIP, 0.3f, -0.2f },
    };
    for (size_t i = 0; i < sizeof finishes / sizeof *finishes; i++) {
        check_one(check, &dense, &finishes[i], &view, true);
        if (finishes[i].act == PLUGCL_CLIP || finishes[i].act == PLUGCL_SILU)
            check_one(check, &depthwise, &finishes[i], &nhwc, true);
        if (finishes[i].act == PLUGCL_CLIP)
            check_one(check, &grouped, &finishes[i], &nhwc, true);
    }
    check_one(check, &dense, &residual, &nhwc, true);
    check_one(check, &depthwise, &residual, &view, true);
}

/* Tiles that end inside and beyond the picture, cross from image to image, leave out rows of taps, have no channel left over. */
static void check_tiles(struct checkcl *check)
{
    static const struct geometry cases[] = {
        { "tiles_k3s2p0120", { 2, 9, 8, 9 }, 12, { 3, 3 }, 2, 1, { 0, 1, 2, 0 }, 1, false },
        { "tiles_k3d5p5", { 2, 7, 21, 19 }, 131, { 3, 3 }, 1, 5, { 5, 5, 5, 5 }, 1, false },
        { "tiles_k3p30", { 1, 4, 5, 6 }, 4, { 3, 3 }, 1, 1, { 30, 0, 28, 1 }, 1, false },
        { "tiles_k1", { 5, 32, 7, 7 }, 64, { 1, 1 }, 1, 1, { 0 }, 1, false },
        /* Pixels left over from tiles of any height, in one pass and in two. */
        { "tiles_k1", { 1, 5, 1, 16 }, 64, { 1, 1 }, 1, 1, { 0 }, 1, false },
        { "tiles_k1", { 1, 600, 1, 33 }, 64, { 1, 1 }, 1, 1, { 0 }, 1, false },
        { "tiles_k1", { 1, 600, 7, 7 }, 72, { 1, 1 }, 1, 1, { 0 }, 1, false },
    };
    static const struct layouts *const layouts[] = { &view, &odd, &nhwc, &to_nchw, &nhwc, &nhwc, &view };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_with_tiles(check, &cases[i], i % 2 ? &residual_relu : &relu, layouts[i], true, true);
}

void checkcl_conv2d(struct checkcl *check)
{
    static const struct geometry rgb[] = {
        { "k3p1", { 2, 3, 9, 11 }, 18, { 3, 3 }, 1, 1, { 1, 1, 1, 1 }, 1, false },
        { "k7s2p3", { 1, 3, 30, 21 }, 64, { 7, 7 }, 2, 1, { 3, 3, 3, 3 }, 1, false },
        { "k5p2", { 1, 1, 20, 20 }, 1, { 5, 5 }, 1, 1, { 2, 2, 2, 2 }, 1, false },
        { "k7s2p3", { 1, 3, 224, 224 }, 64, { 7, 7 }, 2, 1, { 3, 3, 3, 3 }, 1, true },
    };
    for (size_t i = 0; i < sizeof geometries / sizeof *geometries; i++) {
        check_one(check, &geometries[i], &relu, &nhwc, true);
        if (geometries[i].is_large)
            continue;
        check_one(check, &geometries[i], &residual_relu, &view, true);
        check_one(check, &geometries[i], &plain, &to_nchw, true);
        check_one(check, &geometries[i], &with_bias, &nhwc, false);
    }
    for (size_t i = 0; i < sizeof rgb / sizeof *rgb; i++) {
        check_one(check, &rgb[i], &relu, &nchw, true);
        check_one(check, &rgb[i], &residual_relu, &odd, true);
    }
    check_epilogues(check);
    check_special(check, 1);
    check_special(check, 2);
    check_tiles(check);
}
