/* SPDX-License-Identifier: Apache-2.0 */
/* channel_gate.c: all pools, one and two layers, hard gates, the gate alone, every layout. */
#include <stdlib.h>

#include "checkcl/checkcl.h"
#include "ref/channel_gate.h"
#include "ref/elementwise.h"

static void reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs)
{
    int64_t hidden = row->inputs[1].present ? row->inputs[1].shape.dims[0] : row->inputs[0].shape.dims[1];
    double *gate = outputs[1];
    if (gate == NULL)
        gate = calloc((size_t)plugcl_shape_elements(&output_shapes[1]) + 1, sizeof *gate);
    if (gate == NULL)
        abort();
    ref_channel_gate(row->params, &row->inputs[0].shape, hidden, inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], gate,
                     outputs[0]);
    if (outputs[1] == NULL)
        free(gate);
    for (int64_t i = 0; outputs[0] != NULL && i < plugcl_shape_elements(&output_shapes[0]); i++)
        outputs[0][i] = ref_activation(row->epilogue.act, outputs[0][i] + (row->epilogue.has_residual ? inputs[5][i] : 0),
                                       row->epilogue.alpha, row->epilogue.beta);
}

struct form {
    const char *name;
    uint32_t pools;
    bool average_pools, one_layer, no_bias, hard_gate, no_y, no_gate, weights_computed;
    plugcl_activation act;
    bool residual;
    plugcl_activation end;
};

/* As a plan lays it out: like x, without gaps. */
static enum checkcl_layout residual_layout(enum checkcl_layout x)
{
    return x == CHECKCL_ROW_MAJOR || x == CHECKCL_ODD_VIEW ? CHECKCL_ROW_MAJOR : CHECKCL_CHANNELS_LAST;
}

static void check_form(struct checkcl *check, const struct form *form, const plugcl_shape *x, int64_t hidden,
                       enum checkcl_layout in,
                       enum checkcl_layout out, enum checkcl_fill fill)
{
    int64_t channels = x->dims[1];
    bool constant = !form->weights_computed;
    struct plugcl_channel_gate_params params = {
        .struct_size = sizeof params, .pools = form->pools, .average_pools = form->average_pools, .act = form->act,
            .act_alpha = 0.1f,
        .hard_gate = form->hard_gate, .gate_alpha = 1.0f / 6, .gate_beta = 0.5f,
    };
    if (form->one_layer)
        hidden = channels;
    struct checkcl_case row = {
        .info = &operator_channel_gate,
        .params = &params,
        .inputs = { { .present = true, .shape = *x, .layout = in, .fill = fill },
                    { .present = !form->one_layer, .constant = constant, .shape = { 2, { hidden, channels } } },
                    { .present = !form->one_layer && !form->no_bias, .constant = constant, .shape = { 1, { hidden } } },
                    { .present = true, .constant = constant, .shape = { 2, { channels, hidden } } },
                    { .present = !form->no_bias, .constant = constant, .shape = { 1, { channels } } },
                    { .present = form->residual, .shape = *x, .layout = residual_layout(in), .fill = fill } },
        .output_layout = out,
        .epilogue = { form->residual, form->end, -0.25f, 0.5f },
        .skip_output = { form->no_y, form->no_gate },
        .budget = 1e-5,
        .reference = reference,
    };
    checkcl_run(check, &row, "%s%s_n%lldc%lldh%lldw%lldm%lld_%s_to_%s", form->name, fill == CHECKCL_SPECIAL ? "_special" : "",
                (long long)x->dims[0], (long long)channels, (long long)x->dims[2], (long long)x->dims[3], (long long)hidden,
                checkcl_layouts[in], checkcl_layouts[out]);
}

