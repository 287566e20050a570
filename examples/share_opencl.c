/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share_opencl.c: plugcl between kernels of an application that has OpenCL already.
 *
 * The application's kernel makes a picture, a plan blurs it, and another kernel of the application compares the two. They share the
 * application's context and buffers; events order them, and the host waits once, at the end. With one in-order queue for all three
 * (given to plugcl_context_adopt) no event is needed at all.
 */
#include <plugcl/cl.h>
#include <plugcl/plugcl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 64, PIXELS = SIZE * SIZE };

static const char source[] =
    "__kernel void draw(__global float *picture, int size)\n" /* a chessboard of single pixels */
    "{\n"
    "    int x = get_global_id(0), y = get_global_id(1);\n"
    "    picture[y * size + x] = (float)((x + y) & 1);\n"
    "}\n"
    "__kernel void difference(__global const float *a, __global const float *b, __global float *result)\n"
    "{\n"
    "    int i = get_global_id(0);\n"
    "    result[i] = fabs(a[i] - b[i]);\n"
    "}\n";

static void check(plugcl_status status)
{
    if (status == PLUGCL_OK)
        return;
    fprintf(stderr, "share_opencl: %s\n", plugcl_error_message());
    exit(1);
}

static void check_cl(cl_int error, const char *call)
{
    if (error == CL_SUCCESS)
        return;
    fprintf(stderr, "share_opencl: %s failed with %d\n", call, (int)error);
    exit(1);
}

/* What an application with OpenCL has already. */
struct application {
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_kernel draw, difference;
    cl_mem picture, blurred, result;
};

static cl_device_id first_device(void)
{
    cl_platform_id platforms[8];
    cl_device_id device = NULL;
    cl_uint count = 0;
    check_cl(clGetPlatformIDs(8, platforms, &count), "clGetPlatformIDs");
    for (cl_uint i = 0; i < count && i < 8; i++) {
        char name[64] = ""; /* Mesa's old Clover has no compiler in many installations */
        clGetPlatformInfo(platforms[i], CL_PLATFORM_NAME, sizeof name, name, NULL);
        if (strcmp(name, "Clover") != 0 && clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, &device, NULL) == CL_SUCCESS)
            return device;
    }
    fprintf(stderr, "share_opencl: there is no OpenCL device\n");
    exit(1);
}

static struct application application_start(void)
{
    struct application app = { .device = first_device() };
    const char *text = source;
    cl_int error;
    app.context = clCreateContext(NULL, 1, &app.device, NULL, NULL, &error);
    check_cl(error, "clCreateContext");
    app.queue = clCreateCommandQueue(app.context, app.device, 0, &error);
    check_cl(error, "clCreateCommandQueue");
    app.program = clCreateProgramWithSource(app.context, 1, &text, NULL, &error);
    check_cl(error, "clCreateProgramWithSource");
    check_cl(clBuildProgram(app.program, 1, &app.device, "", NULL, NULL), "clBuildProgram");
    app.draw = clCreateKernel(app.program, "draw", &error);
    check_cl(error, "clCreateKernel");
    app.difference = clCreateKernel(app.program, "difference", &error);
    check_cl(error, "clCreateKernel");
    cl_mem *const buffers[3] = { &app.picture, &app.blurred, &app.result };
    for (int i = 0; i < 3; i++) {
        *buffers[i] = clCreateBuffer(app.context, CL_MEM_READ_WRITE, PIXELS * sizeof(float), NULL, &error);
        check_cl(error, "clCreateBuffer");
    }
    return app;
}

static void application_stop(struct application *app)
{
    clReleaseMemObject(app->picture);
    clReleaseMemObject(app->blurred);
    clReleaseMemObject(app->result);
    clReleaseKernel(app->draw);
    clReleaseKernel(app->difference);
    clReleaseProgram(app->program);
    clReleaseCommandQueue(app->queue);
    clReleaseContext(app->context);
}

