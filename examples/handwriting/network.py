# SPDX-License-Identifier: Apache-2.0
"""The handwriting example's two networks, with the names and arithmetic of the C program's.

The finder marks the written pixels of a grey scene; the reader straightens a crop and reads it.
Each of the five plug-ins can be left out, for the ablations.
"""

import torch
import torch.nn.functional as functional
from torch import nn

PLUGINS = ("SE", "CBAM", "Non-local", "ASPP", "STN")
RATES = (2, 4, 6)         # of ASPP's 3x3 branches
CLASSES = 10


class SqueezeExcitation(nn.Module):
    """SE without biases: the flavour whose weights are fc.0 and fc.2."""

    def __init__(self, channels):
        super().__init__()
        hidden = channels // 4
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden, bias=False), nn.ReLU(),
            nn.Linear(hidden, channels, bias=False), nn.Sigmoid())

    def forward(self, x):
        return x * self.fc(x.mean(dim=(2, 3)))[:, :, None, None]


class ChannelAttention(nn.Module):
    """CBAM's first half: one MLP, shared by the average-pooled and the max-pooled vector."""

    def __init__(self, channels):
        super().__init__()
        hidden = channels // 4
        self.fc1 = nn.Conv2d(channels, hidden, 1, bias=False)
        self.fc2 = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x):
        average = self.fc2(functional.relu(self.fc1(x.mean(dim=(2, 3), keepdim=True))))
        maximum = self.fc2(functional.relu(self.fc1(x.amax(dim=(2, 3), keepdim=True))))
        return torch.sigmoid(average + maximum)


class SpatialAttention(nn.Module):
    """CBAM's second half: a 7x7 convolution over [mean, max] of the channels."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x):
        pooled = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        return torch.sigmoid(self.conv1(pooled))


class Cbam(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.ca = ChannelAttention(channels)
        self.sa = SpatialAttention()

    def forward(self, x):
        x = x * self.ca(x)
        return x * self.sa(x)


class NonLocal(nn.Module):
    """Embedded Gaussian without scale, softmax over the keys; W begins at zero."""

    def __init__(self, channels):
        super().__init__()
        inner = channels // 2
        self.g = nn.Conv2d(channels, inner, 1)
        self.theta = nn.Conv2d(channels, inner, 1)
        self.phi = nn.Conv2d(channels, inner, 1)
        self.W = nn.Conv2d(inner, channels, 1)
        nn.init.zeros_(self.W.weight)
        nn.init.zeros_(self.W.bias)

    def attention(self, x):
        """[N, queries, keys], both over the pixels of x."""
        queries = self.theta(x).flatten(2).transpose(1, 2)
        return torch.softmax(queries @ self.phi(x).flatten(2), dim=2)

    def forward(self, x):
        values = self.g(x).flatten(2).transpose(1, 2)
        y = (self.attention(x) @ values).transpose(1, 2)
        return x + self.W(y.reshape(y.shape[0], y.shape[1], *x.shape[2:]))


class Aspp(nn.Module):
    """The layout and names of torchvision's ASPP, with rates that suit a 64x64 map, no dropout."""

    def __init__(self, channels, channels_out):
        super().__init__()

        def branch(*first):
            return nn.Sequential(*first, nn.BatchNorm2d(channels_out), nn.ReLU())

        self.convs = nn.ModuleList(
            [branch(nn.Conv2d(channels, channels_out, 1, bias=False))]
            + [branch(nn.Conv2d(channels, channels_out, 3, padding=rate, dilation=rate, bias=False))
               for rate in RATES]
            + [branch(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, channels_out, 1, bias=False))])
        self.project = branch(nn.Conv2d(channels_out * len(self.convs), channels_out, 1, bias=False))

    def forward(self, x):
        maps = [conv(x) for conv in self.convs]
        maps[-1] = maps[-1].expand_as(maps[0])
        return self.project(torch.cat(maps, dim=1))


