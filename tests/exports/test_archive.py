"""Archives of runs: written, imported elsewhere, and refused if they hold anything that does not belong there."""

import io
import json
import os
import random
import shutil
import stat
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from fmnist_core import __main__ as command_line
from fmnist_core.classroom.archives import list_archives, new_archive_file
from fmnist_core.classroom.notes import notes, write_note
from fmnist_core.classroom.people import LOCAL, Person, person_id, rename_person
from fmnist_core.classroom.permission import NotAllowedError, note_owner, owner_of
from fmnist_core.exports import archive_check
from fmnist_core.exports.archive import Progress, write_archive
from fmnist_core.exports.archive_check import ArchiveError
from fmnist_core.exports.archive_import import import_archive
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.disk import DiskUse
from fmnist_core.runs.event_log import event_to_json, read_events
from fmnist_core.runs.folders import RunError, home_folder, list_run_ids, run_folder, runs_folder
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig

ANNA, STUDENT = Person(person_id("secret of Anna"), "Anna"), Person(person_id("a student's secret"))
RUN = "20260102-030405-abcd"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another home folder, which is in use once a test asks for it."""
    folder = tmp_path / "elsewhere"
    monkeypatch.setenv("FMNIST_HOME", str(folder))
    return folder


def archived(*run_ids: str, file: Path) -> Path:
    """An archive of these runs."""
    assert not [step for step in write_archive(run_ids, file) if step.problem]
    return file


def made(changes: Mapping[str, bytes | None] | None = None, run_id: str = RUN) -> dict[str, bytes]:
    """The entries of a good archive with one run; None removes one."""
    about = {"name": "Small", "config": TrainConfig().to_json(), "created_at": "2026-01-02T03:04:05+00:00"}
    status = {"state": "stopped", "epoch": 0, "test_accuracy": None, "message": ""}
    manifest = {"format": "fashion-mnist-dashboard-runs", "version": 1, "created_at": "2026-01-02T03:04:05+00:00"}
    entries: dict[str, bytes | None] = {
        "manifest.json": json.dumps(manifest | {"runs": [{"id": run_id, "name": "Small"}]}).encode(),
        f"runs/{run_id}/config.json": json.dumps(about).encode(),
        f"runs/{run_id}/status.json": json.dumps(status).encode(),
    }
    entries |= changes or {}
    return {name: content for name, content in entries.items() if content is not None}


def zipped(file: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file


def imported(file: Path) -> list[Progress]:
    return list(import_archive(file, by=LOCAL))


def assert_nothing_was_written() -> None:
    assert list_run_ids() == []
    assert not (home_folder() / "importing").exists()


def test_a_run_is_the_same_elsewhere(trained_run: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note_owner(trained_run.id, ANNA.id)
    rename_person(ANNA, "Anna")
    write_note(trained_run.id, "a note", by=LOCAL)
    events = [event_to_json(event) for event in read_events(trained_run.folder)[0]]
    file = archived(trained_run.id, file=tmp_path / "deep" / "runs.zip")
    monkeypatch.setenv("FMNIST_HOME", str(tmp_path / "elsewhere"))
    assert imported(file) == [Progress(1, 1, trained_run.id, "Small run")]
    run = load_run(trained_run.id)
    assert run.folder.is_relative_to(tmp_path / "elsewhere")
    assert (run.name, run.config, run.state, run.test_accuracy) == ("Small run", trained_run.config, "finished", trained_run.test_accuracy)
    assert (run.owner, run.owner_name, owner_of(run.id)) == ("", "Anna", ""), "the owner is a name only"
    assert [event_to_json(event) for event in read_events(run.folder)[0]] == events
    assert notes() == {run.id: "a note"}
    for name in (
        "checkpoints/epoch-001.safetensors",
        "checkpoints/resume.safetensors",
        "answers/epoch-001.safetensors",
        "likeness.safetensors",
        "evaluation.json",
    ):
        assert (run.folder / name).read_bytes() == (trained_run.folder / name).read_bytes()


def test_what_belongs_to_a_process_is_left_out(trained_run: RunRecord, tmp_path: Path) -> None:
    (trained_run.folder / "commands.jsonl").write_text("{}\n")
    (trained_run.folder / "my notes.txt").write_text("x")
    with zipfile.ZipFile(archived(trained_run.id, file=tmp_path / "runs.zip")) as archive:
        names = {name.rpartition("/")[2] for name in archive.namelist()}
        assert archive.testzip() is None
        assert archive.getinfo(f"runs/{trained_run.id}/checkpoints/epoch-001.safetensors").compress_type == zipfile.ZIP_STORED
        assert archive.getinfo(f"runs/{trained_run.id}/events.jsonl").compress_type == zipfile.ZIP_DEFLATED
    assert names == {
        "manifest.json",
        "config.json",
        "status.json",
        "live.json",
        "evaluation.json",
        "events.jsonl",
        "epoch-001.safetensors",
        "resume.safetensors",
        "likeness.safetensors",
    }


def test_a_run_that_is_here_already_stays_as_it_is(trained_run: RunRecord, tmp_path: Path) -> None:
    file = archived(trained_run.id, file=tmp_path / "runs.zip")
    (trained_run.folder / "mine").write_text("kept")
    assert imported(file) == [Progress(1, 1, trained_run.id, "Small run", "It is here already.")]
    assert (trained_run.folder / "mine").read_text() == "kept"


def test_an_imported_run_can_be_continued(small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig(epochs=1), "Waiting")
    RunWriter(run_id).end("stopped")
    file = archived(run_id, file=tmp_path / "runs.zip")
    monkeypatch.setenv("FMNIST_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("FMNIST_DATA", str(small_data))
    assert command_line.main(["import", str(file)]) == 0
    assert load_run(run_id).is_resumable
    assert command_line.main(["train", "--resume", run_id]) == 0
    assert load_run(run_id).state == "finished"


def test_a_live_run_is_archived_as_it_is_and_elsewhere_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig(), "Live")
    writer = RunWriter(run_id)
    writer.change_state("training")
    file = archived(run_id, file=tmp_path / "runs.zip")
    writer.end("stopped")
    monkeypatch.setenv("FMNIST_HOME", str(tmp_path / "elsewhere"))
    imported(file)
    assert load_run(run_id).state == "interrupted"


def test_a_run_that_waited_does_not_begin_to_train_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig(), "Waiting", queued=True)
    file = archived(run_id, file=tmp_path / "runs.zip")
    monkeypatch.setenv("FMNIST_HOME", str(tmp_path / "elsewhere"))
    imported(file)
    run = load_run(run_id)
    assert (run.state, run.is_queued, run.is_resumable) == ("interrupted", False, True)


def test_a_damaged_run_is_left_out_of_an_archive(tmp_path: Path) -> None:
    good, bad = create_run(TrainConfig(), "Good"), create_run(TrainConfig(), "Bad")
    (run_folder(bad) / "config.json").write_text("{")
    steps = list(write_archive([bad, good], tmp_path / "runs.zip"))
    assert [(step.run_id, "config.json cannot be read" in step.problem) for step in steps] == [(bad, True), (good, False)]
    with zipfile.ZipFile(tmp_path / "runs.zip") as archive:
        assert not [name for name in archive.namelist() if bad in name]


def test_an_archive_that_is_not_finished_leaves_no_file(tmp_path: Path) -> None:
    runs = [create_run(TrainConfig(), name) for name in ("a", "b")]
    steps = write_archive(runs, tmp_path / "archives" / "runs.zip")
    assert next(steps).done == 1
    steps.close()
    assert list((tmp_path / "archives").iterdir()) == []


def test_an_archive_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="was not written"):
        list(write_archive([create_run(TrainConfig())], tmp_path / "file" / "runs.zip"))


def test_an_archive_leaves_room_on_the_disk_for_what_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    (run_folder(run_id) / "events.jsonl").write_bytes(bytes(1_000_000))
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=200_500_000))
    with pytest.raises(RunError, match=r"^An archive of 1[.]1 MB is too large: 200\.5 MB are left on the disk of .*home\.$"):
        list(write_archive([run_id], new_archive_file()))
    assert list_archives() == []
    list(write_archive([run_id], tmp_path / "on-another-disk.zip"))
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=202_000_000))
    list(write_archive([run_id], new_archive_file()))
    assert len(list_archives()) == 1


def test_archives_are_listed_newest_first() -> None:
    assert list_archives() == []
    first = new_archive_file()
    first.parent.mkdir(parents=True)
    second = first.with_name("fashion-mnist-runs-99990101-000000.zip")
    for file in (first, second, first.with_name("other.zip")):
        file.write_bytes(b"")
    assert list_archives() == [second, first]


def test_only_the_teacher_imports(tmp_path: Path) -> None:
    with pytest.raises(NotAllowedError, match="Only the teacher"):
        list(import_archive(zipped(tmp_path / "a.zip", made()), by=STUDENT))
    assert_nothing_was_written()


def test_a_good_archive_that_another_program_packed_is_imported(tmp_path: Path) -> None:
    entries = {"runs/": b"", f"runs/{RUN}/": b"", f"runs/{RUN}/checkpoints/": b""} | made()
    assert imported(zipped(tmp_path / "a.zip", entries, zipfile.ZIP_DEFLATED)) == [Progress(1, 1, RUN, "Small")]
    with zipped(tmp_path / "b.zip", made(run_id="20260102-030405-0000")).open("rb") as opened:
        assert [step.problem for step in import_archive(opened, by=LOCAL)] == [""]
    assert sorted(list_run_ids()) == ["20260102-030405-0000", RUN]


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        f"runs/{RUN}/../../evil",
        f"runs/{RUN}/checkpoints/../../../../evil",
        "/etc/evil",
        "C:/evil",
        f"runs\\{RUN}\\config.json",
        f"runs/{RUN}/checkpoints\\..\\evil",
        "//server/share/evil",
        "runs/../config.json",
        "runs/starter/config.json",
        "runs/UPPER/config.json",
        f"runs/{RUN}/config.json/",
        f"runs/{RUN}/trainer.lock",
        f"runs/{RUN}/.config.json.tmp",
        f"runs/{RUN}/commands.jsonl",
        f"runs/{RUN}/CONFIG.JSON",
        f"runs/{RUN}/checkpoints/epoch-1.safetensors",
        f"runs/{RUN}/checkpoints/weights.pkl",
        f"runs/{RUN}/events.jsonl:stream",
        "classroom.sqlite3",
        "__MACOSX/x",
        "\u202egnp.exe",
    ],
)
def test_other_names_are_refused_and_nothing_is_imported(name: str, tmp_path: Path) -> None:
    file = zipped(tmp_path / "a.zip", made() | {name: b"x"})
    with pytest.raises(ArchiveError, match="Nothing was imported"):
        imported(file)
    assert_nothing_was_written()
    assert not list(tmp_path.rglob("evil"))


def test_a_name_that_a_reader_would_cut_short_is_refused(tmp_path: Path) -> None:
    file = zipped(tmp_path / "a.zip", made() | {f"runs/{RUN}/live.json.evil": b"x"})
    file.write_bytes(file.read_bytes().replace(b"live.json.evil", b"live.json\0evil"))
    with pytest.raises(ArchiveError, match="hides another"):
        imported(file)
    assert_nothing_was_written()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    file = zipped(tmp_path / "a.zip", made())
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(f"runs/{RUN}/config.json", b"{}")
    with pytest.raises(ArchiveError, match="twice"):
        imported(file)
    assert_nothing_was_written()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFDIR])
def test_links_and_devices_are_refused(kind: int, tmp_path: Path) -> None:
    file = zipped(tmp_path / "a.zip", made())
    with zipfile.ZipFile(file, "a") as archive:
        entry = zipfile.ZipInfo(f"runs/{RUN}/live.json")
        entry.external_attr = (kind | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(ArchiveError, match="a link or a device"):
        imported(file)
    assert_nothing_was_written()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(method: int, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="compressed in a way"):
        imported(zipped(tmp_path / "a.zip", made(), method))


@pytest.mark.parametrize("name", ["manifest.json", f"runs/{RUN}/status.json"])
def test_encrypted_files_are_refused(name: str, tmp_path: Path) -> None:
    file = zipped(tmp_path / "a.zip", made())
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        index = archive.namelist().index(name)
    at = -1
    for _ in range(index + 1):
        at = content.index(b"PK\1\2", at + 1)
    content[at + 8] |= 1
    file.write_bytes(content)
    with pytest.raises(ArchiveError, match="is encrypted"):
        imported(file)
    assert_nothing_was_written()


def test_a_zip_bomb_is_refused_before_anything_is_unpacked(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "a.zip", made({f"runs/{RUN}/events.jsonl": bytes(50_000_000)}), zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 100_000
    with pytest.raises(ArchiveError, match=r"would grow to 50 MB, more than 50 times its size"):
        imported(bomb)
    assert_nothing_was_written()


def test_a_file_that_is_larger_than_the_archive_says_is_not_written_further(tmp_path: Path) -> None:
    """Its size is understated in both places where a zip file has it."""
    name, real, said = f"runs/{RUN}/events.jsonl", 9_000_000, 100
    file = zipped(tmp_path / "a.zip", made({name: bytes(real)}), zipfile.ZIP_DEFLATED)
    content = file.read_bytes()
    assert content.count(struct.pack("<L", real)) == 2
    file.write_bytes(content.replace(struct.pack("<L", real), struct.pack("<L", said)))
    (step,) = imported(file)
    assert "damaged in the archive" in step.problem
    assert_nothing_was_written()


def test_files_and_archives_over_the_limits_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = zipped(tmp_path / "a.zip", made({f"runs/{RUN}/status.json": os.urandom(1_100_000)}))
    with pytest.raises(ArchiveError, match=r"has 1.1 MB, more than 1 MB"):
        imported(large)
    monkeypatch.setattr(archive_check, "MAX_TOTAL_BYTES", 500)
    with pytest.raises(ArchiveError, match="unpacked, the archive has"):
        imported(zipped(tmp_path / "b.zip", made()))
    monkeypatch.setattr(archive_check, "MAX_FILES", 2)
    with pytest.raises(ArchiveError, match="more than 2 files"):
        imported(zipped(tmp_path / "c.zip", made()))
    assert_nothing_was_written()


@pytest.mark.parametrize(("limit", "free"), [(5_000, 1e12), (1e12, 200_005_000)])
def test_an_archive_that_there_is_no_room_for_is_refused(
    limit: float, free: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runs' own limit counts, and what has to stay free so that runs which train can be saved."""
    monkeypatch.setattr(archive_check, "disk_use", lambda **_: DiskUse({"a": 1000}, {}, {}, limit, free))
    file = zipped(tmp_path / "a.zip", made({f"runs/{RUN}/live.json": bytes(6_000)}))
    with pytest.raises(ArchiveError, match=r"7 KB are needed, and [45] KB of the disk may be used"):
        imported(file)
    assert_nothing_was_written()


