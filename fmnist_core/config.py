"""What a training run is asked to do; checks itself."""

import math
from dataclasses import asdict, dataclass
from typing import Any

MAX_EPOCHS = 200
MAX_BATCH_SIZE = 10_000
MAX_LEARNING_RATE = 100.0
MIN_LEARNING_RATE = 1e-8
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a run; the defaults are the article's.

    Raises:
        ValueError: on creation, with a sentence that quotes the bad value and says what to choose.
    """

    epochs: int = 5
    batch_size: int = 100
    learning_rate: float = 0.001
    seed: int = 0

    def __post_init__(self) -> None:
        _check_whole("number of epochs", self.epochs, 1, MAX_EPOCHS)
        _check_whole("batch size", self.batch_size, 1, MAX_BATCH_SIZE)
        _check_whole("seed", self.seed, 0, MAX_SEED)
        rate = self.learning_rate
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not math.isfinite(rate):
            raise ValueError(f"The learning rate must be a number, not {rate!r}: choose one such as 0.001.")
        if rate > MAX_LEARNING_RATE:
            raise ValueError(f"The learning rate {rate:g} is far too high: choose at most {MAX_LEARNING_RATE:g}; 0.001 is a good start.")
        if rate < MIN_LEARNING_RATE:
            raise ValueError(
                f"The learning rate {rate:g} is too low to learn anything: choose at least {MIN_LEARNING_RATE:g}; 0.001 is a good start."
            )

    def to_json(self) -> dict[str, Any]:
        """The settings by name, for `json.dump`."""
        return asdict(self)

    @classmethod
    def from_json(cls, settings: dict[str, Any]) -> "TrainConfig":
        """The config of what `to_json` gave; raises ValueError if a setting is unknown or bad."""
        unknown = sorted(set(settings) - set(cls.__dataclass_fields__))
        if unknown:
            raise ValueError(f"The settings hold something unknown: {', '.join(unknown)}.")
        return cls(**settings)


def _check_whole(name: str, value: int, lowest: int, highest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"The {name} must be a whole number, not {value!r}: choose one from {lowest} to {highest:,}.")
    if not lowest <= value <= highest:
        raise ValueError(f"The {name} {value:,} is out of range: choose one from {lowest} to {highest:,}.")