class Stn(nn.Module):
    """The localization net of PyTorch's STN tutorial, for 1x28x28; it begins as the identity."""

    def __init__(self):
        super().__init__()
        self.localization = nn.Sequential(
            nn.Conv2d(1, 8, 7), nn.MaxPool2d(2), nn.ReLU(),
            nn.Conv2d(8, 10, 5), nn.MaxPool2d(2), nn.ReLU())
        self.fc_loc = nn.Sequential(nn.Linear(90, 32), nn.ReLU(), nn.Linear(32, 6))
        nn.init.zeros_(self.fc_loc[2].weight)
        self.fc_loc[2].bias.data = torch.tensor([1.0, 0, 0, 0, 1, 0])

    def theta(self, x):
        return self.fc_loc(self.localization(x).flatten(1)).reshape(-1, 2, 3)

    def forward(self, x):
        """What the crop looks like through theta, and theta."""
        theta = self.theta(x)
        grid = functional.affine_grid(theta, x.shape, align_corners=False)
        return functional.grid_sample(x, grid, align_corners=False), theta


class Unit(nn.Module):
    """3x3 convolution, BatchNorm, ReLU."""

    def __init__(self, channels_in, channels_out, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels_out, eps=1e-5)

    def forward(self, x):
        return functional.relu(self.bn(self.conv(x)))


class Block(nn.Module):
    """Two 3x3 convolutions, then the plug-in of the given name, if any, the shortcut and ReLU."""

    def __init__(self, channels, **plugin):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels, eps=1e-5)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels, eps=1e-5)
        self.plugin = None
        for name, module in plugin.items():
            self.add_module(name, module)
            self.plugin = name

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.plugin is not None:
            y = getattr(self, self.plugin)(y)
        return functional.relu(x + y)


class Finder(nn.Module):
    """[N, 1, H, W], pixels / 255, to the logits of "written" [N, 1, H/2, W/2]."""

    def __init__(self, without=()):
        super().__init__()
        self.stem = Unit(1, 16, stride=2)
        self.block1 = Block(16, **({} if "SE" in without else {"se": SqueezeExcitation(16)}))
        self.transition = Unit(16, 40)
        self.block2 = Block(40, **({} if "CBAM" in without else {"cbam": Cbam(40)}))
        if "Non-local" not in without:
            self.non_local = NonLocal(40)
        if "ASPP" not in without:
            self.aspp = Aspp(40, 32)
        self.merge = Unit((40 if "ASPP" in without else 32) + 16, 24)
        self.mask = nn.Conv2d(24, 1, 1)

    def coarse(self, fine):
        """The map that the Non-local block takes."""
        return self.block2(self.transition(functional.max_pool2d(fine, 2)))

    def forward(self, x):
        fine = self.block1(self.stem(x))
        y = self.coarse(fine)
        if hasattr(self, "non_local"):
            y = self.non_local(y)
        if hasattr(self, "aspp"):
            y = self.aspp(y)
        y = functional.interpolate(y, size=fine.shape[2:], mode="bilinear", align_corners=False)
        return self.mask(self.merge(torch.cat([y, fine], dim=1)))


class Reader(nn.Module):
    """Crops [N, 1, 28, 28] to logits [N, 10], the straightened crops and theta (None, no STN)."""

    def __init__(self, without=()):
        super().__init__()
        if "STN" not in without:
            self.stn = Stn()
        self.conv1 = Unit(1, 24)
        self.conv2 = Unit(24, 48)
        self.conv3 = Unit(48, 64)
        self.head = nn.Linear(64, CLASSES)

    def forward(self, x):
        straight, theta = self.stn(x) if hasattr(self, "stn") else (x, None)
        y = functional.max_pool2d(self.conv1(straight), 2)
        y = functional.max_pool2d(self.conv2(y), 2)
        return self.head(self.conv3(y).mean(dim=(2, 3))), straight, theta


class Network(nn.Module):
    def __init__(self, without=()):
        super().__init__()
        self.finder = Finder(without)
        self.reader = Reader(without)
