/* SPDX-License-Identifier: Apache-2.0 */
/* traced_rearrange.c: slice, split, squeeze, unsqueeze and pixel_shuffle in plain C, after NumPy's and PyTorch's words. */
#include "traced.h"

#include "unit.h"

enum { MOST = 64 };

/* What Python's slice(start, end, step) takes of a list of so many elements. */
static int64_t places_of(const struct plugcl_slice *slice, int64_t size, int64_t places[MOST])
{
    int64_t step = slice->step ? slice->step : 1, n = 0;
    for (int64_t i = step > 0 ? 0 : size - 1; i >= 0 && i < size; i += step > 0 ? 1 : -1) {
        int64_t start = slice->start < 0 ? slice->start + size : slice->start;
        int64_t end = slice->end < 0 ? slice->end + size : slice->end;
        start = step > 0 && start < 0 ? 0 : step < 0 && start >= size ? size - 1 : start;
        bool between = step > 0 ? i >= start && i < end : i <= start && i > end;
        if (between && (i - start) % step == 0)
            places[n++] = i;
    }
    return n;
}

/* Each axis takes the elements at places[axis]. */
static struct traced take(struct tracing *t, struct traced x, const plugcl_shape *shape, int64_t places[][MOST])
{
    struct traced y = tracing_blank(t, shape);
    for (int64_t i = 0; i < plugcl_shape_elements(shape); i++) {
        int64_t rest = i, from = 0, stride = 1;
        for (uint32_t j = shape->rank; j-- > 0;) {
            from += places[j][rest % shape->dims[j]] * stride;
            rest /= shape->dims[j];
            stride *= x.shape.dims[j];
        }
        y.data[i] = x.data[from];
    }
    return y;
}

struct traced traced_slice(struct tracing *t, struct traced x, const struct plugcl_slice *slices, size_t n)
{
    int64_t places[PLUGCL_MAX_RANK][MOST];
    plugcl_shape shape = x.shape;
    for (uint32_t i = 0; i < x.shape.rank; i++) {
        struct plugcl_slice slice = { .start = 0, .end = PLUGCL_SLICE_END };
        for (size_t k = 0; k < n; k++)
            if (slices[k].axis == (int)i || slices[k].axis + (int)x.shape.rank == (int)i)
                slice = slices[k];
        assert_true(x.shape.dims[i] <= MOST);
        shape.dims[i] = places_of(&slice, x.shape.dims[i], places[i]);
    }
    struct traced y = take(t, x, &shape, places);
    y.value = plugcl_graph_slice(t->graph, x.value, slices, n);
    return y;
}

void traced_split(struct tracing *t, struct traced x, int axis, const int64_t *sizes, size_t n, struct traced *parts)
{
    int64_t places[PLUGCL_MAX_RANK][MOST], begin = 0, size = x.shape.dims[axis], each = (size + (int64_t)n - 1) / (int64_t)n;
    plugcl_value values[MOST];
    plugcl_graph_split(t->graph, x.value, axis, sizes, n, values);
    for (size_t k = 0; k < n; k++) {
        plugcl_shape shape = x.shape;
        shape.dims[axis] = sizes ? sizes[k] : each < size - begin ? each : size - begin;
        for (uint32_t i = 0; i < shape.rank; i++)
            for (int64_t j = 0; j < shape.dims[i]; j++)
                places[i][j] = (int)i == axis ? begin + j : j;
        parts[k] = take(t, x, &shape, places);
        parts[k].value = values[k];
        begin += shape.dims[axis];
    }
}

static bool is_named(uint32_t axis, const int *axes, size_t n, uint32_t rank)
{
    for (size_t i = 0; i < n; i++)
        if (axes[i] == (int)axis || axes[i] + (int)rank == (int)axis)
            return true;
    return false;
}

struct traced traced_squeeze(struct tracing *t, struct traced x, const int *axes, size_t n)
{
    struct traced y = { plugcl_graph_squeeze(t->graph, x.value, axes, n), { 0, { 0 } }, x.data };
    for (uint32_t i = 0; i < x.shape.rank; i++)
        if (n > 0 ? !is_named(i, axes, n, x.shape.rank) : x.shape.dims[i] != 1)
            y.shape.dims[y.shape.rank++] = x.shape.dims[i];
    return y;
}

struct traced traced_unsqueeze(struct tracing *t, struct traced x, const int *axes, size_t n)
{
    struct traced y = { plugcl_graph_unsqueeze(t->graph, x.value, axes, n), { x.shape.rank + (uint32_t)n, { 0 } }, x.data };
    for (uint32_t i = 0, from = 0; i < y.shape.rank; i++)
        y.shape.dims[i] = is_named(i, axes, n, y.shape.rank) ? 1 : x.shape.dims[from++];
    return y;
}

/* Element (c, h·f + i, w·f + j) of the large picture is (c·f² + i·f + j, h, w) of the small one. */
struct traced traced_pixel_shuffle(struct tracing *t, struct traced x, int64_t factor, bool inverse)
{
    uint32_t c = x.shape.rank - 3;
    plugcl_shape shape = x.shape;
    shape.dims[c] = inverse ? shape.dims[c] * factor * factor : shape.dims[c] / factor / factor;
    for (uint32_t i = c + 1; i < c + 3; i++)
        shape.dims[i] = inverse ? shape.dims[i] / factor : shape.dims[i] * factor;
    struct traced y = tracing_blank(t, &shape);
    const plugcl_shape *large = inverse ? &x.shape : &shape, *small = inverse ? &shape : &x.shape;
    for (int64_t i = 0; i < plugcl_shape_elements(&shape); i++) {
        int64_t column = i % large->dims[c + 2], row = i / large->dims[c + 2] % large->dims[c + 1];
        int64_t plane = i / large->dims[c + 2] / large->dims[c + 1]; /* of all leading axes together */
        int64_t channel = plane * factor * factor + row % factor * factor + column % factor;
        int64_t other = (channel * small->dims[c + 1] + row / factor) * small->dims[c + 2] + column / factor;
        y.data[inverse ? other : i] = x.data[inverse ? i : other];
    }
    y.value = inverse ? plugcl_graph_pixel_unshuffle(t->graph, x.value, (uint32_t)factor)
                      : plugcl_graph_pixel_shuffle(t->graph, x.value, (uint32_t)factor);
    return y;
}
