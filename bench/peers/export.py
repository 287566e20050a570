# SPDX-License-Identifier: Apache-2.0
"""Writes a case as ONNX, for the peers that read that.

usage: export.py CASE FILE
"""
import json
import os
import sys
import warnings

import torch

import models
from values import inputs as inputs_of


def main():
    case, path = json.loads(sys.argv[1]), sys.argv[2]
    warnings.filterwarnings("ignore")
    inputs = inputs_of(case)
    unfinished = f"{path}.{os.getpid()}"
    torch.onnx.export(models.build(case), tuple(torch.from_numpy(array) for array in inputs.values()), unfinished,
                      input_names=list(inputs), output_names=["y"], opset_version=17)
    os.replace(unfinished, path)


if __name__ == "__main__":
    main()
