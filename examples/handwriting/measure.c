/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c: runs the network on one device, compares it with PyTorch and takes the times. */
#include "handwriting.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#define ROUNDS 5
#define PATIENCE 2.0 /* seconds after which no further round begins: some devices are slow */
#define BUDGET 1e-4 /* of the reference's largest value */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* One run: digits `first` … `first` + BATCH − 1, straight from and into the host's arrays. */
static bool read_batch(plugcl_plan *plan, float *digits, const struct answers *answers, size_t first)
{
    struct plugcl_binding bindings[2 + GATES] = { { "x", NULL }, { "logits", NULL } };
    size_t count = 2 + GATES;
    plugcl_status status = plugcl_tensor_wrap_host(digits + first * PIXELS, sizeof(float) * BATCH * PIXELS, PLUGCL_F32,
                                                   PLUGCL_SHAPE(BATCH, 1, SIDE, SIDE), PLUGCL_NCHW, &bindings[0].tensor);
    if (status == PLUGCL_OK)
        status = plugcl_tensor_wrap_host(answers->logits + first * CLASSES, sizeof(float) * BATCH * CLASSES, PLUGCL_F32,
                                         PLUGCL_SHAPE(BATCH, CLASSES), PLUGCL_NCHW, &bindings[1].tensor);
    for (int gate = 0; gate < GATES && status == PLUGCL_OK; gate++) {
        const struct gate_kind *kind = &gate_kinds[gate];
        bindings[2 + gate].name = kind->name;
        status = plugcl_tensor_wrap_host(answers->gates[gate] + first * gate_elements(gate),
                                         sizeof(float) * BATCH * gate_elements(gate), PLUGCL_F32,
                                         PLUGCL_SHAPE(BATCH, kind->channels, kind->height, kind->width), PLUGCL_NCHW,
                                         &bindings[2 + gate].tensor);
    }
    if (status == PLUGCL_OK)
        status = plugcl_plan_run(plan, bindings, count, NULL); /* no handle: waits for the answers */
    bool good = fine(status, "reading");
    for (size_t i = 0; i < count; i++)
        plugcl_tensor_destroy(&bindings[i].tensor);
    return good;
}

/* Everything an application does until it has its first answers. */
static bool first_answers(const char *device, const char *cache, plugcl_graph *graph, float *digits, const struct answers *answers,
                          plugcl_context **context, plugcl_plan **plan, double *seconds)
{
    double start = now();
    struct plugcl_input_shape shape = { "x", *PLUGCL_SHAPE(BATCH, 1, SIDE, SIDE) };
    bool good = fine(plugcl_context_create(plugcl_context_params(.device = device, .cache_dir = cache), context), "the device") &&
                fine(plugcl_plan_create(*context, graph, plugcl_plan_params(.shapes = &shape, .n_shapes = 1), plan), "the plan") &&
                read_batch(*plan, digits, answers, 0);
    *seconds = now() - start;
    return good;
}

static double largest_error(const float *a, const float *b, size_t count, double *largest)
{
    double error = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)a[i] - (double)b[i]);
        if (!(difference <= error))
            error = difference; /* NaN too */
        *largest = fmax(*largest, fabs((double)b[i]));
    }
    return error;
}

static void compare(const struct answers *answers, const struct reference *reference, struct measurement *result)
{
    result->right = 0;
    for (int digit = 0; digit < DIGITS; digit++)
        result->right += answer(answers->logits + digit * CLASSES) == sheet_class(digit);
    double largest = 0;
    result->logit_error = largest_error(answers->logits, reference->logits, DIGITS * CLASSES, &largest);
    result->within = result->logit_error <= BUDGET * largest;
    result->gate_error = 0;
    for (int gate = 0; gate < GATES; gate++) {
        size_t elements = gate_elements(gate);
        double error = 0;
        largest = 0;
        for (size_t i = 0; i < reference->index_count; i++) {
            double one = largest_error(answers->gates[gate] + (size_t)reference->index[i] * elements,
                                       reference->gates[gate] + i * elements, elements, &largest);
            error = one <= error ? error : one;
        }
        result->within = result->within && error <= BUDGET * largest;
        result->gate_error = error <= result->gate_error ? result->gate_error : error;
    }
}

static bool read_all(plugcl_plan *plan, float *digits, const struct answers *answers, double *seconds)
{
    double begun = now();
    *seconds = INFINITY;
    for (int round = 0; round < ROUNDS && (round == 0 || now() - begun < PATIENCE); round++) {
        double start = now();
        for (size_t first = 0; first < DIGITS; first += BATCH)
            if (!read_batch(plan, digits, answers, first))
                return false;
        *seconds = fmin(*seconds, now() - start);
    }
    return true;
}

bool measure(const char *device, const char *cache, plugcl_graph *graph, float *digits, const struct reference *reference,
             struct answers *answers, struct measurement *result)
{
    plugcl_context *context = NULL;
    plugcl_plan *plan = NULL;
    bool good = first_answers(device, cache, graph, digits, answers, &context, &plan, &result->cold);
    plugcl_plan_destroy(&plan);
    plugcl_context_destroy(&context);
    good = good && first_answers(device, cache, graph, digits, answers, &context, &plan, &result->warm) &&
           read_all(plan, digits, answers, &result->all);
    if (good) {
        snprintf(result->device, sizeof result->device, "%s", plugcl_context_device(context)->name);
        compare(answers, reference, result);
    }
    plugcl_plan_destroy(&plan);
    plugcl_context_destroy(&context);
    return good;
}
