/* SPDX-License-Identifier: Apache-2.0 */
/* score.c: how many digits were found and read. */
#include "handwriting.h"

static long area(const struct box *box)
{
    return box->x1 > box->x0 && box->y1 > box->y0 ? (long)(box->x1 - box->x0) * (box->y1 - box->y0) : 0;
}

/* Whether two boxes share more than half of what they cover together. */
static bool same_place(const struct box *a, const struct box *b)
{
    const struct box both = { a->x0 > b->x0 ? a->x0 : b->x0, a->y0 > b->y0 ? a->y0 : b->y0, a->x1 < b->x1 ? a->x1 : b->x1,
                              a->y1 < b->y1 ? a->y1 : b->y1 };
    return 2 * area(&both) > area(a) + area(b) - area(&both);
}

size_t score_match(const struct answers *answers, const struct truth *truth)
{
    for (size_t i = 0; i < answers->crops; i++)
        if (answers->findings[i].scene == truth->scene && same_place(&answers->findings[i].place, &truth->place))
            return i;
    return answers->crops;
}

struct score score(const struct answers *answers, const struct exhibits *exhibits, int scene)
{
    struct score score = { { 0 } };
    for (size_t i = 0; i < answers->crops; i++)
        score.counts[EXTRA] += scene == ALL_SCENES || answers->findings[i].scene == scene;
    for (size_t i = 0; i < exhibits->truths; i++) {
        const struct truth *truth = &exhibits->truth[i];
        const size_t match = score_match(answers, truth);
        if (scene != ALL_SCENES && truth->scene != scene)
            continue;
        score.counts[THERE]++;
        if (match == answers->crops)
            continue;
        score.counts[FOUND]++;
        score.counts[EXTRA]--;
        score.counts[READ] += best_class(answers_of(answers, SCORES, match, NULL)) == truth->digit;
    }
    for (size_t digit = 0; digit < SHEET_DIGITS; digit++)
        score.counts[SHEET] += best_class(answers_of(answers, SHEET_SCORES, digit, NULL)) == sheet_class(digit);
    return score;
}
