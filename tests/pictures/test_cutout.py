from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_core.pictures import cutout
from fmnist_core.pictures.cutout import find_garment

Mask = NDArray[np.bool_]
Colour = NDArray[np.uint8]


def overlap(found: Mask, true: Mask) -> float:
    return float((found & true).sum() / (found | true).sum())


def scene(mask: Mask, cloth: tuple[int, int, int], floor: tuple[int, int, int]) -> Colour:
    picture = np.where(mask[..., np.newaxis], np.array(cloth, np.int16), np.array(floor, np.int16))
    return (picture + np.random.default_rng(1).integers(-8, 9, picture.shape)).clip(0, 255).astype(np.uint8)


def box(shape: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]) -> Mask:
    """(H, W), true in a rectangle."""
    mask = np.zeros(shape, bool)
    mask[rows[0] : rows[1], columns[0] : columns[1]] = True
    return mask


def grey(level: int) -> tuple[int, int, int]:
    return level, level, level


def lightness(level: int) -> float:
    """L* of a grey as OpenCV scales it, 0 to 255."""
    return float(cv2.cvtColor(np.full((1, 1, 3), level, np.uint8), cv2.COLOR_RGB2LAB)[0, 0, 0])


def flat(shape: tuple[int, int], colour: tuple[int, int, int] = (0, 0, 0)) -> Colour:
    return np.full((*shape, 3), colour, np.uint8)


# A photograph as a whole


def test_a_garment_that_reaches_the_border() -> None:
    mask = box((240, 200), (40, 240), (50, 150))  # cut off below
    assert overlap(find_garment(scene(mask, (200, 40, 40), (180, 190, 200))), mask) > 0.9


def test_the_gap_between_two_legs_is_background() -> None:
    mask = box((260, 200), (20, 240), (50, 150))
    mask[90:240, 88:112] = False
    found = find_garment(scene(mask, (40, 50, 90), (210, 190, 160)))
    assert overlap(found, mask) > 0.93
    assert not found[150:230, 95:105].any()


def test_a_pair_is_kept_and_a_crumb_is_removed() -> None:
    mask = box((200, 260), (40, 160), (40, 110)) | box((200, 260), (40, 160), (150, 220))
    crumb = mask | box((200, 260), (5, 11), (5, 11))
    found = find_garment(scene(crumb, (30, 30, 30), (200, 200, 190)))
    assert overlap(found, mask) > 0.93
    assert not found[:15, :15].any()


def test_a_thin_hook_is_removed() -> None:
    hanger = box((260, 200), (60, 240), (50, 150)) | box((260, 200), (10, 60), (99, 102))
    assert not find_garment(scene(hanger, (200, 60, 20), (220, 220, 220)))[:40].any()


