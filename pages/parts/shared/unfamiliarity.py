"""What a page says of a picture that is unusual for a network: how often the starter model was wrong about such pictures, as measured."""

import html

import streamlit as st

from fmnist_core.insight.familiarity import STARTER_RATES, UNLIKE_QUANTILE, UNUSUAL_QUANTILE, Level
from fmnist_core.pictures.kinds import DRAWING, PHOTO, READY

_TITLES: dict[Level, str] = {"unusual": "Unusual for this network.", "unlike": "Unlike almost anything this network was trained on."}
_QUANTILES: dict[Level, float] = {"unusual": UNUSUAL_QUANTILE, "unlike": UNLIKE_QUANTILE}
_TESTED_ON = {
    PHOTO: "In tests with photographs of clothes it knows",
    DRAWING: "In tests with drawings of clothes it knows",
    READY: "On the test images",
}


def describe_unfamiliarity(level: Level, kind: str, *, is_starter: bool) -> tuple[str, str]:
    """A title and a sentence for a picture of this level; both empty for a familiar one.

    Args:
        kind: one of `kinds.KINDS`.
        is_starter: whether the network is the starter model: what was measured holds for no other.
    """
    if level == "familiar":
        return "", ""
    title = _TITLES[level]
    if not is_starter:
        weaker = f"{100 * _QUANTILES[level]:g}\u00a0%"
        return title, (
            f"It responds to this picture more weakly than to {weaker} of its training images, so be careful with its answer. How often "
            "such answers are wrong was measured for the starter model only."
        )
    rates = STARTER_RATES[kind]
    sentence = (
        f"{_TESTED_ON[kind]}, {rates[level].in_ten} in 10 of its answers to such pictures were wrong, and "
        f"{rates['familiar'].in_ten} in 10 of those to familiar ones."
    )
    return title, f"{sentence} Things of none of the ten classes look like this too." if level == "unlike" else sentence


def mark_unfamiliarity(level: Level) -> str:
    """A few words of HTML for a place that is too small for the sentences; "" for a familiar picture."""
    words = {"familiar": "", "unusual": "Unusual for it", "unlike": "Unlike what it learned from"}[level]
    return f'<span class="unfamiliar">{words}</span>' if words else ""


def show_unfamiliarity(level: Level, kind: str, *, is_starter: bool) -> None:
    """Shows the sentences in a place that is as high without them, so that nothing below moves when they come and go."""
    title, sentence = (html.escape(text) for text in describe_unfamiliarity(level, kind, is_starter=is_starter))
    note = f'<p class="{level}" role="note"><strong>{title}</strong> {sentence}</p>' if title else ""
    st.html(f'<div class="unfamiliarity">{note}</div>')
