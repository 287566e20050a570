# SPDX-License-Identifier: Apache-2.0
"""Made-up weights and inputs by name, the same as in values.c, so that every contender computes the same."""
import numpy

THETA = (0.9, -0.3, 0.05, 0.3, 0.9, 0.0)


def name_seed(name):
    seed = 2166136261
    for letter in name.encode():
        seed = (seed ^ letter) * 16777619 % 2 ** 32
    return seed


def values(name, shape):
    count = int(numpy.prod(shape, dtype=numpy.int64))
    if name == "theta":
        return numpy.resize(numpy.array(THETA, numpy.float32), shape)
    with numpy.errstate(over="ignore"):
        bits = numpy.arange(count, dtype=numpy.uint32) * numpy.uint32(2654435761) + numpy.uint32(name_seed(name))
        bits = (bits ^ bits >> numpy.uint32(15)) * numpy.uint32(2246822519)
        bits ^= bits >> numpy.uint32(13)
    result = (bits >> numpy.uint32(8)).astype(numpy.float32) * numpy.float32(1 / 8388608) - numpy.float32(1)
    if len(shape) == 1:
        factor = name.endswith(("weight", "running_var"))  # of a norm: about 1
        result = result * numpy.float32(0.5 if factor else 0.1) + numpy.float32(1 if factor else 0)
    elif name.endswith("weight"):
        result *= numpy.float32(numpy.sqrt(3.0 * shape[0] / count))  # a layer keeps the variance of what it reads
    return numpy.ascontiguousarray(result.reshape(shape))


def input_shapes(case):
    """Name to shape, in the order of the module's arguments."""
    batch = case.get("batch", 1)
    if case["kind"] == "gemm":
        shapes = {"x": [case["rows"], case["depth"]]}
        return shapes if case.get("constant") else {**shapes, "k": [case["depth"], case["columns"]]}
    if case["kind"] in ("softmax", "layer_norm"):
        return {"x": [case["rows"], case["columns"]]}
    if case["kind"] == "transpose":
        return {"x": [case["rows"], case["depth"], case["columns"]]}
    picture = [batch, case.get("channels", 1), case["size"], case["size"]]
    if case["kind"] == "stn":
        return {"x": picture, "theta": [batch, 2, 3]}
    if case["kind"] == "elementwise" and case["mode"] != "gelu":
        return {"x": picture, "k": picture if case["mode"] == "add" else picture[:2] + [1, 1]}
    return {"x": picture}


def inputs(case):
    return {name: values(name, shape) for name, shape in input_shapes(case).items()}


def summary(result):
    """What a contender tells of its result, in which the order of the elements does not matter: mean, mean size, mean square."""
    array = numpy.asarray(result.numpy() if hasattr(result, "numpy") else result, numpy.float64)
    return [float(array.mean()), float(numpy.abs(array).mean()), float((array * array).mean())]
