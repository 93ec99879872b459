"""Who is looking, and what is theirs: the person whose browser sent the server's cookie, or, without cookies, this session."""

import dataclasses
import secrets

import streamlit as st

from fmnist_core.classroom.ownership import Ownership, load_ownership
from fmnist_core.classroom.people import Person, load_person, person_id
from fmnist_core.classroom.permission import may_change
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


def whose_runs() -> Ownership:
    """Whose runs are whose, as the visitor sees it; where the database cannot be read, what the runs' own records say."""
    person = visitor()
    try:
        return load_ownership(person)
    except DatabaseError:
        return Ownership(person.id)


def can_change(run_id: str) -> bool:
    """Whether to show the visitor what changes a run; the core checks again when they use it."""
    try:
        return may_change(visitor(), run_id)
    except DatabaseError:
        return visitor().is_teacher


def _secret() -> str:
    """The secret in the browser's cookie; a browser that keeps no cookies gets one for this session."""
    sent = st.context.cookies.get(COOKIE)
    if isinstance(sent, str) and is_secret(sent):  # in AppTest it is not text
        return sent
    kept: str = st.session_state.setdefault(_KEPT, secrets.token_urlsafe(24))
    return kept
