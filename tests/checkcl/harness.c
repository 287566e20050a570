/* SPDX-License-Identifier: Apache-2.0 */
/* harness.c: one case on every variant: inputs, schedule, run, comparison, timing. */
#include "checkcl/harness.h"

#include <fnmatch.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const checkcl_layouts[] = {
    [CHECKCL_ROW_MAJOR] = "nchw",
    [CHECKCL_CHANNELS_LAST] = "nhwc",
    [CHECKCL_CHANNEL_VIEW] = "view",
    [CHECKCL_ODD_VIEW] = "odd",
    [CHECKCL_ROW_VIEW] = "rows",
};
const char *const checkcl_fills[] = {
    [CHECKCL_RANDOM] = "random",   [CHECKCL_POSITIVE] = "positive", [CHECKCL_LARGE] = "large",
    [CHECKCL_SPECIAL] = "special", [CHECKCL_INTEGER] = "integer",
};

/* What a case has, the same for all variants; made when the first one runs. */
struct setting {
    struct checkcl *check;
    const struct checkcl_case *row;
    const char *name;
    bool ready;
    double budget; /* of the variant that runs */
    struct image inputs[OPERATOR_MAX_INPUTS], outputs[OPERATOR_MAX_OUTPUTS];
    struct operator_call call;
};

bool checkcl_is_quick(const struct checkcl *check)
{
    return check->quick;
}

static bool is_wanted(const struct checkcl *check, const char *name)
{
    return !check->filter || strncmp(name, check->filter, strlen(check->filter)) == 0 || fnmatch(check->filter, name, 0) == 0;
}

static void report(struct checkcl *check, const char *name, const char *problem)
{
    check->failed++;
    printf("FAILED %s: %s\n", name, problem);
}

/* Operands without memory, which is what can_run and the output shapes need. */
static plugcl_status describe(struct setting *setting)
{
    static struct constant unmade;
    const struct checkcl_case *row = setting->row;
    plugcl_shape shapes[OPERATOR_MAX_INPUTS], results[OPERATOR_MAX_OUTPUTS];
    plugcl_dtype dtypes[OPERATOR_MAX_INPUTS] = { PLUGCL_F32 }, result_dtypes[OPERATOR_MAX_OUTPUTS];
    bool present[OPERATOR_MAX_INPUTS];
    memset(results, 0, sizeof results);
    memset(shapes, 0, sizeof shapes);
    setting->call = (struct operator_call){ .info = row->info, .params = row->params, .epilogue = row->epilogue };
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++) {
        const struct checkcl_tensor *tensor = &row->inputs[i];
        present[i] = tensor->present;
        if (!tensor->present)
            continue;
        shapes[i] = tensor->shape;
        if (!image_lay_out(&setting->inputs[i], &tensor->shape, tensor->layout))
            return fail(PLUGCL_NO_MEMORY, "no memory for input %zu", i);
        dtypes[i] = setting->inputs[i].dtype = tensor->dtype;
        image_operand(&setting->inputs[i], &setting->call.inputs[i]);
        if (tensor->constant) /* can_run asks whether there is one; prepare makes it */
            setting->call.inputs[i].constant = &unmade;
    }
    plugcl_status status = operator_dtypes(row->info, row->params, dtypes, present, result_dtypes);
    if (status == PLUGCL_OK)
        status = row->info->shape(row->params, shapes, present, results);
    for (size_t i = 0; status == PLUGCL_OK && i < OPERATOR_MAX_OUTPUTS; i++) {
        if (i > 0 && results[i].rank == 0)
            continue;
        if (!image_lay_out(&setting->outputs[i], &results[i], results[i].rank == 4 ? row->output_layout : CHECKCL_ROW_MAJOR))
            return fail(PLUGCL_NO_MEMORY, "no memory for output %zu", i);
        setting->outputs[i].present = !row->skip_output[i];
        setting->outputs[i].dtype = result_dtypes[i];
        image_operand(&setting->outputs[i], &setting->call.outputs[i]);
    }
    return status;
}

