#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds `handwriting --image` to what it says: usage: test_image.py PROGRAM DATA."""

import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import zlib

PROGRAM, DATA = sys.argv[1], pathlib.Path(sys.argv[2])
failures = []


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(rows, colour):
    """Rows of grey bytes as an 8-bit PNG of one or three channels."""
    lines = b"".join(b"\0" + (bytes(v for grey in row for v in (grey,) * 3) if colour else bytes(row)) for row in rows)
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 2 if colour else 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def read_grey_png(content):
    """Rows of an 8-bit grey PNG that is not interlaced."""
    width, height = struct.unpack_from(">II", content, 16)
    data, at = b"", 8
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        data += content[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    data, rows, above = zlib.decompress(data), [], [0] * width
    for y in range(height):
        filter_type, line = data[y * (width + 1)], list(data[y * (width + 1) + 1:(y + 1) * (width + 1)])
        for x in range(width):
            a, b, c = line[x - 1] if x else 0, above[x], above[x - 1] if x else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line[x] = (line[x] + (0, a, b, (a + b) // 2, paeth)[filter_type]) % 256
        rows.append(line)
        above = line
    return rows


def boxes_of_scene(scene):
    content = (DATA / "reference.safetensors").read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    begin, end = json.loads(content[8:8 + length])["boxes"]["data_offsets"]
    values = struct.unpack(f"<{(end - begin) // 8}q", content[8 + length + begin:8 + length + end])
    return sum(value == scene for value in values[::5])


def expect(text, condition, result):
    if not condition:
        failures.append(text)
        print(f"FAIL {text}\n  exit {result.returncode}\n  {result.stdout}\n  {result.stderr}")


def run(*arguments):
    return subprocess.run([PROGRAM, "--data", DATA, *arguments], capture_output=True, text=True)


def digits_of(result):
    return re.findall(r"^  (\d)  at x (\d+) to (\d+), y (\d+) to (\d+), \d+ % sure$", result.stdout, re.M)


def check_good_pictures(folder, out):
    content = (DATA / "scenes" / "scene-0.png").read_bytes()
    rows = read_grey_png(content)
    (folder / "grey.png").write_bytes(content)
    (folder / "colour.png").write_bytes(png(rows, True))
    (folder / "odd.png").write_bytes(png([row[:251] for row in rows[:253]], False))
    (folder / "twice.png").write_bytes(png([[v for v in row for _ in (0, 1)] for row in rows for _ in (0, 1)], False))
    (folder / "small.png").write_bytes(png([[200] * 5] * 3, False))
    grey = run("--image", folder / "grey.png", "--out", out)
    expect("a scene: as many digits as PyTorch finds", grey.returncode == 0 and len(digits_of(grey)) == boxes_of_scene(0), grey)
    expect("the picture is there", (out / "grey-read.png").read_bytes()[:4] == b"\x89PNG", grey)
    colour = run("--image", folder / "colour.png", "--out", out)
    expect("colours read as grey does", digits_of(colour) == digits_of(grey), colour)
    odd = run("--image", folder / "odd.png", "--out", out)
    inside = all(int(right) < 251 and int(bottom) < 253 for _, _, right, _, bottom in digits_of(odd))
    expect("odd sizes", odd.returncode == 0 and inside and len(digits_of(odd)) >= 3, odd)
    twice = run("--image", folder / "twice.png", "--out", out, "--shrink", "2")
    doubled = [(digit, *(str(2 * int(v)) for v in (x0, y0))) for digit, x0, _, y0, _ in digits_of(grey)]
    expect("a picture shrunk to the scene, places in its own pixels",
           [(digit, x0, y0) for digit, x0, _, y0, _ in digits_of(twice)] == doubled, twice)
    small = run("--image", folder / "small.png", "--out", out)
    expect("5x3 pixels", small.returncode == 0 and "0 digits found" in small.stdout, small)


def check_bad_pictures(folder, out):
    content = (DATA / "scenes" / "scene-0.png").read_bytes()
    (folder / "cut.png").write_bytes(content[:len(content) // 2])
    (folder / "text.png").write_text("not a picture\n")
    (folder / "empty.png").write_bytes(b"")
    (folder / "wide.png").write_bytes(content[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 50000, 1, 8, 0, 0, 0, 0))
                                      + content[33:])
    for name, words in (("missing.png", "No such file"), ("cut.png", "damaged or cut off"), ("text.png", "as a PNG picture"),
                        ("empty.png", "as a PNG picture"), ("wide.png", "50000x1 pixels")):
        result = run("--image", folder / name, "--out", out)
        line = result.stderr.strip()
        expect(f"{name}: one clear line", result.returncode == 1 and words in line and name in line and "\n" not in line, result)
    for arguments in (["--image"], ["--shrink", "2"], ["--image", "a.png", "--shrink", "0"], ["--zoom", "2"]):
        result = run(*arguments)
        expect(f"{arguments}: exit 2", result.returncode == 2 and "see --help" in result.stderr, result)


with tempfile.TemporaryDirectory() as name:
    check_bad_pictures(pathlib.Path(name), pathlib.Path(name) / "out")
    check_good_pictures(pathlib.Path(name), pathlib.Path(name) / "out")
sys.exit(f"{len(failures)} failed" if failures else 0)
