/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd.h: convolution of 3 × 3 taps and stride 1 by Winograd's F(TILE × TILE, 3 × 3), in three parts: transform of the input,
 * products, transform of the output. Used with one work-item a group, after vector.h and activation.h.
 *
 * A tile is TILE × TILE outputs, `dilation` pixels apart, made of a patch of SIDE × SIDE pixels. Along an axis, three taps g and a
 * patch d are taken as polynomials, whose product is found from its values at SIDE − 1 points and infinity:
 *
 *   out = A (G g · B d),   points 0, 1, −1, 2, −2 as many as TILE needs
 *
 * so SIDE products take the place of 3 · TILE, and SIDE² of 9 · TILE² in two dimensions. G g is made by ops/winograd.c.
 * At the point 1 a constant's value is the constant, and that point counts once in each output: the bias goes with that one.
 *
 * patches:  [SIDE²][tile][channel], `plane` floats from one of the SIDE² to the next, `row` from one tile to the next, both odd
 *           multiples of a cache line, so that the SIDE² streams do not meet in a cache's set.
 * weights:  [block of BLOCK outputs][SIDE²][channel][BLOCK]; before them the bias and a pixel of zeros, which stands for padding.
 * sums:     [SIDE²][tile][some blocks' outputs]
 *
 * -DTILE: 2, 3 or 4; -DROWS, -DREST, -DVECTORS: register tiles of ROWS, and at the end of REST, tiles × VECTORS vectors.
 */
#ifndef PLUGCL_WINOGRAD_H
#define PLUGCL_WINOGRAD_H

#ifndef TILE
#define TILE 4
#endif
#ifndef ROWS
#define ROWS 6
#endif
#ifndef REST
#define REST 3
#endif
#ifndef VECTORS
#define VECTORS 2
#endif
#define SIDE (TILE + 2)
#define PLANES (SIDE * SIDE)
#define BLOCK (VECTOR * VECTORS)
#define POINT_ONE (SIDE + 1) /* where both axes are at the point 1 */

/* The planner's list: these, then for each row of tiles its first output row, then for each column its first output column. */
enum {
    TILE_ROWS, TILE_COLUMNS, IN_HEIGHT, IN_WIDTH, OUT_HEIGHT, OUT_WIDTH, DILATION_Y, DILATION_X, BEFORE_Y, BEFORE_X, CHANNELS,
    OUTPUTS, X_IMAGE, X_ROW, X_PIXEL, Y_IMAGE, Y_ROW, Y_PIXEL, HAS_RESIDUAL, RESIDUAL_IMAGE, RESIDUAL_ROW, RESIDUAL_PIXEL,
    PATCH_ROW, LIST
};

struct place {
    int image, y, x; /* of its first output */
};

static inline struct place place_of(__global const int *list, int tile)
{
    const int columns = list[TILE_COLUMNS], row = tile / columns;
    struct place place = { row / list[TILE_ROWS], 0, list[LIST + list[TILE_ROWS] + tile - row * columns] };
    place.y = list[LIST + row - place.image * list[TILE_ROWS]];
    return place;
}

static inline void transform_patch(__private floatv *out, const __private floatv *in)
{
#if TILE == 4
    const floatv even = in[4] - 4.0f * in[2], odd = in[3] - 4.0f * in[1];
    const floatv even2 = in[4] - in[2], odd2 = 2.0f * (in[3] - in[1]);
    out[0] = 4.0f * in[0] - 5.0f * in[2] + in[4];
    out[1] = even + odd;
    out[2] = even - odd;
    out[3] = even2 + odd2;
    out[4] = even2 - odd2;
    out[5] = 4.0f * in[1] - 5.0f * in[3] + in[5];
#elif TILE == 3
    const floatv last = in[3] - in[1];
    out[0] = 2.0f * (in[0] - in[2]) + last;
    out[1] = in[3] - in[2] - 2.0f * in[1];
    out[2] = in[3] - in[2] + 2.0f * (in[1] - in[2]);
    out[3] = last;
    out[4] = in[4] - in[2] - 2.0f * last;
#else
    out[0] = in[2] - in[0];
    out[1] = in[2] + in[1];
    out[2] = in[2] - in[1];
    out[3] = in[3] - in[1];
#endif
}

static inline void transform_sums(__private floatv *out, const __private floatv *in)
{
#if TILE == 4
    const floatv even = in[1] + in[2], odd = in[1] - in[2], even2 = in[3] + in[4], odd2 = in[3] - in[4];
    out[0] = in[0] + even + even2;
    out[1] = odd + 2.0f * odd2;
    out[2] = even + 4.0f * even2;
    out[3] = odd + 8.0f * odd2 + in[5];
#elif TILE == 3
    const floatv even = in[1] + in[2];
    out[0] = in[0] + even + in[3];
    out[1] = in[1] - in[2] + 2.0f * in[3];
    out[2] = even + 4.0f * in[3] + in[4];
#else
    out[0] = in[0] + in[1] + in[2];
    out[1] = in[1] - in[2] + in[3];
#endif
}

/* A tile's patch, all channels. The last vector is shifted back to end with the channels, of which there is a vector at least. */
static inline void read_patch(__global const int *list, int tile, __global const float *x, __global const float *zeros,
                              __global float *patches, int plane)
{
    const struct place place = place_of(list, tile);
    const int top = place.y - list[BEFORE_Y], left = place.x - list[BEFORE_X];
    __global const float *pixels[PLANES];
    for (int i = 0; i < SIDE; i++) {
        const int y = top + i * list[DILATION_Y];
        for (int j = 0; j < SIDE; j++) {
            const int column = left + j * list[DILATION_X];
            const int inside = y >= 0 && y < list[IN_HEIGHT] && column >= 0 && column < list[IN_WIDTH];
            pixels[i * SIDE + j] =
                inside ? x + ((size_t)place.image * list[X_IMAGE] + (size_t)y * list[X_ROW] + (size_t)column * list[X_PIXEL])
                       : zeros;
        }
    }
    const int channels = list[CHANNELS];
    for (int c = 0; c < channels; c += VECTOR) {
        const int channel = min(c, channels - VECTOR);
        floatv columns[SIDE][SIDE]; /* transformed downwards */
        UNROLL for (int j = 0; j < SIDE; j++) {
            floatv in[SIDE];
            UNROLL for (int i = 0; i < SIDE; i++)
                in[i] = vloadv(pixels[i * SIDE + j] + channel);
            transform_patch(columns[j], in);
        }
        UNROLL for (int i = 0; i < SIDE; i++) {
            floatv in[SIDE], out[SIDE];
            UNROLL for (int j = 0; j < SIDE; j++)
                in[j] = columns[j][i];
            transform_patch(out, in);
            UNROLL for (int j = 0; j < SIDE; j++)
                vstorev(out[j], patches + (size_t)(i * SIDE + j) * plane + channel);
        }
    }
}

/* Products of N tiles with a block of weights; of `left` tiles, should there be fewer, the last one is repeated. */
#define MULTIPLY(NAME, N)                                                                                                          \
    static inline void NAME(__global const float *patches, int row, int left, int channels, __global const float *w,               \
                            const __private floatv *start, __global float *sums, int width)                                        \
    {                                                                                                                              \
        __global const float *a[N];                                                                                                \
        floatv sum[N][VECTORS];                                                                                                    \
        UNROLL for (int i = 0; i < N; i++) {                                                                                       \
            a[i] = patches + (size_t)min(i, left - 1) * row;                                                                       \
            UNROLL for (int j = 0; j < VECTORS; j++)                                                                               \
                sum[i][j] = start[j];                                                                                              \
        }                                                                                                                          \
        for (int k = 0; k < channels; k++) {                                                                                       \
            floatv b[VECTORS];                                                                                                     \
            UNROLL for (int j = 0; j < VECTORS; j++)                                                                               \
                b[j] = vloadv(w + VECTOR * j);                                                                                     \
            UNROLL for (int i = 0; i < N; i++) {                                                                                   \
                const floatv value = (floatv)(a[i][k]);                                                                            \
                UNROLL for (int j = 0; j < VECTORS; j++)                                                                           \
                    sum[i][j] += value * b[j];                                                                                     \
            }                                                                                                                      \
            w += BLOCK;                                                                                                            \
        }                                                                                                                          \
        UNROLL for (int i = 0; i < N; i++)                                                                                         \
            UNROLL for (int j = 0; j < VECTORS; j++)                                                                               \
                vstorev(sum[i][j], sums + (size_t)i * width + VECTOR * j);                                                         \
    }
MULTIPLY(multiply_rows, ROWS)
MULTIPLY(multiply_rest, REST)

/* All planes of `tiles` tiles for `blocks` blocks of outputs. The sums have room for REST − 1 tiles more, which nobody reads. A
 * plane's patches stay near while its blocks go by. */
static inline void multiply(__global const float *patches, int plane, int row, int tiles, int channels, __global const float *w,
                            __global const float *bias, int blocks, __global float *sums, int sums_plane)
{
    const int width = blocks * BLOCK;
    for (int point = 0; point < PLANES; point++) {
        for (int block = 0; block < blocks; block++) {
            __global const float *own = w + (size_t)(block * PLANES + point) * channels * BLOCK;
            floatv start[VECTORS];
            UNROLL for (int j = 0; j < VECTORS; j++)
                start[j] = point == POINT_ONE ? vloadv(bias + block * BLOCK + VECTOR * j) : (floatv)(0.0f);
            int tile = 0;
            for (; tile + ROWS - REST < tiles; tile += ROWS)
                multiply_rows(patches + (size_t)tile * row, row, tiles - tile, channels, own, start,
                              sums + (size_t)tile * width + block * BLOCK, width);
            for (; tile < tiles; tile += REST)
                multiply_rest(patches + (size_t)tile * row, row, tiles - tile, channels, own, start,
                              sums + (size_t)tile * width + block * BLOCK, width);
        }
        patches += plane;
        sums += sums_plane;
    }
}

/* What comes after the sum; n or more of the vector's outputs exist. */
static inline void finish(floatv sum, int n, int has_residual, __global const float *residual, __global float *y, float alpha,
                          float beta)
{
    if (n >= VECTOR) {
        if (has_residual)
            sum += vloadv(residual);
        vstorev(activatev(sum, alpha, beta), y);
    } else {
        if (has_residual)
            sum += vload_some(residual, n);
        vstore_some(activatev(sum, alpha, beta), y, n);
    }
}

/* A tile's outputs, `width` of them, of which `left` exist; y and residual are at the first. */
static inline void write_tile(__global const int *list, int tile, __global const float *sums, int sums_plane, int width, int left,
                              __global const float *residual, __global float *y, float alpha, float beta)
{
    const struct place place = place_of(list, tile);
    const int down = list[DILATION_Y], right = list[DILATION_X], has_residual = list[HAS_RESIDUAL];
    const int rows = min(TILE, (list[OUT_HEIGHT] - place.y + down - 1) / down);
    const int columns = min(TILE, (list[OUT_WIDTH] - place.x + right - 1) / right);
    const size_t y_row = (size_t)down * list[Y_ROW], y_pixel = (size_t)right * list[Y_PIXEL];
    const size_t residual_row = (size_t)down * list[RESIDUAL_ROW], residual_pixel = (size_t)right * list[RESIDUAL_PIXEL];
    y += (size_t)place.image * list[Y_IMAGE] + (size_t)place.y * list[Y_ROW] + (size_t)place.x * list[Y_PIXEL];
    residual += (size_t)place.image * list[RESIDUAL_IMAGE] + (size_t)place.y * list[RESIDUAL_ROW] +
                (size_t)place.x * list[RESIDUAL_PIXEL];
    for (int lane = 0; lane < width && lane < left; lane += VECTOR) {
        floatv across[SIDE][TILE], out[TILE][TILE];
        UNROLL for (int i = 0; i < SIDE; i++) {
            floatv in[SIDE];
            UNROLL for (int j = 0; j < SIDE; j++)
                in[j] = vloadv(sums + (size_t)(i * SIDE + j) * sums_plane + lane);
            transform_sums(across[i], in);
        }
        UNROLL for (int j = 0; j < TILE; j++) {
            floatv in[SIDE], column[TILE];
            UNROLL for (int i = 0; i < SIDE; i++)
                in[i] = across[i][j];
            transform_sums(column, in);
            UNROLL for (int i = 0; i < TILE; i++)
                out[i][j] = column[i];
        }
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                finish(out[i][j], left - lane, has_residual, residual + (i * residual_row + j * residual_pixel + lane),
                       y + (i * y_row + j * y_pixel + lane), alpha, beta);
    }
}

#endif
