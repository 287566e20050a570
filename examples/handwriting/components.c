/* SPDX-License-Identifier: Apache-2.0 */
/* components.c: from the finder's mask to digits, each cut out with nothing else in the window. scenes.py does the same. */
#include "handwriting.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SPECK = 20 }; /* components with fewer pixels are none */

/* Gives pixel `first` and all that hangs together with it to `component`; returns their number. */
static size_t flood(const float *mask, struct components *components, size_t first, int component, size_t *stack, struct box *box)
{
    const int width = components->width, height = components->height;
    size_t depth = 0, pixels = 0;
    *box = (struct box){ width, height, 0, 0 };
    components->owner[first] = component;
    stack[depth++] = first;
    while (depth > 0) {
        size_t pixel = stack[--depth];
        int x = (int)(pixel % (size_t)width), y = (int)(pixel / (size_t)width);
        pixels++;
        *box = (struct box){ x < box->x0 ? x : box->x0, y < box->y0 ? y : box->y0, x + 1 > box->x1 ? x + 1 : box->x1,
                             y + 1 > box->y1 ? y + 1 : box->y1 };
        for (int i = 0; i < 9; i++) {
            int column = x + i % 3 - 1, row = y + i / 3 - 1;
            size_t next = (size_t)row * (size_t)width + (size_t)column;
            if (column < 0 || row < 0 || column >= width || row >= height || components->owner[next] != PAPER_HERE ||
                !(mask[next] > 0))
                continue;
            components->owner[next] = component;
            stack[depth++] = next;
        }
    }
    return pixels;
}

/* A component that turned out to be a speck: neither digit nor paper. */
static void discard(struct components *components, const struct box *box, int component)
{
    for (int y = box->y0; y < box->y1; y++)
        for (int x = box->x0; x < box->x1; x++)
            if (components->owner[y * components->width + x] == component)
                components->owner[y * components->width + x] = SPECK_HERE;
}

bool components_find(const float *mask, int width, int height, struct components *components)
{
    const size_t pixels = (size_t)width * (size_t)height;
    size_t *stack = malloc(pixels * sizeof *stack);
    *components =
        (struct components){ width, height, malloc(pixels * sizeof(int)), 0, malloc((pixels / SPECK + 1) * sizeof(struct box)) };
    bool enough = stack && components->owner && components->boxes;
    for (size_t i = 0; i < pixels && enough; i++)
        components->owner[i] = PAPER_HERE;
    for (size_t i = 0; i < pixels && enough; i++) {
        if (components->owner[i] != PAPER_HERE || !(mask[i] > 0))
            continue;
        int component = (int)components->count;
        struct box *box = &components->boxes[component]; /* the last one is for a speck after as many digits as there can be */
        if (flood(mask, components, i, component, stack, box) >= SPECK)
            components->count++;
        else
            discard(components, box, component);
    }
    free(stack);
    return enough || complain("no memory for a mask of %dx%d pixels", width, height);
}

void components_free(struct components *components)
{
    free(components->owner);
    free(components->boxes);
    *components = (struct components){ 0 };
}

void components_crop(const struct components *components, size_t index, const struct image *scene, float *crop)
{
    const struct box *box = &components->boxes[index];
    const int left = box->x0 + box->x1 - CROP / 2, top = box->y0 + box->y1 - CROP / 2;
    double pixel[CROP_PIXELS], sum = 0, largest = 1;
    int owner[CROP_PIXELS], paper = 0;
    for (int i = 0; i < CROP_PIXELS; i++) {
        int x = left + i % CROP, y = top + i / CROP;
        x = x < 0 ? 0 : x >= scene->width ? scene->width - 1 : x;
        y = y < 0 ? 0 : y >= scene->height ? scene->height - 1 : y;
        pixel[i] = scene->pixels[(size_t)y * (size_t)scene->width + (size_t)x];
        owner[i] = components->owner[y / 2 * components->width + x / 2];
        if (owner[i] == PAPER_HERE) {
            sum += pixel[i];
            paper++;
        }
    }
    const double grey = paper > 0 ? sum / paper : 0;
    for (int i = 0; i < CROP_PIXELS; i++) {
        pixel[i] = owner[i] == (int)index ? fabs(pixel[i] - grey) : 0;
        largest = pixel[i] > largest ? pixel[i] : largest;
    }
    for (int i = 0; i < CROP_PIXELS; i++)
        crop[i] = (float)(pixel[i] / largest);
}

struct box components_place(const struct box *box)
{
    return (struct box){ 2 * box->x0 + 2, 2 * box->y0 + 2, 2 * box->x1 - 2, 2 * box->y1 - 2 };
}
