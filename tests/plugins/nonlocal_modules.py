# SPDX-License-Identifier: Apache-2.0
"""Non-local blocks in the style of each published flavour, for make_vectors.py and live.py. `attention` is the affinity of the
query pixels in `queries`, a list of (y, x), or of all of them."""
import torch
from torch import nn
from torch.nn import functional as F

from conv_module import ConvModule


def affinity(theta, phi, mode, scale=1.0, axis=2, project=None):
    """[N, queries, keys] of theta [N, D, queries] and phi [N, D, keys]."""
    if mode == "concatenation":
        pairs = torch.cat([theta.unsqueeze(3).expand(-1, -1, -1, phi.shape[2]),
                           phi.unsqueeze(2).expand(-1, -1, theta.shape[2], -1)], 1)
        return project(pairs).squeeze(1) / phi.shape[2]
    scores = theta.transpose(1, 2) @ phi * scale
    return scores / phi.shape[2] if mode == "dot_product" else F.softmax(scores, axis)


class Block(nn.Module):
    """What the flavours share: maps to a result and its affinity."""
    queries = None

    def attend(self, x, theta, phi, g, out, **options):
        maps = affinity(theta.flatten(2), phi.flatten(2), **options)
        y = (maps @ g.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(x.shape[0], g.shape[1], *x.shape[2:])
        rows = range(maps.shape[1]) if self.queries is None else [row * x.shape[3] + column for row, column in self.queries]
        return {"y": out(y) + x, "attention": maps[:, list(rows)]}


class SeedNonLocal(Block):
    """The seed's; with `view` its code to the letter, which takes view(b, c, -1) of a map with c/2 channels."""
    def __init__(self, channels, view=False, mode="embedded_gaussian", axis=None, scale=1.0):
        super().__init__()
        self.inter, self.view, self.options = channels // 2, view, {"mode": mode, "scale": scale}
        self.options["axis"] = axis or (1 if view else 2)
        for name in ("phi", "theta", "g"):
            setattr(self, f"conv_{name}", nn.Conv2d(channels, self.inter, 1, bias=False))
        self.conv_mask = nn.Conv2d(self.inter, channels, 1, bias=False)

    def forward(self, x):
        theta, phi, g = self.conv_theta(x), self.conv_phi(x), self.conv_g(x)
        if not self.view:
            return self.attend(x, theta, phi, g, self.conv_mask, **self.options)
        b, c, h, w = x.shape
        theta, phi, g = [value.contiguous().view(b, c, -1) for value in (theta, phi, g)]
        maps = affinity(theta, phi, **self.options)
        y = (maps @ g.transpose(1, 2)).transpose(1, 2).contiguous().view(b, self.inter, h, w)
        rows = range(maps.shape[1]) if self.queries is None else [(i * w + j) % maps.shape[1] for i, j in self.queries]
        return {"y": self.conv_mask(y) + x, "attention": maps[:, list(rows)]}


class PaperNonLocal(Block):
    """AlexHex7's, one class for its four modules."""
    def __init__(self, channels, inter, mode="embedded_gaussian", sub_sample=True, norm=True, scale=1.0, wide=False):
        super().__init__()
        self.mode, self.scale = mode, scale
        conv = (lambda a, b, **rest: nn.Conv3d(a, b, 1, **rest)) if wide else (lambda a, b, **rest: nn.Conv2d(a, b, 1, **rest))
        self.wide, pool = wide, (nn.MaxPool3d((1, 2, 2)) if wide else nn.MaxPool2d(2))
        sampled = lambda layer: nn.Sequential(layer, pool) if sub_sample else layer
        self.g = sampled(conv(channels, inter))
        self.W = nn.Sequential(conv(inter, channels), (nn.BatchNorm3d if wide else nn.BatchNorm2d)(channels)) if norm else \
            conv(inter, channels)
        if mode != "gaussian":
            self.theta, self.phi = conv(channels, inter), sampled(conv(channels, inter))
        elif sub_sample:
            self.phi = pool
        if mode == "concatenation":
            self.concat_project = nn.Sequential(nn.Conv2d(2 * inter, 1, 1, bias=False), nn.ReLU())

    def forward(self, x):
        volume = x.unsqueeze(2) if self.wide else x
        flat = lambda y: y.squeeze(2) if self.wide else y
        theta = x if self.mode == "gaussian" else flat(self.theta(volume))
        phi = flat(self.phi(volume)) if hasattr(self, "phi") else x
        out = lambda y: flat(self.W(y.unsqueeze(2) if self.wide else y))
        return self.attend(x, theta, phi, flat(self.g(volume)), out, mode=self.mode, scale=self.scale,
                           project=getattr(self, "concat_project", None))


class MmcvNonLocal(Block):
    def __init__(self, channels, inter, mode="embedded_gaussian", sub_sample=False, norm=True, use_scale=True):
        super().__init__()
        self.mode = mode
        self.scale = inter ** -0.5 if use_scale and mode == "embedded_gaussian" else 1.0
        sampled = lambda layer: nn.Sequential(layer, nn.MaxPool2d(2)) if sub_sample else layer
        self.g, self.conv_out = sampled(ConvModule(channels, inter, 1)), ConvModule(inter, channels, 1, norm=norm, bias=not norm)
        if mode != "gaussian":
            self.theta, self.phi = ConvModule(channels, inter, 1), sampled(ConvModule(channels, inter, 1))
        elif sub_sample:
            self.phi = nn.MaxPool2d(2)
        if mode == "concatenation":
            self.concat_project = ConvModule(2 * inter, 1, 1, bias=False)

    def forward(self, x):
        theta = x if self.mode == "gaussian" else self.theta(x)
        phi = self.phi(x) if hasattr(self, "phi") else x
        return self.attend(x, theta, phi, self.g(x), self.conv_out, mode=self.mode, scale=self.scale,
                           project=lambda pairs: F.relu(self.concat_project(pairs)))


class SlowFastNonLocal(Block):
    """1x1x1 convolutions on one frame; pools the input of phi and g."""
    def __init__(self, channels, inter, mode="embedded_gaussian", sub_sample=False, norm="norm"):
        super().__init__()
        self.mode, self.sub_sample, self.norm_name = mode, sub_sample, norm
        self.scale = inter ** -0.5 if mode == "embedded_gaussian" else 1.0
        for name in ("theta", "phi", "g"):
            setattr(self, f"conv_{name}", nn.Conv3d(channels, inter, 1))
        self.conv_out = nn.Conv3d(inter, channels, 1)
        setattr(self, norm, nn.BatchNorm3d(channels))

    def forward(self, x):
        theta = self.conv_theta(x.unsqueeze(2)).squeeze(2)
        pooled = (F.max_pool2d(x, 2) if self.sub_sample else x).unsqueeze(2)
        out = lambda y: getattr(self, self.norm_name)(self.conv_out(y.unsqueeze(2))).squeeze(2)
        return self.attend(x, theta, self.conv_phi(pooled).squeeze(2), self.conv_g(pooled).squeeze(2), out, mode=self.mode,
                           scale=self.scale)


class TimmNonLocal(Block):
    def __init__(self, channels, inter, use_scale=True):
        super().__init__()
        self.scale = channels ** -0.5 if use_scale else 1.0
        self.t, self.p, self.g = [nn.Conv2d(channels, inter, 1) for _ in range(3)]
        self.z, self.norm = nn.Conv2d(inter, channels, 1), nn.BatchNorm2d(channels)

    def forward(self, x):
        return self.attend(x, self.t(x), self.p(x), self.g(x), lambda y: self.norm(self.z(y)), mode="embedded_gaussian",
                           scale=self.scale)


def with_queries(module, *queries):
    module.queries = queries
    return module


def choose_module(rng, channels, inter):
    """(options, module, whether it sub-samples)"""
    mode = rng.choice(["embedded_gaussian", "gaussian", "dot_product", "concatenation"])
    softmax_or_dot = rng.choice(["embedded_gaussian", "dot_product"])
    sampled, norm = rng.random() < 0.5, rng.random() < 0.5
    chosen = ["mode=dot_product"] if mode == "dot_product" else []
    kind = rng.choice(["seed", "seed", "paper", "paper", "mmcv", "mmcv", "slowfast", "timm"])
    if kind == "seed":
        options = {"mode": softmax_or_dot, "view": rng.random() < 0.5}
        words = ["view=seed"] * options["view"] + ["mode=dot_product"] * (softmax_or_dot == "dot_product")
        if softmax_or_dot == "embedded_gaussian" and rng.random() < 0.5:
            options["axis"] = rng.choice([1, 2])
            words.append("softmax_axis=" + ("queries" if options["axis"] == 1 else "keys"))
        if softmax_or_dot == "embedded_gaussian" and rng.random() < 0.3:
            name, size = rng.choice([("inter", channels // 2), ("channels", channels)])
            options["scale"] = size ** -0.5
            words.append("scale=" + name)
        return words, SeedNonLocal(channels, **options), False
    if kind == "paper":
        return chosen, PaperNonLocal(channels, inter, mode, sampled, norm, wide=rng.random() < 0.3), sampled
    if kind == "mmcv":
        use_scale = mode != "embedded_gaussian" or rng.random() < 0.7
        return chosen + ["scale=none"] * (not use_scale), MmcvNonLocal(channels, inter, mode, sampled, norm, use_scale), sampled
    if kind == "slowfast":
        words = ["mode=dot_product"] * (softmax_or_dot == "dot_product") + ["sub_sample=true"] * sampled
        return words, SlowFastNonLocal(channels, inter, softmax_or_dot, sampled, rng.choice(["norm", "bn"])), sampled
    return (["scale=none"], TimmNonLocal(channels, inter, False), False) if sampled else ([], TimmNonLocal(channels, inter), False)


def choose(rng):
    """(options, module, channels) of a random flavour, mode and size of picture."""
    inter = rng.choice([1, 2, 3, 8, 17, 32])
    channels = 2 * inter if rng.random() < 0.5 else rng.choice([2, 4, 6, 16, 34])
    options, module, sampled = choose_module(rng, channels, inter)
    least = 2 if sampled else 1
    module.image = rng.choice([least, 2, 5, 7, 13, 28]), rng.choice([least, 3, 4, 9, 17])
    if getattr(module, "view", False) and module.image[0] * module.image[1] % 2 == 1:
        module.image = module.image[0] + 1, module.image[1]
    # An empty batch has no such view in PyTorch. Products of infinities and of 1e15 leave single precision on the way to a
    # finite result.
    module.batches, module.special = [1, 1, 2, 3] if getattr(module, "view", False) else [0, 1, 1, 2, 3], [float("nan")]
    if rng.random() < 0.4:
        module.queries = [(rng.randrange(module.image[0]), rng.randrange(module.image[1])) for _ in range(rng.randint(1, 5))]
        options = options + ["query_pixels=" + ",".join(f"{row}:{column}" for row, column in module.queries)]
    gemm = rng.choice(["own", "own", "clblast", None])
    return options + ([f"gemm={gemm}"] if gemm else []), module, channels


VECTORS = {
    "nonlocal_seed": (lambda: SeedNonLocal(6), (2, 6, 3, 5)),
    "nonlocal_seed_view": (lambda: SeedNonLocal(6, view=True), (2, 6, 3, 4)),
    "nonlocal_paper": (lambda: PaperNonLocal(6, 3), (2, 6, 5, 4)),
    "nonlocal_paper_plain": (lambda: PaperNonLocal(5, 4, sub_sample=False, norm=False), (1, 5, 3, 4)),
    "nonlocal_paper_gaussian": (lambda: PaperNonLocal(4, 3, "gaussian"), (2, 4, 4, 5)),
    "nonlocal_paper_dot": (lambda: PaperNonLocal(6, 3, "dot_product", wide=True), (1, 6, 5, 4)),
    "nonlocal_paper_concatenation": (lambda: PaperNonLocal(6, 3, "concatenation"), (2, 6, 4, 4)),
    "nonlocal_mmcv": (lambda: MmcvNonLocal(6, 3), (2, 6, 3, 4)),
    "nonlocal_mmcv_gaussian": (lambda: MmcvNonLocal(4, 3, "gaussian", norm=False), (1, 4, 3, 3)),
    "nonlocal_mmcv_concatenation": (lambda: MmcvNonLocal(6, 3, "concatenation", sub_sample=True), (1, 6, 5, 5)),
    "nonlocal_slowfast": (lambda: SlowFastNonLocal(6, 3), (2, 6, 3, 4)),
    "nonlocal_slowfast_pool": (lambda: SlowFastNonLocal(6, 3, "dot_product", True, "bn"), (1, 6, 5, 4)),
    "nonlocal_timm": (lambda: TimmNonLocal(9, 4), (2, 9, 3, 4)),
    "nonlocal_timm_queries": (lambda: with_queries(TimmNonLocal(5, 2), (2, 3), (0, 0), (1, 2)), (2, 5, 3, 4)),
    "nonlocal_seed_queries": (lambda: with_queries(SeedNonLocal(4, view=True), (0, 1), (3, 2)), (1, 4, 4, 3)),
}
