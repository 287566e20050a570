# SPDX-License-Identifier: Apache-2.0
"""The cases of bench/cases as PyTorch modules, whose weights have the names that cases.c gives them."""
import os
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional

from values import values

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "examples" / "handwriting"))
import network  # noqa: E402


class SE(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(channels, channels // 16, bias=False), nn.ReLU(),
                                nn.Linear(channels // 16, channels, bias=False), nn.Sigmoid())

    def forward(self, x):
        return x * self.fc(x.mean((2, 3)))[:, :, None, None]


class ChannelAttention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // 16, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // 16, channels, 1, bias=False)

    def forward(self, x):
        average = self.fc2(functional.relu(self.fc1(x.mean((2, 3), keepdim=True))))
        return torch.sigmoid(average + self.fc2(functional.relu(self.fc1(x.amax((2, 3), keepdim=True)))))


class SpatialAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x):
        return torch.sigmoid(self.conv1(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)))


class CBAM(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.ca, self.sa = ChannelAttention(channels), SpatialAttention()

    def forward(self, x):
        x = x * self.ca(x)
        return x * self.sa(x)


class ASPP(nn.Module):
    """torchvision's; eval mode, so that dropout is nothing."""

    def __init__(self, channels, outputs, rates):
        super().__init__()

        def branch(*first):
            return nn.Sequential(*first, nn.BatchNorm2d(outputs), nn.ReLU())

        self.convs = nn.ModuleList(
            [branch(nn.Conv2d(channels, outputs, 1, bias=False))]
            + [branch(nn.Conv2d(channels, outputs, 3, padding=rate, dilation=rate, bias=False)) for rate in rates]
            + [branch(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, outputs, 1, bias=False))])
        self.project = branch(nn.Conv2d(5 * outputs, outputs, 1, bias=False))

    def forward(self, x):
        parts = [conv(x) for conv in self.convs]
        parts[-1] = self.spread(parts[-1], x)
        return self.project(torch.cat(parts, 1))

    def spread(self, pooled, x):
        return pooled.expand(-1, -1, x.shape[2], x.shape[3])


class NonLocal(nn.Module):
    """Embedded gaussian over the keys. `by_convolution` does an image's products by oneDNN's 1x1 convolutions, which are faster
    than those of a PyTorch that was built with the reference BLAS."""

    def __init__(self, channels):
        super().__init__()
        self.theta, self.phi, self.g = (nn.Conv2d(channels, channels // 2, 1) for _ in range(3))
        self.W = nn.Conv2d(channels // 2, channels, 1)
        self.by_convolution = False

    def one_image(self, theta, phi, g):
        scores = functional.conv2d(theta, phi[0].t()[:, :, None, None])
        return functional.conv2d(torch.softmax(scores, 1), g[0][:, :, None, None])

    def forward(self, x):
        theta, phi, g = self.theta(x), self.phi(x).flatten(2), self.g(x).flatten(2)
        if self.by_convolution:
            y = torch.cat([self.one_image(theta[i:i + 1], phi[i:i + 1], g[i:i + 1]) for i in range(x.shape[0])])
        else:
            y = (torch.softmax(theta.flatten(2).transpose(1, 2) @ phi, 2) @ g.transpose(1, 2)).transpose(1, 2)
            y = y.reshape(x.shape[0], -1, x.shape[2], x.shape[3])
        return x + self.W(y)


def warp(x, theta):
    return functional.grid_sample(x, functional.affine_grid(theta, x.shape, align_corners=False), align_corners=False)


def affine_grid_by_product(theta, size, align_corners):
    """What the exporter cannot do by itself; the points are constants."""
    height, width = int(size[2]), int(size[3])
    x = ((2 * torch.arange(width) + 1) / width - 1).repeat(height)
    y = ((2 * torch.arange(height) + 1) / height - 1).repeat_interleave(width)
    points = torch.stack([x, y, torch.ones(height * width)], 1)
    return (points @ theta.transpose(1, 2)).reshape(-1, height, width, 2)


class Conv(nn.Conv2d):
    def __init__(self, channels, outputs, kernel, stride=1, dilation=1, groups=1):
        super().__init__(channels, outputs, kernel, stride, dilation * (kernel // 2), dilation, groups)

    def forward(self, x):
        return functional.relu(super().forward(x))


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


class Bottleneck(nn.Module):
    def __init__(self, channels, plugin):
        super().__init__()
        inner = channels // 4
        self.conv1, self.bn1 = nn.Conv2d(channels, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = nn.Conv2d(inner, inner, 3, padding=1, bias=False), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, channels, 1, bias=False), nn.BatchNorm2d(channels)
        self.plugin = {"se": SE, "cbam": CBAM}[plugin](channels)

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        return functional.relu(x + self.plugin(self.bn3(self.conv3(y))))


class Finder(network.Finder):
    def __init__(self):
        super().__init__()
        self.aspp = ASPP(40, 32, network.RATES)


class Reader(network.Reader):
    def forward(self, x):
        return super().forward(x)[0]


def pool(case):
    kernel, stride = case["kernel"], case["stride"]
    return {"max": nn.MaxPool2d(kernel, stride, (kernel - 1) // 2), "avg": nn.AvgPool2d(kernel, stride, (kernel - 1) // 2),
            "global": nn.AdaptiveAvgPool2d(1)}[case["mode"]]


def resize(case):
    if case.get("mode") == "nearest":
        return nn.Upsample(size=case["to"], mode="nearest")
    return nn.Upsample(size=case["to"], mode="bilinear", align_corners=False)


def elementwise(case):
    return Function({"add": lambda x, k: functional.relu(x + k), "mul": torch.mul, "gelu": functional.gelu}[case["mode"]])


def gemm(case):
    if case.get("constant"):
        return nn.Linear(case["depth"], case["columns"], bias=False)
    return Function(torch.matmul)


KINDS = {
    "aspp": lambda case: ASPP(case["channels"], case["outputs"], case["rates"]),
    "nonlocal": lambda case: NonLocal(case["channels"]),
    "se": lambda case: nn.Sequential(*[SE(case["channels"]) for _ in range(case.get("blocks", 1))]),
    "cbam": lambda case: nn.Sequential(*[CBAM(case["channels"]) for _ in range(case.get("blocks", 1))]),
    "stn": lambda case: Function(warp),
    "conv": lambda case: Conv(*(case[key] for key in ("channels", "outputs", "kernel")),
                              **{key: case[key] for key in ("stride", "dilation", "groups") if key in case}),
    "gemm": gemm,
    "pool": pool,
    "resize": resize,
    "softmax": lambda case: nn.Softmax(-1),
    "layer_norm": lambda case: nn.LayerNorm(case["columns"]),
    "elementwise": elementwise,
    "transpose": lambda case: Function(lambda x: x.permute(case["order"]).contiguous()),
    "finder": lambda case: Finder(),
    "reader": lambda case: Reader(),
    "bottlenecks": lambda case: nn.Sequential(*[Bottleneck(case["channels"], case["plugin"]) for _ in range(case["blocks"])]),
}


def build(case):
    """The module, in evaluation, with its made-up weights, or with those of a file that WEIGHTS in the environment names."""
    net = KINDS[case["kind"]](case).eval()
    if "WEIGHTS" in os.environ:
        net.load_state_dict(torch.load(os.environ["WEIGHTS"]))
        return net.requires_grad_(False)
    state = net.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            tensor.copy_(torch.from_numpy(values(name, list(tensor.shape))))
    return net.requires_grad_(False)
