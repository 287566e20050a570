/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/pad.h"

#include <stdbool.h>

/* Walks to the place outside as a ball does between the two edges, or stays at them. */
static int64_t brought_inside(plugcl_pad_mode mode, int64_t place, int64_t size)
{
    while (place < 0 || place >= size) {
        int64_t edge = place < 0 ? 0 : size - 1;
        place = mode == PLUGCL_PAD_REFLECT ? edge + (edge - place) : edge;
    }
    return place;
}

void ref_pad(const double *x, const plugcl_shape *x_shape, const struct plugcl_pad_params *params, const plugcl_shape *y_shape,
             double *y)
{
    for (int64_t i = 0; i < plugcl_shape_elements(y_shape); i++) {
        int64_t rest = i, from = 0, stride = 1;
        bool outside = false;
        for (uint32_t axis = y_shape->rank; axis-- > 0; stride *= x_shape->dims[axis]) {
            int64_t place = rest % y_shape->dims[axis] - params->before[axis], size = x_shape->dims[axis];
            rest /= y_shape->dims[axis];
            if (params->mode == PLUGCL_PAD_CONSTANT)
                outside = outside || place < 0 || place >= size;
            else
                place = brought_inside(params->mode, place, size);
            from += place * stride;
        }
        y[i] = outside ? (double)params->value : x[from];
    }
}
