"""Redraws training images as photographs and drawings, so that the same small network recognises those too.

Fashion-MNIST shows product photographs: sleeves along the body, one shoe from the side, natural greys, clean edges. People
photograph a pair of shoes from above and a pullover with its sleeves spread, cut-outs have ragged edges, and a drawing is an
outline. In every batch, most images are only shifted by a pixel and mirrored; the rest are redrawn.
"""

import itertools
import math

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fmnist_core.dataset.classes import CLASS_NAMES, SIDE_PX
from fmnist_core.training.doodles import draw_doodle

# Shares of a batch that are redrawn, chosen on 400 photographs and 110 drawings; the rest is only shifted and mirrored.
_PHOTO_SHARE, _DRAWING_SHARE = 0.22, 0.08
_DOODLE_SHARE, _DOODLE_PHOTO_SHARE = 0.07, 0.03  # images replaced by doodles, shown as drawings and as photographs
_DOODLES = 6_000


def _labels_of(*names: str) -> Tensor:
    return torch.tensor([CLASS_NAMES.index(name) for name in names])


_SHOES = _labels_of("Sandal", "Sneaker", "Ankle boot")
_SLEEVED = _labels_of("T-shirt/top", "Pullover", "Coat", "Shirt")
_WIDER = _labels_of("T-shirt/top", "Pullover", "Dress", "Coat", "Shirt")  # 25 % wider in photographs than in the training images
_T_SHIRT, _BAG = _labels_of("T-shirt/top"), _labels_of("Bag")
_AXIS = (torch.arange(SIDE_PX) + 0.5) / (SIDE_PX / 2) - 1
_Y, _X = torch.meshgrid(_AXIS, _AXIS, indexing="ij")  # (28, 28) each, from −1 to 1


