# SPDX-License-Identifier: Apache-2.0
"""ASPP modules in the style of each published flavour, written from their published descriptions, with the published names."""
import itertools

import torch
from torch import nn
from torch.nn import functional as F

from conv_module import ConvModule


def pooled_like(x, pool, align_corners=False):
    return F.interpolate(pool, size=x.shape[2:], mode="bilinear", align_corners=align_corners)


def norm_relu(channels):
    return nn.BatchNorm2d(channels), nn.ReLU()


class SeedASPP(nn.Module):
    """No batch norm, no ReLU; the pooled branch first."""
    def __init__(self, channels, depth, rates=(6, 12, 18)):
        super().__init__()
        self.mean, self.conv = nn.AdaptiveAvgPool2d((1, 1)), nn.Conv2d(channels, depth, 1)
        self.atrous_block1 = nn.Conv2d(channels, depth, 1)
        for name, rate in zip((6, 12, 18), rates):
            setattr(self, f"atrous_block{name}", nn.Conv2d(channels, depth, 3, padding=rate, dilation=rate))
        self.conv_1x1_output = nn.Conv2d(depth * 5, depth, 1)

    def forward(self, x):
        parts = [pooled_like(x, self.conv(self.mean(x)))]
        parts += [getattr(self, f"atrous_block{name}")(x) for name in (1, 6, 12, 18)]
        return {"y": self.conv_1x1_output(torch.cat(parts, 1))}


class SeparableConv(nn.Sequential):
    def __init__(self, channels, depth, rate):
        super().__init__(nn.Conv2d(channels, channels, 3, padding=rate, dilation=rate, groups=channels, bias=False),
                         nn.Conv2d(channels, depth, 1, bias=False))


class TorchvisionASPP(nn.Module):
    """DeepLabV3's; segmentation_models_pytorch's too, whose DeepLabV3+ has separable branches."""
    def __init__(self, channels, depth, rates=(12, 24, 36), separable=False):
        super().__init__()
        wide = SeparableConv if separable else lambda c, d, r: nn.Conv2d(c, d, 3, padding=r, dilation=r, bias=False)
        branches = [nn.Sequential(nn.Conv2d(channels, depth, 1, bias=False), *norm_relu(depth))]
        branches += [nn.Sequential(wide(channels, depth, rate), *norm_relu(depth)) for rate in rates]
        pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, depth, 1, bias=False), *norm_relu(depth))
        self.convs = nn.ModuleList([*branches, pool])
        self.project = nn.Sequential(nn.Conv2d(len(self.convs) * depth, depth, 1, bias=False), *norm_relu(depth), nn.Dropout(0.5))

    def forward(self, x):
        parts = [branch(x) for branch in self.convs]
        return {"y": self.project(torch.cat([*parts[:-1], pooled_like(x, parts[-1])], 1))}


class MmsegConv(ConvModule):
    def __init__(self, channels, depth, kernel, rate=1):
        super().__init__(channels, depth, kernel, norm=True, padding=rate * (kernel // 2), dilation=rate, bias=False)

    def forward(self, x):
        return F.relu(super().forward(x))


class MmsegASPP(nn.Module):
    """ASPPHead; the pooled branch first, a 3x3 projection."""
    def __init__(self, channels, depth, rates=(12, 24, 36)):
        super().__init__()
        self.image_pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), MmsegConv(channels, depth, 1))
        self.aspp_modules = nn.ModuleList([MmsegConv(channels, depth, 1 if rate == 1 else 3, rate) for rate in (1, *rates)])
        self.bottleneck = MmsegConv((len(rates) + 2) * depth, depth, 3)

    def forward(self, x):
        parts = [pooled_like(x, self.image_pool(x)), *[module(x) for module in self.aspp_modules]]
        return {"y": self.bottleneck(torch.cat(parts, 1))}


class JfzhangBranch(nn.Module):
    def __init__(self, channels, depth, rate):
        super().__init__()
        kernel = 1 if rate == 1 else 3
        self.atrous_conv = nn.Conv2d(channels, depth, kernel, padding=rate * (kernel // 2), dilation=rate, bias=False)
        self.bn = nn.BatchNorm2d(depth)

    def forward(self, x):
        return F.relu(self.bn(self.atrous_conv(x)))


class JfzhangASPP(nn.Module):
    """jfzhang95's; the pooled branch last."""
    def __init__(self, channels, depth, rates=(6, 12, 18)):
        super().__init__()
        for i, rate in enumerate((1, *rates)):
            setattr(self, f"aspp{i + 1}", JfzhangBranch(channels, depth, rate))
        self.global_avg_pool = nn.Sequential(nn.AdaptiveAvgPool2d((1, 1)), nn.Conv2d(channels, depth, 1, bias=False),
                                             *norm_relu(depth))
        self.conv1, self.bn1 = nn.Conv2d(5 * depth, depth, 1, bias=False), nn.BatchNorm2d(depth)

    def forward(self, x):
        parts = [getattr(self, f"aspp{i}")(x) for i in range(1, 5)]
        parts.append(pooled_like(x, self.global_avg_pool(x), True))
        return {"y": F.relu(self.bn1(self.conv1(torch.cat(parts, 1))))}


def choose(rng, channels):
    """(options, module) of a random flavour, with its default rates or others."""
    depth = rng.choice([1, 2, 5, 16, 33])
    make, rates, options = rng.choice([
        (SeedASPP, (6, 12, 18), []),
        (TorchvisionASPP, (12, 24, 36), []),
        (TorchvisionASPP, (12, 24, 36), ["flavour=smp"]),
        (lambda c, d, r: TorchvisionASPP(c, d, r, separable=True), (12, 24, 36), []),
        (MmsegASPP, (12, 24, 36), []),
        (JfzhangASPP, (6, 12, 18), []),
    ])
    if rng.random() < 0.6:
        counts = [1, 2, 3, 5] if make not in (SeedASPP, JfzhangASPP) else [3]
        least = 2 if make in (MmsegASPP, JfzhangASPP) else 1  # these have a 1x1 kernel where the rate is 1
        rates = tuple(rng.randint(least, 20) for _ in range(rng.choice(counts)))
        options = options + ["rates=" + ",".join(map(str, itertools.chain([1] * rng.randint(0, 1), rates)))]
    module = make(channels, depth, rates)
    # Resizing a pooled pixel makes NaN of an infinity in PyTorch (0 times it), where repeating it does not.
    module.special = [float("nan"), 1e15, -1e15]
    return options, module


VECTORS = {
    "aspp_seed": (lambda: SeedASPP(6, 5), (2, 6, 9, 14)),
    "aspp_seed_rates": (lambda: SeedASPP(4, 3, (2, 3, 5)), (1, 4, 7, 6)),
    "aspp_torchvision": (lambda: TorchvisionASPP(8, 4), (1, 8, 27, 3)),
    "aspp_torchvision_two": (lambda: TorchvisionASPP(5, 6, (1, 3)), (1, 5, 5, 7)),
    "aspp_mmseg": (lambda: MmsegASPP(6, 4), (2, 6, 8, 14)),
    "aspp_jfzhang95": (lambda: JfzhangASPP(7, 4), (1, 7, 13, 9)),
    "aspp_jfzhang95_8": (lambda: JfzhangASPP(4, 5, (12, 24, 36)), (3, 4, 5, 1)),
    "aspp_smp": (lambda: TorchvisionASPP(9, 4, separable=True), (2, 9, 14, 5)),
}
