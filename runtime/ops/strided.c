/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/strided.h"

#include <string.h>

#define GPU_PIECE 4       /* elements of a work-item on a GPU: one vector */
#define CPU_PIECE 4096    /* elements of a cl/cpu-like work-item: large against the cost of a work-group */
#define MAX_GROUPS 30000  /* PoCL specialises a kernel again for larger grids */

void strided_begin(struct strided *space, const plugcl_shape *shape)
{
    memset(space, 0, sizeof *space);
    space->rank = shape->rank;
    memcpy(space->sizes, shape->dims, sizeof space->sizes);
}

void strided_add(struct strided *space, const int64_t *strides)
{
    memcpy(space->strides[space->operands++], strides, space->rank * sizeof *strides);
}

void strided_add_broadcast(struct strided *space, const struct operand *operand)
{
    int64_t *strides = space->strides[space->operands++];
    uint32_t missing = space->rank - operand->shape.rank;
    for (uint32_t i = 0; i < space->rank; i++)
        strides[i] = i < missing || operand->shape.dims[i - missing] == 1 ? 0 : operand->strides[i - missing];
}

static void move_dimension(struct strided *space, uint32_t from, uint32_t to)
{
    space->sizes[to] = space->sizes[from];
    for (uint32_t k = 0; k < space->operands; k++)
        space->strides[k][to] = space->strides[k][from];
}

static void swap_dimensions(struct strided *space, uint32_t a, uint32_t b)
{
    int64_t size = space->sizes[a];
    space->sizes[a] = space->sizes[b];
    space->sizes[b] = size;
    for (uint32_t k = 0; k < space->operands; k++) {
        int64_t stride = space->strides[k][a];
        space->strides[k][a] = space->strides[k][b];
        space->strides[k][b] = stride;
    }
}

/* By the output's strides, then by the first operand's (which decides where the output repeats). */
static bool is_inside(const struct strided *space, uint32_t a, uint32_t b)
{
    const int64_t *last = space->strides[space->operands - 1], *first = space->strides[0];
    return last[a] != last[b] ? last[a] < last[b] : first[a] < first[b];
}

static bool walks_as_one(const struct strided *space, uint32_t outer, uint32_t inner)
{
    for (uint32_t k = 0; k < space->operands; k++)
        if (space->strides[k][outer] != space->strides[k][inner] * space->sizes[inner])
            return false;
    return true;
}

void strided_fold(struct strided *space)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < space->rank; i++)
        if (space->sizes[i] != 1)
            move_dimension(space, i, kept++);
    for (uint32_t i = 1; i < kept; i++)
        for (uint32_t j = i; j > 0 && is_inside(space, j - 1, j); j--)
            swap_dimensions(space, j - 1, j);
    uint32_t last = 0;
    for (uint32_t i = 1; i < kept; i++) {
        if (walks_as_one(space, last, i)) {
            int64_t size = space->sizes[last] * space->sizes[i];
            move_dimension(space, i, last);
            space->sizes[last] = size;
        } else {
            move_dimension(space, i, ++last);
        }
    }
    space->rank = kept ? last + 1 : 1;
    if (kept == 0) {
        space->sizes[0] = 1;
        for (uint32_t k = 0; k < space->operands; k++)
            space->strides[k][0] = 1; /* a run of one element, so that nobody treats it as a repeat */
    }
}

int64_t strided_elements(const struct strided *space)
{
    int64_t elements = 1;
    for (uint32_t i = 0; i < space->rank; i++)
        elements *= space->sizes[i];
    return elements;
}

void launch_space(struct launch *launch, const struct strided *space, uint32_t first, uint32_t count)
{
    int32_t table[PLUGCL_MAX_RANK * (1 + STRIDED_OPERANDS)] = { 0 };
    size_t used = 0;
    for (uint32_t i = first; i < first + count; i++) {
        for (uint32_t k = 0; k <= space->operands; k++) {
            int64_t value = k == 0 ? space->sizes[i] : space->strides[k - 1][i];
            if (value < INT32_MIN || value > INT32_MAX)
                launch_int(launch, value); /* tells the failure */
            table[used++] = (int32_t)value;
        }
    }
    launch_table(launch, table, used ? used : 1);
    launch_int(launch, count);
}

size_t launch_power_of_two(const struct launch *launch, size_t limit)
{
    size_t most = launch_max_work_group(launch), power = 1;
    most = most < limit ? most : limit;
    while (2 * power <= most)
        power *= 2;
    return power;
}

size_t channel_lanes(const struct device_caps *caps, int64_t channels, int64_t channel_stride, int64_t windows, size_t group)
{
    const size_t most = divide_up(channels, 16) * windows < (int64_t)caps->compute_units ? 8 : 16;
    size_t lanes = 1;
    while (channel_stride == 1 && lanes < most && lanes < (size_t)channels && lanes < group)
        lanes *= 2;
    return lanes;
}

void launch_range_wide(struct launch *launch, size_t x, size_t y, size_t z, size_t limit)
{
    size_t group = launch_power_of_two(launch, limit), wide = 1;
    while (wide < x && wide < group)
        wide *= 2;
    launch_range(launch, x, y, z, wide, group / wide, 1);
}

int64_t strided_rows_each(int64_t rows, int64_t length, const struct device_caps *caps)
{
    int64_t each = CPU_PIECE / (length > 0 ? length : 1);
    while (each > 1 && rows / each < 4 * (int64_t)caps->compute_units)
        each /= 2;
    if (each < 1)
        each = 1;
    while (rows / each > MAX_GROUPS)
        each *= 2;
    return each;
}

void launch_row_range(struct launch *launch, int64_t inner, int64_t rows, const struct device_caps *caps)
{
    int64_t piece = GPU_PIECE, rows_each = 1;
    if (caps->cpu_family) {
        int64_t each = CPU_PIECE, total = inner * rows;
        /* Every compute unit gets several pieces; few enough pieces for the driver. */
        while (each > 256 && total / each < 4 * (int64_t)caps->compute_units)
            each /= 2;
        while (total / each > MAX_GROUPS)
            each *= 2;
        piece = inner < each ? divide_up(inner, 16) * 16 : each;
        rows_each = inner < each ? each / inner : 1;
    }
    launch_int(launch, rows);
    launch_int(launch, piece);
    launch_int(launch, rows_each);
    size_t x = (size_t)divide_up(inner, piece), y = (size_t)divide_up(rows, rows_each);
    if (caps->cpu_family) {
        launch_groups(launch, x, y, 1);
        return;
    }
    launch_range_wide(launch, x, y, 1, 128);
}

void launch_rows(struct launch *launch, const struct strided *space, const struct device_caps *caps)
{
    uint32_t last = space->rank - 1;
    launch_space(launch, space, 0, last);
    launch_int(launch, space->sizes[last]);
    for (uint32_t k = 0; k < space->operands; k++)
        launch_int(launch, space->strides[k][last]);
    launch_row_range(launch, space->sizes[last], strided_elements(space) / space->sizes[last], caps);
}
