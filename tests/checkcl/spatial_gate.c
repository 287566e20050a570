/* SPDX-License-Identifier: Apache-2.0 */
/* spatial_gate.c: both orders, windows 1 to 7, with and without a channel gate, every layout. */
#include <stdlib.h>

#include "checkcl/checkcl.h"
#include "ref/spatial_gate.h"
#include "ref/elementwise.h"

static void reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs)
{
    double *gate = outputs[1];
    if (gate == NULL)
        gate = calloc((size_t)plugcl_shape_elements(&output_shapes[1]) + 1, sizeof *gate);
    if (gate == NULL)
        abort();
    ref_spatial_gate(row->params, &row->inputs[0].shape, row->inputs[1].shape.dims[2], inputs[0], inputs[1], inputs[2], inputs[3],
                     gate,
                     outputs[0]);
    if (outputs[1] == NULL)
        free(gate);
    for (int64_t i = 0; outputs[0] != NULL && i < plugcl_shape_elements(&output_shapes[0]); i++)
        outputs[0][i] = ref_activation(row->epilogue.act, outputs[0][i] + (row->epilogue.has_residual ? inputs[4][i] : 0),
                                       row->epilogue.alpha, row->epilogue.beta);
}

struct form {
    const char *name;
    int64_t kernel;
    bool max_first, bias, channel_gate, hard_gate, no_y, no_gate, weights_computed, residual;
    plugcl_activation end;
};

/* As a plan lays it out: like x, without gaps. */
static enum checkcl_layout residual_layout(enum checkcl_layout x)
{
    return x == CHECKCL_ROW_MAJOR || x == CHECKCL_ODD_VIEW ? CHECKCL_ROW_MAJOR : CHECKCL_CHANNELS_LAST;
}

static void check_form(struct checkcl *check, const struct form *form, const plugcl_shape *x, enum checkcl_layout in,
                       enum checkcl_layout out, enum checkcl_fill fill)
{
    bool constant = !form->weights_computed;
    struct plugcl_spatial_gate_params params = { .struct_size = sizeof params, .max_first = form->max_first,
                                                 .hard_gate = form->hard_gate,
                                                 .gate_alpha = 0.2f, .gate_beta = 0.5f };
    struct checkcl_case row = {
        .info = &operator_spatial_gate,
        .params = &params,
        .inputs = { { .present = true, .shape = *x, .layout = in, .fill = fill },
                    { .present = true, .constant = constant, .shape = { 4, { 1, 2, form->kernel, form->kernel } } },
                    { .present = form->bias, .constant = constant, .shape = { 1, { 1 } } },
                    { .present = form->channel_gate, .shape = { 4, { x->dims[0], x->dims[1], 1, 1 } }, .fill = CHECKCL_POSITIVE },
                    { .present = form->residual, .shape = *x, .layout = residual_layout(in), .fill = fill } },
        .output_layout = out,
        .epilogue = { form->residual, form->end, -0.25f, 0.5f },
        .skip_output = { form->no_y, form->no_gate },
        .budget = 1e-5,
        .reference = reference,
    };
    checkcl_run(check, &row, "%s_k%lld%s_n%lldc%lldh%lldw%lld_%s_to_%s", form->name, (long long)form->kernel,
                fill == CHECKCL_SPECIAL ? "_special" : "", (long long)x->dims[0], (long long)x->dims[1], (long long)x->dims[2],
                (long long)x->dims[3], checkcl_layouts[in], checkcl_layouts[out]);
}

static const struct form forms[] = {
    { .name = "cbam", .kernel = 7, .channel_gate = true, .no_gate = true },
    { .name = "official", .kernel = 7, .max_first = true, .bias = true, .channel_gate = true },
    { .name = "alone", .kernel = 7 },
    { .name = "bottleneck", .kernel = 7, .channel_gate = true, .no_gate = true, .residual = true, .end = PLUGCL_RELU },
    { .name = "small", .kernel = 3, .channel_gate = true, .hard_gate = true },
    { .name = "middle", .kernel = 5, .max_first = true },
    { .name = "point", .kernel = 1, .bias = true },
    { .name = "gate_only", .kernel = 7, .no_y = true },
    { .name = "residual", .kernel = 3, .residual = true },
    { .name = "clip", .kernel = 3, .channel_gate = true, .no_gate = true, .end = PLUGCL_CLIP },
    { .name = "computed_relu6", .kernel = 3, .weights_computed = true, .residual = true, .end = PLUGCL_RELU6 },
    { .name = "computed", .kernel = 3, .max_first = true, .bias = true, .weights_computed = true },
};

static const struct {
    plugcl_shape x;
    bool large;
} sizes[] = {
    { { 4, { 1, 64, 14, 14 } }, false }, { { 4, { 3, 100, 7, 5 } }, false }, { { 4, { 2, 3, 33, 19 } }, false },
    { { 4, { 1, 1, 1, 1 } }, false },    { { 4, { 1, 35, 1, 70 } }, false }, { { 4, { 2, 40, 9, 1 } }, false },
    { { 4, { 0, 8, 4, 4 } }, false },    { { 4, { 1, 256, 28, 28 } }, true }, { { 4, { 8, 64, 56, 56 } }, true },
};

void checkcl_spatial_gate(struct checkcl *check)
{
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        if (sizes[s].large && checkcl_is_quick(check))
            continue;
        for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
            check_form(check, &forms[f], &sizes[s].x, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
            check_form(check, &forms[f], &sizes[s].x, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM);
        }
    }
    const plugcl_shape *small = &sizes[1].x, *tiny = PLUGCL_SHAPE(2, 33, 6, 11);
    for (int f = 1; f < 4; f++) {
        check_form(check, &forms[f], small, CHECKCL_CHANNEL_VIEW, CHECKCL_CHANNEL_VIEW, CHECKCL_RANDOM);
        check_form(check, &forms[f], small, CHECKCL_ODD_VIEW, CHECKCL_ODD_VIEW, CHECKCL_RANDOM);
        check_form(check, &forms[f], small, CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM);
        check_form(check, &forms[f], tiny, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_LARGE);
        check_form(check, &forms[f], tiny, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_SPECIAL);
        check_form(check, &forms[f], tiny, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_SPECIAL);
    }
}
