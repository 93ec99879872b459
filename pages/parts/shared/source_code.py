"""Shows the project's own source code, read from the running program."""

import inspect
from collections.abc import Callable
from typing import Any

import streamlit as st


@st.fragment
def show_source(title: str, explanation: str, *objects: type | Callable[..., Any]) -> None:
    """A folded view of the source of functions or classes, each with the name of its file."""
    with st.expander(title, key="source_code", icon=":material/code:", on_change="rerun") as source:
        if not source.open:  # folded, the browser need not load the 1.5 MB that colour code
            return
        st.write(explanation)
        for shown in objects:
            st.caption(f"`{shown.__module__.replace('.', '/')}.py`")
            st.code(inspect.getsource(shown), language="python")
