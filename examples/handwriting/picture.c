/* SPDX-License-Identifier: Apache-2.0 */
/* picture.c: a small canvas of RGB pixels, and PNG files of it. */
#include "picture.h"

#include <math.h>
#include <png.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool picture_create(struct picture *picture, int width, int height)
{
    picture->width = width;
    picture->height = height;
    picture->pixels = malloc((size_t)width * (size_t)height * 3);
    if (!picture->pixels)
        return complain("no memory for a picture of %dx%d pixels", width, height);
    memset(picture->pixels, 255, (size_t)width * (size_t)height * 3);
    return true;
}

void picture_destroy(struct picture *picture)
{
    free(picture->pixels);
}

void picture_dot(struct picture *picture, int x, int y, uint32_t colour, float cover)
{
    if (x < 0 || y < 0 || x >= picture->width || y >= picture->height || !(cover > 0))
        return;
    unsigned char *pixel = picture->pixels + ((size_t)y * (size_t)picture->width + (size_t)x) * 3;
    cover = cover > 1 ? 1 : cover;
    for (int i = 0; i < 3; i++) {
        float to = (float)(colour >> (16 - 8 * i) & 255);
        pixel[i] = (unsigned char)lrintf((float)pixel[i] + (to - (float)pixel[i]) * cover);
    }
}

void picture_fill(struct picture *picture, int x, int y, int width, int height, uint32_t colour)
{
    for (int row = y; row < y + height; row++)
        for (int column = x; column < x + width; column++)
            picture_dot(picture, column, row, colour, 1);
}

void picture_frame(struct picture *picture, int x, int y, int width, int height, int thickness, uint32_t colour)
{
    picture_fill(picture, x, y, width, thickness, colour);
    picture_fill(picture, x, y + height - thickness, width, thickness, colour);
    picture_fill(picture, x, y, thickness, height, colour);
    picture_fill(picture, x + width - thickness, y, thickness, height, colour);
}

/* Bilinear; what lies outside is `outside`, or the edge's value when that is NaN. */
static float sample(const float *plane, int height, int width, float y, float x, float outside)
{
    float sum = 0, top = floorf(y), left = floorf(x);
    for (int i = 0; i < 4; i++) {
        int row = (int)top + i / 2, column = (int)left + i % 2;
        float weight = (i / 2 ? y - top : 1 - (y - top)) * (i % 2 ? x - left : 1 - (x - left));
        float value = outside;
        if (isnan(outside)) {
            row = row < 0 ? 0 : row >= height ? height - 1 : row;
            column = column < 0 ? 0 : column >= width ? width - 1 : column;
        }
        if (row >= 0 && row < height && column >= 0 && column < width)
            value = plane[row * width + column];
        sum += weight * value;
    }
    return sum;
}

/* A letter's dots are enlarged bilinearly and then sharpened, which rounds the corners. */
static void letter(struct picture *picture, int left, int top, float size, uint32_t colour, char c)
{
    float dots[8 * 5];
    for (int i = 0; i < 8 * 5; i++)
        dots[i] = (float)(font[c - ' '][i % 5] >> (i / 5) & 1);
    for (int y = 0; y < (int)ceilf(8 * size) + 1; y++)
        for (int x = -1; x < (int)ceilf(5 * size) + 1; x++) {
            float value = sample(dots, 8, 5, ((float)y + 0.5f) / size - 0.5f, ((float)x + 0.5f) / size - 0.5f, 0);
            picture_dot(picture, left + x, top + y, colour, (value - 0.5f) * size * 0.8f + 0.5f);
        }
}

int picture_text_width(float size, const char *text)
{
    return (int)lrintf((float)strlen(text) * 6 * size - size);
}

int picture_text(struct picture *picture, int x, int y, float size, uint32_t colour, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (size_t i = 0; text[i]; i++)
        letter(picture, x + (int)lrintf((float)i * 6 * size), y, size, colour, text[i] < ' ' || text[i] > '~' ? '?' : text[i]);
    return picture_text_width(size, text);
}

/* The place on a map of `cells` of pixel `i` of `pixels` that it is stretched over. */
static float stretched(int i, int pixels, int cells)
{
    return ((float)i + 0.5f) * (float)cells / (float)pixels - 0.5f;
}

void picture_ink(struct picture *picture, int left, int top, int side, const float *crop, uint32_t ink)
{
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            picture_dot(picture, left + x, top + y, ink,
                        sample(crop, CROP, CROP, stretched(y, side, CROP), stretched(x, side, CROP), 0));
}

void picture_grey(struct picture *picture, int left, int top, int width, int height, const struct image *image)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int column = (int)lrintf(stretched(x, width, image->width)), row = (int)lrintf(stretched(y, height, image->height));
            picture_dot(picture, left + x, top + y, image->pixels[row * image->width + column] * 0x10101u, 1);
        }
}

void picture_tint(struct picture *picture, int left, int top, int width, int height, const float *map, int map_width,
                  int map_height, uint32_t colour)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            if (sample(map, map_height, map_width, stretched(y, height, map_height), stretched(x, width, map_width), NAN) > 0)
                picture_dot(picture, left + x, top + y, colour, 0.4f);
}

uint32_t picture_heat(float value)
{
    static const unsigned char stops[][3] = { { 8, 6, 24 }, { 87, 16, 110 }, { 188, 55, 84 }, { 249, 142, 9 }, { 252, 255, 164 } };
    int last = (int)(sizeof stops / sizeof *stops) - 1;
    float place = (value < 0 ? 0 : value > 1 ? 1 : value) * (float)last;
    int stop = place >= (float)last ? last - 1 : (int)place;
    uint32_t colour = 0;
    for (int i = 0; i < 3; i++) {
        float from = stops[stop][i], to = stops[stop + 1][i];
        colour = colour << 8 | (uint32_t)lrintf(from + (to - from) * (place - (float)stop));
    }
    return colour;
}

void picture_map(struct picture *picture, int left, int top, int width, int height, const float *map, int map_width, int map_height,
                 float low, float high)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            float value = sample(map, map_height, map_width, stretched(y, height, map_height), stretched(x, width, map_width), NAN);
            value = high > low ? (value - low) / (high - low) : 0;
            picture_dot(picture, left + x, top + y, picture_heat(value), 0.7f);
        }
}

bool picture_save(const struct picture *picture, const char *folder, const char *name)
{
    char path[4096], part[4096 + 32];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return complain("the path %s/%s is too long", folder, name);
    snprintf(part, sizeof part, "%s.%ld.part", path, (long)getpid());
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.width = (png_uint_32)picture->width;
    image.height = (png_uint_32)picture->height;
    image.format = PNG_FORMAT_RGB;
    bool written = png_image_write_to_file(&image, part, 0, picture->pixels, 0, NULL);
    if (written && rename(part, path) == 0)
        return true;
    remove(part);
    return complain("%s cannot be written%s%s", path, written ? "" : ": ", written ? "" : image.message);
}
