"""The parts of the mutation benchmark that run no tests: mutants, samples, scores, selection."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.benchmarks.mutants import Mutant, draw_sample, enumerate_mutants
from tests.benchmarks.mutation import EQUIVALENTS, SUBJECTS, draw_report, find_tests, key_of, parse_equivalents
from tests.benchmarks.mutation_worker import Unmutated, merge

SOURCE = '''
"""Adds 1 to what is < 2."""
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    LIMIT = 1 + 1

__all__ = ["a"][:1]
Number = int | Float
MASK = READ | WRITE
count: "list[1] | None" = 5


class Box:
    @property
    def size(self, a: int | None = 7) -> float | None:
        # on the next line too
        return cast(int | str, f"{a - 3} things" if not a else a)


def late(x):
    if x < 2:
        return x
    if x < 2:
        return x
    try:
        return x.y
    except (ValueError, KeyError):
        return None
'''


def mutants_of(source: str) -> list[Mutant]:
    return enumerate_mutants(source, "box.py", "boxes")


def changes(source: str) -> set[tuple[str, str]]:
    return {(mutant.before, mutant.after.replace("  ", " ")) for mutant in mutants_of(source)}


def test_types_and_text_are_not_mutated() -> None:
    touched = {mutant.before for mutant in mutants_of(SOURCE)}
    assert touched == {
        "MASK = READ | WRITE",
        'count: "list[1] | None" = 5',
        "@property",
        "def size(self, a: int | None = 7) -> float | None:",
        'return cast(int | str, f"{a - 3} things" if not a else a)',
        "if x < 2:",
        "except (ValueError, KeyError):",
    }
    assert not any("int & None" in mutant.after or "int & str" in mutant.after for mutant in mutants_of(SOURCE))


def test_every_mutant_is_one_change_that_compiles() -> None:
    codes = [mutant.apply(SOURCE) for mutant in mutants_of(SOURCE)]
    assert len(set(codes)) == len(codes)
    for mutant, code in zip(mutants_of(SOURCE), codes, strict=True):
        compile(code, mutant.id, "exec")
        assert len(set(SOURCE.splitlines()) - set(code.splitlines())) <= 1
        assert code.splitlines() != SOURCE.splitlines()


def test_operators_become_others_of_their_kind() -> None:
    assert changes("a = b + c") == {("a = b + c", f"a = b {other} c") for other in ("-", "*", "/", "//", "%", "**")}
    assert changes("a = b is c") == {("a = b is c", "a = b is not c")}
    assert changes("a = -b") == {("a = -b", "a = ~b"), ("a = -b", "a = b")}
    assert changes("a = 2.5") == {("a = 2.5", "a = 3.5"), ("a = 2.5", "a = 1.5")}


def test_a_condition_is_negated_once() -> None:
    assert changes("if not a: b()") == {("if not a: b()", "if a: b()")}
    assert changes("while True: b()") == {("while True: b()", "while False: b()")}
    assert changes("if a: b()") == {("if a: b()", "if not a: b()")}
    assert ("if (a := b()): c()", "if not (a := b()): c()") in changes("if (a := b()): c()")
    assert changes("if a := b(): c()") == set()  # `if not a := b()` is no Python


def test_except_clauses_catch_something_else() -> None:
    source = "try: a()\nexcept (ValueError, OSError): b()"
    assert changes(source) == {
        ("except (ValueError, OSError): b()", "except (ZeroDivisionError, OSError): b()"),
        ("except (ValueError, OSError): b()", "except (ValueError, ZeroDivisionError): b()"),
    }
    assert changes("try: a()\nexcept module.Error: b()") == set()


def test_a_mutant_knows_its_function_and_line() -> None:
    removed = next(mutant for mutant in mutants_of(SOURCE) if mutant.operator == "RemoveDecorator")
    assert (removed.function, removed.line, removed.after) == ("Box.size", 15, "")
    assert list(removed.body) == [18]
    assert {mutant.function for mutant in mutants_of(SOURCE) if mutant.line == 11} == {"(module)"}


def test_ids_survive_changes_elsewhere() -> None:
    moved = {mutant.id for mutant in mutants_of("import os\n\n" + SOURCE.replace("a - 3", "a - b - 3"))}
    kept = {mutant.id for mutant in mutants_of(SOURCE) if "things" not in mutant.before}
    assert kept <= moved
    assert len({mutant.id for mutant in mutants_of(SOURCE)}) == len(mutants_of(SOURCE))  # equal lines of one function included


def many_mutants() -> list[Mutant]:
    small, large = mutants_of("a = b + c\n"), mutants_of("".join(f"a{i} = b + {i}\n" for i in range(40)))
    return [replace(mutant, subject="small", id="small" + mutant.id) for mutant in small] + large


def test_a_sample_depends_only_on_its_seed() -> None:
    mutants = many_mutants()
    sample = draw_sample(mutants, 50, 0)
    assert draw_sample(mutants[::-1], 50, 0) == sample
    assert draw_sample(mutants, 50, 1) != sample
    assert len(draw_sample(mutants, 0, 0)) == len(mutants)


def test_a_sample_is_stratified_and_draws_places_first() -> None:
    sample = draw_sample(many_mutants(), 60, 0)
    assert Counter(mutant.subject for mutant in sample) == {"boxes": 59, "small": 1}  # of 320 mutants and of 6
    assert len({mutant.place for mutant in sample}) == 60


def test_equivalent_mutants_are_read_from_a_table() -> None:
    rows = ("file | function | before | after | reason", "- | - | - | - | -", r"box.py | f | `a \| b` | `a & b` | masks")
    table = "Text | with a bar\n\n" + "".join(f"| {row} |\n" for row in rows)
    assert parse_equivalents(table) == {("box.py", "f", "a | b", "a & b")}
    assert all(len(key) == 4 for key in parse_equivalents(EQUIVALENTS.read_text(encoding="utf-8")))


def test_the_score_leaves_equivalents_out() -> None:
    sample = [replace(mutant, subject="jobs") for mutant in mutants_of("a = b + c\n")]
    outcomes = dict(zip((mutant.id for mutant in sample), ["killed", "killed", "timed out", "survived", "survived"], strict=False))
    results = {id_: {"outcome": outcome} for id_, outcome in outcomes.items()}
    report = draw_report(sample, results, {key_of(sample[0]), key_of(sample[4])})
    assert "| jobs | 5 | 2 | 1 | 1 | 1 | 75.0 % (30–95) | 60.0 % (23–88) |" in report
    assert "1 of 6 mutants have not been tested yet." in report
    survivors, wrong = report.split("## Survivors")[1].split("## Listed as equivalent, but killed")
    assert sample[3].id in survivors
    assert sample[4].id not in report
    assert sample[0].id in wrong


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subjects_own_tests_come_first_and_those_of_the_pages_are_omitted(subject: str) -> None:
    own, others = find_tests(subject)
    assert own
    assert others
    assert not set(own) & set(others)
    assert not any(file.startswith(("tests/browser/", "tests/benchmarks/", "tests/pages/")) for file in own + others)


def test_only_tests_that_execute_the_mutants_function_are_selected() -> None:
    inside = replace(mutants_of("def f():\n    return 1")[0], file="core.py")
    outside = replace(mutants_of("a = 1")[0], file="core.py")
    seconds = {"slow.py::test_a": 9.0, "slow.py::test_b": 1.0, "quick.py::test_c": 2.0, "fixture.py::test_d": 3.0, "other.py::test_e": 4.0}
    first = Unmutated(seconds, {"slow.py::test_a": {("core.py", 2)}, "quick.py::test_c": {("core.py", 1), ("core.py", 3)}})
    second = Unmutated(seconds | {"slow.py::test_a": 5.0}, {"slow.py::test_a": {("core.py", 7)}, "fixture.py": {("core.py", 2)}})
    unmutated = merge([first, second])
    assert unmutated.seconds == seconds
    assert unmutated.select(inside, ["slow.py", "quick.py", "fixture.py"]) == ["fixture.py::test_d", "slow.py::test_a"]
    assert unmutated.select(inside, ["quick.py"]) == []
    assert unmutated.select(outside, ["slow.py", "quick.py"]) == ["quick.py::test_c", "slow.py::test_a", "slow.py::test_b"]
    assert unmutated.select(replace(inside, file="never.py"), ["quick.py"]) == ["quick.py::test_c"]
