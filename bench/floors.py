#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The speed floors: SE, CBAM, ASPP, Non-local, grid_sample, matrix products and attention beside PyTorch, those with much arithmetic
beside the FMA peak too, contenders taking turns in one run.

usage: floors.py BUILD_FOLDER [ROUNDS]

Needs Debian's python3-torch. Each contender is a process of its own that stays up and runs one round when asked; the table shows
medians over the rounds and their spread. PyTorch runs in NCHW and channels-last; the better one counts.
"""
import os
import statistics
import subprocess
import sys

TORCH = r"""
import sys, time, torch
what, channels, size, count, layout = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
torch.set_num_threads(int(sys.argv[6]))

class SE(torch.nn.Module):
    def __init__(self, c, pools=1):
        super().__init__()
        self.fc = torch.nn.Sequential(torch.nn.Linear(c, c // 16, bias=False), torch.nn.ReLU(),
                                      torch.nn.Linear(c // 16, c, bias=False))
        self.pools = pools
    def forward(self, x):
        s = self.fc(x.mean((2, 3)))
        if self.pools == 2:
            s = s + self.fc(x.amax((2, 3)))
        return x * torch.sigmoid(s)[:, :, None, None]

class CBAM(torch.nn.Module):
    def __init__(self, c):
        super().__init__()
        self.channel, self.conv = SE(c, 2), torch.nn.Conv2d(2, 1, 7, padding=3, bias=False)
    def forward(self, x):
        x = self.channel(x)
        return x * torch.sigmoid(self.conv(torch.cat([x.mean(1, True), x.amax(1, True)], 1)))

class GridSample(torch.nn.Module):
    def __init__(self, batch, size):
        super().__init__()
        theta = torch.tensor([[0.9, -0.3, 0.05], [0.3, 0.9, 0.0]]).expand(batch, 2, 3)
        self.grid = torch.nn.functional.affine_grid(theta, (batch, 1, size, size), align_corners=False)
    def forward(self, x):
        return torch.nn.functional.grid_sample(x, self.grid, align_corners=False)

class ASPP(torch.nn.Module):  # torchvision's, with batch norm folded
    def __init__(self, c, rate):
        super().__init__()
        self.convs = torch.nn.ModuleList([torch.nn.Conv2d(c, 256, 1)] + [
            torch.nn.Conv2d(c, 256, 3, padding=rate * i, dilation=rate * i) for i in (1, 2, 3)])
        self.pool, self.project = torch.nn.Conv2d(c, 256, 1), torch.nn.Conv2d(1280, 256, 1)
    def forward(self, x):
        parts = [conv(x).relu_() for conv in self.convs]
        pooled = self.pool(torch.nn.functional.adaptive_avg_pool2d(x, 1)).relu_()
        parts.append(torch.nn.functional.interpolate(pooled, size=x.shape[2:], mode="bilinear", align_corners=False))
        return self.project(torch.cat(parts, 1)).relu_()

class Gemm(torch.nn.Module):
    def __init__(self, depth, columns):
        super().__init__()
        self.other = torch.rand(depth, columns)
    def forward(self, x):
        return x @ self.other

class Attention(torch.nn.Module):
    def __init__(self, channels, size):
        super().__init__()
        self.k, self.v = torch.rand(1, size, channels), torch.rand(1, size, channels)
    def forward(self, x):
        return torch.softmax(x @ self.k.transpose(1, 2) / 16, -1) @ self.v

class NonLocal(torch.nn.Module):
    def __init__(self, c, inner):
        super().__init__()
        self.t, self.p, self.g = [torch.nn.Conv2d(c, inner, 1) for _ in range(3)]
        self.z = torch.nn.Conv2d(inner, c, 1)
        self.by_conv = False
    def forward(self, x):
        t, p, g = self.t(x), self.p(x).flatten(2), self.g(x).flatten(2)
        if self.by_conv:  # of one image: oneDNN's convolutions are faster than the products of a build with the reference BLAS
            scores = torch.nn.functional.conv2d(t, p[0].t()[:, :, None, None] * x.shape[1] ** -0.5)
            return x + self.z(torch.nn.functional.conv2d(torch.softmax(scores, 1), g[0][:, :, None, None]))
        y = torch.softmax(t.flatten(2).transpose(1, 2) @ p * x.shape[1] ** -0.5, 2) @ g.transpose(1, 2)
        return x + self.z(y.transpose(1, 2).reshape(x.shape[0], -1, *x.shape[2:]))
    def choose(self, x):
        times = []
        for self.by_conv in (False, True, False, True):
            start = time.perf_counter()
            self(x)
            times.append(time.perf_counter() - start)
        self.by_conv = min(times[1::2]) < min(times[::2])

net = {"se": lambda: torch.nn.Sequential(*[SE(channels) for _ in range(count)]),
       "cbam": lambda: torch.nn.Sequential(*[CBAM(channels) for _ in range(count)]),
       "conv": lambda: torch.nn.Conv2d(channels, count, 3, padding=1),
       "aspp": lambda: ASPP(channels, count),
       "gemm": lambda: Gemm(size, count),
       "attention": lambda: Attention(channels, size),
       "nonlocal": lambda: NonLocal(channels, count),
       "grid_sample": lambda: GridSample(count, size)}[what]()
x = torch.rand(channels, size) if what == "gemm" else torch.rand(1, size, channels) if what == "attention" else \
    torch.rand(count if what == "grid_sample" else 1, channels, size, size)
if layout == "nhwc" and x.dim() == 4:
    net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
with torch.inference_mode():
    if what == "nonlocal":
        net.choose(x)
    for _ in range(5):
        net(x)
    for _ in sys.stdin:
        start, runs = time.perf_counter(), 0
        while time.perf_counter() - start < 0.02:
            net(x)
            runs += 1
        print((time.perf_counter() - start) * 1e6 / runs, flush=True)
"""


class Contender:
    """A process that answers each line with one figure."""

    def __init__(self, command, **environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **environment})
        self.figures = []

    def round(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.figures.append(float(self.process.stdout.readline()))

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    @property
    def median(self):
        return statistics.median(self.figures)

    @property
    def spread(self):
        return f"{min(self.figures):.0f}-{max(self.figures):.0f}"


def torch_contender(*arguments):
    environment = {"OMP_WAIT_POLICY": "passive", "MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "4294967296"}
    return Contender(["/usr/bin/python3", "-c", TORCH, *map(str, arguments), str(os.cpu_count())], **environment)


def compare(contender, what, channels, size, count, rounds):
    ours = Contender([contender, what, str(channels), str(size), str(count)])
    peers = [torch_contender(what, channels, size, count, layout) for layout in ("nchw", "nhwc")]
    peak = Contender([contender, "peak", str(os.cpu_count())])
    everyone = [ours, *peers, peak]
    for _ in range(rounds):
        for each in everyone:
            each.round()
    for each in everyone:
        each.close()
    best = min(peer.median for peer in peers)
    line = (f"{what} {channels}@{size} x{count}: plugcl {ours.median:.0f} us ({ours.spread}), PyTorch {best:.0f} us, "
            f"ratio {best / ours.median:.2f}")
    flops = {"conv": 2 * channels * count * (3 * size - 2) ** 2,  # on valid taps only: one that reads padding is skipped
             "gemm": 2 * channels * size * count, "attention": 4 * size * size * channels}.get(what)
    if flops:
        # The best of each, since a busy core halves a round of either.
        gflops = flops / min(ours.figures) / 1000
        line += (f", at best {gflops:.0f} GFLOP/s = {100 * gflops / max(peak.figures):.0f} % of the best peak, "
                 f"{max(peak.figures):.0f}")
    print(line, flush=True)


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    contender, rounds = os.path.join(sys.argv[1], "bench", "contender"), int(sys.argv[2]) if len(sys.argv) == 3 else 15
    for case in (("se", 256, 28, 10), ("cbam", 256, 28, 10), ("conv", 512, 32, 256), ("aspp", 512, 32, 6), ("aspp", 512, 65, 6),
                 ("aspp", 2048, 28, 12), ("nonlocal", 256, 28, 128), ("nonlocal", 256, 56, 128),
                 ("grid_sample", 3, 224, 1), ("grid_sample", 3, 224, 8),
                 ("gemm", 1024, 1024, 1024), ("gemm", 3136, 128, 3136), ("gemm", 3136, 3136, 128), ("attention", 128, 3136, 1)):
        compare(contender, *case, rounds)


if __name__ == "__main__":
    main()
