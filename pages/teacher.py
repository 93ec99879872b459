"""Teacher: what trains, limits and closed pages, what is sent to every screen, archives, and clearing the room."""

from datetime import datetime

import streamlit as st

from fmnist_core.classroom.teacher import NAME, read_pin, sign_out, signed_in_until
from fmnist_core.store.database import DatabaseError
from pages.parts.shared.visitor import visitor
from pages.parts.shared.wording import escape
from pages.parts.teacher.archives import show_archives
from pages.parts.teacher.clearing import show_clearing
from pages.parts.teacher.limits import show_limits
from pages.parts.teacher.pin_form import show_pin_form
from pages.parts.teacher.sending import show_sending
from pages.parts.teacher.trainings import show_trainings


def show_who_is_teacher() -> None:
    """Whether there is a PIN, and until when it need not be typed again."""
    pin = read_pin()
    if pin.problem:
        st.warning(escape(pin.problem), icon=":material/warning:")
    if not pin.is_set:
        st.info(
            "**No PIN is set**, so this machine is its owner's own: everybody who can open these pages may do everything here, and limits "
            f"have no effect. For a class, stop the dashboard and start it with a PIN in the environment variable `{NAME}`, or write the "
            f'line `{NAME} = "…"` into the file `.streamlit/secrets.toml`. Then people can only change their own runs.',
            icon=":material/lock_open:",
        )
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        until = datetime.fromtimestamp(signed_in_until(person.id))
        st.markdown(f"You are the teacher in this browser until {until:%H:%M}.", width="content")
        st.button("Sign out", icon=":material/logout:", key="sign_out", on_click=sign_out, args=(person.id,))


st.title("Teacher")
person = visitor()
if not person.is_teacher:
    show_pin_form()
    st.stop()
try:
    show_who_is_teacher()
    show_trainings()
    show_limits()
    show_sending()
    show_archives()
    show_clearing()
except DatabaseError as error:
    st.error(escape(str(error)), icon=":material/warning:")
