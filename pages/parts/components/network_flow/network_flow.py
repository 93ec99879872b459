"""The network as a row of stages through which a picture of the visitor's choice travels: its maps, and ten probabilities.

What the network computes for every picture is sent at once, so that a choice is shown without asking the server.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from fmnist_core.dataset.classes import SHORT_NAMES
from pages.parts.components.component import load_component, read_picked


@dataclass(frozen=True)
class Journey:
    """A picture and what the network computes for it.

    Attributes:
        name: its class.
        alt: what it shows, in words.
        image, first, second: data URLs of the picture and of its maps after each block, 4×4 and 8×4 of them.
        percent: the ten probabilities, 0 to 100.
    """

    name: str
    alt: str
    image: str
    first: str
    second: str
    percent: tuple[float, ...]


def show_network_flow(
    journeys: Sequence[Journey | None],
    class_names: Sequence[str],
    stages: Sequence[tuple[str, str, str]],
    *,
    picked: int,
    on_pick: Callable[[int], None],
) -> None:
    """Shows a picture to choose for each class, and the chosen one on its way; a click calls `on_pick` before the page runs again.

    Args:
        journeys: one per class; None for a class without a picture.
        stages: title and two lines for the picture, both blocks and the last layer.
        picked: index of the class whose picture is sent first.
    """
    pictures = [None if journey is None else asdict(journey) for journey in journeys]
    flow_id = f"{zlib.crc32(repr(pictures).encode()):08x}"
    data = {
        "id": flow_id,
        "pictures": pictures,
        "names": list(class_names),
        "short": [SHORT_NAMES.get(name, name) for name in class_names],
        "stages": list(stages),
        "picked": picked,
    }
    possible = [i for i, journey in enumerate(journeys) if journey is not None]

    def pick() -> None:
        index = read_picked(st.session_state.get("network_flow"), flow_id, possible)
        if index is not None:
            on_pick(index)

    flow = load_component(Path(__file__).parent)
    flow(key="network_flow", data=data, on_picked_change=pick)
