/* SPDX-License-Identifier: Apache-2.0 */
/* launch_test.c: operands whose elements lie further apart than kernels reckon offsets in are refused when they are planned. */
#include "ops/operator.h"

#include "unit.h"

struct trial {
    const struct operator_info *info;
    const void *params;
    plugcl_shape inputs[3];
    bool channels_last;
    const char *message; /* NULL: they are not too far */
};

static struct operand bound(struct schedule *schedule, const plugcl_shape *shape, bool channels_last)
{
    const size_t bytes = (size_t)plugcl_shape_elements(shape) * sizeof(float);
    return operand_dense(PLUGCL_F32, shape, channels_last && shape->rank == 4, schedule_binding(schedule, bytes));
}

static plugcl_status plan(plugcl_context *context, const struct trial *trial, const struct variant *variant)
{
    struct schedule *schedule = NULL;
    struct operator_call call = { .info = trial->info, .params = trial->params };
    plugcl_shape results[OPERATOR_MAX_OUTPUTS] = { { 0 } };
    bool present[OPERATOR_MAX_INPUTS] = { false };
    assert_int_equal(schedule_create(context, &schedule), PLUGCL_OK);
    for (int i = 0; i < 3 && trial->inputs[i].rank > 0; i++) {
        present[i] = true;
        call.inputs[i] = bound(schedule, &trial->inputs[i], trial->channels_last);
    }
    assert_int_equal(trial->info->shape(trial->params, trial->inputs, present, results), PLUGCL_OK);
    call.outputs[0] = bound(schedule, &results[0], trial->channels_last);
    schedule_step(schedule, trial->info->name, variant->name, "", 0, 0);
    plugcl_status status = PLUGCL_NOT_FOUND;
    if (variant->can_run(context_caps(context), &call))
        status = variant->plan(schedule, &call);
    schedule_destroy(&schedule);
    return status;
}

/* On all variants that can run, or `only` one. */
static void check(plugcl_context *context, const struct trial *trial, const char *only)
{
    size_t planned = 0;
    for (const struct variant *variant = trial->info->variants; variant->name; variant++) {
        const bool is_left_out = only && strcmp(variant->name, only) != 0;
        const plugcl_status status = is_left_out ? PLUGCL_NOT_FOUND : plan(context, trial, variant);
        if (status == PLUGCL_NOT_FOUND)
            continue;
        planned++;
        if (status != (trial->message ? PLUGCL_UNSUPPORTED : PLUGCL_OK))
            fail_msg("%s of %s: status %d, %s", variant->name, trial->info->name, status, plugcl_error_message());
        if (trial->message)
            assert_message(trial->message);
    }
    assert_true(planned > 0);
}

static void test_operands_that_reach_too_far(void **state)
{
    static const struct pool2d_params pool = { true, { .kernel = { 2, 2 }, .stride = { 2, 2 }, .dilation = { 1, 1 } } };
    static const struct activation_params relu = { PLUGCL_RELU, 0, 0 };
    static const struct axis_params axis = { 1 };
    static const struct reduce_params sum = { PLUGCL_REDUCE_SUM, { false, true }, false };
    static const struct plugcl_pad_params pad = { .struct_size = sizeof pad, .before = { 0, 0, 1 } };
    static const struct sample_params sample = { PLUGCL_SAMPLE_BILINEAR, PLUGCL_SAMPLE_ZEROS, false, { 0, 0 } };
    static const struct group_norm_params groups = { 4, 1e-5f };
    static const struct trial trials[] = {
        { &operator_pool2d, &pool, { { 4, { 64, 256, 384, 384 } } }, true, "operand 1 of pool2d reaches over 2415919104 elements" },
        { &operator_pool2d, &pool, { { 4, { 2, 16384, 256, 256 } } }, false, "operand 1 of pool2d reaches over 2147483648" },
        { &operator_pool2d, &pool, { { 4, { 32, 256, 384, 384 } } }, true, NULL },
        { &operator_activation, &relu, { { 4, { 64, 256, 384, 384 } } }, true, "operand 1 of activation" },
        { &operator_softmax, &axis, { { 4, { 1, 4096, 1024, 1024 } } }, false, "operand 1 of softmax" },
        { &operator_reduce, &sum, { { 4, { 1, 4096, 1024, 1024 } } }, false, "operand 1 of reduce" },
        { &operator_pad, &pad, { { 4, { 2046, 32, 256, 128 } } }, false, "operand 2 of pad reaches over 2153766912 elements" },
        { &operator_grid_sample, &sample, { { 4, { 64, 256, 384, 384 } }, { 4, { 64, 4, 4, 2 } } }, true,
          "operand 1 of grid_sample" },
        { &operator_grid_sample, &sample, { { 4, { 64, 256, 4, 4 } }, { 4, { 64, 384, 384, 2 } } }, true,
          "operand 3 of grid_sample" },
        { &operator_group_norm, &groups, { { 4, { 64, 256, 384, 384 } } }, true, "operand 1 of group_norm" },
    };
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++)
        check(*state, &trials[i], NULL);
}

/* Within a matrix offsets are long. */
static void test_batches_that_reach_too_far(void **state)
{
    static const struct matmul_params matmul = { false, false };
    static const struct trial trials[] = {
        { &operator_matmul, &matmul, { { 3, { 4, 32768, 32768 } }, { 3, { 4, 32768, 8 } } }, false, "operand 1 of matmul" },
        { &operator_matmul, &matmul, { { 3, { 1, 65536, 65536 } }, { 3, { 1, 65536, 8 } } }, false, NULL },
    };
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++)
        check(*state, &trials[i], "generic");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_operands_that_reach_too_far, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_batches_that_reach_too_far, make_context, destroy_context),
    };
    return cmocka_run_group_tests_name("launch", tests, NULL, NULL) ? 1 : 0;
}
