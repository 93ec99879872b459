"""Finds the garment in a photograph: makes several guesses, refines each with GrabCut, and picks the best.

GrabCut (Rother, Kolmogorov, Blake 2004; OpenCV's implementation) divides a picture into two sets of colours with a short
boundary between them. Its result is only as good as the guess it starts from, and no single guess suits every photograph.
Pixels unlike the border find a garment that lies free, but lose one that reaches the border; an ellipse in the middle finds
the latter, but includes what lies between two trouser legs. So we try both and a combination of the two, and choose by
measures that know nothing about clothes.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

Colour = NDArray[np.uint8]
Mask = NDArray[np.bool_]

WORKING_SIDE_PX = 208  # 256 took 1.5 times as long without finding garments better
_BORDER_COLOURS = 6
_ROUNDS = 3


def find_garment(picture: Colour, side_px: int = WORKING_SIDE_PX) -> Mask:
    """The mask of the garment, (H, W), true on the garment; true everywhere if nothing stands out.

    Args:
        picture: (H, W, 3) uint8 RGB of any size.
        side_px: the longer side of the smaller picture that is searched; the time grows with its square.
    """
    height, width = picture.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if min(size) < 8:
        return np.ones((height, width), bool)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    masks = [mask for mask in _guesses(small) if 0.01 < mask.mean() < 0.97]
    if not masks:
        return np.ones((height, width), bool)
    best = max(masks, key=lambda mask: _goodness(small, mask))
    # Cubic, so that the enlarged mask's edge is smooth instead of a staircase.
    large = cv2.resize(best.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    found: Mask = large > 0.5
    return found


def _guesses(picture: MatLike) -> list[Mask]:
    """Masks found by the border's colours, by the middle, and by both combined."""
    distance = _distance_from_border_colours(picture)
    middle = _closeness_to_middle(*distance.shape)
    by_border = _refine(picture, _seeds_by_border(distance, middle))
    by_middle = _refine(picture, _seeds_by_middle(middle))
    either, both = by_border | by_middle, by_border & by_middle
    if not both.any() or both.sum() > 0.97 * either.sum():
        return [by_border, by_middle]
    seeds = np.where(either, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    seeds[both & (middle > 0.5)] = cv2.GC_FGD
    seeds[~either & _rim(either.shape, 0.02)] = cv2.GC_BGD
    return [by_border, by_middle, _refine(picture, seeds)]


def _seeds_by_border(distance: NDArray[np.float32], middle: NDArray[np.float32]) -> Colour:
    """Garment where colours differ from the border's by more than Otsu's threshold."""
    scaled = np.clip(distance * 12, 0, 255).astype(np.uint8)
    threshold = max(24.0, cv2.threshold(scaled, 0, 255, cv2.THRESH_OTSU)[0])
    seeds = np.where(scaled > 0.9 * threshold, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    seeds[(scaled > 1.5 * threshold) & (middle > 0.5)] = cv2.GC_FGD
    seeds[_rim(distance.shape, 0.01) & (scaled < threshold)] = cv2.GC_BGD
    return seeds


def _seeds_by_middle(middle: NDArray[np.float32]) -> Colour:
    """Garment inside an ellipse that fills two thirds of the picture."""
    seeds = np.where(middle > 0.45, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    seeds[_rim(middle.shape, 0.03)] = cv2.GC_BGD
    return seeds


def _refine(picture: MatLike, seeds: Colour) -> Mask:
    """GrabCut's result from these seeds, tidied; seeds that are all of one kind are returned as they are, tidied."""
    garment = (seeds == cv2.GC_FGD) | (seeds == cv2.GC_PR_FGD)
    if garment.any() and not garment.all():
        cv2.setRNGSeed(0)  # GrabCut starts with a random k-means: the same picture must always give the same mask
        cv2.grabCut(picture, seeds, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS, cv2.GC_INIT_WITH_MASK)
        garment = (seeds == cv2.GC_FGD) | (seeds == cv2.GC_PR_FGD)
    return _tidy(garment)


def _tidy(mask: Mask) -> Mask:
    """Removes thin parts (hooks of hangers, cables), specks and pinholes; keeps a second large part, because shoes come in pairs."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc)
    count, parts = cv2.connectedComponents(opened)
    if count == 1:
        return np.zeros_like(mask)
    weights = np.bincount(parts.ravel(), weights=_closeness_to_middle(*mask.shape).ravel(), minlength=count)
    weights[0] = 0
    kept = (weights > 0.25 * weights.max())[parts].astype(np.uint8)
    kept = cv2.morphologyEx(kept, cv2.MORPH_CLOSE, disc)
    count, holes, stats, _ = cv2.connectedComponentsWithStats(1 - kept)
    small = stats[:, cv2.CC_STAT_AREA] < 0.02 * kept.sum()
    return (kept == 1) | small[holes]


def _distance_from_border_colours(picture: MatLike) -> NDArray[np.float32]:
    """How unlike the border each pixel is, (H, W): the Mahalanobis distance to the nearest of six colours found along the border."""
    lab = cv2.cvtColor(cv2.GaussianBlur(picture, (5, 5), 0), cv2.COLOR_RGB2LAB).astype(np.float32)
    lab *= np.array([0.7, 1.3, 1.3], np.float32)  # shadows change the brightness more than the colour
    border = lab[_rim(lab.shape[:2], 0.04)]
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    cv2.setRNGSeed(0)
    colours = min(_BORDER_COLOURS, len(border))
    _, nearest, centres = cv2.kmeans(border, colours, None, criteria, 2, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    shares = np.bincount(nearest.ravel(), minlength=colours) / len(border)
    distance = np.full(lab.shape[:2], np.inf, np.float32)
    for index in np.flatnonzero(shares >= 0.04):  # a rarer colour may be the garment reaching the border
        members = border[nearest.ravel() == index]
        covariance = np.cov(members.T) + 16 * np.eye(3)
        offset = lab - centres[index]
        squared = np.einsum("hwi,ij,hwj->hw", offset, np.linalg.inv(covariance).astype(np.float32), offset, optimize=True)
        distance = np.minimum(distance, np.sqrt(np.maximum(squared, 0)))
    return distance


def _goodness(picture: MatLike, mask: Mask) -> float:
    """How much a mask looks like one object that was photographed on purpose.

    The weights were chosen by eye on 103 photographs whose guesses differed.
    """
    measures = _measure(picture, mask)
    if measures is None:
        return -np.inf
    return (
        measures.contrast / 20
        + 1.5 * min(measures.middle, 0.6)
        + measures.solidity
        + 0.6 * measures.symmetry
        + min(measures.compactness, 0.4)
        - 6 * max(0.0, measures.touching - 0.08)
        - 40 * max(0.0, 0.08 - measures.area)
        - 4 * max(0.0, measures.area - 0.75)
        - 1.5 * measures.colours_shared
    )


@dataclass(frozen=True)
class _Measures:
    """What `_goodness` weighs: shares from 0 to 1, and a contrast up to 40 in CIE L*a*b* as OpenCV scales it."""

    contrast: float  # distance between the colours on both sides of the outline
    middle: float  # share of the picture's middle that the mask covers
    solidity: float  # share of its convex hull
    symmetry: float  # overlap with its mirror image
    compactness: float  # 1 for a disc
    touching: float  # share of the picture's border
    area: float  # share of the picture
    colours_shared: float  # overlap of the colour histograms inside and outside


def _measure(picture: MatLike, mask: Mask) -> _Measures | None:
    filled = mask.astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11))
    outside, inside = cv2.dilate(filled, disc) - filled, filled - cv2.erode(filled, disc, borderType=cv2.BORDER_REFLECT)
    if not outside.any() or not inside.any():
        return None
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
    outlines = cv2.findContours(filled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    perimeter = sum(cv2.arcLength(outline, True) for outline in outlines)
    middle = _closeness_to_middle(*mask.shape)
    rim = _rim(mask.shape, 0.01)
    area = int(filled.sum())
    return _Measures(
        contrast=_contrast(lab, filled, inside, outside),
        middle=float(middle[mask].sum() / middle.sum()),
        solidity=area / max(area, cv2.contourArea(cv2.convexHull(np.concatenate(outlines)))),
        symmetry=_symmetry(mask),
        compactness=4 * np.pi * area / perimeter**2,
        touching=float(mask[rim].mean()),
        area=float(mask.mean()),
        colours_shared=_colours_shared(lab, mask),
    )


def _contrast(lab: MatLike, filled: MatLike, inside: MatLike, outside: MatLike) -> float:
    """The distance between the mean colours just inside and just outside, averaged along the outline."""
    window = (13, 13)
    shares = [cv2.boxFilter(side.astype(np.float32), -1, window) for side in (inside, outside)]
    sums = [cv2.boxFilter((lab * side[..., np.newaxis]).astype(np.float32), -1, window) for side in (inside, outside)]
    edge = (filled - cv2.erode(filled, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REFLECT)).astype(bool)
    edge &= (shares[0] > 0.02) & (shares[1] > 0.02)
    if not edge.any():
        return 0.0
    means = [total[edge] / share[edge][:, np.newaxis] for total, share in zip(sums, shares, strict=True)]
    return float(np.minimum(np.linalg.norm(means[0] - means[1], axis=1), 40).mean())


def _symmetry(mask: Mask) -> float:
    """Intersection over union of the mask and its mirror image about its own centre."""
    centre = round(float(np.nonzero(mask)[1].mean()))
    reach = min(centre, mask.shape[1] - 1 - centre)
    left, right = mask[:, centre - reach : centre + 1][:, ::-1], mask[:, centre : centre + reach + 1]
    return float((left & right).sum() / max(1, (left | right).sum()))


def _colours_shared(lab: MatLike, mask: Mask) -> float:
    """Overlap of the histograms of 16×16×16 colours inside and outside the mask."""
    bins = (lab // 16).astype(np.int32) @ np.array([256, 16, 1], np.int32)
    inside, outside = (np.bincount(bins[side], minlength=4096) / max(1, side.sum()) for side in (mask, ~mask))
    return float(np.minimum(inside, outside).sum())


def _closeness_to_middle(height: int, width: int) -> NDArray[np.float32]:
    """A Gaussian as wide as the picture, (H, W), 1 in the middle."""
    rows, columns = np.ogrid[0:height, 0:width]
    return np.exp(-(((columns / width - 0.5) / 0.42) ** 2 + ((rows / height - 0.5) / 0.46) ** 2)).astype(np.float32)


def _rim(shape: tuple[int, ...], share: float) -> Mask:
    """A frame along the border, (H, W), whose width is this share of the longer side, at least one pixel."""
    width = max(1, round(share * max(shape)))
    rim = np.ones(shape, bool)
    rim[width:-width, width:-width] = False
    return rim
