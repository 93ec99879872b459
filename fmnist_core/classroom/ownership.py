"""Whose runs are whose, as one person sees it: their own first, and others' with their owners' names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fmnist_core.classroom.people import MAX_PERSON_NAME, NOBODY_NAME, Person, names_of
from fmnist_core.classroom.permission import owners
from fmnist_core.runs.record import RunRecord
from fmnist_core.store.text import shorten


@dataclass(frozen=True)
class Ownership:
    """Who is looking, and whose each run is.

    Attributes:
        person: the id of whoever is looking.
        owners: the id of each run's owner, by the run's id; of other runs, what their own records say.
        names: what owners are called, by their ids, each name only once.
    """

    person: str
    owners: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def owner_of(self, run: RunRecord) -> str:
        """The id of a run's owner; "" if nobody owns it."""
        return self.owners.get(run.id, run.owner)

    def is_mine(self, run: RunRecord) -> bool:
        """Whether a run is that of whoever is looking."""
        return self.person != "" and self.owner_of(run) == self.person

    def name_of_owner(self, run: RunRecord) -> str:
        """What a run's owner is called now; "somebody" if they have no name, or took it back, or nobody owns it.

        Of an imported run, which nobody owns, what its owner was called where it comes from, and that it is imported.
        """
        owner = self.owner_of(run)
        if run.id in self.owners:
            return self.names.get(owner) or NOBODY_NAME
        if owner:
            return self.names.get(owner, run.owner_name) or NOBODY_NAME
        return f"{shorten(run.owner_name, MAX_PERSON_NAME)} (imported)" if run.owner_name else NOBODY_NAME

    def is_owner_known(self, run: RunRecord) -> bool:
        """Whether somebody owns a run here, or owned it where it was imported from."""
        return bool(self.owner_of(run) or run.owner_name)

    def sort(self, runs: Iterable[RunRecord]) -> list[RunRecord]:
        """The runs in the order of every list: those of whoever is looking, then the starter, then those of others."""
        return sorted(runs, key=lambda run: 0 if self.is_mine(run) else 1 if run.is_starter else 2)


def load_ownership(person: Person) -> Ownership:
    """Whose runs are whose, as this person sees it; raises DatabaseError if the database cannot be used."""
    known = owners()
    return Ownership(person.id, known, names_of(known.values()))
