/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linear.cl: y[row][o] = act(bias[o] + residual[row][o] + sum over k of x[row][k] · w[o][k]), one work-item for each output.
 *
 * x has its rows x_row apart; w any strides; rows of y and residual are [outer][inner], each with a stride (a slice of a concat).
 *
 * -DACTIVATION: enum plugcl_activation.
 */
#include "types.h"
#include "activation.h"

__kernel void linear(__global const float *x_buffer, uint x_offset, __global const float *w_buffer, uint w_offset,
                     __global const float *bias_buffer, uint bias_offset, __global const float *residual_buffer,
                     uint residual_offset, __global float *y_buffer, uint y_offset, int rows, int depth, int outputs, int inner_rows,
                     int x_row, int x_element, int w_output, int w_element, int y_outer, int y_inner, int y_element, int has_bias,
                     int bias_stride, int has_residual, int residual_outer, int residual_inner, int residual_element, float alpha,
                     float beta)
{
    const int output = (int)get_global_id(0), row = (int)get_global_id(1);
    if (output >= outputs || row >= rows)
        return;
    const int outer = row / inner_rows, inner = row % inner_rows;
    __global const float *x = x_buffer + x_offset + (long)row * x_row;
    __global const float *w = w_buffer + w_offset + (long)output * w_output;
    float sum = 0.0f;
    for (int k = 0; k < depth; k++)
        sum = fma(x[(long)k * x_element], w[(long)k * w_element], sum);
    if (has_bias)
        sum += bias_buffer[bias_offset + (long)output * bias_stride];
    if (has_residual)
        sum += residual_buffer[residual_offset + (long)outer * residual_outer + (long)inner * residual_inner +
                               (long)output * residual_element];
    y_buffer[y_offset + (long)outer * y_outer + (long)inner * y_inner + (long)output * y_element] = activate(sum, alpha, beta);
}
