"""Claims: which process trains a run, and whether that process is still alive."""

import os
from pathlib import Path
from typing import Any

import psutil

from fmnist_core.store.files import create_once, read_json


def this_process() -> dict[str, float]:
    """What identifies this process, even if a later one gets the same PID."""
    process = psutil.Process()
    return {"pid": process.pid, "create_time": process.create_time()}


def is_alive(process: dict[str, Any]) -> bool:
    """Whether exactly this process is running: PIDs are reused, but not with the same creation time."""
    try:
        found = psutil.Process(int(process["pid"]))
        return abs(found.create_time() - process["create_time"]) < 1 and found.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def take_claim(folder: Path) -> Path | None:
    """Claims the run in this folder for this process and returns the claim's file; None if another process is training it."""
    numbers = [int(file.stem.removeprefix("claim-")) for file in folder.glob("claim-*.json")]
    newest = max(numbers, default=0)
    owner = read_json(folder / f"claim-{newest}.json")
    if owner.get("pid") == os.getpid():
        return folder / f"claim-{newest}.json"
    mine = folder / f"claim-{newest + 1}.json"
    return None if (owner and is_alive(owner)) or not create_once(mine, this_process()) else mine
