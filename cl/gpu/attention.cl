/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention.cl: attention that never writes an affinity, for GPUs.
 *
 * A work-group of `attention` has TILE_ROWS queries and TILE_COLUMNS columns of y, and goes through the keys KEYS at a time: their
 * scores, a product of tile.h, end in registers; as weights they go to local memory, and weights times values is the next product,
 * whose sums stay in registers to the end. With softmax over the keys the largest score so far is found in passing: when it grows,
 * the sums are scaled down to it. With softmax over the queries `statistics` first finds for each line of the affinity (a key) its
 * largest score and 1 / the sum of the powers of two below it. Either launch may be cut into several, of lines or queries from a
 * first one on. q, k, v, y: any strides; statistics: [images, lines, 2].
 *
 * Scores come in powers of two: `factor` holds log2(e). A maximum begins with the smallest finite float, so that scores of −inf
 * weigh nothing; NaN and +inf make a line's result NaN, by the sum.
 *
 * -DMODE: what a score becomes, below; the others: tile.h. Bound: FP32 peak. The panels of both products share local memory, beside
 * [key][query] weights; the row maxima use the half of the panels that the values come to last.
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

#define KEYS (GROUP_COLUMNS * 4)
#define KEY_PITCH (GROUP_COLUMNS + 1)
/* Quads of a pair of panels; GROUP_COLUMNS · ROW_QUADS of maxima fit too. */
#define PANELS (DEPTH * (LEFT_PITCH + KEY_PITCH > RIGHT_PITCH ? LEFT_PITCH + KEY_PITCH : RIGHT_PITCH))

/* Sums of q + k, straight from memory: each line has few elements. */
ALWAYS_INLINE void add_lines(const struct lines *rows, const struct lines *columns, float4 *sums)
{
    const int column = columns->first + tile_column(0);
    for (int d = 0; d < rows->depth; d++) {
        const float4 b = load_quad(columns->from + (long)d * columns->depth_stride + (long)column * columns->stride,
                                   columns->stride, columns->count - column);
        UNROLL for (int i = 0; i < ITEM_ROWS; i++) {
            const int row = rows->first + tile_row(i);
            sums[i] += b + (row < rows->count ? rows->from[(long)row * rows->stride + (long)d * rows->depth_stride] : 0.0f);
        }
    }
}

/* Scores of TILE_ROWS rows and KEYS columns: a quad for each of a work-item's rows. */
ALWAYS_INLINE void find_scores(const struct lines *rows, const struct lines *columns, float factor, __local float4 *panels,
                               float4 scores[ITEM_ROWS])
{
    UNROLL for (int i = 0; i < ITEM_ROWS; i++)
        scores[i] = (float4)(0.0f);
    if (MODE == CONCATENATION)
        add_lines(rows, columns, scores);
    else
        multiply_lines(rows, columns, 1, panels, scores);
    UNROLL for (int i = 0; i < ITEM_ROWS; i++)
        scores[i] *= factor;
}

/* The larger of `most` and of the first `count` scores, NaN left out. */
static inline float largest_number(float most, float4 scores, int count)
{
    most = count > 0 && scores.x > most ? scores.x : most;
    most = count > 1 && scores.y > most ? scores.y : most;
    most = count > 2 && scores.z > most ? scores.z : most;
    return count > 3 && scores.w > most ? scores.w : most;
}

/* Powers of two of the first `count` scores, 0 for the others. */
static inline float4 powers(float4 scores, float most, int count)
{
    return select((float4)(0.0f), exp2(scores - most), (int4)(0, 1, 2, 3) < (int4)(count));
}

static inline float sum_of(float4 v)
{
    return v.x + v.y + v.z + v.w;
}

/* Lines along the rows of the work-group; each work-item goes through its columns, then the row's items join what they found. */
TILE_GROUP __kernel void statistics(__global const float *restrict line_buffer, uint line_offset,
                                    __global const float *restrict other_buffer, uint other_offset,
                                    __global float *restrict y_buffer, uint y_offset, int first_line, int lines, int length,
                                    int depth, int line_image, int line_row, int line_channel, int other_image, int other_row,
                                    int other_channel, float factor)
{
    __local float4 panels[2 * DEPTH * (LEFT_PITCH + KEY_PITCH)];
    __local float mosts[TILE_ROWS][GROUP_COLUMNS], sums[TILE_ROWS][GROUP_COLUMNS];
    const int line0 = first_line + (int)get_group_id(0) * TILE_ROWS, x = (int)get_local_id(0);
    const long image = (long)get_group_id(1);
    const struct lines own = { line_buffer + line_offset + image * line_image, line0, lines, line_row, depth, line_channel };
    struct lines others = { other_buffer + other_offset + image * other_image, 0, length, other_row, depth, other_channel };
    float most[ITEM_ROWS], sum[ITEM_ROWS];
    float4 scores[ITEM_ROWS];
    UNROLL for (int i = 0; i < ITEM_ROWS; i++) {
        most[i] = -FLT_MAX;
        sum[i] = 0.0f;
    }
    for (; others.first < length; others.first += KEYS) {
        const int count = length - others.first - tile_column(0);
        find_scores(&own, &others, factor, panels, scores);
        UNROLL for (int i = 0; i < ITEM_ROWS; i++) {
            const float now = largest_number(most[i], scores[i], count);
            sum[i] = sum[i] * exp2(most[i] - now) + sum_of(powers(scores[i], now, count));
            most[i] = now;
        }
    }
    UNROLL for (int i = 0; i < ITEM_ROWS; i++) {
        mosts[tile_row(i)][x] = most[i];
        sums[tile_row(i)][x] = sum[i];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int row = tile_item(); row < TILE_ROWS && line0 + row < lines; row += GROUP) {
        float all = -FLT_MAX, total = 0.0f;
        for (int i = 0; i < GROUP_COLUMNS; i++)
            all = mosts[row][i] > all ? mosts[row][i] : all;
        for (int i = 0; i < GROUP_COLUMNS; i++)
            total += sums[row][i] * exp2(mosts[row][i] - all);
        __global float *y = y_buffer + y_offset + (image * lines + line0 + row) * 2;
        y[0] = all;
        y[1] = 1.0f / total;
    }
}

