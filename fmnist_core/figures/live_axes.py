"""Axes of charts that move: they grow in steps from a ladder, so that neither a curve nor its scale moves at every refresh."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_core.figures.style import TICKS_PX, TYPE_PX
from fmnist_core.runs.history import Axis, RunHistory
from fmnist_core.settings.number_words import power_of_ten

Others = Sequence[tuple[str, RunHistory]]  # the names and histories of runs to compare with, at most len(OTHER_LINES)

# Ends of an axis, times a power of ten; of the vertical one each with its ticks. The ticks of a horizontal axis are ECharts' own, because
# those that are given would not be round numbers once it is zoomed into.
_X_RUNGS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
_Y_RUNGS = {1: 0.2, 1.5: 0.5, 2.5: 0.5, 4: 1, 6: 2, 10: 2}
_DECIMALS = {"step": 0, "epoch": 2, "seconds": 1}  # at the pointer
_MINUTE = 60
_DURATIONS_S = (10, 20, 30, 60, 90, *(m * _MINUTE for m in (2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1440)))
_FIRST_STEPS = 50
_SEVERAL = 3  # epochs: from here on, ticks are at whole ones
_ROOM = 1.02  # between the curve and the end of its axis
_NEARLY_WHOLE = 0.8  # of the plan: from here on, the axis spans all of it
_RECENT = 0.5  # of the steps: what the scale of the loss follows
_LATEST = 0.05  # of the steps, or so many: what is never cut off
_LATEST_STEPS = 20
_FALL = 2  # times what is recent is shown of the fall from the first loss
_START_STEPS = 10
_CHECKED_EVERY = 1.1  # times as many steps as before: only then does the scale become finer
_LARGEST_PLAIN = 1e5  # longer numbers beside an axis are written as powers of ten


def run_axis(history: RunHistory, total_steps: int, axis: Axis, whole_plan: bool, others: Others = ()) -> dict[str, Any]:
    """The horizontal axis of a run: a little longer than the run so far, or all that is planned.

    Args:
        others: runs that are compared; an axis of the whole plan, or of a run that has finished, has room for them too.
    """
    whole = _planned(history, total_steps, axis)
    if whole_plan or history.finished is not None:
        return _horizontal(axis, max([whole, *(_reached(other, axis) for _, other in others)]))
    reached = _ROOM * _reached(history, axis)
    if axis == "seconds":
        grown = next((limit for limit in _DURATIONS_S if limit >= reached), reached)
    else:
        first = _FIRST_STEPS if axis == "step" else min(1.0, _FIRST_STEPS / max(1, history.started.steps_per_epoch))
        grown = _climb(max(first, reached), _X_RUNGS)
    return _horizontal(axis, whole if grown >= _NEARLY_WHOLE * whole else grown)


def epoch_axis(history: RunHistory, epochs: int, whole_plan: bool, others: Others = ()) -> dict[str, Any]:
    """The horizontal axis of figures that are known once per epoch."""
    done = len(history.epochs) and history.epochs[-1].epoch
    limit = max(1, epochs)
    if whole_plan or history.finished is not None:
        limit = max([limit, *(other.epochs[-1].epoch for _, other in others if other.epochs)])
    else:
        grown = next(rung for rung in (5, 8, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 300, limit) if rung > done or rung == limit)
        limit = limit if grown >= _NEARLY_WHOLE * limit else grown
    return _horizontal("epoch", limit) | {"minInterval": 1}


def loss_limit(steps: NDArray[np.int64], losses: NDArray[np.float64], smoothed: NDArray[np.float64]) -> float:
    """Up to where a scale of the loss has to reach so that what is recent fills it.

    It has room for most of the second half of the steps with their scatter, for twice as much if the run came from there, and for all of
    the smoothed curve's latest twentieth, so that a short rise which is over does not flatten the rest, and one that is happening is seen.
    It falls only when there are a tenth more steps than at the last time, and between these times only rises.
    """
    if not len(steps):
        return 0.0
    checked = _CHECKED_EVERY ** math.floor(math.log(max(1, int(steps[-1])), _CHECKED_EVERY) + 1e-9)
    start, end = np.searchsorted(steps, [_RECENT * checked, checked], side="right")
    recent = np.s_[min(start, len(steps) - 1) : max(end, start + 1)]
    latest = np.searchsorted(steps, min((1 - _LATEST) * checked, checked - _LATEST_STEPS))
    middle = smoothed[recent]
    scatter = np.abs(losses[recent] - middle)
    known = np.isfinite(middle) & np.isfinite(scatter)
    usual = float(np.quantile(middle[known], 0.75) + 4 * np.median(scatter[known])) if known.any() else 0.0
    usual = min(usual, float(np.max(losses[recent][known], initial=0.0)))
    now = smoothed[latest:]
    known_start = smoothed[:_START_STEPS][np.isfinite(smoothed[:_START_STEPS])]
    start_loss = float(np.median(known_start)) if len(known_start) else 0.0
    return max(usual, min(start_loss, _FALL * usual), float(np.nanmax(now)) if np.isfinite(now).any() else 0.0)


def recent_limit(values: Sequence[float]) -> float:
    """The same for losses of which there is one per epoch: the highest of the later half, and all that are not far above it."""
    finite = [value for value in values if math.isfinite(value)]
    recent = max(finite[len(finite) // 2 :], default=0.0)
    return max([recent, *(value for value in finite if value <= _FALL * recent)])


def loss_axis(name: str, highest: float) -> dict[str, Any]:
    """A linear axis from 0 to the next rung."""
    limit = _climb(1.05 * highest if highest > 0 else 2.5, tuple(_Y_RUNGS))
    power = 10.0 ** math.floor(math.log10(limit) + 1e-9)
    return value_axis(name, 0, limit, _tidy(_Y_RUNGS[_tidy(limit / power)] * power))


def rate_axis(highest: float) -> dict[str, Any]:
    """An axis from 0 to above the highest learning rate, with a tick in its middle, because the chart is low."""
    size = 10.0 ** math.floor(math.log10(highest))
    limit = _tidy(next(step * size for step in (2, 4, 6, 8, 10, 12) if step * size > highest))
    return value_axis("rate", 0, limit, limit / 2)


def log_axis(name: str, lowest: float, highest: float) -> dict[str, Any]:
    """A logarithmic axis that ends at powers of ten."""
    bottom = math.floor(math.log10(lowest)) if 0 < lowest < math.inf else -1
    top = max(math.ceil(math.log10(max(1.0, highest))), bottom + 1)
    return value_axis(name, 10.0**bottom, 10.0**top) | {"type": "log"}


def with_powers_of_ten(axis: dict[str, Any]) -> dict[str, Any] | list[dict[str, Any]]:
    """The axis and, if its numbers are long, a second one beside it that writes them as powers of ten, such as 10¹⁴.

    A label's format cannot be a function here, so the labels are the evenly spaced words of an axis of words.
    """
    lowest, highest = axis["min"], axis["max"]
    if highest <= _LARGEST_PLAIN and (axis["type"] != "log" or lowest >= 1 / _LARGEST_PLAIN):
        return axis
    if axis["type"] == "log":
        bottom, top = round(math.log10(lowest)), round(math.log10(highest))
        every = max(1, math.ceil((top - bottom) / 6))
        words = [power_of_ten(10.0**power, 1) if (top - power) % every == 0 else "" for power in range(bottom, top + 1)]
    else:
        words = [power_of_ten(number * axis["interval"], 2) for number in range(round(highest / axis["interval"]) + 1)]
    plain = axis["axisLabel"] | {"show": False}
    named = {"type": "category", "data": words, "boundaryGap": False, "position": "left"}
    look = {"interval": 0, "hideOverlap": True}
    named |= {"axisTick": {"show": False}, "axisPointer": {"show": False}}
    return [axis | {"axisLabel": plain, "name": ""}, _without_limits(axis) | named | {"axisLabel": axis["axisLabel"] | look}]


def _without_limits(axis: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in axis.items() if name not in ("min", "max", "interval")}


def _horizontal(axis: Axis, limit: float) -> dict[str, Any]:
    pointer = {"axisPointer": {"label": {"precision": _DECIMALS[axis], "formatter": f"{axis} {{value}}"}}}
    return value_axis(axis, 0, limit) | pointer | ({"minInterval": 1} if axis == "epoch" and limit >= _SEVERAL else {})


def value_axis(name: str, lowest: float, highest: float, interval: float | None = None) -> dict[str, Any]:
    """An axis between two numbers, with ticks at multiples of `interval`, or where ECharts likes them."""
    is_horizontal = name in ("step", "epoch", "seconds")
    return {
        "type": "value",
        "name": name,
        "nameLocation": "middle",
        "nameGap": 26 if is_horizontal else 44,
        "nameTextStyle": {"fontSize": TYPE_PX},
        "axisLabel": {"fontSize": TICKS_PX, "hideOverlap": True},
        "min": lowest,
        "max": highest,
        **({} if interval is None else {"interval": interval}),
    }


def _planned(history: RunHistory, total_steps: int, axis: Axis) -> float:
    if axis == "seconds":
        expected = history.elapsed_s + (history.remaining_s or 0)
        return next((limit for limit in _DURATIONS_S if limit >= expected), math.ceil(expected))
    return max(1, total_steps if axis == "step" else math.ceil(total_steps / max(1, history.started.steps_per_epoch)))


def _reached(history: RunHistory, axis: Axis) -> float:
    if axis == "seconds":
        return history.elapsed_s
    return history.steps / (max(1, history.started.steps_per_epoch) if axis == "epoch" else 1)


def _climb(value: float, rungs: Sequence[float]) -> float:
    """The lowest rung of the ladder that is not below a value."""
    power = math.floor(math.log10(value))
    return next(limit for limit in (_tidy(rung * 10.0**power) for rung in rungs) if limit >= value * (1 - 1e-9))


def _tidy(number: float) -> float:
    return float(f"{number:.6g}")
