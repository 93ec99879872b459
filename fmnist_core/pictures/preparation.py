"""Any picture → the 28×28 the network knows, step by step, each of which a person can see, switch off or correct.

What the steps aim at is how Fashion-MNIST itself was made from product photographs: a garment alone on black, its longest
edge 28 pixels, centred and negated (Xiao, Rasul, Vollgraf 2017, section 2, https://arxiv.org/abs/1708.07747).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fmnist_core.dataset.classes import SIDE_PX
from fmnist_core.pictures.cutout import find_garment
from fmnist_core.pictures.kinds import DRAWING, READY, as_uint8, find_ink, find_kind
from fmnist_core.pictures.opening import PictureError
from fmnist_core.pictures.outlines import fill_outlines
from fmnist_core.pictures.painting import correct_mask

_SMALLER_PX = 26  # of the smaller two of four views
CANVAS_SIDE_PX = 320  # long enough to paint a mask on; GrabCut's time grows with the number of pixels
_INK = 20  # strokes are brighter

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Choices:
    """What a person may change; the defaults leave everything to the program.

    Attributes:
        kind: one of `KINDS`; None detects it.
        switched_off: keys of steps that are left out.
        turn_degrees: clockwise: 0, 90, 180 or 270.
        crop: left, top, right and bottom as shares of the turned picture.
        invert: the garment's greys are inverted at the end.
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
    kind, sentence = find_kind(colour, opaque) if choices.kind is None else (choices.kind, "You chose this.")
    grey = as_uint8(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY))
    if kind == READY:
        start = _Look(grey, np.ones(grey.shape, bool))
        return _develop(start, _PICTURE_HELP, _READY_STEPS, choices, kind, sentence, colour)
    if kind == DRAWING:
        start = _Look(find_ink(grey), np.ones(grey.shape, bool))
        return _develop(start, _INK_HELP, _DRAWING_STEPS, choices, kind, sentence, colour)
    mask = correct_mask(find_garment(colour) if opaque is None else opaque, choices.painted)
    start = _Look(grey, np.ones(grey.shape, bool), colour, found=mask)
    return _develop(start, _PICTURE_HELP, _PHOTO_STEPS, choices, kind, sentence, colour)


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
    look: _Look, start: str, plan: Sequence[tuple[str, str, _Develop]], choices: Choices, kind: str, kind_sentence: str, canvas: Pixels
) -> Preparation:
    """Does the steps of a plan, but for those switched off, and keeps each."""
    steps = [Step("picture", "Your picture", start, look.image, look.shrink())]
    for key, name, do in plan:
        is_on = key not in choices.switched_off
        look, sentence = do(look) if is_on else (look, "Switched off: the picture stays as it was.")
        steps.append(Step(key, name, sentence, look.image, look.shrink(), True, is_on))
    if choices.invert:
        look = replace(look, grey=255 - look.grey, colour=None)
        steps.append(Step("invert", "Invert", "You chose to invert it.", look.image, look.shrink()))
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
    ), f"What belongs to the garment, {share:.0f} % of the picture, is kept, and everything else turns black."


def _trim(look: _Look) -> tuple[_Look, str]:
    tight = look if look.colour is not None else replace(look, mask=look.mask & (look.grey > _INK))
    if not tight.mask.any():
        return look, "It has one shade only, so there is no edge to trim."
    return replace(
        tight, is_trimmed=True
    ), f"Empty margins are cropped, and the longer side becomes {SIDE_PX} pixels, in the middle of the square."


def _negate(look: _Look) -> tuple[_Look, str]:
    return replace(look, grey=255 - look.grey, colour=None), "Colours become greys, and brightness is inverted, as in the training images."


def _stretch(look: _Look) -> tuple[_Look, str]:
    """Greys around a middle one, spread as in Fashion-MNIST, whose items' greys deviate by 45 (median), those of photographs by 25."""
    inside = look.grey[look.mask].astype(np.float32)
    gain = float(np.clip(42 / (inside.std() + 1), 1, 2.2))
    middle = float(np.clip(inside.mean(), 90, 200))
    greys = np.clip((look.grey.astype(np.float32) - inside.mean()) * gain + middle, 25, 255).astype(np.uint8)
    return replace(look, grey=greys, colour=None), _describe_tones(gain)


def _describe_tones(gain: float) -> str:
    if gain < 1.05:
        return "Its contrast already matches the training images; only what is as dark as the background is lightened."
    return f"Folds and seams become {gain:.1f} times as strong, and no part of the garment stays as dark as the background."


def _fill(look: _Look) -> tuple[_Look, str]:
    filled = fill_outlines(look.grey)
    return replace(look, grey=filled), "The area that the lines enclose is filled: the training images are filled shapes, not outlines."


_PHOTO_STEPS = (
    ("cut_out", "Cut out", _cut_out),
    ("trim", "Trim and centre", _trim),
    ("negate", "Negate", _negate),
    ("tones", "Contrast", _stretch),
)
_DRAWING_STEPS = (("fill", "Fill", _fill), ("trim", "Trim and centre", _trim))
_READY_STEPS: tuple[tuple[str, str, _Develop], ...] = ()


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


_PICTURE_HELP = "The picture as it came. Simply shrunk, as in most demos, it would look like this."
_INK_HELP = "The lines, white on black, as in the training images."
