# SPDX-License-Identifier: Apache-2.0
"""What a case is: its entry in cases/*.json, and the arithmetic and the bytes that its work needs."""
import fnmatch
import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent / "cases"
# Topics in the order of the table.
TOPICS = ("aspp", "nonlocal", "cbam", "se", "stn", "conv", "depthwise", "gemm", "layers", "networks", "calls")


def matches(name, pattern, names):
    """A name, a glob, or what names begin with, unless that is itself a name."""
    return fnmatch.fnmatchcase(name, pattern) or (pattern not in names and name.startswith(pattern))


def cases(patterns=("*",)):
    """The cases that one of the patterns is for."""
    found = []
    for topic in TOPICS:
        found += json.loads((FOLDER / f"{topic}.json").read_text())
    names = {case["name"] for case in found}
    return [case for case in found if any(matches(case["name"], pattern, names) for pattern in patterns)]


def valid_taps(size, kernel, stride, dilation):
    """Pairs of an output pixel and a tap that lies inside the picture, along one axis."""
    outputs = (size - 1) // stride + 1
    reach = dilation * (kernel // 2)
    return sum(0 <= i * stride + tap * dilation - reach < size for i in range(outputs) for tap in range(kernel))


def conv_flops(channels, outputs, size, kernel, stride=1, dilation=1, groups=1):
    """Of one picture: with padding counted, and on valid taps alone."""
    pixels = ((size - 1) // stride + 1) ** 2
    pairs = 2 * channels // groups * outputs
    return pairs * pixels * kernel ** 2, pairs * valid_taps(size, kernel, stride, dilation) ** 2


def add(*parts):
    return tuple(map(sum, zip(*parts)))


def aspp_flops(case):
    channels, outputs, size = case["channels"], case["outputs"], case["size"]
    return add(conv_flops(channels, outputs, size, 1), conv_flops(5 * outputs, outputs, size, 1),
               *(conv_flops(channels, outputs, size, 3, dilation=rate) for rate in case["rates"]))


def nonlocal_flops(case):
    channels, pixels = case["channels"], case["size"] ** 2
    projections = 4 * 2 * pixels * channels * (channels // 2)
    return (projections + 4 * pixels ** 2 * (channels // 2),) * 2


def bottleneck_flops(case):
    channels, inner, size = case["channels"], case["channels"] // 4, case["size"]
    one = add(conv_flops(channels, inner, size, 1), conv_flops(inner, inner, size, 3), conv_flops(inner, channels, size, 1))
    return tuple(case["blocks"] * part for part in one)


def finder_flops(case):
    """examples/handwriting's: the fine map is half as wide as the picture, the coarse one a quarter."""
    fine, coarse = case["size"] // 2, case["size"] // 4
    return add(conv_flops(1, 16, case["size"], 3, stride=2), conv_flops(16, 16, fine, 3), conv_flops(16, 16, fine, 3),
               conv_flops(16, 40, coarse, 3), conv_flops(40, 40, coarse, 3), conv_flops(40, 40, coarse, 3),
               nonlocal_flops({"channels": 40, "size": coarse}),
               aspp_flops({"channels": 40, "outputs": 32, "size": coarse, "rates": (2, 4, 6)}),
               conv_flops(48, 24, fine, 3), conv_flops(24, 1, fine, 1))


def reader_flops(case):
    """examples/handwriting's, without what the spatial transformer computes to find theta."""
    size = case["size"]
    return add(conv_flops(1, 24, size, 3), conv_flops(24, 48, size // 2, 3), conv_flops(48, 64, size // 4, 3))


COMPOSED = {"aspp": aspp_flops, "nonlocal": nonlocal_flops, "bottlenecks": bottleneck_flops, "finder": finder_flops,
            "reader": reader_flops}


def flops(case):
    """(nominal, on valid taps) of the whole batch, or None where the arithmetic is not what limits."""
    kind = case["kind"]
    if kind == "gemm":
        return (2 * case["rows"] * case["columns"] * case["depth"],) * 2
    if kind == "conv" and case.get("groups", 1) == 1:
        one = conv_flops(*(case[key] for key in ("channels", "outputs", "size", "kernel")), case.get("stride", 1),
                         case.get("dilation", 1))
    elif kind in COMPOSED:
        one = COMPOSED[kind](case)
    else:
        return None
    return tuple(case["batch"] * part for part in one)


def passes(case):
    """How often the work must read or write [x, result], in elements."""
    kind, batch = case["kind"], case.get("batch", 1)
    if kind in ("softmax", "layer_norm"):
        return 2 * case["rows"] * case["columns"]
    if kind == "transpose":
        return 2 * case["rows"] * case["depth"] * case["columns"]
    picture = batch * case["channels"] * case["size"] ** 2
    if kind in ("se", "cbam"):  # a gate is known after reading all of x: once more for each gate, and once to write
        return (3 if kind == "se" else 4) * picture * case.get("blocks", 1)
    if kind == "elementwise":
        return (3 if case["mode"] == "add" else 2) * picture
    if kind == "resize":
        return picture + batch * case["channels"] * case["to"] ** 2
    if kind == "pool" and case["mode"] == "global":
        return picture
    side = (case["size"] - 1) // case.get("stride", 1) + 1
    return picture + picture // case["size"] ** 2 * side ** 2


def bytes_moved(case):
    """Of work that is limited by memory, else None."""
    return None if flops(case) else 4 * passes(case)


def working_set(case):
    """Bytes that are read or written at all, whatever how often: decides which cache the limit is that of."""
    if case["kind"] in ("se", "cbam"):
        return 4 * 2 * case["batch"] * case["channels"] * case["size"] ** 2
    return bytes_moved(case)
