/* SPDX-License-Identifier: Apache-2.0 */
/* own_picture.c: reads a picture of the user's. */
#include "handwriting.h"

#include <stdio.h>
#include <string.h>

/* A Non-local block compares each place with every other: twice the side is sixteen times the work. */
enum { MOST_PIXELS = 640 * 480 };

static int enough_shrinking(const struct image *image)
{
    int factor = 1;
    while ((long)(image->width / factor) * (image->height / factor) > MOST_PIXELS)
        factor++;
    return factor;
}

/* "digits.png" becomes "digits-read.png". */
static void name_of_result(const char *path, char *name, size_t capacity)
{
    const char *slash = strrchr(path, '/'), *stem = slash ? slash + 1 : path, *dot = strrchr(stem, '.');
    snprintf(name, capacity, "%.*s-read.png", (int)(dot && dot != stem ? (size_t)(dot - stem) : strlen(stem)), stem);
}

static void tell(const struct answers *answers, const struct image *image, int factor)
{
    for (size_t i = 0; i < answers->crops; i++) {
        const struct box *place = &answers->findings[i].place;
        const float *scores = answers_of(answers, SCORES, i, NULL);
        int right = place->x1 * factor < image->width ? place->x1 * factor : image->width;
        int bottom = place->y1 * factor < image->height ? place->y1 * factor : image->height;
        printf("  %d  at x %d to %d, y %d to %d, %.0f %% sure\n", best_class(scores), place->x0 * factor, right - 1,
               place->y0 * factor, bottom - 1, (double)confidence(scores) * 100);
    }
}

static bool read_fitted(const struct own_picture *own, const struct image *image, const struct image *fitted, int factor)
{
    char path[4096], name[512];
    struct networks networks = { 0 };
    struct machine machine = { 0 };
    struct answers answers = { 0 };
    snprintf(path, sizeof path, "%s/model.safetensors", own->data);
    bool good = answers_create(&answers, 1, fitted->width, fitted->height, false) && networks_build(path, NULL, 0, &networks) &&
                machine_open(&machine, own->device, NULL, &networks, fitted, 0) &&
                machine_read_scene(&machine, fitted, 0, &answers);
    if (good) {
        name_of_result(own->path, name, sizeof name);
        printf("%s (%dx%d pixels), on %s: %zu %s found%s\n", own->path, image->width, image->height,
               plugcl_context_device(machine.context)->name, answers.crops, answers.crops == 1 ? "digit" : "digits",
               answers.crops > 0 ? "" : "; a digit should be 18 to 28 pixels high, dark on light or light on dark");
        tell(&answers, image, factor);
        good = draw_own_picture(own->out, name, fitted, &answers);
        if (good)
            printf("picture: %s/%s\n", own->out, name);
    }
    machine_close(&machine);
    networks_free(&networks);
    answers_free(&answers);
    return good;
}

bool read_own_picture(const struct own_picture *own)
{
    struct image image, fitted;
    if (!image_read(own->path, &image))
        return false;
    int factor = own->shrink > 0 ? own->shrink : enough_shrinking(&image);
    bool good = image_fit(&image, factor, &fitted);
    if (good && factor > 1)
        printf("shrunk %d times, to %dx%d pixels%s\n", factor, fitted.width, fitted.height,
               own->shrink > 0 ? "" : "; --shrink N takes another number");
    if (good && (long)fitted.width * fitted.height > 16L * MOST_PIXELS)
        good = complain("%s has %dx%d pixels: --shrink %d or more is needed", own->path, image.width, image.height,
                        (enough_shrinking(&image) + 3) / 4);
    good = good && read_fitted(own, &image, &fitted, factor);
    image_free(&fitted);
    image_free(&image);
    return good;
}