/* The work-items of a row of the group tell each other a float for each of their rows; then[x] are item x's. All of them call. */
ALWAYS_INLINE void share_rows(const float own[ITEM_ROWS], __local float4 *shared)
{
    UNROLL for (int i = 0; i < ITEM_ROWS / 4; i++)
        shared[get_local_id(0) * ROW_QUADS + i * GROUP_ROWS + get_local_id(1)] =
            (float4)(own[4 * i], own[4 * i + 1], own[4 * i + 2], own[4 * i + 3]);
    barrier(CLK_LOCAL_MEM_FENCE);
}

static inline float4 shared_rows(__local const float4 *shared, int item, int quad)
{
    return shared[item * ROW_QUADS + quad * GROUP_ROWS + get_local_id(1)];
}

/* What a row's softmax is made of: the largest score, and this work-item's part of the sum of powers below it. */
struct running {
    float most[ITEM_ROWS], sum[ITEM_ROWS];
};

/* Scores become weights by the largest score so far; the sums of before are scaled down to it. */
ALWAYS_INLINE void take_scores(struct running *running, float4 scores[ITEM_ROWS], int count, __local float4 *shared, float4 *sums)
{
    float most[ITEM_ROWS];
    UNROLL for (int i = 0; i < ITEM_ROWS; i++)
        most[i] = largest_number(running->most[i], scores[i], count);
    share_rows(most, shared);
    UNROLL for (int i = 0; i < ITEM_ROWS / 4; i++) {
        float4 now = shared_rows(shared, 0, i);
        for (int item = 1; item < GROUP_COLUMNS; item++) {
            const float4 other = shared_rows(shared, item, i);
            now = select(now, other, other > now);
        }
        most[4 * i] = now.x;
        most[4 * i + 1] = now.y;
        most[4 * i + 2] = now.z;
        most[4 * i + 3] = now.w;
    }
    UNROLL for (int i = 0; i < ITEM_ROWS; i++) {
        const float down = exp2(running->most[i] - most[i]);
        scores[i] = powers(scores[i], most[i], count);
        running->sum[i] = running->sum[i] * down + sum_of(scores[i]);
        running->most[i] = most[i];
        UNROLL for (int j = 0; j < ITEM_QUADS; j++)
            sums[i * ITEM_QUADS + j] *= down;
    }
}

/* The statistics of a quad of keys, the first `count` of which there are. */
static inline void load_statistics(__global const float *statistics, int count, float4 *most, float4 *scale)
{
    *most = load_quad(statistics, 2, count);
    *scale = load_quad(statistics + 1, 2, count);
}

/* The weights of the modes that need no row's maximum. */
static inline float4 weights_of(float4 scores, float4 most, float4 scale, int count)
{
    float4 weights = MODE == OVER_QUERIES ? exp2(scores - most) * scale : scores;
    if (MODE == CONCATENATION)
        weights = select(scores, (float4)(0.0f), scores < 0.0f);
    return select((float4)(0.0f), weights, (int4)(0, 1, 2, 3) < (int4)(count));
}

/* A quad of keys of each row becomes quads of rows of each key. */
ALWAYS_INLINE void store_weights(const float4 scores[ITEM_ROWS], __local float4 *weights)
{
    UNROLL for (int i = 0; i < ITEM_ROWS; i += 4) {
        __local float4 *to = weights + tile_column(0) * LEFT_PITCH + tile_row(i) / 4;
        to[0] = (float4)(scores[i].x, scores[i + 1].x, scores[i + 2].x, scores[i + 3].x);
        to[LEFT_PITCH] = (float4)(scores[i].y, scores[i + 1].y, scores[i + 2].y, scores[i + 3].y);
        to[2 * LEFT_PITCH] = (float4)(scores[i].z, scores[i + 1].z, scores[i + 2].z, scores[i + 3].z);
        to[3 * LEFT_PITCH] = (float4)(scores[i].w, scores[i + 1].w, scores[i + 2].w, scores[i + 3].w);
    }
}

