#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes eca.safetensors: two ECA layers with random weights, an input, and what PyTorch makes of it.

usage: make_vectors.py    (needs torch; writes beside itself)
"""
import json
import os
import struct

import torch
from torch import nn


class EcaLayer(nn.Module):
    """The authors' layer (https://github.com/BangguWu/ECANet), with timm's choice of the gate."""

    def __init__(self, k_size, gate):
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.conv = nn.Conv1d(1, 1, kernel_size=k_size, padding=(k_size - 1) // 2, bias=False)
        self.gate = gate

    def forward(self, x):
        y = self.avg_pool(x)
        y = self.conv(y.squeeze(-1).transpose(-1, -2)).transpose(-1, -2).unsqueeze(-1)
        y = self.gate(y)
        return x * y.expand_as(x), y


def save(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        part = tensor.detach().contiguous().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main():
    torch.manual_seed(3)
    x = torch.randn(2, 12, 5, 7)
    tensors = {"vector.x": x}
    for name, k_size, gate in [("soft", 5, torch.sigmoid), ("hard", 3, nn.functional.hardsigmoid)]:
        layer = EcaLayer(k_size, gate).eval()
        nn.init.normal_(layer.conv.weight, std=4.0)
        y, weights = layer(x)
        tensors |= {f"{name}.conv.weight": layer.conv.weight, f"vector.{name}.y": y, f"vector.{name}.gate": weights}
    save(os.path.join(os.path.dirname(os.path.abspath(__file__)), "eca.safetensors"), tensors)


if __name__ == "__main__":
    main()
