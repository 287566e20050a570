# SPDX-License-Identifier: Apache-2.0
"""PyTorch as a contender: NCHW, channels-last, and a frozen trace whose convolutions have oneDNN's own layouts.

usage: torch_peer.py CASE THREADS
"""
import json
import sys
import warnings

import torch

import models
from serve import serve
from values import inputs as inputs_of


def fold_norms(net):
    """Batch norms into the convolutions before them, as whoever wants speed does it."""
    children = list(net.named_children())
    for (name, child), (next_name, following) in zip(children, children[1:]):
        if isinstance(child, torch.nn.Conv2d) and isinstance(following, torch.nn.BatchNorm2d):
            setattr(net, name, torch.nn.utils.fusion.fuse_conv_bn_eval(child, following))
            setattr(net, next_name, torch.nn.Identity())
    for _, child in net.named_children():
        fold_norms(child)
    return net


def frozen_trace(net, inputs):
    return torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, inputs)))


def runner(net, inputs):
    return lambda: net(*inputs)


def main():
    case = json.loads(sys.argv[1])
    torch.set_num_threads(int(sys.argv[2]))
    warnings.filterwarnings("ignore")
    inputs = [torch.from_numpy(array) for array in inputs_of(case).values()]
    last = [x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x for x in inputs]
    ways = {}
    with torch.inference_mode():
        ways["nchw"] = runner(fold_norms(models.build(case)), inputs)
        if inputs[0].dim() == 4:
            ways["nhwc"] = runner(fold_norms(models.build(case)).to(memory_format=torch.channels_last), last)
        if case["kind"] == "nonlocal":
            for name, tensors in (("nchw", inputs), ("nhwc", last)):
                net = models.build(case)
                net.by_convolution = True
                ways[f"{name} by convolution"] = runner(net, tensors)
        try:
            with torch.no_grad():
                traced = frozen_trace(models.build(case), inputs)
                traced(*inputs)
                traced(*inputs)
            ways["frozen trace"] = runner(traced, inputs)
        except (RuntimeError, NotImplementedError):  # what the tracer cannot do
            pass
        serve(torch.__version__, ways)


if __name__ == "__main__":
    main()
