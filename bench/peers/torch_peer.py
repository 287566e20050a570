# SPDX-License-Identifier: Apache-2.0
"""PyTorch as a contender: NCHW, channels-last, and a frozen trace whose convolutions have oneDNN's own layouts.

usage: torch_peer.py CASE THREADS
"""
import json
import sys
import warnings
from functools import partial

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


def eager(case, inputs, memory_format, by_convolution):
    net = fold_norms(models.build(case))
    if by_convolution:
        net.by_convolution = True
    if memory_format is torch.channels_last:
        net = net.to(memory_format=memory_format)
        inputs = [x.contiguous(memory_format=memory_format) if x.dim() == 4 else x for x in inputs]
    net(*inputs)
    return lambda: net(*inputs)


def frozen_trace(case, inputs):
    """None where the tracer cannot do it."""
    try:
        with torch.no_grad():
            net = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(models.build(case), inputs)))
            net(*inputs)
            net(*inputs)
    except (RuntimeError, NotImplementedError):
        return None
    return lambda: net(*inputs)


def main():
    case = json.loads(sys.argv[1])
    torch.set_num_threads(int(sys.argv[2]))
    warnings.filterwarnings("ignore")
    inputs = [torch.from_numpy(array) for array in inputs_of(case).values()]
    makers = {}
    for name, memory_format in (("nchw", torch.contiguous_format), ("nhwc", torch.channels_last)):
        if memory_format is torch.channels_last and inputs[0].dim() != 4:
            continue
        makers[name] = partial(eager, case, inputs, memory_format, False)
        if case["kind"] == "nonlocal":
            makers[f"{name} by convolution"] = partial(eager, case, inputs, memory_format, True)
    makers["frozen trace"] = partial(frozen_trace, case, inputs)
    with torch.inference_mode():
        serve(torch.__version__, makers)


if __name__ == "__main__":
    main()
