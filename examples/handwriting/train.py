#!/usr/bin/env python3
"""Train the handwriting example's network and write the files that its C program reads.

The network reads one handwritten digit of 20x20 pixels. It is a small residual network with
squeeze-and-excitation (SE) and CBAM modules. Training uses digits.png, 5,000 real handwritten
digits that come with OpenCV; the last 100 digits of each class are never trained on.

Written into the output folder:
  sheet.png              the 1,000 held-out digits, 40 columns by 25 rows; class = index // 100
  model.safetensors      the weights, stored as F16
  reference.safetensors  what PyTorch computes in float32 from those two files
  results.json           accuracy, ablations, sizes, versions, seed
"""

import argparse
import copy
import gzip
import io
import json
import pathlib
import platform
import struct
import subprocess
import sys
import time
import zlib

try:
    import numpy
    import torch
    import torch.nn.functional as functional
    from PIL import Image
    from torch import nn
except ImportError as problem:
    sys.exit(f"train.py: {problem}. On Debian: apt install python3-torch python3-numpy python3-pil")

SIDE = 20                 # a digit is SIDE x SIDE pixels
CLASSES = 10
PER_CLASS = 500           # in digits.png, in reading order
HELD_OUT = 100            # the last of each class
SHEET_COLUMNS = 40
SHOWN = 16                # digits whose gates and maps are kept for comparison
EVALUATE_AT_ONCE = 100


class Failure(Exception):
    """Something the user can put right; main prints it as one line."""


# --- The network ---------------------------------------------------------------------------------


class SqueezeExcitation(nn.Module):
    """SE with nn.Linear layers without bias: the flavour whose weights are fc.0 and fc.2."""

    def __init__(self, channels):
        super().__init__()
        hidden = channels // 4
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden, bias=False), nn.ReLU(),
            nn.Linear(hidden, channels, bias=False), nn.Sigmoid())

    def forward(self, x):
        gate = self.fc(x.mean(dim=(2, 3)))
        return x * gate[:, :, None, None]


class ChannelAttention(nn.Module):
    """CBAM's first half: one MLP, shared by the average-pooled and the max-pooled vector."""

    def __init__(self, channels):
        super().__init__()
        hidden = channels // 4
        self.fc = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False), nn.ReLU(),
            nn.Conv2d(hidden, channels, 1, bias=False))

    def forward(self, x):
        average = self.fc(x.mean(dim=(2, 3), keepdim=True))
        maximum = self.fc(x.amax(dim=(2, 3), keepdim=True))
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


class ConvolutionUnit(nn.Module):
    """3x3 convolution, BatchNorm, ReLU."""

    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels_out, eps=1e-5)

    def forward(self, x):
        return functional.relu(self.bn(self.conv(x)))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, then the plug-ins (SE before CBAM), then the shortcut and ReLU."""

    def __init__(self, channels, se, cbam):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels, eps=1e-5)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels, eps=1e-5)
        self.se = SqueezeExcitation(channels) if se else None
        self.cbam = Cbam(channels) if cbam else None

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.se is not None:
            y = self.se(y)
        if self.cbam is not None:
            y = self.cbam(y)
        return functional.relu(x + y)


class Network(nn.Module):
    def __init__(self, se=True, cbam=True):
        super().__init__()
        self.stem = ConvolutionUnit(1, 24)
        self.block1 = ResidualBlock(24, se=se, cbam=False)
        self.transition1 = ConvolutionUnit(24, 40)
        self.block2 = ResidualBlock(40, se=False, cbam=cbam)
        self.transition2 = ConvolutionUnit(40, 56)
        self.block3 = ResidualBlock(56, se=se, cbam=cbam)
        self.head = nn.Linear(56, CLASSES)

    def forward(self, x):                                 # [N, 1, 20, 20], pixels / 255
        x = self.block1(self.stem(x))
        x = functional.max_pool2d(x, 2)                   # 10x10
        x = self.block2(self.transition1(x))
        x = functional.max_pool2d(x, 2)                   # 5x5
        x = self.block3(self.transition2(x))
        return self.head(x.mean(dim=(2, 3)))


# --- Files ---------------------------------------------------------------------------------------


SAFETENSORS_TYPES = {"F16": numpy.float16, "F32": numpy.float32, "I64": numpy.int64}


def write_safetensors(path, tensors):
    names = {numpy.dtype(kind): name for name, kind in SAFETENSORS_TYPES.items()}
    header, data = {}, b""
    for name, array in tensors.items():
        raw = numpy.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": names[array.dtype], "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)                       # so that the data start on 8 bytes
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    content = read_bytes(path)
    tensors = {}
    try:
        (length,) = struct.unpack_from("<Q", content)
        data = content[8 + length:]
        for name, entry in json.loads(content[8:8 + length]).items():
            begin, end = entry["data_offsets"]
            array = numpy.frombuffer(data[begin:end], SAFETENSORS_TYPES[entry["dtype"]])
            tensors[name] = array.reshape(entry["shape"])
    except (struct.error, ValueError, KeyError, TypeError, AttributeError):
        raise Failure(f"{path} is not a safetensors file of F16, F32 and I64 tensors") from None
    return tensors


def read_bytes(path):
    try:
        return path.read_bytes()
    except OSError as problem:
        raise Failure(f"cannot read {path}: {problem.strerror}") from None


def find_digits():
    """digits.png of Debian's opencv-doc, which may be stored compressed."""
    try:
        listing = subprocess.run(["dpkg", "-L", "opencv-doc"], capture_output=True, text=True)
    except FileNotFoundError:
        raise Failure("no dpkg here to find digits.png with: give it with --digits PATH") from None
    for line in listing.stdout.splitlines():
        if line.endswith(("/digits.png", "/digits.png.gz")):
            return pathlib.Path(line)
    raise Failure("digits.png not found: apt install opencv-doc, or give it with --digits PATH")


