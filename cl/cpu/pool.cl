/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maximum or average of windows in vectors; the table of windows and the arguments are those of common/pool.cl.
 *
 * pool: x and y are channels-last and a lane is a channel. A work-group takes `channels_each` channels of `columns_each` columns
 * of one output row. Windows of a known width are taken in blocks of COLUMNS: each pixel is read once, the rows of each column
 * are taken together and then the columns of each window. Other windows, one at a time, go over WIDE vectors of channels at once.
 * pool_planes: the window is the whole plane, which is contiguous (`pixels`); a work-group takes `planes_each` planes.
 *
 * Bound: reading x and writing y once; two operations on each pixel of a maximum.
 *
 *   -DMAXIMUM=0|1     average or maximum
 *   -DKERNEL_WIDTH=N  the windows' width, with dilation_x 1, those at the edge being cut; 0: any
 *   -DSTRIDE_X=N      their step along x, where KERNEL_WIDTH is not 0
 *   -DCOLUMNS=N       windows of a block, where KERNEL_WIDTH is not 0
 *   -DVECTOR=N        lanes
 */
#include "vector.h"

#ifndef MAXIMUM
#define MAXIMUM 0
#endif

#ifndef KERNEL_WIDTH
#define KERNEL_WIDTH 0
#endif
#ifndef STRIDE_X
#define STRIDE_X 1
#endif
#ifndef COLUMNS
#define COLUMNS 7
#endif
#define BLOCK_COLUMNS ((COLUMNS - 1) * STRIDE_X + KERNEL_WIDTH) /* input columns of a block */
/* Vectors of channels, so many that whole cache lines are read side by side. */
#if VECTOR == 16
#define WIDE 4
#else
#define WIDE 8
#endif

#if MAXIMUM
#define INITIAL (-INFINITY)
#else
#define INITIAL 0.0f
#endif

static inline floatv take(floatv value, floatv result)
{
#if MAXIMUM
    return max_or_nan(value, result);
#else
    return result + value;
#endif
}

#if KERNEL_WIDTH
/* As `take`, but a maximum loses NaN. */
static inline floatv join(floatv value, floatv result)
{
#if MAXIMUM
    return select(result, value, value > result);
#else
    return result + value;
#endif
}
#endif

/* The windows of a group's output row: its entry in the table and that of column 0. */
struct windows {
    __global const int *vertical, *horizontal;
    int dilation_y, dilation_x, x_row, x_column, y_column;
};

/* What the sum of the window of `column` is multiplied by. */
static inline float share_of(const struct windows *windows, int column)
{
    const int extent = windows->vertical[2] * windows->horizontal[3 * column + 2];
    return extent > 0 ? 1.0f / (float)extent : 0.0f;
}

/* One window in `vectors` vectors of channels, or in n channels of a single vector. */
ALWAYS_INLINE void pool_window(const struct windows *windows, __global const float *x, __global float *y, int column,
                               const int vectors, int n)
{
    const int left = windows->horizontal[3 * column], right = windows->horizontal[3 * column + 1];
    floatv results[WIDE];
    UNROLL for (int i = 0; i < vectors; i++)
        results[i] = (floatv)(INITIAL);
    for (int h = windows->vertical[0]; h < windows->vertical[1]; h += windows->dilation_y) {
        floatv parts[WIDE]; /* long sums round less in parts */
        UNROLL for (int i = 0; i < vectors; i++)
            parts[i] = (floatv)(INITIAL);
        for (int w = left; w < right; w += windows->dilation_x) {
            __global const float *from = x + h * windows->x_row + w * windows->x_column;
            UNROLL for (int i = 0; i < vectors; i++)
                parts[i] = take(n >= VECTOR ? vloadv(from + i * VECTOR) : vload_some(from, n), parts[i]);
        }
        UNROLL for (int i = 0; i < vectors; i++)
            results[i] = take(parts[i], results[i]);
    }
    UNROLL for (int i = 0; i < vectors; i++) {
#if !MAXIMUM
        results[i] *= share_of(windows, column);
#endif
        if (n >= VECTOR)
            vstorev(results[i], y + column * windows->y_column + i * VECTOR);
        else
            vstore_some(results[i], y + column * windows->y_column, n);
    }
}

static inline void pool_channels(const struct windows *windows, __global const float *x, __global float *y, int column,
                                 int channels)
{
    int channel = 0;
    for (; channel + WIDE * VECTOR <= channels; channel += WIDE * VECTOR)
        pool_window(windows, x + channel, y + channel, column, WIDE, VECTOR);
    for (; channel < channels; channel += VECTOR) {
        if (channel + VECTOR > channels && channels >= VECTOR)
            channel = channels - VECTOR; /* the last channels again, in a whole vector */
        pool_window(windows, x + channel, y + channel, column, 1, channels - channel);
    }
}

#if KERNEL_WIDTH
/* A block of windows: x at row 0 and where the first window begins; its columns from begin to end are in the picture. */
struct block {
    __global const float *x;
    int begin, end;
};

