"""Closes the menu of a narrow screen when a page is chosen in it."""

from pathlib import Path

from pages.parts.components.component import load_component


def close_phone_menu() -> None:
    """Makes the menu close itself; shows nothing."""
    load_component(Path(__file__).parent)(key="phone_menu")
