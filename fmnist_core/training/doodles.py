"""Doodles: garments drawn by rule the way people draw them, as an outline with a few lines inside, no two alike.

People's drawings differ from the training images in more than their lines: sleeves stick out, legs are short, a sandal is
seen from above. Each function below draws one of the ten classes from a few random measurements. A sheet has coordinates
from −1 to 1, y downwards; in the end it is cropped to the drawing and reduced to 28×28.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.classes import CLASS_NAMES, SIDE_PX

_OVERSAMPLING = 4  # so that a line's edge is smooth
_SUBPIXELS = 4  # fractional bits of OpenCV's coordinates

Point = tuple[float, float]
Points = list[Point]


@dataclass(frozen=True, eq=False)
class Doodle:
    """A drawing.

    Attributes:
        ink: (S, S) uint8, its lines.
        body: (S, S) uint8, its lines and what they enclose.
        label: its class.
    """

    ink: NDArray[np.uint8]
    body: NDArray[np.uint8]
    label: int


def draw_doodle(label: int, random: np.random.Generator, side_px: int = SIDE_PX) -> Doodle:
    """A drawing of a class that fills the square in its longer direction.

    Args:
        label: index into `CLASS_NAMES`.
        random: the source of its measurements; the same state gives the same drawing.
        side_px: side of the square.
    """
    sheet = _Sheet(random)
    _MAKERS[CLASS_NAMES[label]](sheet)
    ink, body = sheet.render(side_px)
    return Doodle(ink, body, label)


@dataclass(eq=False)
class _Sheet:
    """Lines and shapes drawn with a slightly shaky hand."""

    random: np.random.Generator
    lines: list[NDArray[np.float64]] = field(default_factory=list)
    bodies: list[NDArray[np.float64]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._frequencies = self.random.uniform(1, 3, 4)
        self._phases = self.random.uniform(0, 2 * math.pi, 4)
        self._tremble = self.random.uniform(0, 0.045)

    def between(self, low: float, high: float) -> float:
        return float(self.random.uniform(low, high))

    def sometimes(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def line(self, *points: Point) -> None:
        self.lines.append(self._by_hand(list(points)))

    def shape(self, points: Points) -> None:
        """A closed line and what it encloses."""
        outline = self._by_hand([*points, points[0]])
        self.bodies.append(outline)
        self.lines.append(outline)

    def render(self, side_px: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Ink and body, tilted and mirrored at random, sometimes with a gap in the first outline."""
        lean, narrow = self.random.normal(0, 0.08), math.exp(self.between(-0.15, 0.15))
        side = -1 if self.sometimes(0.5) else 1
        turn = np.array([[math.cos(lean), -math.sin(lean)], [math.sin(lean), math.cos(lean)]]) * [[side * narrow], [1.0]]
        lines, bodies = ([points @ turn.T for points in group] for group in (self.lines, self.bodies))
        width = self.between(0.05, 0.15)
        everything = np.concatenate(lines)
        low, high = everything.min(axis=0) - width / 2, everything.max(axis=0) + width / 2
        drawn_px = _OVERSAMPLING * side_px
        scale = (drawn_px - 1) / (high - low).max()
        margin = (drawn_px - 1 - (high - low) * scale) / 2

        def to_pixels(points: NDArray[np.float64]) -> NDArray[np.int32]:
            return np.round(((points - low) * scale + margin) * 2**_SUBPIXELS).astype(np.int32)

        ink, body = (np.zeros((drawn_px, drawn_px), np.uint8) for _ in range(2))
        for outline in bodies:
            cv2.fillPoly(body, [to_pixels(outline)], (255,), shift=_SUBPIXELS)
        if self.sometimes(0.12):
            first = np.roll(lines[0][:-1], self.random.integers(len(lines[0])), axis=0)
            lines[0] = first[: max(2, int(len(first) * self.between(0.8, 0.97)))]
        for points in lines:
            cv2.polylines(ink, [to_pixels(points)], False, (255,), max(1, round(width * scale)), cv2.LINE_AA, _SUBPIXELS)
        size = side_px, side_px
        shrunk = [cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) for pixels in (ink, np.maximum(ink, body))]
        return shrunk[0].astype(np.uint8), shrunk[1].astype(np.uint8)

    def _by_hand(self, points: Points) -> NDArray[np.float64]:
        """The points with more between them, each a little off the straight line."""
        corners = np.asarray(points, float)
        pieces = []
        for start, end in itertools.pairwise(corners):
            steps = max(1, int(np.linalg.norm(end - start) / 0.08))
            pieces.append(start + (end - start) * (np.arange(steps) / steps)[:, np.newaxis])
        x, y = np.concatenate([*pieces, corners[-1:]]).T
        (a, b, c, d), (at, bt, ct, dt) = self._frequencies, self._phases
        moved_x = x + self._tremble * (np.sin(2 * a * y + at) + np.sin(3 * b * x + bt))
        moved_y = y + self._tremble * (np.sin(2 * c * x + ct) + np.sin(3 * d * y + dt))
        return np.stack([moved_x, moved_y], axis=1)


