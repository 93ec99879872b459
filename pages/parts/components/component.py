"""Loads components: the folder NAME holds NAME.html, NAME.css and NAME.js, and NAME.py, which shows it and reads what it sends.

Several of them let people pick one of many pictures, and send which.
"""

import functools
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import streamlit as st

_IMPORT = re.compile(r"^import \{[^}]*\} from '([^']+)';\n", re.MULTILINE)


def load_component(folder: Path) -> Callable[..., Any]:
    """The component of this folder, to be called with `key`, `data` and callbacks."""
    html, css, script = _read(folder)
    return st.components.v2.component(folder.name, html=html, css=css, js=script)


def read_picked(state: Any, shown: str, indices: Collection[int]) -> int | None:
    """The index in what the browser sent as `picked`; None if it belongs to other pictures, or is not one of these indices.

    Args:
        shown: the name of what the component shows now; the browser sends the one that it showed.
    """
    sent = (state or {}).get("picked")
    if not isinstance(sent, list) or len(sent) != 2 or sent[0] != shown:
        return None
    index = sent[1]
    return index if isinstance(index, int) and not isinstance(index, bool) and index in indices else None


@functools.cache
def _read(folder: Path) -> tuple[str, str, str]:
    html, css = ((folder / f"{folder.name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "css"))
    return html, css, bundle(folder / f"{folder.name}.js")


def bundle(script: Path) -> str:
    """A JavaScript module together with the files that it imports, as one text, because Streamlit expects a single script."""
    text = script.read_text(encoding="utf-8")
    imported = [(script.parent / name).resolve() for name in _IMPORT.findall(text)]
    shared = [file.read_text(encoding="utf-8").replace("export ", "") for file in imported]
    return "\n".join([*shared, _IMPORT.sub("", text)])
