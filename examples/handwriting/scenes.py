# SPDX-License-Identifier: Apache-2.0
"""Making scenes and crops of warped digits over photographs, and cutting crops out of a mask.

The training digits are the first 400 of each class of digits.png and the training photographs are
TRAINING_PHOTOGRAPHS; the rest, the held-out digits and photographs, serve to measure only.
"""

import numpy
import torch
import torch.nn.functional as functional
from PIL import Image

import files

TRAINING_PHOTOGRAPHS = (
    "alphamat/input_images/plant.jpg", "data/aero1.jpg", "data/apple.jpg", "data/baboon.jpg",
    "data/basketball1.png", "data/board.jpg", "data/box_in_scene.png", "data/chicky_512.png",
    "data/ela_original.jpg", "data/graf1.png", "data/left.jpg", "data/leuvenA.jpg",
    "data/orange.jpg", "data/rubberwhale1.png", "data/smarties.png", "data/stuff.jpg",
    "dnn_superres/butterfly.png", "hfs/data/000.jpg", "hfs/data/001.jpg", "hfs/data/002.jpg",
    "reg/home.png", "text/scenetext01.jpg", "text/scenetext03.jpg", "text/scenetext04.jpg",
    "text/scenetext05.jpg", "text/scenetext06.jpg")
DEMO_PHOTOGRAPHS = ("data/fruits.jpg", "data/home.jpg", "data/squirrel_cls.jpg")
MEASURED_PHOTOGRAPHS = DEMO_PHOTOGRAPHS + ("data/aloeL.jpg", "data/building.jpg", "data/butterfly.jpg")

TILE = 20                 # a digit of digits.png is TILE x TILE pixels
CLASSES = 10
PER_CLASS = 500           # in digits.png, in reading order
HELD_OUT = 100            # the last of each class
CROP = 28                 # what the reader takes
SMALLEST = 20             # mask pixels of the smallest component that is kept
INK = 0.25                # mean ink of 2x2 scene pixels that makes a mask pixel written
STRAIGHT_SCALE = 1.4      # of a straightened digit, scene pixels per tile pixel


class Digits:
    """Tiles [N, 1, 20, 20] of 0 to 1, their labels, the centre of their ink's box and their slant."""

    def __init__(self, tiles, labels):
        self.tiles = torch.from_numpy(tiles.astype(numpy.float32) / 255)[:, None]
        self.labels = torch.as_tensor(labels)
        self.centres = torch.zeros(len(tiles), 2)
        self.slants = torch.zeros(len(tiles))
        for i, tile in enumerate(tiles.astype(float)):
            y, x = numpy.nonzero(tile > 127)
            if len(x) == 0:
                continue
            self.centres[i, 0] = (x.min() + x.max() + 1 - TILE) / 2
            self.centres[i, 1] = (y.min() + y.max() + 1 - TILE) / 2
            dx, dy = x - x.mean(), y - y.mean()
            self.slants[i] = float(numpy.clip((dx * dy).sum() / max((dy * dy).sum(), 1), -0.8, 0.8))


def split_digits(tiles):
    """(training digits, held-out digits); digits.png holds class after class."""
    by_class = tiles.reshape(CLASSES, PER_CLASS, TILE, TILE)
    kept = PER_CLASS - HELD_OUT
    return (Digits(by_class[:, :kept].reshape(-1, TILE, TILE), numpy.arange(CLASSES).repeat(kept)),
            Digits(by_class[:, kept:].reshape(-1, TILE, TILE), numpy.arange(CLASSES).repeat(HELD_OUT)))


# --- Warping -------------------------------------------------------------------------------------


def random_warps(count, random):
    """Matrices [count, 2, 2] from tile pixels to scene pixels: scale, then shear, then rotate."""
    angle = numpy.radians(random.uniform(-35, 35, count))
    shear = random.uniform(-0.25, 0.25, count)
    scale = random.uniform(1.15, 1.5, count)
    width, height = scale * random.uniform(0.9, 1.1, count), scale
    cosine, sine = numpy.cos(angle), numpy.sin(angle)
    warps = numpy.stack([cosine * width, (cosine * shear - sine) * height,
                         sine * width, (sine * shear + cosine) * height], axis=1)
    return torch.from_numpy(warps.astype(numpy.float32)).reshape(-1, 2, 2)


def warp(digits, chosen, warps, shifts, side):
    """Ink [count, 1, side, side]: the box of the digit's ink centred, then shifted (pixels)."""
    inverse = torch.linalg.inv(warps)
    offset = digits.centres[chosen] - (inverse @ shifts[:, :, None])[:, :, 0]
    theta = torch.cat([inverse * (side / TILE), offset[:, :, None] * (2 / TILE)], dim=2)
    grid = functional.affine_grid(theta, (len(chosen), 1, side, side), align_corners=False)
    return functional.grid_sample(digits.tiles[chosen], grid, align_corners=False)


