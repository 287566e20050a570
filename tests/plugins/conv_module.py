# SPDX-License-Identifier: Apache-2.0
"""The wrapper of a convolution that modules of mmcv, mmseg and timm are made of."""
from torch import nn


class ConvModule(nn.Module):
    """.conv, perhaps .bn."""
    def __init__(self, *sizes, norm=False, **params):
        super().__init__()
        self.conv = nn.Conv2d(*sizes, **params)
        if norm:
            self.bn = nn.BatchNorm2d(sizes[1])

    def forward(self, x):
        x = self.conv(x)
        return self.bn(x) if hasattr(self, "bn") else x
