/* SPDX-License-Identifier: Apache-2.0 */
/* draw_sheet.c: the sheet with the mistakes marked. */
#include "handwriting.h"
#include "picture.h"

enum { CELL = 42, TOP = 104 };

/* A tag with the digit that was read, in the corner of a mistake's frame. */
static void tag(struct picture *picture, int x, int y, int class)
{
    picture_frame(picture, x - 1, y - 1, CELL + 2, CELL + 2, 3, WRONG);
    picture_fill(picture, x + CELL - 15, y - 5, 20, 25, WRONG);
    picture_text(picture, x + CELL - 10, y, 2, PAPER, "%d", class);
}

static void legend(struct picture *picture, int y)
{
    picture_frame(picture, MARGIN, y, 24, 24, 3, WRONG);
    int x = MARGIN + 36;
    x += picture_text(picture, x, y + 6, 2, INK, "read wrongly; the red tag is what was read") + 40;
    picture_fill(picture, x, y, 24, 24, 0xf8f7f3);
    picture_fill(picture, x + 24, y, 24, 24, 0xe8eef7);
    picture_frame(picture, x, y, 48, 24, 1, HAIRLINE);
    picture_text(picture, x + 60, y + 6, 2, INK, "a hundred of each digit, 0 to 9");
}

bool draw_sheet(const char *folder, const struct exhibits *exhibits, const struct answers *answers)
{
    const int bottom = TOP + SHEET_ROWS * CELL;
    struct picture picture;
    if (!picture_create(&picture, SHEET_COLUMNS * CELL + 2 * MARGIN, bottom + 64))
        return false;
    for (int i = 0; i < SHEET_DIGITS; i++) {
        int x = MARGIN + i % SHEET_COLUMNS * CELL, y = TOP + i / SHEET_COLUMNS * CELL;
        picture_fill(&picture, x, y, CELL, CELL, sheet_class((size_t)i) % 2 ? 0xe8eef7 : 0xf8f7f3);
        picture_ink(&picture, x, y, CELL, exhibits->sheet + i * CROP_PIXELS, INK);
    }
    for (int i = 0; i < SHEET_DIGITS; i++) {
        int read = best_class(answers_of(answers, SHEET_SCORES, (size_t)i, NULL));
        if (read != sheet_class((size_t)i))
            tag(&picture, MARGIN + i % SHEET_COLUMNS * CELL, TOP + i / SHEET_COLUMNS * CELL, read);
    }
    picture_text(&picture, MARGIN, 26, 4, INK, "%d of %d warped digits read right",
                 score(answers, exhibits, ALL_SCENES).counts[SHEET], SHEET_DIGITS);
    picture_text(&picture, MARGIN, 70, 2, QUIET, "None of them was seen in training.");
    legend(&picture, bottom + 22);
    bool saved = picture_save(&picture, folder, "sheet-read.png");
    picture_destroy(&picture);
    return saved;
}