/* A row that asks for a layout which the operator refuses would test what no plan does. */
static plugcl_status check_needs(const struct setting *setting)
{
    const struct operator_info *info = setting->row->info;
    for (size_t i = 0; info->need && i < OPERATOR_MAX_INPUTS; i++) {
        const struct operand *operand = &setting->call.inputs[i];
        if (!operand->present || setting->row->inputs[i].constant)
            continue;
        enum operand_need need = info->need(&setting->call, i);
        if (need == NEED_HOST || (need == NEED_ROW_MAJOR && !operand_is_row_major(operand)) ||
            (need == NEED_CHANNELS_LAST && !operand_is_channels_last(operand)))
            return fail(PLUGCL_INVALID, "the row's layout of input %zu is not what the operator needs", i);
    }
    return PLUGCL_OK;
}

/* Weight matrices are as a network's are, 1 / sqrt(fan-in): with larger ones the sums within a gate grow so large that their
 * rounding alone moves a sigmoid by more than the budget. */
static float scale_of(const struct checkcl_tensor *tensor)
{
    int64_t elements = plugcl_shape_elements(&tensor->shape);
    if (!tensor->constant || tensor->fill != CHECKCL_RANDOM || tensor->shape.rank < 2 || elements == 0)
        return 1.0f;
    return (float)(1.0 / sqrt((double)(elements / tensor->shape.dims[0])));
}

static plugcl_status prepare(struct setting *setting)
{
    const struct checkcl_case *row = setting->row;
    char seed[256];
    snprintf(seed, sizeof seed, "%s/%s", row->info->name, setting->name);
    uint64_t random = random_seed(seed, setting->check->seed);
    const double *inputs[OPERATOR_MAX_INPUTS] = { NULL };
    double *outputs[OPERATOR_MAX_OUTPUTS] = { NULL };
    plugcl_shape shapes[OPERATOR_MAX_OUTPUTS];
    plugcl_status status = check_needs(setting);
    for (size_t i = 0; status == PLUGCL_OK && i < OPERATOR_MAX_INPUTS; i++) {
        struct image *image = &setting->inputs[i];
        if (!image->present)
            continue;
        image_fill(image, &row->inputs[i], scale_of(&row->inputs[i]), &random);
        status = row->inputs[i].constant ? image_make_constant(image) : image_upload(setting->check->context, image);
        inputs[i] = image->values;
        image_operand(image, &setting->call.inputs[i]);
    }
    for (size_t i = 0; i < OPERATOR_MAX_OUTPUTS; i++) {
        shapes[i] = setting->outputs[i].shape;
        outputs[i] = setting->outputs[i].values;
    }
    if (status == PLUGCL_OK && !setting->check->bench)
        row->reference(row, inputs, shapes, outputs);
    setting->ready = status == PLUGCL_OK;
    return status;
}

/* Regions belong to a schedule, so each variant has a call of its own. `in_place`: input 0 lies where output 0 will. */
static plugcl_status plan(struct setting *setting, const struct variant *variant, uint32_t tile, bool in_place,
                          struct schedule *schedule)
{
    const struct operator_info *info = setting->row->info;
    struct operator_call call = setting->call;
    call.tile = tile;
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++) {
        if (setting->inputs[i].buffer)
            call.inputs[i].region = schedule_fixed(schedule, buffer_take(setting->inputs[i].buffer));
    }
    for (size_t i = 0; i < OPERATOR_MAX_OUTPUTS; i++) {
        struct image *image = &setting->outputs[i];
        if (!image->present)
            continue;
        image_poison(image);
        if (in_place && i == 0)
            image_take(image, &setting->inputs[0]);
        plugcl_status status = image_upload(setting->check->context, image);
        if (status)
            return status;
        call.outputs[i].region = schedule_fixed(schedule, buffer_take(image->buffer));
    }
    if (in_place)
        call.inputs[0] = call.outputs[0];
    uint64_t flops = info->flops ? info->flops(&call) : (uint64_t)setting->outputs[0].elements;
    schedule_step(schedule, info->name, variant->name, setting->name, flops, 0);
    plugcl_status status = variant->plan(schedule, &call);
    return status ? status : schedule_finish(schedule, NULL);
}

static plugcl_status run(struct checkcl *check, struct schedule *schedule)
{
    plugcl_status status = schedule_run(schedule, check->queue, NULL, NULL);
    return status ? status : queue_finish(check->queue);
}