static const struct form forms[] = {
    { .name = "se", .pools = PLUGCL_POOL_AVG, .no_bias = true, .no_gate = true, .act = PLUGCL_RELU },
    { .name = "avg_max", .pools = PLUGCL_POOL_AVG | PLUGCL_POOL_MAX, .act = PLUGCL_RELU },
    { .name = "bottleneck", .pools = PLUGCL_POOL_AVG, .no_gate = true, .act = PLUGCL_RELU, .residual = true, .end = PLUGCL_RELU },
    { .name = "lp", .pools = PLUGCL_POOL_LP, .act = PLUGCL_RELU },
    { .name = "lse", .pools = PLUGCL_POOL_LSE, .no_bias = true, .act = PLUGCL_RELU },
    { .name = "all", .pools = 15, .act = PLUGCL_RELU },
    { .name = "half_half", .pools = PLUGCL_POOL_AVG | PLUGCL_POOL_MAX, .average_pools = true, .act = PLUGCL_RELU },
    { .name = "one_layer", .one_layer = true, .hard_gate = true },
    { .name = "one_layer_all", .pools = 15, .one_layer = true },
    { .name = "hard_silu", .pools = PLUGCL_POOL_AVG, .hard_gate = true, .act = PLUGCL_SILU },
    { .name = "gate_only", .pools = PLUGCL_POOL_AVG | PLUGCL_POOL_MAX, .no_y = true, .act = PLUGCL_RELU },
    { .name = "residual", .pools = PLUGCL_POOL_AVG, .act = PLUGCL_RELU, .residual = true },
    { .name = "clip", .pools = PLUGCL_POOL_MAX, .no_gate = true, .act = PLUGCL_RELU, .end = PLUGCL_CLIP },
    { .name = "computed_relu6", .pools = PLUGCL_POOL_AVG, .weights_computed = true, .act = PLUGCL_RELU, .residual = true,
      .end = PLUGCL_RELU6 },
    { .name = "computed", .pools = PLUGCL_POOL_AVG, .weights_computed = true, .act = PLUGCL_RELU },
};

static const struct {
    plugcl_shape x;
    int64_t hidden;
    bool large;
} sizes[] = {
    { { 4, { 1, 64, 14, 14 } }, 4, false },  { { 4, { 3, 100, 7, 5 } }, 7, false },   { { 4, { 2, 3, 13, 9 } }, 1, false },
    { { 4, { 1, 1, 1, 1 } }, 1, false },     { { 4, { 1, 35, 1, 17 } }, 16, false },  { { 4, { 3, 40, 9, 1 } }, 5, false },
    { { 4, { 0, 8, 4, 4 } }, 2, false },     { { 4, { 1, 256, 28, 28 } }, 16, true }, { { 4, { 1, 640, 5, 5 } }, 160, true },
    { { 4, { 8, 256, 14, 14 } }, 16, true }, { { 4, { 1, 100, 3, 5 } }, 9, false },
};

void checkcl_channel_gate(struct checkcl *check)
{
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        if (sizes[s].large && checkcl_is_quick(check))
            continue;
        for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
            check_form(check, &forms[f], &sizes[s].x, sizes[s].hidden, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
            check_form(check, &forms[f], &sizes[s].x, sizes[s].hidden, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST,
                       CHECKCL_RANDOM);
        }
    }
    const plugcl_shape *small = &sizes[1].x, *tiny = PLUGCL_SHAPE(2, 33, 6, 11);
    for (int f = 0; f < 3; f++) {
        check_form(check, &forms[f], small, 7, CHECKCL_CHANNEL_VIEW, CHECKCL_CHANNEL_VIEW, CHECKCL_RANDOM);
        check_form(check, &forms[f], small, 7, CHECKCL_ODD_VIEW, CHECKCL_ODD_VIEW, CHECKCL_RANDOM);
        check_form(check, &forms[f], small, 7, CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM);
        check_form(check, &forms[f], small, 7, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNEL_VIEW, CHECKCL_RANDOM);
        check_form(check, &forms[f], tiny, 3, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_LARGE);
        check_form(check, &forms[f], tiny, 3, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_SPECIAL);
        check_form(check, &forms[f], tiny, 3, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_SPECIAL);
    }
}
