"""ECharts options for the charts that move while a run trains; everything that stands still is in `figures`.

ECharts keeps its node from one tick to the next, where plotly builds a new one; the axes are fixed to the whole run, so
that the line grows and nothing jumps.
"""

import math
from typing import Any

import pandas as pd

from fmnist_core.figures import GREEN, ORANGE, SKY_BLUE
from fmnist_core.history import RunHistory

_LIMITS = (0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1000)


def draw_live_loss(history: RunHistory, total_steps: int, smoothing: float) -> dict[str, Any]:
    """Loss against step: every batch faint, the smoothed line on top."""
    table = history.loss_table(smoothing)
    highest = max(history.losses, default=0.0)
    epochs_a_tick = max(1, math.ceil(total_steps / max(1, history.steps_per_epoch) / 6))
    tick = max(1, history.steps_per_epoch * epochs_a_tick)
    return _base("step", "loss") | {
        "dataset": {"source": table},
        "xAxis": _axis("step", 0, max(1, total_steps), interval=tick),
        "yAxis": _axis("loss", 0, _limit_above(highest)),
        "legend": {"top": 0, "data": ["each batch", "smoothed"]},
        "series": [
            _line("each batch", SKY_BLUE, width=1, opacity=0.6),
            _line("smoothed", ORANGE, width=3),
        ],
    }


def draw_live_accuracy(history: RunHistory, epochs: int) -> dict[str, Any]:
    """Test accuracy against epoch, in percent."""
    table = pd.DataFrame(
        {"epoch": [e["epoch"] for e in history.epochs], "test accuracy": [100 * e["test_accuracy"] for e in history.epochs]}
    )
    lowest = table["test accuracy"].min() if len(table) else 100.0
    bottom = next(limit for limit in (80, 50, 0) if lowest >= limit)
    line = _line("test accuracy", GREEN, width=3) | {"showSymbol": True, "symbolSize": 9}
    line["encode"] = {"x": "epoch", "y": "test accuracy"}
    line["label"] = {"show": epochs <= 10, "position": "bottom", "formatter": "{@[1]}"}
    table["test accuracy"] = table["test accuracy"].round(2)
    return _base("epoch", "%") | {
        "dataset": {"source": table},
        "xAxis": _axis("epoch", 0, epochs, interval=max(1, math.ceil(epochs / 10))),
        "yAxis": _axis("%", bottom, 100),
        "series": [line],
    }


def _base(x_name: str, y_name: str) -> dict[str, Any]:
    return {
        "animation": False,
        "grid": {"left": 24, "right": 24, "top": 36, "bottom": 24},
        "tooltip": {"trigger": "axis", "valueFormatter": "%.3f"},
        "aria": {"enabled": True, "description": f"{y_name} against {x_name}"},
    }


def _axis(name: str, lowest: float, highest: float, **more: Any) -> dict[str, Any]:
    gap = 28 if name in ("step", "epoch") else 36
    return {"type": "value", "name": name, "nameLocation": "middle", "nameGap": gap, "min": lowest, "max": highest, **more}


def _line(name: str, colour: str, width: float, opacity: float = 1) -> dict[str, Any]:
    return {
        "type": "line",
        "name": name,
        "showSymbol": False,
        "encode": {"x": "step", "y": name},
        "lineStyle": {"color": colour, "width": width, "opacity": opacity},
        "itemStyle": {"color": colour},
    }


def _limit_above(highest: float) -> float:
    return next((limit for limit in _LIMITS if limit >= highest), 10 ** math.ceil(math.log10(max(highest, 1))))
