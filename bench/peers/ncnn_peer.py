# SPDX-License-Identifier: Apache-2.0
"""ncnn as a contender, on one picture: float32, packed layouts, with Winograd and without, memory from pools.

usage: ncnn_peer.py CASE MODEL.param THREADS
"""
import json
import pathlib
import sys
from functools import partial

import ncnn

from serve import serve
from values import inputs


def make(path, threads, arrays, winograd):
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_winograd_convolution = winograd
    net.opt.use_packing_layout = True
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    net.opt.openmp_blocktime = 0  # no spinning between turns
    pools = ncnn.UnlockedPoolAllocator(), ncnn.PoolAllocator()
    net.opt.blob_allocator, net.opt.workspace_allocator = pools
    if net.load_param(str(path)) != 0 or net.load_model(str(path.with_suffix(".bin"))) != 0:
        sys.exit(f"ncnn cannot load {path}")
    # ncnn has no batch: a picture is [C, H, W]; matrices keep their rank.
    tensors = [ncnn.Mat(array[0] if array.ndim == 4 else array) for array in arrays.values()]

    def run():
        extractor = net.create_extractor()
        for i, tensor in enumerate(tensors):
            extractor.input(f"in{i}", tensor)
        return extractor.extract("out0")[1]
    run.keep = net, pools
    run()
    return run


def main():
    case, path, threads = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    arrays = inputs(case)
    serve(ncnn.__version__, {"winograd": partial(make, path, threads, arrays, True),
                             "direct": partial(make, path, threads, arrays, False)})


if __name__ == "__main__":
    main()