def _arc(x: float, y: float, width: float, height: float, start_degrees: float, end_degrees: float, points: int = 14) -> Points:
    """Points on an ellipse with these semi-axes, clockwise from the right."""
    angles = np.radians(np.linspace(start_degrees, end_degrees, points))
    return [(x + width * math.cos(angle), y + height * math.sin(angle)) for angle in angles]


def _mirrored(points: Points) -> Points:
    return [(-x, y) for x, y in reversed(points)]


def _placed(points: Points, x: float, y: float, angle: float) -> Points:
    """The points rotated by an angle in radians, then moved by x and y."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return [(x + cosine * px - sine * py, y + sine * px + cosine * py) for px, py in points]


def _oval(width: float, length: float, taper: float) -> Points:
    """An oval with a narrower lower end: a sole seen from above."""
    angles = np.linspace(0, 2 * math.pi, 26)[:-1]
    return [(width * math.cos(angle) * (1 - taper * math.sin(angle)), length * math.sin(angle)) for angle in angles]


def _neck(sheet: _Sheet, width: float, y: float, depth: float) -> Points:
    """A neckline from left to right: a V, straight, or round."""
    match int(sheet.random.integers(4)):
        case 0:
            return [(-width, y), (0.0, y + depth), (width, y)]
        case 1:
            return [(-width, y), (width, y)]
        case _:
            return _arc(0, y, width, 0.7 * depth, 180, 0)


def _draw_top(sheet: _Sheet, lengths: tuple[float, float], *, long_sleeves: float) -> tuple[float, float, float, float, bool]:
    """What T-shirts, pullovers, coats and shirts share: body, sleeves at any angle, neckline, seams.

    Args:
        lengths: the smallest and largest y of the hem.
        long_sleeves: the share with long sleeves.
    Returns:
        Half the width of the body and of the neck, y of the neck and of the hem, and whether the sleeves are long.
    """
    between, sometimes = sheet.between, sheet.sometimes
    body = between(0.36, 0.58)
    hem, neck, shoulder_y = body * between(0.88, 1.15), between(0.12, 0.24), between(-0.72, -0.55)
    neck_y, hem_y = shoulder_y - between(0.05, 0.2), between(*lengths)
    is_long = sometimes(long_sleeves)
    length, thick = (between(0.8, 1.35), between(0.2, 0.34)) if is_long else (between(0.22, 0.55), between(0.26, 0.42))
    angle = math.radians(between(15, 82) if is_long else between(5, 60))
    along, across = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
    shoulder = (body * between(0.95, 1.2), shoulder_y)
    cuff = (shoulder[0] + length * along[0], shoulder[1] + length * along[1])
    narrowed = thick * between(0.7, 1)
    cuff_below = (max(body + 0.02, cuff[0] + narrowed * across[0]), cuff[1] + thick * across[1])
    armpit = (body, shoulder_y + thick * between(1, 1.6))
    right = [(neck, neck_y), shoulder, cuff, cuff_below, armpit, (hem, hem_y)]
    left = _mirrored(right)
    if sometimes(0.25):  # the other arm has another shape
        wider, lower = between(-0.1, 0.1), between(-0.12, 0.12)
        left = [(x * (1 + wider), y + lower) if abs(x) > body + 0.05 else (x, y) for x, y in left]
    sheet.shape(_neck(sheet, neck, neck_y, between(0.06, 0.3)) + right + left)
    if sometimes(0.5):
        sheet.line(shoulder, armpit)
        sheet.line(*_mirrored([armpit, shoulder]))
    if is_long and sometimes(0.35):
        for side in (1, -1):
            ends = [(side * (x - 0.12 * along[0]), y - 0.12 * along[1]) for x, y in (cuff, cuff_below)]
            sheet.line(*ends)
    return body, neck, neck_y, hem_y, is_long


def _draw_t_shirt(sheet: _Sheet) -> None:
    body, *_ = _draw_top(sheet, (0.5, 0.95), long_sleeves=0)
    if sheet.sometimes(0.15):
        sheet.line((-body / 2, 0), (body / 2, 0))
    if sheet.sometimes(0.15):
        sheet.line(*_arc(0, 0.1, 0.15, 0.15, 0, 360))


def _draw_pullover(sheet: _Sheet) -> None:
    between, sometimes = sheet.between, sheet.sometimes
    body, neck, neck_y, hem_y, _ = _draw_top(sheet, (0.4, 0.85), long_sleeves=1)
    if sometimes(0.25):
        sheet.shape(_arc(0, neck_y, 1.6 * neck, between(0.2, 0.4), 170, 370))  # a hood
    if sometimes(0.35):
        sheet.line((-body, hem_y - 0.13), (body, hem_y - 0.13))
    if sometimes(0.3):
        for y in np.arange(neck_y + 0.45, hem_y - 0.1, between(0.15, 0.35)):
            sheet.line((-body, y), (body, y))
    if sometimes(0.3):
        sheet.line(*_arc(0, neck_y, 1.3 * neck, 0.2, 180, 0))


def _draw_front(sheet: _Sheet, neck: float, neck_y: float, hem_y: float) -> None:
    """What coats and shirts share: a front opening, buttons, a collar, a pocket."""
    between, sometimes = sheet.between, sheet.sometimes
    if sometimes(0.8):
        sheet.line((0, neck_y + 0.1), (0, hem_y))
    if sometimes(0.4):
        for y in np.arange(neck_y + 0.3, hem_y - 0.05, between(0.18, 0.3)):
            sheet.line((0.07, y), (0.08, y + 0.01))
    if sometimes(0.45):
        sheet.line((-neck, neck_y), (-0.4 * neck, neck_y + 0.25), (0, neck_y + 0.12), (0.4 * neck, neck_y + 0.25), (neck, neck_y))
    if sometimes(0.3):
        sheet.line((0.15, 0.4 * hem_y), (0.35, 0.4 * hem_y), (0.35, 0.7 * hem_y))


def _draw_coat(sheet: _Sheet) -> None:
    between, sometimes = sheet.between, sheet.sometimes
    body, neck, neck_y, hem_y, _ = _draw_top(sheet, (0.5, 1.3), long_sleeves=1)
    if sometimes(0.25):
        sheet.shape(_arc(0, neck_y, 1.6 * neck, between(0.2, 0.4), 170, 370))
    _draw_front(sheet, neck, neck_y, hem_y)
    if sometimes(0.4):  # it hangs open
        gap = between(0.05, 0.2)
        for side in (-1, 1):
            sheet.line((side * gap, neck_y + 0.05), (side * gap * between(0.5, 1.5), hem_y))
    if sometimes(0.25):
        sheet.line((-body, 0.2 * hem_y), (body, 0.2 * hem_y))


def _draw_shirt(sheet: _Sheet) -> None:
    _, neck, neck_y, hem_y, _ = _draw_top(sheet, (0.5, 1.0), long_sleeves=0.75)
    _draw_front(sheet, neck, neck_y, hem_y)


def _draw_dress(sheet: _Sheet) -> None:
    between, sometimes = sheet.between, sheet.sometimes
    body = between(0.22, 0.36)
    waist, neck, shoulder_y, waist_y, hem_y = (
        body * between(0.7, 1),
        body * between(0.4, 0.7),
        between(-0.9, -0.8),
        between(-0.35, -0.05),
        0.9,
    )
    hem = waist * between(1.2, 3)
    right: Points = [(neck, shoulder_y - 0.05)]
    if sometimes(0.5):
        length, angle, thick = between(0.15, 0.6), math.radians(between(20, 75)), 0.18
        cuff = (1.05 * body + length * math.cos(angle), shoulder_y + length * math.sin(angle))
        below = (max(body + 0.02, cuff[0] - thick * math.sin(angle)), cuff[1] + thick * math.cos(angle))
        right += [(1.05 * body, shoulder_y), cuff, below, (body, shoulder_y + 0.28)]
    else:
        right += [(neck + 0.1, shoulder_y - 0.05), (0.8 * body, shoulder_y + 0.15), (body, shoulder_y + 0.3)]
    right += [(waist, waist_y), ((waist + hem) / 2 * between(0.9, 1.15), (waist_y + hem_y) / 2), (hem, hem_y)]
    sheet.shape(_neck(sheet, neck, shoulder_y - 0.05, between(0.05, 0.25)) + right + _mirrored(right))
    if sometimes(0.5):
        sheet.line((-waist, waist_y), (waist, waist_y))
    if sometimes(0.3):
        for share in (-0.4, 0.0, 0.4):
            sheet.line((share * waist, waist_y), (share * hem, hem_y))


def _draw_trouser(sheet: _Sheet) -> None:
    between, sometimes = sheet.between, sheet.sometimes
    waist, top_y, hem_y, crotch_y = between(0.25, 0.5), -0.9, between(0.5, 0.95), between(-0.55, -0.05)
    outer = waist * between(0.8, 1.6)
    inner = max(0.02, outer - between(0.4, 0.85) * min(waist, outer) * between(0.8, 1.1))
    right = [(waist, top_y), (waist * between(1, 1.2), crotch_y - 0.1), (outer, hem_y), (inner, hem_y)]
    sheet.shape([*right, (0.0, crotch_y), *_mirrored(right)])
    if sometimes(0.5):
        sheet.line((-waist, top_y + 0.13), (waist, top_y + 0.13))
    if sometimes(0.35):
        sheet.line((0, top_y), (0, crotch_y))
    if sometimes(0.3):
        for side in (1, -1):
            sheet.line((side * waist / 2, top_y + 0.1), (side * waist, top_y + 0.35))


def _draw_flip_flop(sheet: _Sheet, x: float, y: float, angle: float) -> None:
    """A sole seen from above with a V-shaped strap, or with two straps across."""
    length = 0.85
    width = length * sheet.between(0.36, 0.6)
    sheet.shape(_placed(_oval(width, length, sheet.between(0, 0.25)), x, y, angle))
    if sheet.sometimes(2 / 3):
        ends = [sheet.between(-0.1, 0.25) * length for _ in range(2)]
        straps: list[Points] = [[(-0.95 * width, ends[0]), (0.0, -length * sheet.between(0.4, 0.65)), (0.95 * width, ends[1])]]
    else:
        straps = [[(-width, share * length), (width, share * length)] for share in (-0.3, 0.05)]
    for strap in straps:
        sheet.line(*_placed(strap, x, y, angle))


def _draw_sandal(sheet: _Sheet) -> None:
    between, sometimes = sheet.between, sheet.sometimes
    if sometimes(0.55):
        angle = between(-0.5, 0.5) if sometimes(0.7) else between(-math.pi, math.pi)
        if sometimes(0.5):
            _draw_flip_flop(sheet, 0, 0, angle)
        else:
            apart = between(0.3, 0.5)
            for side in (-1, 1):
                _draw_flip_flop(sheet, side * apart, between(-0.1, 0.1), angle + side * between(-0.3, 0.3))
        return
    heel, sole_y = between(0, 0.6), 0.45
    heel_y = sole_y + 0.12 if heel > 0.2 else sole_y - heel + 0.14
    upper = [(-0.95, sole_y - heel), (-0.4, sole_y - 0.7 * heel), (0.2, sole_y), (0.95, sole_y - 0.05), (0.95, sole_y + 0.1)]
    lower = [(0.15, sole_y + 0.14), (-0.6, sole_y - 0.4 * heel + 0.1), (-0.78, heel_y), (-0.9, heel_y)]
    sheet.shape(upper + lower)
    for x in np.linspace(-0.1, 0.8, int(sheet.random.integers(1, 4))):
        sheet.line(*_arc(x, sole_y, 0.22, between(0.25, 0.45), 190, 350))
    if sometimes(0.6):
        sheet.line((-0.9, sole_y - heel), (-0.85, sole_y - heel - 0.4), (-0.4, sole_y - heel - 0.45), (-0.3, sole_y - 0.6 * heel))


def _draw_sneaker(sheet: _Sheet) -> None:
    between, sometimes = sheet.between, sheet.sometimes
    if sometimes(0.3):
        apart = between(0.3, 0.45)
        for side in (1, -1):
            _draw_shoe_from_above(sheet, side * apart, between(-0.08, 0.08), between(-0.2, 0.2))
        return
    height, toe, sole_y, tongue = between(0.35, 0.7), between(0.2, 0.42), 0.4, between(-0.35, -0.05)
    collar = [(-0.92, sole_y - height), (-0.75, sole_y - height + between(0, 0.12)), (-0.55, sole_y - height + between(0.05, 0.2))]
    front = [(tongue, sole_y - height * between(0.9, 1.25)), (tongue + 0.15, sole_y - 0.95 * height), (0.35, sole_y - toe)]
    sole = [(0.75, sole_y - 0.85 * toe), (0.95, sole_y - 0.1), (0.97, sole_y + 0.1), (-0.9, sole_y + 0.1), (-0.97, sole_y - 0.1)]
    sheet.shape(collar + front + sole)
    if sometimes(0.6):
        sheet.line((-0.95, sole_y - 0.03), (0.95, sole_y - 0.03))
    if sometimes(0.5):
        for lace in range(3):
            x = tongue + 0.12 + 0.13 * lace
            sheet.line((x, sole_y - 0.9 * height + 0.1 * lace), (x + 0.12, sole_y - 0.6 * height + 0.1 * lace))


def _draw_shoe_from_above(sheet: _Sheet, x: float, y: float, angle: float) -> None:
    length, width = 0.88, sheet.between(0.26, 0.36)
    sheet.shape(_placed(_oval(width, length, 0.18), x, y, angle))
    sheet.line(*_placed(_arc(0, 0.4 * length, 0.6 * width, 0.4 * length, 0, 360), x, y, angle))
    if sheet.sometimes(0.4):
        for lace_y in (-0.3, -0.15, -0.02):
            sheet.line(*_placed([(-0.4 * width, lace_y), (0.4 * width, lace_y)], x, y, angle))


def _draw_ankle_boot(sheet: _Sheet) -> None:
    between, sometimes = sheet.between, sheet.sometimes
    back, sole_y, top_y, shaft, toe = -0.6, 0.8, between(-0.95, -0.3), 2 * between(0.25, 0.42), between(0.28, 0.45)
    points = [(back, top_y), (back + shaft, top_y + between(-0.08, 0.08)), (back + shaft * between(0.95, 1.05), sole_y - 1.3 * toe)]
    points += [(between(0.4, 0.7), sole_y - toe), (0.9, sole_y - 0.6 * toe), (0.95, sole_y)]
    if sometimes(0.3):  # a separate heel
        points += [(0.0, sole_y), (-0.15, sole_y - 0.15), (-0.25, sole_y - 0.15), (-0.3, sole_y)]
    sheet.shape([*points, (back - 0.05, sole_y)])
    if sometimes(0.4):
        sheet.line((back - 0.03, sole_y - 0.12), (0.93, sole_y - 0.12))
    if sometimes(0.35):
        sheet.line((back, top_y + 0.18), (back + shaft, top_y + 0.18))
    if sometimes(0.3):
        for lace in range(3):
            y = sole_y - 1.5 * toe - 0.2 * lace
            sheet.line((back + 0.8 * shaft, y), (back + shaft, y + 0.05))


def _draw_backpack(sheet: _Sheet) -> None:
    between, sometimes = sheet.between, sheet.sometimes
    width, top_y, bottom_y, rounding = between(0.4, 0.75), between(-0.8, -0.6), 0.9, between(0.3, 1)
    dome = _arc(0, top_y + width * rounding, width, width * rounding, 180, 360)
    right = [(width * between(0.95, 1.2), bottom_y - 0.1), (0.9 * width, bottom_y)]
    sheet.shape(dome + right + _mirrored(right))
    if sometimes(0.6):
        pocket, pocket_y, low = width * between(0.5, 0.8), between(0, 0.4), bottom_y - 0.12
        sheet.line((-pocket, low), *_arc(0, pocket_y + 0.12, pocket, 0.15, 180, 360), (pocket, low), (-pocket, low))
    if sometimes(0.5):
        sheet.line(*_arc(0, top_y + 0.02, 0.18, between(0.12, 0.3), 180, 360))
    if sometimes(0.5):
        for side in (1, -1):
            sheet.shape(_arc(side * width, 0.1, between(0.15, 0.35), between(0.4, 0.7), -90 * side, -90 * side + 180, 10))
    if sometimes(0.4):
        y = between(-0.2, 0.1)
        sheet.line((-width, y), (width, y))


def _draw_bag(sheet: _Sheet) -> None:
    between, sometimes = sheet.between, sheet.sometimes
    if sometimes(0.4):
        _draw_backpack(sheet)
        return
    top, top_y, bottom_y = between(0.4, 0.9), between(-0.25, 0.1), between(0.6, 0.85)
    bottom = top * between(0.85, 1.35)
    upper = _arc(0, top_y + 0.1, top, between(0.2, 0.5), 180, 360) if sometimes(0.3) else [(-top, top_y), (top, top_y)]
    sheet.shape([*upper, (bottom, bottom_y), (-bottom, bottom_y)])
    if sometimes(0.85):
        handle, rise = top * between(0.35, 0.95), between(0.35, 0.85)
        sheet.shape(_arc(0, top_y, handle, rise, 180, 360))
        if sometimes(0.5):
            sheet.line(*_arc(0, top_y, 0.75 * handle, 0.75 * rise, 180, 360))
    if sometimes(0.4):
        sheet.line((-top, top_y + 0.05), (0, top_y + between(0.2, 0.45)), (top, top_y + 0.05))
    if sometimes(0.4):
        y = between(top_y + 0.05, top_y + 0.4)
        sheet.line((-top, y), (top, y))
    if sometimes(0.3):
        sheet.line(*_arc(0, top_y + 0.2, 0.08, 0.08, 0, 360))


_MAKERS: dict[str, Callable[[_Sheet], None]] = {
    "T-shirt/top": _draw_t_shirt,
    "Trouser": _draw_trouser,
    "Pullover": _draw_pullover,
    "Dress": _draw_dress,
    "Coat": _draw_coat,
    "Sandal": _draw_sandal,
    "Shirt": _draw_shirt,
    "Sneaker": _draw_sneaker,
    "Bag": _draw_bag,
    "Ankle boot": _draw_ankle_boot,
}
