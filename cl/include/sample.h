/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample.h: where sampling looks, in PyTorch's coordinates: base grids, affine maps, and from a coordinate to pixels and weights.
 *
 * The same text serves one coordinate in a float (gpu/, common/) and VECTOR of them in a vector (cpu/, which includes vector.h
 * before). Coordinates may be NaN, infinite or huge: they are compared and clamped as floats, and only what lies inside the image
 * becomes an integer.
 *
 *   -DMODE=N   enum plugcl_sample_mode: 0 bilinear, 1 nearest, 2 bicubic
 */
#ifndef PLUGCL_SAMPLE_H
#define PLUGCL_SAMPLE_H

#include "types.h"

#ifndef MODE
#define MODE 0
#endif

/* Pixels along an axis that a coordinate reads, and of the square that they make. */
#if MODE == 0
#define REACH 2
#elif MODE == 1
#define REACH 1
#else
#define REACH 4
#endif
#define TAPS (REACH * REACH)

#ifdef PLUGCL_VECTOR_H
typedef floatv samplef;
typedef intv samplei;
#define to_samplef JOIN(convert_float, VECTOR)
#define to_samplei to_intv
#else
typedef float samplef;
typedef int samplei;
#define to_samplef convert_float
#define to_samplei convert_int
#endif

/* enum plugcl_sample_padding */
#define PADDING_ZEROS 0
#define PADDING_BORDER 1

/* Coordinate of pixel `index` of `size` in an untransformed grid: F.affine_grid's, −1 … 1. */
static inline samplef base_coordinate(samplei index, int size, int align_corners)
{
    int span = align_corners ? size - 1 : size;
    samplei numerator = 2 * index + 1 - size; /* exact; 0 where size is 1 */
    return to_samplef(numerator) / (float)(span > 0 ? span : 1);
}

/* One row of theta. */
static inline samplef affine(samplef x, samplef y, float scale_x, float scale_y, float shift)
{
    return scale_x * x + scale_y * y + shift;
}

/* From −1 … 1 to pixels, in PyTorch's order of operations: another order moves ties. */
static inline samplef unnormalise(samplef x, int size, int align_corners)
{
    if (align_corners)
        return (x + 1.0f) / 2.0f * (float)(size - 1);
    return ((x + 1.0f) * (float)size - 1.0f) / 2.0f;
}

/* NaN becomes 0. */
static inline samplef clamp_to_image(samplef x, int size)
{
    float last = (float)(size - 1);
    x = select((samplef)(0.0f), x, x >= 0.0f);
    return select(x, (samplef)(last), x > last);
}

/* Reflection about the outer pixels' centres (align_corners) or outer edges, any number of times. What infinities and rounding
 * leave outside is for clamp_to_image. */
static inline samplef reflect(samplef x, int size, int align_corners)
{
    float low = align_corners ? 0.0f : -0.5f, period = 2.0f * (float)(align_corners ? size - 1 : size);
    if (period == 0.0f)
        return (samplef)(0.0f);
    samplef distance = fabs(x - low);
    samplef rest = distance - trunc(distance / period) * period;
    return select(period - rest, rest, rest < period - rest) + low;
}

/* A coordinate in pixels after the padding rule. */
static inline samplef pad_coordinate(samplef x, int size, int padding, int align_corners)
{
    if (padding == PADDING_ZEROS)
        return x;
    return clamp_to_image(padding == PADDING_BORDER ? x : reflect(x, size, align_corners), size);
}

/* A whole-numbered coordinate as an index that may be read, and whether it is that pixel. */
static inline void tap_at(samplef x, int size, samplei *index, samplei *inside)
{
    *inside = (x >= 0.0f) & (x <= (float)(size - 1));
    *index = to_samplei(clamp_to_image(x, size));
}

#if MODE == 2
/* Keys' kernel with A = −0.75 at 1 + t, t, 1 − t and 2 − t. */
static inline samplef cubic_near(samplef t)
{
    return ((-0.75f + 2.0f) * t - (-0.75f + 3.0f)) * t * t + 1.0f;
}

static inline samplef cubic_far(samplef t)
{
    return ((-0.75f * t + 5.0f * 0.75f) * t - 8.0f * 0.75f) * t + 4.0f * 0.75f;
}
#endif

/* The REACH pixels of one axis for a normalised coordinate. A pixel outside the image has value 0 and keeps its weight, so that a
 * NaN coordinate gives NaN. */
static inline void axis_taps(samplef coordinate, int size, int padding, int align_corners, samplei *index, samplei *inside,
                             samplef *weight)
{
    samplef x = unnormalise(coordinate, size, align_corners);
#if MODE == 0
    x = pad_coordinate(x, size, padding, align_corners);
    samplef first = floor(x), t = x - first;
    weight[0] = 1.0f - t;
    weight[1] = t;
    tap_at(first, size, &index[0], &inside[0]);
    tap_at(first + 1.0f, size, &index[1], &inside[1]);
#elif MODE == 1
    weight[0] = (samplef)(1.0f);
    tap_at(rint(pad_coordinate(x, size, padding, align_corners)), size, &index[0], &inside[0]);
#else
    samplef first = floor(x), t = x - first;
    weight[0] = cubic_far(t + 1.0f);
    weight[1] = cubic_near(t);
    weight[2] = cubic_near(1.0f - t);
    weight[3] = cubic_far(2.0f - t);
    for (int i = 0; i < REACH; i++)
        tap_at(pad_coordinate(first + (float)(i - 1), size, padding, align_corners), size, &index[i], &inside[i]);
#endif
}

/* The TAPS pixels of a coordinate pair: offset from the channel's first pixel, whether the pixel counts, and its weight. */
static inline void square_taps(samplef x, samplef y, int height, int width, int padding, int align_corners, int row_stride,
                               int column_stride, samplei *offset, samplei *inside, samplef *weight)
{
    samplei index[2][REACH], within[2][REACH];
    samplef share[2][REACH];
    axis_taps(y, height, padding, align_corners, index[0], within[0], share[0]);
    axis_taps(x, width, padding, align_corners, index[1], within[1], share[1]);
    UNROLL for (int i = 0; i < REACH; i++) {
        UNROLL for (int j = 0; j < REACH; j++) {
            offset[i * REACH + j] = index[0][i] * row_stride + index[1][j] * column_stride;
            inside[i * REACH + j] = within[0][i] & within[1][j];
            weight[i * REACH + j] = share[0][i] * share[1][j];
        }
    }
}

#ifndef PLUGCL_VECTOR_H
/* The normalised coordinates of an output pixel: read from a grid [rows, columns, 2], or an affine map [2, 3] of the base grid,
 * whose strides are then `row_stride` and `column_stride`. */
static inline float2 sample_point(__global const float *source, int is_warp, int align_corners, int row, int column, int rows,
                                  int columns, int row_stride, int column_stride, int component_stride)
{
    if (!is_warp) {
        source += row * row_stride + column * column_stride;
        return (float2)(source[0], source[component_stride]);
    }
    float x = base_coordinate(column, columns, align_corners), y = base_coordinate(row, rows, align_corners), point[2];
    for (int i = 0; i < 2; i++, source += row_stride)
        point[i] = affine(x, y, source[0], source[column_stride], source[2 * column_stride]);
    return (float2)(point[0], point[1]);
}
#endif

#endif
