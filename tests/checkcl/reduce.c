/* SPDX-License-Identifier: Apache-2.0 */
/* reduce.c: mean, max, sum and min over every set of axes. */
#include "checkcl/checkcl.h"
#include "ref/reduce.h"

static void reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs)
{
    const struct reduce_params *params = row->params;
    (void)output_shapes;
    ref_reduce(params->kind, inputs[0], &row->inputs[0].shape, params->axes, outputs[0]);
}

/* Bit i of `axes` is axis i. */
static void check_reduce(struct checkcl *check, plugcl_reduce kind, const plugcl_shape *shape, unsigned axes, bool keep,
                         enum checkcl_layout in, enum checkcl_layout out, enum checkcl_fill fill)
{
    static const char *const kinds[] = { "mean", "max", "sum", "min" };
    struct reduce_params params = { .kind = kind, .keep_dimensions = keep };
    for (uint32_t i = 0; i < shape->rank; i++)
        params.axes[i] = axes >> i & 1;
    struct checkcl_case row = {
        .info = &operator_reduce,
        .params = &params,
        .inputs = { { .present = true, .shape = *shape, .layout = in, .fill = fill } },
        .output_layout = out,
        .budget = 1e-5,
        .reference = reference,
    };
    checkcl_run(check, &row, "%s_rank%u_%lld_axes%x%s%s_%s_to_%s", kinds[kind], shape->rank,
                (long long)plugcl_shape_elements(shape), axes, keep ? "_keep" : "", fill == CHECKCL_SPECIAL ? "_special" : "",
                checkcl_layouts[in], checkcl_layouts[out]);
}

void checkcl_reduce(struct checkcl *check)
{
    for (unsigned axes = 1; axes < 16; axes++) {
        plugcl_reduce kind = (plugcl_reduce)(axes % 4);
        check_reduce(check, kind, PLUGCL_SHAPE(3, 19, 5, 7), axes, true, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
        check_reduce(check, kind, PLUGCL_SHAPE(3, 19, 5, 7), axes, true, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST,
                     CHECKCL_RANDOM);
        check_reduce(check, PLUGCL_REDUCE_MEAN, PLUGCL_SHAPE(2, 21, 4, 17), axes, false, CHECKCL_CHANNEL_VIEW, CHECKCL_ROW_MAJOR,
                     CHECKCL_RANDOM);
        check_reduce(check, PLUGCL_REDUCE_MAX, PLUGCL_SHAPE(2, 5, 4, 33), axes, false, CHECKCL_ODD_VIEW, CHECKCL_ROW_MAJOR,
                     CHECKCL_RANDOM);
    }
    for (int kind = PLUGCL_REDUCE_MEAN; kind <= PLUGCL_REDUCE_MIN; kind++) {
        check_reduce(check, (plugcl_reduce)kind, PLUGCL_SHAPE(3, 20, 6, 7), 0xC, true, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR,
                     CHECKCL_SPECIAL);
        check_reduce(check, (plugcl_reduce)kind, PLUGCL_SHAPE(3, 20, 6, 7), 2, true, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST,
                     CHECKCL_SPECIAL);
        check_reduce(check, (plugcl_reduce)kind, PLUGCL_SHAPE(70, 9), 1, false, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR,
                     CHECKCL_SPECIAL);
        check_reduce(check, (plugcl_reduce)kind, PLUGCL_SHAPE(1), 1, false, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
        check_reduce(check, (plugcl_reduce)kind, PLUGCL_SHAPE(0, 4, 3), 4, false, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR,
                     CHECKCL_RANDOM);
    }
    check_reduce(check, PLUGCL_REDUCE_SUM, PLUGCL_SHAPE(0, 4), 1, false, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_reduce(check, PLUGCL_REDUCE_SUM, PLUGCL_SHAPE(3, 5), 0, false, CHECKCL_ODD_VIEW, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_reduce(check, PLUGCL_REDUCE_SUM, PLUGCL_SHAPE(2, 3, 2, 3, 2, 3, 2, 3), 0xAA, false, CHECKCL_ODD_VIEW, CHECKCL_ROW_MAJOR,
                 CHECKCL_RANDOM);
    check_reduce(check, PLUGCL_REDUCE_MEAN, PLUGCL_SHAPE(2, 3, 101, 103), 0xC, true, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR,
                 CHECKCL_POSITIVE);
    check_reduce(check, PLUGCL_REDUCE_SUM, PLUGCL_SHAPE(40009), 1, false, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_POSITIVE);
    if (!checkcl_is_quick(check))
        check_reduce(check, PLUGCL_REDUCE_MEAN, PLUGCL_SHAPE(1, 64, 56, 56), 2, true, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST,
                     CHECKCL_RANDOM);
}
