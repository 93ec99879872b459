"""`python -m tests.faults` tries every part and prints how many faults it tried, how many held, and each that did not."""

import argparse
import importlib
import os
import sys
import time

from tests.faults.report import Report

PARTS = {
    "runs": "damaged_runs",
    "pictures": "damaged_pictures",
    "data": "damaged_data",
    "texts": "texts",
    "kills": "kills",
    "resumes": "resumes",
    "clock": "clock",
    "events": "long_events",
    "homes": "homes",
    "queue": "crowds",
    "database": "databases",
    "dispatches": "dispatches",
}
_PROGRESS_EVERY_S = 30


def _print_broken(line: str) -> None:
    print(f"  BROKEN {line}", flush=True)


class _Progress:
    """Prints what has been tried so far, now and then, and not among the results."""

    def __init__(self) -> None:
        self._printed_s = time.monotonic()

    def __call__(self, line: str) -> None:
        if time.monotonic() - self._printed_s >= _PROGRESS_EVERY_S:
            self._printed_s = time.monotonic()
            print(f"  so far, {line}", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Tries the chosen parts and returns 1 if anything did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), help="what to try; default: everything")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is chosen at random")
    parser.add_argument("--small", action="store_true", help="small numbers: the form that the tests run")
    options = parser.parse_args(arguments)
    os.environ["OMP_NUM_THREADS"] = "1"  # forked children cannot use the threads of their parent
    broken = 0
    for name in options.part:
        began_s = time.monotonic()
        report = Report(name, announce=_print_broken, progress=_Progress())
        importlib.import_module(f"tests.faults.{PARTS[name]}").run(report, options.seed, small=options.small)
        print("\n".join(report.lines()), f"  ({time.monotonic() - began_s:.0f} s)", sep="\n", flush=True)
        broken += len(report.broken)
    return 1 if broken else 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a thread that still reads an endless file must not keep this process
