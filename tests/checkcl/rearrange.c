/* SPDX-License-Identifier: Apache-2.0 */
/* rearrange.c: pad and gather. */
#include <math.h>

#include "checkcl/checkcl.h"
#include "ref/gather.h"
#include "ref/pad.h"

static void pad_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                          double *const *outputs)
{
    ref_pad(inputs[0], &row->inputs[0].shape, row->params, &output_shapes[0], outputs[0]);
}

static void check_pad(struct checkcl *check, const struct plugcl_pad_params *params, plugcl_dtype dtype, const plugcl_shape *shape,
                      enum checkcl_layout in, enum checkcl_layout out, const char *name)
{
    static const char *const modes[] = { "constant", "reflect", "edge" };
    struct checkcl_case row = {
        .info = &operator_pad,
        .params = params,
        .inputs = { { .present = true, .dtype = dtype, .shape = *shape, .layout = in, .fill = CHECKCL_SPECIAL } },
        .output_layout = out,
        .budget = 1e-7,
        .reference = pad_reference,
    };
    checkcl_run(check, &row, "%s_%s_%s_%s_to_%s", modes[params->mode], name, plugcl_dtype_name(dtype), checkcl_layouts[in],
                checkcl_layouts[out]);
}

static void check_pads(struct checkcl *check)
{
    static const struct {
        const char *name;
        plugcl_shape shape;
        int64_t before[4], after[4];
    } cases[] = {
        { "picture", { 4, { 2, 5, 7, 9 } }, { 0, 0, 1, 2 }, { 0, 0, 3, 1 } },
        { "all", { 4, { 3, 4, 5, 19 } }, { 1, 3, 2, 18 }, { 2, 1, 4, 17 } },
        { "rows", { 4, { 2, 19, 6, 3 } }, { 0, 0, 5, 0 }, { 0, 0, 0, 0 } },
        { "cut", { 4, { 2, 6, 7, 20 } }, { 0, -1, 2, -3 }, { 0, 2, -4, 5 } },
        { "one", { 4, { 1, 1, 1, 1 } }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } },
        { "crossing", { 2, { 6, 33 } }, { 2, -20 }, { -4, 4 } },
        { "vector", { 1, { 70 } }, { 69 }, { 3 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int mode = PLUGCL_PAD_CONSTANT; mode <= PLUGCL_PAD_EDGE; mode++) {
            struct plugcl_pad_params params = plugcl_pad_params_init();
            params.mode = (plugcl_pad_mode)mode;
            params.value = -3;
            for (int k = 0; k < 4; k++) {
                params.before[k] = cases[i].before[k];
                params.after[k] = cases[i].after[k];
            }
            bool picture = cases[i].shape.rank == 4;
            check_pad(check, &params, PLUGCL_F32, &cases[i].shape, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, cases[i].name);
            check_pad(check, &params, PLUGCL_I32, &cases[i].shape, CHECKCL_ODD_VIEW, CHECKCL_ROW_MAJOR, cases[i].name);
            for (int out = CHECKCL_ROW_MAJOR; picture && out <= CHECKCL_ODD_VIEW; out++)
                check_pad(check, &params, PLUGCL_F32, &cases[i].shape, out % 2 ? CHECKCL_CHANNEL_VIEW : CHECKCL_CHANNELS_LAST,
                          (enum checkcl_layout)out, cases[i].name);
        }
    }
    const struct plugcl_pad_params *infinite = plugcl_pad_params(.value = -INFINITY, .before = { 1, 2 }, .after = { 0, 1 });
    check_pad(check, infinite, PLUGCL_F32, PLUGCL_SHAPE(0, 3), CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, "empty");
    check_pad(check, infinite, PLUGCL_F32, PLUGCL_SHAPE(4, 5, 2, 3, 2, 3, 2, 3), CHECKCL_ODD_VIEW, CHECKCL_ROW_MAJOR, "rank8");
    check_pad(check, plugcl_pad_params(.value = 7), PLUGCL_F32, PLUGCL_SHAPE(0), CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, "nothing");
    check_pad(check, plugcl_pad_params(.value = 7), PLUGCL_F32, &(plugcl_shape){ 0, { 0 } }, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR,
              "scalar");
    check_pad(check, plugcl_pad_params(.value = 1, .before = { 5, -2 }, .after = { -5, 2 }), PLUGCL_BOOL, PLUGCL_SHAPE(4, 4),
              CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, "gone");
}

