/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.cl: run once on a device before it is used. Small whole numbers, so that the right answer is exact: arithmetic, vector
 * loads and stores at odd addresses, integer operations, local memory and barriers inside a loop. One work-group of n items, n a
 * power of two; x has n + 4 elements.
 */
__kernel void probe(__global const float *x, __global float *y, __global uint *z, __local float *scratch)
{
    uint i = (uint)get_local_id(0);
    uint n = (uint)get_local_size(0);

    scratch[i] = x[i];
    barrier(CLK_LOCAL_MEM_FENCE);
    float mirrored = scratch[n - 1u - i];
    barrier(CLK_LOCAL_MEM_FENCE);

    scratch[i] = mirrored;
    for (uint half_width = n / 2u; half_width > 0u; half_width /= 2u) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (i < half_width)
            scratch[i] += scratch[i + half_width];
    }
    barrier(CLK_LOCAL_MEM_FENCE);

    float4 window = vload4(0, x + i + 1u) * (float4)(1.0f, 2.0f, 3.0f, 4.0f);
    float weighted = dot(window, (float4)(1.0f, 1.0f, 1.0f, -1.0f));
    vstore2((float2)(scratch[0] + mirrored, fma(weighted, 2.0f, fmax(x[i], 3.0f))), i, y + 1);
    z[i] = mul_hi(i * 0x01000001u, 0x00010203u) ^ rotate(i, 7u) ^ (uint)(((int)i - 5) >> 1) ^ (i % 7u);
}
