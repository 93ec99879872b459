"""Runs commands of the command line in this process, with what they print."""

import contextlib
import io

from fmnist_core.__main__ import main


def run_command(arguments: list[str]) -> tuple[int, str, str]:
    """The exit code of a command, what it prints, and what it prints on standard error; both must be UTF-8, as for a terminal."""
    printed, complaint = _Terminal(), _Terminal()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complaint):
        try:
            code = main(arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, printed.text(), complaint.text()


class _Terminal(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode()