def read_tiles(path, columns, rows):
    """A grey picture cut into 20x20 tiles in reading order: uint8 [columns * rows, 20, 20]."""
    content = read_bytes(path)
    try:
        if content[:2] == b"\x1f\x8b":                    # gzip
            content = gzip.decompress(content)
        picture = numpy.asarray(Image.open(io.BytesIO(content)).convert("L"))
    except (OSError, EOFError, SyntaxError, zlib.error):  # SyntaxError: Pillow, of a broken PNG
        raise Failure(f"{path} is not a picture that can be read") from None
    if picture.shape != (rows * SIDE, columns * SIDE):
        raise Failure(f"{path} is {picture.shape[1]}x{picture.shape[0]} pixels, "
                      f"expected {columns * SIDE}x{rows * SIDE}")
    tiles = picture.reshape(rows, SIDE, columns, SIDE).transpose(0, 2, 1, 3)
    return tiles.reshape(-1, SIDE, SIDE)


def write_sheet(path, tiles):
    rows = len(tiles) // SHEET_COLUMNS
    picture = tiles.reshape(rows, SHEET_COLUMNS, SIDE, SIDE).transpose(0, 2, 1, 3)
    picture = picture.reshape(rows * SIDE, SHEET_COLUMNS * SIDE)
    Image.fromarray(picture, "L").save(path, optimize=True)


