"""The question for the teacher's PIN."""

import streamlit as st

from fmnist_core.classroom.teacher import PinError, read_pin, sign_in
from fmnist_core.store.database import DatabaseError
from pages.parts.shared.visitor import visitor
from pages.parts.shared.wording import escape

_TYPED, _REFUSED = "typed_pin", "pin_refused"


def show_pin_form() -> None:
    """A field for the PIN, and why the last one was refused."""
    problem = read_pin().problem
    if problem:
        st.warning(escape(problem), icon=":material/warning:")
    st.write("With the teacher's PIN, this page stops runs, sets limits, closes pages and sends exercises to every screen.")
    with st.form("pin", border=False), st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input("PIN", type="password", key=_TYPED, max_chars=100, autocomplete="off", width=220)
        st.form_submit_button("Sign in", type="primary", icon=":material/login:", on_click=_sign_in)
    refused = st.session_state.pop(_REFUSED, "")
    if refused:
        st.error(escape(refused), icon=":material/lock:")


def _sign_in() -> None:
    typed = st.session_state[_TYPED]
    st.session_state[_TYPED] = ""
    try:
        sign_in(visitor().id, typed)
    except (PinError, DatabaseError) as error:
        st.session_state[_REFUSED] = str(error)
