/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention.cl: attention that never writes an affinity, for CPU devices.
 *
 * A work-group takes TILE queries, transposed into `tile` so that they lie along vectors: maxima and sums over the keys need no
 * horizontal step. It goes through the keys in blocks of KEYS: scores of ROWS keys at a time in registers, their weights, and the
 * weighted values added to the accumulators behind the tile. q, k, v, y: channel stride 1, any others.
 *
 * Scores come in powers of two: `factor`, taken up by the queries, holds log2(e). A maximum begins with the smallest finite float,
 * so that scores of −inf weigh nothing; NaN and +inf make a query's result NaN, by the sum.
 *
 * projected: with what follows it in a block, a 1x1 convolution of the result and a sum: y = residual + bias + w · result, while the
 * result is in the cache. w: [output][column]; y and residual: the channel stride of both is 1, or the pixel stride of both.
 *
 * statistics: for softmax over the queries, first each key's largest score and 1 / sum, two floats a key: the same with the roles
 * of queries and keys exchanged.
 *
 * scratch, for each group: tile [depth][TILE], accumulators [columns up to whole ROWS][TILE].
 *
 * -DVECTOR: floats in a vector; -DROWS, -DVECTORS: the register tile, ROWS x VECTORS vectors (ROWS divides VECTOR); -DMODE: what a
 * score becomes, below. Bound by the FMA units: a step loads VECTORS + ROWS times for VECTORS · ROWS FMAs; a score costs 14
 * operations more than its depth + columns FMAs.
 */
#include "transpose.h"

#ifndef ROWS
#define ROWS 4
#endif
#ifndef VECTORS
#define VECTORS 3
#endif
#ifndef MODE
#define MODE 0
#endif
#define TILE (VECTOR * VECTORS)
#define KEYS (8 * ROWS)

/* Softmax over the keys, as they come; over the queries, with statistics; q · k; relu(q + k) */
#define OVER_KEYS 0
#define OVER_QUERIES 1
#define DOT_PRODUCT 2
#define CONCATENATION 3

/* 2^x for x up to about 0, with a relative error of about 1e-7; 0 from 2^-126.5 on; NaN stays. */
static inline floatv exp2v(floatv x)
{
    const floatv inside = select(x, (floatv)(-127.0f), x < -127.0f);
    const floatv whole = inside + 12583039.0f; /* 1.5 · 2^23 + 127: rounds; the lowest bits are those of a float's exponent */
    const floatv power = as_floatv(as_intv(whole) << 23);
    const floatv f = inside - (whole - 12583039.0f);
    floatv p = 1.540353039e-4f;
    p = f * p + 1.333355815e-3f;
    p = f * p + 9.618129108e-3f;
    p = f * p + 5.550410866e-2f;
    p = f * p + 2.402265070e-1f;
    p = f * p + 6.931471806e-1f;
    p = f * p + 1.0f;
    return p * power;
}

/* TILE rows of `from`, times a factor, as columns of `tile`; 0 for rows that there are not. */
static inline void load_tile(__global const float *from, int row, int rows, int depth, float factor, __global float *tile)
{
    for (int j = 0; j < VECTORS; j++) {
        int d = 0;
        for (; d + VECTOR <= depth && (j + 1) * VECTOR <= rows; d += VECTOR) {
            floatv v[VECTOR];
            UNROLL for (int i = 0; i < VECTOR; i++)
                v[i] = vloadv(from + (long)(j * VECTOR + i) * row + d) * factor;
            transpose_vectors(v);
            UNROLL for (int i = 0; i < VECTOR; i++)
                vstorev(v[i], tile + (long)(d + i) * TILE + j * VECTOR);
        }
        for (; d < depth; d++)
            for (int i = j * VECTOR; i < (j + 1) * VECTOR; i++)
                tile[(long)d * TILE + i] = i < rows ? from[(long)i * row + d] * factor : 0.0f;
    }
}

