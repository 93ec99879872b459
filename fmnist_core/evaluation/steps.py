"""Long computations as generators of the share that is done, so that whoever runs one can report it, or stop."""

from collections.abc import Callable, Generator
from typing import TypeVar

Result = TypeVar("Result")
Steps = Generator[float, None, Result]  # yields shares from 0 to 1, returns the result


def finish(steps: Steps[Result]) -> Result:
    """Runs such a computation to its end and returns its result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result


def finish_unless(steps: Steps[Result], is_over: Callable[[], bool]) -> Result | None:
    """Runs such a computation to its end and returns its result, or None if `is_over` says between two steps that nobody waits for it."""
    while not is_over():
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
    steps.close()
    return None