def straightening(digits, chosen, warps, shifts):
    """The theta that shows the warped digit upright, without its writer's slant."""
    upright = torch.eye(2).repeat(len(chosen), 1, 1)
    upright[:, 0, 1] = -digits.slants[chosen]
    matrix = warps @ torch.linalg.inv(upright * STRAIGHT_SCALE)
    return torch.cat([matrix, shifts[:, :, None] * (2 / CROP)], dim=2)


def random_shifts(count, limit, random):
    return torch.from_numpy(random.uniform(-limit, limit, (count, 2)).astype(numpy.float32))


def make_sheet(digits, seed):
    """Every digit warped, ink on black: uint8 [N, 28, 28]."""
    random = numpy.random.default_rng(seed)
    count = len(digits.labels)
    ink = warp(digits, torch.arange(count), random_warps(count, random),
               random_shifts(count, 1, random), CROP)
    return (ink[:, 0].numpy() * 255 + 0.5).astype(numpy.uint8)


# --- Scenes --------------------------------------------------------------------------------------


def load_photographs(folder, names):
    """Grey photographs whose shorter side has at most 400 pixels."""
    photographs = []
    for name in names:
        picture = Image.fromarray(files.example_picture(folder, name))
        factor = min(1, 400 / min(picture.size))
        photographs.append(picture.resize([round(length * factor) for length in picture.size], Image.BOX))
    return photographs


def cut_background(photograph, side, random):
    """A part of the photograph, scaled to side x side, mirrored every other time: float [side, side]."""
    length = min(min(photograph.size), int(side * random.uniform(1, 2)))
    left = random.integers(0, photograph.size[0] - length + 1)
    top = random.integers(0, photograph.size[1] - length + 1)
    part = photograph.resize((side, side), Image.BILINEAR, (left, top, left + length, top + length))
    picture = numpy.asarray(part).astype(numpy.float32)
    return picture[:, ::-1].copy() if random.random() < 0.5 else picture


def choose_ink(paper, random):
    """A grey that stands out from the paper, or None where the paper is too restless to write on."""
    low, high = numpy.percentile(paper, (15, 85))
    dark, light = random.uniform(0, 35), random.uniform(220, 255)
    grey, contrast = (dark, low - dark) if low - dark > light - high else (light, light - high)
    return grey if contrast > 70 and high - low < 90 else None


def written_cells(ink):
    """The mask pixels that hold ink, and those beside them: bool [N, 1, H/2, W/2] each."""
    cells = functional.avg_pool2d(ink, 2) > INK
    return cells, functional.max_pool2d(cells.float(), 3, 1, 1) > 0


