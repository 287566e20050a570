/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c: a device with both networks ready to run. */
#include "handwriting.h"

#include <stdlib.h>
#include <string.h>

bool machine_open(struct machine *machine, const char *device, const char *cache, const struct networks *networks,
                  const struct image *scene, size_t marks)
{
    *machine = (struct machine){ .width = scene->width, .height = scene->height, .marks = marks };
    const struct plugcl_input_shape finder = { "x", *PLUGCL_SHAPE(1, 1, scene->height, scene->width) };
    const struct plugcl_input_shape reader = { "x", *PLUGCL_SHAPE(BATCH, 1, CROP, CROP) };
    const size_t pixels = (size_t)scene->width * (size_t)scene->height;
    machine->pixels = malloc(pixels * sizeof(float));
    machine->attention = malloc((marks + 1) * pixels / 16 * sizeof(float));
    if (!machine->pixels || !machine->attention)
        return complain("no memory for a scene of %dx%d pixels", scene->width, scene->height);
    return fine(plugcl_context_create(plugcl_context_params(.device = device, .cache_dir = cache), &machine->context),
                "the device") &&
           fine(plugcl_plan_create(machine->context, networks->finder, plugcl_plan_params(.shapes = &finder, .n_shapes = 1),
                                   &machine->finder),
                "the finder") &&
           fine(plugcl_plan_create(machine->context, networks->reader, plugcl_plan_params(.shapes = &reader, .n_shapes = 1),
                                   &machine->reader),
                "the reader");
}

void machine_close(struct machine *machine)
{
    plugcl_plan_destroy(&machine->reader);
    plugcl_plan_destroy(&machine->finder);
    plugcl_context_destroy(&machine->context);
    free(machine->pixels);
    free(machine->attention);
    *machine = (struct machine){ 0 };
}

/* The tensors of one run, straight from and into the host's arrays. */
struct run {
    struct plugcl_binding bindings[8];
    size_t count;
    bool good;
};

static void bind(struct run *run, plugcl_plan *plan, const char *name, float *data)
{
    plugcl_shape shape;
    struct plugcl_binding *binding = &run->bindings[run->count];
    run->good = run->good && fine(plugcl_plan_shape(plan, name, &shape), name);
    if (!run->good)
        return;
    *binding = (struct plugcl_binding){ name, NULL };
    run->good = fine(plugcl_tensor_wrap_host(data, (size_t)plugcl_shape_elements(&shape) * sizeof(float), PLUGCL_F32, &shape,
                                             PLUGCL_NCHW, &binding->tensor),
                     name);
    run->count += run->good;
}

static bool finish(struct run *run, plugcl_plan *plan)
{
    bool good = run->good && fine(plugcl_plan_run(plan, run->bindings, run->count, NULL), "a run"); /* waits for the answers */
    for (size_t i = 0; i < run->count; i++)
        plugcl_tensor_destroy(&run->bindings[i].tensor);
    return good;
}

static bool find(struct machine *machine, const struct image *scene, size_t index, struct answers *answers)
{
    const size_t pixels = (size_t)scene->width * (size_t)scene->height;
    for (size_t i = 0; i < pixels; i++)
        machine->pixels[i] = (float)scene->pixels[i] / 255.0f;
    struct run run = { .good = true };
    bind(&run, machine->finder, "x", machine->pixels);
    for (int output = MASK; output < ATTENTION; output++)
        bind(&run, machine->finder, output_names[output],
             answers->values[output] + index * output_elements(output, scene->width, scene->height));
    if (machine->marks > 0)
        bind(&run, machine->finder, output_names[ATTENTION], machine->attention);
    if (!finish(&run, machine->finder))
        return false;
    /* The attention of all marks was computed; those of this scene are kept. */
    const size_t own = output_elements(ATTENTION, scene->width, scene->height);
    if ((index + 1) * MARKS <= machine->marks)
        memcpy(answers->values[ATTENTION] + index * own, machine->attention + index * own, own * sizeof(float));
    return true;
}

bool machine_read_scene(struct machine *machine, const struct image *scene, size_t index, struct answers *answers)
{
    struct components components = { 0 };
    const size_t first = answers->crops;
    bool good = find(machine, scene, index, answers) &&
                components_find(answers_of(answers, MASK, index, scene), scene->width / 2, scene->height / 2, &components) &&
                (components.count == 0 || answers_reserve(answers, components.count));
    for (size_t i = 0; i < components.count && good; i++) {
        const struct box *box = &components.boxes[i];
        answers->findings[first + i] = (struct finding){ (int)index, *box, components_place(box) };
        components_crop(&components, i, scene, answers->ink + (first + i) * CROP_PIXELS);
    }
    for (size_t i = first; i < first + components.count && good; i += BATCH) {
        struct run run = { .good = true };
        bind(&run, machine->reader, "x", answers->ink + i * CROP_PIXELS);
        for (int output = THETA; output <= SCORES; output++)
            bind(&run, machine->reader, output_names[output], answers->values[output] + i * output_elements(output, 0, 0));
        good = finish(&run, machine->reader);
    }
    answers->crops += good ? components.count : 0;
    components_free(&components);
    return good;
}

bool machine_read_sheet(struct machine *machine, float *sheet, struct answers *answers)
{
    bool good = true;
    for (size_t i = 0; i < SHEET_DIGITS && good; i += BATCH) {
        struct run run = { .good = true };
        bind(&run, machine->reader, "x", sheet + i * CROP_PIXELS);
        bind(&run, machine->reader, output_names[SCORES], answers->values[SHEET_SCORES] + i * CLASSES);
        good = finish(&run, machine->reader);
    }
    return good;
}
