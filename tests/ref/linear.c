/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/linear.h"

#include <stddef.h>

void ref_linear(const double *x, const double *weight, const double *bias, int64_t rows, int64_t depth, int64_t outputs, double *y)
{
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t output = 0; output < outputs; output++) {
            double sum = bias != NULL ? bias[output] : 0;
            for (int64_t k = 0; k < depth; k++)
                sum += x[row * depth + k] * weight[output * depth + k];
            y[row * outputs + output] = sum;
        }
    }
}
