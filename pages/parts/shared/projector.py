"""Projector mode: one switch in the header, kept in the URL, that makes everything on the page one and a half times as large."""

import streamlit as st

from pages.parts.shared.url_state import bind, parse_switch, set_choice, write_switch

SCALE = 1.5
_SWITCH = "projector"
# Streamlit and the project's own styles measure in rem, so that type, buttons and gaps follow the root's size.
# What hides a tooltip leaves the button in place to which it belongs.
_LARGER = f"""<style>
html {{ font-size: {16 * SCALE:g}px; }}
[data-testid="stWidgetLabel"] [data-testid="stTooltipIcon"], [data-testid="stTooltipContent"], [role="tooltip"] {{ display: none; }}
</style>"""


def is_projecting() -> bool:
    """Whether projector mode is on."""
    return bool(st.session_state.get(_SWITCH))


def enlarged_px(length_px: int) -> int:
    """A length in pixels, one and a half times as long in projector mode."""
    return round(SCALE * length_px) if is_projecting() else length_px


def bind_projector() -> None:
    """Reads the switch from the URL, and makes the page larger while it is on."""
    if bind(_SWITCH, False, parse_switch, write_switch):
        st.html(_LARGER)


def show_projector_switch() -> None:
    """The switch, for the header."""
    is_on = is_projecting()
    label, help = ("Projector: on", "Back to the usual size") if is_on else ("Projector", "Larger type, charts and buttons")
    choice = (_SWITCH, not is_on)
    st.button(label, icon=":material/present_to_all:", type="tertiary", key="projector_switch", help=help, on_click=set_choice, args=choice)
