/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The product that gates end with, on any device: y = clip(x · channel gate · spatial gate + residual, low, high). Bound: bytes.
 *
 * Operands have any strides; the residual has y's dimensions. channel_gate is [N][C] (strides channel_image, channel_step), spatial
 * is [N][H·W], dense; a flag says for each of them whether it is there. y may be x.
 */
__kernel void scale(__global const float *x_buffer, uint x_offset, __global const float *residual_buffer, uint residual_offset,
                    __global float *y_buffer, uint y_offset, __global const float *channel_buffer, uint channel_offset,
                    __global const float *spatial_buffer, uint spatial_offset, int images, int channels, int height, int width,
                    int x_image, int x_channel, int x_row, int x_column, int residual_image, int residual_channel, int residual_row,
                    int residual_column, int y_image, int y_channel, int y_row, int y_column, int channel_image, int channel_step,
                    int has_channel, int has_spatial, int has_residual, int channels_inner, float low, float high)
{
    /* Work-items are [N·H] × outer × inner, where inner is the axis of C and W that is nearer together in x. */
    int inner = (int)get_global_id(0), outer = (int)get_global_id(1);
    int image = (int)get_global_id(2) / height, h = (int)get_global_id(2) - image * height;
    int c = channels_inner ? inner : outer, w = channels_inner ? outer : inner;
    if (c >= channels || w >= width || image >= images)
        return;
    size_t from = (size_t)image * x_image + (size_t)c * x_channel + (size_t)h * x_row + (size_t)w * x_column;
    size_t to = (size_t)image * y_image + (size_t)c * y_channel + (size_t)h * y_row + (size_t)w * y_column;
    float value = x_buffer[x_offset + from];
    if (has_channel)
        value *= channel_buffer[channel_offset + (size_t)image * channel_image + (size_t)c * channel_step];
    if (has_spatial)
        value *= spatial_buffer[spatial_offset + ((size_t)image * height + h) * width + w];
    if (has_residual)
        value += residual_buffer[residual_offset + (size_t)image * residual_image + (size_t)c * residual_channel +
                                 (size_t)h * residual_row + (size_t)w * residual_column];
    value = value < low ? low : value;
    y_buffer[y_offset + to] = value > high ? high : value;
}
