"""The visitor's name: asked by a button in the header, which stands out until it is answered, and then changes the name at any time.

The question opens over the page, so that nothing on it moves when it is answered.
"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fmnist_core.classroom.people import MAX_PERSON_NAME, Person, rename_person
from fmnist_core.store.database import DatabaseError
from pages.parts.shared.visitor import visitor
from pages.parts.shared.wording import escape

VISIBILITY = "Your name, your runs and which page you have open are visible to everyone in this room."
_QUESTION = "What should we call you?"
_ANSWER, _CHANGED = "asked_name", "changed_name"
_WAS_ASKED, _PROBLEM, _TIMES_SAVED = "name_was_asked", "name_problem", "name_times_saved"


def show_name(header: DeltaGenerator, *, asks: bool = True) -> None:
    """The button in the header that asks for the visitor's name, until that is answered or skipped; from then on it changes the name.

    Args:
        asks: whether this page may ask.
    """
    person = visitor()
    with header:
        if person.was_asked or st.session_state.get(_WAS_ASKED) or not asks:
            _show_button(person)
        else:
            _show_question()
    problem = st.session_state.pop(_PROBLEM, "")
    if problem:
        st.error(f"Your name was not saved. {escape(problem)}", icon=":material/warning:")


def _show_question() -> None:
    question = st.popover("Your name?", icon=":material/person:", type="primary", wrap=False, key="name_question")
    with question, st.form("ask_name", border=False):
        st.text_input(_QUESTION, max_chars=MAX_PERSON_NAME, key=_ANSWER, placeholder="team blue")
        with st.container(horizontal=True, gap="small"):
            st.form_submit_button("Save", type="primary", on_click=_save, args=(_ANSWER,))
            st.form_submit_button("Skip", on_click=_save)
        st.markdown(VISIBILITY)


def _show_button(person: Person) -> None:
    """The name, which opens a field to change it."""
    label = escape(person.name) or "Your name"
    key = f"name_{st.session_state.get(_TIMES_SAVED, 0)}"  # another key closes it
    with st.popover(label, icon=":material/person:", type="tertiary", wrap=False, key=key), st.form("change_name", border=False):
        st.text_input(_QUESTION, person.name, max_chars=MAX_PERSON_NAME, key=_CHANGED, placeholder="team blue")
        st.form_submit_button("Save", on_click=_save, args=(_CHANGED,))
        st.markdown(VISIBILITY)


def _save(field: str = "") -> None:
    """Remembers the name in a field, or, without one, that the question was skipped. Whatever happens, this session is not asked again."""
    st.session_state[_WAS_ASKED] = True
    st.session_state[_TIMES_SAVED] = 1 + st.session_state.get(_TIMES_SAVED, 0)
    try:
        rename_person(visitor(), st.session_state[field] if field else "")
    except DatabaseError as error:
        st.session_state[_PROBLEM] = str(error)