class FlipsAndShifts:
    """Mirrors images at random and shifts them by up to one pixel.

    Args:
        images: (N, 28, 28) uint8.
        labels: (N,) int64.
    """

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self._images, self._labels = images, labels

    def redraw(self, indices: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """These images, changed: (n, 28, 28) uint8 and labels (n,); the generator's state alone decides how."""
        return _nudge(_Random(generator), self._images[indices]), self._labels[indices]


class PhotosAndDrawings:
    """Redraws some images as photographs and drawings, and replaces some with doodles.

    Args:
        images: (N, 28, 28) uint8.
        labels: (N,) int64.
        seed: of the doodles.
    """

    def __init__(self, images: Tensor, labels: Tensor, seed: int) -> None:
        self._images, self._labels = images, labels
        self._silhouettes = torch.from_numpy(find_silhouettes(images.numpy()))
        self._doodles = _Doodles(seed)

    def redraw(self, indices: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """These images, changed: (n, 28, 28) uint8 and labels (n,); the generator's state alone decides how."""
        random, labels = _Random(generator), self._labels[indices].clone()
        images, silhouettes = self._images[indices].float() / 255, self._silhouettes[indices].float()
        draw = random.uniform(0, 1, len(indices))
        out = _nudge(random, images)
        photos, drawings, doodles, doodle_photos = _divide(draw, _PHOTO_SHARE, _DRAWING_SHARE, _DOODLE_SHARE, _DOODLE_PHOTO_SHARE)
        pose = torch.cat([photos, drawings])
        greys, masks = _pose(random, images[pose], silhouettes[pose], labels[pose])
        out[photos] = _photograph(random, greys[: len(photos)], masks[: len(photos)])
        out[drawings] = _draw(random, greys[len(photos) :], masks[len(photos) :], labels[drawings])
        for replaced, as_photo in ((doodles, False), (doodle_photos, True)):
            inks, bodies, labels[replaced] = self._doodles.take(random.integers(_DOODLES, len(replaced)))
            out[replaced] = _show_doodles(random, inks, bodies, labels[replaced], as_photo=as_photo)
        return (out * 255).round().clamp(0, 255).to(torch.uint8), labels


class _Doodles:
    """A fixed set of doodles, each drawn when it is first needed, which takes 0.9 ms."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._inks, self._bodies = (torch.zeros(_DOODLES, SIDE_PX, SIDE_PX, dtype=torch.uint8) for _ in range(2))
        self._labels = torch.arange(_DOODLES) % len(CLASS_NAMES)
        self._drawn = torch.zeros(_DOODLES, dtype=torch.bool)

    def take(self, numbers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Inks and bodies (n, 28, 28) uint8 and labels (n,) of the doodles with these numbers, from 0 to 5,999."""
        for number in numbers[~self._drawn[numbers]].unique().tolist():
            doodle = draw_doodle(int(self._labels[number]), np.random.default_rng([self._seed, number]))
            self._inks[number], self._bodies[number] = torch.from_numpy(doodle.ink), torch.from_numpy(doodle.body)
            self._drawn[number] = True
        return self._inks[numbers], self._bodies[numbers], self._labels[numbers]


def find_silhouettes(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The silhouettes of the items, (N, 28, 28), which include small dark areas inside, such as a black print.

    Args:
        images: (N, 28, 28) uint8, 0 is background. Ten or more connected dark pixels inside an item are a gap in it.
    """
    silhouettes = np.zeros(images.shape, bool)
    for image, silhouette in zip(images, silhouettes, strict=True):
        item = (image > 12).astype(np.uint8)
        outlines = cv2.findContours(np.pad(item, 2), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
        filled = np.zeros((SIDE_PX + 4, SIDE_PX + 4), np.uint8)
        cv2.drawContours(filled, [outline for outline in outlines if cv2.contourArea(outline) > 4], -1, (1,), -1)
        filled = filled[2:-2, 2:-2]
        _, parts, stats, _ = cv2.connectedComponentsWithStats(filled & ~item, connectivity=4)
        gaps = stats[:, cv2.CC_STAT_AREA] >= 10
        gaps[0] = False
        silhouette[:] = (filled == 1) & ~gaps[parts]
    return silhouettes


class _Random:
    """Random numbers for a batch from one generator; with the suffix _of they have the shape (N, 1, 1), to broadcast over images."""

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self._generator) * (high - low) + low

    def uniform_of(self, low: float, high: float, count: int) -> Tensor:
        return self.uniform(low, high, count, 1, 1)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self._generator)

    def chance(self, share: float, count: int) -> Tensor:
        return torch.rand(count, generator=self._generator) < share

    def chance_of(self, share: float, count: int) -> Tensor:
        return self.chance(share, count)[:, None, None]

    def integers(self, below: int, count: int) -> Tensor:
        return torch.randint(below, (count,), generator=self._generator)

    def clouds(self, count: int, cells: int) -> Tensor:
        """Smooth noise, (N, 28, 28), with this many cells per side and a standard deviation of about 1."""
        coarse = self.normal(count, 1, cells, cells)
        return functional.interpolate(coarse, size=(SIDE_PX, SIDE_PX), mode="bicubic", align_corners=False)[:, 0]


def _divide(draw: Tensor, *shares: float) -> list[Tensor]:
    """For each share, the indices of the images that fall to it.

    Args:
        draw: (N,), a random number from 0 to 1 for each image.
    """
    bounds = np.cumsum([0.0, *shares])
    return [((draw >= low) & (draw < high)).nonzero()[:, 0] for low, high in itertools.pairwise(bounds)]


def _nudge(random: _Random, images: Tensor) -> Tensor:
    """The images mirrored at random and shifted by up to one pixel."""
    count = len(images)
    images = torch.where(random.chance_of(0.5, count), images.flip(2), images)
    padded = functional.pad(images, (1, 1, 1, 1))
    moves = random.integers(9, count)
    moved = torch.empty_like(images)
    for move in range(9):  # nine copies of slices took 1.5 ms for 1,024 images; indexing every pixel took 2.2
        chosen = (moves == move).nonzero()[:, 0]
        down, right = divmod(move, 3)
        moved[chosen] = padded[chosen, down : down + SIDE_PX, right : right + SIDE_PX]
    return moved


def _sample(x: Tensor, y: Tensor, *layers: Tensor) -> Tensor:
    """Resamples layers (N, 28, 28) at source coordinates (N, 28, 28), 0 beyond the edge: (N, layers, 28, 28)."""
    return functional.grid_sample(torch.stack(layers, 1), torch.stack([x, y], -1), align_corners=False)


def _blur(images: Tensor) -> Tensor:
    """The mean of 3×3 pixels."""
    return functional.avg_pool2d(functional.pad(images[:, None], (1, 1, 1, 1)), 3, 1)[:, 0]


def _pose(random: _Random, greys: Tensor, masks: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Items as people arrange them: tilted, stretched, with their sleeves spread, in pairs. Greys and masks (N, 28, 28)."""
    x, y = _bend(random, labels, lean_degrees=10, stretch=0.18, widen=0.1, turned_shoes=0.35)
    greys, masks = _sample(x, y, greys, masks).unbind(1)
    greys = greys / masks.clamp(min=0.3)  # resampling darkens the edge; only the mask should fade there
    sleeved = (torch.isin(labels, _SLEEVED) & random.chance(0.5, len(labels))).nonzero()[:, 0]
    if len(sleeved):
        greys[sleeved], masks[sleeved] = _put_sleeves_out(random, greys[sleeved], masks[sleeved], labels[sleeved])
    paired = (torch.isin(labels, _SHOES) & random.chance(0.5, len(labels))).nonzero()[:, 0]
    if len(paired):
        greys[paired], masks[paired] = _pair(random, greys[paired], masks[paired])
    return greys, masks


def _bend(
    random: _Random, labels: Tensor, *, lean_degrees: float, stretch: float, widen: float, turned_shoes: float
) -> tuple[Tensor, Tensor]:
    """Source coordinates (N, 28, 28) for a slight change of position, size, proportions, direction and outline.

    Args:
        lean_degrees: the largest tilt.
        stretch: the logarithm of the largest change of the aspect ratio; bags, whose proportions vary most, change more.
        widen: the logarithm of the factor by which upper-body clothes become wider.
        turned_shoes: the share of shoes that point in any direction.
    """
    count = len(labels)
    is_bag = torch.isin(labels, _BAG).float()
    angle = random.uniform(-1, 1, count) * math.radians(lean_degrees)
    turned = torch.isin(labels, _SHOES) & random.chance(turned_shoes, count)
    angle = torch.where(turned, random.uniform(-math.pi, math.pi, count), angle)[:, None, None]
    proportion = torch.exp(random.uniform(-1, 1, count) * (stretch + (0.25 * is_bag if widen else 0)) - widen * torch.isin(labels, _WIDER))
    zoom = random.uniform(0.97, 1.15, count) / proportion.clamp(max=1)
    x = (_X + 0.04 * random.uniform_of(-1, 1, count)) * (zoom * proportion)[:, None, None]
    y = (_Y + 0.04 * random.uniform_of(-1, 1, count)) * zoom[:, None, None]
    x, y = angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y
    # Wider towards the bottom or the top, and rounder at the top; again, bags vary most.
    taper = random.uniform_of(-1, 1, count) * (0.08 + 0.3 * is_bag)[:, None, None]
    dome = random.uniform_of(-0.1, 1, count) * (0.05 + 0.35 * is_bag)[:, None, None]
    x = x * (1 + taper * y + dome * (-y).clamp(min=0) ** 2) + 0.06 * random.uniform_of(-1, 1, count) * y
    wobble = random.uniform_of(0, 0.04, count)
    x, y = x + wobble * random.clouds(count, 5), y + wobble * random.clouds(count, 5)
    return torch.where(random.chance_of(0.5, count), -x, x), y


def _put_sleeves_out(random: _Random, greys: Tensor, masks: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Rotates both sleeves, the parts far from the middle, outwards about the shoulders by up to 45°."""
    count = len(greys)
    half_width = ((masks > 0.5).any(1) * _AXIS.abs()).amax(1).clamp(min=0.3)
    angle = random.uniform_of(0, math.radians(45), count)
    shoulder_x, shoulder_y = (half_width * random.uniform(0.5, 0.68, count))[:, None, None], -0.62
    # In the lower half of a T-shirt, the parts far from the middle are its body.
    is_t_shirt = torch.isin(labels, _T_SHIRT)[:, None, None]
    is_sleeve = (_X.abs() > shoulder_x) & (~is_t_shirt | (random.uniform_of(-0.2, 0.2, count) > _Y))
    x, y = _X * (1 + 0.75 * angle.sin()), (_Y + 0.05) * (1 + 0.2 * angle.sin())  # smaller, to make room
    body, body_mask = _sample(x, y, greys * ~is_sleeve, masks * ~is_sleeve).unbind(1)
    across, down = x.abs() - shoulder_x, y - shoulder_y
    sleeve_x = shoulder_x + angle.cos() * across - angle.sin() * down
    sleeve_y = shoulder_y + angle.sin() * across + angle.cos() * down
    sleeve, sleeve_mask = _sample(x.sign() * sleeve_x.clamp(min=0), sleeve_y, greys * is_sleeve, masks * is_sleeve).unbind(1)
    greys = torch.where(body_mask > 0.5, body / body_mask.clamp(min=0.3), sleeve / sleeve_mask.clamp(min=0.3))
    return greys, torch.maximum(body_mask, sleeve_mask)


def _pair(random: _Random, greys: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Each item twice, smaller, side by side in any direction, the second one mirrored at random."""
    count = len(greys)
    direction, distance, zoom = (
        random.uniform_of(0, 2 * math.pi, count),
        random.uniform_of(0.22, 0.5, count),
        random.uniform_of(1.25, 1.7, count),
    )
    mirror = torch.where(random.chance_of(0.5, count), -1.0, 1.0)
    right, down = direction.cos() * distance, direction.sin() * distance
    first, first_mask = _sample((_X - right) * zoom, (_Y - down) * zoom, greys, masks).unbind(1)
    second, second_mask = _sample((_X + right) * zoom * mirror, (_Y + down) * zoom, greys, masks).unbind(1)
    return torch.where(first_mask > 0.5, first, second), torch.maximum(first_mask, second_mask)


def _photograph(random: _Random, greys: Tensor, masks: Tensor) -> Tensor:
    """Items (N, 28, 28) as roughly cut-out photographs: frayed edges, other tones, prints and weaves, light from one side."""
    count = len(greys)
    masks = _lose_and_add(random, _fray(random, masks, 0.5))
    inside = masks.sum((1, 2), keepdim=True).clamp(min=1)
    mean = (greys * masks).sum((1, 2), keepdim=True) / inside
    deviation = (((greys - mean) ** 2 * masks).sum((1, 2), keepdim=True) / inside).sqrt().clamp(min=0.03)
    relief = ((greys - mean) / deviation).clamp(-3, 3)
    sign = torch.where(random.chance_of(0.2, count), -1.0, 1.0)
    depth = torch.where(random.chance_of(0.15, count), 0.0, 1.0) * random.uniform_of(0.4, 1.2, count)
    cloth = torch.where(random.chance_of(0.45, count), _weave(random, count) * random.uniform_of(0.2, 1.2, count), 0.0)
    light = (_X * random.uniform_of(-1, 1, count) + _Y * random.uniform_of(-1, 1, count)) * random.uniform_of(0, 0.6, count)
    tone, contrast = random.uniform_of(0.35, 0.9, count), random.uniform_of(0.05, 0.28, count)
    images = (tone + contrast * (relief * sign * depth + cloth + light)).clamp(0.12, 1) * masks
    softness = random.uniform_of(0, 0.6, count) * random.chance_of(0.5, count)
    return torch.lerp(images, _blur(images), softness)


def _draw(random: _Random, greys: Tensor, masks: Tensor, labels: Tensor) -> Tensor:
    """Items (N, 28, 28) as drawings: a bright outline, some lines inside, and mostly filled, as `pictures.outlines` fills them."""
    count = len(greys)
    masks = _fray(random, masks, 0.3)
    has_filled_gaps = torch.isin(labels, _BAG)[:, None, None] & random.chance_of(0.7, count)  # such as inside a handle
    whole = torch.where(has_filled_gaps, _fill_gaps(masks), masks)
    padded = functional.pad(masks[:, None], (1, 1, 1, 1))
    smaller, larger = -functional.max_pool2d(-padded, 3, 1)[:, 0], functional.max_pool2d(padded, 3, 1)[:, 0]
    side = random.uniform_of(0, 1, count)  # the line is drawn inside, on, or outside the edge
    edges = torch.where(side < 0.4, masks - smaller, torch.where(side < 0.8, larger - smaller, larger - masks))
    slopes = functional.pad((greys[:, :, 2:] - greys[:, :, :-2]).abs(), (1, 1)) + functional.pad(
        (greys[:, 2:] - greys[:, :-2]).abs(), (0, 0, 1, 1)
    )
    lines = (slopes > random.uniform_of(0.25, 0.8, count)).float() * smaller * random.chance_of(0.5, count)
    lines = torch.maximum(lines, _scribble(random, count) * whole)
    images = torch.maximum(
        torch.maximum(whole, edges) * _filling(random, 0.3, 1, count), torch.maximum(edges, lines) * random.uniform_of(0.75, 1, count)
    )
    return torch.lerp(images, _blur(images), random.uniform_of(0, 0.7, count))


def _show_doodles(random: _Random, inks: Tensor, bodies: Tensor, labels: Tensor, *, as_photo: bool) -> Tensor:
    """Doodles (N, 28, 28) uint8 as drawings, or as photographs of a garment with that outline; brightness from 0 to 1."""
    count = len(inks)
    x, y = _bend(random, labels, lean_degrees=6, stretch=0.12, widen=0.0, turned_shoes=0.1)
    ink, body = _sample(x, y, inks.float() / 255, bodies.float() / 255).unbind(1)
    if as_photo:
        greys = (body * random.uniform_of(0.4, 0.9, count) + ink * random.uniform_of(-0.4, 0.4, count)).clamp(0, 1)
        return _photograph(random, greys, (body > 0.4).float())
    return torch.maximum(body * _filling(random, 0.45, 0.9, count), ink)


def _filling(random: _Random, low: float, high: float, count: int) -> Tensor:
    """The brightness (N, 1, 1) inside the outlines; one in ten is left empty."""
    return random.uniform_of(low, high, count) * ~random.chance_of(0.1, count)


def _fray(random: _Random, masks: Tensor, most: float) -> Tensor:
    """Masks, 0 or 1, with frayed edges, each by a random strength up to `most`."""
    count = len(masks)
    blurred = _blur(masks)
    noise = random.clouds(count, 9) * 0.5 + random.clouds(count, 5) * 0.4
    raised = 2 * (blurred - 0.5) + random.uniform_of(0, most, count) * noise + random.uniform_of(-0.3, 0.3, count)
    return ((raised > 0) & (blurred > 0.01)).float()


def _lose_and_add(random: _Random, masks: Tensor) -> Tensor:
    """Removes a piece from one mask in twelve and adds a piece of background to one in twenty, like a cut-out that went wrong."""
    count = len(masks)
    x, y = random.uniform_of(-1, 1, count), random.uniform_of(-1, 1, count)
    radius, proportion = random.uniform_of(0.12, 0.4, count), random.uniform_of(0.5, 2, count)
    piece = (((_X - x) * proportion) ** 2 + ((_Y - y) / proportion) ** 2 < radius**2).float()
    masks = torch.where(random.chance_of(0.08, count), masks * (1 - piece), masks)
    return torch.where(random.chance_of(0.05, count), torch.maximum(masks, piece), masks)


def _weave(random: _Random, count: int) -> Tensor:
    """Clouds, stripes, checks or grain, (N, 28, 28), about −1 to 1."""
    kind, frequency, phase = random.uniform_of(0, 1, count), random.uniform_of(6, 28, count), random.uniform_of(0, 2 * math.pi, count)
    upright = torch.where(random.chance_of(0.5, count), 0.0, math.pi / 2)
    angle = torch.where(random.chance_of(0.6, count), upright, random.uniform_of(0, math.pi, count))
    stripes = torch.sin(frequency * (angle.cos() * _X + angle.sin() * _Y) + phase)
    checks = stripes * torch.sin(frequency * (angle.cos() * _Y - angle.sin() * _X))
    grain = 0.8 * random.normal(count, SIDE_PX, SIDE_PX)
    return torch.where(
        kind < 0.35, 0.5 * random.clouds(count, 6), torch.where(kind < 0.55, stripes, torch.where(kind < 0.7, checks, grain))
    )


def _fill_gaps(masks: Tensor) -> Tensor:
    """Masks, 0 or 1, with the gaps filled that cannot be reached from the border."""
    outside = functional.pad(torch.zeros_like(masks), (1, 1, 1, 1), value=1.0)[:, None]
    free = functional.pad(1 - masks, (1, 1, 1, 1), value=1.0)[:, None]
    cross = torch.tensor([[0.0, 1, 0], [1, 1, 1], [0, 1, 0]])[None, None]
    for _ in range(SIDE_PX - 4):  # enough steps for the deepest bay that is likely
        outside = (functional.conv2d(outside, cross, padding=1) > 0) * free
    return 1 - outside[:, 0, 1:-1, 1:-1]


def _scribble(random: _Random, count: int) -> Tensor:
    """Zero, one or two lines or arcs, most of them horizontal or vertical, (N, 28, 28)."""
    scribbles = torch.zeros(count, SIDE_PX, SIDE_PX)
    for share in (0.35, 0.25):
        angle = random.uniform_of(0, math.pi, count)
        angle = torch.where(random.chance_of(0.7, count), (angle > math.pi / 2) * (math.pi / 2), angle)
        along, across = angle.cos() * _X + angle.sin() * _Y, angle.cos() * _Y - angle.sin() * _X
        offset, curve = random.uniform_of(-0.5, 0.5, count), random.uniform_of(-0.5, 0.5, count)
        line = ((across - offset - curve * along**2).abs() < 0.07) & random.chance_of(share, count)
        scribbles = torch.maximum(scribbles, line.float())
    return scribbles
