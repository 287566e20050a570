/* SPDX-License-Identifier: Apache-2.0 */
/* build_rearrange.c: the calls of <plugcl/graph.h> that slice, split and shuffle, and that add and drop axes of size 1. */
#include "graph/build.h"

plugcl_value plugcl_graph_slice(plugcl_graph *graph, plugcl_value x, const struct plugcl_slice *slices, size_t n_slices)
{
    struct slice_params params = { { 0 }, { 0 }, { 0 }, { 0 } };
    if (slices == NULL && n_slices > 0)
        graph_fail(graph, fail(PLUGCL_INVALID, "slice needs %zu slices, not NULL", n_slices));
    if (!has_operands(graph, "slice", &x, 1))
        return no_value;
    for (size_t i = 0; i < n_slices; i++) {
        int axis = axis_of(graph, x, slices[i].axis, "slice");
        if (axis >= 0 && params.step[axis] != 0)
            graph_fail(graph, fail(PLUGCL_INVALID, "slice: axis %d is named twice", slices[i].axis));
        if (axis < 0 || params.step[axis] != 0)
            return no_value;
        params.start[axis] = slices[i].start;
        params.end[axis] = slices[i].end;
        params.step[axis] = slices[i].step != 0 ? slices[i].step : 1;
    }
    return add_one(graph, &operator_slice, &params, &x, 1);
}

/* The sum of the sizes, or −1 with an error in the graph. */
static int64_t sum_of(plugcl_graph *graph, const int64_t *sizes, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (sizes[i] < 0 || sizes[i] > INT64_MAX - sum) {
            graph_fail(graph, fail(PLUGCL_INVALID, "split: part %zu has %lld elements; sizes are at least 0", i,
                                   (long long)sizes[i]));
            return -1;
        }
        sum += sizes[i];
    }
    return sum;
}

/* torch.chunk's size of every part but the last, or −1 with an error in the graph. */
static int64_t chunk_of(plugcl_graph *graph, int64_t size, size_t n_parts)
{
    int64_t parts = (int64_t)n_parts, each = size < 0 ? 0 : (size + parts - 1) / parts;
    if (size < 0)
        graph_fail(graph, fail(PLUGCL_INVALID, "split into equal parts needs an axis of known size; give the parts' sizes"));
    else if (each == 0 ? parts != 1 : (size + each - 1) / each != parts)
        graph_fail(graph, fail(PLUGCL_INVALID, "split of %lld elements into %zu parts; in parts of %lld they are %lld",
                               (long long)size, n_parts, (long long)each, (long long)(each ? (size + each - 1) / each : 1)));
    else
        return each;
    return -1;
}

void plugcl_graph_split(plugcl_graph *graph, plugcl_value x, int axis, const int64_t *sizes, size_t n_parts, plugcl_value *parts)
{
    if (parts == NULL || n_parts == 0)
        graph_fail(graph, fail(PLUGCL_INVALID, "split needs at least one part and a place for it"));
    for (size_t i = 0; parts != NULL && i < n_parts; i++)
        parts[i] = no_value;
    int along = has_operands(graph, "split", &x, 1) ? axis_of(graph, x, axis, "split") : -1;
    if (along < 0)
        return;
    int64_t size = graph_value(graph, x.id)->shape.dims[along];
    int64_t each = sizes == NULL ? chunk_of(graph, size, n_parts) : 0, sum = sizes != NULL ? sum_of(graph, sizes, n_parts) : size;
    int64_t begin = 0;
    for (size_t i = 0; each >= 0 && sum >= 0 && i < n_parts; i++) {
        struct slice_params params = { { 0 }, { 0 }, { 0 }, { 0 } };
        int64_t rest = sum - begin;
        params.start[along] = begin;
        begin += sizes != NULL ? sizes[i] : each < rest ? each : rest;
        params.end[along] = begin;
        params.step[along] = 1;
        params.whole[along] = sum;
        parts[i] = add_one(graph, &operator_slice, &params, &x, 1);
    }
}

/* Marks axes of a tensor of that rank; false with an error in the graph. */
static bool take_axes(plugcl_graph *graph, const char *what, int rank, const int *axes, size_t n_axes,
                      struct squeeze_params *params)
{
    if (!has_axes(graph, what, axes, n_axes))
        return false;
    for (size_t i = 0; i < n_axes; i++) {
        int axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        bool inside = axis >= 0 && axis < rank;
        if (!inside)
            graph_fail(graph, fail(PLUGCL_INVALID, "%s: axis %d of a tensor of rank %d; it must be %d to %d", what, axes[i], rank,
                                   -rank, rank - 1));
        else if (params->axes[axis])
            graph_fail(graph, fail(PLUGCL_INVALID, "%s: axis %d is named twice", what, axes[i]));
        if (!inside || params->axes[axis])
            return false;
        params->axes[axis] = true;
    }
    return true;
}

plugcl_value plugcl_graph_squeeze(plugcl_graph *graph, plugcl_value x, const int *axes, size_t n_axes)
{
    struct squeeze_params params = { { false } };
    int rank = rank_of(graph, x);
    if (rank < 0 || !take_axes(graph, "squeeze", rank, axes, n_axes, &params))
        return no_value;
    const plugcl_shape *shape = &graph_value(graph, x.id)->shape;
    if (n_axes == 0 && !shape_is_known(shape)) {
        graph_fail(graph, fail(PLUGCL_INVALID, "squeeze of all axes of size 1 needs a known shape; name the axes"));
        return no_value;
    }
    for (int i = 0; n_axes == 0 && i < rank; i++)
        params.axes[i] = shape->dims[i] == 1;
    return add_one(graph, &operator_squeeze, &params, &x, 1);
}

plugcl_value plugcl_graph_unsqueeze(plugcl_graph *graph, plugcl_value x, const int *axes, size_t n_axes)
{
    struct squeeze_params params = { { false } };
    int rank = rank_of(graph, x);
    if (rank < 0)
        return no_value;
    if (n_axes > (size_t)(PLUGCL_MAX_RANK - rank)) {
        graph_fail(graph, fail(PLUGCL_INVALID, "unsqueeze of a tensor of rank %d by %zu axes; a tensor has at most %d", rank,
                               n_axes, PLUGCL_MAX_RANK));
        return no_value;
    }
    return take_axes(graph, "unsqueeze", rank + (int)n_axes, axes, n_axes, &params)
               ? add_one(graph, &operator_unsqueeze, &params, &x, 1)
               : no_value;
}

plugcl_value plugcl_graph_pixel_shuffle(plugcl_graph *graph, plugcl_value x, uint32_t factor)
{
    struct pixel_shuffle_params params = { factor, false };
    return add_one(graph, &operator_pixel_shuffle, &params, &x, 1);
}

plugcl_value plugcl_graph_pixel_unshuffle(plugcl_graph *graph, plugcl_value x, uint32_t factor)
{
    struct pixel_shuffle_params params = { factor, true };
    return add_one(graph, &operator_pixel_shuffle, &params, &x, 1);
}