/* Adds the weights [key][query] times `count` rows of values. The first barrier lets the weights be seen. */
ALWAYS_INLINE void multiply_values(__local const float4 *weights, const struct lines *values, int count, __local float4 *panels,
                                   float4 *sums)
{
    float4 pieces[PIECES(COLUMN_QUADS)];
    for (int first = 0, at = 0; first < count + DEPTH; first += DEPTH, at ^= 1) {
        if (first < count)
            load_pieces(values, COLUMN_QUADS, first, pieces);
        if (first > 0)
            multiply_panels(weights + (first - DEPTH) * LEFT_PITCH, panels + (at ^ 1) * PANELS, RIGHT_PITCH, ITEM_QUADS, sums);
        if (first < count)
            store_pieces(pieces, values, COLUMN_QUADS, panels + at * PANELS);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

/* The sums of powers of two that the row's items hold: the result is divided by them. */
ALWAYS_INLINE void divide_by_totals(const struct running *running, __local float4 *shared, float4 *sums)
{
    share_rows(running->sum, shared);
    UNROLL for (int i = 0; i < ITEM_ROWS / 4; i++) {
        float4 total = (float4)(0.0f);
        for (int item = 0; item < GROUP_COLUMNS; item++)
            total += shared_rows(shared, item, i);
        total = 1.0f / total;
        UNROLL for (int j = 0; j < ITEM_QUADS; j++) {
            float4 *own = sums + 4 * i * ITEM_QUADS + j;
            own[0] *= total.x;
            own[ITEM_QUADS] *= total.y;
            own[2 * ITEM_QUADS] *= total.z;
            own[3 * ITEM_QUADS] *= total.w;
        }
    }
}

/* Dimension 0 is the block of columns of y, 1 that of queries, 2 the image. */
TILE_GROUP __kernel void
attention(__global const float *restrict q_buffer, uint q_offset, __global const float *restrict k_buffer, uint k_offset,
          __global const float *restrict v_buffer, uint v_offset, __global const float *restrict statistics_buffer,
          uint statistics_offset, __global float *restrict y_buffer, uint y_offset, int first_query, int queries, int keys,
          int depth, int columns, int q_image, int q_row, int q_channel, int k_image, int k_row, int k_channel, int v_image,
          int v_row, int v_channel, int y_image, int y_row, int y_channel, float factor)
{
    __local float4 panels[2 * PANELS], weights[KEYS * LEFT_PITCH];
    const int column0 = (int)get_group_id(0) * TILE_COLUMNS, query0 = first_query + (int)get_group_id(1) * TILE_ROWS;
    const long image = (long)get_group_id(2);
    const struct lines q = { q_buffer + q_offset + image * q_image, query0, queries, q_row, depth, q_channel };
    struct lines k = { k_buffer + k_offset + image * k_image, 0, keys, k_row, depth, k_channel };
    struct lines v = { v_buffer + v_offset + image * v_image, column0, columns, v_channel, keys, v_row };
    __global const float *statistics = statistics_buffer + statistics_offset + (MODE == OVER_QUERIES ? image * 2 * keys : 0);
    __local float4 *shared = panels + PANELS;
    struct running running;
    float4 scores[ITEM_ROWS], sums[ITEM_ROWS * ITEM_QUADS];
    UNROLL for (int i = 0; i < ITEM_ROWS; i++) {
        running.most[i] = -FLT_MAX;
        running.sum[i] = 0.0f;
    }
    UNROLL for (int i = 0; i < ITEM_ROWS * ITEM_QUADS; i++)
        sums[i] = (float4)(0.0f);

    for (; k.first < keys; k.first += KEYS) {
        const int count = keys - k.first - tile_column(0);
        find_scores(&q, &k, factor, panels, scores);
        if (MODE == OVER_KEYS) {
            take_scores(&running, scores, count, shared, sums);
        } else {
            float4 most = (float4)(0.0f), scale = (float4)(0.0f);
            if (MODE == OVER_QUERIES)
                load_statistics(statistics + 2 * (long)(k.first + tile_column(0)), count, &most, &scale);
            UNROLL for (int i = 0; i < ITEM_ROWS; i++)
                scores[i] = weights_of(scores[i], most, scale, count);
        }
        store_weights(scores, weights);
        multiply_values(weights, &v, min(KEYS, keys - k.first), panels, sums);
        v.from += (long)KEYS * v_row;
        v.depth -= KEYS;
    }
    if (MODE == OVER_KEYS)
        divide_by_totals(&running, shared, sums);
    UNROLL for (int i = 0; i < ITEM_ROWS; i++) {
        const int query = query0 + tile_row(i);
        UNROLL for (int j = 0; j < ITEM_QUADS; j++) {
            const int column = column0 + tile_column(j);
            if (query < queries)
                store_quad(sums[i * ITEM_QUADS + j],
                           y_buffer + y_offset + image * y_image + (long)query * y_row + (long)column * y_channel, y_channel,
                           columns - column);
        }
    }
}