def read_sheet(path):
    """The held-out digits as the network takes them, and their labels."""
    count = CLASSES * HELD_OUT
    tiles = read_tiles(path, SHEET_COLUMNS, count // SHEET_COLUMNS)
    return as_input(tiles), torch.arange(count) // HELD_OUT


def as_input(tiles):
    return torch.from_numpy(tiles.astype(numpy.float32) / 255)[:, None]


# --- Training ------------------------------------------------------------------------------------


def split_digits(tiles):
    """(training tiles, their labels, held-out tiles); digits.png holds class after class."""
    by_class = tiles.reshape(CLASSES, PER_CLASS, SIDE, SIDE)
    kept = PER_CLASS - HELD_OUT
    training = by_class[:, :kept].reshape(-1, SIDE, SIDE)
    labels = torch.arange(CLASSES).repeat_interleave(kept)
    return training, labels, by_class[:, kept:].reshape(-1, SIDE, SIDE)


def augment(images, random):
    """Shift by up to 1.5 pixels, rotate by up to 12 degrees, scale and shear by up to 12 %."""
    def uniform(limit):
        return (torch.rand(len(images), generator=random) * 2 - 1) * limit

    angle = uniform(numpy.radians(12))
    scale_x, scale_y = 1 + uniform(0.12), 1 + uniform(0.12)
    shear = uniform(0.12)
    shift_x, shift_y = uniform(1.5 * 2 / SIDE), uniform(1.5 * 2 / SIDE)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    theta = torch.stack([
        torch.stack([cosine * scale_x, (shear - sine) * scale_y, shift_x], dim=1),
        torch.stack([sine * scale_x, cosine * scale_y, shift_y], dim=1)], dim=1)
    grid = functional.affine_grid(theta, images.shape, align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def train(network, images, labels, options, title):
    """The weights after the last epoch are taken; the held-out digits choose nothing."""
    random = torch.Generator().manual_seed(options.seed)
    batches = len(images) // options.batch
    optimizer = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=options.rate, total_steps=batches * options.epochs, pct_start=0.2)
    start = time.monotonic()
    network.train()
    for epoch in range(options.epochs):
        order = torch.randperm(len(images), generator=random)
        total = 0.0
        for batch in order[:batches * options.batch].reshape(batches, options.batch):
            logits = network(augment(images[batch], random))
            loss = functional.cross_entropy(logits, labels[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"{title}: epoch {epoch + 1}/{options.epochs}, loss {total / batches:.4f}, "
              f"{time.monotonic() - start:.0f} s", flush=True)
    return network


def train_variant(title, images, labels, options, **plugins):
    torch.manual_seed(options.seed)                       # of the first weights
    return train(Network(**plugins), images, labels, options, title)


# --- Measuring -----------------------------------------------------------------------------------


def rounded_weights(network):
    """Every tensor of the network as float16, by name."""
    tensors = {}
    for name, value in network.state_dict().items():
        if name.endswith("num_batches_tracked"):          # no part in inference
            continue
        tensors[name] = value.numpy().astype(numpy.float16)
        if not numpy.isfinite(tensors[name]).all():
            raise Failure(f"{name} does not fit into F16")
    return tensors


def with_weights(network, tensors):
    """A copy of the network that computes in float32 from the given tensors."""
    rounded = copy.deepcopy(network)
    state = {name: torch.from_numpy(array.astype(numpy.float32)) for name, array in tensors.items()}
    missing, unexpected = rounded.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise Failure(f"weights do not fit the network: missing {missing}, unexpected {unexpected}")
    return rounded.eval()


@torch.no_grad()
def logits_of(network, images):
    network.eval()
    return torch.cat([network(part) for part in images.split(EVALUATE_AT_ONCE)])


def number_right(logits, labels):
    return int((logits.argmax(dim=1) == labels).sum())


def margins_of(logits):
    """By how much the best class leads: the smaller, the nearer another implementation's rounding
    may come to naming another class."""
    best = logits.topk(2, dim=1).values
    return best[:, 0] - best[:, 1]


def choose_shown(logits, labels):
    """The clearest digit of each class, and the six with the smallest lead among the others."""
    margins = margins_of(logits)
    right = logits.argmax(dim=1) == labels
    chosen = []
    for label in range(CLASSES):
        lead = torch.where(right & (labels == label), margins, torch.tensor(-1.0))
        chosen.append(int(lead.argmax()))
    for index in margins.argsort().tolist():
        if len(chosen) < SHOWN and index not in chosen:
            chosen.append(index)
    return torch.tensor(sorted(chosen))


@torch.no_grad()
def gates_of(network, images):
    """What each plug-in multiplies by, by the names that reference.safetensors uses."""
    gates, hooks = {}, []

    def watch(module, name):
        hooks.append(module.register_forward_hook(
            lambda module, inputs, output: gates.update({name: output})))

    for name, module in network.named_modules():
        if isinstance(module, SqueezeExcitation):
            watch(module.fc, f"{name}.gate")
        elif isinstance(module, Cbam):
            watch(module.ca, f"{name}.gate")
            watch(module.sa, f"{name}.spatial")
    network(images)
    for hook in hooks:
        hook.remove()
    return {name: gate if gate.dim() == 4 else gate[:, :, None, None]
            for name, gate in gates.items()}


def compute_reference(folder):
    """PyTorch's answers from the two files as they lie in the folder, not from memory."""
    images, labels = read_sheet(folder / "sheet.png")
    network = with_weights(Network(), read_safetensors(folder / "model.safetensors"))
    logits = logits_of(network, images)
    shown = choose_shown(logits, labels)
    reference = {"logits": logits, "map_index": shown}
    reference.update(gates_of(network, images[shown]))
    return {name: value.numpy() for name, value in reference.items()}


def accuracy_of_variant(network, images, labels):
    """Right answers with the trained weights, and with the weights rounded to F16."""
    tensors = rounded_weights(network)
    right = number_right(logits_of(network, images), labels)
    right_f16 = number_right(logits_of(with_weights(network, tensors), images), labels)
    return {"right_f16": right_f16, "right_f32": right,
            "accuracy_f16": right_f16 / len(labels),
            "parameters": sum(value.numel() for value in network.parameters()),
            "stored_values": sum(array.size for array in tensors.values())}


# --- The three things this program does ----------------------------------------------------------


def make(options):
    folder = options.out
    training, labels, held_out = split_digits(
        read_tiles(options.digits or find_digits(), columns=100, rows=50))
    training = as_input(training)
    folder.mkdir(parents=True, exist_ok=True)
    write_sheet(folder / "sheet.png", held_out)
    images, held_out_labels = read_sheet(folder / "sheet.png")

    network = train_variant("main", training, labels, options)
    write_safetensors(folder / "model.safetensors", rounded_weights(network))
    reference = compute_reference(folder)
    write_safetensors(folder / "reference.safetensors", reference)

    results = describe(options, reference, held_out_labels)
    results["model"] = accuracy_of_variant(network, images, held_out_labels)
    if not options.no_ablations:
        results["ablations"] = ablations(training, labels, images, held_out_labels, options)
    (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    check(folder)


def ablations(training, labels, images, held_out_labels, options):
    """The same network trained in the same way with one kind of plug-in left out."""
    without = {"without SE": {"se": False}, "without CBAM": {"cbam": False}}
    return {title: accuracy_of_variant(train_variant(title, training, labels, options, **plugins),
                                       images, held_out_labels)
            for title, plugins in without.items()}


def describe(options, reference, labels):
    logits = torch.from_numpy(reference["logits"])
    wrong = (logits.argmax(dim=1) != labels).nonzero().flatten().tolist()
    return {
        "held_out": len(labels),
        "wrong_index": wrong,
        "smallest_margin": float(margins_of(logits).min()),
        "largest_logit": float(logits.abs().max()),
        "training": {"digits": CLASSES * (PER_CLASS - HELD_OUT), "epochs": options.epochs,
                     "batch": options.batch, "rate": options.rate, "seed": options.seed},
        "versions": {"python": platform.python_version(), "torch": torch.__version__,
                     "numpy": numpy.__version__},
    }


def check(folder):
    """Compute everything again from the files and compare it with what is recorded."""
    try:
        results = json.loads(read_bytes(folder / "results.json"))
        expected, before = results["model"]["right_f16"], results["model"]["right_f32"]
    except (ValueError, KeyError, TypeError):
        raise Failure(f"{folder / 'results.json'} does not hold this program's results") from None
    recorded = read_safetensors(folder / "reference.safetensors")
    computed = compute_reference(folder)
    if recorded.keys() != computed.keys():
        raise Failure("reference.safetensors holds other tensors than the network gives")
    if not numpy.array_equal(recorded["map_index"], computed["map_index"]):
        raise Failure("map_index is not the recorded one")
    worst = max(float(numpy.abs(recorded[name] - computed[name]).max()) for name in computed)
    labels = torch.arange(CLASSES * HELD_OUT) // HELD_OUT
    right = number_right(torch.from_numpy(computed["logits"]), labels)
    print(f"{right} of {len(labels)} right (recorded {expected}; "
          f"before rounding to F16 {before}), largest difference from the reference {worst:.2g}")
    for title, ablation in results.get("ablations", {}).items():
        print(f"ablation {title}: {ablation['right_f16']} of {len(labels)} right")
    if right != expected or worst > 1e-4:
        raise Failure("the files do not give the recorded results")


def parse_options():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", type=pathlib.Path, metavar="PATH",
                        help="digits.png or digits.png.gz (default: that of Debian's opencv-doc)")
    parser.add_argument("--out", type=pathlib.Path, default=here, metavar="FOLDER",
                        help="where to write (default: the folder of this program)")
    parser.add_argument("--epochs", type=int, default=60,
                        help="passes over the digits (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=64,
                        help="digits per step (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=4e-3,
                        help="highest learning rate (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1,
                        help="of weights, order, augmentation (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2,
                        help="of PyTorch (default: %(default)s)")
    parser.add_argument("--no-ablations", action="store_true", help="train the main network only")
    parser.add_argument("--check", action="store_true",
                        help="train nothing; compute the recorded results again from the files")
    options = parser.parse_args()
    if options.epochs < 1 or options.threads < 1 or not 1 < options.batch <= 4000:
        parser.error("--epochs and --threads are at least 1, --batch is 2 to 4000")
    return options


def main():
    options = parse_options()
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)
    try:
        check(options.out) if options.check else make(options)
    except Failure as failure:
        sys.exit(f"train.py: {failure}")
    except OSError as problem:
        sys.exit(f"train.py: {problem}")


if __name__ == "__main__":
    main()
