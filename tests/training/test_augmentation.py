from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.dataset.split import Split
from fmnist_core.training import augmentation
from fmnist_core.training.augmentation import (
    FlipsAndShifts,
    PhotosAndDrawings,
    _bend,
    _divide,
    _Doodles,
    _draw,
    _fill_gaps,
    _filling,
    _fray,
    _lose_and_add,
    _nudge,
    _pair,
    _photograph,
    _pose,
    _put_sleeves_out,
    _Random,
    _scribble,
    _show_doodles,
    _weave,
    find_silhouettes,
)
from fmnist_core.training.doodles import Doodle, draw_doodle
from tests.training.approval import check_sheet, check_table


def make(split: Split, seed: int = 0) -> PhotosAndDrawings:
    return PhotosAndDrawings(torch.as_tensor(split.images), torch.as_tensor(split.labels).long(), seed)


def numbers(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_image_is_redrawn_in_its_place(small_splits: tuple[Split, Split]) -> None:
    split = small_splits[0]
    images, labels = make(split).redraw(torch.arange(len(split)), numbers())
    assert (images.shape, images.dtype) == ((len(split), 28, 28), torch.uint8)
    same = (labels == torch.as_tensor(split.labels)).float().mean()
    assert 0.8 < same < 1, "a tenth of the images is replaced by doodles of any class"


def test_the_generators_state_decides_everything(small_splits: tuple[Split, Split]) -> None:
    """Earlier draws have no influence, so a run can resume from any step."""
    split = small_splits[0]
    places = torch.arange(100, 300)
    fresh, used = make(split), make(split)
    used.redraw(torch.arange(200), numbers(7))
    first, second, other = fresh.redraw(places, numbers(1)), used.redraw(places, numbers(1)), fresh.redraw(places, numbers(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[0], other[0])


def test_flips_and_shifts(small_splits: tuple[Split, Split]) -> None:
    split = small_splits[0]
    images, labels = FlipsAndShifts(torch.as_tensor(split.images), torch.as_tensor(split.labels).long()).redraw(
        torch.arange(400), numbers()
    )
    np.testing.assert_array_equal(labels.numpy(), split.labels[:400])
    seen = {is_moved(image, original) for image, original in zip(images.numpy(), split.images, strict=False)}
    assert len(seen) == 18  # nine places, each also mirrored, and nothing else
    assert None not in seen


def is_moved(image: np.ndarray, original: np.ndarray) -> tuple[bool, int, int] | None:
    """How an image was mirrored and moved by at most a pixel; None if it was not."""
    for mirrored in (False, True):
        framed = np.pad(original[:, ::-1] if mirrored else original, 1)
        for y in range(3):
            for x in range(3):
                if np.array_equal(image, framed[y : y + 28, x : x + 28]):
                    return mirrored, y, x
    return None


def test_most_images_are_only_nudged(small_splits: tuple[Split, Split], monkeypatch: pytest.MonkeyPatch) -> None:
    for share in ("_PHOTO_SHARE", "_DRAWING_SHARE", "_DOODLE_SHARE", "_DOODLE_PHOTO_SHARE"):
        monkeypatch.setattr(augmentation, share, 0.0)
    split = small_splits[0]
    images, labels = make(split).redraw(torch.arange(40), numbers())
    np.testing.assert_array_equal(labels.numpy(), split.labels[:40])
    assert all(is_moved(image, original) for image, original in zip(images.numpy(), split.images, strict=False))


@pytest.mark.parametrize("share", ["_PHOTO_SHARE", "_DRAWING_SHARE", "_DOODLE_SHARE", "_DOODLE_PHOTO_SHARE"])
def test_redrawn_images_are_items_on_black(share: str, small_splits: tuple[Split, Split], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_PHOTO_SHARE", "_DRAWING_SHARE", "_DOODLE_SHARE", "_DOODLE_PHOTO_SHARE"):
        monkeypatch.setattr(augmentation, name, 1.0 if name == share else 0.0)
    split = small_splits[0]
    images, _ = make(split).redraw(torch.arange(200), numbers())
    item = (images > 20).float().mean((1, 2))
    assert (images[:, [0, 0, -1, -1], [0, -1, 0, -1]] < 60).float().mean() > 0.75, "corners are background"
    assert ((item > 0.03) & (item < 0.95)).float().mean() > 0.95
    assert not torch.equal(images, torch.as_tensor(split.images[:200]))


def test_silhouettes_by_hand() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 4:24] = 200
    image[10, 10:13] = 0  # three dark pixels inside: a print
    image[14:20, 8:12] = 0  # 24: a gap
    image[0, 0] = 200  # a crumb
    silhouette = find_silhouettes(image[np.newaxis])[0]
    expected = np.zeros((28, 28), bool)
    expected[4:24, 4:24] = True
    expected[14:20, 8:12] = False
    np.testing.assert_array_equal(silhouette, expected)


class Items(NamedTuple):
    """Real training images, and three made by hand at the end: one of a single grey, and two with a few spots far from all other greys."""

    greys: Tensor
    masks: Tensor
    labels: Tensor

    def of(self, *names: str) -> "Items":
        """Those of some classes."""
        chosen = torch.isin(self.labels, torch.tensor([CLASS_NAMES.index(name) for name in names]))
        return Items(self.greys[chosen], self.masks[chosen], self.labels[chosen])

    def first(self, count: int) -> "Items":
        return Items(self.greys[:count], self.masks[:count], self.labels[:count])

    def last(self, count: int) -> "Items":
        return Items(self.greys[-count:], self.masks[-count:], self.labels[-count:])


@pytest.fixture(scope="module")
def items(small_splits: tuple[Split, Split]) -> Items:
    made = np.zeros((3, 28, 28), np.uint8)
    made[:, 3:25, 5:23] = 120
    made[1, 6:24:4, 8:22:6], made[2, 6:24:4, 8:22:6] = 255, 13
    images = np.concatenate([small_splits[0].images[:157], made])
    labels = np.concatenate([small_splits[0].labels[:157], [0, 3, 8]])
    masks = torch.as_tensor(find_silhouettes(images)).float()
    return Items(torch.as_tensor(images).float() / 255, masks, torch.as_tensor(labels).long())


def draw_sleeves(random: _Random, items: Items) -> tuple[Tensor, ...]:
    return _put_sleeves_out(random, *items.of("T-shirt/top", "Pullover", "Coat", "Shirt").first(32))


def draw_pairs(random: _Random, items: Items) -> tuple[Tensor, ...]:
    greys, masks, _ = items.of("Sandal", "Sneaker", "Ankle boot").first(32)
    return _pair(random, greys, masks)


def draw_photographs(random: _Random, items: Items) -> tuple[Tensor, ...]:
    return (_photograph(random, items.last(48).greys, items.last(48).masks),)


def draw_drawings(random: _Random, items: Items) -> tuple[Tensor, ...]:
    """Bags, bags with a gap below a handle, and items of all classes."""
    bags = items.of("Bag").first(16)
    with_gap = torch.zeros(16, 28, 28)
    with_gap[:, 3:25, 5:23] = 1
    with_gap[:, 6:14, 9:19] = 0
    groups = bags, Items(0.6 * with_gap, with_gap, torch.full((16,), CLASS_NAMES.index("Bag"))), items.last(32)
    return tuple(_draw(random, *group) for group in groups)


def draw_doodles(random: _Random, *, as_photo: bool) -> tuple[Tensor, ...]:
    """Some of all classes, and then shoes only, of which a few are turned."""
    shoes = [number for number in range(100, 200) if number % 10 in (5, 7, 9)]
    inks, bodies, labels = _Doodles(3).take(torch.tensor([*range(40, 72), *shoes[:16]]))
    return (_show_doodles(random, inks, bodies, labels, as_photo=as_photo),)


RULES: dict[str, Callable[[_Random, Items], tuple[Tensor, ...]]] = {
    "nudged": lambda random, items: (_nudge(random, items.greys[:16]),),
    "posed": lambda random, items: _pose(random, *items.first(48)),
    "sleeves_out": draw_sleeves,
    "pairs": draw_pairs,
    "photographs": draw_photographs,
    "drawings": draw_drawings,
    "doodle_drawings": lambda random, _: draw_doodles(random, as_photo=False),
    "doodle_photographs": lambda random, _: draw_doodles(random, as_photo=True),
    "frayed": lambda random, items: (_fray(random, items.masks[:32], 0.5), _fray(random, items.masks[-16:], 1.0)),
    "lost_and_added": lambda random, items: (_lose_and_add(random, items.masks[:96]),),
    "weaves": lambda random, _: (_weave(random, 48) / 4 + 0.5,),
    "scribbles": lambda random, _: (_scribble(random, 48),),
}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_draws_as_approved(rule: str, items: Items, tmp_path: Path) -> None:
    images = torch.cat([drawn * 255 for drawn in RULES[rule](_Random(numbers()), items)])
    assert images.isfinite().all()
    check_sheet(rule, list(images.round().clamp(0, 255).to(torch.uint8).split(16)), tmp_path)


def test_a_whole_batch_is_redrawn_as_approved(small_splits: tuple[Split, Split], tmp_path: Path) -> None:
    """Of 96 images, 22 % are photographs, 8 % drawings, 7 % doodles, and 3 % photographs of doodles."""
    images, labels = make(small_splits[0], 5).redraw(torch.arange(200, 296), numbers(2))
    check_sheet("redrawn", list(images.split(16)), tmp_path)
    check_table("redrawn_labels", {"labels": labels.numpy().astype(float)}, tmp_path)


def test_coordinates_are_bent_as_approved(tmp_path: Path) -> None:
    """At the corners, in the middle and between."""
    labels = torch.arange(len(CLASS_NAMES)).repeat(5)
    settings = (
        {"lean_degrees": 10, "stretch": 0.18, "widen": 0.1, "turned_shoes": 0.35},
        {"lean_degrees": 6, "stretch": 0.12, "widen": 0.0, "turned_shoes": 0.1},
    )
    rows: dict[str, NDArray[np.float32]] = {}
    for number, setting in enumerate(settings):
        bent = torch.stack(_bend(_Random(numbers(4)), labels, **setting), 1)[:, :, [0, 0, 14, 20, 27, 27], [0, 27, 13, 9, 0, 27]]
        rows |= {f"settings {number}, item {item}": points.numpy() for item, points in enumerate(bent)}
    check_table("bent", rows, tmp_path)


def test_random_numbers_have_the_range_and_share_they_are_asked_for() -> None:
    random = _Random(numbers())
    uniform = random.uniform(-1, 3, 400, 50)
    assert uniform.shape == (400, 50)
    assert (uniform.min(), uniform.mean(), uniform.max()) == pytest.approx((-1, 1, 3), abs=0.03)
    assert random.uniform_of(2, 3, 7).shape == random.chance_of(0.5, 7).shape == (7, 1, 1)
    assert random.normal(100, 200).std() == pytest.approx(1, abs=0.02)
    assert random.chance(0.25, 20_000).float().mean() == pytest.approx(0.25, abs=0.01)
    assert random.integers(5, 1000).unique().tolist() == [0, 1, 2, 3, 4]
    clouds = random.clouds(300, 5)
    assert clouds.shape == (300, 28, 28)
    assert 0.7 < clouds.std() < 1
    assert (clouds[:, :, 1:] - clouds[:, :, :-1]).std() < 0.3


def test_random_numbers_are_as_approved(tmp_path: Path) -> None:
    random = _Random(numbers(9))
    rows = {
        "uniform": random.uniform(-1, 3, 2, 3),
        "normal": random.normal(5),
        "chance": random.chance(0.5, 10).float(),
        "integers": random.integers(6000, 5).float(),
        "clouds": random.clouds(2, 5)[:, ::9, ::9],
        "filling": _filling(random, 0.3, 1, 60),
    }
    check_table("random_numbers", {name: row.numpy() for name, row in rows.items()}, tmp_path)


class Chosen(_Random):
    """Instead of random numbers, the same place in every range, and the same answer to every chance."""

    def __init__(self, place: float, *, happens: bool = False) -> None:
        super().__init__(numbers())
        self._place, self._happens = place, happens

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return torch.full(shape, low + self._place * (high - low))

    def normal(self, *shape: int) -> Tensor:
        return torch.zeros(shape)

    def chance(self, _share: float, count: int) -> Tensor:
        return torch.full((count,), self._happens)


def test_a_batch_is_divided_by_the_shares() -> None:
    draw = torch.tensor([0.0, 0.2, 0.25, 0.5, 0.75, 0.9, 0.1])
    assert [part.tolist() for part in _divide(draw, 0.25, 0.5)] == [[0, 1, 6], [2, 3]]
    assert [part.tolist() for part in _divide(draw, 0.0, 1.0)] == [[], [0, 1, 2, 3, 4, 5, 6]]


def test_brightness_beyond_black_and_white_is_cut_off(small_splits: tuple[Split, Split], monkeypatch: pytest.MonkeyPatch) -> None:
    for share in ("_DRAWING_SHARE", "_DOODLE_SHARE", "_DOODLE_PHOTO_SHARE"):
        monkeypatch.setattr(augmentation, share, 0.0)
    monkeypatch.setattr(augmentation, "_PHOTO_SHARE", 1.0)
    levels = torch.tensor([-1.0, 0.0, 0.001, 0.5, 1.0, 1.01, 2.0])
    monkeypatch.setattr(augmentation, "_photograph", lambda _random, greys, _masks: levels.repeat(4).expand(len(greys), 28, 28))
    images, _ = make(small_splits[0]).redraw(torch.arange(2), numbers())
    assert images[1, 3, :7].tolist() == [0, 0, 0, 128, 255, 255, 255]


def test_each_doodle_is_drawn_once_when_it_is_first_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def draw_and_count(label: int, random: np.random.Generator) -> Doodle:
        drawn.append(label)
        return draw_doodle(label, random)

    monkeypatch.setattr(augmentation, "draw_doodle", draw_and_count)
    doodles = _Doodles(8)
    wanted = [5999, 31, 0, 31]
    for _ in range(2):
        inks, bodies, labels = doodles.take(torch.tensor(wanted))
        assert labels.tolist() == [9, 1, 0, 1]
        for number, ink, body, label in zip(wanted, inks, bodies, labels.tolist(), strict=True):
            expected = draw_doodle(label, np.random.default_rng([8, number]))
            np.testing.assert_array_equal(ink, expected.ink)
            np.testing.assert_array_equal(body, expected.body)
    assert drawn == [0, 1, 9]


def test_pixels_up_to_12_are_background() -> None:
    image = np.full((28, 28), 12, np.uint8)
    assert not find_silhouettes(image[np.newaxis]).any()
    assert find_silhouettes(image[np.newaxis] + 1).all()


def test_crumbs_are_not_part_of_an_item() -> None:
    """A crumb is what its edge pixels' centres enclose, at most four pixels."""
    image = np.zeros((28, 28), np.uint8)
    image[2:5, 2:5] = 200
    image[10:13, 10:13] = image[10, 13] = 200
    silhouette = find_silhouettes(image[np.newaxis])[0]
    assert not silhouette[:8].any()
    np.testing.assert_array_equal(silhouette[8:], image[8:] > 0)


def test_ten_connected_dark_pixels_are_a_gap() -> None:
    image = np.full((28, 28), 200, np.uint8)
    gap = image.copy()
    gap[20, 5:15] = image[20, 5:15] = 0
    image[5, 5:14] = 0
    image[10, 5:10] = image[11, 10:15] = 0  # five and five that only touch at a corner
    np.testing.assert_array_equal(find_silhouettes(image[np.newaxis])[0], gap > 0)


def test_several_parts_and_prints_are_all_filled() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[:12, :28], image[16:, :28] = 200, 200
    expected = image > 0
    image[4:7, 4:7] = image[20:23, 10:13] = 0
    np.testing.assert_array_equal(find_silhouettes(image[np.newaxis])[0], expected)


@pytest.mark.parametrize("turns", range(4))
def test_gaps_that_cannot_be_reached_from_the_border_are_filled(turns: int) -> None:
    mask = torch.zeros(28, 28)
    mask[4:12, 4:12] = 1
    mask[6:10, 6:10] = 0
    filled = mask.clone()
    filled[6:10, 6:10] = 1
    mask[16:23, 16:23] = filled[16:23, 16:23] = 1
    mask[18:23, 18] = filled[18:23, 18] = 0  # a bay
    mask[18, 18:21] = filled[18, 18:21] = 0  # which turns
    mask[17, 21] = 0  # and a gap that touches its end and another at corners
    mask[16, 22] = mask[26, 2] = filled[16, 22] = filled[26, 2] = 0
    filled[17, 21] = 1
    turned = torch.rot90(mask, turns)[None]
    assert torch.equal(_fill_gaps(turned)[0], torch.rot90(filled, turns))


@pytest.mark.parametrize("turns", range(4))
def test_24_pixels_of_a_bay_are_not_filled(turns: int) -> None:
    mask = torch.ones(1, 28, 28)
    mask[:, :27, 14] = 0
    expected = mask.clone()
    expected[:, 24:27, 14] = 1
    assert torch.equal(_fill_gaps(mask.rot90(turns, (1, 2))), expected.rot90(turns, (1, 2)))


def test_an_item_that_vanished_stays_black() -> None:
    images = _photograph(_Random(numbers()), torch.rand(5, 28, 28, generator=numbers()), torch.zeros(5, 28, 28))
    assert torch.equal(images, torch.zeros(5, 28, 28))


def test_nothing_is_posed_where_there_is_nothing() -> None:
    nothing = torch.zeros(0, 28, 28)
    greys, masks = _pose(_Random(numbers()), nothing, nothing, torch.zeros(0, dtype=torch.int64))
    assert greys.shape == masks.shape == (0, 28, 28)


def test_white_doodles_stay_white_and_their_filling_has_the_brightness_that_was_drawn() -> None:
    white = torch.full((1, 28, 28), 255, dtype=torch.uint8)
    label = torch.tensor([0])
    for place, brightness in ((0.0, 0.45), (0.5, 0.675), (1.0, 0.9)):
        filled = _show_doodles(Chosen(place), torch.zeros_like(white), white, label, as_photo=False)
        torch.testing.assert_close(filled[0, 8:20, 8:20], torch.full((12, 12), brightness), rtol=0, atol=1e-4)
    drawn = _show_doodles(Chosen(0.5), white, white, label, as_photo=False)
    torch.testing.assert_close(drawn[0, 8:20, 8:20], torch.ones(12, 12), rtol=0, atol=1e-4)


def test_columns_that_are_half_covered_do_not_widen_the_body() -> None:
    """The shoulders are found by the columns that an item covers by more than half."""
    masks = torch.zeros(2, 28, 28)
    masks[:, 4:26, 8:20] = 1
    masks[0, 4:26, [3, 24]], masks[1, 4:26, [3, 24]] = 0.5, 0.499
    greys, spread = _put_sleeves_out(Chosen(1), masks, masks, torch.tensor([2, 2]))
    torch.testing.assert_close(spread[0], spread[1], rtol=0, atol=0.01)
    torch.testing.assert_close(greys[0], greys[1], rtol=0, atol=0.01)


def test_an_item_narrower_than_three_tenths_has_no_sleeves() -> None:
    masks = torch.zeros(1, 28, 28)
    masks[:, 4:26, 12:16] = 1
    _, spread = _put_sleeves_out(Chosen(1), masks, masks, torch.tensor([2]))
    assert spread[0, :, 12:16].max() > 0.99
    assert spread[0, :, :12].max() == spread[0, :, 16:].max() == 0


def test_a_photograph_of_a_single_grey_has_no_relief() -> None:
    """With the lowest of all random numbers, its tone is 0.35, and there is no light from a side."""
    masks = torch.zeros(1, 28, 28)
    masks[:, 4:24, 4:24] = 1
    image = _photograph(Chosen(0), torch.full((1, 28, 28), 0.5), masks)[0]
    torch.testing.assert_close(image[8:20, 8:20], torch.full((12, 12), 0.35))


def test_a_photograph_of_a_single_pixel_has_the_mean_of_that_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation, "_fray", lambda _random, masks, _most: masks)
    masks = torch.zeros(1, 28, 28)
    masks[0, 14, 14] = 1
    torch.testing.assert_close(_photograph(Chosen(0), 0.8 * masks, masks), 0.35 * masks)
