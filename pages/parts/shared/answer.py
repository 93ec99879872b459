"""The network's answer to one picture: what it sees, what it predicts in words, and ten bars."""

import html

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.figures.images import png_url
from fmnist_core.insight.answer import Answer
from fmnist_core.insight.familiarity import Familiarity
from fmnist_core.pictures.kinds import READY
from pages.parts.shared.unfamiliarity import mark_unfamiliarity, show_unfamiliarity


def show_answer(
    answer: Answer,
    *,
    seen: NDArray[np.uint8] | None = None,
    true_name: str | None = None,
    familiarity: Familiarity | None = None,
    kind: str = READY,
    is_starter: bool = False,
) -> None:
    """Shows what the network sees, its two most probable classes, whether it is right, and all ten probabilities as bars.

    Args:
        seen: (28, 28) uint8, unless the page already shows it.
        true_name: the label, if it is known.
        familiarity: the thresholds for a warning that the picture is unfamiliar; None for no warning.
        kind: what kind of picture it was, one of `kinds.KINDS`; only the warning depends on it.
        is_starter: whether it is the starter model's answer; only the warning depends on it.
    """
    first, second = CLASS_NAMES[answer.first], CLASS_NAMES[answer.second]
    with st.container(key="answer_head", horizontal=True, vertical_alignment="center"):
        if seen is not None:
            st.html(_picture(seen, "The 28×28 pixels that the network sees, enlarged"), width="content")
        with st.container(width="stretch", gap="xsmall"):
            st.subheader(f"The network says: {first}", anchor=False)
            sure, less_sure = (100 * answer.probabilities[index] for index in (answer.first, answer.second))
            st.write(f"It gives **{first}** a probability of {sure:.1f}\u00a0%. Its second guess is {second}, with {less_sure:.1f}\u00a0%.")
    if true_name is not None:
        with st.container(key="answer_verdict"):
            _show_verdict(true_name, is_correct=true_name == first)
    st.html(draw_bars(answer.probabilities))
    if familiarity is not None:
        show_unfamiliarity(answer.level(familiarity), kind, is_starter=is_starter)


def _show_verdict(true_name: str, *, is_correct: bool) -> None:
    if is_correct:
        st.success(f"Correct: the label is {true_name}.", icon=":material/check_circle:")
    else:
        st.warning(f"Wrong: the label is {true_name}.", icon=":material/cancel:")


def draw_bars(probabilities: NDArray[np.float32]) -> str:
    """Ten probabilities as bars in the order of the classes, as HTML: quick enough to follow a pen, and as large as the page's type.

    The highest is darker, and its name is bold.
    """
    listed = ", ".join(f"{name} {100 * share:.1f} %" for name, share in zip(CLASS_NAMES, probabilities, strict=True))
    best = int(probabilities.argmax())
    rows = "".join(_bar(name, float(share), i == best) for i, (name, share) in enumerate(zip(CLASS_NAMES, probabilities, strict=True)))
    return f'<figure class="answer-bars" aria-label="Probability of each class: {html.escape(listed)}.">{rows}</figure>'


def show_strip(answer: Answer | None = None, seen: NDArray[np.uint8] | None = None, *, familiarity: Familiarity | None = None) -> None:
    """The answer in short at the foot of a narrow window, whatever the page shows above: the picture and the two likeliest classes.

    A screen reader does not hear it, because the page says the same in full.

    Args:
        answer: None while there is nothing to answer.
        seen: (28, 28) uint8, what the network sees.
        familiarity: the thresholds for marking an unfamiliar picture; None for no mark.
    """
    if answer is None or seen is None:
        st.html('<div class="answer-strip" aria-hidden="true"><span>The answer will appear here.</span></div>')
        return
    rows = "".join(_bar(CLASS_NAMES[i], float(answer.probabilities[i]), i == answer.first) for i in (answer.first, answer.second))
    mark = mark_unfamiliarity(answer.level(familiarity)) if familiarity else ""
    picture = _picture(seen, "What the network sees")
    st.html(f'<div class="answer-strip" aria-hidden="true">{picture}<div class="answer-bars">{rows}{mark}</div></div>')


def _bar(name: str, share: float, is_best: bool) -> str:
    css = "row best" if is_best else "row"
    return (
        f'<div class="{css}" aria-hidden="true"><span class="name">{"▸ " if is_best else ""}{html.escape(name)}</span>'
        f'<span class="track"><span class="bar" style="width: {100 * share:.2f}%"></span></span>'
        f'<span class="share">{100 * share:.1f} %</span></div>'
    )


def _picture(image: NDArray[np.uint8], alt: str) -> str:
    return f'<img class="answer-seen" src="{png_url(image)}" alt="{html.escape(alt)}">'
