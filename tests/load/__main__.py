"""`python -m tests.load` measures the dashboard under a class: a row of a table for each figure, then the raw figures.

It starts servers of its own on temporary folders and kills them at the end. Nothing else should be running; the first line prints the
load.
"""

import argparse
import asyncio
import importlib
import logging
import os
import time

from tests.load.figures import Outcome, describe_problems
from tests.load.options import Options

PARTS = {
    "class": "in_class",
    "first-looks": "first_looks",
    "two-runs": "two_runs",
    "rush": "rush",
    "memory": "memory",
    "start": "first_page",
    "board": "board",
}


def measure(part: str, options: Options) -> Outcome:
    """Runs one part."""
    outcome: Outcome = asyncio.run(importlib.import_module(f"tests.load.{PARTS[part]}").run(options))
    return outcome


def main(arguments: list[str] | None = None) -> None:
    """Runs the chosen parts and prints what they have measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure; default: everything")
    parser.add_argument("--sessions", type=int, default=None, help="how many students; default: 30")
    parser.add_argument("--seconds", type=float, default=None, help="how long each part measures, about; default: 60")
    parser.add_argument("--small", action="store_true", help="5 sessions, 10 seconds, small data: the form that the tests run")
    chosen = parser.parse_args(arguments)
    options = Options(chosen.sessions or (5 if chosen.small else 30), chosen.seconds or (10 if chosen.small else 60), chosen.small)
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {options.sessions} sessions, {options.seconds:.0f} s")
    print("| what | reach | measured |\n| --- | --- | --- |", flush=True)
    told = []
    for part in chosen.part:
        began_s = time.monotonic()
        outcome = measure(part, options)
        print("\n".join(row.line() for row in outcome.rows), flush=True)
        told += ["", f"{part} ({time.monotonic() - began_s:.0f} s)", *(f"  {line}" for line in outcome.raw)]
        told += [f"  {line}" for line in describe_problems(outcome.problems)]
    print("\n".join(told))


if __name__ == "__main__":
    main()