/* c += rows of numbers, which are at a, times as many lines of `lines` as they are long. */
static inline void multiply(__global const float *const __private *a, int length, __global const float *lines,
                            __private floatv (*c)[VECTORS])
{
    for (int d = 0; d < length; d++) {
        floatv b[VECTORS];
        UNROLL for (int j = 0; j < VECTORS; j++)
            b[j] = vloadv(lines + (long)d * TILE + VECTOR * j);
        UNROLL for (int i = 0; i < ROWS; i++) {
            const floatv number = (floatv)(a[i][d]);
            UNROLL for (int j = 0; j < VECTORS; j++)
                c[i][j] += number * b[j];
        }
    }
}

/* Scores of the tile with rows first … first+count−1 of `others` (rows past `last` repeat it, up to whole ROWS); raises `most`. */
static inline void score_block(__global const float *others, int row, int first, int count, int last, int depth, float factor,
                               __global const float *tile, __private floatv *scores, __private floatv *most)
{
    for (int panel = 0; panel < count; panel += ROWS) {
        __global const float *a[ROWS];
        floatv c[ROWS][VECTORS];
        UNROLL for (int i = 0; i < ROWS; i++) {
            a[i] = others + (long)min(first + panel + i, last) * row;
            UNROLL for (int j = 0; j < VECTORS; j++)
                c[i][j] = 0.0f;
        }
        if (MODE == CONCATENATION) {
            UNROLL for (int i = 0; i < ROWS; i++)
                UNROLL for (int j = 0; j < VECTORS; j++)
                    c[i][j] = a[i][0] * factor + vloadv(tile + VECTOR * j);
        } else {
            multiply(a, depth, tile, c);
        }
        UNROLL for (int i = 0; i < ROWS; i++) {
            UNROLL for (int j = 0; j < VECTORS; j++) {
                scores[(panel + i) * VECTORS + j] = c[i][j];
                most[j] = select(most[j], c[i][j], c[i][j] > most[j]);
            }
        }
    }
}

/* Scores to powers of two below the maximum so far, `most`, which was `before`; sums them. `shrink` is what older sums became. */
static inline void power_block(int count, const __private floatv *before, const __private floatv *most, __private floatv *scores,
                               __private floatv *sum, __private floatv *shrink)
{
    UNROLL for (int j = 0; j < VECTORS; j++) {
        shrink[j] = exp2v(before[j] - most[j]);
        sum[j] *= shrink[j];
    }
    for (int k = 0; k < count; k++) {
        UNROLL for (int j = 0; j < VECTORS; j++) {
            scores[k * VECTORS + j] = exp2v(scores[k * VECTORS + j] - most[j]);
            sum[j] += scores[k * VECTORS + j];
        }
    }
}

/* The same where the maxima and sums of each key are known, or where there is no softmax. */
static inline void weigh_block(int count, __global const float *statistics, __private floatv *scores)
{
    for (int k = 0; k < count; k++) {
        UNROLL for (int j = 0; j < VECTORS; j++) {
            floatv score = scores[k * VECTORS + j];
            if (MODE == OVER_QUERIES)
                score = exp2v(score - statistics[2 * k]) * statistics[2 * k + 1];
            if (MODE == CONCATENATION)
                score = select(score, (floatv)(0.0f), score < 0.0f);
            scores[k * VECTORS + j] = score;
        }
    }
}

