/* SPDX-License-Identifier: Apache-2.0 */
/* draw_channels.c: the weights that SE gives to the channels, as bars. */
#include "handwriting.h"
#include "picture.h"

#include <math.h>

enum { SIDE = 200, HIGH = 160, BAR = 40, TOP = 124, STEP = 236, LEFT = MARGIN + SIDE + 70 };

/* The mean over the scenes. */
static float mean(const struct exhibits *exhibits, const struct answers *answers, size_t channel)
{
    float sum = 0;
    for (size_t i = 0; i < exhibits->scenes; i++)
        sum += answers_of(answers, SE_GATE, i, exhibits->scene)[channel];
    return sum / (float)exhibits->scenes;
}

static void bars(struct picture *picture, int y, const struct exhibits *exhibits, const struct answers *answers, size_t scene)
{
    const float *weights = answers_of(answers, SE_GATE, scene, exhibits->scene);
    picture_grey(picture, MARGIN, y, SIDE * exhibits->scene->width / exhibits->scene->height, SIDE, &exhibits->scene[scene]);
    for (int i = 0; i <= 2; i++) {
        picture_fill(picture, LEFT, y + HIGH - i * HIGH / 2, SE_CHANNELS * BAR, 1, HAIRLINE);
        picture_text(picture, LEFT - 36, y + HIGH - i * HIGH / 2 - 5, 1.5f, QUIET, i == 1 ? "0.5" : i ? "1.0" : "0.0");
    }
    for (size_t i = 0; i < SE_CHANNELS; i++) {
        const int x = LEFT + (int)i * BAR, high = (int)lrintf(weights[i] * HIGH);
        const int tick = (int)lrintf(mean(exhibits, answers, i) * HIGH);
        picture_fill(picture, x + 5, y + HIGH - high, BAR - 10, high, 0x3b6fb6);
        picture_fill(picture, x + 1, y + HIGH - tick - 1, BAR - 2, 3, INK);
        picture_text(picture, x + (i < 9 ? 17 : 13), y + HIGH + 8, 1.5f, QUIET, "%zu", i + 1);
    }
}

bool draw_channels(const char *folder, const struct exhibits *exhibits, const struct answers *answers)
{
    struct picture picture;
    if (!picture_create(&picture, LEFT + SE_CHANNELS * BAR + MARGIN, TOP + (int)exhibits->scenes * STEP + 40))
        return false;
    picture_text(&picture, MARGIN, 26, 4, INK, "What SE lets through");
    picture_text(&picture, MARGIN, 70, 2, QUIET, "Each scene, and the weight from 0 to 1 that each of the %d channels gets.",
                 SE_CHANNELS);
    for (size_t i = 0; i < exhibits->scenes; i++)
        bars(&picture, TOP + (int)i * STEP, exhibits, answers, i);
    int y = picture.height - 40;
    picture_fill(&picture, MARGIN + 6, y, 10, 16, 0x3b6fb6);
    int x = MARGIN + 28 + picture_text(&picture, MARGIN + 28, y + 1, 2, INK, "this scene") + 40;
    picture_fill(&picture, x, y + 7, 20, 3, INK);
    picture_text(&picture, x + 30, y + 1, 2, INK, "mean of the scenes");
    bool saved = picture_save(&picture, folder, "channel-weights.png");
    picture_destroy(&picture);
    return saved;
}
