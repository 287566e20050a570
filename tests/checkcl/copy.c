/* SPDX-License-Identifier: Apache-2.0 */
/* copy.c: layout conversions and other copies. */
#include "checkcl/checkcl.h"
#include "ref/copy.h"

static void reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs)
{
    (void)row;
    ref_copy(inputs[0], &output_shapes[0], outputs[0]);
}

static void check_copy(struct checkcl *check, const plugcl_shape *shape, enum checkcl_layout in, enum checkcl_layout out)
{
    struct checkcl_case row = {
        .info = &operator_copy,
        .inputs = { { .present = true, .shape = *shape, .layout = in, .fill = CHECKCL_SPECIAL } },
        .output_layout = out,
        .budget = 1e-7,
        .reference = reference,
    };
    checkcl_run(check, &row, "rank%u_c%lld_%lld_%s_to_%s", shape->rank, (long long)shape->dims[1],
                (long long)plugcl_shape_elements(shape), checkcl_layouts[in], checkcl_layouts[out]);
}

void checkcl_copy(struct checkcl *check)
{
    static const enum checkcl_layout all[] = { CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNEL_VIEW, CHECKCL_ODD_VIEW };
    static const plugcl_shape shapes[] = {
        { 4, { 1, 3, 17, 19 } }, { 4, { 3, 37, 5, 7 } }, { 4, { 2, 16, 4, 8 } }, { 4, { 2, 33, 1, 1 } }, { 4, { 3, 1, 6, 5 } },
        { 4, { 1, 1, 1, 1 } },   { 4, { 0, 4, 3, 3 } },
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int in = 0; in < 4; in++)
            for (int out = 0; out < 4; out++)
                check_copy(check, &shapes[i], all[in], all[out]);
    check_copy(check, PLUGCL_SHAPE(7, 9), CHECKCL_ODD_VIEW, CHECKCL_ROW_MAJOR);
    check_copy(check, PLUGCL_SHAPE(2, 3, 2, 3, 2, 3, 2, 3), CHECKCL_ODD_VIEW, CHECKCL_ROW_MAJOR);
    if (checkcl_is_quick(check))
        return;
    check_copy(check, PLUGCL_SHAPE(1, 3, 224, 224), CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST);
    check_copy(check, PLUGCL_SHAPE(2, 64, 56, 56), CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST);
    check_copy(check, PLUGCL_SHAPE(2, 64, 56, 56), CHECKCL_CHANNELS_LAST, CHECKCL_ROW_MAJOR);
}