static void gather_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                             double *const *outputs)
{
    (void)output_shapes;
    ref_gather(inputs[0], &row->inputs[0].shape, inputs[1], &row->inputs[1].shape, ((const struct axis_params *)row->params)->axis,
               row->inputs[0].dtype == PLUGCL_F32 ? NAN : 0, outputs[0]);
}

static void check_gather(struct checkcl *check, struct checkcl_tensor x, struct checkcl_tensor indices, uint32_t axis,
                         enum checkcl_layout out, const char *name)
{
    struct axis_params params = { axis };
    struct checkcl_case row = {
        .info = &operator_gather,
        .params = &params,
        .inputs = { x, indices },
        .output_layout = out,
        .budget = 1e-7,
        .reference = gather_reference,
    };
    checkcl_run(check, &row, "%s_axis%u_%s_%s_to_%s", name, axis, plugcl_dtype_name(x.dtype), checkcl_layouts[x.layout],
                checkcl_layouts[out]);
}

/* Indices from the front and the back; some of those that are not constant, and the extremes, are outside. */
static void check_gathers(struct checkcl *check)
{
    const plugcl_shape *shape = PLUGCL_SHAPE(4, 7, 5, 6);
    for (uint32_t axis = 0; axis < 4; axis++) {
        for (int layout = CHECKCL_ROW_MAJOR; layout <= CHECKCL_ODD_VIEW; layout++) {
            struct checkcl_tensor x = { .present = true, .shape = *shape, .layout = (enum checkcl_layout)layout,
                                        .fill = CHECKCL_SPECIAL };
            struct checkcl_tensor indices = { .present = true, .dtype = PLUGCL_I32, .shape = *PLUGCL_SHAPE(19),
                                              .fill = CHECKCL_SPECIAL, .limit = (int)shape->dims[axis] + 1 };
            check_gather(check, x, indices, axis, x.layout, "vector");
            indices.dtype = PLUGCL_I64;
            indices.shape = *PLUGCL_SHAPE(3, 5);
            indices.layout = CHECKCL_ODD_VIEW;
            check_gather(check, x, indices, axis, CHECKCL_ROW_MAJOR, "matrix");
            x.dtype = PLUGCL_I32;
            indices.shape = (plugcl_shape){ 0, { 0 } };
            check_gather(check, x, indices, axis, CHECKCL_ROW_MAJOR, "scalar");
            indices.shape = *PLUGCL_SHAPE(6);
            indices.layout = CHECKCL_ROW_MAJOR;
            indices.fill = CHECKCL_RANDOM;
            indices.limit = (int)shape->dims[axis] - 1;
            indices.constant = true;
            check_gather(check, x, indices, axis, CHECKCL_CHANNELS_LAST, "constant");
        }
    }
    struct checkcl_tensor table = { .present = true, .shape = *PLUGCL_SHAPE(50, 37) };
    struct checkcl_tensor words = { .present = true, .dtype = PLUGCL_I64, .shape = *PLUGCL_SHAPE(3, 0), .limit = 49 };
    check_gather(check, table, words, 0, CHECKCL_ROW_MAJOR, "empty");
    words.shape = *PLUGCL_SHAPE(2, 9);
    check_gather(check, table, words, 0, CHECKCL_ROW_MAJOR, "embedding");
    table.shape = *PLUGCL_SHAPE(0, 3);
    check_gather(check, table, words, 0, CHECKCL_ROW_MAJOR, "of_nothing");
}

void checkcl_rearrange(struct checkcl *check)
{
    check_pads(check);
    check_gathers(check);
}
