/* SPDX-License-Identifier: Apache-2.0 */
/* image.c: .png files, with libpng where it was there at build time. */
#include "request.h"

#ifndef HAVE_LIBPNG

int image_read(const char *path, plugcl_shape *shape, float **data)
{
    (void)shape;
    (void)data;
    return failed("%s: this plugcl was built without libpng; use .npy", path);
}

int image_write(const char *path, const char *place, const plugcl_shape *shape, const float *data)
{
    (void)place;
    (void)shape;
    (void)data;
    return failed("%s: this plugcl was built without libpng; use .npy", path);
}

#else

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a jump out of libpng must not lose. */
struct picture {
    FILE *file;
    png_structp png;
    png_infop info;
    png_bytep bytes, *rows;
    png_uint_32 width, height;
    size_t channels; /* as stored */
    bool writing;
    char message[256];
};

static void on_error(png_structp png, png_const_charp message)
{
    struct picture *picture = png_get_error_ptr(png);
    snprintf(picture->message, sizeof picture->message, "%s", message);
    longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static bool picture_close(struct picture *picture)
{
    bool good = true;
    if (picture->png && picture->writing)
        png_destroy_write_struct(&picture->png, &picture->info);
    else if (picture->png)
        png_destroy_read_struct(&picture->png, &picture->info, NULL);
    if (picture->file)
        good = fclose(picture->file) == 0;
    free(picture->bytes);
    free(picture->rows);
    return good;
}

static bool picture_open(struct picture *picture, const char *path, bool writing)
{
    *picture = (struct picture){ .writing = writing };
    picture->file = fopen(path, writing ? "wb" : "rb");
    if (!picture->file) {
        snprintf(picture->message, sizeof picture->message, "%s", strerror(errno));
        return false;
    }
    picture->png = writing ? png_create_write_struct(PNG_LIBPNG_VER_STRING, picture, on_error, on_warning)
                           : png_create_read_struct(PNG_LIBPNG_VER_STRING, picture, on_error, on_warning);
    picture->info = picture->png ? png_create_info_struct(picture->png) : NULL;
    snprintf(picture->message, sizeof picture->message, "out of memory");
    return picture->info != NULL;
}

static bool picture_allocate(struct picture *picture)
{
    uint64_t stride = (uint64_t)picture->width * picture->channels;
    picture->bytes = allocate(stride * picture->height, 1);
    picture->rows = allocate(picture->height, sizeof *picture->rows);
    for (png_uint_32 y = 0; picture->bytes && picture->rows && y < picture->height; y++)
        picture->rows[y] = picture->bytes + y * stride;
    return picture->bytes && picture->rows;
}

/* Everything that may jump. */
static bool read_rows(struct picture *picture)
{
    if (setjmp(png_jmpbuf(picture->png)))
        return false;
    png_init_io(picture->png, picture->file);
    png_read_info(picture->png, picture->info);
    int colour = png_get_color_type(picture->png, picture->info), depth = png_get_bit_depth(picture->png, picture->info);
    if (depth != 8 || colour == PNG_COLOR_TYPE_PALETTE) {
        snprintf(picture->message, sizeof picture->message, "the picture has %s; 8-bit grey or RGB is read",
                 colour == PNG_COLOR_TYPE_PALETTE ? "a palette" : "not 8 bits a channel");
        return false;
    }
    picture->width = png_get_image_width(picture->png, picture->info);
    picture->height = png_get_image_height(picture->png, picture->info);
    picture->channels = png_get_channels(picture->png, picture->info);
    png_set_interlace_handling(picture->png);
    png_read_update_info(picture->png, picture->info);
    if (!picture_allocate(picture)) {
        snprintf(picture->message, sizeof picture->message, "out of memory");
        return false;
    }
    png_read_image(picture->png, picture->rows);
    png_read_end(picture->png, NULL);
    return true;
}

/* Interleaved bytes to planes of 0 … 1; alpha, the second or fourth channel, is dropped. */
static float *to_planes(const struct picture *picture, plugcl_shape *shape)
{
    size_t channels = picture->channels < 3 ? 1 : 3, pixels = (size_t)picture->width * picture->height;
    float *data = allocate((uint64_t)pixels * channels, sizeof *data);
    for (size_t c = 0; data && c < channels; c++)
        for (size_t i = 0; i < pixels; i++)
            data[c * pixels + i] = (float)picture->bytes[i * picture->channels + c] / 255.0f;
    *shape = *PLUGCL_SHAPE(1, (int64_t)channels, (int64_t)picture->height, (int64_t)picture->width);
    return data;
}

int image_read(const char *path, plugcl_shape *shape, float **data)
{
    struct picture picture;
    bool good = picture_open(&picture, path, false) && read_rows(&picture);
    int result = good ? EXIT_DONE : failed("%s cannot be read: %s", path, picture.message);
    if (good && !(*data = to_planes(&picture, shape)))
        result = failed("%s: out of memory", path);
    picture_close(&picture);
    return result;
}

static void from_planes(struct picture *picture, const float *data)
{
    size_t pixels = (size_t)picture->width * picture->height;
    for (size_t c = 0; c < picture->channels; c++) {
        for (size_t i = 0; i < pixels; i++) {
            float value = data[c * pixels + i];
            value = value > 0.0f ? value < 1.0f ? value : 1.0f : 0.0f; /* NaN is black */
            picture->bytes[i * picture->channels + c] = (png_byte)(value * 255.0f + 0.5f);
        }
    }
}

static bool write_rows(struct picture *picture)
{
    if (setjmp(png_jmpbuf(picture->png)))
        return false;
    png_init_io(picture->png, picture->file);
    png_set_IHDR(picture->png, picture->info, picture->width, picture->height, 8,
                 picture->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(picture->png, picture->info);
    png_write_image(picture->png, picture->rows);
    png_write_end(picture->png, NULL);
    return true;
}

int image_write(const char *path, const char *place, const plugcl_shape *shape, const float *data)
{
    struct picture picture;
    bool good = picture_open(&picture, place, true);
    if (good) {
        picture.channels = (size_t)shape->dims[1];
        picture.height = (png_uint_32)shape->dims[2];
        picture.width = (png_uint_32)shape->dims[3];
        good = picture_allocate(&picture);
    }
    if (good) {
        from_planes(&picture, data);
        good = write_rows(&picture);
    }
    if (!picture_close(&picture) && good) {
        snprintf(picture.message, sizeof picture.message, "%s", strerror(errno));
        good = false;
    }
    return good ? EXIT_DONE : failed("%s cannot be written: %s", path, picture.message);
}

#endif