/* Accumulators times `shrink`, plus weights times the values of `count` keys. */
static inline void add_values(__global const float *v, int row, int count, int columns, const __private floatv *scores,
                              const __private floatv *shrink, __global float *sums)
{
    for (int panel = 0; panel < columns; panel += ROWS) {
        __global const float *a[ROWS];
        __global float *own = sums + (long)panel * TILE;
        floatv c[ROWS][VECTORS];
        UNROLL for (int i = 0; i < ROWS; i++) {
            a[i] = v + min(panel + i, columns - 1);
            UNROLL for (int j = 0; j < VECTORS; j++)
                c[i][j] = vloadv(own + i * TILE + VECTOR * j) * (MODE == OVER_KEYS ? shrink[j] : (floatv)(1.0f));
        }
        for (int k = 0; k < count; k++) {
            floatv b[VECTORS];
            UNROLL for (int j = 0; j < VECTORS; j++)
                b[j] = scores[k * VECTORS + j];
            UNROLL for (int i = 0; i < ROWS; i++) {
                const floatv value = (floatv)(a[i][(long)k * row]);
                UNROLL for (int j = 0; j < VECTORS; j++)
                    c[i][j] += value * b[j];
            }
        }
        UNROLL for (int i = 0; i < ROWS; i++)
            UNROLL for (int j = 0; j < VECTORS; j++)
                vstorev(c[i][j], own + i * TILE + VECTOR * j);
    }
}

/* Accumulators times a factor of each lane to rows of y. */
static inline void store_tile(__global const float *sums, const __private floatv *scale, int row, int rows, int columns,
                              __global float *y)
{
    for (int j = 0; j < VECTORS; j++) {
        int e = 0;
        for (; e + VECTOR <= columns && (j + 1) * VECTOR <= rows; e += VECTOR) {
            floatv v[VECTOR];
            UNROLL for (int i = 0; i < VECTOR; i++)
                v[i] = vloadv(sums + (long)(e + i) * TILE + j * VECTOR) * scale[j];
            transpose_vectors(v);
            UNROLL for (int i = 0; i < VECTOR; i++)
                vstorev(v[i], y + (long)(j * VECTOR + i) * row + e);
        }
        float lanes[VECTOR];
        vstorev(scale[j], lanes);
        for (; e < columns; e++)
            for (int i = 0; i < VECTOR && j * VECTOR + i < rows; i++)
                y[(long)(j * VECTOR + i) * row + e] = sums[(long)e * TILE + j * VECTOR + i] * lanes[i];
    }
}

/* The tile of `rows` queries from q on, with all keys: leaves the weighted values' sums, and by what they are to be multiplied. */
static inline void attend(__global const float *q, int q_row, int rows, __global const float *k, int k_row,
                          __global const float *v, int v_row, __global const float *statistics, int keys, int depth, int columns,
                          float factor, __global float *tile, __global float *sums, __private floatv *scale)
{
    floatv scores[KEYS * VECTORS], most[VECTORS], sum[VECTORS], shrink[VECTORS];
    load_tile(q, q_row, rows, depth, factor, tile);
    for (int i = 0; i < (columns + ROWS - 1) / ROWS * ROWS * VECTORS; i++)
        vstorev((floatv)(0.0f), sums + (long)i * VECTOR);
    UNROLL for (int j = 0; j < VECTORS; j++) {
        most[j] = -FLT_MAX;
        sum[j] = 0.0f;
        shrink[j] = 1.0f;
    }
    for (int key = 0; key < keys; key += KEYS) {
        const int count = min(KEYS, keys - key);
        floatv before[VECTORS];
        UNROLL for (int j = 0; j < VECTORS; j++)
            before[j] = most[j];
        score_block(k, k_row, key, count, keys - 1, depth, factor, tile, scores, most);
        if (MODE == OVER_KEYS)
            power_block(count, before, most, scores, sum, shrink);
        else
            weigh_block(count, statistics + 2 * (long)key, scores);
        add_values(v + (long)key * v_row, v_row, count, columns, scores, shrink, sums);
    }
    UNROLL for (int j = 0; j < VECTORS; j++)
        scale[j] = MODE == OVER_KEYS ? 1.0f / sum[j] : (floatv)(1.0f);
}