def test_a_list_of_files_that_would_fill_the_memory_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = zipped(tmp_path / "a.zip", made())
    monkeypatch.setattr(archive_check, "_MAX_LIST_BYTES", 100)
    monkeypatch.setattr(zipfile, "ZipFile", None)  # it would read the list
    with pytest.raises(ArchiveError, match="more than 150,000 files"):
        imported(file)


def test_the_list_of_an_archive_above_4_gb_is_measured_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such an archive has a second record at its end; this one is written by the library because its limit is lowered."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("manifest.json", b"{}")
    content.seek(-10, os.SEEK_END)
    content.write(bytes(4))  # the size that the first record says
    assert zipfile.ZipFile(content).namelist() == ["manifest.json"], "the second record counts"
    assert archive_check.check_size_of_list(content) == len(content.getvalue())
    monkeypatch.setattr(archive_check, "_MAX_LIST_BYTES", 20)
    with pytest.raises(ArchiveError, match="files"):
        archive_check.check_size_of_list(content)


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({}, "no manifest"),
        (made({"manifest.json": None}), "no manifest"),
        (made({"manifest.json": b"{"}), "not an archive of runs"),
        (made({"manifest.json": b"[" * 100_000}), "not an archive of runs"),
        (
            made({"manifest.json": b'{"format": "other", "version": 1, "created_at": "2026-01-01T00:00Z", "runs": []}'}),
            "not an archive",
        ),
    ],
)
def test_other_zip_files_are_refused(entries: dict[str, bytes], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=sentence):
        imported(zipped(tmp_path / "a.zip", entries))
    assert_nothing_was_written()


