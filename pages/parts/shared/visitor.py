"""Who is looking: the person whose browser sent the cookie that the server gave it, or, without cookies, this session."""

import dataclasses
import secrets

import streamlit as st

from fmnist_core.classroom.people import Person, load_person, person_id
from fmnist_core.classroom.teacher import has_pin, is_teacher
from fmnist_core.store.database import DatabaseError
from pages.parts.shared.visitor_cookie import COOKIE, is_secret

_KEPT = "visitor"


def visitor() -> Person:
    """The person who looks at this page; where the database cannot be read, without a name."""
    person = Person(person_id(_secret()))
    try:
        person = load_person(person.id)
        return dataclasses.replace(person, is_teacher=is_teacher(person.id))
    except DatabaseError:
        return dataclasses.replace(person, is_teacher=not has_pin())


def _secret() -> str:
    """The secret in the browser's cookie; a browser that keeps no cookies gets one for this session."""
    sent = st.context.cookies.get(COOKIE)
    if isinstance(sent, str) and is_secret(sent):  # in AppTest it is not text
        return sent
    kept: str = st.session_state.setdefault(_KEPT, secrets.token_urlsafe(24))
    return kept
