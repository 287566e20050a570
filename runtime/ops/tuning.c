/* SPDX-License-Identifier: Apache-2.0 */
/* tuning.c: the candidates for a call, memory to try them on, and what is done with the answer. */
#include "ops/tuning.h"

#include <stdio.h>
#include <string.h>

#define MOST_CANDIDATES 32

void tuning_free(struct tuning *tuning)
{
    memory_free(tuning->uses);
    tuning->uses = NULL;
    tuning->n_uses = tuning->capacity = 0;
}

/*
 * Candidates.
 */
static bool may_try(const struct device_caps *caps, const struct operator_call *call, const struct candidate *candidate)
{
    struct operator_call with_tile = *call;
    with_tile.tile = candidate->tile;
    return candidate->variant->can_run(caps, &with_tile) &&
           !(caps->prefers_own_gemm && strcmp(candidate->variant->name, CLBLAST_ROW) == 0);
}

static bool name_tile(const struct device_caps *caps, const struct operator_call *call, struct candidate *candidate)
{
    candidate->tile_name[0] = '\0';
    return call->info->tile != NULL && call->info->tile(candidate->variant, caps, call, candidate->tile, candidate->tile_name);
}

static bool is_listed(const struct candidate *candidates, size_t count, const struct candidate *other)
{
    for (size_t i = 0; i < count; i++)
        if (candidates[i].variant == other->variant && strcmp(candidates[i].tile_name, other->tile_name) == 0)
            return true;
    return false;
}

/* The built-in choice, which is the first, then every other row that can run, each with all of its tiles. */
static size_t list_candidates(const struct device_caps *caps, const struct operator_call *call, const struct variant *built_in,
                              struct candidate *candidates)
{
    size_t count = 1;
    candidates[0] = (struct candidate){ .variant = built_in };
    name_tile(caps, call, &candidates[0]);
    for (const struct variant *variant = call->info->variants; variant->name != NULL; variant++) {
        for (uint32_t tile = 0; count < MOST_CANDIDATES; tile++) {
            struct candidate *next = &candidates[count];
            *next = (struct candidate){ .variant = variant, .tile = tile };
            if (!name_tile(caps, call, next) && tile > 0)
                break;
            count += may_try(caps, call, next) && !is_listed(candidates, count, next);
        }
    }
    return count;
}

/*
 * Memory in place of the operands'. What shares a region shares it here.
 */
struct scratch {
    uint32_t region;
    size_t bytes;
    bool is_float;
    struct buffer *buffer;
};

struct trial {
    struct scratch scratches[OPERATOR_MAX_INPUTS + OPERATOR_MAX_OUTPUTS];
    size_t count;
};

static struct scratch *scratch_of(struct trial *trial, uint32_t region)
{
    for (size_t i = 0; i < trial->count; i++)
        if (trial->scratches[i].region == region)
            return &trial->scratches[i];
    return NULL;
}

/* From the beginning of the operand's region to the end of its last element. */
static size_t bytes_up_to_end(const struct operand *operand)
{
    int64_t last = operand->offset;
    for (uint32_t i = 0; i < operand->shape.rank; i++)
        if (operand->strides[i] > 0)
            last += (operand->shape.dims[i] - 1) * operand->strides[i];
    return (size_t)(last + 1) * operand_element_size(operand);
}

static void add_scratch(struct trial *trial, const struct operand *operand)
{
    if (!operand->present || operand->region == REGION_NONE || operand_elements(operand) == 0)
        return;
    struct scratch *scratch = scratch_of(trial, operand->region);
    if (scratch == NULL) {
        scratch = &trial->scratches[trial->count++];
        *scratch = (struct scratch){ .region = operand->region, .is_float = operand->dtype == PLUGCL_F32 };
    }
    size_t bytes = bytes_up_to_end(operand);
    scratch->bytes = bytes > scratch->bytes ? bytes : scratch->bytes;
}

