/* SPDX-License-Identifier: Apache-2.0 */
/* variants.c: implementations that the caller forces by name, "conv2d=generic,pool2d=gpu". */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "device/context.h"
#include "graph/plan.h"

#define GEMM "gemm" /* in place of an operator: all whose matrix products can be CLBlast's */

/* One OPERATOR=NAME of the list. */
struct item {
    const char *text;
    size_t size, operation; /* lengths of all of it and of what is before the '=' */
};

/* The item at *list, and past it; false at the end. */
static bool next_item(const char **list, struct item *item)
{
    if (*list == NULL || **list == '\0')
        return false;
    *item = (struct item){ *list, strcspn(*list, ","), strcspn(*list, "=,") };
    *list += item->size + ((*list)[item->size] == ',');
    return true;
}

static bool is_named(const struct item *item, const char *operation)
{
    return strlen(operation) == item->operation && strncmp(operation, item->text, item->operation) == 0;
}

static bool has_value(const struct item *item, const char *value)
{
    size_t length = strlen(value);
    return item->size == item->operation + 1 + length && strncmp(item->text + item->operation + 1, value, length) == 0;
}

static plugcl_status check_item(const struct item *item)
{
    char name[64] = "";
    if (is_named(item, GEMM) && (has_value(item, "own") || has_value(item, CLBLAST_ROW)))
        return PLUGCL_OK;
    if (is_named(item, GEMM) && item->operation < item->size)
        return fail(PLUGCL_NOT_FOUND, "gemm has no variant \"%.*s\"; it has clblast, own",
                    (int)(item->size - item->operation - 1), item->text + item->operation + 1);
    for (size_t i = 0; item->operation < item->size && operators[i] != NULL; i++) {
        if (!is_named(item, operators[i]->name))
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(item->size - item->operation - 1), item->text + item->operation + 1);
        return variant_find(operators[i], name) ? PLUGCL_OK : variant_fail_unknown(operators[i], name);
    }
    return fail(PLUGCL_NOT_FOUND, "variant \"%.*s\" must be OPERATOR=NAME with an operator such as conv2d", (int)item->size,
                item->text);
}

plugcl_status variants_check(const char *variants)
{
    struct item item, before;
    plugcl_status status = PLUGCL_OK;
    for (const char *rest = variants; status == PLUGCL_OK && next_item(&rest, &item);) {
        status = check_item(&item);
        for (const char *other = variants; status == PLUGCL_OK && next_item(&other, &before) && before.text < item.text;)
            if (before.operation == item.operation && strncmp(before.text, item.text, item.operation) == 0)
                status = fail(PLUGCL_INVALID, "a variant of %.*s is given twice", (int)item.operation, item.text);
    }
    return status;
}

const char *variants_forced(const char *variants, const char *operation, char *name, size_t name_size)
{
    struct item item;
    while (next_item(&variants, &item)) {
        if (is_named(&item, operation)) {
            snprintf(name, name_size, "%.*s", (int)(item.size - item.operation - 1), item.text + item.operation + 1);
            return name;
        }
    }
    return NULL;
}

plugcl_gemm variants_gemm(const char *variants, plugcl_gemm otherwise)
{
    struct item item;
    while (next_item(&variants, &item))
        if (is_named(&item, GEMM))
            return has_value(&item, CLBLAST_ROW) ? PLUGCL_GEMM_CLBLAST : PLUGCL_GEMM_OWN;
    return otherwise;
}

/* An operator named by the item, or one that "gemm" is of. */
static bool is_of(const struct item *item, const char *operation)
{
    for (size_t i = 0; is_named(item, GEMM) && operators[i] != NULL; i++)
        if (strcmp(operators[i]->name, operation) == 0)
            return variant_find(operators[i], CLBLAST_ROW) != NULL;
    return is_named(item, operation);
}

void variants_note_unused(const char *variants, const plugcl_plan *plan)
{
    struct item item;
    while (next_item(&variants, &item)) {
        bool used = false;
        for (size_t i = 0; i < schedule_steps(plan->schedule); i++)
            used = used || is_of(&item, schedule_step_at(plan->schedule, i)->operation);
        if (!used)
            log_message(context_log(plan->context), PLUGCL_LOG_NOTE, "variant %.*s not used: the plan has no step %.*s",
                        (int)item.size, item.text, (int)item.operation, item.text);
    }
}
