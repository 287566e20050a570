# SPDX-License-Identifier: Apache-2.0
"""Writes and reads the files that the command takes, with nothing but the standard library."""
import json
import math
import random
import struct
import zlib


def product(shape):
    return math.prod(shape)


def floats(shape, seed):
    generator = random.Random(seed)
    values = [generator.uniform(-1, 1) for _ in range(product(shape))]
    return list(struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))


def safetensors_bytes(tensors):
    """tensors: name -> (shape, floats)."""
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        part = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def npy_bytes(shape, values, descr="<f4", fortran=False):
    text = repr({"descr": descr, "fortran_order": fortran, "shape": tuple(shape)}).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    order = ">" if descr[0] == ">" else "<"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + struct.pack(
        f"{order}{len(values)}{ {'f2': 'e', 'f4': 'f', 'f8': 'd', 'i4': 'i'}[descr[1:]]}", *values)


def npy_read(path):
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
    length = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10:10 + length].decode(), {"__builtins__": {}}, {"True": True, "False": False})
    assert header["descr"] == "<f4" and header["fortran_order"] is False, header
    values = data[10 + length:]
    assert len(values) == 4 * product(header["shape"])
    return header["shape"], list(struct.unpack(f"<{len(values) // 4}f", values))


def png_bytes(width, height, channels, pixels, depth=8):
    """pixels: interleaved bytes; channels 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    stride = width * channels * depth // 8
    rows = b"".join(b"\x00" + bytes(pixels[y * stride:(y + 1) * stride]) for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def se_reference(shape, x, first, second, hidden):
    """Squeeze-and-Excitation: (y, gate) for weights [hidden, C] and [C, hidden] without biases."""
    n, c, h, w = shape
    y, gates = [], []
    for i in range(n):
        means = [math.fsum(x[(i * c + k) * h * w:(i * c + k + 1) * h * w]) / (h * w) for k in range(c)]
        middle = [max(0.0, math.fsum(first[j * c + k] * means[k] for k in range(c))) for j in range(hidden)]
        for k in range(c):
            gate = sigmoid(math.fsum(second[k * hidden + j] * middle[j] for j in range(hidden)))
            gates.append(gate)
            y += [value * gate for value in x[(i * c + k) * h * w:(i * c + k + 1) * h * w]]
    return y, gates
