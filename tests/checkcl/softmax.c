/* SPDX-License-Identifier: Apache-2.0 */
/* softmax.c: softmax along every axis. */
#include "checkcl/checkcl.h"
#include "ref/softmax.h"

static void reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs)
{
    ref_softmax(inputs[0], &output_shapes[0], ((const struct axis_params *)row->params)->axis, outputs[0]);
}

static void check_softmax(struct checkcl *check, const plugcl_shape *shape, uint32_t axis, enum checkcl_layout in,
                          enum checkcl_layout out, enum checkcl_fill fill)
{
    struct axis_params params = { axis };
    struct checkcl_case row = {
        .info = &operator_softmax,
        .params = &params,
        .inputs = { { .present = true, .shape = *shape, .layout = in, .fill = fill } },
        .output_layout = out,
        .budget = 1e-5,
        .reference = reference,
    };
    checkcl_run(check, &row, "rank%u_%lld_axis%u_of%lld_%s_%s_to_%s", shape->rank, (long long)plugcl_shape_elements(shape), axis,
                (long long)shape->dims[axis], checkcl_fills[fill], checkcl_layouts[in], checkcl_layouts[out]);
}

void checkcl_softmax(struct checkcl *check)
{
    for (uint32_t axis = 0; axis < 4; axis++) {
        check_softmax(check, PLUGCL_SHAPE(3, 19, 5, 7), axis, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
        check_softmax(check, PLUGCL_SHAPE(3, 19, 5, 7), axis, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_LARGE);
        check_softmax(check, PLUGCL_SHAPE(2, 21, 4, 17), axis, CHECKCL_CHANNEL_VIEW, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM);
        check_softmax(check, PLUGCL_SHAPE(2, 5, 4, 33), axis, CHECKCL_ODD_VIEW, CHECKCL_ROW_MAJOR, CHECKCL_SPECIAL);
        check_softmax(check, PLUGCL_SHAPE(2, 35, 3, 5), axis, CHECKCL_CHANNELS_LAST, CHECKCL_ROW_MAJOR, CHECKCL_SPECIAL);
    }
    for (uint32_t axis = 0; axis < 3; axis++)
        check_softmax(check, PLUGCL_SHAPE(3, 49, 50), axis, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_SPECIAL);
    check_softmax(check, PLUGCL_SHAPE(1), 0, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_LARGE);
    check_softmax(check, PLUGCL_SHAPE(16), 0, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_LARGE);
    check_softmax(check, PLUGCL_SHAPE(3, 1), 1, CHECKCL_ODD_VIEW, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_softmax(check, PLUGCL_SHAPE(0, 5), 1, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_softmax(check, PLUGCL_SHAPE(2, 3, 2, 2, 3, 5), 3, CHECKCL_ODD_VIEW, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_softmax(check, PLUGCL_SHAPE(2, 10007), 1, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_softmax(check, PLUGCL_SHAPE(4099, 6), 0, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_LARGE);
    if (!checkcl_is_quick(check))
        check_softmax(check, PLUGCL_SHAPE(1, 784, 784), 2, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_LARGE);
}
