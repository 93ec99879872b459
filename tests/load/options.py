"""What can be chosen on the command line."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How large the load is.

    Attributes:
        sessions: how many students there are.
        seconds: how long each part measures, about.
        small: the form that the tests run: small data, few repetitions.
    """

    sessions: int = 30
    seconds: float = 60.0
    small: bool = False
