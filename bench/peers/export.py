# SPDX-License-Identifier: Apache-2.0
"""Writes a case for the peers that read files: as ONNX, as ncnn's FILE.param and FILE.bin by way of pnnx, or PyTorch's weights.

usage: export.py CASE FILE.onnx
       export.py CASE FILE.param
       export.py CASE FILE.pt
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import torch

import models
from values import inputs


def export_onnx(net, arrays, path):
    torch.nn.functional.affine_grid = models.affine_grid_by_product
    torch.onnx.export(net, tuple(map(torch.from_numpy, arrays.values())), path, input_names=list(arrays), output_names=["y"],
                      opset_version=17)


def export_ncnn(net, arrays, path, folder):
    models.ASPP.spread = lambda self, pooled, x: torch.nn.functional.interpolate(pooled, size=x.shape[2:])  # it has no expand
    trace = pathlib.Path(folder) / "net.pt"
    torch.jit.trace(net, tuple(map(torch.from_numpy, arrays.values()))).save(str(trace))
    shapes = ",".join(str(list(array.shape)).replace(" ", "") for array in arrays.values())
    done = subprocess.run([pathlib.Path(sys.executable).parent / "pnnx", trace, f"inputshape={shapes}", "fp16=0"], cwd=folder,
                          capture_output=True, text=True)
    result = pathlib.Path(folder) / "net.ncnn.param"
    if not result.exists():
        sys.exit(f"pnnx made no ncnn model: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    pathlib.Path(folder, "net.ncnn.bin").replace(path.with_suffix(".bin"))
    result.replace(path)


def main():
    case, path = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2])
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        if path.suffix == ".param":
            export_ncnn(models.build(case), inputs(case), path, folder)
            return
        unfinished = pathlib.Path(folder) / "net"
        if path.suffix == ".pt":
            torch.save(models.build(case).state_dict(), unfinished)
        else:
            export_onnx(models.build(case), inputs(case), str(unfinished))
        unfinished.replace(path)


if __name__ == "__main__":
    main()
