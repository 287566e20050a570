/* SPDX-License-Identifier: Apache-2.0 */
/* draw_attention.c: what the plug-ins weigh: CBAM's maps over digits, SE's channel weights as bars. */
#include "handwriting.h"
#include "picture.h"

#include <math.h>
#include <string.h>

#define MARGIN 32

/* The smallest and largest weight of one map. */
static void range(const float *map, size_t elements, float *low, float *high)
{
    *low = *high = map[0];
    for (size_t i = 1; i < elements; i++) {
        *low = fminf(*low, map[i]);
        *high = fmaxf(*high, map[i]);
    }
}

static void heat_scale(struct picture *picture, int x, int y)
{
    const int length = 360;
    x += picture_text(picture, x, y + 3, 2, INK, "lowest weight of the map") + 16;
    for (int i = 0; i < length; i++)
        picture_fill(picture, x + i, y, 1, 20, picture_heat((float)i / (float)(length - 1)));
    picture_frame(picture, x, y, length, 20, 1, HAIRLINE);
    picture_text(picture, x + length + 16, y + 3, 2, INK, "highest; both are written under it");
}

/* A digit as it is, and under its map. */
static void pair(struct picture *picture, int x, int y, const float *digit, const float *map, const struct gate_kind *kind)
{
    const int zoom = 8, side = zoom * SIDE, right = x + side + 8;
    float low, high;
    range(map, (size_t)kind->height * (size_t)kind->width, &low, &high);
    picture_fill(picture, x, y, side, side, 0xf8f7f3);
    picture_digit(picture, x, y, zoom, digit, INK);
    picture_frame(picture, x, y, side, side, 1, HAIRLINE);
    picture_map(picture, right, y, side, map, kind->height, kind->width, low, high);
    picture_digit(picture, right, y, zoom, digit, INK);
    picture_frame(picture, right, y, side, side, 1, HAIRLINE);
    picture_text(picture, right, y + side + 8, 2, QUIET, "%.3f-%.3f", (double)low, (double)high);
}

bool draw_spatial(const char *folder, const char *name, const float *digits, const struct answers *answers, int gate,
                  const struct reference *reference)
{
    enum { ACROSS = 4, WIDE = 364, TALL = 204, TOP = 118 };
    const struct gate_kind *kind = &gate_kinds[gate];
    const int rows = ((int)reference->index_count + ACROSS - 1) / ACROSS;
    struct picture picture;
    if (!picture_create(&picture, ACROSS * WIDE + 2 * MARGIN - 36, TOP + rows * TALL + 60))
        return false;
    picture_text(&picture, MARGIN, 26, 4, INK, "Where CBAM looks: %.6s, %dx%d map", kind->name, kind->height, kind->width);
    picture_text(&picture, MARGIN, 70, 2, QUIET,
                 "Ten clear digits and six doubtful ones, each as it is and under the weights of its places, interpolated.");
    for (size_t i = 0; i < reference->index_count; i++) {
        int digit = (int)reference->index[i], read = answer(answers->logits + digit * CLASSES);
        int x = MARGIN + (int)i % ACROSS * WIDE, y = TOP + (int)i / ACROSS * TALL;
        pair(&picture, x, y, digits + digit * PIXELS, answers->gates[gate] + (size_t)digit * gate_elements(gate), kind);
        if (read == sheet_class(digit))
            picture_text(&picture, x, y + 168, 2, INK, "read as %d", read);
        else
            picture_text(&picture, x, y + 168, 2, WRONG, "read %d, is %d", read, sheet_class(digit));
    }
    heat_scale(&picture, MARGIN, picture.height - 52);
    bool saved = picture_save(&picture, folder, name);
    picture_destroy(&picture);
    return saved;
}

/* Mean over the digits of one class, or over all for −1. */
static float mean(const float *values, size_t elements, size_t element, int class)
{
    double sum = 0;
    int count = 0;
    for (int digit = 0; digit < DIGITS; digit++)
        if (class < 0 || sheet_class(digit) == class) {
            sum += (double)values[(size_t)digit * elements + element];
            count++;
        }
    return (float)(sum / count);
}

/* One class: its average digit, and a bar for each channel, the average of all classes as a tick. */
static void bars(struct picture *picture, int x, int y, int width, const float *digits, const float *weights, size_t channels,
                 int class)
{
    static const uint32_t colours[CLASSES] = { 0x3b6fb6, 0xe07b39, 0x3f9b5b, 0xc8414b, 0x8a63b3,
                                               0x8c6249, 0xd072ad, 0x7d8795, 0xa9a332, 0x2fa5b5 };
    const int high = 120, left = x + 6 * SIDE + 60, room = width - 6 * SIDE - 60;
    float average[PIXELS];
    for (size_t i = 0; i < PIXELS; i++)
        average[i] = mean(digits, PIXELS, i, class);
    picture_digit(picture, x, y, 6, average, colours[class]);
    for (int i = 0; i <= 2; i++) {
        picture_fill(picture, left, y + high - i * high / 2, room, 1, HAIRLINE);
        picture_text(picture, left - 36, y + high - i * high / 2 - 5, 1.5f, QUIET, i == 1 ? "0.5" : i ? "1.0" : "0.0");
    }
    for (size_t i = 0; i < channels; i++) {
        int tall = (int)lrintf(mean(weights, channels, i, class) * (float)high);
        int place = left + (int)i * room / (int)channels, step = left + (int)(i + 1) * room / (int)channels - place;
        int tick = (int)lrintf(mean(weights, channels, i, -1) * (float)high);
        picture_fill(picture, place + 1, y + high - tall, step - 2, tall, colours[class]);
        picture_fill(picture, place, y + high - tick - 1, step, 2, INK);
    }
}

bool draw_channels(const char *folder, const char *name, const float *digits, const struct answers *answers, int gate)
{
    enum { ACROSS = 2, TALL = 156, TOP = 130 };
    const struct gate_kind *kind = &gate_kinds[gate];
    const int width = 800, rows = CLASSES / ACROSS;
    struct picture picture;
    if (!picture_create(&picture, ACROSS * width + 2 * MARGIN, TOP + rows * TALL + 50))
        return false;
    picture_text(&picture, MARGIN, 26, 4, INK, "What SE lets through: %.6s, %d channels", kind->name, kind->channels);
    picture_text(&picture, MARGIN, 70, 2, QUIET,
                 "For each class of digits: its average picture, and the weight that each channel gets, 0 to 1.");
    for (int class = 0; class < CLASSES; class++)
        bars(&picture, MARGIN + class / rows * (width + 10), TOP + class % rows * TALL, width - 20, digits, answers->gates[gate],
             (size_t)kind->channels, class);
    int x = MARGIN, y = picture.height - 44;
    picture_fill(&picture, x + 6, y, 10, 16, 0x3b6fb6);
    x += 28 + picture_text(&picture, x + 28, y + 1, 2, INK, "mean of the class's %d digits", PER_CLASS) + 40;
    picture_fill(&picture, x, y + 7, 20, 3, INK);
    picture_text(&picture, x + 30, y + 1, 2, INK, "mean of all %d digits", DIGITS);
    bool saved = picture_save(&picture, folder, name);
    picture_destroy(&picture);
    return saved;
}
