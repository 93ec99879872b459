"""Keeps pictures in the browser's storage of this tab, and gets them back after a reload, which begins a new session on the server.

Streamlit's uploader loses its files at a reload. What comes back is as little trusted as an upload: anyone can put anything into their
browser's storage, or send it without.
"""

import base64
import binascii
import secrets
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages.parts.components.component import load_component

MAX_CHARACTERS = 4_000_000  # of base64; browsers store about five million for all pages of one server
_MAX_FILES = 100
_LONGEST_NAME = 200
_SESSION = "tab_memory_session"
File = tuple[str, bytes]  # a name, and the content of a picture's file


def show_tab_memory(files: Sequence[File] | None, *, key: str, on_return: Callable[[list[File]], None]) -> None:
    """Keeps files in the tab, in place of those kept before, and says on one line that they are kept.

    Args:
        files: None while the session has none of its own, for example after a reload: then what the tab has kept comes back.
        on_return: called with what has come back, which may be anything, before the page runs again.
    """
    kept = None if files is None else encode_files(files)
    data = {
        "name": key,
        "session": st.session_state.setdefault(_SESSION, secrets.token_hex(8)),
        "items": kept,
        "version": "" if kept is None else f"{len(kept)} {zlib.crc32(repr(kept).encode()):08x}",
        "sentence": "" if not files or kept is None else _describe(len(kept), len(files)),
    }
    memory = load_component(Path(__file__).parent)
    memory(key=key, data=data, on_returned_change=lambda: on_return(read_returned(st.session_state.get(key))))


def read_returned(state: Any) -> list[File]:
    """The names and contents in what the browser sent; of what is not a list of them, or too much, nothing."""
    try:
        if len(state["returned"]) > _MAX_FILES:
            return []
        returned = [(name, encoded) for name, encoded in state["returned"]]
        if any(type(text) is not str for item in returned for text in item):
            return []
        if sum(len(name) + len(encoded) for name, encoded in returned) > MAX_CHARACTERS + _MAX_FILES * _LONGEST_NAME:
            return []
        return [(name, base64.b64decode(encoded, validate=True)) for name, encoded in returned]
    except (TypeError, KeyError, ValueError, binascii.Error):
        return []


def encode_files(files: Sequence[File]) -> list[list[str]]:
    """As many of the files, from the first on, as the tab can keep."""
    kept, characters = [], 0
    for name, content in files:
        encoded = base64.b64encode(content).decode()
        characters += len(encoded)
        if characters > MAX_CHARACTERS:
            break
        kept.append([name, encoded])
    return kept


def _describe(kept: int, count: int) -> str:
    if kept == count:
        return "Kept in this tab until you close it."
    return f"The first {kept} are kept in this tab until you close it; there is no room for more."
