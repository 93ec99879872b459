"""Any picture → 28×28 pixels like the training images, in steps that a person can see, switch off and correct.

The steps follow the way Fashion-MNIST was made from product photographs: a garment alone on black, its longest edge 28
pixels, centred and negated (Xiao, Rasul, Vollgraf 2017, section 2, https://arxiv.org/abs/1708.07747).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fmnist_core.dataset.classes import SIDE_PX
from fmnist_core.pictures.cutout import WORKING_SIDE_PX, find_garment
from fmnist_core.pictures.kinds import DRAWING, READY, as_uint8, find_ink, find_kind
from fmnist_core.pictures.opening import PictureError
from fmnist_core.pictures.outlines import fill_outlines
from fmnist_core.pictures.painting import correct_mask

_SMALLER_PX = 26  # the longer side of the item in the smaller two of four views
CANVAS_SIDE_PX = 320  # large enough to paint a mask on; GrabCut's time grows with the number of pixels
_INK = 20  # pixels brighter than this are strokes

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Choices:
    """What a person may change; by default the program decides everything.

    Attributes:
        kind: one of `KINDS`; None detects it.
        switched_off: keys of the steps to skip.
        turn_degrees: clockwise: 0, 90, 180 or 270.
        crop: left, top, right and bottom as shares of the turned picture.
        invert: whether the garment's greys are inverted at the end.
        painted: corrections of the mask, (H, W) uint8 of any size, stretched over `Preparation.canvas`: 0 unchanged, 1 garment,
            2 background.
    """

    kind: str | None = None
    switched_off: frozenset[str] = frozenset()
    turn_degrees: int = 0
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    invert: bool = False
    painted: Pixels | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """A key for caches, equal for equal choices. It holds every painted pixel: NumPy abbreviates the text of a large array."""
        painted = None if self.painted is None else (self.painted.shape, self.painted.tobytes())
        return self.kind, self.switched_off, self.turn_degrees, self.crop, self.invert, painted


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the preparation.

    Attributes:
        key: its name in `Choices.switched_off`.
        name: its name on the page.
        sentence: what it did.
        image: (H, W) or (H, W, 3) uint8, the picture after this step.
        seen: (28, 28) uint8, what the network would see if the preparation ended here.
        optional: whether it can be switched off.
        is_on: whether it was carried out.
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
    """A picture's way to the network, and the result.

    Attributes:
        kind: one of `KINDS`.
        kind_sentence: why this kind was chosen.
        steps: in the order they were carried out.
        image: (28, 28) uint8, what the network sees: a bright item on black.
        views: (V, 28, 28) uint8, the item also mirrored and smaller; the first is `image`. The mean of the network's answers to
            all of them is steadier than its answer to one.
        canvas: (H, W, 3) uint8, the picture turned and cropped, at most 320 pixels a side, to paint a mask on.
        mask: (H, W), on the canvas, true on the garment; None if no garment was cut out.
    """

    kind: str
    kind_sentence: str
    steps: tuple[Step, ...]
    image: Pixels
    views: Pixels
    canvas: Pixels
    mask: Mask | None = None


def prepare(picture: Image.Image, choices: Choices | None = None, *, cutout_side_px: int = WORKING_SIDE_PX) -> Preparation:
    """Turns and crops a picture, detects its kind, and turns it into 28×28 pixels like the training images.

    Args:
        picture: of any mode, for example from `opening.open_picture`. Transparent pixels count as background.
        cutout_side_px: as for `find_garment`, which takes most of the time.
    Raises:
        PictureError: if the picture, after cropping, has the same shade everywhere.
    """
    choices = choices or Choices()
    colour, opaque = _to_arrays(picture, choices)
    if opaque is None and np.ptp(colour, axis=(0, 1)).max() <= 2:
        raise PictureError("The picture has the same shade everywhere, so there is nothing to recognise: choose another one.")
    kind, sentence = find_kind(colour, opaque) if choices.kind is None else (choices.kind, "You chose this.")
    grey = as_uint8(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY))
    if kind == READY:
        start = _Draft(grey, np.ones(grey.shape, bool))
        return _apply_steps(start, _PICTURE_HELP, _READY_STEPS, choices, kind, sentence, colour)
    if kind == DRAWING:
        start = _Draft(find_ink(grey), np.ones(grey.shape, bool))
        return _apply_steps(start, _INK_HELP, _DRAWING_STEPS, choices, kind, sentence, colour)
    mask = correct_mask(find_garment(colour, cutout_side_px) if opaque is None else opaque, choices.painted)
    start = _Draft(grey, np.ones(grey.shape, bool), colour, found=mask)
    return _apply_steps(start, _PICTURE_HELP, _PHOTO_STEPS, choices, kind, sentence, colour)


def prepare_drawing(strokes: Pixels, *, fill: bool = True) -> Preparation:
    """Fills, trims, scales and centres a drawing.

    Args:
        strokes: (H, W) uint8, white on black.
        fill: whether what the outlines enclose becomes grey.
    Raises:
        PictureError: if nothing is drawn.
    """
    if not (strokes > _INK).any():
        raise PictureError("Nothing is drawn yet.")
    choices = Choices(switched_off=frozenset() if fill else frozenset({"fill"}))
    start = _Draft(strokes, np.ones(strokes.shape, bool))
    colour = np.stack([strokes] * 3, axis=-1)
    return _apply_steps(start, _INK_HELP, _DRAWING_STEPS, choices, DRAWING, "It was drawn here.", colour)


@dataclass(frozen=True, eq=False)
class _Draft:
    """A picture between two steps."""

    grey: Pixels  # (H, W)
    mask: Mask  # (H, W), true on what is kept
    colour: Pixels | None = None  # (H, W, 3); None once only the greys matter
    found: Mask | None = None  # (H, W), the garment, for the step that cuts it out
    is_trimmed: bool = False

    @property
    def image(self) -> Pixels:
        """(H, W) or (H, W, 3), black where there is no garment."""
        image = np.where(self.mask, self.grey, 0) if self.colour is None else np.where(self.mask[..., np.newaxis], self.colour, 0)
        return image[_bounds(self.mask)] if self.is_trimmed else image

    def shrink(self, longest_px: int = SIDE_PX) -> Pixels:
        """(28, 28), as the network would see it now, its longer side this many pixels long."""
        image = np.where(self.mask, self.grey, 0)
        return _fit(image[_bounds(self.mask)] if self.is_trimmed else image, longest_px)


_Operation = Callable[[_Draft], tuple[_Draft, str]]


def _apply_steps(
    draft: _Draft, start: str, plan: Sequence[tuple[str, str, _Operation]], choices: Choices, kind: str, kind_sentence: str, canvas: Pixels
) -> Preparation:
    """Applies the steps of a plan that are not switched off, and records the picture after each."""
    steps = [Step("picture", "Your picture", start, draft.image, draft.shrink())]
    for key, name, apply in plan:
        is_on = key not in choices.switched_off
        draft, sentence = apply(draft) if is_on else (draft, "Switched off: the picture is unchanged.")
        steps.append(Step(key, name, sentence, draft.image, draft.shrink(), True, is_on))
    if choices.invert:
        draft = replace(draft, grey=255 - draft.grey, colour=None)
        steps.append(Step("invert", "Invert", "You chose to invert it.", draft.image, draft.shrink()))
    image, smaller = draft.shrink(), draft.shrink(_SMALLER_PX)
    views = [image] if kind == READY else [image, image[:, ::-1], smaller, smaller[:, ::-1]]
    return Preparation(kind, kind_sentence, tuple(steps), image, np.stack(views), canvas, draft.found)


def _cut_out(draft: _Draft) -> tuple[_Draft, str]:
    assert draft.found is not None
    if draft.found.all() or not draft.found.any():
        return draft, "Nothing stands out from the background, so nothing is cut away."
    share = 100 * draft.found.mean()
    return replace(draft, mask=draft.found), f"The garment, {share:.0f} % of the picture, is kept; everything else turns black."


def _trim(draft: _Draft) -> tuple[_Draft, str]:
    tight = draft if draft.colour is not None else replace(draft, mask=draft.mask & (draft.grey > _INK))
    if not tight.mask.any():
        return draft, "It has a single shade, so there is no edge to trim."
    return replace(tight, is_trimmed=True), f"Empty margins are cropped; the longer side becomes {SIDE_PX} pixels, centred in the square."


def _negate(draft: _Draft) -> tuple[_Draft, str]:
    return replace(
        draft, grey=255 - draft.grey, colour=None
    ), "Colours become greys, and brightness is inverted, as in the training images."


def _stretch(draft: _Draft) -> tuple[_Draft, str]:
    """Spreads the greys as in Fashion-MNIST, where an item's standard deviation is 45 (median); in photographs it is 25."""
    inside = draft.grey[draft.mask].astype(np.float32)
    gain = float(np.clip(42 / (inside.std() + 1), 1, 2.2))
    middle = float(np.clip(inside.mean(), 90, 200))
    greys = np.clip((draft.grey.astype(np.float32) - inside.mean()) * gain + middle, 25, 255).astype(np.uint8)
    return replace(draft, grey=greys, colour=None), _describe_tones(gain)


