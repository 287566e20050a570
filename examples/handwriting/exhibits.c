/* SPDX-License-Identifier: Apache-2.0 */
/* exhibits.c: the committed scenes, the sheet of digits, and what PyTorch says about them. */
#include "handwriting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sheet_class(size_t digit)
{
    return (int)(digit / (SHEET_DIGITS / CLASSES));
}

/* Cuts the sheet into digits. */
static bool sheet_open(const char *path, float **digits)
{
    struct image sheet;
    if (!image_read(path, &sheet))
        return false;
    bool good = sheet.width == SHEET_COLUMNS * CROP && sheet.height == SHEET_ROWS * CROP;
    if (!good)
        complain("%s has %dx%d pixels; the sheet has %dx%d", path, sheet.width, sheet.height, SHEET_COLUMNS * CROP,
                 SHEET_ROWS * CROP);
    else if (!(good = (*digits = malloc(sizeof(float) * SHEET_DIGITS * CROP_PIXELS)) != NULL))
        complain("no memory for the sheet");
    for (int digit = 0; digit < SHEET_DIGITS && good; digit++) {
        const unsigned char *corner = sheet.pixels + digit / SHEET_COLUMNS * CROP * sheet.width + digit % SHEET_COLUMNS * CROP;
        for (int i = 0; i < CROP_PIXELS; i++)
            (*digits)[digit * CROP_PIXELS + i] = (float)corner[i / CROP * sheet.width + i % CROP] / 255.0f;
    }
    image_free(&sheet);
    return good;
}

static bool scenes_open(const char *folder, struct exhibits *exhibits)
{
    for (size_t i = 0; i < exhibits->scenes; i++) {
        char path[4096];
        struct image *scene = &exhibits->scene[i], *first = &exhibits->scene[0];
        snprintf(path, sizeof path, "%s/scenes/scene-%zu.png", folder, i);
        if (!image_read(path, scene))
            return false;
        if (scene->width != first->width || scene->height != first->height || scene->width % 4 || scene->height % 4)
            return complain("%s has %dx%d pixels; the scenes have one size, of multiples of 4", path, scene->width, scene->height);
    }
    return true;
}

/* An I64 table of `columns`, its values from 0 to 65535. The caller frees *table. */
static bool table(plugcl_weights *file, const char *name, size_t columns, int **table, size_t *rows)
{
    const struct plugcl_weights_entry *entry = plugcl_weights_find(file, name);
    if (!entry || entry->dtype != PLUGCL_I64 || entry->bytes == 0 || entry->bytes % (columns * sizeof(int64_t)) != 0)
        return complain("the reference has no i64 table \"%s\" of %zu columns", name, columns);
    *rows = entry->bytes / sizeof(int64_t) / columns;
    *table = malloc(*rows * columns * sizeof(int));
    for (size_t i = 0; i < *rows * columns && *table; i++) {
        int64_t value;
        memcpy(&value, (const char *)entry->data + i * sizeof value, sizeof value); /* a mapped file need not be aligned */
        if (value < 0 || value > 65535) {
            free(*table);
            *table = NULL;
            return complain("the reference's \"%s\" holds %lld", name, (long long)value);
        }
        (*table)[i] = (int)value;
    }
    return *table || complain("no memory for \"%s\"", name);
}

/* The truth about the scenes, which says how many there are, and the marked pixels. */
static bool tables_open(struct exhibits *exhibits)
{
    int *rows = NULL;
    size_t marks;
    bool good = table(exhibits->file, "truth", 6, &rows, &exhibits->truths) &&
                (exhibits->truth = malloc(exhibits->truths * sizeof *exhibits->truth)) != NULL;
    for (size_t i = 0; i < exhibits->truths && good; i++) {
        const int *row = rows + 6 * i;
        exhibits->truth[i] = (struct truth){ row[0], row[1], { row[2], row[3], row[4], row[5] } };
        exhibits->scenes = (size_t)row[0] + 1 > exhibits->scenes ? (size_t)row[0] + 1 : exhibits->scenes;
    }
    free(rows);
    rows = NULL;
    if (exhibits->scenes > MOST_SCENES)
        return complain("the reference tells of %zu scenes; there may be %d", exhibits->scenes, MOST_SCENES);
    good = good && table(exhibits->file, "marked", 2, &rows, &marks) &&
           (marks == MARKS * exhibits->scenes || complain("%zu pixels are marked, in place of %d of each scene", marks, MARKS));
    for (size_t i = 0; i < MARKS * exhibits->scenes && good; i++)
        exhibits->marks[i] = (struct mark){ rows[2 * i], rows[2 * i + 1] };
    free(rows);
    return good;
}

/* The digits that PyTorch found. */
static bool findings_open(struct exhibits *exhibits)
{
    int *rows = NULL;
    struct answers *reference = &exhibits->reference;
    size_t count;
    if (!table(exhibits->file, "boxes", 5, &rows, &count))
        return false;
    bool good = answers_reserve(reference, count);
    for (size_t i = 0; i < count && good; i++) {
        const int *row = rows + 5 * i;
        struct box box = { row[1], row[2], row[3] + 1, row[4] + 1 }; /* the file's last pixel is inside */
        reference->findings[i] = (struct finding){ row[0], box, components_place(&box) };
    }
    reference->crops = count;
    free(rows);
    return good;
}

static bool values_open(struct exhibits *exhibits)
{
    const struct image *scene = &exhibits->scene[0];
    struct answers *reference = &exhibits->reference;
    if (!answers_create(reference, exhibits->scenes, scene->width, scene->height, true) || !findings_open(exhibits))
        return false;
    for (int output = 0; output < OUTPUTS; output++) {
        const struct plugcl_weights_entry *entry = plugcl_weights_find(exhibits->file, output_names[output]);
        size_t items = answers_items(reference, output), elements = items * output_elements(output, scene->width, scene->height);
        if (!entry || entry->dtype != PLUGCL_F32 || entry->bytes != elements * sizeof(float))
            return complain("the reference has no f32 tensor \"%s\" of %zu elements", output_names[output], elements);
        memcpy(reference->values[output], entry->data, entry->bytes);
    }
    return true;
}

bool exhibits_open(const char *folder, struct exhibits *exhibits)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/reference.safetensors", folder);
    if (!fine(plugcl_weights_open(path, &exhibits->file), "PyTorch's answers"))
        return false;
    snprintf(path, sizeof path, "%s/sheet.png", folder);
    return tables_open(exhibits) && scenes_open(folder, exhibits) && values_open(exhibits) && sheet_open(path, &exhibits->sheet);
}

void exhibits_close(struct exhibits *exhibits)
{
    for (size_t i = 0; i < exhibits->scenes && i < MOST_SCENES; i++)
        image_free(&exhibits->scene[i]);
    free(exhibits->sheet);
    free(exhibits->truth);
    answers_free(&exhibits->reference);
    plugcl_weights_destroy(&exhibits->file);
}
