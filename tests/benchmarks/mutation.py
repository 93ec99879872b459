"""How good the tests are: `python -m tests.benchmarks.mutation > report.md` puts single faults into the core and counts those they catch.

cosmic-ray's operators make the faults, each a mutant of one file; `tests.benchmarks.mutants` says which. A seeded sample is tested, every
mutant in a new process and a copy of the working tree: first by its subject's own tests, and if it survives by all others of the core. The
pages' tests are left out: a fault in the core is for the core's tests to notice, and of the first 40 that were noticed they noticed two
alone. Progress goes to standard error and the report to standard output. Each result is added to a file of JSON lines, from which an
interrupted benchmark continues.

mutmut 3.8.1 was the alternative. It mutates only what is inside functions, hardly any function with a decorator, and tests mutants in forks
of a process that has imported PyTorch, whose threads do not survive a fork.
"""

import argparse
import json
import math
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.mutants import Mutant, draw_sample, enumerate_mutants
from tests.benchmarks.mutation_worker import ROOT, Result, Worker, merge

# Each subject's source files and the tests that should notice a fault in them, as patterns from the repository's root.
SUBJECTS: dict[str, tuple[list[str], list[str]]] = {
    subject: ([f"fmnist_core/{package}/*.py" for package in packages], [f"tests/{package}/test_*.py" for package in packages])
    for subject, packages in {
        "training": ["training"],
        "evaluation": ["evaluation"],
        "runs": ["runs", "store"],
        "jobs": ["jobs"],
        "pictures": ["pictures"],
    }.items()
}
NEVER_RUN = ("tests/browser/", "tests/benchmarks/", "tests/pages/")
EQUIVALENTS = Path(__file__).with_name("equivalent_mutants.md")

EquivalentKey = tuple[str, str, str, str]  # file, function, line before, line after


def find_mutants(subjects: Iterable[str]) -> list[Mutant]:
    """All mutants of the subjects' source files."""
    files = [(subject, file) for subject in subjects for file in _expand(SUBJECTS[subject][0])]
    return [mutant for subject, file in files for mutant in enumerate_mutants((ROOT / file).read_text(encoding="utf-8"), file, subject)]


def find_tests(subject: str) -> tuple[list[str], list[str]]:
    """Test files in the order in which a subject's mutants meet them: the subject's own, then all others of the core."""
    own = _expand(SUBJECTS[subject][1])
    return own, [file for file in _expand(["tests/**/test_*.py"]) if file not in own and not file.startswith(NEVER_RUN)]


def _expand(patterns: Iterable[str]) -> list[str]:
    files = {pattern: [file.relative_to(ROOT).as_posix() for file in sorted(ROOT.glob(pattern))] for pattern in patterns}
    if unmatched := [pattern for pattern, matches in files.items() if not matches]:
        raise SystemExit(f"No file is {', '.join(unmatched)}: SUBJECTS in {__file__} needs a correction.")
    return [file for matches in files.values() for file in matches]


