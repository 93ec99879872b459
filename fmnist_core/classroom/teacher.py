"""The teacher: whoever knows the PIN. Without a PIN the machine is one person's own, and everybody may do everything."""

import os


def has_pin() -> bool:
    """Whether a PIN is set, so that people may only change what is theirs."""
    return bool(os.environ.get("FMNIST_TEACHER_PIN", "").strip())


def is_teacher(person_id: str) -> bool:  # noqa: ARG001
    """Whether this person may do everything."""
    return not has_pin()