static bool compare_outputs(struct setting *setting, const char *name)
{
    char problem[512];
    for (size_t i = 0; i < OPERATOR_MAX_OUTPUTS; i++) {
        struct image *image = &setting->outputs[i];
        if (!image->present)
            continue;
        if (buffer_read_now(image->buffer, 0, image->bits, image->count * sizeof *image->bits)) {
            report(setting->check, name, plugcl_error_message());
            return false;
        }
        int used = i > 0 ? snprintf(problem, sizeof problem, "output %zu: ", i) : 0;
        if (!image_compare(image, image->bits, setting->budget, problem + used, sizeof problem - (size_t)used)) {
            report(setting->check, name, problem);
            return false;
        }
    }
    return true;
}

static bool inputs_are_untouched(struct setting *setting, const char *name)
{
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++) {
        struct image *image = &setting->inputs[i];
        size_t bytes = image->count * sizeof *image->bits;
        uint32_t *found = image->buffer ? memory_zeroed(image->count, sizeof *found) : NULL;
        if (!image->buffer)
            continue;
        bool same = found && buffer_read_now(image->buffer, 0, found, bytes) == PLUGCL_OK && memcmp(found, image->bits, bytes) == 0;
        memory_free(found);
        if (!same) {
            char problem[64];
            snprintf(problem, sizeof problem, "input %zu was written to", i);
            report(setting->check, name, problem);
            image_upload(setting->check->context, image); /* the next variant gets it whole */
            return false;
        }
    }
    return true;
}

