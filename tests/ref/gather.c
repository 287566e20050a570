/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/gather.h"

void ref_gather(const double *x, const plugcl_shape *x_shape, const double *indices, const plugcl_shape *indices_shape,
                uint32_t axis, double missing, double *y)
{
    int64_t outer = 1, inner = 1, size = x_shape->dims[axis], count = plugcl_shape_elements(indices_shape);
    for (uint32_t i = 0; i < axis; i++)
        outer *= x_shape->dims[i];
    for (uint32_t i = axis + 1; i < x_shape->rank; i++)
        inner *= x_shape->dims[i];
    for (int64_t o = 0; o < outer; o++)
        for (int64_t k = 0; k < count; k++)
            for (int64_t i = 0; i < inner; i++) {
                int64_t index = (int64_t)indices[k] + (indices[k] < 0 ? size : 0);
                y[(o * count + k) * inner + i] = index >= 0 && index < size ? x[(o * size + index) * inner + i] : missing;
            }
}
