"""How the names that people give their runs are cleaned."""

import pytest

from fmnist_core.runs.names import clean_name


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("Team blue", "Team blue"),
        ("  a\tb\n\nc \x07 d ", "a b c d"),
        ("Größe 48 · 👟", "Größe 48 · 👟"),
        ("👩\u200d🔬 and 🇨🇭", "👩\u200d🔬 and 🇨🇭"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 60),
        ("x" * 58 + "👩\u200d🔬", "x" * 58),
        ("\u200b", ""),
        (" \u202e\x00 ", ""),
    ],
)
def test_a_name_is_one_line_of_at_most_sixty_characters(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned
