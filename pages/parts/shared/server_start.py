"""What the server does when it starts: sets one switch of Streamlit's, looks at the PIN, imports what is heavy, and opens the browser."""

import asyncio
import contextlib
import ctypes
import gc
import logging
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator
from typing import Any

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from threadpoolctl import threadpool_limits

from fmnist_core.classroom.lesson import lift_limits
from fmnist_core.classroom.run_changes import erase_old_runs
from fmnist_core.classroom.teacher import read_pin
from fmnist_core.jobs.dispatcher import ensure_dispatcher
from fmnist_core.jobs.heartbeat import BEAT_EVERY_S, beat, demand_environment
from pages.parts.shared.server_guard import sweep_uploads
from pages.parts.shared.splits import read_split

_M_ARENA_MAX = -8  # of glibc's malloc.h
_CLEANED_EVERY_S = 3600.0
_is_warm = threading.Event()
_is_warm.set()  # where no server warms up, as in tests, nobody waits


@contextlib.asynccontextmanager
async def prepare_server(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """The lifespan of the app: prepares the server, and drops forgotten uploads while it runs."""
    # Until the first `st.navigation` has run, Streamlit treats a folder called `pages` as its older kind of app, and the
    # very first visit, if it is a deep link, would get "Page not found".
    PagesManager.uses_pages_directory = False
    if read_pin().problem:
        logging.getLogger(__name__).warning("%s", read_pin().problem)
    _is_warm.clear()
    _limit_arenas()
    threading.Thread(target=_read_data, daemon=True).start()
    threading.Thread(target=_warm_up, daemon=True).start()
    tasks = [asyncio.create_task(task) for task in (sweep_uploads(), _keep_dispatcher(), _drop_old_runs())]
    yield {}
    for task in tasks:
        task.cancel()


def _limit_arenas() -> None:
    """Makes glibc serve all threads from two heaps. Each of its many would keep what short-lived threads, one per run of a page, once used.

    With thirty sessions at thirty runs the server held 749 MB instead of 823; after 300 sessions had come and gone, 740 instead of 886.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


async def _keep_dispatcher() -> None:
    """Makes sure that there is a dispatcher as long as this server runs, with this server's settings and, without a PIN, no limits."""
    with contextlib.suppress(ValueError, OSError):
        await asyncio.to_thread(lift_limits)
        await asyncio.to_thread(demand_environment)
    while True:
        with contextlib.suppress(ValueError, OSError):  # the home folder cannot be written; whoever starts a run is told so
            await asyncio.to_thread(_beat)
        await asyncio.sleep(BEAT_EVERY_S)


async def _drop_old_runs() -> None:
    """Deletes for good what was deleted more than thirty days ago, every hour, whether or not anybody opens Runs."""
    while True:
        with contextlib.suppress(ValueError, OSError):  # the database cannot be used
            await asyncio.to_thread(erase_old_runs)
        await asyncio.sleep(_CLEANED_EVERY_S)


def _beat() -> None:
    beat()
    ensure_dispatcher()


def wait_until_warm() -> None:
    """Waits while the server imports PyTorch; to be called before a page that may import it too.

    Two threads that enter PyTorch by different modules can each hold the import lock that the other needs. Python then gives one of them
    a half-initialised module, the import fails, and PyTorch cannot be imported again until the server is restarted.
    """
    _is_warm.wait()


def _warm_up() -> None:
    """Imports for a second, so that the first visitor does not wait for that, and opens the browser on this machine."""
    gc.disable()  # nothing that is imported is garbage, and searching for it takes a quarter of the time
    try:
        _import()
        _prepare_pages()
    finally:
        gc.freeze()  # nor is it searched again and again later
        gc.enable()
    if not st.get_option("server.headless"):  # `streamlit run` opens the browser for a plain script, not for an st.App
        webbrowser.open(f"http://localhost:{st.get_option('server.port')}")


def _import() -> None:
    """Imports what nearly every page needs, and lets nobody wait any longer."""
    try:
        import cv2
        import plotly.graph_objects  # noqa: F401
        import torch

        # Pages compute on single pictures, and many at once; threads of one picture would only wait for each other. Without the last line,
        # each click on Predict woke a thread of NumPy's BLAS, which then spun for 19 ms.
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        threadpool_limits(1, user_api="blas")

        from fmnist_core.evaluation import prediction  # noqa: F401
        from fmnist_core.runs.record import list_runs
        from fmnist_core.training import loop  # noqa: F401

        list_runs()  # from then on they are remembered
    finally:
        _is_warm.set()


def _read_data() -> None:
    """Reads the images, which takes 0.3 s, mostly without Python's lock; pages report errors."""
    with contextlib.suppress(ValueError, OSError):
        read_split("test")
        read_split("train")


def _prepare_pages() -> None:
    """Reads the data and explains one picture, because much is imported, read or prepared when it is used for the first time.

    Errors in the data are ignored here; pages report them.
    """
    import pandas  # noqa: F401  # takes 0.3 s

    from fmnist_core.insight.answer import answer_picture
    from fmnist_core.insight.attribution import occlude
    from fmnist_core.runs.folders import STARTER_ID
    from fmnist_core.runs.record import load_run
    from pages.parts.shared.cached import find_likeness, read_model

    with contextlib.suppress(ValueError, OSError):
        train, test = read_split("train"), read_split("test")
        starter, picture = load_run(STARTER_ID), test.images[0]
        model, likeness = read_model(starter), find_likeness(starter, train, test)
        answer = answer_picture(model, picture[None])
        occlude(model, picture, answer.first)
        if likeness is not None:
            likeness.neighbours.nearest(model, train, picture)
