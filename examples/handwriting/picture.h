/* SPDX-License-Identifier: Apache-2.0 */
/* picture.h: a small canvas. Colours are 0xRRGGBB; what lies outside the canvas is not drawn. */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdbool.h>
#include <stdint.h>

struct picture {
    int width, height;
    unsigned char *pixels; /* three bytes each */
};

enum {
    PAPER = 0xffffff,
    INK = 0x1b1f2a,
    QUIET = 0x6b7280,
    HAIRLINE = 0xd8dce3,
    WRONG = 0xd2232a,
    RIGHT = 0x1f8a4c,
};

/* False (and a message) without memory. */
bool picture_create(struct picture *picture, int width, int height);
void picture_destroy(struct picture *picture);
/* Mixes `colour` in by `cover`, 0 to 1. */
void picture_dot(struct picture *picture, int x, int y, uint32_t colour, float cover);
void picture_fill(struct picture *picture, int x, int y, int width, int height, uint32_t colour);
void picture_frame(struct picture *picture, int x, int y, int width, int height, int thickness, uint32_t colour);
/* Text in the 5x7 font, smoothed; (x, y) is its top left corner. Returns its width. picture_text_width only measures. */
int picture_text(struct picture *picture, int x, int y, float size, uint32_t colour, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 6, 7)))
#endif
    ;
int picture_text_width(float size, const char *text);
/* A digit of the sheet, `zoom` times enlarged, ink over what is there. */
void picture_digit(struct picture *picture, int x, int y, int zoom, const float *digit, uint32_t ink);
/* A map of height x width values stretched over a square of `side` pixels, `low` to `high` through picture_heat. */
void picture_map(struct picture *picture, int x, int y, int side, const float *map, int height, int width, float low, float high);
/* Pale yellow at 0 to red at 1, light enough for ink on top. */
uint32_t picture_heat(float value);
/* Writes "<folder>/<name>"; it appears whole or not at all. */
bool picture_save(const struct picture *picture, const char *folder, const char *name);

/* Five columns of eight bits for ' ' to '~', lowest bit on top. */
extern const unsigned char font[95][5];

#endif
