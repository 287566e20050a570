/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c: runs everything on one device, compares it with PyTorch and takes the times. */
#include "handwriting.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ROUNDS 5
#define PATIENCE 2.0 /* seconds after which no further round begins: some devices are slow */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Everything an application does until it has its first answers. */
static bool first_answers(struct machine *machine, const char *device, const char *cache, const struct networks *networks,
                          const struct exhibits *exhibits, struct answers *answers, double *seconds)
{
    double start = now();
    answers->crops = 0;
    bool good = machine_open(machine, device, cache, networks, &exhibits->scene[0], MARKS * exhibits->scenes) &&
                machine_read_scene(machine, &exhibits->scene[0], 0, answers);
    *seconds = now() - start;
    return good;
}

static bool read_all(struct machine *machine, const struct exhibits *exhibits, struct answers *answers, struct measurement *result)
{
    double begun = now();
    bool good = true;
    double *scene = &result->seconds[ONE_SCENE], *sheet = &result->seconds[WHOLE_SHEET];
    *scene = *sheet = INFINITY;
    for (int round = 0; round < ROUNDS && good && (round == 0 || now() - begun < PATIENCE); round++) {
        double start = now();
        answers->crops = 0;
        for (size_t i = 0; i < exhibits->scenes && good; i++)
            good = machine_read_scene(machine, &exhibits->scene[i], i, answers);
        *scene = fmin(*scene, (now() - start) / (double)exhibits->scenes);
        start = now();
        good = good && machine_read_sheet(machine, exhibits->sheet, answers);
        *sheet = fmin(*sheet, now() - start);
    }
    return good;
}

static bool same_boxes(const struct answers *a, const struct answers *b)
{
    bool same = a->crops == b->crops;
    for (size_t i = 0; i < a->crops && same; i++) {
        const struct box *x = &a->findings[i].box, *y = &b->findings[i].box;
        same = a->findings[i].scene == b->findings[i].scene && x->x0 == y->x0 && x->y0 == y->y0 && x->x1 == y->x1 && x->y1 == y->y1;
    }
    return same;
}

/* The largest difference, by the largest value of `b`; NaN if there is one in `a`. */
static double relative_error(const float *a, const float *b, size_t count)
{
    double error = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)a[i] - (double)b[i]);
        error = difference <= error || isnan(error) ? error : difference;
        largest = fmax(largest, fabs((double)b[i]));
    }
    return error / largest;
}

static void compare(const struct answers *answers, const struct exhibits *exhibits, struct measurement *result)
{
    const struct image *scene = &exhibits->scene[0];
    const struct answers *reference = &exhibits->reference;
    const struct score expected = score(reference, exhibits, ALL_SCENES);
    result->score = score(answers, exhibits, ALL_SCENES);
    result->same_boxes = same_boxes(answers, reference);
    result->equal = result->same_boxes && memcmp(&result->score, &expected, sizeof expected) == 0;
    for (int output = 0; output < OUTPUTS; output++) {
        bool comparable = result->same_boxes || answers_items(answers, output) == answers_items(reference, output);
        size_t elements = answers_items(reference, output) * output_elements(output, scene->width, scene->height);
        result->error[output] = comparable ? relative_error(answers->values[output], reference->values[output], elements) : NAN;
        result->equal = result->equal && result->error[output] <= BUDGET;
    }
}

bool measure(const char *device, const char *cache, const struct networks *networks, struct exhibits *exhibits,
             struct answers *answers, struct measurement *result)
{
    struct machine machine = { 0 };
    bool good = first_answers(&machine, device, cache, networks, exhibits, answers, &result->seconds[COLD]);
    machine_close(&machine);
    good = good && first_answers(&machine, device, cache, networks, exhibits, answers, &result->seconds[WARM]) &&
           read_all(&machine, exhibits, answers, result);
    if (good) {
        snprintf(result->device, sizeof result->device, "%s", plugcl_context_device(machine.context)->name);
        compare(answers, exhibits, result);
    }
    machine_close(&machine);
    return good;
}
