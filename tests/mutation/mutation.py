#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks kernels and passes one at a time and demands a red test for each: what no test notices is not tested.

usage: mutation.py [PART_OF_A_PATH]    (only mutations of such files)

The tree is copied and built in a temporary folder, never changed.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# What is broken; the file; the text and what takes its place; the test that must turn red.
MUTATIONS = [
    ("the tiled convolution forgets a residual's pixel", "cl/cpu/taps.cl",
     "(end->has_residual ? end->residual_at[first + i] : 0)", "0",
     ["tests/checkcl/checkcl", "--quick", "--filter", "conv2d/cpu_taps/"]),
    ("Winograd's output transform forgets a point", "cl/include/winograd.h",
     "out[3] = odd + 8.0f * odd2 + in[5];", "out[3] = odd + 8.0f * odd2;",
     ["tests/checkcl/checkcl", "--quick", "--filter", "conv2d/cpu_winograd/"]),
    ("Winograd's bias goes with another point", "cl/include/winograd.h",
     "point == POINT_ONE ?", "point == POINT_ONE + 1 ?",
     ["tests/checkcl/checkcl", "--quick", "--filter", "conv2d/cpu_winograd/"]),
    ("the direct convolution reads past the right edge", "cl/common/conv2d.cl",
     "in_column >= table[SIZE_WIDTH]", "in_column > table[SIZE_WIDTH]",
     ["tests/checkcl/checkcl", "--quick", "--filter", "conv2d/generic/"]),
    ("the direct convolution drops its first row of taps", "cl/common/conv2d.cl",
     "for (int ky = 0; ky <", "for (int ky = 1; ky <",
     ["tests/checkcl/checkcl", "--quick", "--filter", "conv2d/generic/"]),
    ("the work-group product repeats a row", "cl/include/tile.h",
     "own[2 * quads] += a[i].z * b;", "own[2 * quads] += a[i].y * b;",
     ["tests/checkcl/checkcl", "--quick", "--filter", "conv2d/gpu_tile/"]),
    ("softmax does not subtract the maximum", "cl/common/softmax.cl",
     "exp(x[i * x_stride] - most)", "exp(x[i * x_stride])",
     ["tests/checkcl/checkcl", "--quick", "--filter", "softmax/strided/"]),
    ("work-items join their sums as if they had one maximum", "cl/gpu/attention.cl",
     "total += sums[row][i] * exp2(mosts[row][i] - all);", "total += sums[row][i];",
     ["tests/checkcl/checkcl", "--quick", "--filter", "attention/gpu_tiled/queries_*"]),
    ("key blocks are not added up", "runtime/ops/attention_blocks.c",
     "plan_sum(schedule, &attention->y, &work->part, &attention->y);", "(void)plan_sum;",
     ["tests/checkcl/checkcl", "--quick", "--filter", "attention/blocks/queries_*"]),
    ("a product's panel forgets where its pass begins", "cl/cpu/taps.cl",
     "w_block + (long)first * w_depth", "w_block",
     ["tests/checkcl/checkcl", "--quick", "--filter", "matmul/cpu_taps/*"]),
    ("max pooling drops NaN", "cl/common/pool.cl",
     "larger_or_nan(value, result)", "fmax(value, result)",
     ["tests/checkcl/checkcl", "--quick", "--filter", "pool2d/strided/"]),
    ("max pooling in blocks passes over NaN", "cl/cpu/pool.cl",
     "return !is_any(nan);", "return true;",
     ["tests/checkcl/checkcl", "--quick", "--filter", "pool2d/cpu_channels/"]),
    ("a block of windows reads past the right edge", "cl/cpu/pool.cl",
     "j < block->end", "j <= block->end",
     ["tests/checkcl/checkcl", "--quick", "--filter", "pool2d/cpu_channels/"]),
    ("relu6 stops at 5", "cl/include/activation.h",
     "return clipv(x, 0.0f, 6.0f);", "return clipv(x, 0.0f, 5.0f);",
     ["tests/checkcl/checkcl", "--quick", "--filter", "activation/*/relu6_*"]),
    ("the spatial gate's mean forgets the number of channels", "cl/cpu/spatial_gate.cl",
     "sum / (float)image->channels;", "sum;",
     ["tests/checkcl/checkcl", "--quick", "--filter", "spatial_gate/cpu_channels/"]),
    ("a gate's last vector is taken after x was overwritten", "cl/include/scale.h",
     "vstorev(last, run->y + count - VECTOR);",
     "vstorev(scaled_at(run, count - VECTOR, has_gains, has_residual, clips), run->y + count - VECTOR);",
     ["tests/checkcl/checkcl", "--quick", "--filter", "channel_gate/cpu_planes/"]),
    ("a gate forgets the residual", "runtime/graph/passes.c",
     "add->epilogue.has_residual = true;", "add->inputs[add->info->residual_input] = 0;",
     ["tests/unit/gate_test"]),
    ("nearest rounds halves up", "cl/include/sample.h",
     "tap_at(rint(pad_coordinate(x, size, padding, align_corners))",
     "tap_at(floor(pad_coordinate(x, size, padding, align_corners) + 0.5f)",
     ["tests/unit/sample_test"]),
    ("a reflection happens once", "cl/include/sample.h",
     "distance - trunc(distance / period) * period", "distance",
     ["tests/checkcl/checkcl", "--quick", "--filter", "warp/*/bilinear_reflection_outside_*"]),
    ("sampling pairs forget the left edge", "cl/cpu/sample.cl",
     "(left != axis->index[0]) | (left == axis->index[1])", "(left != axis->index[0])",
     ["tests/checkcl/checkcl", "--quick", "--filter", "grid_sample/cpu_planes/bilinear_zeros_*"]),
    ("sampling inside the image reads one row twice", "cl/cpu/sample.cl",
     "gather_pairs(from + x_row, at,", "gather_pairs(from, at,",
     ["tests/checkcl/checkcl", "--quick", "--filter", "warp/cpu_planes/bilinear_*"]),
    ("the map's shift is forgotten", "cl/include/sample.h",
     "scale_x * x + scale_y * y + shift;", "scale_x * x + scale_y * y;",
     ["tests/unit/sample_test"]),
    ("batch norm's eps stands outside the root", "runtime/ops/batch_norm.c",
     "sqrt((double)sources[1][c] + (double)eps)", "(sqrt((double)sources[1][c]) + (double)eps)",
     ["tests/checkcl/checkcl", "--quick", "--filter", "batch_norm/"]),
    ("folding forgets eps", "runtime/graph/fold.c",
     "sqrt(variance + fold->eps)", "sqrt(variance)", ["tests/unit/plan_test"]),
    ("concat puts every operand at the front", "runtime/graph/lower.c",
     "start += part->shape.dims[axis];\n        }", "}", ["tests/unit/plan_test"]),
    ("flatten takes the memory as it lies", "runtime/graph/lower_view.c",
     "status == PLUGCL_OK && !operand_is_row_major(&operand)", "status != PLUGCL_OK", ["tests/unit/plan_test"]),
    ("a transposed convolution's kernel is not reversed", "runtime/ops/conv_transpose2d.c",
     "= -step * call->inputs[1].strides[2 + axis];", "= step * call->inputs[1].strides[2 + axis];",
     ["tests/checkcl/checkcl", "--quick", "--filter", "conv_transpose2d/generic/k5*"]),
    ("a deformed sample swaps its shares", "cl/include/deform.h",
     "left + 1, (1.0f - down) * right * factor", "left + 1, down * (1.0f - right) * factor",
     ["tests/checkcl/checkcl", "--quick", "--filter", "deform_conv2d/cpu_columns/k3p1*"]),
    ("a norm's variance forgets the mean", "cl/common/norm.cl",
     "valid_lanes(load_strided(x + p.x, x_step, p.count) - mean, p.count)",
     "valid_lanes(load_strided(x + p.x, x_step, p.count), p.count)",
     ["tests/checkcl/checkcl", "--quick", "--filter", "group_norm/"]),
    ("attention's tiles forget how much a new maximum shrinks the sums", "cl/cpu/attention.cl",
     "shrink[j] = exp2v(before[j] - most[j]);", "shrink[j] = (floatv)(1.0f);",
     ["tests/checkcl/checkcl", "--quick", "--filter", "attention/cpu_*"]),
    ("attention's projection forgets what its sums are to be multiplied by", "cl/cpu/attention.cl",
     "c[i][j] * scale[j] + add", "c[i][j] + add",
     ["tests/checkcl/checkcl", "--quick", "--filter", "attention/cpu_tiled/projected_*"]),
    ("a Non-local block forgets its scale", "runtime/plugins/nonlocal_graph.c",
     "(float)(1 / sqrt((double)size))", "(size > 0 ? 1.0f : 0.0f)", ["tests/plugins/plugins_test"]),
    ("the seed's view takes the softmax over the keys", "runtime/plugins/nonlocal.c",
     "strcmp(axis, \"queries\") == 0 : self->seed_view)", "strcmp(axis, \"queries\") == 0 : false)",
     ["tests/plugins/plugins_test"]),
    ("a concatenation takes phi before theta", "runtime/plugins/nonlocal_graph.c",
     "(size_t)(half * self->inter)", "(size_t)((1 - half) * self->inter)", ["tests/plugins/plugins_test"]),
    ("every image's product by CLBlast is the first's", "runtime/ops/product.c",
     "at.offset += image % batch->sizes[i]", "at.offset += 0 * batch->sizes[i]",
     ["tests/checkcl/checkcl", "--quick", "--filter", "matmul/clblast/3x13*"]),
    ("the residual is added after nothing", "runtime/graph/passes.c",
     "add->inputs[add->info->residual_input] = residual;", "add->inputs[add->info->residual_input] = add->inputs[0];",
     ["tests/unit/plan_test"]),
]


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def is_caught(tree, build, mutation):
    _, name, original, broken, test = mutation
    path = tree / name
    text = path.read_text()
    if original not in text:
        sys.exit(f"mutation.py: {name} no longer holds {original!r}; mend the list of mutations")
    path.write_text(text.replace(original, broken, 1))
    try:
        built = run(["ninja", "-C", str(build), test[0]])
        if built.returncode != 0:
            sys.exit(f"mutation.py: the mutation of {name} does not compile:\n{built.stdout[-2000:]}")
        try:
            return run([str(build / test[0]), *test[1:]], timeout=600).returncode != 0
        except subprocess.TimeoutExpired:
            return True
    finally:
        path.write_text(text)


def main():
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    mutations = [m for m in MUTATIONS if len(sys.argv) == 1 or sys.argv[1] in m[1]]
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", "build", "build-*", "demo-out"))
        build = pathlib.Path(folder) / "build"
        made = run(["meson", "setup", str(build), str(tree), "-Dexamples=false"])
        if made.returncode != 0:
            sys.exit(made.stdout)
        missed = 0
        for mutation in mutations:
            caught = is_caught(tree, build, mutation)
            missed += not caught
            print(f"{'caught' if caught else 'MISSED'}: {mutation[0]}", flush=True)
    print(f"{len(mutations) - missed} passed, {missed} failed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
