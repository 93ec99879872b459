"""How the answer came about: the steps to 28×28, the reasons, and the person's own list of pictures with their correct labels."""

from collections.abc import Callable

import streamlit as st

from fmnist_core.pictures.preparation import Preparation
from pages.parts.predict.corrections import show_corrections
from pages.parts.predict.filmstrip import show_filmstrip
from pages.parts.predict.frame import Classified, Network, steps_side
from pages.parts.predict.reasons import show_reasons
from pages.parts.shared.projector import is_projecting


def show_explanation(
    network: Network,
    classified: Classified | None,
    preparation: Preparation | None = None,
    picture_id: str = "",
    on_switch: Callable[[str, bool], None] | None = None,
    *,
    reserves_steps: bool = False,
) -> None:
    """Shows what explains an answer, below the input.

    Args:
        classified: None if there is no answer.
        preparation: None if the picture needed none.
        picture_id: the key of the steps' switches.
        on_switch: called with a step's key and whether to carry it out; None shows no switches.
        reserves_steps: whether to leave room for the steps while there are none, so that nothing moves when they come.
    """
    with steps_side():
        if preparation is not None or reserves_steps:
            show_filmstrip(network.model, preparation, picture_id, on_switch)
        if classified is not None or reserves_steps:
            _show_reasons(network, classified)
        show_corrections(*(classified or (None, None)))


def _show_reasons(network: Network, classified: Classified | None) -> None:
    with st.expander("Why does it say so?", key="why", icon=":material/help:", expanded=is_projecting(), on_change="rerun") as why:
        if not why.open:  # folded, they take no time
            return
        if classified is None:
            st.caption("There is no answer yet.")
        else:
            show_reasons(network.run, network.model, network.likeness, *classified)