SINGLE __kernel void attention(__global const float *restrict q_buffer, uint q_offset, __global const float *restrict k_buffer,
                               uint k_offset, __global const float *restrict v_buffer, uint v_offset,
                               __global const float *restrict statistics_buffer, uint statistics_offset,
                               __global float *restrict scratch_buffer, uint scratch_offset, __global float *restrict y_buffer,
                               uint y_offset, int queries, int keys, int depth, int columns, int q_image, int q_row, int k_image,
                               int k_row, int v_image, int v_row, int y_image, int y_row, float factor)
{
    const int first = (int)get_group_id(0) * TILE, padded = (columns + ROWS - 1) / ROWS * ROWS;
    const long image = (long)get_group_id(1), group = image * (long)get_num_groups(0) + (long)get_group_id(0);
    __global float *tile = scratch_buffer + scratch_offset + group * (depth + padded) * TILE, *sums = tile + (long)depth * TILE;
    floatv scale[VECTORS];
    attend(q_buffer + q_offset + image * q_image + (long)first * q_row, q_row, queries - first,
           k_buffer + k_offset + image * k_image, k_row, v_buffer + v_offset + image * v_image, v_row,
           statistics_buffer + statistics_offset + (MODE == OVER_QUERIES ? image * keys * 2 : 0), keys, depth, columns, factor,
           tile, sums, scale);
    store_tile(sums, scale, y_row, queries - first, columns, y_buffer + y_offset + image * y_image + (long)first * y_row);
}

/* VECTOR outputs of the projection from `first` on; those past the last repeat it. */
static inline void project_block(__global const float *w, __global const float *bias, int has_bias, int first, int outputs,
                                 int columns, __global const float *sums, const __private floatv *scale, __private floatv *block)
{
    for (int panel = 0; panel < VECTOR; panel += ROWS) {
        __global const float *a[ROWS];
        floatv c[ROWS][VECTORS];
        UNROLL for (int i = 0; i < ROWS; i++) {
            a[i] = w + (long)min(first + panel + i, outputs - 1) * columns;
            UNROLL for (int j = 0; j < VECTORS; j++)
                c[i][j] = 0.0f;
        }
        multiply(a, columns, sums, c);
        UNROLL for (int i = 0; i < ROWS; i++) {
            const floatv add = (floatv)(has_bias ? bias[min(first + panel + i, outputs - 1)] : 0.0f);
            UNROLL for (int j = 0; j < VECTORS; j++)
                block[(panel + i) * VECTORS + j] = c[i][j] * scale[j] + add;
        }
    }
}

/* Rows of a block plus the residual, to y: of each `count` floats next to each other. */
static inline void store_sums(const __private floatv *v, int rows, int count, __global const float *residual, long residual_step,
                              __global float *y, long y_step)
{
    for (int i = 0; i < rows; i++) {
        if (count == VECTOR)
            vstorev(v[i] + vloadv(residual + i * residual_step), y + i * y_step);
        else
            vstore_some(v[i] + vload_some(residual + i * residual_step, count), y + i * y_step, count);
    }
}

