"""Series of numbers that grow for as long as a run trains, in bounded memory; and what charts draw of them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

EXACT_STEPS = 2**16  # so many losses are kept one by one: 0.5 MB, and three of the article's runs
_PIECE = EXACT_STEPS // 4  # so many steps are thinned at a time, a multiple of every stride
_LARGEST_LOSS = 3.5e38  # of float32, in which losses are computed
_SMALLEST_LOSS = 1e-8  # on a logarithmic scale; a loss of 0 has no place there, and float32 knows no probability nearer to 1
_STRIDE = np.dtype(
    [("count", "i4"), ("total", "f8"), ("lowest", "f8"), ("highest", "f8"), ("peak_step", "i4"), ("last", "f8")]
)  # of the losses in a stride that are known: how many, and their sum; without any, the others are NaN


class LossSeries:
    """The loss of every step of a run, thinned when there are many.

    Up to 65,536 steps each loss is kept. Of a longer run the latest 16,384 or more are, and those before as strides of 2, 4, 8 … steps:
    the mean, lowest, highest and last loss of each. So a series never has more than 65,536 entries, or 2 MB. Strides start at multiples
    of their length, so that only the last changes when steps are added.

    A loss that is not finite counts as lost, like those of steps that were never reported. Steps are counted from 1.
    """

    def __init__(self, losses: ArrayLike = ()) -> None:
        self._stride = 1
        self._early = np.zeros(0, _STRIDE)  # replaced when it grows, never changed, so that copies can share it
        self._late, self._late_count = np.zeros(0), 0
        self._first = np.nan
        self.put(0, losses)

    def __len__(self) -> int:
        """The number of steps, with those whose losses were lost."""
        return len(self._early) * self._stride + self._late_count

    def copy(self) -> "LossSeries":
        """A series that grows independently."""
        other = LossSeries()
        other.__dict__ |= self.__dict__ | {"_late": self._late.copy()}
        return other

    @property
    def nbytes(self) -> int:
        """The size of its buffers."""
        return self._early.nbytes + self._late.nbytes

    @property
    def stride(self) -> int:
        """How many steps an entry stands for; 1 while every loss is kept."""
        return self._stride

    @property
    def ends(self) -> NDArray[np.int64]:
        """(S,) the last step of each stride."""
        strides = -(-len(self) // self._stride)
        return np.minimum(self._stride * np.arange(1, strides + 1), len(self))

    @property
    def means(self) -> NDArray[np.float64]:
        """(S,) the mean loss of each stride; NaN if all its losses were lost. While the stride is 1, the losses."""
        if self._stride == 1:
            return self._exact()
        strides = self._strides()
        with np.errstate(invalid="ignore"):
            return np.asarray(strides["total"] / strides["count"])

    @property
    def samples(self) -> NDArray[np.float64]:
        """(S,) the last known loss of each stride, which scatters as single losses do; NaN if all were lost."""
        return self._strides()["last"].copy()

    @property
    def first(self) -> float:
        """The loss of step 1; NaN if it was lost."""
        return float(self._first)

    @property
    def peak(self) -> tuple[float, int]:
        """The highest loss of all steps and its step; (0, 0) if there is none. Exact however many steps there are."""
        if self._stride == 1:
            losses = self._exact()
            highest = int(np.argmax(np.where(np.isnan(losses), -np.inf, losses))) if len(losses) else 0
            return (float(losses[highest]), highest + 1) if len(losses) and not np.isnan(losses[highest]) else (0.0, 0)
        strides = self._strides()
        if not strides["count"].any():
            return 0.0, 0
        index = np.nanargmax(strides["highest"])
        return float(strides["highest"][index]), int(strides["peak_step"][index])

    def curve(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Steps and losses to draw: of each stride the lowest and then the highest, both at its end. While the stride is 1, the losses."""
        if self._stride == 1:
            return self.ends, self.means
        strides = self._strides()
        return np.repeat(self.ends, 2), np.stack([strides["lowest"], strides["highest"]], axis=1).ravel()

    def smoothed(self, smoothing: float, *, log: bool = False, at_most: float = np.inf) -> NDArray[np.float64]:
        """A moving average, see `smooth`, at each point of `curve`; of strides it averages the means, with the same memory in steps.

        Args:
            log: whether it averages logarithms, for a logarithmic scale. A mean of logarithms is not kept of a stride; the middle of its
                lowest and highest loss on that scale is taken, which of two losses is that mean, and of more stays between them.
            at_most: what a higher loss counts as, for a scale that ends there: a huge one would lift the average long after it is over.
        """
        if log and self._stride == 1:
            curve = np.exp(smooth(np.log(np.maximum(self._exact(), _SMALLEST_LOSS)), smoothing))
        elif log:
            strides = self._strides()
            lowest, highest = (np.log(np.maximum(strides[name], _SMALLEST_LOSS)) for name in ("lowest", "highest"))
            curve = np.exp(smooth((lowest + highest) / 2, smoothing**self._stride))
        else:
            means = self.means
            curve = smooth(means if at_most == np.inf else np.minimum(means, at_most), smoothing**self._stride)
        return curve if self._stride == 1 else np.repeat(curve, 2)

    def put(self, start: int, losses: ArrayLike) -> None:
        """Puts losses after step `start`, in place of all that are there; steps between those known and `start` have lost theirs."""
        self.cut(start)
        if start > len(self):
            self._lose(start - len(self))
        added = np.array(losses, np.float64)
        added[~(np.abs(added) <= _LARGEST_LOSS)] = np.nan
        if start == 0 and len(added):
            self._first = added[0]
        for index in range(0, len(added), _PIECE):
            self._append(added[index : index + _PIECE])

    def cut(self, steps: int) -> None:
        """Forgets all but the first steps. If they end among strides, steps of those last kept have the mean and the highest of theirs."""
        early = len(self._early) * self._stride
        if steps < early:
            start = steps // _PIECE * _PIECE
            left = self._early[start // self._stride : -(-steps // self._stride)]
            self._early = self._early[: start // self._stride]
            with np.errstate(invalid="ignore"):
                losses = np.repeat(left["total"] / left["count"], self._stride)
            known = left["count"] > 0
            losses[left["peak_step"][known] - 1 - start] = left["highest"][known]
            self._late_count = 0
            self._append(losses[: steps - start])
        else:
            self._late_count = min(self._late_count, steps - early)
        if len(self._early) == 0:
            self._stride = 1
        if len(self) == 0:
            self._first = np.nan

    def _append(self, losses: NDArray[np.float64]) -> None:
        """At most `_PIECE` losses."""
        if self._late_count + len(losses) > 2 * _PIECE:
            self._thin_piece()
        end = self._late_count + len(losses)
        if end > len(self._late):
            grown = np.zeros(min(2 * _PIECE, max(256, 2 * end)))
            grown[: self._late_count] = self._late[: self._late_count]
            self._late = grown
        self._late[self._late_count : end] = losses
        self._late_count = end

    def _thin_piece(self) -> None:
        """Thins the first piece of the losses that are kept one by one."""
        self._make_room(_PIECE)
        strides = _single(self._late[:_PIECE], len(self._early) * self._stride + 1)
        self._early = np.concatenate([self._early, _pair_up(strides, self._stride)])
        self._late_count -= _PIECE
        self._late[: self._late_count] = self._late[_PIECE : _PIECE + self._late_count]

    def _make_room(self, steps: int) -> None:
        """Doubles the stride until so many more steps can be thinned."""
        while len(self._early) + steps // self._stride > EXACT_STEPS // 2:
            self._early, self._stride = _pair_up(self._early, 2), 2 * self._stride

    def _lose(self, steps: int) -> None:
        """Adds steps without losses; neither work nor memory depend on how many."""
        if steps > _PIECE:
            until_whole = -len(self) % _PIECE
            self._append(np.full(until_whole, np.nan))
            while self._late_count:  # one piece or two
                self._thin_piece()
            whole, steps = divmod(steps - until_whole, _PIECE)
            self._make_room(whole * _PIECE)
            self._early = np.concatenate([self._early, _lost(whole * _PIECE // self._stride)])
        self._append(np.full(steps, np.nan))

    def _exact(self) -> NDArray[np.float64]:
        """(S,) all losses, while the stride is 1. Building their strides takes ten times as long, and charts need them twice a second."""
        return np.concatenate([self._early["last"], self._late[: self._late_count]])

    def _strides(self) -> NDArray[Any]:
        """(S,) all strides; the last can have fewer steps."""
        late = _single(self._late[: self._late_count], len(self._early) * self._stride + 1)
        return np.concatenate([self._early, _pair_up(late, self._stride)])


def _lost(count: int) -> NDArray[Any]:
    strides = np.zeros(count, _STRIDE)
    for name in ("lowest", "highest", "last"):
        strides[name] = np.nan
    return strides


def _single(losses: NDArray[np.float64], first_step: int) -> NDArray[Any]:
    """Strides of one step."""
    strides, known = np.zeros(len(losses), _STRIDE), ~np.isnan(losses)
    strides["count"], strides["total"] = known, np.where(known, losses, 0)
    strides["lowest"] = strides["highest"] = strides["last"] = losses
    strides["peak_step"] = np.arange(first_step, first_step + len(losses))
    return strides


def _pair_up(strides: NDArray[Any], factor: int) -> NDArray[Any]:
    """Strides that are longer by a factor, a power of two, and as many times fewer."""
    while factor > 1:
        if len(strides) % 2:
            strides = np.concatenate([strides, _lost(1)])
        one, two = strides[0::2], strides[1::2]
        strides = np.zeros(len(one), _STRIDE)
        strides["count"], strides["total"] = one["count"] + two["count"], one["total"] + two["total"]
        strides["lowest"], strides["highest"] = np.fmin(one["lowest"], two["lowest"]), np.fmax(one["highest"], two["highest"])
        is_second_higher = (two["highest"] > one["highest"]) | (one["count"] == 0)
        strides["peak_step"] = np.where(is_second_higher, two["peak_step"], one["peak_step"])
        strides["last"] = np.where(two["count"] > 0, two["last"], one["last"])
        factor //= 2
    return strides


class ThinnedRows:
    """Rows of numbers at positions that grow, of which every 2nd, 4th, 8th … is kept when there are many; and always the latest.

    Attributes:
        stride: of how many rows one is kept.
    """

    def __init__(self, most: int, shape: tuple[int, ...] = (), dtype: Any = np.float64) -> None:
        self.stride = 1
        self._most, self._count, self._added = most, 0, 0
        self._positions, self._numbers = np.zeros(0), np.zeros(0, np.int64)
        self._rows = np.zeros((0, *shape), dtype)

    def __len__(self) -> int:
        return self._count

    def copy(self) -> "ThinnedRows":
        """Rows that grow independently."""
        other = ThinnedRows(self._most)
        copies = {"_positions": self._positions.copy(), "_numbers": self._numbers.copy(), "_rows": self._rows.copy()}
        other.__dict__ |= self.__dict__ | copies
        return other

    @property
    def nbytes(self) -> int:
        """The size of its buffers."""
        return self._positions.nbytes + self._numbers.nbytes + self._rows.nbytes

    @property
    def positions(self) -> NDArray[np.float64]:
        """(n,) those of the rows that are kept, in ascending order."""
        return self._positions[: self._count]

    @property
    def rows(self) -> NDArray[Any]:
        """(n, …) the rows that are kept."""
        return self._rows[: self._count]

    def add(self, position: float, row: ArrayLike, *, is_jump: bool = False) -> None:
        """Adds a row, in place of all beyond its position.

        Args:
            is_jump: the value changes between the row before and this one, so that both are kept for as long as there is room.
        """
        self.cut(position)
        if is_jump and self._count:
            self._numbers[self._count - 1] = 0
        if self._count and self._numbers[self._count - 1] % self.stride:  # was kept because it was the latest
            self._count -= 1
        if self._count == self._most:
            self._thin()
        if self._count == len(self._positions):
            self._grow()
        self._positions[self._count], self._rows[self._count] = position, row
        self._numbers[self._count] = 0 if is_jump else self._added  # 0 is a multiple of every stride
        self._count += 1
        self._added += not is_jump

    def cut(self, position: float) -> None:
        """Forgets the rows beyond this position."""
        while self._count and self._positions[self._count - 1] > position:
            self._count -= 1

    def _thin(self) -> None:
        keep = self._numbers[: self._count] % (2 * self.stride) == 0
        if keep.sum() > self._most * 3 // 4:  # nearly all are jumps
            keep = np.arange(self._count) % 2 == 0
        else:
            self.stride *= 2
        count = int(keep.sum())
        for buffer in (self._positions, self._numbers, self._rows):
            buffer[:count] = buffer[: self._count][keep]
        self._count = count

    def _grow(self) -> None:
        size = min(self._most, max(16, 2 * self._count))
        for name in ("_positions", "_numbers", "_rows"):
            buffer = getattr(self, name)
            grown = np.zeros((size, *buffer.shape[1:]), buffer.dtype)
            grown[: self._count] = buffer[: self._count]
            setattr(self, name, grown)


def smooth(values: NDArray[np.float64], smoothing: float) -> NDArray[np.float64]:
    """Exponential moving average with Adam's bias correction, so that the first values are not pulled towards 0.

    Args:
        smoothing: from 0 (no smoothing) to below 1; each average keeps this share of the previous one.
    """
    if smoothing <= 0 or len(values) == 0:
        return values
    import pandas as pd

    return pd.Series(values).ewm(alpha=1 - smoothing, adjust=True).mean().to_numpy()


def downsample(values: NDArray[np.float64], max_points: int) -> NDArray[np.int64]:
    """Indices of at most `max_points` values that draw the same curve: the lowest and highest of each stretch, and the last.

    The length of a stretch is a power of two, and it starts at a multiple of it, so that points already drawn stay in place when
    values are added.

    Args:
        max_points: at least 3.
    """
    count = len(values)
    if count <= max_points:
        return np.arange(count)
    length = 1
    while 2 * (count // length + 1) + 1 > max_points:
        length *= 2
    picked = {count - 1}
    for start in range(0, count, length):
        stretch = values[start : start + length]
        picked |= {start + int(stretch.argmin()), start + int(stretch.argmax())}
    return np.array(sorted(picked))
