import re
from dataclasses import fields

import pytest

from fmnist_core.settings.config import SETTINGS, TrainConfig
from fmnist_core.settings.declaration import Setting, as_decimal

RATE = Setting("decimal", "Rate", "", "rate", 0.001, 100, "log", "0.01")
SHARE = Setting("decimal", "Share", "", "share", 0, 0.5)
COUNT = Setting("whole", "Count", "", "count", 1, 2_000)
CLASS = Setting("class", "Class", "", "class", 0, 9, none_means="none")
KIND = Setting("choice", "Kind", "", "kind", choices={"plain": "Plain", "odd": "Odd"})
SWITCH = Setting("switch", "Mixing", "", "mixing of labels")


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        (RATE, [0.001, 1, 100, 2.5]),
        (SHARE, [0, 0.5]),
        (COUNT, [1, 2_000]),
        (CLASS, [None, 0, 9]),
        (KIND, ["plain", "odd"]),
        (SWITCH, [True, False]),
    ],
)
def test_values_in_range_are_allowed(setting: Setting, values: list[object]) -> None:
    for value in values:
        setting.check(value)


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        (RATE, 100.5, "The rate 100.5 is far too high: choose at most 100; 0.01 is a good start."),
        (RATE, 0.0009, "The rate 0.0009 is too low to learn anything: choose at least 0.001; 0.01 is a good start."),
        (RATE, float("nan"), "The rate must be a number, not nan: choose one such as 0.01."),
        (RATE, float("inf"), "The rate must be a number, not inf: choose one such as 0.01."),
        (RATE, True, "The rate must be a number, not True: choose one such as 0.01."),
        (RATE, "1", "The rate must be a number, not '1': choose one such as 0.01."),
        (RATE, None, "The rate must be a number, not None: choose one such as 0.01."),
        (SHARE, 0.51, "The share must be a number from 0 to 0.5, not 0.51."),
        (SHARE, -0.01, "The share must be a number from 0 to 0.5, not -0.01."),
        (SHARE, False, "The share must be a number from 0 to 0.5, not False."),
        (COUNT, 0, "The count 0 is out of range: choose one from 1 to 2,000."),
        (COUNT, 2_001, "The count 2,001 is out of range: choose one from 1 to 2,000."),
        (COUNT, 1.0, "The count must be a whole number, not 1.0: choose one from 1 to 2,000."),
        (COUNT, True, "The count must be a whole number, not True: choose one from 1 to 2,000."),
        (COUNT, None, "The count must be a whole number, not None: choose one from 1 to 2,000."),
        (CLASS, 10, "The class 10 is out of range: choose one from 0 to 9."),
        (KIND, "strange", "The kind 'strange' is not known: choose plain or odd."),
        (SWITCH, 1, "Mixing of labels must be true or false, not 1."),
    ],
)
def test_any_other_value_is_refused_with_a_reason(setting: Setting, value: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        setting.check(value)


@pytest.mark.parametrize(("text", "number"), [("0.01", 0.01), (" 0,5 ", 0.5), ("1e-3", 0.001)])
def test_a_person_may_type_a_point_or_a_comma(text: str, number: float) -> None:
    assert RATE.read_decimal(text) == number


def test_text_that_is_not_a_number_is_quoted_in_part() -> None:
    with pytest.raises(ValueError, match=r'^The rate "x{40}" is not a number: choose one such as 0\.01\.$'):
        RATE.read_decimal("x" * 50)


def test_suggestions_are_one_and_three_times_each_power_of_ten() -> None:
    assert RATE.suggestions(-2, 0) == (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


@pytest.mark.parametrize(("number", "text"), [(1e-6, "0.000001"), (0.5, "0.5"), (100.0, "100"), (0.0, "0")])
def test_numbers_are_written_as_in_a_classroom(number: float, text: str) -> None:
    assert as_decimal(number) == text


def test_every_field_of_a_config_is_a_documented_setting() -> None:
    assert list(SETTINGS) == [field.name for field in fields(TrainConfig)]
    for name, setting in SETTINGS.items():
        assert setting.name == name
        assert setting.label
        assert setting.noun
        assert setting.help.endswith(".")
        setting.check(getattr(TrainConfig(), name))


def test_labels_are_unique() -> None:
    labels = [setting.label for setting in SETTINGS.values()]
    assert len(set(labels)) == len(labels)
