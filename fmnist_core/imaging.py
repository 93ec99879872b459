"""Any picture → the 28×28 the network knows, step by step, each of which a person can see, switch off or correct.

What the steps aim at is how Fashion-MNIST itself was made from product photographs: a garment alone on black, its longest
edge 28 pixels, centred and negated (Xiao, Rasul, Vollgraf 2017, section 2, https://arxiv.org/abs/1708.07747).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray
from PIL import Image

from fmnist_core.cutout import find_garment
from fmnist_core.data import SIDE_PX
from fmnist_core.pictures import PictureError

PHOTO, DRAWING, READY = KINDS = ("photo", "drawing", "ready")
_SMALLER_PX = 26  # of the smaller two of four views
CANVAS_SIDE_PX = 320  # long enough to paint a mask on; GrabCut takes its time by the pixel
GARMENT, BACKGROUND = 1, 2  # values of `Choices.painted`
_DARK, _INK = 127, 20  # a background below is dark; strokes are brighter than that
_FILL = 170  # what outlines enclose: with 130, 170 and 200 drawings scored 0.79, 0.79 and 0.76
_BRIDGES = (0.03, 0.06, 0.1, 0.16)  # of the longer side, over gaps in an outline

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Choices:
    """What a person may change; the defaults leave everything to the program.

    Attributes:
        kind: one of `KINDS`; None finds it out from the picture.
        switched_off: keys of steps that are left out.
        turn_degrees: clockwise: 0, 90, 180 or 270.
        crop: left, top, right and bottom as shares of the turned picture.
        invert: the garment's greys are turned round at the end.
        painted: (H, W) uint8 of any size, laid over `Preparation.canvas`: 0 untouched, 1 garment, 2 background.
    """

    kind: str | None = None
    switched_off: frozenset[str] = frozenset()
    turn_degrees: int = 0
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    invert: bool = False
    painted: Pixels | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for equal choices, for caches. It holds every painted pixel: the text of a large array leaves most of them out."""
        painted = None if self.painted is None else (self.painted.shape, self.painted.tobytes())
        return self.kind, self.switched_off, self.turn_degrees, self.crop, self.invert, painted


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the preparation.

    Attributes:
        key: what `Choices.switched_off` calls it.
        name: what people call it.
        sentence: what it did.
        image: (H, W) or (H, W, 3) uint8, the picture after it.
        seen: (28, 28) uint8, what the network would see if the preparation ended here.
        optional: whether it may be switched off.
        is_on: whether it was done.
    """

    key: str
    name: str
    sentence: str
    image: Pixels
    seen: Pixels
    optional: bool = False
    is_on: bool = True


@dataclass(frozen=True, eq=False)
class Preparation:
    """What became of a picture.

    Attributes:
        kind: one of `KINDS`.
        kind_sentence: why it was taken as that.
        steps: in the order they were done.
        image: (28, 28) uint8 that the network sees: a bright item on black.
        views: (V, 28, 28) uint8, the same item mirrored and so on; the first is `image`. The mean of the network's answers to them is
            steadier than its answer to one.
        canvas: (H, W, 3) uint8, the picture turned and cropped, at most 320 pixels long, on which a mask is painted.
        mask: (H, W) of the canvas, true on the garment; None where none was looked for.
    """

    kind: str
    kind_sentence: str
    steps: tuple[Step, ...]
    image: Pixels
    views: Pixels
    canvas: Pixels
    mask: Mask | None = None


def prepare(picture: Image.Image, choices: Choices | None = None) -> Preparation:
    """Turns and crops a picture, finds out what it is, and makes of it what the network knows.

    Args:
        picture: of any mode; `pictures.open_picture` gives one. Where it is transparent, that is taken as the background.
    Raises:
        PictureError: if the picture, as far as it is not cropped away, has one shade everywhere.
    """
    choices = choices or Choices()
    colour, opaque = _to_arrays(picture, choices)
    if opaque is None and np.ptp(colour, axis=(0, 1)).max() <= 2:
        raise PictureError("The picture has one shade everywhere: there is nothing in it to recognise. Choose another one.")
    kind, sentence = _find_kind(colour, opaque) if choices.kind is None else (choices.kind, "You chose so.")
    grey = _to_bytes(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY))
    if kind == READY:
        start = _Look(grey, np.ones(grey.shape, bool))
        return _develop(start, _PICTURE_SAID, _READY_STEPS, choices, kind, sentence, colour)
    if kind == DRAWING:
        start = _Look(_find_ink(grey), np.ones(grey.shape, bool))
        return _develop(start, _INK_SAID, _DRAWING_STEPS, choices, kind, sentence, colour)
    mask = _paint(find_garment(colour) if opaque is None else opaque, choices.painted)
    start = _Look(grey, np.ones(grey.shape, bool), colour, found=mask)
    return _develop(start, _PICTURE_SAID, _PHOTO_STEPS, choices, kind, sentence, colour)


def prepare_drawing(strokes: Pixels, *, fill: bool = True) -> Preparation:
    """A drawing filled, trimmed, scaled and centred.

    Args:
        strokes: (H, W) uint8, white on black.
        fill: what outlines enclose becomes grey.
    Raises:
        PictureError: if nothing is drawn.
    """
    if not (strokes > _INK).any():
        raise PictureError("Nothing is drawn yet.")
    choices = Choices(switched_off=frozenset() if fill else frozenset({"fill"}))
    start = _Look(strokes, np.ones(strokes.shape, bool))
    colour = np.stack([strokes] * 3, axis=-1)
    return _develop(
        start, "White strokes on black, as in the training images.", _DRAWING_STEPS, choices, DRAWING, "It was drawn here.", colour
    )


@dataclass(frozen=True, eq=False)
class _Look:
    """A picture on its way: its greys (H, W) uint8, what of it is garment, its colours while it has them, and whether it is trimmed."""

    grey: Pixels
    mask: Mask
    colour: Pixels | None = None
    found: Mask | None = None
    is_trimmed: bool = False

    @property
    def image(self) -> Pixels:
        """(H, W) or (H, W, 3), black where there is no garment."""
        image = np.where(self.mask, self.grey, 0) if self.colour is None else np.where(self.mask[..., np.newaxis], self.colour, 0)
        return image[_bounds(self.mask)] if self.is_trimmed else image

    def shrink(self, longest_px: int = SIDE_PX) -> Pixels:
        """(28, 28) as the network would see it now, the longer side of this many pixels."""
        image = np.where(self.mask, self.grey, 0)
        return _fit(image[_bounds(self.mask)] if self.is_trimmed else image, longest_px)


_Develop = Callable[[_Look], tuple[_Look, str]]


def _develop(
    look: _Look, said: str, plan: Sequence[tuple[str, str, _Develop]], choices: Choices, kind: str, kind_sentence: str, canvas: Pixels
) -> Preparation:
    """Does the steps of a plan, but for those switched off, and keeps each."""
    steps = [Step("picture", "Your picture", said, look.image, look.shrink())]
    for key, name, do in plan:
        is_on = key not in choices.switched_off
        look, sentence = do(look) if is_on else (look, "Switched off: the picture stays as it was.")
        steps.append(Step(key, name, sentence, look.image, look.shrink(), True, is_on))
    if choices.invert:
        look = replace(look, grey=255 - look.grey, colour=None)
        steps.append(Step("invert", "Invert", "You chose to turn bright and dark round.", look.image, look.shrink()))
    image, smaller = look.shrink(), look.shrink(_SMALLER_PX)
    views = [image] if kind == READY else [image, image[:, ::-1], smaller, smaller[:, ::-1]]
    return Preparation(kind, kind_sentence, tuple(steps), image, np.stack(views), canvas, look.found)


def _cut_out(look: _Look) -> tuple[_Look, str]:
    assert look.found is not None
    if look.found.all() or not look.found.any():
        return look, "Nothing stands out from the rest, so nothing is cut away."
    share = 100 * look.found.mean()
    return replace(
        look, mask=look.found
    ), f"What belongs to the garment, {share:.0f} % of the picture, is kept, and all around it becomes black."


def _trim(look: _Look) -> tuple[_Look, str]:
    tight = look if look.colour is not None else replace(look, mask=look.mask & (look.grey > _INK))
    if not tight.mask.any():
        return look, "There is nothing but one shade in it: there is no edge to trim."
    return replace(
        tight, is_trimmed=True
    ), f"The empty edges go, and the longer side becomes {SIDE_PX} pixels, in the middle of the square."


def _negate(look: _Look) -> tuple[_Look, str]:
    return replace(
        look, grey=255 - look.grey, colour=None
    ), "Colours become greys, and bright and dark change places, as in the training images."


def _stretch(look: _Look) -> tuple[_Look, str]:
    """Greys around a middle one, spread as in Fashion-MNIST, whose items' greys deviate by 45 (median), those of photographs by 25."""
    inside = look.grey[look.mask].astype(np.float32)
    gain = float(np.clip(42 / (inside.std() + 1), 1, 2.2))
    middle = float(np.clip(inside.mean(), 90, 200))
    greys = np.clip((look.grey.astype(np.float32) - inside.mean()) * gain + middle, 25, 255).astype(np.uint8)
    return replace(look, grey=greys, colour=None), _describe_tones(gain)


def _describe_tones(gain: float) -> str:
    if gain < 1.05:
        return "Its contrast is that of the training images already; only what is as dark as the background is lightened."
    return f"Folds and seams are drawn {gain:.1f} times as strong, and nothing of the garment stays as dark as the background."


def _fill(look: _Look) -> tuple[_Look, str]:
    filled = fill_outlines(look.grey)
    return replace(look, grey=filled), "What the lines enclose is filled: the training images are filled shapes, not outlines."


_PHOTO_STEPS = (
    ("cut_out", "Cut out", _cut_out),
    ("trim", "Trim and centre", _trim),
    ("negate", "Negate", _negate),
    ("tones", "Contrast", _stretch),
)
_DRAWING_STEPS = (("fill", "Fill", _fill), ("trim", "Trim and centre", _trim))
_READY_STEPS: tuple[tuple[str, str, _Develop], ...] = ()


def fill_outlines(strokes: Pixels) -> Pixels:
    """A drawing whose enclosed spaces are grey; gaps in the outline are bridged, the smallest bridge that encloses enough.

    Args:
        strokes: (H, W) uint8, white on black.
    Returns:
        (H, W) uint8, the strokes as they were.
    """
    height, width = strokes.shape
    ink: MatLike = (strokes > 127).astype(np.uint8)
    if not ink.any():
        return strokes
    margin = max(height, width) // 5
    ink = cv2.copyMakeBorder(ink, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
    hull = cv2.contourArea(cv2.convexHull(np.argwhere(ink)[:, ::-1].astype(np.int32)))
    area = ink
    for bridge_px in (0, *(round(share * max(height, width)) for share in _BRIDGES)):
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * bridge_px + 1, 2 * bridge_px + 1))
        closed = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, disc) if bridge_px else ink
        outside = closed.copy()
        cv2.floodFill(outside, None, (0, 0), 2)
        area = np.maximum((outside != 2).astype(np.uint8), ink)
        if area.sum() - ink.sum() > 0.3 * max(1.0, hull - ink.sum()):
            break
    area = area[margin : margin + height, margin : margin + width]
    return np.maximum(strokes, area * np.uint8(_FILL))


