"""Clears the room at the end of a lesson, after a confirmation that has to be typed."""

import streamlit as st

from fmnist_core.classroom.archives import new_archive_file
from fmnist_core.exports.clearing import class_runs, clear_room
from fmnist_core.runs.trash import KEPT_DAYS
from pages.parts.shared.visitor import visitor
from pages.parts.shared.wording import count
from pages.parts.teacher.archives import follow

_WORD = "clear"


def show_clearing() -> None:
    """What clearing does, whether to archive first, the confirmation, and the button."""
    st.subheader("Clear the room", anchor=False)
    runs = class_runs()
    st.write(
        f"This stops and deletes {count(len(runs), 'run')} of the class, and forgets everybody's name and stars. Your own runs, imported "
        f"ones and those of the command line stay. Deleted runs can be restored for {KEPT_DAYS} days, on Runs."
    )
    with st.form("clear", border=False), st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        archives = st.checkbox("Archive all runs first", True, key="clear_archives", width="content")
        typed = st.text_input(f"To confirm, type {_WORD}", key="clear_typed", max_chars=20, autocomplete="off", width=220)
        asked = st.form_submit_button("Clear the room", icon=":material/cleaning_services:")
    if asked and typed.strip().lower() != _WORD:
        st.error(f"Nothing was cleared: type {_WORD} into the field, then press the button.", icon=":material/warning:")
    elif asked and follow(clear_room(by=visitor(), archive=new_archive_file() if archives else None), "archived or deleted"):
        st.success("The room is clear.", icon=":material/check:")
