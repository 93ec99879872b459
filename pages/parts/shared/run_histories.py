"""The events of a run, read with a progress bar if there are many."""

import streamlit as st

from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.record import RunRecord
from fmnist_core.runs.shared_histories import SHARED_HISTORIES

_PART_BYTES = 8_000_000  # of events, which take half a second to read; ten hours of batches of one are 200 MB and take 12 s
_LIVE_PART_BYTES = 2_000_000  # a page asks some six times each time it is drawn


def history_of(run: RunRecord) -> RunHistory:
    """The run's events so far, which all sessions share: another object when there are more.

    Of a run that trains and has a long record that nobody has looked at yet, it is the beginning, and longer at each call, because its
    controls should not wait. Other records are read whole, with a progress bar.
    """
    if run.state == "training":
        return SHARED_HISTORIES.read(run, _LIVE_PART_BYTES)
    history = SHARED_HISTORIES.read(run, _PART_BYTES)
    unread = SHARED_HISTORIES.unread_bytes(run)
    if unread < _PART_BYTES:
        return history if unread == 0 else SHARED_HISTORIES.read(run)
    bar = st.empty()
    total, before = unread + _PART_BYTES, None
    while history is not before and (unread := SHARED_HISTORIES.unread_bytes(run)) > 0:
        bar.progress(max(0.0, 1 - unread / total), text="Reading the run's record …")
        before, history = history, SHARED_HISTORIES.read(run, _PART_BYTES)
    bar.empty()
    return history
