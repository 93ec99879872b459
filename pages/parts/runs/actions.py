"""What can be done with the chosen runs: open, star, rename, note, delete."""

from collections.abc import Callable, Sequence

import streamlit as st

from fmnist_core.classroom.notes import MAX_NOTE_LENGTH, star, write_note
from fmnist_core.classroom.people import Person
from fmnist_core.classroom.run_changes import Outcome, delete_runs, rename_run
from fmnist_core.runs.names import MAX_NAME_LENGTH
from pages.parts.runs.messages import list_names, tell, tell_outcome
from pages.parts.runs.rows import Row
from pages.parts.runs.selection import choose_runs
from pages.parts.shared.closed_pages import show_page_link
from pages.parts.shared.visitor import visitor
from pages.parts.shared.wording import count, escape

UNDO = "deleted_last"
_NAME, _NOTE, _FILLED_FOR = "new_name", "new_note", "edited_runs"
_PAGES = (
    ("train", "Train", ":material/show_chart:"),
    ("evaluate", "Evaluate", ":material/rule:"),
    ("look_inside", "Look inside", ":material/biotech:"),
    ("predict", "Predict", ":material/draw:"),
)


def show_actions(rows: Sequence[Row], person: Person) -> None:
    """Buttons and fields for the chosen runs."""
    ids = [row.run.id for row in rows]
    own = [row for row in rows if (person.is_teacher or row.is_mine) and not row.run.is_starter]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="run_actions"):
        if len(rows) == 1:
            _show_links(rows[0])
        if not all(row.is_starred for row in rows):
            st.button("Star", icon=":material/star:", key="star", on_click=_star, args=(ids, True))
        if any(row.is_starred for row in rows):
            st.button("Remove star", icon=":material/star_border:", key="unstar", on_click=_star, args=(ids, False))
        label = "Delete" if len(rows) == 1 else f"Delete {count(len(own), 'run')}"
        own_ids = [row.run.id for row in own]
        st.button(label, icon=":material/delete:", key="delete", on_click=delete_chosen, args=(own_ids,), disabled=not own)
    if own:
        _show_fields(own)
    if any(row.run.is_starter for row in rows):
        st.caption("The starter model comes with the dashboard, and stays as it is.")
    _show_not_ones_own([row for row in rows if row not in own and not row.run.is_starter], is_only=len(rows) == 1)


def _show_not_ones_own(rows: Sequence[Row], *, is_only: bool) -> None:
    """Which of the chosen runs this person cannot change."""
    if len(rows) == 1:
        which = "This run" if is_only else escape(rows[0].name)
        st.caption(f"{which} is not yours: only its owner and the teacher can rename, note or delete it.")
    elif rows:
        which = list_names([row.name for row in rows])
        st.caption(f"{which} are not yours: only their owners and the teacher can rename, note or delete them.")


def _show_links(row: Row) -> None:
    """Links to the pages that can show the run."""
    for page, label, icon in _PAGES:
        if (page == "train" and row.run.is_starter) or (page != "train" and not row.run.has_weights):
            continue
        show_page_link(page, label, icon, {"run": row.run.id})


def _show_fields(own: Sequence[Row]) -> None:
    """A field for the name and one for the note; of several runs, each gets the name with a number, and all the same note."""
    ids = [row.run.id for row in own]
    if st.session_state.get(_FILLED_FOR) != ids:
        st.session_state[_FILLED_FOR] = ids
        st.session_state[_NAME] = own[0].name if len(own) == 1 else ""
        st.session_state[_NOTE] = own[0].note if len({row.note for row in own}) == 1 else ""
    several = f" of {count(len(own), 'run')}" if len(own) > 1 else ""
    left, right = st.columns(2)
    with left.form("rename", border=False), st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        help = "Each gets this name with a number." if several else None
        st.text_input(f"Name{several}", key=_NAME, max_chars=MAX_NAME_LENGTH, persist_state="session", help=help)
        st.form_submit_button("Rename", key="rename_button", on_click=_rename, args=(ids,))
    with right.form("note", border=False), st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            f"Note{several}", key=_NOTE, max_chars=MAX_NOTE_LENGTH, persist_state="session", placeholder="Everyone in this room can read it"
        )
        st.form_submit_button("Save the note", key="note_button", on_click=_note, args=(ids,))


def _star(run_ids: list[str], is_starred: bool) -> None:
    _try(lambda: star(run_ids, is_starred, by=visitor()))


def delete_chosen(run_ids: list[str]) -> None:
    """Deletes these runs, in a callback; the page then offers to undo it."""

    def delete() -> None:
        outcome = delete_runs(run_ids, by=visitor())
        st.session_state[UNDO] = outcome.done
        choose_runs([])
        tell_outcome(outcome, "")

    _try(delete)


def _rename(run_ids: list[str]) -> None:
    name = st.session_state[_NAME].strip()

    def rename(run_id: str) -> None:
        number = f" {1 + run_ids.index(run_id)}" if len(run_ids) > 1 else ""
        rename_run(run_id, f"{name[: MAX_NAME_LENGTH - len(number)]}{number}" if name else "", by=visitor())

    _for_each(run_ids, rename, "Renamed")


def _note(run_ids: list[str]) -> None:
    _for_each(run_ids, lambda run_id: write_note(run_id, st.session_state[_NOTE], by=visitor()), "Saved the note of")


def _for_each(run_ids: list[str], do: Callable[[str], object], done: str) -> None:
    outcome = Outcome()
    for run_id in run_ids:
        try:
            do(run_id)
            outcome.done.append(run_id)
        except ValueError as error:  # RunError and DatabaseError
            outcome.refused[run_id] = str(error)
    tell_outcome(outcome, f"{done} {count(len(outcome.done), 'run')}." if len(run_ids) > 1 and outcome.done else "")
    st.session_state.pop(_FILLED_FOR, None)


def _try(do: Callable[[], object]) -> None:
    try:
        do()
    except ValueError as error:  # RunError and DatabaseError
        tell("error", escape(str(error)))
