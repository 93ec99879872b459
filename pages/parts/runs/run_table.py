"""The table of runs, in which rows can be chosen with the pointer, and a list to choose runs from with the keyboard."""

import functools
import hashlib
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages.parts.runs.rows import Row
from pages.parts.runs.selection import choose_runs
from pages.parts.shared.wording import count, distinct_lines

_LIST = "chosen_list"
_MOST_LISTED = 40  # chosen runs that the list shows one by one


def show_table(rows: Sequence[Row], chosen: Sequence[str]) -> None:
    """The table; a change of the rows that are chosen in it changes what is chosen."""
    ids = [row.run.id for row in rows]
    # Another key for other rows: what a browser says about the rows it has must never be read as being about others.
    key = f"run_table_{hashlib.sha256(','.join(ids).encode()).hexdigest()[:16]}"
    wanted = [index for index, run_id in enumerate(ids) if run_id in set(chosen)]
    if sorted(_rows_of(st.session_state.get(key))) != wanted:
        st.session_state[key] = {"selection": {"rows": wanted, "columns": [], "cells": []}}
    st.dataframe(
        _make_table(rows),
        hide_index=True,
        key=key,
        on_select=functools.partial(_take_rows, key, ids, tuple(chosen)),
        selection_mode="multi-row",
        column_config=_columns(),
        placeholder="–",
        alt=f"{count(len(rows), 'run')}, each with its name, owner, accuracy, state, preset, data, duration, start and note",
    )


def show_list(rows: Sequence[Row], chosen: Sequence[str]) -> None:
    """The chosen runs by name, where more can be chosen with the keyboard, and buttons to choose all or none."""
    names = distinct_lines({row.run.id: row.name for row in rows})
    if len(chosen) > _MOST_LISTED:
        st.write(f"**{count(len(chosen), 'run')}** are chosen.")
    else:
        st.session_state[_LIST] = list(chosen)
        st.multiselect(
            "Chosen runs",
            list(names),
            format_func=lambda run_id: names.get(run_id, run_id),
            key=_LIST,
            placeholder="Tick rows in the table, or type a name here",
            on_change=_take_list,
            args=(names,),
        )
    with st.container(horizontal=True, gap="small"):
        st.button("Choose all", key="choose_all", on_click=choose_runs, args=(list(names),), disabled=set(names) <= set(chosen))
        st.button("Choose none", key="choose_none", on_click=choose_runs, args=([],), disabled=not chosen)


def _make_table(rows: Sequence[Row]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "name": [row.name for row in rows],
            "accuracy": pd.Series([None if row.run.test_accuracy is None else 100 * row.run.test_accuracy for row in rows], dtype=float),
            "state": [row.state for row in rows],
            "owner": [row.owner for row in rows],
            "star": [_write_stars(row) for row in rows],
            "preset": [row.preset for row in rows],
            "data": [row.data for row in rows],
            "trained": pd.Series([row.trained_s for row in rows], dtype=float),
            "started": pd.Series([_local_time(row) for row in rows], dtype="datetime64[ns]"),
            "note": [row.note for row in rows],
        }
    )


def _columns() -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "name": text("Name"),
        "accuracy": number("Test accuracy", format="%.2f %%", help="Of the weights in use: those of the best epoch, or else the last"),
        "state": text("State", help="Of a run that has not finished, also how many of its epochs it has completed"),
        "owner": text("Owner"),
        "star": text("Stars", help="How many people have starred it; ★ if you have", width=60),
        "preset": text("Preset and what differs from it", width=260),
        "data": text("Data"),
        "trained": number("Trained for", format="%.0f s", help="Seconds of training, without pauses"),
        "started": st.column_config.DatetimeColumn("Started", format="D MMM, HH:mm"),
        "note": text("Note", width=200),
    }


def _write_stars(row: Row) -> str:
    return f"{'★' if row.is_starred else '☆'} {row.stars}" if row.stars else ""


def _local_time(row: Row) -> pd.Timestamp | None:
    """The time of its start on the server's clock; the starter has none that matters here."""
    return None if row.run.is_starter else pd.Timestamp(row.run.created_at.astimezone().replace(tzinfo=None))


def _rows_of(state: Any) -> list[int]:
    return list(state["selection"]["rows"]) if state else []


def _take_rows(key: str, ids: list[str], chosen: tuple[str, ...]) -> None:
    """What is chosen stays in its order; so does what is not in the table, which may be filtered."""
    picked = [ids[index] for index in _rows_of(st.session_state[key]) if index < len(ids)]
    gone = set(ids) - set(picked)
    choose_runs([*(run_id for run_id in chosen if run_id not in gone), *picked])


def _take_list(names: dict[str, str]) -> None:
    """A name that has changed since the browser received it comes back as text that is not an id, so ignore it."""
    if all(run_id in names for run_id in st.session_state[_LIST]):
        choose_runs(st.session_state[_LIST])
