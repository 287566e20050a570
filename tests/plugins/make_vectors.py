#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes data/*.safetensors: small modules in the style of each published flavour, with what PyTorch computes for them.

Run as /usr/bin/python3 tests/plugins/make_vectors.py with Debian's python3-torch (made with 1.13.1; each vector has its own seed).
The modules are written here from their published descriptions; the names in their state dicts are the published ones. Each file
holds the module's weights below "net.1.gate.", tensors of other modules, and x and the outputs below "vector.". The list of
vectors in plugins_test.c says with which plug-in, options and flavour each one is run.
"""
import json
import os
import struct
import sys
import zlib

import torch
from torch import nn
from torch.nn import functional as F

import aspp_modules
import nonlocal_modules
import stn_modules
from conv_module import ConvModule

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")


class LinearSE(nn.Module):
    """moskomule's SELayer."""
    def __init__(self, channels, reduction):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(channels, channels // reduction, bias=False), nn.ReLU(inplace=True),
                                nn.Linear(channels // reduction, channels, bias=False), nn.Sigmoid())

    def forward(self, x):
        n, c = x.shape[:2]
        gate = self.fc(F.adaptive_avg_pool2d(x, 1).view(n, c)).view(n, c, 1, 1)
        return {"y": x * gate, "gate": gate}


class ConvSE(nn.Module):
    def __init__(self, channels, hidden):
        super().__init__()
        self.fc = nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, channels, 1), nn.Sigmoid())

    def forward(self, x):
        gate = self.fc(F.adaptive_avg_pool2d(x, 1))
        return {"y": x * gate, "gate": gate}


class TwoConvSE(nn.Module):
    """torchvision's SqueezeExcitation and, with other names, timm's SqueezeExcite."""
    def __init__(self, channels, hidden, names=("fc1", "fc2"), act=F.relu, gate=torch.sigmoid):
        super().__init__()
        self.names, self.act, self.gate = names, act, gate
        setattr(self, names[0], nn.Conv2d(channels, hidden, 1))
        setattr(self, names[1], nn.Conv2d(hidden, channels, 1))

    def forward(self, x):
        hidden = self.act(getattr(self, self.names[0])(x.mean((2, 3), keepdim=True)))
        gate = self.gate(getattr(self, self.names[1])(hidden))
        return {"y": x * gate, "gate": gate}


class TimmSE(nn.Module):
    """timm's SEModule."""
    def __init__(self, channels, hidden, norm=True, add_maxpool=False):
        super().__init__()
        self.add_maxpool = add_maxpool
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.bn = nn.BatchNorm2d(hidden) if norm else nn.Identity()
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, x):
        pooled = x.mean((2, 3), keepdim=True)
        if self.add_maxpool:
            pooled = 0.5 * pooled + 0.5 * x.amax((2, 3), keepdim=True)
        gate = torch.sigmoid(self.fc2(F.relu(self.bn(self.fc1(pooled)))))
        return {"y": x * gate, "gate": gate}


class EseModule(nn.Module):
    """timm's EffectiveSEModule."""
    def __init__(self, channels):
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        gate = F.hardsigmoid(self.fc(x.mean((2, 3), keepdim=True)))
        return {"y": x * gate, "gate": gate}


class MmcvSE(nn.Module):
    def __init__(self, channels, hidden, old):
        super().__init__()
        self.old = old
        self.conv1 = ConvModule(channels, hidden, 1)
        self.conv2 = ConvModule(hidden, channels, 1)

    def forward(self, x):
        sums = self.conv2(F.relu(self.conv1(F.adaptive_avg_pool2d(x, 1))))
        gate = ((sums + 1) / 2).clamp(0, 1) if self.old else ((sums + 3) / 6).clamp(0, 1)
        return {"y": x * gate, "gate": gate}


class Flatten(nn.Module):
    def forward(self, x):
        return x.flatten(1)


