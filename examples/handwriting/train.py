#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train the handwriting example's networks and write the files that its C program reads.

The finder marks handwritten digits in photographs (SE, CBAM, Non-local, ASPP); the reader
straightens each (STN) and reads it. Digits and photographs are those of Debian's opencv-doc.

Written into the output folder:
  sheet.png              the 1,000 held-out digits, warped: 40 columns by 25 rows of 28x28;
                         class = index // 100
  scenes/scene-N.png     held-out digits scattered over photographs that no training scene shows
  model.safetensors      the weights, stored as F16
  reference.safetensors  what PyTorch computes in float32 from those files
  results.json           accuracy, ablations, sizes, versions, seeds
"""

import argparse
import copy
import json
import math
import pathlib
import platform
import sys
import time

try:
    import numpy
    import torch
    import torch.nn.functional as functional
    from PIL import Image

    import scenes
    from files import (Failure, example_picture, opencv_examples, read_bytes, read_grey, read_safetensors,
                       read_tiles, write_grey, write_safetensors, write_tiles)
    from network import Network, PLUGINS
except ImportError as problem:
    sys.exit(f"train.py: {problem}. On Debian: apt install python3-torch python3-numpy python3-pil")

SCENE_SIDE = 256          # of the committed scenes; the finder trains on smaller ones first
TRAINING_SIDE = 96
DIGITS_IN_SCENE = 10
MARKED_IN_SCENE = 2       # pixels whose attention is kept
MEASURED_SCENES = 30      # more of the held-out kind, not committed
SHEET_COLUMNS = 40


# --- Training ------------------------------------------------------------------------------------


def optimize(module, steps, rate, loss_of, title):
    """AdamW with a short warm-up and a cosine; the weights after the last step are taken."""
    optimizer = torch.optim.AdamW(module.parameters(), lr=rate, weight_decay=0.01)
    warm = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(
        (step + 1) / warm, 0.5 * (1 + math.cos(math.pi * step / steps)) + 1e-3))
    start, total = time.monotonic(), 0.0
    for step in range(1, steps + 1):
        loss = loss_of()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 5)
        optimizer.step()
        schedule.step()
        total += float(loss)
        if step % 100 == 0 or step == steps:
            print(f"{title}: step {step} of {steps}, mean loss {total / ((step - 1) % 100 + 1):.4f}, "
                  f"{time.monotonic() - start:.0f} s", flush=True)
            total = 0.0
    return time.monotonic() - start


def mask_loss(logits, masks):
    """Cross-entropy that weighs written pixels more, and the Dice loss of the whole batch."""
    entropy = functional.binary_cross_entropy_with_logits(logits, masks, pos_weight=torch.tensor(2.0))
    marked = torch.sigmoid(logits)
    return entropy + 1 - (2 * (marked * masks).sum() + 1) / (marked.sum() + masks.sum() + 1)


def train_finder(finder, data, steps, options, title):
    """Small scenes first; then, BatchNorm fixed, a few of the size that is measured, since
    the Non-local block's softmax spreads over as many keys as the scene has pixels."""
    random = numpy.random.default_rng(options.seed)

    def loss_of(side, count):
        def loss():
            pictures, masks = scenes.make_batch(data.training, data.photographs, side, count, random)
            return mask_loss(finder(pictures), masks)
        return loss

    finder.train()
    seconds = optimize(finder, steps, options.rate, loss_of(TRAINING_SIDE, options.batch), f"{title}, finder")
    finder.eval()                                         # BatchNorm: the means found so far
    return seconds + optimize(finder, max(1, steps // 20), options.rate / 10, loss_of(SCENE_SIDE, 2),
                              f"{title}, finder on large scenes")


def train_reader(reader, data, steps, options, title):
    """Cross-entropy of the classes; the STN is also shown the theta that straightens."""
    random = numpy.random.default_rng(options.seed + 1)

    def loss():
        chosen = torch.from_numpy(random.integers(0, len(data.training.labels), options.crops))
        crops, target = scenes.make_crops(data.training, data.photographs, chosen, random)
        logits, _, theta = reader(crops)
        entropy = functional.cross_entropy(logits, data.training.labels[chosen], label_smoothing=0.05)
        return entropy if theta is None else entropy + functional.mse_loss(theta, target)

    reader.train()
    seconds = optimize(reader, steps, options.rate, loss, f"{title}, reader")
    reader.eval()
    return seconds


def new_network(options, without=()):
    torch.manual_seed(options.seed)                       # of the first weights
    return Network(without)


# --- Weights -------------------------------------------------------------------------------------


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


# --- Measuring -----------------------------------------------------------------------------------


def as_input(pictures):
    return torch.from_numpy(pictures.astype(numpy.float32) / 255)[:, None]


@torch.no_grad()
def read_scene(network, picture):
    """(mask logits [1, 1, h, w], boxes in mask pixels, crops, the reader's answers or None)."""
    mask = network.finder(as_input(picture[None]))
    crops, boxes = scenes.cut_crops(picture, mask[0, 0].numpy() > 0)
    return mask, boxes, crops, network.reader(torch.from_numpy(crops)) if boxes else None


def score_scene(boxes, digits, truth):
    """How many of the truth's digits are found, how many of those are read right, and how many
    components are no digit."""
    found = right = matched = 0
    for label, *box in truth:
        hits = [i for i, own in enumerate(boxes) if scenes.overlap(scenes.scene_box(own), box) > 0.5]
        found += bool(hits)
        matched += len(hits)
        right += any(digits[i] == label for i in hits)
    return numpy.array([len(truth), found, right, len(boxes) - matched])


def score_scenes(network, made):
    """The sums over scenes of (picture, truth)."""
    total = numpy.zeros(4, int)
    for picture, truth in made:
        _, boxes, _, answers = read_scene(network, picture)
        digits = [] if answers is None else answers[0].argmax(dim=1).tolist()
        total += score_scene(boxes, digits, truth)
    return dict(zip(("digits", "found", "read_right", "not_digits"), total.tolist()))


@torch.no_grad()
def sheet_logits(network, images):
    return torch.cat([network.reader(part)[0] for part in images.split(100)])


def sheet_score(network, data):
    right = sheet_logits(network, data.sheet).argmax(dim=1) == data.held_out.labels
    return int(right.sum())


def choose_marked(boxes, truth, written, side):
    """Pixels y:x of the Non-local block's map: of the first and the last truth box that is found (of
    any, none being found), the written pixel nearest its middle."""
    hit = [box for _, *box in truth if any(scenes.overlap(scenes.scene_box(own), box) > 0.5 for own in boxes)]
    hit = hit or [box for _, *box in truth]
    marked = []
    for x0, y0, x1, y1 in (hit[0], hit[-1])[:MARKED_IN_SCENE]:
        ys, xs = numpy.nonzero(written)
        ys, xs = (ys, xs) if len(ys) else (numpy.array([(y0 + y1) // 4]), numpy.array([(x0 + x1) // 4]))
        nearest = numpy.argmin((2 * ys + 1 - (y0 + y1) / 2) ** 2 + (2 * xs + 1 - (x0 + x1) / 2) ** 2)
        marked.append([min(int(ys[nearest]) // 2, side - 1), min(int(xs[nearest]) // 2, side - 1)])
    return marked


@torch.no_grad()
def look_inside(finder, pictures):
    """What the plug-ins multiply by, and the map that the Non-local block takes."""
    kept, hooks = {}, []

    def watch(module, name, of_input=False):
        hooks.append(module.register_forward_hook(
            lambda module, inputs, output: kept.update({name: inputs[0] if of_input else output})))

    watch(finder.block1.se.fc, "finder.block1.se.gate")
    watch(finder.block2.cbam.ca, "finder.block2.cbam.gate")
    watch(finder.block2.cbam.sa, "finder.block2.cbam.spatial")
    watch(finder.non_local, "map", of_input=True)
    finder(as_input(pictures))
    for hook in hooks:
        hook.remove()
    kept["finder.block1.se.gate"] = kept["finder.block1.se.gate"][:, :, None, None]
    return kept, kept.pop("map")


@torch.no_grad()
def compute_reference(folder, truth, marked=None):
    """PyTorch's answers from the files as they lie in the folder, not from memory."""
    network = with_weights(Network(), read_safetensors(folder / "model.safetensors"))
    pictures = read_demo_scenes(folder, truth)
    sheet = read_tiles(folder / "sheet.png", SHEET_COLUMNS, 1000 // SHEET_COLUMNS, scenes.CROP)
    masks, boxes, crops, marks = [], [], [], []
    for number, picture in enumerate(pictures):
        mask, own, cut, _ = read_scene(network, picture)
        masks.append(mask)
        crops.append(cut)
        boxes += [[number, *box] for box in own]
        here = [row[1:] for row in truth.tolist() if row[0] == number]
        marks += choose_marked(own, here, mask[0, 0].numpy() > 0, SCENE_SIDE // 4)
    marked = numpy.array(marks) if marked is None else marked
    if not boxes:
        raise Failure("the finder marks nothing in the scenes: it needs more training")
    inside, maps = look_inside(network.finder, pictures)
    rows = [network.finder.non_local.attention(maps[i // MARKED_IN_SCENE][None])[0, y * maps.shape[3] + x]
            for i, (y, x) in enumerate(marked.tolist())]
    crops = torch.from_numpy(numpy.concatenate(crops))
    logits, straight, theta = network.reader(crops)
    reference = {"mask": torch.cat(masks), **inside, "finder.non_local.attention": torch.stack(rows),
                 "crops.theta": theta, "crops.straight": straight, "crops.logits": logits,
                 "sheet.logits": sheet_logits(network, as_input(sheet))}
    reference = {name: value.numpy() for name, value in reference.items()}
    return {**reference, "marked": marked.astype(numpy.int64), "truth": truth,
            "boxes": numpy.array(boxes, numpy.int64).reshape(-1, 5)}


def read_demo_scenes(folder, truth):
    return numpy.stack([read_grey(folder / "scenes" / f"scene-{number}.png")
                        for number in range(int(truth[:, 0].max()) + 1)])


# --- The three things this program does ----------------------------------------------------------


class Data:
    """The digits and photographs, and what is measured: the same for every network."""

    def __init__(self, options):
        folder = options.examples or opencv_examples()
        tiles = example_picture(folder, "data/digits.png")
        if tiles.shape != (1000, 2000):
            raise Failure(f"digits.png is {tiles.shape[1]}x{tiles.shape[0]} pixels, expected 2000x1000")
        tiles = tiles.reshape(50, scenes.TILE, 100, scenes.TILE).transpose(0, 2, 1, 3)
        self.training, self.held_out = scenes.split_digits(tiles.reshape(-1, scenes.TILE, scenes.TILE))
        self.photographs = scenes.load_photographs(folder, scenes.TRAINING_PHOTOGRAPHS)
        self.sheet_tiles = scenes.make_sheet(self.held_out, options.seed)
        self.sheet = as_input(self.sheet_tiles)
        self.demo = self.make_scenes(folder, scenes.DEMO_PHOTOGRAPHS, len(scenes.DEMO_PHOTOGRAPHS), options.seed + 2)
        self.more = self.make_scenes(folder, scenes.MEASURED_PHOTOGRAPHS, MEASURED_SCENES, options.seed + 3)

    def make_scenes(self, folder, names, count, seed):
        """Scenes (picture, truth) of held-out digits over the named photographs in turn."""
        random = numpy.random.default_rng(seed)
        photographs = scenes.load_photographs(folder, names)
        made = [scenes.make_scene(self.held_out, photographs[i % len(photographs)], SCENE_SIDE, DIGITS_IN_SCENE, random)
                for i in range(count)]
        return [(picture, truth) for picture, _, truth in made]

    def write(self, folder):
        """sheet.png and the scenes; returns the truth [m, 6]: scene, digit, x0, y0, x1, y1."""
        (folder / "scenes").mkdir(parents=True, exist_ok=True)
        write_tiles(folder / "sheet.png", self.sheet_tiles, SHEET_COLUMNS)
        for number, (picture, _) in enumerate(self.demo):
            write_grey(folder / "scenes" / f"scene-{number}.png", picture)
        return numpy.array([[number, *row] for number, (_, truth) in enumerate(self.demo) for row in truth], numpy.int64)


def write_model(network, folder, truth):
    write_safetensors(folder / "model.safetensors", rounded_weights(network))
    write_safetensors(folder / "reference.safetensors", compute_reference(folder, truth))


def make(options):
    torch.manual_seed(options.seed)
    folder, data = options.out, Data(options)
    truth = data.write(folder)
    network = new_network(options)
    seconds = {"finder": train_finder(network.finder, data, options.finder_steps, options, "main"),
               "reader": train_reader(network.reader, data, options.reader_steps, options, "main")}
    write_model(network, folder, truth)
    results = describe(options, network, data, seconds)
    write_results(folder, results)
    check(folder)
    if not options.no_ablations:
        results["ablations"] = ablations(data, options)
        write_results(folder, results)


def write_results(folder, results):
    (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n")


def ablations(data, options):
    """The same network, and it with each plug-in and with all left out, all trained alike and
    shorter than the main one. The finder and the reader train apart from each other, so that a plug-in
    of the one leaves the other as it is with everything."""
    settings = {"with all five": (), **{f"without {name}": (name,) for name in PLUGINS}, "without any": PLUGINS}
    finders, readers, rows = {}, {}, {}
    for title, without in settings.items():
        network = new_network(options, without)
        finder = tuple(name for name in without if name != "STN")
        reader = tuple(name for name in without if name == "STN")
        if finder not in finders:
            train_finder(network.finder, data, options.ablation_finder_steps, options, title)
            finders[finder] = network.finder
        if reader not in readers:
            train_reader(network.reader, data, options.ablation_reader_steps, options, title)
            readers[reader] = network.reader
        network.finder, network.reader = finders[finder], readers[reader]
        rows[title] = {"parameters": sum(value.numel() for value in network.parameters()),
                       "sheet_right": sheet_score(network, data), "more_scenes": score_scenes(network, data.more)}
        print(f"ablation {title}: {rows[title]}", flush=True)
    return {"finder_steps": options.ablation_finder_steps, "reader_steps": options.ablation_reader_steps,
            "weights": "F32", "networks": rows}


def describe(options, network, data, seconds):
    tensors = rounded_weights(network)
    rounded = with_weights(network, tensors)
    logits = sheet_logits(rounded, data.sheet)
    margins = logits.topk(2, dim=1).values
    masks = [read_scene(rounded, picture)[0] for picture, _ in data.demo]
    return {
        "sheet": {"digits": len(logits), "right_f16": sheet_score(rounded, data), "right_f32": sheet_score(network, data),
                  "smallest_margin": float((margins[:, 0] - margins[:, 1]).min())},
        "demo_scenes": {"photographs": scenes.DEMO_PHOTOGRAPHS, **score_scenes(rounded, data.demo),
                        "smallest_mask_logit": float(torch.cat(masks).abs().min())},
        "more_scenes": {"scenes": len(data.more), "photographs": scenes.MEASURED_PHOTOGRAPHS,
                        **score_scenes(rounded, data.more)},
        "parameters": sum(value.numel() for value in network.parameters()),
        "stored_values": sum(array.size for array in tensors.values()),
        "training": {"digits": len(data.training.labels), "photographs": scenes.TRAINING_PHOTOGRAPHS,
                     "seed": options.seed, "rate": options.rate, "threads": options.threads,
                     "finder_steps": options.finder_steps, "scenes_per_step": options.batch,
                     "reader_steps": options.reader_steps, "crops_per_step": options.crops,
                     "seconds": {name: round(value) for name, value in seconds.items()}},
        "versions": {"python": platform.python_version(), "torch": torch.__version__,
                     "numpy": numpy.__version__, "pillow": Image.__version__},
    }


def check(folder):
    """Compute everything again from the files and compare it with what is recorded."""
    try:
        results = json.loads(read_bytes(folder / "results.json"))
        expected = results["sheet"]["right_f16"], results["demo_scenes"]["found"], results["demo_scenes"]["read_right"]
    except (ValueError, KeyError, TypeError):
        raise Failure(f"{folder / 'results.json'} does not hold this program's results") from None
    recorded = read_safetensors(folder / "reference.safetensors")
    computed = compute_reference(folder, recorded["truth"], recorded["marked"])
    if {name: array.shape for name, array in recorded.items()} != {name: array.shape for name, array in computed.items()}:
        raise Failure("reference.safetensors holds other tensors than the network gives")
    worst = max(float(numpy.abs(recorded[name] - computed[name]).max()) for name in computed)
    right = int((computed["sheet.logits"].argmax(axis=1) == numpy.arange(1000) // 100).sum())
    found = read = digits = 0
    for number in range(int(computed["truth"][:, 0].max()) + 1):
        own = computed["boxes"][:, 0] == number
        truth = [row[1:] for row in computed["truth"].tolist() if row[0] == number]
        score = score_scene(computed["boxes"][own, 1:].tolist(), computed["crops.logits"][own].argmax(axis=1), truth)
        digits, found, read = digits + int(score[0]), found + int(score[1]), read + int(score[2])
    print(f"sheet: {right} of 1000 right; scenes: {found} of {digits} digits found, {read} read right; "
          f"largest difference from the reference {worst:.2g}")
    if (right, found, read) != expected or worst > 1e-4:
        raise Failure(f"the files do not give the recorded results {expected}")


def parse_options():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=pathlib.Path, metavar="PATH",
                        help="the examples folder of opencv-doc (default: that of Debian's package)")
    parser.add_argument("--out", type=pathlib.Path, default=here, metavar="FOLDER",
                        help="where to write (default: the folder of this program)")
    numbers = {"finder-steps": (2400, "of the finder"), "reader-steps": (3000, "of the reader"),
               "ablation-finder-steps": (400, "of each finder of the ablations"),
               "ablation-reader-steps": (1000, "of each reader of the ablations"),
               "batch": (8, "scenes per step"), "crops": (96, "digits per step of the reader"),
               "seed": (1, "of weights, scenes, order"), "threads": (2, "of PyTorch")}
    for name, (default, text) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{text} (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=4e-3, help="highest learning rate (default: %(default)s)")
    parser.add_argument("--no-ablations", action="store_true", help="train the main networks only")
    parser.add_argument("--check", action="store_true",
                        help="train nothing; compute the recorded results again from the files")
    options = parser.parse_args()
    if any(getattr(options, name.replace("-", "_")) < 1 for name in numbers) or options.batch < 2 or options.crops < 2:
        parser.error("the numbers are at least 1, --batch and --crops at least 2")
    return options


def main():
    options = parse_options()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(True)
    try:
        check(options.out) if options.check else make(options)
    except Failure as failure:
        sys.exit(f"train.py: {failure}")
    except OSError as problem:
        sys.exit(f"train.py: {problem}")


if __name__ == "__main__":
    main()
