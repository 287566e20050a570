/* SPDX-License-Identifier: Apache-2.0 */
/* sheet.c: the data: the sheet of digits, PyTorch's answers, and room for answers. */
#include "handwriting.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

/* Cuts the sheet into digits. */
static float *tiles(const png_byte *sheet)
{
    float *digits = malloc(sizeof(float) * DIGITS * PIXELS);
    for (int digit = 0; digits && digit < DIGITS; digit++) {
        const png_byte *corner = sheet + (digit / COLUMNS * SIDE) * (COLUMNS * SIDE) + digit % COLUMNS * SIDE;
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                digits[digit * PIXELS + y * SIDE + x] = (float)corner[y * COLUMNS * SIDE + x] / 255.0f;
    }
    return digits;
}

float *sheet_read(const char *path)
{
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_file(&image, path)) {
        complain("%s: %s", path, image.message);
        return NULL;
    }
    float *digits = NULL;
    png_byte *sheet = NULL;
    image.format = PNG_FORMAT_GRAY;
    if (image.width != COLUMNS * SIDE || image.height != ROWS * SIDE)
        complain("%s has %ux%u pixels; the sheet has %dx%d", path, image.width, image.height, COLUMNS * SIDE, ROWS * SIDE);
    else if (!(sheet = malloc(PNG_IMAGE_SIZE(image))))
        complain("no memory");
    else if (!png_image_finish_read(&image, NULL, sheet, 0, NULL))
        complain("%s: %s", path, image.message);
    else if (!(digits = tiles(sheet)))
        complain("no memory");
    free(sheet);
    png_image_free(&image);
    return digits;
}

int sheet_class(int digit)
{
    return digit / PER_CLASS;
}

bool answers_create(struct answers *answers)
{
    bool enough = (answers->logits = calloc(DIGITS * CLASSES, sizeof(float))) != NULL;
    for (int gate = 0; gate < GATES; gate++)
        enough = (answers->gates[gate] = calloc(DIGITS * gate_elements(gate), sizeof(float))) && enough;
    return enough || complain("no memory");
}

void answers_destroy(struct answers *answers)
{
    free(answers->logits);
    for (int gate = 0; gate < GATES; gate++)
        free(answers->gates[gate]);
}

int answer(const float *logits)
{
    int best = 0;
    for (int class = 1; class < CLASSES; class++)
        if (logits[class] > logits[best])
            best = class;
    return best;
}

/* A copy of an F32 tensor of the file, which must have so many elements: data in a mapped file need not be aligned. */
static float *copy(plugcl_weights *file, const char *name, size_t elements)
{
    const struct plugcl_weights_entry *entry = plugcl_weights_find(file, name);
    if (!entry || entry->dtype != PLUGCL_F32 || entry->bytes != elements * sizeof(float)) {
        complain("the reference has no f32 tensor \"%s\" of %zu elements", name, elements);
        return NULL;
    }
    float *data = malloc(entry->bytes);
    if (data)
        memcpy(data, entry->data, entry->bytes);
    else
        complain("no memory");
    return data;
}

bool reference_open(const char *path, struct reference *reference)
{
    memset(reference, 0, sizeof *reference);
    if (!fine(plugcl_weights_open(path, &reference->file), "PyTorch's answers"))
        return false;
    const struct plugcl_weights_entry *index = plugcl_weights_find(reference->file, "map_index");
    if (!index || index->dtype != PLUGCL_I64 || index->bytes > sizeof reference->index)
        return complain("%s has no list map_index of at most %zu digits", path, sizeof reference->index / sizeof *reference->index);
    memcpy(reference->index, index->data, index->bytes);
    reference->index_count = index->bytes / sizeof *reference->index;
    for (size_t i = 0; i < reference->index_count; i++)
        if (reference->index[i] < 0 || reference->index[i] >= DIGITS)
            return complain("%s: map_index names digit %lld of %d", path, reference->index[i], DIGITS);
    for (int gate = 0; gate < GATES; gate++)
        if (!(reference->gates[gate] = copy(reference->file, gate_kinds[gate].name, reference->index_count * gate_elements(gate))))
            return false;
    if (!(reference->logits = copy(reference->file, "logits", DIGITS * CLASSES)))
        return false;
    for (int digit = 0; digit < DIGITS; digit++)
        reference->right += answer(reference->logits + digit * CLASSES) == sheet_class(digit);
    return true;
}

void reference_close(struct reference *reference)
{
    for (int gate = 0; gate < GATES; gate++)
        free(reference->gates[gate]);
    free(reference->logits);
    plugcl_weights_destroy(&reference->file);
}
