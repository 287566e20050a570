# SPDX-License-Identifier: Apache-2.0
"""Reading and writing what lies on the disk: safetensors, pictures, opencv-doc's files."""

import gzip
import io
import json
import pathlib
import struct
import subprocess
import zlib

import numpy
from PIL import Image


class Failure(Exception):
    """Something the user can put right; main prints it as one line."""


SAFETENSORS_TYPES = {"F16": numpy.float16, "F32": numpy.float32, "I64": numpy.int64}


def write_safetensors(path, tensors):
    names = {numpy.dtype(kind): name for name, kind in SAFETENSORS_TYPES.items()}
    header, data = {}, b""
    for name, array in tensors.items():
        raw = numpy.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": names[array.dtype], "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)                       # so that the data start on 8 bytes
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    content = read_bytes(path)
    tensors = {}
    try:
        (length,) = struct.unpack_from("<Q", content)
        data = content[8 + length:]
        for name, entry in json.loads(content[8:8 + length]).items():
            begin, end = entry["data_offsets"]
            array = numpy.frombuffer(data[begin:end], SAFETENSORS_TYPES[entry["dtype"]])
            tensors[name] = array.reshape(entry["shape"])
    except (struct.error, ValueError, KeyError, TypeError, AttributeError):
        raise Failure(f"{path} is not a safetensors file of F16, F32 and I64 tensors") from None
    return tensors


def read_bytes(path):
    try:
        return path.read_bytes()
    except OSError as problem:
        raise Failure(f"cannot read {path}: {problem.strerror}") from None


def read_grey(path):
    """A picture as uint8 [H, W]; the file may be compressed once more by gzip."""
    content = read_bytes(path)
    try:
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        return numpy.asarray(Image.open(io.BytesIO(content)).convert("L"))
    except (OSError, EOFError, SyntaxError, zlib.error):  # SyntaxError: Pillow, of a broken PNG
        raise Failure(f"{path} is not a picture that can be read") from None


def write_grey(path, picture):
    Image.fromarray(picture, "L").save(path, optimize=True)


def read_tiles(path, columns, rows, side):
    """A grey picture cut into tiles in reading order: uint8 [columns * rows, side, side]."""
    picture = read_grey(path)
    if picture.shape != (rows * side, columns * side):
        raise Failure(f"{path} is {picture.shape[1]}x{picture.shape[0]} pixels, "
                      f"expected {columns * side}x{rows * side}")
    tiles = picture.reshape(rows, side, columns, side).transpose(0, 2, 1, 3)
    return tiles.reshape(-1, side, side)


def write_tiles(path, tiles, columns):
    count, side = tiles.shape[:2]
    picture = tiles.reshape(count // columns, columns, side, side).transpose(0, 2, 1, 3)
    write_grey(path, picture.reshape(-1, columns * side))


def opencv_examples():
    """The folder of Debian's opencv-doc that holds data/digits.png and the photographs."""
    try:
        listing = subprocess.run(["dpkg", "-L", "opencv-doc"], capture_output=True, text=True)
    except FileNotFoundError:
        raise Failure("no dpkg here to find opencv-doc with: give its folder with --examples PATH") from None
    for line in listing.stdout.splitlines():
        if line.endswith(("/data/digits.png", "/data/digits.png.gz")):
            return pathlib.Path(line).parent.parent
    raise Failure("opencv-doc not found: apt install opencv-doc, or give its examples folder with --examples PATH")


def example_picture(folder, name):
    """A grey picture of opencv-doc, stored as it is or compressed by gzip."""
    path = folder / name
    return read_grey(path if path.exists() else folder / (name + ".gz"))