static int by_time(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The median of at least 5 runs and a quarter of a second. */
static plugcl_status measure(struct checkcl *check, struct schedule *schedule, const char *name)
{
    uint64_t times[101], begin = clock_ns();
    size_t count = 0;
    while (count < 5 || (count < 101 && clock_ns() - begin < 250000000u)) {
        uint64_t start = clock_ns();
        plugcl_status status = run(check, schedule);
        if (status)
            return status;
        times[count++] = clock_ns() - start;
    }
    qsort(times, count, sizeof *times, by_time);
    double time = (double)times[count / 2];
    printf("%-64s %10.3f ms %9.2f GFLOP/s\n", name, time * 1e-6, (double)schedule_step_at(schedule, 0)->flops / time);
    return PLUGCL_OK;
}

static bool may_run_in_place(const struct setting *setting)
{
    const struct operand *x = &setting->call.inputs[0], *y = &setting->call.outputs[0];
    return setting->row->info->in_place && y->present && operand_is_dense(x) &&
           memcmp(x->strides, y->strides, sizeof x->strides) == 0;
}

static void run_in_place(struct setting *setting, const struct variant *variant, uint32_t tile, const char *name)
{
    char full[400];
    struct schedule *schedule = NULL;
    plugcl_status status = schedule_create(setting->check->context, &schedule);
    snprintf(full, sizeof full, "%s, in place", name);
    if (status == PLUGCL_OK)
        status = plan(setting, variant, tile, true, schedule);
    if (status == PLUGCL_OK)
        status = run(setting->check, schedule);
    if (status != PLUGCL_OK)
        report(setting->check, full, plugcl_error_message());
    else
        compare_outputs(setting, full);
    schedule_destroy(&schedule);
}

static void run_variant(struct setting *setting, const struct variant *variant, uint32_t tile, const char *name)
{
    struct checkcl *check = setting->check;
    struct schedule *schedule = NULL;
    plugcl_status status = setting->ready ? PLUGCL_OK : prepare(setting);
    if (status == PLUGCL_OK)
        status = schedule_create(check->context, &schedule);
    if (status == PLUGCL_OK)
        status = plan(setting, variant, tile, false, schedule);
    if (status == PLUGCL_OK)
        status = run(check, schedule);
    /* A second run over the results of the first one: nothing may depend on what memory held before. */
    if (status == PLUGCL_OK)
        status = check->bench ? measure(check, schedule, name) : run(check, schedule);
    if (status != PLUGCL_OK) {
        char problem[512];
        snprintf(problem, sizeof problem, "%s: %s", plugcl_status_name(status), plugcl_error_message());
        report(check, name, problem);
    } else if (!check->bench && compare_outputs(setting, name)) {
        if (inputs_are_untouched(setting, name) && may_run_in_place(setting))
            run_in_place(setting, variant, tile, name);
    }
    schedule_destroy(&schedule);
}

/* cl/gpu runs on every device, so CPU devices test it too; timings are of what a plan would take. */
static bool can_run(const struct checkcl *check, const struct variant *variant, const struct operator_call *call)
{
    struct device_caps caps = *context_caps(check->context);
    if (caps.prefers_own_gemm && strcmp(variant->name, CLBLAST_ROW) == 0)
        return false; /* minutes for each kernel that the library compiles */
    if (variant->can_run(&caps, call))
        return true;
    caps.cpu_family = false;
    return !check->bench && variant->can_run(&caps, call);
}

static double budget_of(const struct setting *setting, const struct variant *variant, uint32_t tile)
{
    const struct checkcl_case *row = setting->row;
    char full[64], name[TILE_NAME];
    bool has_tile = row->info->tile && row->info->tile(variant, context_caps(setting->check->context), &setting->call, tile, name);
    snprintf(full, sizeof full, "%s%s%s", variant->name, has_tile ? "@" : "", has_tile ? name : "");
    for (const struct checkcl_budget *own = row->budgets; own && own->row; own++)
        if (fnmatch(own->row, full, 0) == 0)
            return own->budget;
    return row->budget;
}

static void run_row(struct setting *setting, const struct variant *variant, uint32_t tile, const char *tile_name)
{
    struct checkcl *check = setting->check;
    char name[384];
    snprintf(name, sizeof name, "%s/%s%s%s/%s", setting->row->info->name, variant->name, *tile_name ? "@" : "", tile_name,
             setting->name);
    if (!is_wanted(check, name))
        return;
    check->rows++;
    setting->budget = budget_of(setting, variant, tile);
    if (check->list)
        puts(name);
    else
        run_variant(setting, variant, tile, name);
}

/* One of the tiles that tuning may choose, by the row's name: over all rows each of them has its turn. With every_tile, all. */
static void run_other_tiles(struct setting *setting, const struct variant *variant)
{
    const struct operator_info *info = setting->row->info;
    const struct device_caps *caps = context_caps(setting->check->context);
    char built_in[TILE_NAME], name[TILE_NAME];
    uint32_t count = 0;
    while (info->tile && info->tile(variant, caps, &setting->call, count + 1, name))
        count++;
    /* Each activation has its rows with the built-in choice: crossing them with the tiles would only cost programs. */
    if (count == 0 || setting->row->epilogue.act > PLUGCL_RELU)
        return;
    const uint32_t chosen = 1 + (uint32_t)(random_seed(setting->name, 0) % count);
    info->tile(variant, caps, &setting->call, 0, built_in);
    for (uint32_t tile = 1; tile <= count; tile++) {
        info->tile(variant, caps, &setting->call, tile, name);
        if ((tile == chosen || setting->row->every_tile) && strcmp(name, built_in) != 0)
            run_row(setting, variant, tile, name);
    }
}

static bool is_for(const struct checkcl_case *row, const struct variant *variant)
{
    const char *pattern = row->variants ? row->variants : "*";
    return *pattern == '!' ? fnmatch(pattern + 1, variant->name, 0) != 0 : fnmatch(pattern, variant->name, 0) == 0;
}

static void run_variants(struct setting *setting)
{
    for (const struct variant *variant = setting->row->info->variants; variant->name; variant++) {
        if (!is_for(setting->row, variant) || !can_run(setting->check, variant, &setting->call))
            continue;
        run_row(setting, variant, 0, "");
        if (!setting->check->bench)
            run_other_tiles(setting, variant);
    }
}

void checkcl_run(struct checkcl *check, const struct checkcl_case *row, const char *format, ...)
{
    char name[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);

    struct setting *setting = memory_zeroed(1, sizeof *setting);
    if (!setting) {
        report(check, name, "no memory");
        return;
    }
    setting->check = check;
    setting->row = row;
    setting->name = name;
    if (describe(setting)) {
        check->rows++;
        char full[384];
        snprintf(full, sizeof full, "%s/shape/%s", row->info->name, name);
        report(check, full, plugcl_error_message());
    } else {
        run_variants(setting);
    }
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++)
        image_free(&setting->inputs[i]);
    for (size_t i = 0; i < OPERATOR_MAX_OUTPUTS; i++)
        image_free(&setting->outputs[i]);
    memory_free(setting);
}
