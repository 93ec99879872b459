"""The rows of the table of runs: what is known about each run, searched, filtered and sorted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fmnist_core.classroom.notes import notes, stars
from fmnist_core.classroom.ownership import Ownership
from fmnist_core.runs.durations import trained_s
from fmnist_core.runs.record import LIVE_STATES, RunRecord, State
from fmnist_core.runs.setting_words import describe_data, describe_preset
from fmnist_core.store.text import fold

STARTER_NAME = "Starter model"
NO_OWNER = "–"
STATES: dict[str, tuple[State, ...]] = {
    "Any state": (),
    "Still training": LIVE_STATES,
    "Finished": ("finished",),
    "Ended early": ("stopped", "failed", "interrupted"),
    "Diverged": ("diverged",),
}


@dataclass(frozen=True)
class Row:
    """A run as the table shows it.

    Attributes:
        owner: what its owner is called; "–" if nobody owns it.
        is_starred: whether the visitor has starred it; `stars` counts everybody's.
        preset: the nearest preset and what differs from it.
        data: the images it is trained on.
        trained_s: seconds of training; None if that is not known.
    """

    run: RunRecord
    name: str
    owner: str
    is_mine: bool
    note: str
    is_starred: bool
    stars: int
    preset: str
    data: str
    trained_s: float | None

    @property
    def state(self) -> str:
        """The state, and how far it came if it did not come to its end."""
        run = self.run
        return run.state if run.state == "finished" else f"{run.state}, {run.epoch} of {run.epochs}"


def make_rows(runs: Sequence[RunRecord], ownership: Ownership) -> list[Row]:
    """A row for each run, in the same order; raises DatabaseError if notes and stars cannot be read."""
    texts, starred = notes(), stars()

    def make_row(run: RunRecord) -> Row:
        given = starred.get(run.id, frozenset())
        return Row(
            run=run,
            name=STARTER_NAME if run.is_starter else run.name,
            owner=ownership.name_of_owner(run) if ownership.is_owner_known(run) else NO_OWNER,
            is_mine=ownership.is_mine(run),
            note=texts.get(run.id, ""),
            is_starred=ownership.person in given,
            stars=len(given),
            preset=describe_preset(run.full_config),
            data=describe_data(run.config),
            trained_s=trained_s(run),
        )

    return [make_row(run) for run in runs]


def matches(row: Row, words: Sequence[str]) -> bool:
    """Whether each of these words, folded, is a part of something that the table shows."""
    if not words:
        return True
    text = fold(" ".join((row.name, row.owner, row.note, row.preset, row.data, row.run.state, row.run.id)))
    return all(word in text for word in words)


SORTS: dict[str, tuple[Callable[[Row], object], bool]] = {  # by what, and whether the largest comes first
    "Newest first": (lambda row: (not row.run.is_starter, row.run.created_at, row.run.id), True),
    "Oldest first": (lambda row: (row.run.is_starter, row.run.created_at, row.run.id), False),
    "Most accurate first": (lambda row: -1.0 if row.run.test_accuracy is None else row.run.test_accuracy, True),
    "Longest training first": (lambda row: row.trained_s or 0.0, True),
    "By name": (lambda row: row.name.casefold(), False),
    "By owner": (lambda row: (row.owner == NO_OWNER, row.owner.casefold(), row.name.casefold()), False),
    "By preset": (lambda row: row.preset.casefold(), False),
}
