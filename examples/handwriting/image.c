/* SPDX-License-Identifier: Apache-2.0 */
/* image.c: grey pictures from PNG files. */
#include "handwriting.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_SIDE = 20000, STEP = 4, SMALLEST_SIDE = 32 };

static bool decode(png_image *png, FILE *stream, const char *path, struct image *image)
{
    static const png_color white = { 255, 255, 255 };
    png->version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_stdio(png, stream))
        return complain("%s cannot be read as a PNG picture: %s", path, png->message);
    png->flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    png->format = PNG_FORMAT_GRAY;
    if (png->width > LARGEST_SIDE || png->height > LARGEST_SIDE)
        return complain("%s has %ux%u pixels; a side may have %d", path, png->width, png->height, (int)LARGEST_SIDE);
    *image = (struct image){ (int)png->width, (int)png->height, malloc(PNG_IMAGE_SIZE(*png)) };
    if (!image->pixels)
        return complain("no memory for the %ux%u pixels of %s", png->width, png->height, path);
    if (png_image_finish_read(png, &white, image->pixels, 0, NULL) && !(png->warning_or_error & PNG_IMAGE_ERROR))
        return true;
    return complain("%s is damaged or cut off: %s", path, png->message);
}

bool image_read(const char *path, struct image *image)
{
    *image = (struct image){ 0 };
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return complain("%s: %s", path, strerror(errno));
    png_image png;
    memset(&png, 0, sizeof png);
    bool good = decode(&png, stream, path, image);
    png_image_free(&png);
    fclose(stream);
    if (!good)
        image_free(image);
    return good;
}

static int fitted_side(int side, int factor)
{
    side = (side + factor - 1) / factor;
    return side < SMALLEST_SIDE ? SMALLEST_SIDE : (side + STEP - 1) / STEP * STEP;
}

/* The mean of a square of pixels, as far as it lies inside. */
static unsigned char mean(const struct image *image, int left, int top, int factor)
{
    unsigned long sum = 0, count = 0;
    for (int y = top; y < top + factor && y < image->height; y++)
        for (int x = left; x < left + factor && x < image->width; x++) {
            sum += image->pixels[(size_t)y * (size_t)image->width + (size_t)x];
            count++;
        }
    return (unsigned char)((sum + count / 2) / count);
}

bool image_fit(const struct image *image, int factor, struct image *fitted)
{
    *fitted = (struct image){ fitted_side(image->width, factor), fitted_side(image->height, factor), NULL };
    const int last_column = (image->width - 1) / factor, last_row = (image->height - 1) / factor;
    fitted->pixels = malloc((size_t)fitted->width * (size_t)fitted->height);
    if (!fitted->pixels)
        return complain("no memory for %dx%d pixels", fitted->width, fitted->height);
    for (int y = 0; y < fitted->height; y++)
        for (int x = 0; x < fitted->width; x++)
            fitted->pixels[y * fitted->width + x] =
                mean(image, (x < last_column ? x : last_column) * factor, (y < last_row ? y : last_row) * factor, factor);
    return true;
}

void image_free(struct image *image)
{
    free(image->pixels);
    *image = (struct image){ 0 };
}
