"""The probes: twenty test images that are followed through training, one of which can be pinned."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.classes import DataError
from fmnist_core.dataset.split import Split
from fmnist_core.figures.images import Sprite, encode_sprite
from fmnist_core.runs.history import RunHistory, Trail
from pages.parts.components.probe_wall.probe_wall import send_pictures, show_probe_wall
from pages.parts.shared.splits import read_split
from pages.parts.shared.url_state import bind, set_choice, whole_number

_PIN = "pin"
_SENT = "probes_sent"
_MAX_PROBES = 20


def bind_pin() -> None:
    """Reads the pinned probe from the URL."""
    bind(_PIN, None, whole_number(0, _MAX_PROBES - 1))


def pinned_probe(history: RunHistory) -> int | None:
    """The index of the pinned probe; None if none is pinned."""
    pinned = st.session_state.get(_PIN)
    return pinned if isinstance(pinned, int) and pinned < len(history.started.probes) else None


def split_with_probes(history: RunHistory) -> Split | None:
    """The test images, if the run's probes are among them, else None."""
    try:
        split = read_split("test")
    except DataError:
        return None
    probes = history.started.probes
    return split if probes and max(probes) < len(split) else None


def send_probes(history: RunHistory) -> None:
    """Sends the pictures of the probes; call it in a run of the whole page, before they are shown."""
    split = split_with_probes(history)
    st.session_state[_SENT] = None
    if split is not None:
        send_pictures(_sprite(split, history))
        st.session_state[_SENT] = history.started.probes


def lacks_probes(history: RunHistory) -> bool:
    """Whether the probes can be shown but their pictures have not been sent, so that the whole page has to run."""
    return st.session_state.get(_SENT) != history.started.probes and split_with_probes(history) is not None


def show_probes(split: Split, history: RunHistory) -> None:
    """The probes, each with a bar for the probability of its true class, and whether it is classified correctly."""
    probabilities = history.newest_probabilities()
    if probabilities is None:
        return
    probes = history.started.probes
    labels = split.labels[list(probes)]
    correct = int((probabilities.argmax(axis=1) == labels).sum())
    show_probe_wall(
        _sprite(split, history),
        probes,
        labels,
        probabilities,
        split.class_names,
        key="probes",
        summary=f"{correct} of these {len(labels)} test images are classified correctly. Bars show the true class. "
        "Click or tap one for its story.",
        pinned=pinned_probe(history),
        on_pin=_pin,
        reveals="run_pin",
    )


def describe_trail(trail: Trail | None, class_names: tuple[str, ...]) -> str:
    """When a probe was learned, in a sentence; and in a run of many reports, how many of them this rests on."""
    if trail is None:
        return "There is no prediction yet."
    story = _tell_trail(trail, class_names)
    return story if trail.stride == 1 else f"{story} (Of this long run, one report in {trail.stride} is kept.)"


def _tell_trail(trail: Trail, class_names: tuple[str, ...]) -> str:
    if trail.correct_since is not None:
        if trail.changes == 0:
            return f"It has been classified correctly ever since the first report, at step {trail.correct_since:,}."
        before = f" Before that it was learned and forgotten {_times(trail.changes // 2)}." if trail.changes > 1 else ""
        return f"It has been classified correctly since step {trail.correct_since:,}.{before}"
    predicted = class_names[trail.predicted]
    if trail.last_correct is None:
        return f"It has never been classified correctly; it is now classified as {predicted}."
    return f"It is now classified as {predicted}. It was last classified correctly at step {trail.last_correct:,}."


def _pin(probe: int | None) -> None:
    set_choice(_PIN, probe)
    bind_pin()  # because only this fragment may run, not the page


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _sprite(split: Split, history: RunHistory) -> Sprite:
    return _encode_once(str(split.folder), history.started.probes, split)


@st.cache_data(max_entries=16, show_spinner=False)
def _encode_once(folder: str, probes: tuple[int, ...], _split: Split) -> Sprite:  # noqa: ARG001  # the folder is for the key
    pictures: NDArray[np.uint8] = _split.images[list(probes)]
    return encode_sprite(pictures)