@pytest.mark.parametrize("content", [b"", b"PK", b"\x89PNG" * 100, b"PK\5\6" + bytes(17), b"x" * 100 + b"PK\5\6" + bytes(16) + b"\1\0c"])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ArchiveError, match="zip file"):
        imported(tmp_path / "a.zip")


@pytest.mark.parametrize(
    "changes",
    [
        {f"runs/{RUN}/config.json": None},
        {f"runs/{RUN}/config.json": b"{"},
        {f"runs/{RUN}/config.json": b"[1]"},
        {f"runs/{RUN}/config.json": b'{"name": "x", "config": {"epochs": 0}, "created_at": "2026-01-01"}'},
    ],
)
def test_a_damaged_run_is_left_out_and_the_others_imported(changes: dict[str, bytes | None], tmp_path: Path) -> None:
    other = "20260102-030405-0001"
    file = zipped(tmp_path / "a.zip", made(changes) | {name: content for name, content in made(run_id=other).items() if other in name})
    assert {step.run_id: bool(step.problem) for step in imported(file)} == {RUN: True, other: False}
    assert list_run_ids() == [other]


def test_names_and_owners_of_others_are_shown_as_text_only(tmp_path: Path) -> None:
    manifest = json.loads(made()["manifest.json"])
    manifest["runs"][0] |= {"name": "a\u202eb\n\x1b[31m", "owner_name": "<b>$x$</b>\n" + "y" * 900}
    about = json.loads(made()[f"runs/{RUN}/config.json"]) | {"owner": ANNA.id, "owner_name": "Ben"}
    changes = {"manifest.json": json.dumps(manifest).encode(), f"runs/{RUN}/config.json": json.dumps(about).encode()}
    (step,) = imported(zipped(tmp_path / "a.zip", made(changes)))
    assert step.name == "ab [31m"
    assert load_run(RUN).owner == ""
    assert load_run(RUN).owner_name == ("<b>$x$</b> " + "y" * 900)[:200]