def _describe_tones(gain: float) -> str:
    if gain < 1.05:
        return "Its contrast already matches the training images; only parts as dark as the background are lightened."
    return f"Folds and seams become {gain:.1f} times as strong, and no part of the garment stays as dark as the background."


def _fill(draft: _Draft) -> tuple[_Draft, str]:
    filled = fill_outlines(draft.grey)
    return replace(draft, grey=filled), "The area inside the lines is filled: the training images are filled shapes, not outlines."


_PHOTO_STEPS = (
    ("cut_out", "Cut out", _cut_out),
    ("trim", "Trim and centre", _trim),
    ("negate", "Negate", _negate),
    ("tones", "Contrast", _stretch),
)
_DRAWING_STEPS = (("fill", "Fill", _fill), ("trim", "Trim and centre", _trim))
_READY_STEPS: tuple[tuple[str, str, _Operation], ...] = ()


def _to_arrays(picture: Image.Image, choices: Choices) -> tuple[Pixels, Mask | None]:
    """The picture turned, cropped and at most 320 pixels a side, (H, W, 3), and where it is opaque; None if it is opaque everywhere."""
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
    """The rows and columns from the first true pixel to the last; everything if none is true."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return slice(None), slice(None)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _fit(grey: Pixels, longest_px: int = SIDE_PX) -> Pixels:
    """The picture scaled to a longer side of this many pixels and centred, (28, 28); each pixel is the mean of those it replaces."""
    height, width = grey.shape
    scale = longest_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = grey if size == (width, height) else cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    square = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    top, left = (SIDE_PX - size[1]) // 2, (SIDE_PX - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = small
    return square


_PICTURE_HELP = "The picture as you gave it. Simply shrunk, as in most demos, it would look like this."
_INK_HELP = "The lines, white on black, as in the training images."