def _to_arrays(picture: Image.Image, choices: Choices) -> tuple[Pixels, Mask | None]:
    """The picture turned, cropped and at most 320 pixels long, (H, W, 3), and where it is opaque, if anywhere it is not."""
    if choices.turn_degrees:
        picture = picture.rotate(-choices.turn_degrees, expand=True)
    left, top, right, bottom = choices.crop
    if choices.crop != (0, 0, 1, 1):
        width, height = picture.size
        box = round(left * width), round(top * height), round(right * width), round(bottom * height)
        picture = picture.crop((box[0], box[1], max(box[0] + 1, box[2]), max(box[1] + 1, box[3])))
    opaque = None
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
    picture = _thumbnail(picture if picture.mode == "RGBA" else picture.convert("RGB"))
    if picture.mode == "RGBA":
        on_white = Image.new("RGBA", picture.size, "white")
        on_white.alpha_composite(picture)
        opaque = np.asarray(picture.getchannel("A")) > 127
        picture = on_white.convert("RGB")
        opaque = None if opaque.all() or not opaque.any() else opaque
    return np.array(picture), opaque


def _thumbnail(picture: Image.Image) -> Image.Image:
    scale = CANVAS_SIDE_PX / max(picture.size)
    if scale >= 1:
        return picture
    width, height = picture.size
    return picture.resize((max(1, round(width * scale)), max(1, round(height * scale))), Image.Resampling.BOX, reducing_gap=2.0)