/* Numbers of −1 … 1, so that samplers read here and there and nothing is denormal; integers, which may be indices, are 0. */
static plugcl_status fill_scratch(struct scratch *scratch)
{
    enum { BLOCK = 16384 };
    float *block = memory_zeroed(BLOCK, sizeof *block);
    uint32_t state = 1;
    plugcl_status status = block != NULL ? PLUGCL_OK : fail_no_memory(BLOCK * sizeof *block);
    for (size_t i = 0; status == PLUGCL_OK && scratch->is_float && i < BLOCK; i++) {
        state = state * 1664525u + 1013904223u;
        block[i] = (float)(int32_t)state * 0x1p-31f;
    }
    for (size_t done = 0; status == PLUGCL_OK && done < scratch->bytes; done += BLOCK * sizeof *block) {
        size_t left = scratch->bytes - done;
        status = buffer_write_now(scratch->buffer, done, block, left < BLOCK * sizeof *block ? left : BLOCK * sizeof *block);
    }
    memory_free(block);
    return status;
}

static plugcl_status make_scratches(plugcl_context *context, const struct operator_call *call, struct trial *trial)
{
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++)
        add_scratch(trial, &call->inputs[i]);
    for (size_t i = 0; i < OPERATOR_MAX_OUTPUTS; i++)
        add_scratch(trial, &call->outputs[i]);
    for (size_t i = 0; status == PLUGCL_OK && i < trial->count; i++) {
        status = buffer_create(context, trial->scratches[i].bytes, false, &trial->scratches[i].buffer);
        if (status == PLUGCL_OK)
            status = fill_scratch(&trial->scratches[i]);
    }
    return status;
}

static void move_operand(struct trial *trial, const uint32_t *regions, struct operand *operand)
{
    struct scratch *scratch = operand->present ? scratch_of(trial, operand->region) : NULL;
    if (scratch != NULL)
        operand->region = regions[scratch - trial->scratches];
}

/*
 * Planning and measuring.
 */
static plugcl_status plan_candidate(struct schedule *owner, const struct operator_call *call, struct trial *trial,
                                    struct candidate *candidate)
{
    uint32_t regions[OPERATOR_MAX_INPUTS + OPERATOR_MAX_OUTPUTS];
    struct operator_call moved = *call;
    plugcl_status status = schedule_create(schedule_context(owner), &candidate->schedule);
    if (status != PLUGCL_OK)
        return status;
    struct schedule *schedule = candidate->schedule;
    schedule_set_tuning(schedule, schedule_tuning(owner));
    schedule_step(schedule, call->info->name, candidate->variant->name, NULL, 0, 0);
    for (size_t i = 0; i < trial->count; i++)
        regions[i] = schedule_fixed(schedule, buffer_take(trial->scratches[i].buffer));
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++)
        move_operand(trial, regions, &moved.inputs[i]);
    for (size_t i = 0; i < OPERATOR_MAX_OUTPUTS; i++)
        move_operand(trial, regions, &moved.outputs[i]);
    moved.tile = candidate->tile;
    status = candidate->variant->plan(schedule, &moved);
    if (status == PLUGCL_OK)
        status = schedule_finish(schedule, NULL);
    return status;
}

/* One that fails is left out; only a cancellation ends it all. */
static plugcl_status plan_candidates(struct schedule *owner, const struct operator_call *call, struct trial *trial,
                                     struct candidate *candidates, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        plugcl_status status = candidate_tell(schedule_tuning(owner), call, candidates, i, count);
        if (status == PLUGCL_OK)
            status = plan_candidate(owner, call, trial, &candidates[i]);
        if (status == PLUGCL_CANCELLED)
            return status;
        if (status != PLUGCL_OK)
            candidate_leave_out(schedule_context(owner), call, &candidates[i]);
    }
    return PLUGCL_OK;
}

static void set_time(struct tuned_time *time, const struct candidate *candidate)
{
    snprintf(time->variant, sizeof time->variant, "%s", candidate->variant->name);
    snprintf(time->tile, sizeof time->tile, "%s", candidate->tile_name);
    time->ns = candidate_time(candidate);
}

/* The built-in choice stays where nothing is clearly faster. False if nothing was measured. */
static bool take_best(const struct candidate *candidates, size_t count, struct tuned_result *result)
{
    const struct candidate *best = &candidates[0];
    for (size_t i = 1; i < count; i++)
        if (candidate_beats(&candidates[i], &candidates[0]) &&
            (best == &candidates[0] || candidate_time(&candidates[i]) < candidate_time(best)))
            best = &candidates[i];
    set_time(&result->best, best);
    set_time(&result->built_in, &candidates[0]);
    return best->n_times > 0;
}

