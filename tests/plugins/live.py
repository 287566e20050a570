#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Random modules of every flavour and size, live against PyTorch through the plugcl command, fusion on and off: weights of every
type, behind wrappers or not, batches of 0 to 3, single pixels and channels, and inputs with NaN and infinities.

usage: live.py PLUGCL [COUNT] [SEED]    (Debian's python3-torch; the seed is printed, so that a failure can be run again)
"""
import os
import random
import subprocess
import sys
import tempfile

import numpy
import torch
from torch.nn import functional as F

import aspp_modules
import make_vectors as modules
import nonlocal_modules
import stn_modules

BUDGET = 1e-5  # of the largest |reference|
BUDGETS = {"aspp": 1e-4, "nonlocal": 1e-4}


ACTIVATIONS = {"relu": F.relu, "relu6": F.relu6, "leaky_relu": F.leaky_relu, "elu": F.elu, "silu": F.silu, "gelu": F.gelu,
               "hard_swish": F.hardswish, "tanh": torch.tanh, "identity": lambda x: x}
TYPES = [torch.float32, torch.float16, torch.bfloat16, torch.float64]
SPECIAL = [float("nan"), float("inf"), -float("inf"), 1e15, -1e15]


def channels_and_hidden(rng):
    hidden = rng.choice([1, 2, 3, 4, 8, 9])
    return hidden * rng.choice([1, 2, 4, 8, 16]), hidden


def choose(rng):
    """(plug-in, options, module, channels) of a random flavour."""
    if rng.random() < 0.3:
        return stn_modules.choose(rng)
    c, h = channels_and_hidden(rng)
    if rng.random() < 0.2:
        return ("aspp", *aspp_modules.choose(rng, c), c)
    if rng.random() < 0.25:
        return ("nonlocal", *nonlocal_modules.choose(rng))
    k = rng.choice([1, 3, 5, 7])
    act = rng.choice(list(ACTIVATIONS))
    copies = lambda: modules.ChannelAttention(c, h, rng.random() < 0.5)
    return rng.choice([
        lambda: ("se", [], modules.LinearSE(c, max(1, c // h)), c),
        lambda: ("se", [], modules.ConvSE(c, h), c),
        lambda: ("se", [], modules.TwoConvSE(c, h), c),
        lambda: ("se", ["act=silu"], modules.TwoConvSE(c, h, act=F.silu), c),
        lambda: ("se", [f"act={act}"], modules.TwoConvSE(c, h, act=ACTIVATIONS[act]), c),
        lambda: ("se", [f"act={act}"], modules.TwoConvSE(c, h, ("conv_reduce", "conv_expand"), ACTIVATIONS[act]), c),
        lambda: ("se", ["flavour=moskomule"], modules.LinearSE(c, max(1, c // h)), c),
        lambda: ("se", ["act=hard_swish", "gate=hard_sigmoid"], modules.TwoConvSE(c, h, act=F.hardswish, gate=F.hardsigmoid), c),
        lambda: ("se", [], modules.TimmSE(c, h), c),
        lambda: ("se", ["add_maxpool=true"], modules.TimmSE(c, h, norm=False, add_maxpool=True), c),
        lambda: ("se", ["act=silu"], modules.TwoConvSE(c, h, ("conv_reduce", "conv_expand"), F.silu), c),
        lambda: ("se", [], modules.EseModule(c), c),
        lambda: ("se", [], modules.MmcvSE(c, h, False), c),
        lambda: ("se", ["alpha=0.5", "beta=0.5"], modules.MmcvSE(c, h, True), c),
        lambda: ("cbam", [], modules.Cbam(ChannelGate=modules.OfficialChannelGate(c, c // h, ["avg", "max"]),
                                          SpatialGate=modules.OfficialSpatialGate()), c),
        lambda: ("cbam", ["pools=avg,max,lp,lse"],
                 modules.Cbam(ChannelGate=modules.OfficialChannelGate(c, c // h, ["avg", "max", "lp", "lse"]),
                              SpatialGate=modules.OfficialSpatialGate()), c),
        lambda: ("cbam", [], modules.Cbam(ca=copies(), sa=modules.SpatialAttention(k)), c),
        lambda: ("cbam", [], modules.SeedCbam(c, h, k), c),
        lambda: ("cbam", [], modules.Cbam(channel_attention=modules.UltralyticsChannelAttention(c),
                                          spatial_attention=modules.SpatialAttention(k, "cv1")), c),
        lambda: ("cbam", [], modules.Cbam(channel=modules.TimmChannelAttention(c, h), spatial=modules.TimmSpatialAttention()), c),
        lambda: ("channel_attention", [], modules.OfficialChannelGate(c, c // h, ["avg", "max"]), c),
        lambda: ("channel_attention", [], copies(), c),
        lambda: ("channel_attention", [], modules.UltralyticsChannelAttention(c), c),
        lambda: ("spatial_attention", [], modules.OfficialSpatialGate(), c),
        lambda: ("spatial_attention", [], modules.SpatialAttention(k), c),
        lambda: ("spatial_attention", [], modules.SpatialAttention(k, "cv1"), c),
        lambda: ("spatial_attention", [], modules.TimmSpatialAttention(), c),
    ])()


def run(plugcl, folder, plugin, options, prefix, outputs, tolerances, fusion):
    command = [plugcl, "run", plugin, "-w", f"{folder}/w.safetensors", "--prefix", prefix, "-i", f"{folder}/x.npy",
               "--fusion", fusion]
    for option in options:
        command += ["--set", option]
    for name in outputs:
        command += ["-o", f"{name}={folder}/{name}.npy"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return f"exit {done.returncode}: {done.stderr.strip()}"
    for name, expected in outputs.items():
        found = numpy.load(f"{folder}/{name}.npy")
        if found.shape != tuple(expected.shape):
            return f"{name} has shape {found.shape}, not {tuple(expected.shape)}"
        expected = expected.numpy()
        budget, counts = tolerances.get(name, (BUDGETS.get(plugin, BUDGET), True))
        found, expected = numpy.where(counts, found, 0), numpy.where(counts, expected, 0)
        finite = numpy.isfinite(expected)
        if not numpy.array_equal(found[~finite], expected[~finite], equal_nan=True):
            return f"{name} differs where PyTorch has NaN or infinity: {found[~finite][:8]}, not {expected[~finite][:8]}"
        if not finite.any():
            continue
        error = numpy.abs(found[finite] - expected[finite]).max() / max(1e-3, numpy.abs(expected[finite]).max())
        if not error <= budget:
            return f"{name} is off by {error:.2e} of the largest value"
    return None


def check(plugcl, seed):
    rng = random.Random(seed)
    torch.manual_seed(seed)
    plugin, options, module, channels = choose(rng)
    module = module.eval()
    image = rng.choice([1, 2, 5, 7, 13, 28]), rng.choice([1, 3, 4, 9, 17])
    shape = (rng.choice(getattr(module, "batches", [0, 1, 1, 2, 3])), channels, *getattr(module, "image", image))
    prefix = rng.choice(["layer1.0.attention", "a.b.", "module.x", ""])
    inside = rng.choice(["", "module.", "_orig_mod.", "model.", "_orig_mod.module."]) + prefix.rstrip(".") + "." * (prefix != "")
    dtype = rng.choice(getattr(module, "dtypes", TYPES))
    with torch.no_grad():
        modules.randomise(module)
        for tensor in module.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.to(dtype))
        x = torch.randn(shape)
        if x.numel() > 0 and rng.random() < 0.3:
            values = [rng.choice(getattr(module, "special", SPECIAL)) for _ in range(rng.randint(1, 2))]
            for value in values[:1] if sum(values) == 0 else values:  # of two that cancel, a mean leaves the rounding alone
                x.view(-1)[rng.randrange(x.numel())] = value
        outputs = module.double()(x.double())
        tolerances = module.tolerances(x, outputs) if hasattr(module, "tolerances") else {}
        outputs = {name: value.float() for name, value in outputs.items()}
    with tempfile.TemporaryDirectory() as folder:
        tensors = {inside + key: value.to(dtype) if value.is_floating_point() else value
                   for key, value in module.state_dict().items()}
        tensors[(prefix.rstrip(".") or "other") + "0.fc1.weight"] = torch.randn(2, 2)
        modules.save(f"{folder}/w.safetensors", tensors)
        numpy.save(f"{folder}/x.npy", x.numpy())
        for fusion in ("on", "off"):
            problem = run(plugcl, folder, plugin, options, prefix, outputs, tolerances, fusion)
            if problem:
                print(f"FAIL seed {seed}: {plugin} {options} {tuple(shape)} {list(module.state_dict())} fusion {fusion}: {problem}",
                      flush=True)
                return False
    return True


def main(usage, count, open_path, check_one):
    """Checks `count` seeds, or those of the command line, against what open_path makes of its first argument."""
    if not 2 <= len(sys.argv) <= 4 or sys.argv[1].startswith("-"):
        sys.exit(usage)
    count = int(sys.argv[2]) if len(sys.argv) > 2 else count
    first = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(10**6)
    print(f"seeds {first} to {first + count - 1}, torch {torch.__version__}", flush=True)
    subject = open_path(sys.argv[1])
    passed = sum(check_one(subject, first + i) for i in range(count))
    print(f"{passed} passed, {count - passed} failed")
    return 0 if passed == count else 1


if __name__ == "__main__":
    sys.exit(main(__doc__, 40, os.path.abspath, check))
