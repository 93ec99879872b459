"""Runs its fragment again when the teacher has changed something: the browser asks for a few bytes, and nothing runs until they differ."""

from pathlib import Path

from pages.parts.components.component import load_component


def show_lesson_watch(address: str, version: str, spoken: str) -> None:
    """Shows nothing.

    Args:
        address: where the current version can be read.
        version: the one that this page knows.
        spoken: what a screen reader says when it changes; "" for nothing.
    """
    watch = load_component(Path(__file__).parent)
    watch(key="lesson_watch", data={"address": address, "version": version, "spoken": spoken}, on_changed_change=_run_again)


def _run_again() -> None:
    """The fragment runs whatever was sent."""