static plugcl_status measure(struct schedule *owner, const struct operator_call *call, struct candidate *candidates, size_t count,
                             struct tuned_result *result, bool *is_measured)
{
    plugcl_context *context = schedule_context(owner);
    struct tuning *tuning = schedule_tuning(owner);
    struct trial *trial = memory_zeroed(1, sizeof *trial);
    struct queue *queue = NULL;
    plugcl_status status = trial != NULL ? PLUGCL_OK : fail_no_memory(sizeof *trial);
    if (status == PLUGCL_OK)
        status = make_scratches(context, call, trial);
    if (status == PLUGCL_OK)
        status = queue_create(context, false, &queue);
    tuning->trials++;
    if (status == PLUGCL_OK)
        status = plan_candidates(owner, call, trial, candidates, count);
    tuning->trials--;
    if (status == PLUGCL_OK)
        status = candidates_measure(tuning, call, candidates, count, queue);
    *is_measured = status == PLUGCL_OK && take_best(candidates, count, result);
    if (status != PLUGCL_OK && status != PLUGCL_CANCELLED)
        log_message(context_log(context), PLUGCL_LOG_NOTE, "%s is not tuned: %s", call->info->name, plugcl_error_message());
    for (size_t i = 0; i < count; i++)
        candidate_drop(&candidates[i]);
    for (size_t i = 0; trial != NULL && i < trial->count; i++)
        buffer_drop(&trial->scratches[i].buffer);
    queue_destroy(&queue);
    memory_free(trial);
    return status == PLUGCL_CANCELLED ? status : PLUGCL_OK;
}

/*
 * The choice.
 */
static struct tuning_use *find_use(const struct tuning *tuning, const uint8_t key[32])
{
    for (size_t i = 0; i < tuning->n_uses; i++)
        if (memcmp(tuning->uses[i].result.key, key, 32) == 0)
            return &tuning->uses[i];
    return NULL;
}

/* What a result names, if it is still there. */
static bool take_result(const struct candidate *candidates, size_t count, const struct tuned_result *result, struct choice *choice)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(candidates[i].variant->name, result->best.variant) != 0 ||
            strcmp(candidates[i].tile_name, result->best.tile) != 0)
            continue;
        choice->variant = candidates[i].variant;
        choice->tile = candidates[i].tile;
        choice->kind = PLUGCL_CHOICE_TUNED;
        return true;
    }
    return false;
}

static void note_use(struct tuning *tuning, const struct operator_call *call, const struct tuned_result *result, bool was_measured)
{
    struct tuning_use *use = find_use(tuning, result->key);
    if (use == NULL) {
        use = array_push(&tuning->uses, &tuning->n_uses, &tuning->capacity, sizeof *use);
        if (use == NULL)
            return;
        *use = (struct tuning_use){ .operation = call->info->name, .name = tuning->step ? tuning->step : "",
                                    .was_measured = was_measured, .result = *result };
    }
    use->is_taken = use->is_taken || tuning->trials == 0;
}

plugcl_status tuning_choose(struct schedule *schedule, const struct operator_call *call, struct choice *choice)
{
    struct tuning *tuning = schedule_tuning(schedule);
    plugcl_context *context = schedule_context(schedule);
    struct candidate *candidates;
    struct tuned_result result;
    uint8_t key[32];
    const struct operand *y = call->outputs[0].present ? &call->outputs[0] : &call->outputs[1];
    if (tuning == NULL || tuning->mode == PLUGCL_TUNE_NEVER || operand_elements(y) == 0 || !tuning_key(call, key))
        return PLUGCL_OK;
    bool is_known = (tuning->mode != PLUGCL_TUNE_ALL || find_use(tuning, key) != NULL) && tuned_find(context, key, &result);
    if (!is_known && tuning->mode == PLUGCL_TUNE_STORED)
        return PLUGCL_OK;
    candidates = memory_zeroed(MOST_CANDIDATES, sizeof *candidates);
    if (candidates == NULL)
        return fail_no_memory(MOST_CANDIDATES * sizeof *candidates);
    size_t count = list_candidates(schedule_caps(schedule), call, choice->variant, candidates);
    plugcl_status status = PLUGCL_OK;
    bool is_measured = false;
    if (!is_known && count > 1) {
        memcpy(result.key, key, sizeof key);
        status = measure(schedule, call, candidates, count, &result, &is_measured);
        if (is_measured)
            tuned_keep(context, &result);
    }
    if ((is_known || is_measured) && take_result(candidates, count, &result, choice))
        note_use(tuning, call, &result, is_measured);
    memory_free(candidates);
    return status;
}
