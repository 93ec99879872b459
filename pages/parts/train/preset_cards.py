"""Presets as cards to choose from: four recipes, and below them six runs that fail."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.declaration import as_decimal
from fmnist_core.settings.presets import PRESETS, Preset
from pages.parts.shared.wording import ARTICLE, count

_RECIPES = [preset for preset in PRESETS if preset.group == "recipe"]
_FAILURES = [preset for preset in PRESETS if preset.group == "failure"]
_FAILURES_PER_ROW = 3


def show_preset_cards(chosen: Preset, choose: Callable[[str], None]) -> None:
    """Shows all presets; a click calls `choose` with the preset's key before the page runs again."""
    for column, preset in zip(st.columns(len(_RECIPES)), _RECIPES, strict=True):
        _show_card(column, preset, chosen, choose)
    st.caption(f"The article is {ARTICLE}. The network and the default settings are its author's.")
    with st.expander("Watch it fail", expanded=chosen.group == "failure", icon=":material/bug_report:"):
        st.write("Six small runs in which something goes wrong. Choose one, guess what you will see, and press Train.")
        for first in range(0, len(_FAILURES), _FAILURES_PER_ROW):
            for column, preset in zip(st.columns(_FAILURES_PER_ROW), _FAILURES[first : first + _FAILURES_PER_ROW], strict=False):
                _show_card(column, preset, chosen, choose)


def key_figures(config: TrainConfig) -> str:
    """The most important settings on one line, such as "2 epochs · batch 64 · one-cycle to 0.005"."""
    optimizer = "Adam" if config.optimizer == "adam" else "SGD"
    rate = as_decimal(config.learning_rate)
    figures = [
        count(config.epochs, "epoch"),
        f"batch {config.batch_size:,}",
        f"one-cycle to {rate}" if config.schedule == "one-cycle" else f"{optimizer} at {rate}",
    ]
    if config.training_images is not None:
        figures.append(f"{config.training_images:,} images")
    return " · ".join(figures)


def _show_card(column: DeltaGenerator, preset: Preset, chosen: Preset, choose: Callable[[str], None]) -> None:
    is_chosen = preset == chosen
    with column.container(border=True, height="stretch", vertical_alignment="distribute", key=f"preset_{preset.key}"):
        with st.container(gap="xsmall"):
            st.markdown(f"**{preset.name}**")
            st.markdown(preset.sentence)
            if preset.question:
                st.markdown(f"**What do you expect?** {preset.question}")
            st.caption(key_figures(preset.config))
        st.button(
            "Chosen" if is_chosen else "Choose",
            icon=":material/check:" if is_chosen else None,
            key=f"choose_{preset.key}",
            on_click=choose,
            args=(preset.key,),
            width="stretch",
        )
