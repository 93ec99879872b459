"""What the teacher has limited for this lesson, in words, where a run is asked for and where one waits."""

import contextlib

import streamlit as st

from fmnist_core.classroom.lesson import ALLOWED, Lesson, lesson
from fmnist_core.runs.record import RunRecord
from fmnist_core.settings.config import MAX_EPOCHS
from fmnist_core.settings.presets import find_preset
from fmnist_core.store.database import DatabaseError
from pages.parts.shared.visitor import visitor
from pages.parts.shared.wording import count

HELD = "Waiting until the teacher lets new runs start"


def show_lesson_limits() -> None:
    """The limits that bind the visitor, before they ask for a run that would be refused."""
    with contextlib.suppress(DatabaseError):
        limits = [] if visitor().is_teacher else lesson_limits(lesson())
        if limits:
            st.info(f"In this lesson: {'; '.join(limits)}.", icon=":material/school:")


def lesson_limits(now: Lesson) -> list[str]:
    """What differs from a lesson without limits."""
    limits = []
    if now.max_epochs < MAX_EPOCHS:
        limits.append(f"at most {count(now.max_epochs, 'epoch')} per run")
    if now.presets is not None:
        names = " or ".join(find_preset(key).name for key in now.presets)
        limits.append(f"only the settings of {names} ({ALLOWED[0].lower()}{ALLOWED[1:-1]})")
    if now.max_minutes is not None:
        limits.append(f"a run stops after {count(now.max_minutes, 'minute')} of training")
    return limits


def is_held(run: RunRecord) -> bool:
    """Whether the run waits because the teacher has paused new runs."""
    with contextlib.suppress(DatabaseError):
        return run.state == "waiting" and lesson().paused
    return False
