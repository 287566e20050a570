/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd.c: plans cl/cpu/winograd.cl and winograd_fused.cl: 3 × 3 convolutions of stride 1 by Winograd's method.
 *
 * A dilated convolution is plain ones on its phase images, of the pixels `dilation` apart; along an axis tiles are counted phase by
 * phase, so one list of first rows and one of first columns say where all tiles are.
 */
#include "ops/winograd.h"

#include <math.h>
#include <stdio.h>

#include "ops/strided.h"

#define TAPS 3
#define PASS_BYTES (8 << 20)     /* of transformed patches, which with the weights should stay in a shared cache */
#define CHUNK_BYTES (384 << 10)  /* of patches and sums that stay in a core's cache */
#define FUSED_WEIGHTS (16 << 10) /* channels times outputs up to which a chunk's weights come from a near cache */
#define SHARE 112                /* most tiles of a task, which reads its weights once: 1.08 times as fast as 64 at 512 to 256@65 */
#define LEAST_PASS 48            /* tiles of a pass, however many channels they have */
#define WIDE 2                   /* blocks of a task where tasks are many */
#define GROUPS_A_UNIT 4          /* groups that each compute unit gets: drivers give out large parts first */
#define LINE 16                  /* floats of a cache line */

/* Larger tiles save more products and lose more digits. */
static const struct form {
    int tile;
    bool fused;
} forms[] = { { 4, false }, { 4, true }, { 3, false }, { 3, true }, { 2, false }, { 2, true } };
#define FORMS ((uint32_t)(sizeof forms / sizeof *forms))

struct winograd {
    const struct convolution *conv;
    int tile, planes, vector, rows, rest, vectors;
    int64_t tile_rows, tile_columns, tiles, block, blocks, patch_row, units;
};

