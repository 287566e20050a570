#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Random calls of plugcl_graph_resize beside F.interpolate, through the shared library: every mode, by size and by scale.

usage: live_resize.py LIBPLUGCL [COUNT] [SEED]    (Debian's python3-torch; the seed is printed)
"""
import ctypes
import random
import sys

import numpy
import torch
from torch.nn import functional as F

import live


class Shape(ctypes.Structure):
    _fields_ = [("rank", ctypes.c_uint32), ("dims", ctypes.c_int64 * 8)]

    @staticmethod
    def of(dims):
        return Shape(len(dims), (ctypes.c_int64 * 8)(*dims))


class Value(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint32)]


class ResizeParams(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("mode", ctypes.c_int), ("coordinates", ctypes.c_int), ("rounding", ctypes.c_int),
                ("size", ctypes.c_uint32 * 2), ("scale", ctypes.c_double * 2), ("cubic_coefficient", ctypes.c_float)]


class Binding(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("tensor", ctypes.c_void_p)]


MODES = {"bilinear": 0, "nearest": 1, "nearest-exact": 1, "bicubic": 2}
HALF_PIXEL, ALIGN_CORNERS, PREFER_CEIL = 1, 3, 3


class Plugcl:
    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.library.plugcl_graph_input.restype = self.library.plugcl_graph_resize.restype = Value
        self.library.plugcl_error_message.restype = ctypes.c_char_p
        self.context = ctypes.c_void_p()
        self.call("plugcl_context_create", None, ctypes.byref(self.context))

    def call(self, name, *arguments):
        if getattr(self.library, name)(*arguments) != 0:
            raise RuntimeError(f"{name}: {self.library.plugcl_error_message().decode()}")

    def wrap(self, array):
        tensor = ctypes.c_void_p()
        self.call("plugcl_tensor_wrap_host", array.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(array.nbytes), 0,
                  ctypes.byref(Shape.of(array.shape)), 0, ctypes.byref(tensor))
        return tensor

    def resize(self, x, y_shape, params):
        y = numpy.full(y_shape, numpy.nan, numpy.float32)
        graph, plan, tensors = ctypes.c_void_p(), ctypes.c_void_p(), [self.wrap(x), self.wrap(y)]
        self.call("plugcl_graph_create", None, ctypes.byref(graph))
        value = self.library.plugcl_graph_input(graph, b"x", 0, ctypes.byref(Shape.of(x.shape)))
        value = self.library.plugcl_graph_resize(graph, value, Value(0), ctypes.byref(params))
        self.library.plugcl_graph_output(graph, b"y", value)
        self.call("plugcl_plan_create", self.context, graph, None, ctypes.byref(plan))
        bindings = (Binding * 2)(Binding(b"x", tensors[0]), Binding(b"y", tensors[1]))
        self.call("plugcl_plan_run", plan, bindings, ctypes.c_size_t(2), None)
        for tensor in tensors:
            self.library.plugcl_tensor_destroy(ctypes.byref(tensor))
        self.library.plugcl_plan_destroy(ctypes.byref(plan))
        self.library.plugcl_graph_destroy(ctypes.byref(graph))
        return y


def check(plugcl, seed):
    rng = random.Random(seed)
    torch.manual_seed(seed)
    mode, corners = rng.choice(list(MODES)), rng.random() < 0.4
    x = torch.randn(rng.randint(1, 3), rng.choice([1, 3, 16, 37]), rng.randint(1, 40), rng.randint(1, 40))
    options, params = {"mode": mode}, ResizeParams(ctypes.sizeof(ResizeParams), MODES[mode])
    if mode == "nearest-exact":
        params.coordinates, params.rounding = HALF_PIXEL, PREFER_CEIL
    if mode.startswith("bi"):
        options["align_corners"] = corners
        params.coordinates = ALIGN_CORNERS if corners else 0
    if rng.random() < 0.5:
        options["size"] = (rng.randint(1, 80), rng.randint(1, 80))
        params.size[:] = options["size"]
    else:
        options["scale_factor"] = tuple(max(rng.choice([0.5, 2.0, 3.0, rng.uniform(0.2, 4)]), 1.01 / side) for side in x.shape[2:])
        params.scale[:] = options["scale_factor"]
    # There PyTorch's own answers differ between NCHW and channels-last.
    if mode == "nearest" and any(floor_size in (side, 2 * side) for side, floor_size in
                                 ((side, int(side * scale)) for side, scale in zip(x.shape[2:], options.get("scale_factor", ())))):
        return True
    # Which pixel is nearest is a matter of float's rounding, so there the reference is the float one, exactly.
    nearest = mode.startswith("nearest")
    expected = F.interpolate(x if nearest else x.double(), **options).numpy()
    found = plugcl.resize(x.numpy(), expected.shape, params)
    error = numpy.abs(found - expected).max() / max(1e-3, numpy.abs(expected).max())
    if not error <= (0 if nearest else live.BUDGET):
        print(f"FAIL seed {seed}: {tuple(x.shape)} {options}: off by {error:.2e} of the largest value", flush=True)
        return False
    return True


if __name__ == "__main__":
    sys.exit(live.main(__doc__, 200, Plugcl, check))