class OfficialChannelGate(nn.Module):
    """Jongchan's ChannelGate."""
    def __init__(self, channels, reduction, pools):
        super().__init__()
        self.pools = pools
        self.mlp = nn.Sequential(Flatten(), nn.Linear(channels, channels // reduction), nn.ReLU(),
                                 nn.Linear(channels // reduction, channels))

    def forward(self, x):
        total = 0
        for pool in self.pools:
            if pool == "avg":
                pooled = F.avg_pool2d(x, x.shape[2:], stride=x.shape[2:])
            elif pool == "max":
                pooled = F.max_pool2d(x, x.shape[2:], stride=x.shape[2:])
            elif pool == "lp":
                pooled = x.square().sum((2, 3), keepdim=True).sqrt()
            else:
                flat = x.flatten(2)
                most = flat.max(2, keepdim=True)[0]
                pooled = (most + (flat - most).exp().sum(2, keepdim=True).log()).unsqueeze(3)
            total = total + self.mlp(pooled)
        gate = torch.sigmoid(total)[:, :, None, None]
        return {"y": x * gate, "gate": gate}


class OfficialSpatialGate(nn.Module):
    def __init__(self, kernel=7):
        super().__init__()
        self.spatial = nn.Module()
        self.spatial.conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)
        self.spatial.bn = nn.BatchNorm2d(1, eps=1e-5, momentum=0.01)

    def forward(self, x):
        maps = torch.cat((x.max(1)[0].unsqueeze(1), x.mean(1).unsqueeze(1)), 1)
        spatial = torch.sigmoid(self.spatial.bn(self.spatial.conv(maps)))
        return {"y": x * spatial, "spatial": spatial}


class ChannelAttention(nn.Module):
    """Most copies: .fc is a sequence, or .fc1 and .fc2."""
    def __init__(self, channels, hidden, sequence):
        super().__init__()
        layers = nn.Conv2d(channels, hidden, 1, bias=False), nn.Conv2d(hidden, channels, 1, bias=False)
        if sequence:
            self.fc = nn.Sequential(layers[0], nn.ReLU(), layers[1])
        else:
            self.fc1, self.relu1, self.fc2 = layers[0], nn.ReLU(), layers[1]

    def mlp(self, x):
        return self.fc(x) if hasattr(self, "fc") else self.fc2(self.relu1(self.fc1(x)))

    def forward(self, x):
        gate = torch.sigmoid(self.mlp(F.adaptive_avg_pool2d(x, 1)) + self.mlp(F.adaptive_max_pool2d(x, 1)))
        return {"y": x * gate, "gate": gate}


class SpatialAttention(nn.Module):
    def __init__(self, kernel, name="conv1"):
        super().__init__()
        self.name = name
        setattr(self, name, nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False))

    def forward(self, x):
        maps = torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True)[0]], 1)
        spatial = torch.sigmoid(getattr(self, self.name)(maps))
        return {"y": x * spatial, "spatial": spatial}


class UltralyticsChannelAttention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        gate = torch.sigmoid(self.fc(F.adaptive_avg_pool2d(x, 1)))
        return {"y": x * gate, "gate": gate}


class TimmChannelAttention(ChannelAttention):
    def __init__(self, channels, hidden):
        super().__init__(channels, hidden, False)

    def forward(self, x):
        gate = torch.sigmoid(self.mlp(x.mean((2, 3), keepdim=True)) + self.mlp(x.amax((2, 3), keepdim=True)))
        return {"y": x * gate, "gate": gate}


class TimmSpatialAttention(nn.Module):
    def __init__(self, kernel=7):
        super().__init__()
        self.conv = ConvModule(2, 1, kernel, norm=True, padding=kernel // 2, bias=False)

    def forward(self, x):
        maps = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        spatial = torch.sigmoid(self.conv(maps))
        return {"y": x * spatial, "spatial": spatial}


class Cbam(nn.Module):
    """A channel part, then a spatial part, by the names that a flavour gives them."""
    def __init__(self, **parts):
        super().__init__()
        self.order = list(parts)
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        first = getattr(self, self.order[0])(x)
        second = getattr(self, self.order[1])(first["y"])
        return {"y": second["y"], "gate": first["gate"], "spatial": second["spatial"]}


class SeedCbam(ChannelAttention):
    """One module with fc1, fc2 and conv1."""
    def __init__(self, channels, hidden, kernel):
        super().__init__(channels, hidden, False)
        self.conv1 = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x):
        first = super().forward(x)
        x = first["y"]
        spatial = torch.sigmoid(self.conv1(torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True)[0]], 1)))
        return {"y": x * spatial, "gate": first["gate"], "spatial": spatial}


