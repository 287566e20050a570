/* SPDX-License-Identifier: Apache-2.0 */
/* batch_norm.c: batch normalisation with known statistics. */
#include "checkcl/checkcl.h"
#include "ref/batch_norm.h"

static void reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs)
{
    ref_batch_norm(inputs[0], &output_shapes[0], inputs[1], inputs[2], inputs[3], inputs[4],
                   (double)((const struct batch_norm_params *)row->params)->eps, outputs[0]);
}

static void check_norm(struct checkcl *check, const plugcl_shape *shape, enum checkcl_layout in, enum checkcl_layout out,
                       enum checkcl_fill fill, bool affine, float eps)
{
    struct batch_norm_params params = { eps };
    plugcl_shape channels = { 1, { shape->dims[1] } };
    struct checkcl_case row = {
        .info = &operator_batch_norm,
        .params = &params,
        .inputs = { { .present = true, .shape = *shape, .layout = in, .fill = fill },
                    { .present = true, .constant = true, .shape = channels },
                    { .present = true, .constant = true, .shape = channels, .fill = CHECKCL_POSITIVE },
                    { .present = affine, .constant = true, .shape = channels },
                    { .present = affine, .constant = true, .shape = channels } },
        .output_layout = out,
        .budget = 1e-6,
        .reference = reference,
    };
    checkcl_run(check, &row, "rank%u_c%lld_%lld_%s_to_%s%s%s_eps%g", shape->rank, (long long)shape->dims[1],
                (long long)plugcl_shape_elements(shape), checkcl_layouts[in], checkcl_layouts[out], affine ? "" : "_plain",
                fill == CHECKCL_SPECIAL ? "_special" : "", (double)eps);
}

void checkcl_batch_norm(struct checkcl *check)
{
    static const enum checkcl_layout layouts[] = { CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNEL_VIEW,
                                                   CHECKCL_ODD_VIEW };
    for (int in = 0; in < 4; in++)
        for (int out = 0; out < 2; out++)
            check_norm(check, PLUGCL_SHAPE(3, 19, 5, 7), layouts[in], layouts[out], CHECKCL_RANDOM, true, 1e-5f);
    check_norm(check, PLUGCL_SHAPE(2, 33, 3, 3), CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_SPECIAL, true, 1e-3f);
    check_norm(check, PLUGCL_SHAPE(2, 33, 3, 3), CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM, false, 1e-3f);
    check_norm(check, PLUGCL_SHAPE(5, 6), CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM, true, 1e-5f);
    check_norm(check, PLUGCL_SHAPE(2, 5, 9), CHECKCL_ODD_VIEW, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM, true, 1e-5f);
    check_norm(check, PLUGCL_SHAPE(2, 3, 2, 5, 3), CHECKCL_ODD_VIEW, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM, true, 1e-5f);
    check_norm(check, PLUGCL_SHAPE(1, 1, 1, 1), CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM, true, 1e-5f);
    check_norm(check, PLUGCL_SHAPE(0, 4, 3, 3), CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM, true, 1e-5f);
    if (!checkcl_is_quick(check))
        check_norm(check, PLUGCL_SHAPE(2, 64, 56, 56), CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM, true, 1e-5f);
}
