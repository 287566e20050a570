/* SPDX-License-Identifier: Apache-2.0 */
/* describe.c: a plan for a reader or a program. */
#include <jansson.h>
#include <stdlib.h>

#include <string.h>

#include "graph/plan.h"

/* Names come from callers and files: what is not UTF-8 has no place in JSON and becomes question marks. */
static json_t *text_json(const char *text)
{
    json_t *json = json_string(text);
    char *copy = json ? NULL : string_copy(text);
    for (char *c = copy; c != NULL && *c; c++)
        *c = (unsigned char)*c < 0x80 ? *c : '?';
    json = copy ? json_string(copy) : json;
    memory_free(copy);
    return json;
}

static json_t *shape_json(const plugcl_shape *shape)
{
    json_t *dims = json_array();
    for (uint32_t i = 0; i < shape->rank; i++)
        json_array_append_new(dims, json_integer(shape->dims[i]));
    return dims;
}

static json_t *ports_json(const plugcl_plan *plan, bool outputs)
{
    json_t *array = json_array();
    for (size_t i = 0; i < plan->n_ports; i++)
        if (plan->ports[i].is_output == outputs)
            json_array_append_new(array, json_pack("{s:o, s:s, s:o}", "name", text_json(plan->ports[i].name), "dtype",
                                                   plugcl_dtype_name(plan->ports[i].dtype), "shape",
                                                   shape_json(&plan->ports[i].shape)));
    return array;
}

static const char *const choices[] = { [PLUGCL_CHOICE_BUILT_IN] = "built-in", [PLUGCL_CHOICE_TUNED] = "tuned",
                                       [PLUGCL_CHOICE_FORCED] = "forced" };

static json_t *plan_json(const plugcl_plan *plan)
{
    const struct schedule_use use = schedule_use(plan->schedule);
    json_t *plugins = json_array(), *steps = json_array();
    for (size_t i = 0; i < plan->n_plugins; i++)
        json_array_append_new(plugins, json_pack("{s:o, s:o, s:o}", "name", text_json(plan->plugins[i].name), "prefix",
                                                 text_json(plan->plugins[i].prefix), "flavour",
                                                 text_json(plan->plugins[i].flavour)));
    for (size_t i = 0; i < schedule_steps(plan->schedule); i++) {
        const struct schedule_step_info *step = schedule_step_at(plan->schedule, i);
        json_array_append_new(steps,
                              json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:I}", "operator", step->operation, "variant",
                                        step->variant, "tile", step->tile, "choice", choices[step->choice], "name",
                                        text_json(step->name), "flops", (json_int_t)step->flops, "bytes", (json_int_t)step->bytes));
    }
    const struct plugcl_device_info *device = plugcl_context_device(plan->context);
    return json_pack("{s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "device", text_json(device->name),
                     "platform", text_json(device->platform), "fusion", plan->fusion, "plugins", plugins, "inputs",
                     ports_json(plan, false), "outputs", ports_json(plan, true), "steps", steps, "arena_bytes",
                     (json_int_t)use.arena, "arena_lower_bound_bytes", (json_int_t)use.arena_lower_bound, "constant_bytes",
                     (json_int_t)use.constants, "launches", (json_int_t)use.launches, "kernels", (json_int_t)use.kernels,
                     "programs", (json_int_t)use.programs, "programs_loaded", (json_int_t)use.loaded_programs);
}

static void text_port(struct text *text, const struct port *port)
{
    char shape[SHAPE_TEXT];
    text_add(text, "%s %s %s", port->is_output ? "output" : "input ", port->name, shape_text(shape, &port->shape));
    text_add(text, port->dtype == PLUGCL_F32 ? "\n" : " %s\n", plugcl_dtype_name(port->dtype));
}

static void plan_text(const plugcl_plan *plan, struct text *text)
{
    uint64_t flops = 0;
    const struct schedule_use use = schedule_use(plan->schedule);
    const struct plugcl_device_info *device = plugcl_context_device(plan->context);
    text_add(text, "device %s (%s)\nfusion %s\n", device->name, device->platform, plan->fusion ? "on" : "off");
    for (size_t i = 0; i < plan->n_plugins; i++)
        text_add(text, "plug-in %s%s%s flavour %s\n", plan->plugins[i].name, *plan->plugins[i].prefix ? " " : "",
                 plan->plugins[i].prefix, plan->plugins[i].flavour);
    for (size_t i = 0; i < plan->n_ports; i++)
        text_port(text, &plan->ports[i]);
    text_add(text, "%-4s %-16s %-20s %-8s %12s %12s  %s\n", "step", "operator", "variant", "choice", "FLOPs", "bytes", "name");
    for (size_t i = 0; i < schedule_steps(plan->schedule); i++) {
        const struct schedule_step_info *step = schedule_step_at(plan->schedule, i);
        flops += step->flops;
        int width = 19 - (int)strlen(step->variant);
        text_add(text, "%-4zu %-16s %s %-*s %-8s %12llu %12llu  %s\n", i, step->operation, step->variant, width > 0 ? width : 0,
                 step->tile, choices[step->choice], (unsigned long long)step->flops, (unsigned long long)step->bytes, step->name);
    }
    text_add(text, "total %llu FLOPs; arena %zu bytes (at least %zu are alive at once), weights on the device %zu bytes\n",
             (unsigned long long)flops, use.arena, use.arena_lower_bound, use.constants);
    text_add(text, "launches %zu; kernels %zu; programs %zu (compiled %zu, loaded from the cache %zu)\n", use.launches, use.kernels,
             use.programs, use.programs - use.loaded_programs, use.loaded_programs);
}

plugcl_status plugcl_plan_describe(const plugcl_plan *plan, plugcl_text_format format, char **text)
{
    struct text made = { 0 };
    if (text == NULL)
        return fail(PLUGCL_INVALID, "no place for the text was given");
    *text = NULL;
    if (plan == NULL)
        return fail(PLUGCL_INVALID, "there is no plan to describe");
    if (format == PLUGCL_JSON) {
        json_t *json = plan_json(plan);
        char *dump = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
        json_decref(json);
        if (dump != NULL)
            text_add(&made, "%s\n", dump);
        made.failed = made.failed || dump == NULL;
        free(dump);
    } else {
        plan_text(plan, &made);
    }
    if (made.failed) {
        const size_t bytes = made.length + 1;
        text_free(&made);
        return fail_no_memory(bytes);
    }
    *text = made.data;
    return PLUGCL_OK;
}
