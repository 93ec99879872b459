"""SECURITY.md names tests for everything it promises; here, that they exist."""

import re

import pytest

from tests.conftest import ROOT
from tests.faults.__main__ import PARTS

_TRUSTED = "whoever starts the server"
_ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| who or what"))
]


def test_the_table_is_read() -> None:
    assert len(_ROWS) > 20
    assert {len(row) for row in _ROWS} == {5}


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row[0][:40])
def test_every_threat_has_tests_that_exist(row: list[str]) -> None:
    tested_in = row[-1]
    files = [ROOT / name for name in re.findall(r"`(tests/[^`]+)`", tested_in)]
    faults = re.findall(r"`([a-z]+)`", tested_in.partition("faults ")[2])
    assert (files or faults) or row[0] == _TRUSTED
    for file in files:
        assert list(file.rglob("test_*.py")) if file.is_dir() else "\ndef test_" in file.read_text(encoding="utf-8"), file
    assert set(faults) <= PARTS.keys()