def run_mutants(mutants: Sequence[Mutant], crew: Sequence[Worker], results_file: Path, *, own_only: bool) -> None:
    """Tests the mutants, one per worker at a time, and appends each result to the file at once.

    Raises:
        SystemExit: if the tests do not pass without a mutant.
    """
    stages = {subject: find_tests(subject)[: 1 if own_only else 2] for subject in {mutant.subject for mutant in mutants}}
    files = sorted({file for of_subject in stages.values() for stage in of_subject for file in stage})
    free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
    for worker in crew:
        free.put(worker)

    def test(mutant: Mutant) -> Result | None:
        worker = free.get()
        try:
            return worker.test(mutant, [unmutated.select(mutant, stage) for stage in stages[mutant.subject]], unmutated)
        finally:
            free.put(worker)

    with ThreadPoolExecutor(len(crew)) as pool:
        try:
            _say(f"Running the unmutated tests in {len(files)} files, in {len(crew)} copies of the tree at once …")
            unmutated = merge(pool.map(lambda worker: worker.run_unmutated(files), crew))
            _say(f"They pass, in {sum(unmutated.seconds.values()):.0f} s. Testing {len(mutants)} mutants; results in {results_file}")
            started = time.monotonic()
            futures = [pool.submit(test, mutant) for mutant in mutants]
            for done, future in enumerate(as_completed(futures), 1):
                if (result := future.result()) is not None:
                    with results_file.open("a", encoding="utf-8") as opened:
                        opened.write(json.dumps(result, ensure_ascii=False) + "\n")
                    left_min = (time.monotonic() - started) / done * (len(mutants) - done) / 60
                    what = f"{result['outcome']} in {result['seconds']:.0f} s, {result['file']}:{result['line']} {result['function']}"
                    _say(f"{done}/{len(mutants)}, {left_min:.0f} min left: {what}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in crew:
                worker.stop()
            raise


def read_results(file: Path) -> dict[str, Result]:
    """The newest result of each mutant, by the mutant's id."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {result["id"]: result for result in map(json.loads, lines)}


def parse_equivalents(text: str) -> set[EquivalentKey]:
    """The mutants of a Markdown table whose columns are file, function, line before, line after and reason; `\\|` is a bar in code."""
    rows = [re.split(r"(?<!\\)\|", line.strip())[1:-1] for line in text.splitlines() if line.startswith("|")]
    cells = [[re.sub(r"^`(.*)`$", r"\1", cell.strip()).replace(r"\|", "|") for cell in row] for row in rows[2:]]
    return {(file, function, before, after) for file, function, before, after, _reason in cells}


def key_of(mutant: Mutant) -> EquivalentKey:
    """What identifies a mutant in the table of equivalent mutants; the line number does not, because it changes."""
    return mutant.file, mutant.function, mutant.before, mutant.after


def draw_report(sample: Sequence[Mutant], results: dict[str, Result], equivalents: Collection[EquivalentKey]) -> str:
    """A table of the subjects, and then each survivor on a line, in Markdown."""
    outcomes: dict[str, str] = {mutant.id: results[mutant.id]["outcome"] for mutant in sample if mutant.id in results}
    listed = [mutant for mutant in sample if key_of(mutant) in equivalents]
    wrong = [mutant for mutant in listed if outcomes.get(mutant.id) in ("killed", "timed out")]
    outcomes |= {mutant.id: "equivalent" for mutant in listed if mutant not in wrong}
    columns = ("subject", "mutants", "killed", "timed out", "survived", "equivalent", "score", "raw score")
    lines = [f"| {' | '.join(columns)} |", "| --- |" + " ---: |" * (len(columns) - 1)]
    for subject in (*(name for name in SUBJECTS if any(mutant.subject == name for mutant in sample)), "all"):
        counts = Counter(outcomes[mutant.id] for mutant in sample if mutant.id in outcomes and subject in (mutant.subject, "all"))
        killed, tested = counts["killed"] + counts["timed out"], counts.total()
        figures = (tested, counts["killed"], counts["timed out"], counts["survived"], counts["equivalent"])
        scores = (_score(killed, tested - counts["equivalent"]), _score(killed, tested))
        lines.append(f"| {subject} | {' | '.join(map(str, figures + scores))} |")
    lines += [
        "",
        "Mutants that timed out count as killed. The score leaves equivalent mutants out, the raw score counts them as survivors;",
    ]
    lines += ["in brackets are the 95 % intervals of random samples of this size."]
    if len(outcomes) < len(sample):
        lines += ["", f"{len(sample) - len(outcomes)} of {len(sample)} mutants have not been tested yet."]
    survivors = [mutant for mutant in sample if outcomes.get(mutant.id) == "survived"]
    for title, mutants in (("Survivors", survivors), ("Listed as equivalent, but killed", wrong)):
        if mutants:
            lines += ["", f"## {title}", ""]
            lines += [f"- {describe(mutant)}" for mutant in sorted(mutants, key=lambda mutant: (mutant.file, mutant.line, mutant.id))]
    return "\n".join(lines)


def describe(mutant: Mutant) -> str:
    """A mutant on one line."""
    where = f"{mutant.id} {mutant.file}:{mutant.line} {mutant.function}, {mutant.operator}"
    return f"{where}: `{mutant.before}` → `{mutant.after or '(removed)'}`"


def _score(killed: int, mutants: int) -> str:
    """A share with its 95 % confidence interval for samples of this size (Wilson)."""
    if not mutants:
        return "–"
    share, z = killed / mutants, 1.96
    middle = share + z**2 / (2 * mutants)
    reach = z * math.sqrt(share * (1 - share) / mutants + z**2 / (4 * mutants**2))
    low, high = (100 * end / (1 + z**2 / mutants) for end in (middle - reach, middle + reach))
    return f"{100 * share:.1f} % ({low:.0f}–{high:.0f})"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    of_sample = "how many mutants to draw, 0 for all; stratified: each subject gets its share by its number of mutants (default: 300)"
    parser.add_argument("--sample", type=int, default=300, metavar="N", help=of_sample)
    parser.add_argument("--seed", type=int, default=0, help="draws another sample (default: 0)")
    parser.add_argument("--only", choices=SUBJECTS, action="append", help="draw from this subject only; may be repeated")
    parser.add_argument("--ids", nargs="+", metavar="ID", help="test only these mutants, whatever the sample, even if they have results")
    parser.add_argument("--own", action="store_true", help="run only the subject's own tests: quicker, but more mutants survive")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), metavar="N", help="mutants at a time (default: one per core)")
    parser.add_argument(
        "--results", type=Path, metavar="FILE", help="file that results are added to; mutants already in it are not tested again"
    )
    parser.add_argument("--deselect", nargs="+", default=[], metavar="TEST", help="leave out a test that this machine cannot pass")
    parser.add_argument("--list", action="store_true", help="print the sample and test nothing")
    return parser.parse_args()


def main() -> None:
    options = _parse_options()
    mutants = find_mutants(options.only or SUBJECTS)
    equivalents = parse_equivalents(EQUIVALENTS.read_text(encoding="utf-8"))
    sample = draw_sample(mutants, options.sample, options.seed)
    if options.ids:
        sample = [mutant for mutant in mutants if mutant.id in options.ids]
        if unknown := set(options.ids) - {mutant.id for mutant in sample}:
            raise SystemExit(f"No mutant has the id {', '.join(sorted(unknown))}.")
    if not options.only:
        for key in sorted(equivalents - {key_of(mutant) for mutant in mutants}):
            _say(f"{EQUIVALENTS.name} lists a mutant that does not exist: {' | '.join(key)}")
    if options.list:
        print("\n".join(map(describe, sample)))
        return
    results_file = options.results or Path(tempfile.gettempdir(), f"mutation-{time.strftime('%Y%m%d-%H%M%S')}.jsonl")
    results = read_results(results_file)
    waiting = [mutant for mutant in sample if options.ids or not (mutant.id in results or key_of(mutant) in equivalents)]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="mutation-", ignore_cleanup_errors=True) as folder:
            if waiting:
                crew = [Worker(Path(folder, str(number)), options.deselect) for number in range(options.workers)]
                run_mutants(waiting, crew, results_file, own_only=options.own)
    except KeyboardInterrupt:
        _say(f"Interrupted; start again with --results {results_file} to continue.")
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    drawn = "chosen by id" if options.ids else f"drawn with seed {options.seed}"
    tests = "the subjects' own tests only" if options.own else "all tests of the core"
    tests += f" and {len(options.deselect)} deselected" if options.deselect else ""
    print(f"{len(sample)} of {len(mutants):,} mutants, {drawn}; {tests}; commit {commit}, cosmic-ray {version('cosmic-ray')}.\n")
    print(draw_report(sample, read_results(results_file), equivalents))


if __name__ == "__main__":
    main()
