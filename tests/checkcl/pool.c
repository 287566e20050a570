/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c: fixed and adaptive pooling, with every option. */
#include "checkcl/checkcl.h"
#include "ref/pool.h"

static void fixed_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                            double *const *outputs)
{
    const struct pool2d_params *params = row->params;
    ref_pool2d(inputs[0], &row->inputs[0].shape, params->is_max, &params->window, &output_shapes[0], outputs[0]);
}

struct window {
    const char *name;
    uint32_t kernel[2], stride[2], pad[4], dilation[2];
    bool ceil_mode, count_exclude_pad;
};

static void check_fixed(struct checkcl *check, const plugcl_shape *shape, enum checkcl_layout in, enum checkcl_layout out,
                        enum checkcl_fill fill, bool is_max, const struct window *window)
{
    struct pool2d_params params = { .is_max = is_max, .window = plugcl_pool2d_params_init() };
    for (int i = 0; i < 2; i++) {
        params.window.kernel[i] = window->kernel[i];
        params.window.stride[i] = window->stride[i];
        params.window.dilation[i] = window->dilation[i] ? window->dilation[i] : 1;
        params.window.pad[i] = window->pad[i];
        params.window.pad[2 + i] = window->pad[2 + i];
    }
    params.window.ceil_mode = window->ceil_mode;
    params.window.count_exclude_pad = window->count_exclude_pad;
    struct checkcl_case row = {
        .info = &operator_pool2d,
        .params = &params,
        .inputs = { { .present = true, .shape = *shape, .layout = in, .fill = fill } },
        .output_layout = out,
        .budget = 1e-6,
        .reference = fixed_reference,
    };
    checkcl_run(check, &row, "%s_%s%s_n%lldc%lldh%lldw%lld_%s_to_%s", is_max ? "max" : "avg", window->name,
                fill == CHECKCL_SPECIAL ? "_special" : "", (long long)shape->dims[0], (long long)shape->dims[1],
                (long long)shape->dims[2], (long long)shape->dims[3], checkcl_layouts[in], checkcl_layouts[out]);
}

static void adaptive_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                               double *const *outputs)
{
    const struct adaptive_pool2d_params *params = row->params;
    ref_adaptive_pool2d(inputs[0], &row->inputs[0].shape, params->is_max, &output_shapes[0], outputs[0]);
}

static void check_adaptive(struct checkcl *check, const plugcl_shape *shape, enum checkcl_layout in, enum checkcl_layout out,
                           enum checkcl_fill fill, bool is_max, uint32_t height, uint32_t width)
{
    struct adaptive_pool2d_params params = { is_max, height, width };
    struct checkcl_case row = {
        .info = &operator_adaptive_pool2d,
        .params = &params,
        .inputs = { { .present = true, .shape = *shape, .layout = in, .fill = fill } },
        .output_layout = out,
        .budget = 1e-5,
        .reference = adaptive_reference,
    };
    checkcl_run(check, &row, "%s_%ux%u%s_n%lldc%lldh%lldw%lld_%s_to_%s", is_max ? "max" : "avg", height, width,
                fill == CHECKCL_SPECIAL ? "_special" : "", (long long)shape->dims[0], (long long)shape->dims[1],
                (long long)shape->dims[2], (long long)shape->dims[3], checkcl_layouts[in], checkcl_layouts[out]);
}

static const struct window windows[] = {
    { .name = "k2s2", .kernel = { 2, 2 }, .stride = { 2, 2 } },
    { .name = "k2s2ceil", .kernel = { 2, 2 }, .stride = { 2, 2 }, .ceil_mode = true },
    { .name = "k3s2p1", .kernel = { 3, 3 }, .stride = { 2, 2 }, .pad = { 1, 1, 1, 1 } },
    { .name = "k3s2p1ceil", .kernel = { 3, 3 }, .stride = { 2, 2 }, .pad = { 1, 1, 1, 1 }, .ceil_mode = true },
    { .name = "k3s2p1exclude", .kernel = { 3, 3 }, .stride = { 2, 2 }, .pad = { 1, 1, 1, 1 }, .count_exclude_pad = true },
    { .name = "k3s2p1ceilexclude", .kernel = { 3, 3 }, .stride = { 2, 2 }, .pad = { 1, 1, 1, 1 }, .ceil_mode = true,
      .count_exclude_pad = true },
    { .name = "k2s3p1ceil", .kernel = { 2, 2 }, .stride = { 3, 3 }, .pad = { 1, 1, 1, 1 }, .ceil_mode = true },
    { .name = "k3x2s1x2", .kernel = { 3, 2 }, .stride = { 1, 2 }, .pad = { 1, 0, 0, 1 } },
    { .name = "k3s1p1", .kernel = { 3, 3 }, .stride = { 1, 1 }, .pad = { 1, 1, 1, 1 } },
    { .name = "k3s1p1exclude", .kernel = { 3, 3 }, .stride = { 1, 1 }, .pad = { 1, 1, 1, 1 }, .count_exclude_pad = true },
    { .name = "k7s3p3", .kernel = { 5, 7 }, .stride = { 1, 3 }, .pad = { 2, 3, 2, 3 } },
    { .name = "k5s1p2", .kernel = { 5, 5 }, .stride = { 1, 1 }, .pad = { 2, 2, 2, 2 } },
    { .name = "k4s3uneven", .kernel = { 4, 3 }, .stride = { 3, 2 }, .pad = { 2, 0, 1, 1 }, .ceil_mode = true },
    { .name = "k1s2", .kernel = { 1, 1 }, .stride = { 2, 2 } },
    { .name = "k7x9", .kernel = { 7, 9 }, .stride = { 1, 1 } },
    { .name = "k9s4p4", .kernel = { 9, 9 }, .stride = { 4, 4 }, .pad = { 4, 4, 4, 4 } },
    { .name = "k3s1p1d2", .kernel = { 3, 3 }, .stride = { 1, 1 }, .pad = { 1, 1, 1, 1 }, .dilation = { 2, 2 } },
    { .name = "k2s2p1d3ceil", .kernel = { 2, 2 }, .stride = { 2, 2 }, .pad = { 1, 1, 1, 1 }, .dilation = { 3, 2 },
      .ceil_mode = true },
    { .name = "k5s1p2d1x2", .kernel = { 5, 3 }, .stride = { 1, 1 }, .pad = { 2, 1, 2, 1 }, .dilation = { 1, 2 } },
};

