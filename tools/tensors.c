/* SPDX-License-Identifier: Apache-2.0 */
/* tensors.c: a plan's inputs and outputs in host memory, and its timed runs. */
#include "request.h"

#include <stdlib.h>
#include <time.h>

static int bind(struct tensors *tensors, const char *name, float *data, const plugcl_shape *shape)
{
    struct plugcl_binding *binding = &tensors->bindings[tensors->count];
    size_t bytes = (size_t)plugcl_shape_elements(shape) * sizeof *data;
    if (plugcl_tensor_wrap_host(data, bytes, PLUGCL_F32, shape, PLUGCL_NCHW, &binding->tensor))
        return library_failed();
    binding->name = name;
    tensors->count++;
    return EXIT_DONE;
}

int tensors_open(struct tensors *tensors, const struct session *session, const struct request *request)
{
    int result = EXIT_DONE;
    for (size_t i = 0; i < session->n_data && !result; i++)
        result = bind(tensors, request->plugin->inputs[i], session->data[i], &session->shapes[i]);
    for (size_t i = 0; i < request->n_outputs && !result; i++) {
        const char *name = request->outputs[i].name;
        plugcl_shape *shape = &tensors->shapes[i];
        if (plugcl_plan_shape(session->plan, name, shape))
            return library_failed();
        tensors->results[i] = allocate((uint64_t)plugcl_shape_elements(shape), sizeof(float));
        tensors->n_results = i + 1;
        result = tensors->results[i] ? bind(tensors, name, tensors->results[i], shape) : failed("out of memory");
    }
    return result;
}

void tensors_close(struct tensors *tensors)
{
    for (size_t i = 0; i < tensors->count; i++)
        plugcl_tensor_destroy(&tensors->bindings[i].tensor);
    for (size_t i = 0; i < tensors->n_results; i++)
        free(tensors->results[i]);
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

int tensors_run(struct tensors *tensors, const struct session *session, double *milliseconds, plugcl_run **run)
{
    plugcl_run *own = NULL;
    double start = now_ms();
    int result = EXIT_DONE;
    if (plugcl_plan_run(session->plan, tensors->bindings, tensors->count, &own) || plugcl_run_wait(own, PLUGCL_WAIT_FOREVER))
        result = library_failed();
    *milliseconds = now_ms() - start;
    if (run)
        *run = own;
    else
        plugcl_run_destroy(&own);
    return result;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double median_of(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return count > 0 ? values[count / 2] : 0;
}
