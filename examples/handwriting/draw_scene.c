/* SPDX-License-Identifier: Apache-2.0 */
/* draw_scene.c: a scene with the mask tinted, and a box and what was read for each digit. */
#include "handwriting.h"
#include "picture.h"

#include <stdio.h>

enum { CAPTION = 92 };

/* A frame round a digit and a tag with what was read; the tag goes below where there is no room above. */
static void tag(struct picture *picture, const struct box *place, int zoom, int top, uint32_t colour, const float *scores)
{
    const int x = MARGIN + place->x0 * zoom, y = top + place->y0 * zoom;
    const int width = (place->x1 - place->x0) * zoom, height = (place->y1 - place->y0) * zoom;
    const int below = y - 24 < top ? y + height + 2 : y - 24;
    picture_frame(picture, x - 2, y - 2, width + 4, height + 4, 2, colour);
    picture_fill(picture, x - 2, below, 20, 22, colour);
    picture_text(picture, x + 3, below + 4, 2, PAPER, "%d", best_class(scores));
}

static void scene_with_mask(struct picture *picture, const struct image *scene, int zoom, int top, const float *mask)
{
    picture_grey(picture, MARGIN, top, scene->width * zoom, scene->height * zoom, scene);
    picture_tint(picture, MARGIN, top, scene->width * zoom, scene->height * zoom, mask, scene->width / 2, scene->height / 2,
                 0x18b7ff);
}

/* The colour of each digit's frame: whether it was read rightly, and WRONG for what is no digit. Misses are framed too. */
static void tags(struct picture *picture, const struct exhibits *exhibits, const struct answers *answers, int scene, int zoom)
{
    for (size_t i = 0; i < answers->crops; i++) {
        uint32_t colour = WRONG;
        for (size_t j = 0; j < exhibits->truths; j++)
            if (score_match(answers, &exhibits->truth[j]) == i &&
                best_class(answers_of(answers, SCORES, i, NULL)) == exhibits->truth[j].digit)
                colour = RIGHT;
        if (answers->findings[i].scene == scene)
            tag(picture, &answers->findings[i].place, zoom, CAPTION, colour, answers_of(answers, SCORES, i, NULL));
    }
    for (size_t j = 0; j < exhibits->truths; j++) {
        const struct box *missed = &exhibits->truth[j].place;
        if (exhibits->truth[j].scene == scene && score_match(answers, &exhibits->truth[j]) == answers->crops)
            picture_frame(picture, MARGIN + missed->x0 * zoom, CAPTION + missed->y0 * zoom, (missed->x1 - missed->x0) * zoom,
                          (missed->y1 - missed->y0) * zoom, 2, MISSED);
    }
}

static bool draw_scene(const char *folder, const struct exhibits *exhibits, const struct answers *answers, int index)
{
    enum { ZOOM = 3 };
    const struct image *scene = &exhibits->scene[index];
    const int bottom = CAPTION + scene->height * ZOOM;
    const struct score counted = score(answers, exhibits, index);
    char name[32];
    struct picture picture;
    if (!picture_create(&picture, scene->width * ZOOM + 2 * MARGIN, bottom + 50))
        return false;
    picture_text(&picture, MARGIN, 22, 3, INK, "%d digits: %d found, %d read right", counted.counts[THERE], counted.counts[FOUND],
                 counted.counts[READ]);
    picture_text(&picture, MARGIN, 58, 2, QUIET, "Tinted: what the finder takes for writing. Tags: what was read.");
    scene_with_mask(&picture, scene, ZOOM, CAPTION, answers_of(answers, MASK, (size_t)index, scene));
    tags(&picture, exhibits, answers, index, ZOOM);
    int x = MARGIN;
    picture_frame(&picture, x, bottom + 16, 18, 18, 3, RIGHT);
    x += 28 + picture_text(&picture, x + 28, bottom + 18, 2, INK, "read right") + 36;
    picture_frame(&picture, x, bottom + 16, 18, 18, 3, WRONG);
    x += 28 + picture_text(&picture, x + 28, bottom + 18, 2, INK, "read wrongly, or no digit") + 36;
    picture_frame(&picture, x, bottom + 16, 18, 18, 3, MISSED);
    picture_text(&picture, x + 28, bottom + 18, 2, INK, "not found");
    snprintf(name, sizeof name, "scene-%d.png", index);
    bool saved = picture_save(&picture, folder, name);
    picture_destroy(&picture);
    return saved;
}

bool draw_scenes(const char *folder, const struct exhibits *exhibits, const struct answers *answers)
{
    bool saved = true;
    for (size_t i = 0; i < exhibits->scenes && saved; i++)
        saved = draw_scene(folder, exhibits, answers, (int)i);
    return saved;
}

bool draw_own_picture(const char *folder, const char *name, const struct image *scene, const struct answers *answers)
{
    const int zoom = scene->width < 160 ? 4 : scene->width < 400 ? 3 : 2;
    struct picture picture;
    if (!picture_create(&picture, scene->width * zoom + 2 * MARGIN, scene->height * zoom + 2 * MARGIN))
        return false;
    scene_with_mask(&picture, scene, zoom, MARGIN, answers_of(answers, MASK, 0, scene));
    for (size_t i = 0; i < answers->crops; i++)
        tag(&picture, &answers->findings[i].place, zoom, MARGIN, MARK, answers_of(answers, SCORES, i, NULL));
    bool saved = picture_save(&picture, folder, name);
    picture_destroy(&picture);
    return saved;
}
