"""Starting further processes of this project: the same commands that a person can type."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO


def launch(arguments: Sequence[str], *, stdin: int, stderr: "int | BinaryIO") -> "subprocess.Popen[bytes]":
    """Starts `python -m fmnist_core` with these arguments, detached, so that Ctrl-C in this process does not end it.

    Raises:
        OSError: if the system starts no more processes.
    """
    command = [sys.executable, "-m", "fmnist_core", *arguments]
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent.parent), os.environ.get("PYTHONPATH", "")])
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        detached = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return subprocess.Popen(command, env=environment, stdin=stdin, stdout=subprocess.DEVNULL, stderr=stderr, **detached)