def _find_kind(colour: Pixels, opaque: Mask | None) -> tuple[str, str]:
    """One of `KINDS`, and a sentence that says why."""
    height, width = colour.shape[:2]
    grey = _to_bytes(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY))
    is_grey = float(np.ptp(colour.astype(np.int16), axis=2).mean()) < 8
    rim = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    if opaque is not None:
        return PHOTO, "Its background is transparent, so it is cut out already."
    if is_grey and height == width == SIDE_PX and np.median(rim) < _DARK:
        return READY, "It is grey, 28×28 and dark around, like the training images."
    ink = _find_ink(grey)
    lines, between = float((ink > 195).mean()), float(((ink >= 60) & (ink <= 195)).mean())
    if is_grey and 0.002 < lines < 0.5 and between < 0.25 * lines:
        return DRAWING, "It has two shades, as lines on a plain sheet have."
    if is_grey and np.median(rim) < 25 and abs(height - width) <= 0.02 * max(height, width):
        return READY, "It is grey, square and black around, like the training images."
    return PHOTO, "It has the colours and shades of a photograph."


def _find_ink(grey: Pixels) -> Pixels:
    """(H, W) uint8, white strokes on black, whichever way round they are on the sheet."""
    return 255 - grey if np.median(grey) > _DARK else grey


def _to_bytes(pixels: MatLike) -> Pixels:
    """The same array; OpenCV's annotations do not say that uint8 stays uint8."""
    return np.asarray(pixels, np.uint8)


def _paint(mask: Mask, painted: Pixels | None) -> Mask:
    """The mask with a person's corrections, which win."""
    if painted is None:
        return mask
    height, width = mask.shape
    fitted = cv2.resize(painted, (width, height), interpolation=cv2.INTER_NEAREST)
    return (mask & (fitted != BACKGROUND)) | (fitted == GARMENT)


def _bounds(mask: Mask) -> tuple[slice, slice]:
    """Rows and columns from the first to the last true one; all where there is none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return slice(None), slice(None)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _fit(grey: Pixels, longest_px: int = SIDE_PX) -> Pixels:
    """(28, 28), the picture in the middle with its longer side of this many pixels; each pixel is the mean of those it stands for."""
    height, width = grey.shape
    scale = longest_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = grey if size == (width, height) else cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    square = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    top, left = (SIDE_PX - size[1]) // 2, (SIDE_PX - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = small
    return square


_PICTURE_SAID = "The picture as it came. A network that was shown it just made small, as most demonstrations do, would see this."
_INK_SAID = "The lines, white on black, as in the training images."