def test_bytes_changed_at_random_give_a_sentence_or_runs(tmp_path: Path) -> None:
    good = zipped(tmp_path / "good.zip", made(), zipfile.ZIP_DEFLATED).read_bytes()
    draw, refused = random.Random(0), 0
    for _ in range(300):
        content = bytearray(good)
        for _ in range(draw.randint(1, 4)):
            content[draw.randrange(len(content))] = draw.randrange(256)
        file = tmp_path / "a.zip"
        file.write_bytes(content[: draw.randint(1, len(content))] if draw.random() < 0.2 else content)
        try:
            imported(file)
        except RunError:
            refused += 1
        for run_id in list_run_ids():
            load_run(run_id)
            shutil.rmtree(runs_folder() / run_id)
    assert refused > 100
    assert_nothing_was_written()


def test_what_a_killed_import_left_is_deleted_by_the_next(tmp_path: Path) -> None:
    left = home_folder() / "importing" / "0123456789abcdef" / RUN
    left.mkdir(parents=True)
    (left / "config.json").write_text("{}")
    imported(zipped(tmp_path / "a.zip", made()))
    assert not left.exists()


def test_an_import_that_is_stopped_keeps_what_it_has(tmp_path: Path) -> None:
    other = "20260102-030405-0001"
    file = zipped(tmp_path / "a.zip", made() | {name: content for name, content in made(run_id=other).items() if other in name})
    steps = import_archive(file, by=LOCAL)
    first = next(steps)
    steps.close()
    assert list_run_ids() == [first.run_id]
    assert not (home_folder() / "importing").exists()


