"""How much of the disk the runs use, and a clean-up that shows what it would delete before it does."""

import math

import pandas as pd
import streamlit as st

from fmnist_core.classroom.cleanup import Part, carry_out, erasable_archives, erasable_runs, plan_cleanup, suggest_oldest
from fmnist_core.classroom.people import Person
from fmnist_core.runs.disk import DiskUse, disk_use, format_bytes
from pages.parts.runs.messages import tell, tell_outcome
from pages.parts.shared.visitor import visitor
from pages.parts.shared.wording import count, escape

_DELETED, _WEIGHTS, _OLDEST, _ARCHIVES = "clean_deleted", "clean_weights", "clean_oldest", "clean_archives"
_IS_OPEN = "cleaning"
_KINDS = {"deleted": "deleted run", "weights": "weights of other epochs", "run": "whole run", "archive": "archive"}


def show_disk_room(person: Person) -> None:
    """How much is used, and the button that opens the clean-up."""
    use = disk_use()
    with st.expander(f"Disk: {_describe_use(use)}", icon=":material/hard_drive:"):
        if math.isfinite(use.limit):
            st.progress(min(1.0, use.used / use.limit))
        left = f" {format_bytes(use.free)} of the disk are free." if math.isfinite(use.free) else ""
        st.write(f"{_describe_parts(use)}.{left}")
        st.button("Clean up …", icon=":material/cleaning_services:", key="clean_up", on_click=_open)
    if st.session_state.get(_IS_OPEN):  # also when the page is drawn again meanwhile, as after a run that has ended
        _show_cleanup(person)


def _open() -> None:
    st.session_state[_IS_OPEN] = True
    for key in (_DELETED, _WEIGHTS, _OLDEST, _ARCHIVES):
        st.session_state.pop(key, None)


def _close() -> None:
    st.session_state[_IS_OPEN] = False


@st.dialog("Clean up", width="large", on_dismiss=_close)
def _show_cleanup(person: Person) -> None:
    """What to delete, everything that this would be, and the button that does it."""
    if not st.session_state.get(_IS_OPEN):
        st.rerun()
    whose = "Runs" if person.is_teacher else "Your runs"
    st.write(f"{whose} that anybody has starred, and runs that train or wait, are left alone. **What is cleaned up cannot be restored.**")
    deleted = st.checkbox("Deleted runs, which could still be restored", value=True, key=_DELETED)
    weights = st.checkbox(
        "Weights of epochs that are not in use",
        value=True,
        key=_WEIGHTS,
        help="Each run keeps the weights of its best and its latest epoch, which are those that the pages use.",
    )
    archives = bool(erasable_archives(person)) and st.checkbox(
        "Archives on this machine", key=_ARCHIVES, help="They may hold runs that are nowhere else: download them first, on Teacher."
    )
    candidates = erasable_runs(person)
    if _OLDEST not in st.session_state:
        freed = sum(part.size for part in plan_cleanup(person, deleted=deleted, weights=weights, oldest=0))
        st.session_state[_OLDEST] = suggest_oldest(disk_use(), candidates, freed)
    oldest = 0
    if candidates:
        oldest = (
            st.number_input(f"How many of the oldest runs ({len(candidates):,} could be deleted)", 0, len(candidates), key=_OLDEST) or 0
        )
    plan = plan_cleanup(person, deleted=deleted, weights=weights, oldest=oldest, archives=archives)
    if not plan:
        st.info("There is nothing to delete.", icon=":material/check:")
        return
    _show_plan(plan)


def _show_plan(plan: list[Part]) -> None:
    size = format_bytes(sum(part.size for part in plan))
    table = pd.DataFrame(
        {
            "What": [_KINDS[part.kind] for part in plan],
            "Name": [part.name for part in plan],
            "Size, MB": [part.size / 10**6 for part in plan],
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        height=min(300, 36 * (len(plan) + 1) + 2),
        column_config={"Size, MB": st.column_config.NumberColumn(format="%.2f")},
        alt=f"What would be deleted: {len(plan):,} entries, {size}",
    )
    label = f"Delete {size} for good"
    st.button(label, type="primary", icon=":material/delete_forever:", key="clean_up_now", on_click=_clean_up, args=(plan,))


def _clean_up(plan: list[Part]) -> None:
    _close()
    try:
        before = disk_use(now=True).used
        outcome = carry_out(plan, by=visitor())
        freed = max(0, before - disk_use().used)
    except ValueError as error:  # DatabaseError
        tell("error", escape(str(error)))
        return
    tell_outcome(outcome, f"Cleaned up: {format_bytes(freed)} are free again." if outcome.done else "")


def _describe_parts(use: DiskUse) -> str:
    parts = [
        f"{count(len(use.by_run), 'run')} {'uses' if len(use.by_run) == 1 else 'use'} {format_bytes(sum(use.by_run.values()))}",
        f"{count(len(use.by_deleted), 'deleted run')} {format_bytes(sum(use.by_deleted.values()))}",
    ]
    if use.by_archive:
        parts.append(f"{count(len(use.by_archive), 'archive')} {format_bytes(sum(use.by_archive.values()))}")
    return ", ".join(parts)


def _describe_use(use: DiskUse) -> str:
    used = format_bytes(use.used)
    return f"{used} of {format_bytes(use.limit)}" if math.isfinite(use.limit) else f"{used} used"
