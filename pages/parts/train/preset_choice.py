"""Presets to choose from, four recipes and six runs that fail: as small buttons, or on a narrow screen as one list."""

from collections.abc import Callable

import streamlit as st

from fmnist_core.settings.presets import PRESETS, Preset

_LIST = "preset_list"
_GROUPS = (("Recipes", "recipe"), ("Watch it fail", "failure"))
# Two of them fit into a line of the form.
_SHORT_NAMES = {
    "rate-too-high": "Rate too high",
    "rate-too-low": "Rate too low",
    "few-images": "100 images",
    "class-left-out": "Class left out",
}


def show_preset_choice(chosen: Preset, choose: Callable[[str], None]) -> None:
    """All presets; a choice calls `choose` with the preset's key before the page runs again. The stylesheet hides one of the two forms."""
    with st.container(key="preset_buttons", gap="xsmall"):
        for title, group in _GROUPS:
            st.markdown(f"**{title}**")
            with st.container(horizontal=True, gap="xsmall", key=f"presets_{group}"):
                for preset in PRESETS:
                    if preset.group == group:
                        _show_button(preset, chosen, choose)
    with st.container(key="preset_list_only"):
        st.session_state[_LIST] = chosen.key
        st.selectbox(
            "Preset",
            [preset.key for preset in PRESETS],
            format_func=_describe,
            key=_LIST,
            on_change=_take_from_list,
            args=(choose,),
            label_visibility="collapsed",
        )


def show_description(preset: Preset, changed: bool) -> None:
    """What the preset is for, and before a failure, what to guess."""
    st.markdown(preset.sentence)
    if preset.question and not changed:
        st.markdown(f"**What do you expect?** {preset.question} Guess, then press Train.")


def _show_button(preset: Preset, chosen: Preset, choose: Callable[[str], None]) -> None:
    # The check mark is for screen readers and the stylesheet, which fills the button; another key or type would lose the focus.
    st.button(
        _SHORT_NAMES.get(preset.key, preset.name),
        icon=":material/check:" if preset == chosen else None,
        key=f"choose_{preset.key}",
        on_click=choose,
        args=(preset.key,),
    )


def _take_from_list(choose: Callable[[str], None]) -> None:
    """A line that is none of the list's, which only a forged message can contain, chooses nothing."""
    if any(preset.key == st.session_state[_LIST] for preset in PRESETS):
        choose(st.session_state[_LIST])


def _describe(key: str) -> str:
    preset = next(preset for preset in PRESETS if preset.key == key)
    return f"Watch it fail: {preset.name}" if preset.group == "failure" else f"Recipe: {preset.name}"
