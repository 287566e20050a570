/* SPDX-License-Identifier: Apache-2.0 */
/* draw_digits.c: the sheet with what was read, and a closer look at the mistakes. */
#include "handwriting.h"
#include "picture.h"

#include <math.h>
#include <string.h>

#define MARGIN 32

static int read_as(const struct answers *answers, int digit)
{
    return answer(answers->logits + digit * CLASSES);
}

/* A tag with the digit that was read, in the corner of a mistake's frame. */
static void tag(struct picture *picture, int x, int y, int cell, int class)
{
    picture_frame(picture, x - 1, y - 1, cell + 2, cell + 2, 3, WRONG);
    picture_fill(picture, x + cell - 15, y - 5, 20, 25, WRONG);
    picture_text(picture, x + cell - 10, y, 2, PAPER, "%d", class);
}

bool draw_sheet(const char *folder, const float *digits, const struct answers *answers, const char *device)
{
    const int cell = 2 * SIDE, top = 104, bottom = top + ROWS * cell;
    struct picture picture;
    if (!picture_create(&picture, COLUMNS * cell + 2 * MARGIN, bottom + 64))
        return false;
    int right = 0;
    for (int digit = 0; digit < DIGITS; digit++) {
        int x = MARGIN + digit % COLUMNS * cell, y = top + digit / COLUMNS * cell;
        picture_fill(&picture, x, y, cell, cell, sheet_class(digit) % 2 ? 0xe8eef7 : 0xf8f7f3);
        picture_digit(&picture, x, y, 2, digits + digit * PIXELS, INK);
        right += read_as(answers, digit) == sheet_class(digit);
    }
    for (int digit = 0; digit < DIGITS; digit++)
        if (read_as(answers, digit) != sheet_class(digit))
            tag(&picture, MARGIN + digit % COLUMNS * cell, top + digit / COLUMNS * cell, cell, read_as(answers, digit));
    picture_text(&picture, MARGIN, 26, 4, INK, "%d of %d handwritten digits read right", right, DIGITS);
    picture_text(&picture, MARGIN, 70, 2, QUIET, "None of them was seen in training. Read by plugcl on %s.", device);
    picture_frame(&picture, MARGIN, bottom + 22, 24, 24, 3, WRONG);
    int x = MARGIN + 36;
    x += picture_text(&picture, x, bottom + 28, 2, INK, "read wrongly; the red tag is what was read") + 40;
    picture_fill(&picture, x, bottom + 22, 24, 24, 0xf8f7f3);
    picture_fill(&picture, x + 24, bottom + 22, 24, 24, 0xe8eef7);
    picture_frame(&picture, x, bottom + 22, 48, 24, 1, HAIRLINE);
    picture_text(&picture, x + 60, bottom + 28, 2, INK, "a hundred of each digit, 0 to 9");
    bool saved = picture_save(&picture, folder, "sheet-read.png");
    picture_destroy(&picture);
    return saved;
}

static void softmax(const float *logits, float *scores)
{
    float largest = logits[answer(logits)], sum = 0;
    for (int class = 0; class < CLASSES; class++)
        sum += scores[class] = expf(logits[class] - largest);
    for (int class = 0; class < CLASSES; class++)
        scores[class] /= sum;
}

/* One mistake: the digit, what it was read as, and the ten scores. */
static void card(struct picture *picture, int x, int y, int digit, const float *pixels, const float *logits)
{
    const int zoom = 9, bars = x + zoom * SIDE + 24, full = 150;
    float scores[CLASSES];
    softmax(logits, scores);
    picture_text(picture, x, y, 2.5f, INK, "is %d,", sheet_class(digit));
    picture_text(picture, x + 86, y, 2.5f, WRONG, "read as %d", answer(logits));
    picture_text(picture, bars + full + 60 - picture_text_width(2, "no. 000"), y + 2, 2, QUIET, "no. %3d", digit);
    picture_fill(picture, x, y + 30, zoom * SIDE, zoom * SIDE, 0xf8f7f3);
    picture_digit(picture, x, y + 30, zoom, pixels, INK);
    picture_frame(picture, x, y + 30, zoom * SIDE, zoom * SIDE, 1, HAIRLINE);
    for (int class = 0; class < CLASSES; class++) {
        int row = y + 30 + class * 18;
        uint32_t colour = class == sheet_class(digit) ? RIGHT : class == answer(logits) ? WRONG : QUIET;
        int length = (int)lrintf(scores[class] * (float)full);
        picture_text(picture, bars, row, 2, colour, "%d", class);
        picture_fill(picture, bars + 18, row, full, 14, 0xf0f2f5);
        picture_fill(picture, bars + 18, row, length > 0 ? length : 1, 14, colour == QUIET ? 0xa8afbb : colour);
        if (scores[class] >= 0.005f)
            picture_text(picture, bars + 18 + full + 6, row, 2, colour, "%2.0f%%", (double)scores[class] * 100);
    }
}

bool draw_mistakes(const char *folder, const float *digits, const struct answers *answers)
{
    enum { SHOWN = 24, ACROSS = 3, CARD = 440, TALL = 246, TOP = 118 };
    int wrong[SHOWN], count = 0, shown = 0;
    for (int digit = 0; digit < DIGITS; digit++)
        if (read_as(answers, digit) != sheet_class(digit)) {
            if (shown < SHOWN)
                wrong[shown++] = digit;
            count++;
        }
    struct picture picture;
    if (!picture_create(&picture, ACROSS * CARD + 2 * MARGIN - 20, TOP + (shown + ACROSS - 1) / ACROSS * TALL + 50))
        return false;
    picture_text(&picture, MARGIN, 26, 4, INK, "%s %d mistakes in %d digits", count > shown ? "The first of" : "All", count,
                 DIGITS);
    picture_text(&picture, MARGIN, 70, 2, QUIET, "The bars are the network's ten scores after softmax.");
    for (int i = 0; i < shown; i++)
        card(&picture, MARGIN + i % ACROSS * CARD, TOP + i / ACROSS * TALL, wrong[i], digits + wrong[i] * PIXELS,
             answers->logits + wrong[i] * CLASSES);
    int x = MARGIN, y = picture.height - 46;
    picture_fill(&picture, x, y, 20, 14, RIGHT);
    x += 30 + picture_text(&picture, x + 30, y, 2, INK, "what it is") + 40;
    picture_fill(&picture, x, y, 20, 14, WRONG);
    x += 30 + picture_text(&picture, x + 30, y, 2, INK, "what was read") + 40;
    picture_fill(&picture, x, y, 20, 14, 0xa8afbb);
    picture_text(&picture, x + 30, y, 2, INK, "the other digits");
    bool saved = picture_save(&picture, folder, "mistakes.png");
    picture_destroy(&picture);
    return saved;
}