VECTORS = {
    "se_seed": (lambda: LinearSE(32, 16), (2, 32, 3, 5)),
    "se_conv": (lambda: ConvSE(35, 6), (1, 35, 6, 6)),
    "se_torchvision": (lambda: TwoConvSE(24, 8), (3, 24, 4, 5)),
    "se_torchvision_silu": (lambda: TwoConvSE(40, 10, act=F.silu), (1, 40, 5, 5)),
    "se_torchvision_hard": (lambda: TwoConvSE(16, 8, gate=F.hardsigmoid), (2, 16, 3, 9)),
    "se_timm_bn": (lambda: TimmSE(32, 8), (2, 32, 4, 3)),
    "se_timm_maxpool": (lambda: TimmSE(32, 8, norm=False, add_maxpool=True), (1, 32, 5, 3)),
    "se_timm_efficientnet": (lambda: TwoConvSE(36, 4, ("conv_reduce", "conv_expand"), F.silu), (2, 36, 3, 4)),
    "se_ese": (lambda: EseModule(24), (2, 24, 3, 5)),
    "se_mmcv": (lambda: MmcvSE(32, 2, False), (1, 32, 6, 5)),
    "se_mmcv_old": (lambda: MmcvSE(32, 2, True), (2, 32, 3, 3)),
    "cbam_official": (lambda: Cbam(ChannelGate=OfficialChannelGate(32, 16, ["avg", "max"]), SpatialGate=OfficialSpatialGate()),
                      (2, 32, 5, 7)),
    "cbam_official_pools": (lambda: Cbam(ChannelGate=OfficialChannelGate(16, 4, ["avg", "max", "lp", "lse"]),
                                         SpatialGate=OfficialSpatialGate()), (1, 16, 7, 8)),
    "cbam_copies": (lambda: Cbam(ca=ChannelAttention(32, 2, True), sa=SpatialAttention(7)), (2, 32, 6, 5)),
    "cbam_copies_fc1": (lambda: Cbam(ca=ChannelAttention(24, 3, False), sa=SpatialAttention(3)), (1, 24, 5, 11)),
    "cbam_seed": (lambda: SeedCbam(20, 5, 7), (3, 20, 4, 5)),
    "cbam_ultralytics": (lambda: Cbam(channel_attention=UltralyticsChannelAttention(24),
                                      spatial_attention=SpatialAttention(7, "cv1")), (1, 24, 6, 7)),
    "cbam_timm": (lambda: Cbam(channel=TimmChannelAttention(32, 2), spatial=TimmSpatialAttention()), (1, 32, 6, 6)),
    "channel_official": (lambda: OfficialChannelGate(32, 16, ["avg", "max"]), (1, 32, 5, 5)),
    "channel_copies": (lambda: ChannelAttention(32, 4, True), (2, 32, 3, 5)),
    "channel_fc1": (lambda: ChannelAttention(18, 3, False), (1, 18, 7, 7)),
    "channel_ultralytics": (lambda: UltralyticsChannelAttention(17), (2, 17, 5, 5)),
    "spatial_official": (lambda: OfficialSpatialGate(), (2, 9, 8, 6)),
    "spatial_copies": (lambda: SpatialAttention(7), (1, 5, 12, 11)),
    "spatial_ultralytics": (lambda: SpatialAttention(3, "cv1"), (1, 33, 5, 6)),
    "spatial_timm": (lambda: TimmSpatialAttention(), (1, 8, 9, 9)),
}


def randomise(module):
    """Weights that leave the gates neither flat nor saturated, and statistics as training would have them."""
    for name, tensor in module.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.3, 2.0)
        elif name.endswith("running_mean"):
            tensor.normal_(0, 0.5)
        elif tensor.dtype == torch.float32 and tensor.dim() > 1:
            tensor.normal_(0, 1.5 / tensor[0].numel() ** 0.5)
        elif tensor.dtype == torch.float32:
            tensor.uniform_(-1.2, 1.2)


KINDS = {torch.int64: "I64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64"}


def save(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        kind = KINDS[tensor.dtype]
        tensor = tensor.detach().contiguous()
        payload = (tensor.view(torch.int16) if kind == "BF16" else tensor).numpy().tobytes()
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(payload)]}
        data += payload
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    torch.set_num_threads(1)
    seeds = {name: 1000 + i for i, name in enumerate(VECTORS)}
    vectors = {**VECTORS, **aspp_modules.VECTORS, **nonlocal_modules.VECTORS, **stn_modules.VECTORS}
    for name, (make, shape) in vectors.items():
        torch.manual_seed(seeds.get(name, zlib.crc32(name.encode())))
        module = make().eval()
        with torch.no_grad():
            randomise(module)
            x = torch.randn(shape) * 1.5
            results = module(x)
        tensors = {"net.0.weight": torch.randn(2, 3), "net.1.gate2.fc.0.weight": torch.randn(1, 2)}
        tensors.update({f"net.1.gate.{key}": value for key, value in module.state_dict().items()})
        tensors["vector.x"] = x
        tensors.update({f"vector.{key}": value for key, value in results.items()})
        save(os.path.join(FOLDER, name + ".safetensors"), tensors)
    print(f"{len(vectors)} vectors written with torch {torch.__version__}")


if __name__ == "__main__":
    sys.exit(main())
