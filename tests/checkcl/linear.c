/* SPDX-License-Identifier: Apache-2.0 */
/* linear.c: linear layers over the last axis of any rank, with every epilogue. */
#include "checkcl/checkcl.h"
#include "ref/elementwise.h"
#include "ref/linear.h"

struct finish {
    const char *name;
    bool has_bias, has_residual;
    plugcl_activation act;
    float alpha, beta;
};

static void reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs)
{
    const plugcl_shape *x = &row->inputs[0].shape;
    int64_t elements = plugcl_shape_elements(&output_shapes[0]), n_outputs = output_shapes[0].dims[x->rank - 1];
    ref_linear(inputs[0], inputs[1], inputs[2], elements / n_outputs, x->dims[x->rank - 1], n_outputs, outputs[0]);
    for (int64_t i = 0; i < elements; i++)
        outputs[0][i] = ref_activation(row->epilogue.act, outputs[0][i] + (row->epilogue.has_residual ? inputs[3][i] : 0),
                                       row->epilogue.alpha, row->epilogue.beta);
}

static void check_one(struct checkcl *check, const plugcl_shape *x, int64_t outputs, uint32_t weight_rank,
                      const struct finish *finish, bool constant_weights)
{
    const plugcl_shape weight = { .rank = weight_rank, .dims = { outputs, x->dims[x->rank - 1], 1, 1 } };
    const plugcl_shape bias = { .rank = 1, .dims = { outputs } };
    plugcl_shape y = *x;
    y.dims[x->rank - 1] = outputs;
    struct checkcl_case row = {
        .info = &operator_linear,
        .epilogue = { finish->has_residual, finish->act, finish->alpha, finish->beta },
        .inputs = { { .present = true, .shape = *x },
                    { .present = true, .shape = weight, .constant = constant_weights },
                    { .present = finish->has_bias, .shape = bias, .constant = constant_weights },
                    { .present = finish->has_residual, .shape = y } },
        .budget = 1e-4,
        .reference = reference,
    };
    checkcl_run(check, &row, "rank%u_m%lldk%lldo%lld_w%u_%s%s", x->rank,
                (long long)(plugcl_shape_elements(x) / x->dims[x->rank - 1]), (long long)x->dims[x->rank - 1], (long long)outputs,
                weight_rank, finish->name, constant_weights ? "" : "_computed");
}

void checkcl_linear(struct checkcl *check)
{
    static const struct finish finishes[] = {
        { "plain", false, false, PLUGCL_IDENTITY, 0, 0 },
        { "relu", true, false, PLUGCL_RELU, 0, 0 },
        { "residual", false, true, PLUGCL_IDENTITY, 0, 0 },
        { "residual_relu", true, true, PLUGCL_RELU, 0, 0 },
    };
    static const struct finish others[] = {
        { "leaky_relu", true, true, PLUGCL_LEAKY_RELU, 0.2f, 0 }, { "silu", true, false, PLUGCL_SILU, 0, 0 },
        { "sigmoid", true, false, PLUGCL_SIGMOID, 0, 0 },         { "tanh", false, true, PLUGCL_TANH, 0, 0 },
        { "hard_sigmoid", true, false, PLUGCL_HARD_SIGMOID, 1.0f / 6, 0.5f }, { "clip", true, true, PLUGCL_CLIP, -0.1f, 0.2f },
        { "abs", true, false, PLUGCL_ABS, 0, 0 },                 { "neg", true, false, PLUGCL_NEG, 0, 0 },
    };
    static const struct {
        plugcl_shape x;
        int64_t outputs;
        uint32_t weight_rank;
    } sizes[] = {
        { { 1, { 9 } }, 4, 2 },        { { 2, { 1, 1 } }, 1, 2 },       { { 2, { 1, 64 } }, 10, 2 },
        { { 2, { 3, 67 } }, 130, 4 },  { { 3, { 2, 5, 33 } }, 17, 2 },  { { 4, { 2, 3, 4, 16 } }, 48, 2 },
        { { 2, { 0, 12 } }, 8, 2 },    { { 2, { 211, 600 } }, 65, 2 },
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t j = 0; j < sizeof finishes / sizeof *finishes; j++)
            check_one(check, &sizes[i].x, sizes[i].outputs, sizes[i].weight_rank, &finishes[j], true);
        check_one(check, &sizes[i].x, sizes[i].outputs, sizes[i].weight_rank, &finishes[3], false);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        check_one(check, &sizes[4].x, sizes[4].outputs, 2, &others[i], true);
    if (!checkcl_is_quick(check)) {
        check_one(check, &(plugcl_shape){ 2, { 512, 512 } }, 512, 2, &finishes[1], true);
        check_one(check, &(plugcl_shape){ 2, { 1, 4608 } }, 1000, 2, &finishes[0], true);
    }
}
