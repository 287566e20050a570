#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz targets: make_corpus.py FOLDER makes FOLDER/safetensors and so on."""
import hashlib
import json
import os
import struct
import sys


def safetensors(tensors, padding=0):
    """tensors: a list of (name, dtype, shape, bytes)."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, dtype, shape, size in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + size]}
        data += bytes(i % 251 for i in range(size))
    text = json.dumps(header, separators=(",", ":")).encode() + b" " * padding
    return struct.pack("<Q", len(text)) + text + data


def npy(descr, fortran, shape, size, version=1):
    text = repr({"descr": descr, "fortran_order": fortran, "shape": shape}).encode()
    start = 10 if version == 1 else 12
    text += b" " * (-(start + len(text) + 1) % 64) + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + bytes(i % 251 for i in range(size))


def cache_file(key, warm, binary, version=1):
    payload = struct.pack("<I", len(warm)) + b"".join(struct.pack("<Q", hash) for hash in warm) + binary
    return (b"PLUGCLB\n" + struct.pack("<II", version, 0) + key + struct.pack("<Q", len(payload)) +
            hashlib.sha256(payload).digest() + payload)


SEEDS = {
    "cache_file": {
        "program": cache_file(bytes(range(32)), [1, 2 ** 64 - 1], b"poclbin" + bytes(100)),
        "cold": cache_file(bytes(32), [], b"x"),
        "future": cache_file(bytes(32), [], b"x", version=2),
        "payload": struct.pack("<IQ", 1, 77) + b"binary",
    },
    "safetensors": {
        "empty": safetensors([]),
        "one": safetensors([("model.conv.weight", "F32", [2, 1, 1, 1], 8)]),
        "types": safetensors([("a", "F16", [3], 6), ("b", "BF16", [1], 2), ("c", "F64", [], 8), ("d", "I32", [1], 4),
                              ("e", "I64", [1], 8), ("f", "BOOL", [2], 2), ("g", "U8", [5], 5), ("h", "F4", [2], 1),
                              ("i", "F32", [0, 7], 0)], padding=5),
        "deep": safetensors([("x", "F32", [1] * 9, 4), ("module.x", "F32", [1] * 8, 4)]),
    },
    "npy": {
        "scalar": npy("<f4", False, (), 4),
        "vector": npy(">f8", False, (3,), 24),
        "fortran": npy("<f2", True, (2, 3), 12, version=2),
        "images": npy(">f4", True, (1, 2, 2, 2), 32, version=3),
        "nothing": npy("<f4", False, (4, 0), 0),
        "integers": npy("<i8", False, (1,), 8),
    },
}


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make_corpus.py FOLDER")
    for target, seeds in SEEDS.items():
        folder = os.path.join(sys.argv[1], target)
        os.makedirs(folder, exist_ok=True)
        for name, data in seeds.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)


if __name__ == "__main__":
    main()
