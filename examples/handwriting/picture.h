/* SPDX-License-Identifier: Apache-2.0 */
/* picture.h: a small canvas. Colours are 0xRRGGBB; what lies outside the canvas is not drawn. */
#ifndef PICTURE_H
#define PICTURE_H

#include "handwriting.h"

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
    MISSED = 0xf0a020,
    MARK = 0x1769d2,
    MARGIN = 32 /* of every picture */
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
/* CROP x CROP values of ink, 0 to 1, stretched over a square of `side` pixels, over what is there. */
void picture_ink(struct picture *picture, int x, int y, int side, const float *crop, uint32_t ink);
/* A grey picture stretched over width x height pixels. */
void picture_grey(struct picture *picture, int x, int y, int width, int height, const struct image *image);
/* Colours with `colour` where the map, stretched over width x height pixels, is above 0. */
void picture_tint(struct picture *picture, int x, int y, int width, int height, const float *map, int map_width, int map_height,
                  uint32_t colour);
/* Lays a map, `low` to `high` in the colours of picture_heat, over what is there. */
void picture_map(struct picture *picture, int x, int y, int width, int height, const float *map, int map_width, int map_height,
                 float low, float high);
/* Nearly black at 0, purple, orange, pale yellow at 1. */
uint32_t picture_heat(float value);
/* Writes "<folder>/<name>"; it appears whole or not at all. */
bool picture_save(const struct picture *picture, const char *folder, const char *name);

/* Five columns of eight bits for ' ' to '~', lowest bit on top. */
extern const unsigned char font[95][5];

#endif
