"""The names of runs."""

from fmnist_core.store.text import shorten, visible_line

MAX_NAME_LENGTH = 60


def clean_name(name: str) -> str:
    """A run's name on one line, without what nobody can see, shortened to 60 characters; "" if nothing is left."""
    return shorten(visible_line(name), MAX_NAME_LENGTH)
