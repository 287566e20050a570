/* SPDX-License-Identifier: Apache-2.0 */
/* draw_attention.c: where CBAM looks, and where the Non-local block looks for a marked pixel, laid over the scenes. */
#include "handwriting.h"
#include "picture.h"

#include <math.h>
#include <stdlib.h>

enum { WIDE = 512, GAP = 24, TOP = 118 };

static int tall(const struct image *scene)
{
    return WIDE * scene->height / scene->width;
}

static void heat_scale(struct picture *picture, int x, int y, const char *low, const char *high)
{
    const int length = 240;
    x += picture_text(picture, x, y + 3, 2, INK, "%s", low) + 16;
    for (int i = 0; i < length; i++)
        picture_fill(picture, x + i, y, 1, 20, picture_heat((float)i / (float)(length - 1)));
    picture_frame(picture, x, y, length, 20, 1, HAIRLINE);
    picture_text(picture, x + length + 16, y + 3, 2, INK, "%s", high);
}

/* The smallest and largest value of a map. */
static void range(const float *map, size_t elements, float *low, float *high)
{
    *low = *high = map[0];
    for (size_t i = 1; i < elements; i++) {
        *low = fminf(*low, map[i]);
        *high = fmaxf(*high, map[i]);
    }
}

bool draw_cbam(const char *folder, const struct exhibits *exhibits, const struct answers *answers)
{
    const struct image *scene = exhibits->scene;
    const int columns = scene->width / 4, rows = scene->height / 4, step = tall(scene) + 44;
    struct picture picture;
    if (!picture_create(&picture, 2 * WIDE + GAP + 2 * MARGIN, TOP + (int)exhibits->scenes * step + 46))
        return false;
    picture_text(&picture, MARGIN, 26, 4, INK, "Where CBAM looks");
    picture_text(&picture, MARGIN, 70, 2, QUIET, "Each scene as it is, and under the weights that CBAM gives to its places.");
    for (size_t i = 0; i < exhibits->scenes; i++) {
        const float *map = answers_of(answers, CBAM_SPATIAL, i, scene);
        const int y = TOP + (int)i * step, right = MARGIN + WIDE + GAP;
        float low, high;
        range(map, (size_t)columns * (size_t)rows, &low, &high);
        picture_grey(&picture, MARGIN, y, WIDE, tall(scene), &scene[i]);
        picture_grey(&picture, right, y, WIDE, tall(scene), &scene[i]);
        picture_map(&picture, right, y, WIDE, tall(scene), map, columns, rows, low, high);
        picture_text(&picture, right, y + tall(scene) + 8, 2, QUIET, "weights %.3f to %.3f", (double)low, (double)high);
    }
    heat_scale(&picture, MARGIN, picture.height - 44, "lowest weight of the scene", "highest");
    bool saved = picture_save(&picture, folder, "cbam.png");
    picture_destroy(&picture);
    return saved;
}

/* A ring and a cross round the middle of a marked pixel. */
static void ring(struct picture *picture, float x, float y)
{
    const float radius = 11;
    for (int row = -16; row <= 16; row++)
        for (int column = -16; column <= 16; column++) {
            float distance = fabsf(hypotf((float)column, (float)row) - radius);
            picture_dot(picture, (int)x + column, (int)y + row, PAPER, 3.5f - distance);
            picture_dot(picture, (int)x + column, (int)y + row, MARK, 2.0f - distance);
        }
    picture_fill(picture, (int)x - 2, (int)y - 2, 5, 5, MARK);
}

/* Attention ranges over decades: `shades` are 1 for the largest, 0 for a hundred-thousandth of it or less. Returns the largest. */
static float logarithmic(const float *map, size_t elements, float *shades)
{
    float low, high;
    range(map, elements, &low, &high);
    for (size_t i = 0; i < elements; i++)
        shades[i] = fmaxf(1 + log10f(map[i] / high) / 5, 0);
    return high;
}

bool draw_non_local(const char *folder, const struct exhibits *exhibits, const struct answers *answers)
{
    const struct image *scene = exhibits->scene;
    const int columns = scene->width / 4, rows = scene->height / 4, step = tall(scene) + 44;
    float *shades = malloc((size_t)columns * (size_t)rows * sizeof *shades);
    struct picture picture = { 0 };
    if (!shades || !picture_create(&picture, MARKS * (WIDE + GAP) - GAP + 2 * MARGIN, TOP + (int)exhibits->scenes * step + 46)) {
        free(shades);
        return complain("no memory for non-local.png");
    }
    picture_text(&picture, MARGIN, 26, 4, INK, "Where the Non-local block looks");
    picture_text(&picture, MARGIN, 70, 2, QUIET,
                 "What the marked place draws on: its attention to all places, on a logarithmic scale.");
    for (size_t i = 0; i < MARKS * exhibits->scenes; i++) {
        const int x = MARGIN + (int)(i % MARKS) * (WIDE + GAP), y = TOP + (int)(i / MARKS) * step;
        const float *map = answers_of(answers, ATTENTION, i / MARKS, scene) + i % MARKS * (size_t)(columns * rows);
        const float largest = logarithmic(map, (size_t)columns * (size_t)rows, shades);
        picture_grey(&picture, x, y, WIDE, tall(scene), &scene[i / MARKS]);
        picture_map(&picture, x, y, WIDE, tall(scene), shades, columns, rows, 0, 1);
        ring(&picture, (float)x + ((float)exhibits->marks[i].column + 0.5f) * WIDE / (float)columns,
             (float)y + ((float)exhibits->marks[i].row + 0.5f) * (float)tall(scene) / (float)rows);
        picture_text(&picture, x, y + tall(scene) + 8, 2, QUIET, "largest: %.2f %% of the whole", (double)largest * 100);
    }
    heat_scale(&picture, MARGIN, picture.height - 44, "1/100,000", "the largest; the blue ring is the marked place");
    bool saved = picture_save(&picture, folder, "non-local.png");
    picture_destroy(&picture);
    free(shades);
    return saved;
}