def make_scene(digits, photograph, side, count, random):
    """(uint8 [side, side], mask bool [side/2, side/2], truth [[digit, x0, y0, x1, y1]]).

    Digits keep clear of one another; one that finds no place within 40 tries is left out.
    """
    picture = cut_background(photograph, side, random)
    mask = numpy.zeros((side // 2, side // 2), bool)
    truth = []
    patch = 32
    tries = 40 if count else 0
    chosen = torch.from_numpy(random.integers(0, len(digits.labels), count))
    inks = warp(digits, chosen, random_warps(count, random), torch.zeros(count, 2), patch) if count else []
    for ink, label in zip(inks, digits.labels[chosen].tolist()):
        cells, near = (part[0, 0].numpy() for part in written_cells(ink[None]))
        for _ in range(tries):
            left, top = (2 * int(v) for v in random.integers(0, (side - patch) // 2 + 1, 2))
            here = (slice(top // 2, top // 2 + patch // 2), slice(left // 2, left // 2 + patch // 2))
            around = (slice(max(top // 2 - 2, 0), top // 2 + patch // 2 + 2),
                      slice(max(left // 2 - 2, 0), left // 2 + patch // 2 + 2))
            spot = picture[top:top + patch, left:left + patch]
            grey = choose_ink(spot, random)
            if grey is None or mask[around].any():
                continue
            alpha = ink[0].numpy() * random.uniform(0.85, 1)
            picture[top:top + patch, left:left + patch] = spot + alpha * (grey - spot)
            mask[here] |= near
            y, x = numpy.nonzero(cells)
            truth.append([label, left + 2 * x.min(), top + 2 * y.min(), left + 2 * x.max() + 2, top + 2 * y.max() + 2])
            break
    return (picture + 0.5).astype(numpy.uint8), mask, truth


def make_batch(digits, photographs, side, count, random):
    """Scenes for the finder: pixels / 255 [count, 1, side, side] and masks of half that size."""
    most = round(side * side * 20 / 256 ** 2)             # on average as many as a demo scene has
    made = [make_scene(digits, photographs[random.integers(len(photographs))], side,
                       int(random.integers(0, most + 1)), random) for _ in range(count)]
    pictures = numpy.stack([picture for picture, _, _ in made]).astype(numpy.float32) / 255
    masks = numpy.stack([mask for _, mask, _ in made]).astype(numpy.float32)
    return torch.from_numpy(pictures)[:, None], torch.from_numpy(masks)[:, None]


def make_crops(digits, photographs, chosen, random):
    """For the reader: one half of the digits as on the sheet, the other as cut out of scenes; the
    thetas that straighten them beside."""
    count = len(chosen)
    warps, shifts = random_warps(count, random), random_shifts(count, 2, random)
    crops = warp(digits, chosen, warps, shifts, CROP)
    half = count // 2
    ink = crops[:half]
    backgrounds = [cut_background(photographs[random.integers(len(photographs))], CROP * 4, random)[:CROP, :CROP]
                   for _ in range(half)]
    paper = torch.from_numpy(numpy.stack(backgrounds))[:, None]
    dark = paper.mean(dim=(1, 2, 3), keepdim=True) > 128
    grey = torch.where(dark, torch.zeros(1), torch.full((1,), 255.0))
    grey = (grey - torch.from_numpy(random.uniform(-35, 35, (half, 1, 1, 1)).astype(numpy.float32))).clamp(0, 255)
    opacity = torch.from_numpy(random.uniform(0.85, 1, (half, 1, 1, 1)).astype(numpy.float32))
    scene = (paper + ink * opacity * (grey - paper)).round()
    cells, near = written_cells(ink)
    bold = torch.from_numpy(random.random((half, 1, 1, 1)) < 0.8)     # a finder marks more or less
    written = functional.interpolate(torch.where(bold, near, cells).float(), scale_factor=2)
    bare = 1 - written
    mean = (scene * bare).sum(dim=(2, 3), keepdim=True) / bare.sum(dim=(2, 3), keepdim=True).clamp(min=1)
    distance = (scene - mean).abs() * written
    crops[:half] = distance / distance.amax(dim=(2, 3), keepdim=True).clamp(min=1)
    return crops, straightening(digits, chosen, warps, shifts)


# --- From a mask to crops ------------------------------------------------------------------------


def components(written):
    """(owner int [h, w]: -1 nothing, 0.. a component, -2 one too small; boxes [[x0, y0, x1, y1]]).

    8-connected, in the order of their first pixel; the boxes are inclusive, in mask pixels.
    """
    height, width = written.shape
    owner = numpy.full((height, width), -1)
    boxes = []
    for y, x in zip(*numpy.nonzero(written)):
        if owner[y, x] != -1:
            continue
        owner[y, x] = len(boxes)
        pixels = [(y, x)]
        for py, px in pixels:                             # grows while it is walked
            for ny in range(max(py - 1, 0), min(py + 2, height)):
                for nx in range(max(px - 1, 0), min(px + 2, width)):
                    if written[ny, nx] and owner[ny, nx] == -1:
                        owner[ny, nx] = len(boxes)
                        pixels.append((ny, nx))
        ys, xs = numpy.array(pixels).T
        if len(pixels) < SMALLEST:
            owner[ys, xs] = -2
        else:
            boxes.append([xs.min(), ys.min(), xs.max(), ys.max()])
    return owner, boxes


def cut_crops(scene, written):
    """(crops float32 [n, 1, 28, 28], boxes [[x0, y0, x1, y1]] in mask pixels) of a uint8 scene."""
    owner, boxes = components(written)
    crops = numpy.zeros((len(boxes), 1, CROP, CROP), numpy.float32)
    for index, (x0, y0, x1, y1) in enumerate(boxes):
        xs = numpy.clip(numpy.arange(CROP) + x0 + x1 + 1 - CROP // 2, 0, scene.shape[1] - 1)
        ys = numpy.clip(numpy.arange(CROP) + y0 + y1 + 1 - CROP // 2, 0, scene.shape[0] - 1)
        pixels = scene[ys[:, None], xs].astype(float)
        owners = owner[ys[:, None] // 2, xs // 2]
        bare = owners == -1
        paper = pixels[bare].mean() if bare.any() else 0.0
        distance = numpy.where(owners == index, numpy.abs(pixels - paper), 0)
        crops[index, 0] = distance / max(distance.max(), 1)
    return crops, boxes


def overlap(a, b):
    """Intersection over union of two boxes x0, y0, x1, y1 (exclusive)."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def scene_box(box):
    """A component's box in scene pixels, exclusive, without the margin that the mask has."""
    x0, y0, x1, y1 = box
    return [2 * x0 + 2, 2 * y0 + 2, 2 * x1, 2 * y1]
