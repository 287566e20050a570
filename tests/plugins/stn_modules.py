# SPDX-License-Identifier: Apache-2.0
"""Spatial transformers in the style of each published flavour, for make_vectors.py and live.py."""
import torch
from torch import nn
from torch.nn import functional as F


class Stn(nn.Module):
    """Localisation net, affine_grid, grid_sample; the nets below differ in their layers' names."""
    def __init__(self, mode="bilinear", padding="zeros", corners=False, size=None):
        super().__init__()
        self.mode, self.padding, self.corners, self.size = mode, padding, corners, size

    def forward(self, x):
        theta = self.localise(x).view(-1, 2, 3)
        grid = F.affine_grid(theta, [*x.shape[:2], *(self.size or x.shape[2:])], align_corners=self.corners)
        y = F.grid_sample(x, grid, mode=self.mode, padding_mode=self.padding, align_corners=self.corners)
        return {"y": y, "theta": theta, "grid": grid}


class SeedStn(Stn):
    def __init__(self, inputs, hidden, *sampling):
        super().__init__(*sampling)
        self.fc1, self.fc2 = nn.Linear(inputs, hidden), nn.Linear(hidden, 6)

    def localise(self, x):
        return self.fc2(self.fc1(x.flatten(1)))


class TutorialStn(Stn):
    """Of any channels and size; the tutorial's own has 1, 8 and 10 channels on 28x28."""
    def __init__(self, channels, size, first, second, hidden, *sampling):
        super().__init__(*sampling)
        self.localization = nn.Sequential(nn.Conv2d(channels, first, 7), nn.MaxPool2d(2, stride=2), nn.ReLU(True),
                                          nn.Conv2d(first, second, 5), nn.MaxPool2d(2, stride=2), nn.ReLU(True))
        inputs = self.localization(torch.zeros(1, channels, *size)).numel()
        self.fc_loc = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(True), nn.Linear(hidden, 6))

    def localise(self, x):
        return self.fc_loc(self.localization(x).flatten(1))


class ChainStn(TutorialStn):
    """conv,bn,leaky_relu,avgpool2,conv,elu,flatten,dropout,fc,tanh,fc"""
    def __init__(self, channels, size, first, second, hidden, *sampling):
        Stn.__init__(self, *sampling)
        self.localization = nn.Sequential(nn.Conv2d(channels, first, 3, bias=False), nn.BatchNorm2d(first), nn.LeakyReLU(),
                                          nn.AvgPool2d(2), nn.Conv2d(first, second, 1), nn.ELU())
        inputs = self.localization.eval()(torch.zeros(1, channels, *size)).numel()
        self.fc_loc = nn.Sequential(nn.Dropout(), nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, 6))


VECTORS = {
    "stn_seed": (lambda: SeedStn(3 * 5 * 7, 9), (2, 3, 5, 7)),
    "stn_seed_nearest": (lambda: SeedStn(2 * 6 * 5, 4, "nearest", "border", True), (3, 2, 6, 5)),
    "stn_tutorial": (lambda: TutorialStn(1, (28, 28), 3, 4, 5), (1, 1, 28, 28)),
    "stn_tutorial_bicubic": (lambda: TutorialStn(2, (27, 30), 3, 2, 4, "bicubic", "reflection", True, (9, 12)), (2, 2, 27, 30)),
    "stn_chain": (lambda: ChainStn(17, (8, 11), 4, 3, 5, "bilinear", "reflection", False, (5, 6)), (2, 17, 8, 11)),
}