/* A 3x3 average, planned on the application's context; it runs in a queue of its own. */
static plugcl_plan *plan_blur(plugcl_context *context, const plugcl_shape *shape)
{
    plugcl_graph *graph;
    plugcl_plan *plan;
    check(plugcl_graph_create(NULL, &graph));
    plugcl_value x = plugcl_graph_input(graph, "picture", PLUGCL_F32, shape);
    x = plugcl_graph_avg_pool2d(graph, x, plugcl_pool2d_params(.kernel = { 3, 3 }, .stride = { 1, 1 }, .pad = { 1, 1, 1, 1 },
                                                               .count_exclude_pad = true));
    plugcl_graph_output(graph, "blurred", x);
    check(plugcl_plan_create(context, graph, NULL, &plan));
    plugcl_graph_destroy(&graph); /* the plan needs it no more */
    return plan;
}

static cl_event draw(const struct application *app)
{
    const size_t range[2] = { SIZE, SIZE };
    const cl_int size = SIZE;
    cl_event drawn;
    check_cl(clSetKernelArg(app->draw, 0, sizeof app->picture, &app->picture), "clSetKernelArg");
    check_cl(clSetKernelArg(app->draw, 1, sizeof size, &size), "clSetKernelArg");
    check_cl(clEnqueueNDRangeKernel(app->queue, app->draw, 2, NULL, range, NULL, 0, NULL, &drawn), "clEnqueueNDRangeKernel");
    check_cl(clFlush(app->queue), "clFlush"); /* another queue waits for it, so it must be on its way */
    return drawn;
}

static void compare(const struct application *app, cl_event blurred, float *result)
{
    const cl_mem buffers[3] = { app->picture, app->blurred, app->result };
    const size_t range = PIXELS;
    for (cl_uint i = 0; i < 3; i++)
        check_cl(clSetKernelArg(app->difference, i, sizeof buffers[i], &buffers[i]), "clSetKernelArg");
    check_cl(clEnqueueNDRangeKernel(app->queue, app->difference, 1, NULL, &range, NULL, 1, &blurred, NULL),
             "clEnqueueNDRangeKernel");
    /* The only wait of the host: a blocking read at the end of the application's queue. */
    check_cl(clEnqueueReadBuffer(app->queue, app->result, CL_TRUE, 0, PIXELS * sizeof *result, result, 0, NULL, NULL),
             "clEnqueueReadBuffer");
}

int main(void)
{
    static float result[PIXELS];
    const plugcl_shape *shape = PLUGCL_SHAPE(1, 1, SIZE, SIZE);
    struct application app = application_start();

    plugcl_context *context; /* on the application's; it is retained, not taken over */
    check(plugcl_context_adopt(app.context, app.device, NULL, NULL, &context));
    plugcl_plan *plan = plan_blur(context, shape);
    struct plugcl_binding bindings[] = { { "picture", NULL }, { "blurred", NULL } };
    check(plugcl_tensor_wrap_cl_mem(context, app.picture, 0, plugcl_tensor_params(.shape = *shape), &bindings[0].tensor));
    check(plugcl_tensor_wrap_cl_mem(context, app.blurred, 0, plugcl_tensor_params(.shape = *shape), &bindings[1].tensor));

    cl_event drawn = draw(&app);
    plugcl_event *before, *after;
    plugcl_run *run;
    check(plugcl_event_adopt(context, drawn, &before));
    check(plugcl_plan_run_after(plan, bindings, 2, &before, 1, &run)); /* enqueued; nobody waits */
    check(plugcl_run_event(run, &after));
    compare(&app, plugcl_event_cl(after), result);

    /* Of 3x3 pixels of the board 5 are of the middle one's colour: every pixel changes by 4/9. */
    int wrong = 0;
    for (int y = 1; y < SIZE - 1; y++) {
        for (int x = 1; x < SIZE - 1; x++) {
            float apart = result[y * SIZE + x] - 4.0f / 9.0f;
            wrong += !(apart < 1e-5f && apart > -1e-5f);
        }
    }
    printf("%s: %s\n", plugcl_context_device(context)->name,
           wrong ? "the pictures are wrong" : "drawn, blurred and compared in turn");

    clReleaseEvent(drawn);
    plugcl_event_destroy(&before);
    plugcl_event_destroy(&after);
    plugcl_run_destroy(&run);
    plugcl_tensor_destroy(&bindings[0].tensor);
    plugcl_tensor_destroy(&bindings[1].tensor);
    plugcl_plan_destroy(&plan);
    plugcl_context_destroy(&context);
    application_stop(&app);
    return wrong ? 1 : 0;
}