/* False if a maximum met a NaN, which it passes over. */
ALWAYS_INLINE bool pool_block(const struct windows *windows, const struct block *block, const bool is_inside,
                              floatv results[COLUMNS])
{
    floatv columns[BLOCK_COLUMNS];
    intv nan = (intv)(0);
    UNROLL for (int j = 0; j < BLOCK_COLUMNS; j++)
        columns[j] = (floatv)(INITIAL);
    for (int h = windows->vertical[0]; h < windows->vertical[1]; h += windows->dilation_y) {
        __global const float *x = block->x + h * windows->x_row;
        floatv pixels[BLOCK_COLUMNS];
        UNROLL for (int j = 0; j < BLOCK_COLUMNS; j++) {
            pixels[j] = is_inside || (j >= block->begin && j < block->end) ? vloadv(x + j * windows->x_column) : (floatv)(INITIAL);
            columns[j] = join(pixels[j], columns[j]);
        }
        UNROLL for (int j = 0; MAXIMUM && j < BLOCK_COLUMNS; j += 2) /* two columns with one comparison */
            nan |= isunordered(pixels[j], pixels[min(j + 1, BLOCK_COLUMNS - 1)]);
    }
    UNROLL for (int i = 0; i < COLUMNS; i++) {
        results[i] = columns[i * STRIDE_X];
        UNROLL for (int j = 1; j < KERNEL_WIDTH; j++)
            results[i] = join(columns[i * STRIDE_X + j], results[i]);
    }
    return !is_any(nan);
}

/* COLUMNS windows, or as many as are left of `last`, in a vector of channels. */
static inline void pool_columns(const struct windows *windows, __global const float *x, __global float *y, int column, int last,
                                int pad_left)
{
    const int first = column * STRIDE_X - pad_left, count = min(COLUMNS, last - column);
    const struct block block = { x + first * windows->x_column, windows->horizontal[3 * column] - first,
                                 windows->horizontal[3 * (column + count - 1) + 1] - first };
    floatv results[COLUMNS];
    const bool is_inside = block.begin == 0 && block.end == BLOCK_COLUMNS;
    const bool is_number = is_inside ? pool_block(windows, &block, true, results) : pool_block(windows, &block, false, results);
    UNROLL for (int i = 0; i < COLUMNS; i++) {
        if (i >= count)
            continue;
        if (is_number)
            vstorev(MAXIMUM ? results[i] : results[i] * share_of(windows, column + i), y + (column + i) * windows->y_column);
        else
            pool_window(windows, x, y, column + i, 1, VECTOR);
    }
}
#endif

__kernel SINGLE void pool(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                          __global const int *table, int images, int channels, int rows, int columns, int dilation_y,
                          int dilation_x, int x_image, int x_channel, int x_row, int x_column, int y_image, int y_channel,
                          int y_row, int y_column, int channels_each, int columns_each, int pad_left)
{
    (void)images;
    (void)x_channel;
    (void)y_channel;
    const int first_channel = (int)get_group_id(0) * channels_each, count = min(channels_each, channels - first_channel);
    const int first_column = (int)get_group_id(1) * columns_each, last_column = min(first_column + columns_each, columns);
    const int line = (int)get_group_id(2), image = line / rows, row = line - image * rows;
    const struct windows windows = { table + 3 * row, table + 3 * rows, dilation_y, dilation_x, x_row, x_column, y_column };
    __global const float *x = x_buffer + x_offset + image * x_image + first_channel;
    __global float *y = y_buffer + y_offset + image * y_image + row * y_row + first_channel;
    int column = first_column;
#if KERNEL_WIDTH
    for (; column < last_column && count >= VECTOR; column += COLUMNS) {
        for (int channel = 0; channel < count; channel += VECTOR) {
            if (channel + VECTOR > count)
                channel = count - VECTOR; /* the last channels again, in a whole vector */
            pool_columns(&windows, x + channel, y + channel, column, last_column, pad_left);
        }
    }
#else
    (void)pad_left;
#endif
    for (; column < last_column; column++)
        pool_channels(&windows, x, y, column, count);
}

__kernel SINGLE void pool_planes(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                                 int channels, int planes, int pixels, int x_image, int x_channel, int y_image, int y_channel,
                                 int planes_each)
{
    int first = (int)get_group_id(0) * planes_each, last = min(first + planes_each, planes);
    for (int plane = first; plane < last; plane++) {
        int image = plane / channels, channel = plane - image * channels, i = 0;
        __global const float *x = x_buffer + x_offset + image * x_image + channel * x_channel;
        floatv result = (floatv)(INITIAL);
        while (i + VECTOR <= pixels) {
            floatv part = (floatv)(INITIAL);
            for (int k = 0; k < 64 && i + VECTOR <= pixels; k++, i += VECTOR)
                part = take(vloadv(x + i), part);
            result = take(part, result);
        }
        float rest = INITIAL;
        for (; i < pixels; i++) {
#if MAXIMUM
            rest = larger_or_nan(x[i], rest);
#else
            rest += x[i];
#endif
        }
#if MAXIMUM
        float most = horizontal_max(result);
        float value = larger_or_nan(most, rest);
#else
        float value = (horizontal_sum(result) + rest) / (float)pixels;
#endif
        y_buffer[y_offset + image * y_image + channel * y_channel] = value;
    }
}