@pytest.mark.parametrize("shape", [(5, 5), (1, 300), (300, 2), (9, 9), (1000, 20)])
def test_any_size(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    found = find_garment(picture)
    assert found.shape == shape
    assert found.dtype == bool
    assert found.any()


def test_one_colour_is_all_garment() -> None:
    assert find_garment(flat((60, 80), (90, 90, 90))).all()


def test_the_same_picture_gives_the_same_mask() -> None:
    picture = np.random.default_rng(3).integers(0, 256, (90, 70, 3), np.uint8)
    np.testing.assert_array_equal(find_garment(picture), find_garment(picture))


# How the guesses become one mask


@pytest.fixture
def guess(monkeypatch: pytest.MonkeyPatch) -> list[Mask]:
    """The guesses for every picture; a test fills in the list."""
    guesses: list[Mask] = []
    monkeypatch.setattr(cutout, "_guesses", lambda _picture: guesses)
    return guesses


@pytest.mark.parametrize(
    ("shape", "searched"),
    [((416, 312), (208, 156)), ((312, 416), (156, 208)), ((100, 80), (100, 80)), ((208, 208), (208, 208)), ((209, 100), (208, 100))],
)
def test_the_search_uses_at_most_208_pixels_a_side(
    shape: tuple[int, int], searched: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []

    def note(picture: Colour) -> list[Mask]:
        seen.append(picture.shape[:2])
        return []

    monkeypatch.setattr(cutout, "_guesses", note)
    find_garment(flat(shape))
    assert seen == [searched]


@pytest.mark.parametrize(("side", "is_searched"), [(14, False), (16, True)], ids=["7 pixels", "8 pixels"])
@pytest.mark.parametrize("upright", [False, True])
def test_a_strip_narrower_than_8_pixels_is_not_searched(side: int, is_searched: bool, upright: bool, guess: list[Mask]) -> None:
    """416 pixels become 208, and 14 become 7."""
    reduced = (208, side // 2) if upright else (side // 2, 208)
    guess.append(np.arange(reduced[0] * reduced[1]).reshape(reduced) % 208 < 100)
    found = find_garment(flat((416, side) if upright else (side, 416)))
    assert found.all() == (not is_searched)


@pytest.mark.parametrize(
    ("pixels", "is_a_garment"), [(100, False), (101, True), (9699, True), (9700, False)], ids=["1 %", "over 1 %", "under 97 %", "97 %"]
)
def test_a_guess_of_almost_nothing_or_almost_everything_does_not_count(pixels: int, is_a_garment: bool, guess: list[Mask]) -> None:
    guess.append(np.arange(10_000).reshape(100, 100) < pixels)
    found = find_garment(flat((100, 100)))
    assert int(found.sum()) == (pixels if is_a_garment else 10_000)


def test_the_best_guess_wins_whatever_the_order(guess: list[Mask]) -> None:
    good, bad = box((100, 100), (20, 80), (30, 70)), box((100, 100), (0, 30), (0, 100))
    picture = scene(good, (200, 30, 30), (220, 220, 220))
    for guess[:] in ([good, bad], [bad, good], [bad, good, bad]):
        np.testing.assert_array_equal(find_garment(picture), good)


@pytest.mark.parametrize("upright", [False, True])
def test_the_mask_of_a_large_picture_has_straight_edges_in_the_right_place(upright: bool, guess: list[Mask]) -> None:
    """At two and a half times the size, columns 60 to 100 become 150 to 252."""
    guess.append(box((160, 208), (0, 160), (60, 101)))
    expected = box((400, 520), (0, 400), (150, 252))
    if upright:
        guess[0], expected = guess[0].T, expected.T
    differs = np.flatnonzero((find_garment(flat(expected.shape)) != expected).any(axis=int(not upright) ^ 1))
    assert set(differs.tolist()) <= {252}, "only column 252, half of which is covered, may differ"


# What GrabCut starts from


def test_one_guess_starts_from_the_border_and_one_from_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a 100×100 picture the first is the square that differs from the border, the second an ellipse."""
    seeds: list[Colour] = []

    def note(_picture: Colour, given: Colour) -> Mask:
        seeds.append(given)
        return given % 2 == 1

    monkeypatch.setattr(cutout, "_refine", note)
    square = box((100, 100), (35, 65), (35, 65))
    masks = cutout._guesses(scene(square, (200, 30, 30), (220, 220, 220)))
    assert len(masks) == len(seeds) == 3
    assert overlap(masks[0], square) > 0.85
    np.testing.assert_array_equal(masks[1], cutout._closeness_to_middle(100, 100) > 0.45)


def both_guesses(monkeypatch: pytest.MonkeyPatch, by_border: Mask, by_middle: Mask) -> tuple[list[Mask], Colour | None]:
    """All guesses if these are the first two, and the seeds of the third if there is one."""
    answers, seeds = iter([by_border, by_middle]), []

    def refine(_picture: object, given: Colour) -> Mask:
        seeds.append(given)
        return next(answers, given % 2 == 1)

    monkeypatch.setattr(cutout, "_refine", refine)
    masks = cutout._guesses(scene(by_border, (200, 30, 30), (220, 220, 220)))
    np.testing.assert_array_equal(masks[0], by_border)
    np.testing.assert_array_equal(masks[1], by_middle)
    return masks, seeds[2] if len(seeds) == 3 else None


def test_the_third_guess_joins_the_two(monkeypatch: pytest.MonkeyPatch) -> None:
    by_border, by_middle = box((100, 100), (0, 60), (40, 60)), box((100, 100), (0, 90), (45, 75))
    masks, seeds = both_guesses(monkeypatch, by_border, by_middle)
    assert len(masks) == 3
    assert seeds is not None
    either, both = by_border | by_middle, by_border & by_middle
    near = cutout._closeness_to_middle(100, 100) > 0.5
    rim = np.ones((100, 100), bool)
    rim[2:-2, 2:-2] = False
    np.testing.assert_array_equal(seeds == cv2.GC_FGD, both & near)
    np.testing.assert_array_equal(seeds == cv2.GC_PR_FGD, either & ~(both & near))
    np.testing.assert_array_equal(seeds == cv2.GC_BGD, rim & ~either)
    np.testing.assert_array_equal(seeds == cv2.GC_PR_BGD, ~rim & ~either)


@pytest.mark.parametrize(
    ("shared", "number"), [(0, 2), (1, 3), (97, 3), (98, 2), (100, 2)], ids=["nothing", "a hundredth", "97 %", "98 %", "all"]
)
def test_there_is_no_third_guess_if_the_two_agree_or_do_not_overlap(shared: int, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    either = box((100, 120), (10, 60), (10, 110))
    shared_part = box((100, 120), (10, 60), (10, 10 + shared))
    by_middle = shared_part if shared else box((100, 120), (70, 80), (10, 110))
    assert len(both_guesses(monkeypatch, either, by_middle)[0]) == number


def with_pixels(base: NDArray[np.float32], pixels: Mapping[tuple[int, int], float]) -> NDArray[np.float32]:
    changed = base.copy()
    for index, value in pixels.items():
        changed[index] = value
    return changed


def test_seeds_by_the_border_by_hand() -> None:
    """Times 12, the distances are 60 in one half and 200 in the other, so Otsu's threshold is the highest level below 130, here 120."""
    levels = np.where(np.arange(100) < 50, 60, 200)[:, np.newaxis] * np.ones((1, 100))
    pixels = {
        (10, 10): 107,
        (10, 11): 108,
        (10, 12): 109,
        (10, 14): 120,
        (60, 50): 179,
        (60, 52): 181,
        (99, 90): 181,
        (0, 20): 119,
        (0, 22): 120,
    }
    distance = with_pixels(levels.astype(np.float32), pixels) / np.float32(12) + np.float32(0.01)
    middle = with_pixels(np.full((100, 100), 0.51, np.float32), {(70, 70): 0.49, (70, 72): 0.51})
    seeds = cutout._seeds_by_border(distance, middle)
    assert [int(seeds[10, column]) for column in (10, 11, 12, 14)] == [cv2.GC_PR_BGD, cv2.GC_PR_BGD, cv2.GC_PR_FGD, cv2.GC_PR_FGD]
    assert [int(seeds[index]) for index in ((60, 50), (60, 52))] == [cv2.GC_PR_FGD, cv2.GC_FGD], "beyond one and a half thresholds"
    assert [int(seeds[index]) for index in ((70, 70), (70, 72))] == [cv2.GC_PR_FGD, cv2.GC_FGD], "only near the middle"
    assert [int(seeds[index]) for index in ((0, 20), (0, 22), (0, 24))] == [cv2.GC_BGD, cv2.GC_PR_FGD, cv2.GC_BGD]
    assert seeds[1, 24] == cv2.GC_PR_BGD, "the rim is one pixel of a hundred"


def test_colours_close_to_those_of_the_border_are_background() -> None:
    """Distances times 12 of 0 to 22: the threshold is never below 24."""
    distance = with_pixels(np.zeros((100, 100), np.float32), {(50, 50): 21, (50, 52): 22}) / np.float32(12) + np.float32(0.01)
    seeds = cutout._seeds_by_border(distance, np.ones((100, 100), np.float32))
    assert [int(seeds[50, column]) for column in (48, 50, 52)] == [cv2.GC_PR_BGD, cv2.GC_PR_BGD, cv2.GC_PR_FGD]
    assert seeds[0, 0] == cv2.GC_BGD


def test_large_distances_are_clipped() -> None:
    """Distances times 12 that exceed 255 must not wrap around to 0."""
    distance = np.zeros((100, 100), np.float32)
    distance[40:60, 40:60] = 22  # 22 · 12 = 264
    distance[50, 50] = 1000
    seeds = cutout._seeds_by_border(distance, np.ones((100, 100), np.float32))
    np.testing.assert_array_equal(seeds == cv2.GC_FGD, distance > 0)


def test_seeds_by_the_middle_by_hand() -> None:
    middle = with_pixels(
        np.full((100, 100), 0.44, np.float32), {(50, 50): 0.46, (2, 50): 0.46, (3, 50): 0.46, (50, 97): 0.46, (50, 96): 0.46}
    )
    seeds = cutout._seeds_by_middle(middle)
    assert [int(seeds[index]) for index in ((50, 50), (3, 50), (50, 96))] == [cv2.GC_PR_FGD] * 3
    assert [int(seeds[index]) for index in ((2, 50), (50, 97), (0, 0))] == [cv2.GC_BGD] * 3, "the rim is three pixels of a hundred"
    assert seeds[40, 40] == cv2.GC_PR_BGD


# Refining


@pytest.mark.parametrize(("kind", "is_garment"), [(cv2.GC_FGD, True), (cv2.GC_PR_FGD, True), (cv2.GC_BGD, False), (cv2.GC_PR_BGD, False)])
def test_seeds_of_a_single_kind_are_not_changed(kind: int, is_garment: bool) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    assert (cutout._refine(picture, np.full((40, 30), kind, np.uint8)) == is_garment).all()


def test_refining_finds_the_edge_of_the_colours() -> None:
    """It starts once from a rectangle inside the garment and once from one that extends beyond it."""
    garment = box((80, 80), (20, 60), (25, 55))
    picture = scene(garment, (180, 40, 40), (200, 200, 190))
    for guessed in (box((80, 80), (30, 50), (32, 48)), box((80, 80), (10, 70), (15, 65))):
        seeds = np.where(guessed, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        found = cutout._refine(picture, seeds)
        np.testing.assert_array_equal(found[22:58, 27:53], np.ones((36, 26), bool))
        assert overlap(found, garment) > 0.98


def test_colours_do_not_overrule_certain_seeds() -> None:
    garment = box((80, 80), (20, 60), (20, 60))
    picture = scene(garment, (180, 40, 40), (200, 200, 190))
    seeds = np.where(garment, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    seeds[60:70, 30:50] = cv2.GC_FGD  # floor, marked as garment
    seeds[20:30, 30:50] = cv2.GC_BGD  # garment, marked as background
    found = cutout._refine(picture, seeds)
    assert found[61:69, 31:49].all()
    assert not found[21:28, 32:48].any()
    assert found[35:55, 25:55].all()
    assert not found[:15].any()


# Tidying


def test_a_thread_is_removed_and_a_strap_is_kept() -> None:
    garment = box((100, 100), (40, 80), (30, 70))
    thread, strap = box((100, 100), (10, 40), (35, 39)), box((100, 100), (10, 40), (60, 65))
    tidied = cutout._tidy(garment | thread | strap)
    assert not tidied[12:37, 30:50].any()
    assert tidied[12:40, 60:65].all()
    assert tidied[41:79, 31:69].all()


def test_a_crack_and_a_pinhole_are_filled() -> None:
    garment = box((100, 100), (20, 80), (20, 80))
    damaged = garment.copy()
    damaged[20:80, 50:52] = False  # splits the garment in two
    damaged[40, 30] = False
    tidied = cutout._tidy(damaged)
    assert tidied[22:78, 22:78].all()
    assert not tidied[~garment].any()


@pytest.mark.parametrize(("side", "stays"), [(4, False), (5, True)])
def test_parts_too_small_for_a_disc_of_five_pixels_are_crumbs(side: int, stays: bool) -> None:
    assert cutout._tidy(box((60, 60), (28, 28 + side), (28, 28 + side))).any() == stays


@pytest.mark.parametrize(("width", "stays"), [(11, True), (9, False)], ids=["over a quarter", "under a quarter"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_second_part_is_kept_if_it_is_at_least_a_quarter_of_the_first(width: int, stays: bool, is_first: bool) -> None:
    """They are equally high and equally far from the middle, one on each side: one is 40 wide, the other 11 or 9."""
    large = box((200, 200), (90, 110), (40, 80))
    second = box((200, 200), (90, 110), (140 - width // 2, 140 - width // 2 + width))
    mask = large | second
    tidied = cutout._tidy(mask if is_first else mask[:, ::-1])
    tidied = tidied if is_first else tidied[:, ::-1]
    assert tidied[95:105, 45:75].all()
    assert tidied[:, 120:].any() == stays


def test_of_two_equal_parts_the_one_in_the_corner_is_removed() -> None:
    tidied = cutout._tidy(box((200, 200), (90, 110), (90, 110)) | box((200, 200), (5, 25), (5, 25)))
    assert tidied[92:108, 92:108].all()
    assert not tidied[:40].any()


def test_a_small_part_in_the_corner_is_kept_if_it_is_the_only_one() -> None:
    """A disc of five pixels has little weight there, but the empty background must not outweigh it."""
    tidied = cutout._tidy(box((200, 200), (0, 5), (0, 5)))
    assert tidied[:5, :5].sum() >= 17
    assert not tidied[8:].any()


@pytest.mark.parametrize(("side", "is_filled"), [(13, True), (16, False)], ids=["under 2 %", "over 2 %"])
def test_small_holes_are_filled_and_large_ones_are_not(side: int, is_filled: bool) -> None:
    garment = box((140, 140), (20, 120), (20, 120))
    garment[50 : 50 + side, 50 : 50 + side] = False
    assert cutout._tidy(garment)[50 : 50 + side, 50 : 50 + side].all() == is_filled


def test_every_small_hole_is_filled_even_if_the_garment_fills_the_picture() -> None:
    garment = np.ones((100, 100), bool)
    garment[30:37, 30:37] = garment[30:37, 60:67] = garment[70:77, 30:37] = False
    assert cutout._tidy(garment).all()


def test_an_empty_mask_stays_empty() -> None:
    assert not cutout._tidy(np.zeros((40, 50), bool)).any()


# Colours of the border


def test_the_distance_from_a_plain_border_by_hand() -> None:
    """A border of one colour has a spread of 4, the square root of 16; brightness is weighted by 0.7 and the other two axes by 1.3."""
    floor, cloth = (200, 190, 180), (120, 40, 60)
    picture = flat((100, 100), floor)
    picture[30:70, 30:70] = cloth
    distance = cutout._distance_from_border_colours(picture)
    lab = [cv2.cvtColor(flat((1, 1), colour), cv2.COLOR_RGB2LAB)[0, 0].astype(float) for colour in (floor, cloth)]
    expected = np.linalg.norm((lab[1] - lab[0]) * (0.7, 1.3, 1.3)) / 4
    assert expected > 15
    np.testing.assert_allclose(distance[35:65, 35:65], expected, rtol=1e-4)
    np.testing.assert_allclose(distance[box((100, 100), (25, 75), (25, 75)) == 0], 0, atol=1e-3)
    assert distance.dtype == np.float32


def test_a_step_in_brightness_is_blurred_before_it_is_measured() -> None:
    """Next to the step from 180 to 100 the level is 180 − 5/16 · 80 = 155, and one pixel further away 180 − 1/16 · 80 = 175."""
    picture = flat((100, 100), grey(180))
    picture[30:70, 30:70] = 100
    distance = cutout._distance_from_border_colours(picture)
    for column, level in ((29, 155), (28, 175), (27, 180), (30, 125), (31, 105), (32, 100)):
        assert distance[50, column] == pytest.approx(0.7 * (lightness(180) - lightness(level)) / 4, abs=1e-3)


def test_a_varied_border_makes_distances_smaller() -> None:
    quiet = flat((200, 200), grey(150))
    restless = (quiet + np.random.default_rng(0).integers(-60, 61, (200, 200, 1))).astype(np.uint8)
    distances = []
    for picture in (quiet, restless):
        picture[80:120, 80:120] = (150, 60, 60)
        distances.append(cutout._distance_from_border_colours(picture)[100, 100])
    assert distances[1] < distances[0] - 1


def striped_border(colours: list[tuple[int, int, int]]) -> tuple[Colour, list[Mask]]:
    """A picture divided into sectors of these colours, and for each the mask of where it touches the border."""
    rows, columns = np.indices((120, 120)) - 59.5
    sector = ((np.arctan2(rows, columns) + np.pi) / (2 * np.pi) * len(colours)).astype(int).clip(0, len(colours) - 1)
    inner = box((120, 120), (5, 115), (5, 115))
    return np.array(colours, np.uint8)[sector], [(sector == i) & ~inner for i in range(len(colours))]


SEVEN_COLOURS = [(220, 30, 30), (30, 160, 40), (40, 60, 220), (240, 220, 40), (20, 20, 20), (240, 240, 240), (200, 60, 200)]


@pytest.mark.parametrize(("number", "all_are_known"), [(1, True), (2, True), (6, True), (7, False)])
def test_up_to_six_colours_of_a_border_are_recognised(number: int, all_are_known: bool) -> None:
    picture, masks = striped_border(SEVEN_COLOURS[:number])
    distance = cutout._distance_from_border_colours(picture)
    farthest = max(float(np.median(distance[mask])) for mask in masks)
    assert (farthest < 0.6) == all_are_known


@pytest.mark.parametrize(("width", "is_floor"), [(10, False), (26, True)], ids=["2.5 %", "6.5 %"])
def test_a_colour_that_touches_little_of_the_border_does_not_count_as_its_colour(width: int, is_floor: bool) -> None:
    picture = flat((100, 100), (200, 200, 200))
    picture[60:, 50 : 50 + width] = (150, 30, 30)
    distance = cutout._distance_from_border_colours(picture)[80, 50 + width // 2]
    assert (distance < 3) == is_floor


@pytest.mark.parametrize("shape", [(200, 100), (100, 200)])
def test_the_border_is_a_twentyfifth_of_the_longer_side(shape: tuple[int, int]) -> None:
    """That is 8 pixels of 200: the colour of the middle differs from a frame that is 8 pixels wide, but not from a narrower one."""
    distances = []
    for broad in (7, 8):
        picture = flat(shape, grey(200))
        picture[broad:-broad, broad:-broad] = (60, 120, 60)
        distances.append(cutout._distance_from_border_colours(picture)[shape[0] // 2, shape[1] // 2])
    assert distances[0] < 10 < distances[1]


# Measures


SHAPE = (100, 100)


def measure(mask: Mask, picture: Colour | None = None) -> cutout._Measures:
    measures = cutout._measure(flat(mask.shape) if picture is None else picture, mask)
    assert measures is not None
    return measures


def test_measures_of_a_square_by_hand() -> None:
    """A 31×31 square of one colour on 100×100 of another: its outline, through the pixels' centres, is 4 · 30 long."""
    mask = box(SHAPE, (35, 66), (35, 66))
    picture = flat(SHAPE, grey(100))
    picture[mask] = 120
    measures = measure(mask, picture)
    assert measures.contrast == pytest.approx(lightness(120) - lightness(100))
    assert measures.solidity == 1
    assert measures.symmetry == 1
    assert measures.compactness == pytest.approx(4 * np.pi * 961 / (4 * 30) ** 2)
    assert measures.touching == 0
    assert measures.area == pytest.approx(0.0961)
    assert measures.colours_shared == 0
    closeness = cutout._closeness_to_middle(*SHAPE)
    assert measures.middle == pytest.approx(closeness[35:66, 35:66].sum() / closeness.sum())


def test_solidity_is_the_share_of_the_hull_that_is_covered() -> None:
    """An L made of two 20×60 bars, whose hull has a diagonal edge."""
    mask = box(SHAPE, (20, 80), (20, 40)) | box(SHAPE, (60, 80), (20, 80))
    hull = 59 * 59 - (59 - 19) ** 2 / 2  # between the centres of the outermost pixels
    assert measure(mask).solidity == pytest.approx((1200 + 800) / hull)


def test_the_outlines_of_a_pair_add_up_and_holes_do_not_count() -> None:
    pair = box(SHAPE, (30, 50), (10, 30)) | box(SHAPE, (30, 50), (60, 80))
    assert measure(pair).compactness == pytest.approx(4 * np.pi * 800 / (2 * 4 * 19) ** 2)
    ring = box(SHAPE, (30, 70), (30, 70)) & ~box(SHAPE, (45, 55), (45, 55))
    assert measure(ring).compactness == pytest.approx(4 * np.pi * 1500 / (4 * 39) ** 2)


def test_touching_counts_the_outermost_pixels() -> None:
    """Of the 396 pixels at the border of 100×100, 100 + 2 · 39 are in the lowest 40 rows."""
    assert measure(box(SHAPE, (60, 100), (0, 100))).touching == pytest.approx(178 / 396)


@pytest.mark.parametrize("everywhere", [True, False])
def test_empty_and_full_masks_have_no_measures_and_score_worst(everywhere: bool) -> None:
    mask = np.full(SHAPE, everywhere)
    assert cutout._measure(flat(SHAPE), mask) is None
    assert cutout._goodness(flat(SHAPE), mask) == -np.inf


@pytest.mark.parametrize("turned", [False, True], ids=["upright", "lying"])
def test_contrast_compares_five_pixels_on_either_side_of_the_outline(turned: bool) -> None:
    """A bar from border to border; the levels differ at every distance of 1 to 5 pixels from its edges."""
    left_in, left_out = [100, 102, 104, 106, 113], [80, 75, 71, 63, 52]
    right_in, right_out = [130, 128, 122, 121, 117], [150, 158, 163, 169, 181]
    levels = np.full(100, 30)
    levels[40:60] = 255
    levels[40:45], levels[39:34:-1] = left_in, left_out
    levels[59:54:-1], levels[60:65] = right_in, right_out
    picture = np.repeat(np.repeat(levels[np.newaxis, :, np.newaxis], 100, axis=0), 3, axis=2).astype(np.uint8)
    mask = box(SHAPE, (0, 100), (40, 60))
    if turned:
        picture, mask = picture.swapaxes(0, 1).copy(), mask.T.copy()
    means = [np.mean([lightness(level) for level in side]) for side in (left_in, left_out, right_in, right_out)]
    assert measure(mask, picture).contrast == pytest.approx((means[0] - means[1] + means[3] - means[2]) / 2, rel=1e-4)


def contrast(lab: NDArray[np.uint8], mask: Mask) -> float:
    """The contrast along a mask's outline, with the whole mask on one side and everything else on the other."""
    filled = mask.astype(np.uint8)
    return cutout._contrast(lab, filled, filled, 1 - filled)


def test_contrast_is_a_distance_between_colours_of_at_most_40() -> None:
    mask = box(SHAPE, (0, 100), (0, 50))
    lab = np.where(mask[..., np.newaxis], (100, 120, 130), (102, 123, 136)).astype(np.uint8)
    assert contrast(lab, mask) == pytest.approx(7)  # the square root of 4 + 9 + 36
    lab[50:, 50:] = (150, 120, 130)
    lab[:50, 50:] = (100, 120, 130)
    assert contrast(lab, mask) == pytest.approx(20, abs=1)  # one half has 0, the other 40 rather than 50


def test_colours_along_the_outline_are_averaged_over_six_pixels_each_way() -> None:
    """The garment has 100, the background 90 above row 50 and 110 below it; around that row the averages are closer to 100."""
    mask = box(SHAPE, (0, 100), (0, 50))
    lab = np.full((*SHAPE, 3), 100, np.uint8)
    lab[:50, 50:] = 90
    lab[50:, 50:] = 110
    darker = np.clip(50 - (np.arange(100) - 6), 0, 13)  # how many of the 13 rows around each row are above row 50
    expected = np.abs(90 * darker + 110 * (13 - darker) - 1300).mean() / 13 * np.sqrt(3)
    assert contrast(lab, mask) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("is_hole", [True, False], ids=["a pinhole", "a speck"])
def test_a_pinhole_or_a_speck_has_no_contrast_of_its_own(is_hole: bool) -> None:
    mask = box(SHAPE, (0, 100), (0, 50))
    lab = np.where(mask[..., np.newaxis], 100, 110).astype(np.uint8).repeat(3, axis=2)
    column = 25 if is_hole else 75
    mask[50, column] = not is_hole
    lab[50, column] = 250
    assert contrast(lab, mask) == pytest.approx(10 * np.sqrt(3), rel=1e-4)


def test_a_speck_alone_has_no_contrast() -> None:
    assert contrast(np.full((*SHAPE, 3), 100, np.uint8), box(SHAPE, (50, 51), (50, 51))) == 0


def test_both_sides_of_an_outline_count_equally() -> None:
    """The left edge of a bar has a contrast of 10 and the right edge one of 20; also with the bar lying."""
    mask = box(SHAPE, (0, 100), (40, 60))
    lab = np.zeros((*SHAPE, 3), np.uint8)
    lab[..., 0] = np.where(mask, 100, np.where(np.arange(100) < 50, 90, 120))
    assert contrast(lab, mask) == pytest.approx(15)
    assert contrast(lab.swapaxes(0, 1).copy(), mask.T.copy()) == pytest.approx(15)


@pytest.mark.parametrize(("offset", "width"), [(0, 7), (0, 5), (3, 8)], ids=["to spare", "near the right border", "near both"])
def test_symmetry_by_hand(offset: int, width: int) -> None:
    """Mirrored at column 3, the rounded mean of 2.8, the five pixels and their mirror images cover four positions and share three."""
    mask = np.zeros((2, width + offset), bool)
    mask[0, [offset + 2, offset + 3, offset + 4]] = mask[1, [offset + 2, offset + 3]] = True
    assert cutout._symmetry(mask) == pytest.approx(3 / 4)


def test_symmetry_is_about_the_masks_own_centre() -> None:
    assert cutout._symmetry(box(SHAPE, (10, 20), (60, 81))) == 1
    assert cutout._symmetry(box(SHAPE, (10, 11), (60, 61))) == 1, "a single row is symmetrical too"
    assert cutout._symmetry(box(SHAPE, (10, 20), (0, 1)) | box(SHAPE, (20, 30), (20, 21))) == 0


def shared(inside: list[tuple[int, int, int]], outside: list[tuple[int, int, int]]) -> float:
    """The overlap of two lists of colours with one pixel each."""
    lab = np.array([inside + outside], np.uint8)
    return cutout._colours_shared(lab, np.arange(len(inside) + len(outside))[np.newaxis] < len(inside))


def test_colours_shared_by_hand() -> None:
    one, other, third = (10, 10, 10), (200, 10, 10), (10, 200, 10)
    assert shared([one], [one]) == 1
    assert shared([one], [other]) == 0
    assert shared([one, one, other, other], [one, third, third, third]) == pytest.approx(0.25)
    assert shared([one, one, other, other], [one, one, one, other]) == pytest.approx(0.75)
    assert shared([one], []) == 0


@pytest.mark.parametrize(
    ("one", "other", "are_alike"), [(0, 15, True), (15, 16, False), (16, 31, True), (31, 32, False), (239, 240, False)]
)
@pytest.mark.parametrize("axis", range(3))
def test_colours_match_if_they_are_in_the_same_bin_of_sixteen(one: int, other: int, are_alike: bool, axis: int) -> None:
    colours = np.zeros((2, 3), int)
    colours[:, axis] = one, other
    first, second = (tuple(map(int, colour)) for colour in colours)
    assert shared([first], [second]) == are_alike  # type: ignore[list-item]


@pytest.mark.parametrize("colour", [(16, 0, 0), (0, 16, 0), (0, 0, 16), (0, 0, 128), (16, 0, 224), (255, 255, 255)])
def test_different_colours_never_share_a_bin(colour: tuple[int, int, int]) -> None:
    levels = range(0, 256, 16)
    others = [(a, b, c) for a in (0, 16) for b in levels for c in levels if (a, b, c) != colour]
    assert shared([colour], others) == 0


# The choice


PLAIN = cutout._Measures(contrast=20, middle=0.5, solidity=0.9, symmetry=0.8, compactness=0.3, touching=0.05, area=0.3, colours_shared=0.2)


def goodness(monkeypatch: pytest.MonkeyPatch, **changed: float) -> float:
    monkeypatch.setattr(cutout, "_measure", lambda _picture, _mask: replace(PLAIN, **changed))
    return cutout._goodness(flat(SHAPE), np.ones(SHAPE, bool))


def test_goodness_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    assert goodness(monkeypatch) == pytest.approx(20 / 20 + 1.5 * 0.5 + 0.9 + 0.6 * 0.8 + 0.3 - 1.5 * 0.2)


@pytest.mark.parametrize(
    ("changed", "worth"),
    [
        ({"contrast": 30}, 0.5),
        ({"middle": 0.6}, 0.15),
        ({"middle": 0.9}, 0.15),  # more than 0.6 adds nothing
        ({"solidity": 1.0}, 0.1),
        ({"symmetry": 1.0}, 0.12),
        ({"compactness": 0.4}, 0.1),
        ({"compactness": 0.7}, 0.1),  # a disc is no better than a T-shirt
        ({"touching": 0.08}, 0),
        ({"touching": 0.18}, -0.6),
        ({"area": 0.08}, 0),
        ({"area": 0.03}, -2),
        ({"area": 0.75}, 0),
        ({"area": 0.95}, -0.8),
        ({"colours_shared": 0.6}, -0.6),
        ({"area": 0.05, "touching": 0.1, "colours_shared": 0.0}, -1.2 - 0.12 + 0.3),
    ],
    ids=str,
)
def test_what_each_measure_is_worth(changed: dict[str, float], worth: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert goodness(monkeypatch, **changed) - goodness(monkeypatch) == pytest.approx(worth, abs=1e-9)


# Position


def test_closeness_falls_off_like_a_bell_from_the_middle() -> None:
    """It is 1/e at 0.42 of the width and at 0.46 of the height."""
    closeness = cutout._closeness_to_middle(100, 200)
    assert closeness.shape == (100, 200)
    assert closeness.dtype == np.float32
    expected = {(50, 100): 1, (50, 184): np.exp(-1), (50, 16): np.exp(-1), (96, 100): np.exp(-1), (4, 16): np.exp(-2)}
    assert {index: float(closeness[index]) for index in expected} == pytest.approx(expected, rel=1e-6)
    assert closeness[50, 142] == pytest.approx(np.exp(-0.25))


@pytest.mark.parametrize(
    ("shape", "share", "broad"),
    [((100, 60), 0.03, 3), ((60, 100), 0.03, 3), ((100, 60), 0.034, 3), ((100, 60), 0.036, 4), ((20, 10), 0.01, 1)],
)
def test_a_rim_is_a_share_of_the_longer_side_and_at_least_a_pixel(shape: tuple[int, int], share: float, broad: int) -> None:
    inner = box(shape, (broad, shape[0] - broad), (broad, shape[1] - broad))
    np.testing.assert_array_equal(cutout._rim(shape, share), ~inner)