static int64_t minimum(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t odd_lines(int64_t floats)
{
    return (divide_up(floats, LINE) | 1) * LINE;
}

static int64_t tiles_along(const struct convolution *conv, int axis, int tile)
{
    int64_t tiles = 0, step = conv->dilation[axis];
    for (int64_t phase = 0; phase < step && phase < conv->out[axis]; phase++)
        tiles += divide_up(divide_up(conv->out[axis] - phase, step), tile);
    return tiles;
}

/* Wide vectors come with 32 registers, others may have 16; the shorter tile still hides the multiply-add's latency. */
static struct winograd winograd_of(const struct device_caps *caps, const struct convolution *conv, int tile)
{
    const bool wide = caps->vector_width == 16;
    struct winograd self = { .conv = conv, .tile = tile, .planes = (tile + 2) * (tile + 2), .vector = (int)caps->vector_width,
                             .rows = wide ? 12 : 6, .rest = wide ? 4 : 3, .vectors = 2, .units = caps->compute_units };
    self.block = self.vectors * self.vector;
    self.blocks = divide_up(conv->outputs, self.block);
    self.patch_row = odd_lines(conv->channels);
    self.tile_rows = tiles_along(conv, 0, tile);
    self.tile_columns = tiles_along(conv, 1, tile);
    self.tiles = conv->images * self.tile_rows * self.tile_columns;
    return self;
}

/* Taps inside the picture, of all output positions of an axis. */
static int64_t taps_along(const struct convolution *conv, int axis)
{
    int64_t taps = 0;
    for (int64_t tap = 0; tap < TAPS; tap++) {
        int64_t shift = conv->before[axis] - tap * conv->dilation[axis];
        int64_t first = shift > 0 ? shift : 0, end = conv->in[axis] + shift;
        end = end < conv->out[axis] ? end : conv->out[axis];
        taps += end > first ? end - first : 0;
    }
    return taps;
}

static int64_t padded_channels(const struct convolution *conv)
{
    return divide_up(conv->channels, LINE) * LINE;
}

static int64_t packed_elements(const struct winograd *self)
{
    const struct convolution *conv = self->conv;
    return self->blocks * self->block * (1 + self->planes * conv->channels) + padded_channels(conv);
}

bool winograd_can_run(const struct device_caps *caps, const struct convolution *conv)
{
    bool plain = conv->kernel[0] == TAPS && conv->kernel[1] == TAPS && conv->stride[0] == 1 && conv->stride[1] == 1 &&
                 conv->groups == 1 && conv->channels >= (int64_t)caps->vector_width;
    bool dense = conv->x_strides[CHANNEL_STRIDE] == 1 && conv->y_strides[CHANNEL_STRIDE] == 1 &&
                 (!conv->residual->present || conv->residual_strides[CHANNEL_STRIDE] == 1);
    if (!caps->cpu_family || !plain || !dense || !convolution_is_packable(conv) || !convolution_fits_int(conv))
        return false;
    /* The smallest tile has most tiles, the largest most weights. */
    const struct winograd most_tiles = winograd_of(caps, conv, 2), most_weights = winograd_of(caps, conv, 4);
    return most_tiles.tiles <= INT32_MAX / (2 * SHARE) &&
           (uint64_t)packed_elements(&most_weights) <= caps->max_allocation / sizeof(float);
}

/*
 * Weights: G g Gᵀ of each pair of channels, in double.
 */
struct transform {
    int64_t channels, outputs, block, zeros;
    int tile, side;
    int64_t first, strides[4];
    double g[6][TAPS];
};

/* A row a point p: 1, p, p² over the product of its distances to the other points; at infinity the last coefficient. */
static void make_g(struct transform *transform)
{
    static const double points[5] = { 0, 1, -1, 2, -2 };
    const int finite = transform->side - 1;
    for (int i = 0; i < finite; i++) {
        double scale = 1;
        for (int j = 0; j < finite; j++)
            scale *= j == i ? 1 : points[i] - points[j];
        for (int k = 0; k < TAPS; k++)
            transform->g[i][k] = (k == 0 ? 1 : k == 1 ? points[i] : points[i] * points[i]) / scale;
    }
    transform->g[finite][TAPS - 1] = 1;
}

/* Outputs side by side, for the compiler's vectors; a block has a multiple of so many. */
#define LANES 8

/* The transforms of `lanes` outputs from `weight` on for one channel, plane after plane; the lanes behind them are 0. */
static void transform_taps(const struct transform *transform, const float *weight, int64_t lanes, float *packed, int64_t plane)
{
    double taps[TAPS][TAPS][LANES] = { { { 0 } } }, rows[6][TAPS][LANES];
    for (int64_t lane = 0; lane < lanes; lane++)
        for (int y = 0; y < TAPS; y++)
            for (int x = 0; x < TAPS; x++)
                taps[y][x][lane] = (double)weight[lane * transform->strides[0] + y * transform->strides[2] +
                                                  x * transform->strides[3]];
    for (int i = 0; i < transform->side; i++)
        for (int x = 0; x < TAPS; x++)
            for (int lane = 0; lane < LANES; lane++)
                rows[i][x][lane] = transform->g[i][0] * taps[0][x][lane] + transform->g[i][1] * taps[1][x][lane] +
                                   transform->g[i][2] * taps[2][x][lane];
    for (int i = 0; i < transform->side; i++)
        for (int j = 0; j < transform->side; j++, packed += plane)
            for (int lane = 0; lane < LANES; lane++)
                packed[lane] = (float)(transform->g[j][0] * rows[i][0][lane] + transform->g[j][1] * rows[i][1][lane] +
                                       transform->g[j][2] * rows[i][2][lane]);
}

static void pack_transformed(const float *const *sources, const struct constant *const *constants, const void *parameters,
                             float *packed)
{
    const struct transform *transform = parameters;
    const int64_t block = transform->block, channels = transform->channels, planes = (int64_t)transform->side * transform->side;
    const int64_t padded = (transform->outputs + block - 1) / block * block;
    (void)constants;
    for (int64_t output = 0; output < transform->outputs && sources[1] != NULL; output++)
        packed[output] = sources[1][output];
    packed += padded + transform->zeros;
    for (int64_t first = 0; first < padded; first += block, packed += planes * channels * block)
        for (int64_t channel = 0; channel < channels; channel++)
            for (int64_t output = first; output < first + block && output < transform->outputs; output += LANES) {
                const int64_t left = transform->outputs - output, lanes = left < LANES ? left : LANES;
                const float *weight = sources[0] + transform->first + output * transform->strides[0];
                transform_taps(transform, weight + channel * transform->strides[1], lanes,
                               packed + channel * block + output - first, channels * block);
            }
}

static void launch_weights(struct launch *launch, const struct winograd *self)
{
    char name[160];
    const struct convolution *conv = self->conv;
    struct constant *const constants[2] = { conv->weight->constant, conv->bias->constant };
    struct transform transform = { .channels = conv->channels, .outputs = conv->outputs, .block = self->block,
                                   .zeros = padded_channels(conv), .tile = self->tile, .side = self->tile + 2,
                                   .first = conv->weight->offset };
    for (int i = 0; i < 4; i++)
        transform.strides[i] = conv->weight_strides[i];
    make_g(&transform);
    snprintf(name, sizeof name, "winograd %d %lld of %lld from %lld by %lld %lld %lld %lld", self->tile, (long long)self->block,
             (long long)conv->channels, (long long)transform.first, (long long)transform.strides[0],
             (long long)transform.strides[1], (long long)transform.strides[2], (long long)transform.strides[3]);
    launch_packed(launch, constants, 2, name, (size_t)packed_elements(self), pack_transformed, &transform);
}

/*
 * The list of winograd.h.
 */
#define LIST 23

static void add_places(int32_t *list, size_t *count, const struct convolution *conv, int axis, int tile)
{
    int64_t step = conv->dilation[axis];
    for (int64_t phase = 0; phase < step && phase < conv->out[axis]; phase++)
        for (int64_t at = phase; at < conv->out[axis]; at += step * tile)
            list[(*count)++] = (int32_t)at;
}

static void launch_list(struct launch *launch, struct schedule *schedule, const struct winograd *self)
{
    const struct convolution *conv = self->conv;
    const int64_t head[LIST] = { self->tile_rows,
                                 self->tile_columns,
                                 conv->in[0],
                                 conv->in[1],
                                 conv->out[0],
                                 conv->out[1],
                                 conv->dilation[0],
                                 conv->dilation[1],
                                 conv->before[0],
                                 conv->before[1],
                                 conv->channels,
                                 conv->outputs,
                                 conv->x_strides[IMAGE_STRIDE],
                                 conv->x_strides[ROW_STRIDE],
                                 conv->x_strides[PIXEL_STRIDE],
                                 conv->y_strides[IMAGE_STRIDE],
                                 conv->y_strides[ROW_STRIDE],
                                 conv->y_strides[PIXEL_STRIDE],
                                 conv->residual->present,
                                 conv->residual_strides[IMAGE_STRIDE],
                                 conv->residual_strides[ROW_STRIDE],
                                 conv->residual_strides[PIXEL_STRIDE],
                                 self->patch_row };
    size_t count = LIST, most = (size_t)(LIST + self->tile_rows + self->tile_columns);
    int32_t *list = memory_zeroed(most, sizeof *list);
    if (list == NULL) {
        schedule_fail(schedule, fail_no_memory(most * sizeof *list));
        return;
    }
    for (size_t i = 0; i < LIST; i++)
        list[i] = (int32_t)head[i];
    add_places(list, &count, conv, 0, self->tile);
    add_places(list, &count, conv, 1, self->tile);
    launch_table(launch, list, count);
    memory_free(list);
}

/*
 * Launches.
 */
static struct launch *begin_launch(struct schedule *schedule, const struct winograd *self, const char *file, const char *entry)
{
    char options[128];
    snprintf(options, sizeof options, "-DVECTOR=%d -DTILE=%d -DROWS=%d -DREST=%d -DVECTORS=%d -DACTIVATION=%d", self->vector,
             self->tile, self->rows, self->rest, self->vectors, (int)self->conv->epilogue->act);
    return schedule_launch(schedule, file, options, entry);
}

static plugcl_status plan_fused(struct schedule *schedule, const struct winograd *self)
{
    const struct convolution *conv = self->conv;
    int64_t a_tile = self->planes * (self->patch_row + self->block), chunk = CHUNK_BYTES / (int64_t)sizeof(float) / a_tile;
    chunk = chunk < self->rows ? self->rows : chunk / self->rows * self->rows;
    /* Each group reads the weights for itself, so it should have tiles enough. */
    int64_t groups = minimum(self->tiles / (2 * self->rows), GROUPS_A_UNIT * self->units);
    int64_t least = minimum(self->units, divide_up(self->tiles, self->rest));
    groups = groups < least ? least : groups;
    int64_t share = divide_up(divide_up(self->tiles, self->rest), groups) * self->rest;
    chunk = divide_up(divide_up(share, divide_up(share, chunk)), self->rest) * self->rest;
    int64_t plane = odd_lines(chunk * self->patch_row), sums_plane = odd_lines(chunk * self->block);

    struct launch *launch = begin_launch(schedule, self, "cpu/winograd_fused.cl", "winograd");
    launch_operand(launch, conv->x);
    launch_weights(launch, self);
    launch_operand(launch, conv->residual);
    launch_operand(launch, conv->y);
    launch_region(launch, schedule_floats(schedule, groups * self->planes * (plane + sums_plane)), 0);
    launch_list(launch, schedule, self);
    const int64_t ints[] = { self->tiles, chunk, plane, sums_plane };
    launch_ints(launch, ints, sizeof ints / sizeof *ints);
    launch_float(launch, conv->epilogue->alpha);
    launch_float(launch, conv->epilogue->beta);
    launch_groups(launch, (size_t)groups, 1, 1);
    return schedule_status(schedule);
}

/* How a pass of the two launches is cut. */
struct pass {
    uint32_t patches, sums; /* regions */
    int64_t plane, sums_plane, share, wide, groups;
};

static void launch_patches(struct schedule *schedule, const struct winograd *self, const struct pass *pass, int64_t first,
                           int64_t tiles)
{
    int64_t share = divide_up(tiles, 8 * GROUPS_A_UNIT * self->units);
    struct launch *launch = begin_launch(schedule, self, "cpu/winograd.cl", "winograd_patches");
    launch_operand(launch, self->conv->x);
    launch_weights(launch, self);
    launch_region(launch, pass->patches, 0);
    launch_list(launch, schedule, self);
    const int64_t ints[] = { first, tiles, share, pass->plane };
    launch_ints(launch, ints, sizeof ints / sizeof *ints);
    launch_groups(launch, (size_t)divide_up(tiles, share), 1, 1);
}

static void launch_products(struct schedule *schedule, const struct winograd *self, const struct pass *pass, int64_t first,
                            int64_t tiles)
{
    const struct convolution *conv = self->conv;
    struct launch *launch = begin_launch(schedule, self, "cpu/winograd.cl", "winograd_products");
    launch_region(launch, pass->patches, 0);
    launch_weights(launch, self);
    launch_operand(launch, conv->residual);
    launch_operand(launch, conv->y);
    launch_region(launch, pass->sums, 0);
    launch_list(launch, schedule, self);
    const int64_t ints[] = { first, tiles, pass->share, pass->wide, pass->plane, pass->sums_plane };
    launch_ints(launch, ints, sizeof ints / sizeof *ints);
    launch_float(launch, conv->epilogue->alpha);
    launch_float(launch, conv->epilogue->beta);
    launch_groups(launch, (size_t)minimum(divide_up(tiles, pass->share) * divide_up(self->blocks, pass->wide), pass->groups), 1, 1);
}

static plugcl_status plan_passes(struct schedule *schedule, const struct winograd *self)
{
    int64_t most = PASS_BYTES / (int64_t)sizeof(float) / (self->planes * self->patch_row);
    most = most < LEAST_PASS ? LEAST_PASS : most;
    int64_t a_pass = divide_up(self->tiles, divide_up(self->tiles, most)), parts = divide_up(a_pass, SHARE);
    /* Tasks enough for all units: of one block, and of fewer tiles if that leaves them whole register tiles. */
    int64_t wanted = GROUPS_A_UNIT * self->units, wide = parts * divide_up(self->blocks, WIDE) < wanted ? 1 : WIDE;
    if (parts * self->blocks < wanted)
        parts = minimum(divide_up(wanted, self->blocks), divide_up(a_pass, 2 * self->rows));
    struct pass pass = { .share = divide_up(divide_up(a_pass, parts), self->rest) * self->rest, .wide = wide,
                         .plane = odd_lines(a_pass * self->patch_row) };
    pass.sums_plane = odd_lines(pass.share * pass.wide * self->block);
    pass.groups = minimum(wanted, divide_up(a_pass, pass.share) * divide_up(self->blocks, pass.wide));
    pass.patches = schedule_floats(schedule, self->planes * pass.plane);
    pass.sums = schedule_floats(schedule, pass.groups * self->planes * pass.sums_plane);
    for (int64_t first = 0; first < self->tiles; first += a_pass) {
        int64_t tiles = minimum(a_pass, self->tiles - first);
        launch_patches(schedule, self, &pass, first, tiles);
        launch_products(schedule, self, &pass, first, tiles);
    }
    return schedule_status(schedule);
}

/*
 * Choice, by the time of a layer in multiply-adds for each pair of channels.
 */
#define TRANSFORM 20      /* of a tile and channel, each way, for each of the SIDE² points */
#define NEAR_WEIGHT 4     /* to bring a transformed weight of each pair near, from a shared cache */
#define FAR_WEIGHT 9      /* the same where all of them are more than CACHE_BYTES */
#define CACHE_BYTES 16e6
#define TAP_WEIGHT 20     /* the same in cpu/taps.cl, whose tasks have few pixels where a picture is small */
#define LEAST_WORK 16e6   /* multiply-adds of a layer below which launches and threads take the time */

static double cost_of(const struct winograd *self)
{
    double tiles = (double)self->tiles, channels = (double)self->conv->channels, outputs = (double)self->conv->outputs;
    double products = tiles * (double)(self->blocks * self->block) / outputs;
    double transforms = tiles * TRANSFORM * (1 / channels + 1 / outputs);
    double bytes = self->planes * channels * outputs * sizeof(float);
    return self->planes * (products + transforms + (bytes > CACHE_BYTES ? FAR_WEIGHT : NEAR_WEIGHT));
}

static struct form choose_form(const struct device_caps *caps, const struct convolution *conv, double *cost)
{
    struct form best = { .fused = conv->channels * conv->outputs <= FUSED_WEIGHTS };
    if (conv->tile > 0 && conv->tile <= FORMS)
        return forms[conv->tile - 1];
    *cost = HUGE_VAL;
    for (int tile = 4; tile >= 2; tile--) {
        const struct winograd self = winograd_of(caps, conv, tile);
        double own = cost_of(&self);
        if (own < *cost) {
            *cost = own;
            best.tile = tile;
        }
    }
    return best;
}

bool winograd_is_preferred(const struct device_caps *caps, const struct convolution *conv)
{
    struct convolution untiled = *conv;
    double taps = (double)(conv->images * taps_along(conv, 0) * taps_along(conv, 1)), own;
    untiled.tile = 0;
    choose_form(caps, &untiled, &own);
    double direct = taps * taps_padding(caps, conv->outputs) + TAPS * TAPS * TAP_WEIGHT;
    return taps * (double)(conv->channels * conv->outputs) >= LEAST_WORK && own < 0.8 * direct;
}

bool winograd_tile(const struct device_caps *caps, const struct convolution *conv, uint32_t number, char name[TILE_NAME])
{
    double cost;
    struct convolution numbered = *conv;
    if (number > FORMS)
        return false;
    numbered.tile = number;
    struct form form = choose_form(caps, &numbered, &cost);
    snprintf(name, TILE_NAME, "%dx%d%s", form.tile, form.tile, form.fused ? "-fused" : "");
    return true;
}

plugcl_status winograd_plan(struct schedule *schedule, const struct convolution *conv)
{
    double cost;
    const struct device_caps *caps = schedule_caps(schedule);
    const struct form form = choose_form(caps, conv, &cost);
    const struct winograd self = winograd_of(caps, conv, form.tile);
    return form.fused ? plan_fused(schedule, &self) : plan_passes(schedule, &self);
}
