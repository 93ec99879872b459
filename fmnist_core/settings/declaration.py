"""How a setting is declared, once, in its dataclass field: forms, flags, captions and errors are made from that."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["whole", "decimal", "choice", "switch", "class"]
Scale = Literal["linear", "log"]
Metadata = dict[str, "Setting"]


@dataclass(frozen=True)
class Setting:
    """What is declared of one setting.

    Attributes:
        kind: a whole number, a decimal number, one of several choices, on or off, or the index of a class.
        label: what a form calls it.
        help: what it does, in a sentence or two.
        noun: what an error calls it, as in "The batch size 0 is out of range".
        lowest, highest: the range of a number.
        scale: "log" where multiplying by ten is one step, else "linear".
        example: a number that is a good start, as text.
        choices: label by value.
        none_means: what None stands for, in one word; "" where None is not allowed.
        name: that of its field, in Python, JSON and links.
    """

    kind: Kind
    label: str
    help: str
    noun: str
    lowest: float = 0
    highest: float = 0
    scale: Scale = "linear"
    example: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    none_means: str = ""
    name: str = ""

    def check(self, value: Any) -> None:
        """Raises ValueError, with a sentence that quotes the value and says what to choose, if this setting does not allow it."""
        if value is None and self.none_means:
            return
        match self.kind:
            case "whole" | "class":
                self._check_whole(value)
            case "decimal":
                self._check_decimal(value)
            case "choice":
                if value not in self.choices:
                    raise ValueError(f"The {self.noun} {value!r} is not known: choose {' or '.join(self.choices)}.")
            case "switch":
                if not isinstance(value, bool):
                    raise ValueError(f"{self.noun[:1].upper()}{self.noun[1:]} must be true or false, not {value!r}.")

    def _check_whole(self, value: Any) -> None:
        lowest, highest = int(self.lowest), int(self.highest)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"The {self.noun} must be a whole number, not {value!r}: choose one from {lowest} to {highest:,}.")
        if not lowest <= value <= highest:
            raise ValueError(f"The {self.noun} {value:,} is out of range: choose one from {lowest} to {highest:,}.")

    def _check_decimal(self, value: Any) -> None:
        is_number = not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
        if self.scale == "linear":
            if not is_number or not self.lowest <= value <= self.highest:
                raise ValueError(f"The {self.noun} must be a number from {self.lowest:g} to {self.highest:g}, not {value!r}.")
            return
        start = f"{self.example} is a good start"
        if not is_number:
            raise ValueError(f"The {self.noun} must be a number, not {value!r}: choose one such as {self.example}.")
        if value > self.highest:
            raise ValueError(f"The {self.noun} {value:g} is far too high: choose at most {self.highest:g}; {start}.")
        if value < self.lowest:
            raise ValueError(f"The {self.noun} {value:g} is too low to learn anything: choose at least {as_decimal(self.lowest)}; {start}.")

    def read_decimal(self, text: str) -> float:
        """The number that a person typed, with a point or a comma; raises ValueError, with a sentence, if it is not a number."""
        try:
            return float(text.strip().replace(",", "."))
        except ValueError:
            raise ValueError(f'The {self.noun} "{text[:40]}" is not a number: choose one such as {self.example}.') from None

    def suggestions(self, lowest_power: int, highest_power: int) -> tuple[float, ...]:
        """Values to choose from on a logarithmic scale: 1 and 3 times every power of ten."""
        return tuple(float(f"{digit}e{power}") for power in range(lowest_power, highest_power + 1) for digit in (1, 3))


def whole_number(label: str, noun: str, lowest: int, highest: int, help: str, *, kind: Kind = "whole", none_means: str = "") -> Metadata:
    """The metadata of a field that holds a whole number."""
    return {"setting": Setting(kind, label, help, noun, lowest, highest, none_means=none_means)}


def decimal(label: str, noun: str, lowest: float, highest: float, help: str, *, example: str, scale: Scale = "linear") -> Metadata:
    """The metadata of a field that holds a decimal number."""
    return {"setting": Setting("decimal", label, help, noun, lowest, highest, scale, example)}


def choice(label: str, noun: str, choices: Mapping[str, str], help: str) -> Metadata:
    """The metadata of a field that holds one of several words; `choices` says what a form calls each."""
    return {"setting": Setting("choice", label, help, noun, choices=choices)}


def switch(label: str, noun: str, help: str) -> Metadata:
    """The metadata of a field that is on or off."""
    return {"setting": Setting("switch", label, help, noun)}


def as_decimal(number: float) -> str:
    """A number the way a class writes it, such as "0.000001" and not "1e-06"."""
    return f"{number:.12f}".rstrip("0").rstrip(".")