def test_the_command_line_archives_and_imports(
    trained_run: RunRecord, tmp_path: Path, elsewhere: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "runs.zip"
    monkeypatch.setenv("FMNIST_HOME", str(home))
    assert command_line.main(["archive", str(file), "no-such-run"]) == 1
    assert not file.exists()
    assert command_line.main(["archive", str(file)]) == 0
    monkeypatch.setenv("FMNIST_HOME", str(elsewhere))
    capsys.readouterr()
    assert command_line.main(["import", str(file)]) == 0
    assert capsys.readouterr().out == f"1/1  {trained_run.id}   Small run\n"
    assert command_line.main(["import", str(file)]) == 1
    assert "It is here already." in capsys.readouterr().err
    assert command_line.main(["evaluate", trained_run.id, "--json"]) == 0
    assert command_line.main(["import", str(tmp_path / "missing.zip")]) == 1


def test_a_name_that_was_taken_back_is_not_archived(tmp_path: Path) -> None:
    anna = rename_person(ANNA, "Anna")
    run_id = create_run(TrainConfig(), owner=anna.id, owner_name="Anna")
    note_owner(run_id, anna.id)
    rename_person(anna, "")
    list(write_archive([run_id], tmp_path / "a.zip"))
    manifest = json.loads(zipfile.ZipFile(tmp_path / "a.zip").read("manifest.json"))
    assert [run["owner_name"] for run in manifest["runs"]] == [""]
