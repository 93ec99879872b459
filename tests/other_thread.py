"""Event loops in tests that may follow tests of Playwright, which leaves a loop running in their thread."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def call_in_other_thread(work: Callable[[], Result]) -> Result:
    """What this returns, or raises, in a thread of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def run_coroutine(work: Coroutine[Any, Any, Result]) -> Result:
    """`asyncio.run`, in a thread of its own."""
    return call_in_other_thread(lambda: asyncio.run(work))
