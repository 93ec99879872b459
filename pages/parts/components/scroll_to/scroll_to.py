"""Scrolls to a container when something has happened, on screens too narrow to show it beside the button."""

from pathlib import Path

from pages.parts.components.component import load_component

NARROW = "(max-width: 1023px)"


def show_scroll_to(key: str, token: str) -> None:
    """Scrolls the container with this key to the top of the window whenever the token becomes another while the page is open.

    Args:
        token: what has happened; "" for nothing. That with which the page was opened does not scroll.
    """
    load_component(Path(__file__).parent)(key="scroll_to", data={"key": key, "token": token, "where": NARROW})