SINGLE __kernel void projected(__global const float *restrict q_buffer, uint q_offset, __global const float *restrict k_buffer,
                               uint k_offset, __global const float *restrict v_buffer, uint v_offset,
                               __global const float *restrict statistics_buffer, uint statistics_offset,
                               __global float *restrict scratch_buffer, uint scratch_offset,
                               __global const float *restrict w_buffer, uint w_offset,
                               __global const float *restrict bias_buffer, uint bias_offset,
                               __global const float *restrict residual_buffer, uint residual_offset,
                               __global float *restrict y_buffer, uint y_offset, int queries, int keys, int depth, int columns,
                               int outputs, int has_bias, int q_image, int q_row, int k_image, int k_row, int v_image, int v_row,
                               int residual_image, int residual_channel, int residual_pixel, int y_image, int y_channel,
                               int y_pixel, float factor)
{
    const int first = (int)get_group_id(0) * TILE, padded = (columns + ROWS - 1) / ROWS * ROWS, rows = queries - first;
    const long image = (long)get_group_id(1), group = image * (long)get_num_groups(0) + (long)get_group_id(0);
    __global float *tile = scratch_buffer + scratch_offset + group * (depth + padded) * TILE, *sums = tile + (long)depth * TILE;
    __global const float *residual = residual_buffer + residual_offset + image * residual_image + (long)first * residual_pixel;
    __global float *y = y_buffer + y_offset + image * y_image + (long)first * y_pixel;
    floatv scale[VECTORS], block[VECTOR * VECTORS];
    attend(q_buffer + q_offset + image * q_image + (long)first * q_row, q_row, rows, k_buffer + k_offset + image * k_image, k_row,
           v_buffer + v_offset + image * v_image, v_row,
           statistics_buffer + statistics_offset + (MODE == OVER_QUERIES ? image * keys * 2 : 0), keys, depth, columns, factor,
           tile, sums, scale);
    for (int output = 0; output < outputs; output += VECTOR) {
        project_block(w_buffer + w_offset, bias_buffer + bias_offset, has_bias, output, outputs, columns, sums, scale, block);
        for (int j = 0; j * VECTOR < min(TILE, rows); j++) {
            const int channels = min(VECTOR, outputs - output), pixels = min(VECTOR, rows - j * VECTOR);
            __global const float *add = residual + (long)output * residual_channel + (long)j * VECTOR * residual_pixel;
            __global float *to = y + (long)output * y_channel + (long)j * VECTOR * y_pixel;
            floatv v[VECTOR];
            UNROLL for (int i = 0; i < VECTOR; i++)
                v[i] = block[i * VECTORS + j];
            if (y_channel == 1 && residual_channel == 1) {
                transpose_vectors(v);
                store_sums(v, pixels, channels, add, residual_pixel, to, y_pixel);
            } else {
                store_sums(v, channels, pixels, add, residual_channel, to, y_channel);
            }
        }
    }
}

SINGLE __kernel void statistics(__global const float *restrict line_buffer, uint line_offset,
                                __global const float *restrict other_buffer, uint other_offset,
                                __global float *restrict scratch_buffer, uint scratch_offset, __global float *restrict y_buffer,
                                uint y_offset, int lines, int length, int depth, int line_image, int line_row, int other_image,
                                int other_row, float factor)
{
    const int first = (int)get_group_id(0) * TILE;
    const long image = (long)get_group_id(1), group = image * (long)get_num_groups(0) + (long)get_group_id(0);
    __global const float *others = other_buffer + other_offset + image * other_image;
    __global float *tile = scratch_buffer + scratch_offset + group * depth * TILE;
    __global float *y = y_buffer + y_offset + (image * lines + first) * 2;
    floatv scores[KEYS * VECTORS], most[VECTORS], sum[VECTORS], shrink[VECTORS];

    load_tile(line_buffer + line_offset + image * line_image + (long)first * line_row, line_row, lines - first, depth, factor,
              tile);
    UNROLL for (int j = 0; j < VECTORS; j++) {
        most[j] = -FLT_MAX;
        sum[j] = 0.0f;
    }
    for (int other = 0; other < length; other += KEYS) {
        const int count = min(KEYS, length - other);
        floatv before[VECTORS];
        UNROLL for (int j = 0; j < VECTORS; j++)
            before[j] = most[j];
        score_block(others, other_row, other, count, length - 1, depth, factor, tile, scores, most);
        power_block(count, before, most, scores, sum, shrink);
    }
    for (int j = 0; j < VECTORS; j++) {
        float mosts[VECTOR], sums[VECTOR];
        vstorev(most[j], mosts);
        vstorev(1.0f / sum[j], sums);
        for (int i = 0; i < VECTOR && first + j * VECTOR + i < lines; i++) {
            y[(j * VECTOR + i) * 2] = mosts[i];
            y[(j * VECTOR + i) * 2 + 1] = sums[i];
        }
    }
}
