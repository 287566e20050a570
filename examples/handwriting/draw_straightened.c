/* SPDX-License-Identifier: Apache-2.0 */
/* draw_straightened.c: each digit as it was cut out, and as the spatial transformer shows it to the reader. */
#include "handwriting.h"
#include "picture.h"

#include <math.h>

enum { SIDE = 96, GAP = 40, ACROSS = 4, WIDE = 2 * SIDE + GAP + 40, TALL = SIDE + 52, TOP = 110, ARROW = 16 };

static void arrow(struct picture *picture, int x, int y)
{
    picture_fill(picture, x, y - 1, ARROW, 3, QUIET);
    for (int i = 0; i < 8; i++)
        picture_fill(picture, x + ARROW + 7 - i, y - i, 1, 2 * i + 1, QUIET);
}

/* By how many degrees theta, which maps what is shown to where it is taken from, turns it counter-clockwise. */
static int turn(const float *theta)
{
    return (int)lrint(atan2((double)theta[3] - (double)theta[1], (double)theta[0] + (double)theta[4]) * 57.29577951308232);
}

static void pair(struct picture *picture, int x, int y, const struct answers *answers, size_t crop)
{
    const int right = x + SIDE + GAP;
    picture_fill(picture, x, y, SIDE, SIDE, 0xf8f7f3);
    picture_ink(picture, x, y, SIDE, answers->ink + crop * CROP_PIXELS, INK);
    picture_frame(picture, x, y, SIDE, SIDE, 1, HAIRLINE);
    arrow(picture, x + SIDE + (GAP - ARROW - 8) / 2, y + SIDE / 2);
    picture_fill(picture, right, y, SIDE, SIDE, 0xf8f7f3);
    picture_ink(picture, right, y, SIDE, answers_of(answers, STRAIGHT, crop, NULL), INK);
    picture_frame(picture, right, y, SIDE, SIDE, 1, HAIRLINE);
    picture_text(picture, x, y + SIDE + 8, 2, QUIET, "turned %+d", turn(answers_of(answers, THETA, crop, NULL)));
    picture_text(picture, right, y + SIDE + 8, 2, INK, "read: %d", best_class(answers_of(answers, SCORES, crop, NULL)));
}

bool draw_straightened(const char *folder, const struct answers *answers)
{
    enum { SHOWN = 40 };
    const int count = answers->crops < SHOWN ? (int)answers->crops : SHOWN;
    struct picture picture;
    if (!picture_create(&picture, ACROSS * WIDE + 2 * MARGIN - 40, TOP + (count + ACROSS - 1) / ACROSS * TALL + 10))
        return false;
    picture_text(&picture, MARGIN, 26, 4, INK, "Crooked, and straightened by the STN");
    picture_text(&picture, MARGIN, 70, 2, QUIET, "Left: as cut out. Right: as the reader sees it, turned by so many degrees.");
    for (int i = 0; i < count; i++)
        pair(&picture, MARGIN + i % ACROSS * WIDE, TOP + i / ACROSS * TALL, answers, (size_t)i);
    bool saved = picture_save(&picture, folder, "straightened.png");
    picture_destroy(&picture);
    return saved;
}
