"""Marks in the charts of a run: guessing, changes of the learning rate, a loss that is cut off, the latest accuracy."""

import math
from typing import Any

from fmnist_core.figures.style import GREEN, GREY
from fmnist_core.runs.history import Axis, RunHistory
from fmnist_core.settings.declaration import as_decimal
from fmnist_core.settings.number_words import format_loss

_WORDS = "#747e8a"  # as dark as it can be in the dark theme, and as light in the light one
_PLATE = {"backgroundColor": "#5b6570", "color": "#ffffff", "padding": 4, "borderRadius": 3}  # of words that curves may cross
_CLASSES = 10
_WORDS_SHARE = 0.2  # of the axis that words beside a mark take on a phone
_NEAR_END = 0.85  # of the axis: from here on, words stand to the left of their mark
_CUT_OFF = 1.1  # times the limit: less is as good as seen


def mark_guessing(y_axis: dict[str, Any], classes: int = _CLASSES) -> list[dict[str, Any]]:
    """The loss of a network that considers all classes equally likely, as a line, if the axis reaches it."""
    guessing = math.log(classes)
    if not y_axis["min"] < guessing < y_axis["max"]:
        return []
    label = {"formatter": f"guessing, {guessing:.2f}", "position": "insideEndTop", "color": _WORDS}
    return [{"yAxis": round(guessing, 4), "lineStyle": {"color": GREY, "width": 1, "type": [2, 4]}, "label": label}]


def mark_rates(history: RunHistory, axis: Axis, x_limit: float) -> dict[str, Any]:
    """A dashed line where the learning rate was changed by hand.

    Of changes that are close together, the last is named, because the words of all would cover each other.
    """
    lines: list[dict[str, Any]] = []
    named_at = math.inf
    positions = history.x_values(axis, [change.step for change in history.rate_changes])
    for x, change in reversed(list(zip(positions.tolist(), history.rate_changes, strict=True))):
        is_named = named_at - x >= _WORDS_SHARE * x_limit
        label: dict[str, Any] = {"show": is_named}
        if is_named:
            named_at = x
            label |= {"formatter": f"→ {as_decimal(change.learning_rate)}"}
            if x > _NEAR_END * x_limit:
                label["align"] = "right"
        lines.append({"xAxis": round(x, 4), "label": label})
    dashed = {"color": GREY, "width": 2, "type": "dashed"}
    return {"symbol": "none", "silent": True, "animation": False, "lineStyle": dashed, "label": {"color": _WORDS}, "data": lines[::-1]}


def mark_peak(history: RunHistory, axis: Axis, x_limit: float, y_limit: float) -> dict[str, Any]:
    """A triangle at the upper edge where the highest loss is cut off, with its value, as a series' option; nothing if it is not."""
    peak, step = history.losses.peak
    x = float(history.x_values(axis, [step])[0])
    if peak <= _CUT_OFF * y_limit or x > x_limit:
        return {}
    size = f"{peak:,.0f}" if 10 <= peak < 1e6 else format_loss(peak)
    side = "right" if x < x_limit / 2 else "left"
    label = {"show": True, "formatter": f"peak {size} at step {step:,}", "position": side, "offset": [0, 8], **_PLATE}
    point = {"coord": [round(x, 4), y_limit], "symbol": "triangle", "symbolSize": 10, "symbolOffset": [0, "50%"]}
    return {"markPoint": {"silent": True, "animation": False, "itemStyle": {"color": GREY}, "label": label, "data": [point]}}


def mark_last(epoch: int, percent: float) -> dict[str, Any]:
    """The latest accuracy in figures to the right of its point, where no other mark is."""
    label = {"show": True, "formatter": f"{percent:.1f}", "position": "right", "distance": 12, "color": GREEN, "fontWeight": "bold"}
    point = {"coord": [epoch, round(percent, 2)], "symbol": "circle", "symbolSize": 1}
    return {"silent": True, "animation": False, "itemStyle": {"color": "transparent"}, "label": label, "data": [point]}
