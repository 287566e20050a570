/* SPDX-License-Identifier: Apache-2.0 */
/* resize_test.c: resizing in whole plans: to another value's size, which only the plan knows, and inside a concat. */
#include <plugcl/plugcl.h>

#include "unit.h"

static void assert_ok(plugcl_status status)
{
    if (status != PLUGCL_OK)
        fail_msg("%s", plugcl_error_message());
}

static void run(plugcl_context *context, plugcl_graph *graph, const struct plugcl_input_shape *shapes, float *const *data,
                const plugcl_shape *y_shape, float *y)
{
    plugcl_plan *plan = NULL;
    plugcl_tensor *tensors[3] = { NULL };
    struct plugcl_binding bindings[3];
    plugcl_shape found;
    assert_ok(plugcl_plan_create(context, graph, plugcl_plan_params(.shapes = shapes, .n_shapes = 2), &plan));
    assert_ok(plugcl_plan_shape(plan, "y", &found));
    assert_memory_equal(found.dims, y_shape->dims, 4 * sizeof *found.dims);
    for (int i = 0; i < 3; i++) {
        const plugcl_shape *shape = i < 2 ? &shapes[i].shape : y_shape;
        size_t bytes = (size_t)plugcl_shape_elements(shape) * sizeof(float);
        assert_ok(plugcl_tensor_wrap_host(i < 2 ? data[i] : y, bytes, PLUGCL_F32, shape, PLUGCL_NCHW, &tensors[i]));
        bindings[i] = (struct plugcl_binding){ i < 2 ? shapes[i].name : "y", tensors[i] };
    }
    assert_ok(plugcl_plan_run(plan, bindings, 3, NULL));
    for (int i = 0; i < 3; i++)
        plugcl_tensor_destroy(&tensors[i]);
    plugcl_plan_destroy(&plan);
}

/* A decoder's join: what is small is brought to the size of what is large, whatever that is, and put beside it. */
static void test_size_of_another_value(void **state)
{
    plugcl_graph *graph = NULL;
    assert_ok(plugcl_graph_create(NULL, &graph));
    const plugcl_shape any = *PLUGCL_SHAPE(PLUGCL_DIM_ANY, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY);
    plugcl_value small = plugcl_graph_input(graph, "small", PLUGCL_F32, &any);
    plugcl_value large = plugcl_graph_input(graph, "large", PLUGCL_F32, &any);
    plugcl_value resized = plugcl_graph_resize(graph, small, large, plugcl_resize_params(.mode = PLUGCL_SAMPLE_NEAREST));
    plugcl_graph_output(graph, "y", plugcl_graph_concat(graph, (plugcl_value[]){ large, resized }, 2, 1));
    float few[2 * 2 * 3], many[2 * 1 * 9 * 6], y[2 * 3 * 9 * 6];
    for (int i = 0; i < 12; i++)
        few[i] = (float)i;
    for (int height = 4; height <= 9; height += 5) {
        const struct plugcl_input_shape shapes[2] = { { "small", { 4, { 2, 2, 1, 3 } } }, { "large", { 4, { 2, 1, height, 6 } } } };
        for (int i = 0; i < 2 * height * 6; i++)
            many[i] = 100.0f + (float)i;
        run(*state, graph, shapes, (float *[]){ few, many }, PLUGCL_SHAPE(2, 3, height, 6), y);
        for (int i = 0; i < 2 * 3 * height * 6; i++) {
            int image = i / (3 * height * 6), channel = i / (height * 6) % 3, pixel = i % (height * 6);
            float expected = channel == 0 ? many[image * height * 6 + pixel] : few[(image * 2 + channel - 1) * 3 + pixel % 6 / 2];
            assert_true(y[i] == expected);
        }
    }
    plugcl_graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size_of_another_value),
    };
    return cmocka_run_group_tests_name("resize", tests, make_context, destroy_context) ? 1 : 0;
}
