# SPDX-License-Identifier: Apache-2.0
"""Spatial transformers in the style of each published flavour, for make_vectors.py and live.py."""
import torch
from torch import nn
from torch.nn import functional as F


class Stn(nn.Module):
    """Localisation net, affine_grid, grid_sample; the nets below differ in their layers' names."""
    batches = [1, 1, 2, 3]  # PyTorch's affine_grid refuses empty ones
    special = [float("nan")]  # in x; infinities make maps of which every number is one

    def __init__(self, mode="bilinear", padding="zeros", corners=False, size=None):
        super().__init__()
        self.mode, self.padding, self.corners, self.size = mode, padding, corners, size

    def forward(self, x):
        theta = self.localise(x).view(-1, 2, 3)
        grid = F.affine_grid(theta, [*x.shape[:2], *(self.size or x.shape[2:])], align_corners=self.corners)
        y = F.grid_sample(x, grid, mode=self.mode, padding_mode=self.padding, align_corners=self.corners)
        return {"y": y, "theta": theta, "grid": grid}

    def tolerances(self, x, outputs):
        """For each output the budget and which elements rounding does not decide: nearest has ties, and a reflection from 1e30
        may end on any pixel. A place is no better known than the summands of theta that it comes from, which may cancel."""
        sizes = torch.tensor([x.shape[3], x.shape[2]])
        pixels = (outputs["grid"] + 1) / 2 * (sizes - 1) if self.corners else ((outputs["grid"] + 1) * sizes - 1) / 2
        far = ~(pixels.abs() < 1e6)
        summands = outputs["theta"].abs().sum(2) * sizes / 2
        largest = max([1.0, *pixels[~far].abs().flatten().tolist(), *summands[summands < 1e6].tolist()])
        open_points = (far & pixels.isfinite()) if self.padding == "reflection" else torch.zeros_like(far)
        if self.mode == "nearest":
            open_points = open_points | (((pixels - pixels.round()).abs() - 0.5).abs() <= 1e-6 * largest)
        counts = ~open_points.any(3)[:, None].expand_as(outputs["y"])
        return {"y": (max(1e-4, 2e-6 * largest), counts.numpy()), "theta": (1e-4, True), "grid": (1e-4, True)}


class SeedStn(Stn):
    def __init__(self, inputs, hidden, *sampling):
        super().__init__(*sampling)
        self.fc1, self.fc2 = nn.Linear(inputs, hidden), nn.Linear(hidden, 6)

    def localise(self, x):
        return self.fc2(self.fc1(x.flatten(1)))


class FixedStn(SeedStn):
    """A net that answers with one map, whatever x is."""
    dtypes = [torch.float32]

    def __init__(self, inputs, theta, *sampling):
        super().__init__(inputs, 1, *sampling)
        self.theta = torch.tensor(theta)

    def localise(self, x):
        self.fc2.weight.zero_()
        self.fc2.bias.copy_(self.theta)
        return super().localise(x)


def random_sampling(rng):
    """Sampling parameters, and the same as options."""
    mode, padding, corners = (rng.choice(choices) for choices in (["bilinear", "nearest", "bicubic"],
                                                                  ["zeros", "border", "reflection"], [False, True]))
    size = rng.choice([None, None, (1, 1), (rng.randint(1, 20), rng.randint(1, 20))])
    options = [f"mode={mode}", f"padding_mode={padding}", f"align_corners={str(corners).lower()}"]
    return (mode, padding, corners, size), options + ([f"size={size[0]},{size[1]}"] if size else [])


def random_map(rng):
    """Six numbers: turns, flips, maps without extent, shifts of up to ten widths, and one number that is huge or not finite."""
    theta = [rng.choice([rng.uniform(-1, 1), 0.0, 1.0, -1.0]) for _ in range(6)]
    kind = rng.choice(["inside", "ten widths", "no extent", "extreme"])
    if kind == "ten widths":
        theta[2], theta[5] = rng.uniform(-20, 20), rng.uniform(-20, 20)
    elif kind == "no extent":
        theta[rng.choice([0, 3])] = theta[rng.choice([1, 4])] = 0.0
    elif kind == "extreme":
        theta[rng.randrange(6)] = rng.choice([1e4, -1e4, 1e30, -1e30, float("nan"), float("inf"), -float("inf")])
    return theta, kind == "extreme"


def choose(rng):
    """(plug-in, options, module, channels) of a random flavour; the module's `image` is the size that it takes."""
    sampling, options = random_sampling(rng)
    channels, image = rng.choice([1, 2, 3, 5, 16, 19]), (rng.choice([1, 2, 5, 8, 13]), rng.choice([1, 3, 4, 7, 18]))
    chain = "conv,bn,leaky_relu,avgpool2,conv,elu,flatten,dropout,fc,tanh,fc"
    kind = rng.choice(["seed", "tutorial", "chain", "map", "map"])
    if kind == "seed":
        module = SeedStn(channels * image[0] * image[1], rng.choice([1, 5, 32]), *sampling)
    elif kind == "tutorial":
        image = rng.randint(22, 33), rng.randint(22, 33)
        module = TutorialStn(channels, image, rng.randint(1, 9), rng.randint(1, 11), rng.randint(1, 33), *sampling)
    elif kind == "chain":
        image, options = (rng.randint(4, 15), rng.randint(4, 15)), options + [f"localization={chain}"]
        module = ChainStn(channels, image, rng.randint(1, 9), rng.randint(1, 11), rng.randint(1, 33), *sampling)
    else:
        theta, is_extreme = random_map(rng)
        if is_extreme:  # an odd size has a middle of 0 or nearly 0, times 1e30
            sampling, options, image = (*sampling[:3], None), options[:3], (rng.choice([2, 6, 10]), rng.choice([2, 4, 18]))
        module = FixedStn(channels * image[0] * image[1], theta, *sampling)
    module.image = image
    return "stn", options, module, channels


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
