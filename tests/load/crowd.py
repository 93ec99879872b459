"""Many students at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie

from tests.load.browser import PATIENCE_S
from tests.load.figures import Tally
from tests.load.student import Habit, Student

THINK_S = 3.0
_ARRIVE_EVERY_S = 0.1


@asynccontextmanager
async def crowd(
    port: int, habits: Sequence[Habit], tally: Tally, *, first: SimpleCookie | None = None, seed: int = 0
) -> AsyncIterator[list[Student]]:
    """One student for each habit; they arrive one after the other, and have opened their pages when the block begins.

    They leave at its end, but not before each click has had time to be answered once; who had no answer is counted among the problems.

    Args:
        first: the cookies of the first student; the others are new.
    """
    students = [
        Student(port, habit, tally, 1000 * seed + number, THINK_S, first if number == 0 else None) for number, habit in enumerate(habits)
    ]
    tasks: list[asyncio.Task[None]] = []
    try:
        for student in students:
            tasks.append(asyncio.create_task(student.work()))
            await asyncio.sleep(_ARRIVE_EVERY_S)
        while not all(student.is_in or task.done() for student, task in zip(students, tasks, strict=True)):
            await asyncio.sleep(_ARRIVE_EVERY_S)
        yield students
        for _ in range(int(PATIENCE_S / _ARRIVE_EVERY_S)):
            if all(student.answered or task.done() for student, task in zip(students, tasks, strict=True)):
                break
            await asyncio.sleep(_ARRIVE_EVERY_S)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for student in students:
            if not student.answered:
                tally.problems[f"{student.habit.name}: a session without an answer"] += 1
