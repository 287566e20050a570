/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention.cl: attention that never writes an affinity, for GPUs.
 *
 * Two launches. `statistics` finds for each line of the affinity (a query, or a key for softmax over the queries) the largest score
 * and 1 / the sum of the powers of two below it; `attention` then goes through the keys in tiles: scores of BLOCK queries and BLOCK
 * keys, their weights in local memory, and weights times values. A work-group of ITEMS x ITEMS work-items has SIDE x SIDE elements
 * of a tile each. Either launch may be cut into several, of lines or queries from a first one on. The modes without a softmax need
 * no statistics. q, k, v, y: any strides; statistics: [images, lines, 2].
 *
 * Scores come in powers of two: `factor` holds log2(e). A maximum begins with the smallest finite float, so that scores of −inf
 * weigh nothing; NaN and +inf make a line's result NaN, by the sum.
 *
 * -DITEMS: 8 or 16; -DMODE: what a score becomes, below.
 */
#include "tile.h"

#ifndef MODE
#define MODE 0
#endif

/* Softmax over the keys, over the queries; q · k; relu(q + k) */
#define OVER_KEYS 0
#define OVER_QUERIES 1
#define DOT_PRODUCT 2
#define CONCATENATION 3

/* Scores of rows local_id(1) + i · ITEMS of one side and local_id(0) + j · ITEMS of the other. */
static inline void score_tile(__global const float *q, int query, int queries, int q_row, int q_channel, __global const float *k,
                              int key, int keys, int k_row, int k_channel, int depth, float factor, float scores[SIDE][SIDE],
                              __local float (*q_tile)[BLOCK + 1], __local float (*k_tile)[BLOCK + 1])
{
    UNROLL for (int i = 0; i < SIDE; i++)
        UNROLL for (int j = 0; j < SIDE; j++)
            scores[i][j] = 0.0f;
    for (int first = 0; first < depth; first += DEPTH) {
        load_tile(q, query, queries, first, depth, q_row, q_channel, q_tile);
        load_tile(k, key, keys, first, depth, k_row, k_channel, k_tile);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int d = 0; d < DEPTH; d++) {
            float a[SIDE], b[SIDE];
            take_column(d, q_tile, k_tile, a, b);
            UNROLL for (int i = 0; i < SIDE; i++)
                UNROLL for (int j = 0; j < SIDE; j++)
                    scores[i][j] = MODE == CONCATENATION ? scores[i][j] + (a[i] + b[j]) : fma(a[i], b[j], scores[i][j]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    UNROLL for (int i = 0; i < SIDE; i++)
        UNROLL for (int j = 0; j < SIDE; j++)
            scores[i][j] *= factor;
}

/* Lines along the rows of the work-group; each work-item goes through its columns, then the row's items join what they found. */
__attribute__((reqd_work_group_size(ITEMS, ITEMS, 1))) __kernel void statistics(
    __global const float *restrict line_buffer, uint line_offset, __global const float *restrict other_buffer, uint other_offset,
    __global float *restrict y_buffer, uint y_offset, int first_line, int lines, int length, int depth, int line_image,
    int line_row, int line_channel, int other_image, int other_row, int other_channel, float factor)
{
    __local float line_tile[DEPTH][BLOCK + 1], other_tile[DEPTH][BLOCK + 1], mosts[BLOCK][ITEMS], sums[BLOCK][ITEMS];
    const int line0 = first_line + (int)get_group_id(0) * BLOCK;
    const long image = (long)get_group_id(1);
    __global const float *own = line_buffer + line_offset + image * line_image;
    __global const float *others = other_buffer + other_offset + image * other_image;
    float most[SIDE], sum[SIDE], scores[SIDE][SIDE];
    UNROLL for (int i = 0; i < SIDE; i++) {
        most[i] = -FLT_MAX;
        sum[i] = 0.0f;
    }
    for (int other = 0; other < length; other += BLOCK) {
        score_tile(own, line0, lines, line_row, line_channel, others, other, length, other_row, other_channel, depth, factor,
                   scores, line_tile, other_tile);
        UNROLL for (int i = 0; i < SIDE; i++) {
            float now = most[i];
            UNROLL for (int j = 0; j < SIDE; j++)
                if (other + (int)get_local_id(0) + j * ITEMS < length && scores[i][j] > now)
                    now = scores[i][j];
            sum[i] *= exp2(most[i] - now);
            UNROLL for (int j = 0; j < SIDE; j++)
                if (other + (int)get_local_id(0) + j * ITEMS < length)
                    sum[i] += exp2(scores[i][j] - now);
            most[i] = now;
        }
    }
    UNROLL for (int i = 0; i < SIDE; i++) {
        mosts[get_local_id(1) + i * ITEMS][get_local_id(0)] = most[i];
        sums[get_local_id(1) + i * ITEMS][get_local_id(0)] = sum[i];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const int item = (int)get_local_id(1) * ITEMS + (int)get_local_id(0);
    if (item < BLOCK && line0 + item < lines) {
        float all = -FLT_MAX, total = 0.0f;
        for (int i = 0; i < ITEMS; i++)
            all = mosts[item][i] > all ? mosts[item][i] : all;
        for (int i = 0; i < ITEMS; i++)
            total += sums[item][i] * exp2(mosts[item][i] - all);
        __global float *y = y_buffer + y_offset + (image * lines + line0 + item) * 2;
        y[0] = all;
        y[1] = 1.0f / total;
    }
}

/* `line` is the query or the key whose softmax it is. */
static inline float weight(float score, __global const float *statistics, int line)
{
    if (MODE == DOT_PRODUCT)
        return score;
    if (MODE == CONCATENATION)
        return score < 0.0f ? 0.0f : score;
    return exp2(score - statistics[2 * (long)line]) * statistics[2 * (long)line + 1];
}

/* Dimension 0 is the block of columns of y, 1 that of queries, 2 the image. */
__attribute__((reqd_work_group_size(ITEMS, ITEMS, 1))) __kernel void
attention(__global const float *restrict q_buffer, uint q_offset, __global const float *restrict k_buffer, uint k_offset,
          __global const float *restrict v_buffer, uint v_offset, __global const float *restrict statistics_buffer,
          uint statistics_offset, __global float *restrict y_buffer, uint y_offset, int first_query, int queries, int keys,
          int depth, int columns, int q_image, int q_row, int q_channel, int k_image, int k_row, int k_channel, int v_image,
          int v_row, int v_channel, int y_image, int y_row, int y_channel, float factor)
{
    __local float q_tile[DEPTH][BLOCK + 1], k_tile[DEPTH][BLOCK + 1], weights[BLOCK][BLOCK + 1];
    const int column0 = (int)get_group_id(0) * BLOCK, query0 = first_query + (int)get_group_id(1) * BLOCK;
    const int x = (int)get_local_id(0), y = (int)get_local_id(1), item = y * ITEMS + x;
    const long image = (long)get_group_id(2);
    __global const float *q = q_buffer + q_offset + image * q_image, *k = k_buffer + k_offset + image * k_image;
    __global const float *v = v_buffer + v_offset + image * v_image;
    __global const float *statistics = statistics_buffer + statistics_offset;
    if (MODE < DOT_PRODUCT)
        statistics += image * 2 * (MODE == OVER_KEYS ? queries : keys);
    float scores[SIDE][SIDE], sums[SIDE][SIDE];
    UNROLL for (int i = 0; i < SIDE; i++)
        UNROLL for (int j = 0; j < SIDE; j++)
            sums[i][j] = 0.0f;

    for (int key0 = 0; key0 < keys; key0 += BLOCK) {
        score_tile(q, query0, queries, q_row, q_channel, k, key0, keys, k_row, k_channel, depth, factor, scores, q_tile, k_tile);
        UNROLL for (int i = 0; i < SIDE; i++) {
            UNROLL for (int j = 0; j < SIDE; j++) {
                const int query = query0 + y + i * ITEMS, key = key0 + x + j * ITEMS;
                float value = 0.0f;
                if (query < queries && key < keys)
                    value = weight(scores[i][j], statistics, MODE == OVER_KEYS ? query : key);
                weights[x + j * ITEMS][y + i * ITEMS] = value;
            }
        }
        /* Values come through k's tile, DEPTH keys at a time. */
        const int count = min(BLOCK, keys - key0);
        for (int first = 0; first < count; first += DEPTH) {
            barrier(CLK_LOCAL_MEM_FENCE);
            for (int at = item; at < DEPTH * BLOCK; at += GROUP) {
                const int r = at / BLOCK, c = at - r * BLOCK;
                float value = 0.0f;
                if (first + r < count && column0 + c < columns)
                    value = v[(long)(key0 + first + r) * v_row + (long)(column0 + c) * v_channel];
                k_tile[r][c] = value;
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            for (int r = 0; r < min(DEPTH, count - first); r++) {
                float a[SIDE], b[SIDE];
                UNROLL for (int i = 0; i < SIDE; i++) {
                    a[i] = weights[first + r][y + i * ITEMS];
                    b[i] = k_tile[r][x + i * ITEMS];
                }
                UNROLL for (int i = 0; i < SIDE; i++)
                    UNROLL for (int j = 0; j < SIDE; j++)
                        sums[i][j] = fma(a[i], b[j], sums[i][j]);
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }

    UNROLL for (int i = 0; i < SIDE; i++) {
        UNROLL for (int j = 0; j < SIDE; j++) {
            const int query = query0 + y + i * ITEMS, column = column0 + x + j * ITEMS;
            if (query < queries && column < columns)
                y_buffer[y_offset + image * y_image + (long)query * y_row + (long)column * y_channel] = sums[i][j];
        }
    }
}