void checkcl_pool(struct checkcl *check)
{
    static const enum checkcl_layout all[] = { CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNEL_VIEW, CHECKCL_ODD_VIEW };
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        for (int is_max = 0; is_max < 2; is_max++) {
            if (!is_max && windows[i].dilation[0] != 0)
                continue;
            check_fixed(check, PLUGCL_SHAPE(3, 5, 7, 9), CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM, is_max, &windows[i]);
            check_fixed(check, PLUGCL_SHAPE(2, 19, 8, 10), CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_SPECIAL, is_max,
                        &windows[i]);
            /* Wide enough for blocks of windows without an edge. */
            check_fixed(check, PLUGCL_SHAPE(1, 21, 7, 41), CHECKCL_CHANNEL_VIEW, CHECKCL_CHANNELS_LAST, CHECKCL_SPECIAL, is_max,
                        &windows[i]);
            check_fixed(check, PLUGCL_SHAPE(1, 32, 7, 47), CHECKCL_CHANNELS_LAST, CHECKCL_CHANNEL_VIEW, CHECKCL_RANDOM, is_max,
                        &windows[i]);
        }
    }
    for (int in = 0; in < 4; in++) {
        for (int out = 0; out < 3; out++) {
            check_fixed(check, PLUGCL_SHAPE(2, 37, 6, 5), all[in], all[out], CHECKCL_RANDOM, out & 1, &windows[3]);
            check_adaptive(check, PLUGCL_SHAPE(2, 37, 6, 5), all[in], all[out], CHECKCL_RANDOM, in & 1, 1, 1);
            check_adaptive(check, PLUGCL_SHAPE(3, 7, 7, 11), all[in], all[out], CHECKCL_RANDOM, out & 1, 3, 4);
        }
    }
    check_fixed(check, PLUGCL_SHAPE(1, 1, 1, 1), CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM, true, &windows[2]);
    check_fixed(check, PLUGCL_SHAPE(0, 3, 4, 4), CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM, true, &windows[0]);
    check_fixed(check, PLUGCL_SHAPE(2, 3, 7, 9), CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_SPECIAL, false, &windows[14]);
    for (int is_max = 0; is_max < 2; is_max++) {
        check_adaptive(check, PLUGCL_SHAPE(2, 300, 9, 13), CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_SPECIAL, is_max, 1,
                       1); /* several groups for a window */
        check_adaptive(check, PLUGCL_SHAPE(3, 18, 9, 13), CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_SPECIAL, is_max, 1, 1);
        check_adaptive(check, PLUGCL_SHAPE(3, 18, 9, 13), CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_SPECIAL, is_max, 1,
                       1);
        check_adaptive(check, PLUGCL_SHAPE(1, 33, 3, 4), CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM, is_max, 7,
                       5);
        check_adaptive(check, PLUGCL_SHAPE(2, 3, 13, 17), CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM, is_max, 2, 1);
        check_adaptive(check, PLUGCL_SHAPE(1, 1, 1, 1), CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM, is_max, 1, 1);
        if (checkcl_is_quick(check))
            continue;
        check_adaptive(check, PLUGCL_SHAPE(2, 64, 56, 56), CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM, is_max, 1,
                       1);
        check_adaptive(check, PLUGCL_SHAPE(2, 64, 56, 56), CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM, is_max, 1, 1);
        check_fixed(check, PLUGCL_SHAPE(1, 64, 112, 112), CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM, is_max,
                    &windows[2]);
    }
}
