"""What the server does before its first visitor: one switch of Streamlit's, the heavy imports, and opening the browser."""

import contextlib
import gc
import threading
import webbrowser
from collections.abc import AsyncIterator
from typing import Any

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager


@contextlib.asynccontextmanager
async def prepare_server(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """The lifespan of the app: prepares, serves, and has nothing to clean up."""
    # Streamlit serves a folder called `pages` beside the script as its older kind of app until the first `st.navigation`
    # has run, so that a deep link as the very first visit would be told "Page not found".
    PagesManager.uses_pages_directory = False
    threading.Thread(target=_warm_up, daemon=True).start()
    yield {}


def _warm_up() -> None:
    """A second and a half of imports that the first visitor need not wait for, and the browser on the teacher's own machine."""
    import plotly.graph_objects  # noqa: F401
    import torch  # noqa: F401

    from fmnist_core.evaluation import prediction  # noqa: F401
    from fmnist_core.training import loop  # noqa: F401

    # What is imported is never garbage: it need not be searched again and again.
    gc.collect()
    gc.freeze()
    if not st.get_option("server.headless"):  # `streamlit run` opens the browser for a plain script, not for an st.App
        webbrowser.open(f"http://localhost:{st.get_option('server.port')}")
