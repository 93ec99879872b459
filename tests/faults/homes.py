"""Part `homes`: FMNIST_HOME vanishes, is read-only, full, a file, or forbidden; all say so, and nothing is left half made."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fmnist_core.classroom.people import LOCAL
from fmnist_core.jobs.control import start_run
from fmnist_core.jobs.worker import train_run
from fmnist_core.runs.claim import release_start
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import RunError, home_folder, run_folder, runs_folder
from fmnist_core.runs.record import load_run
from fmnist_core.runs.transitions import prepare_resume
from fmnist_core.store.database import DatabaseError
from fmnist_core.training.events import EpochDone, Event
from tests.faults.commands import run_command
from tests.faults.isolation import Child, can_mount, explain, isolate, make_read_only, mount_tmpfs
from tests.faults.report import Report
from tests.faults.surroundings import SHORT, TrainedHome, digest, ignore, surroundings, train_home, use_home, why_no_forks
from tests.faults.visits import is_sentence, visit_pages, warm_pages
from tests.jobs.trained import assert_same_result, result_of

_NOBODY = 65534
_DISK_KB = 3_000
_DATABASE = {f"home/classroom.{suffix}" for suffix in ("lock", "sqlite3", "sqlite3-wal", "sqlite3-shm", "sqlite3-journal")}


def run(report: Report, seed: int, *, small: bool) -> None:
    """Each home is met by all pages, by the commands, by a new run and by one that trains."""
    del seed
    if why_no_forks():
        report.skip("homes", why_no_forks())
        return
    with surroundings() as folder:
        home = train_home(folder / "home")
        if not small:
            warm_pages(report, home.healthy)
        report.record("a home that is a file", _alone(partial(_meet_a_file, folder, small)))
        report.record("a home below a file", _alone(partial(_meet_below_a_file, folder, small)))
        report.record("a home that is a link to itself", _alone(partial(_meet_a_loop, folder, small)))
        report.record("a home with a NUL or of a stranger", _alone(partial(_meet_odd_names, small)))
        for way in ("removed", "renamed", "replaced by a file"):
            report.record(f"a home {way} while a run trains", _vanish(folder, way))
            if not small:
                report.record(f"a home {way} while a page watches", _alone(partial(_vanish_while_watched, home, way)))
        if os.name == "posix" and os.geteuid() == 0:
            report.record("a home without permission", _alone(partial(_meet_forbidden, home, small)))
        else:
            report.skip("a home without permission", "needs root, to become somebody else")
        if not can_mount():
            report.skip("a home that is read-only or full", "needs root and mount")
            return
        mounts: dict[str, Callable[[], object]] = {
            "a read-only home": partial(_meet_read_only, home, small),
            "an empty read-only home": partial(_meet_empty_read_only, folder, small),
            "a disk that is full before a run": partial(_meet_full, home, small),
            "a disk that becomes full while a run trains": partial(_fill_while_training, home),
        }
        for room_kb in (8,) if small else (0, 4, 8, 40, 68, 100, 200, 400, 500, 600, 800):
            mounts[f"a disk with {room_kb} KB left for a new run"] = partial(_train_with_little_room, home, room_kb)
        for name, work in mounts.items():
            report.record(name, isolate(work, timeout_s=240, own_mounts=True).problem)


def _alone(work: Callable[[], object]) -> str:
    return isolate(work, timeout_s=240).problem


# What meets each home


def _meet(*, small: bool, shows: str = "", run_id: str = "starter", may_start: bool = False) -> None:
    """Pages, commands and a new run in the home in use."""
    for arguments in (["runs"], ["presets"], ["evaluate", run_id], ["train", "--resume", "20200101-000000-abcd"]):
        _check_command(arguments)
    if not may_start:
        _check_command(["train", "--epochs", "1"], fails=True)
        for start in (partial(start_run, SHORT, by=LOCAL), partial(create_run, SHORT)):
            with contextlib.suppress(RunError, DatabaseError):
                start()
                raise AssertionError("a run was created")
    if small:
        return
    problems = [problem for problem in visit_pages(run_id, shows=shows) if problem]
    assert not problems, problems


def _check_command(arguments: list[str], *, fails: bool = False) -> None:
    code, printed, complaint = run_command(arguments)
    assert code in ((1,) if fails else (0, 1)), f"{arguments}: exit code {code}, {printed[-200:]!r}"
    assert (code == 1) == bool(complaint), f"{arguments}: exit code {code} with {complaint!r}"
    assert not complaint or is_sentence(complaint), f"{arguments}: not a sentence: {complaint[:300]!r}"


def _meet_a_file(folder: Path, small: bool) -> None:
    (folder / "file").write_text("not a folder")
    use_home(folder / "file")
    _meet(small=small)
    assert (folder / "file").read_text() == "not a folder"


def _meet_below_a_file(folder: Path, small: bool) -> None:
    (folder / "file").write_text("not a folder")
    use_home(folder / "file" / "home")
    _meet(small=small)


def _meet_a_loop(folder: Path, small: bool) -> None:
    (folder / "loop").symlink_to("loop")
    use_home(folder / "loop")
    _meet(small=small)


def _meet_odd_names(small: bool) -> None:
    for name in ("~nobody-of-this-name/home", "/proc/self/home", "/dev/null", "/" + "a" * 300, "/" + "a/" * 3_000, "\udcff/x"):
        if name.startswith("\udcff"):
            continue  # a relative folder whose name is not UTF-8 would be created where the script runs
        os.environ["FMNIST_HOME"] = name
        if name.startswith("~"):
            _check_command(["runs"])
            continue
        _meet(small=small)


def _meet_forbidden(home: TrainedHome, small: bool) -> None:
    """As somebody else, who may not even look into the home."""
    home.folder.chmod(0o700)
    home.folder.parent.chmod(0o755)
    os.setgroups([])
    os.setgid(_NOBODY)
    os.setuid(_NOBODY)
    _meet(small=small)


def _meet_read_only(home: TrainedHome, small: bool) -> None:
    """What has been trained can be used; resuming says what is wrong, and the run stays as it was."""
    disk = home.folder.parent / "disk"
    mount_tmpfs(disk, 40_000)
    shutil.copytree(home.folder, disk / "home")
    make_read_only(disk)
    use_home(disk / "home")
    before = digest(disk / "home")
    _meet(small=small, shows="Healthy run", run_id=home.healthy)
    _check_command(["evaluate", home.victim])
    _check_command(["train", "--resume", home.victim], fails=True)
    assert load_run(home.victim).state == "stopped"
    assert digest(disk / "home") == before


def _meet_empty_read_only(folder: Path, small: bool) -> None:
    mount_tmpfs(folder / "disk", 100)
    make_read_only(folder / "disk")
    use_home(folder / "disk" / "home")
    _meet(small=small)


def _meet_full(home: TrainedHome, small: bool) -> None:
    disk = _small_disk(home)
    _fill(disk)
    before = _names(disk)
    _meet(small=small, shows="Healthy run", run_id=home.healthy)
    _check_command(["train", "--resume", home.victim], fails=True)
    assert load_run(home.victim).is_resumable, load_run(home.victim)
    left = _names(disk) - before - _DATABASE - {f"home/runs/{home.victim}/{name}.lock" for name in ("starting", "trainer")}
    assert not left, f"left half made: {sorted(left)}"


def _names(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*")}


def _small_disk(home: TrainedHome) -> Path:
    disk = home.folder.parent / "disk"
    mount_tmpfs(disk, _DISK_KB + 2_500)
    shutil.copytree(home.folder, disk / "home")
    use_home(disk / "home")
    return disk


def _fill(disk: Path, leave_kb: int = 0) -> None:
    """Fills the disk except for so much, to the last byte."""
    with (disk / "filling").open("ab", buffering=0) as filling, contextlib.suppress(OSError):
        while True:
            filling.write(bytes(4_096))
    if leave_kb:
        os.truncate(disk / "filling", max(0, (disk / "filling").stat().st_size - leave_kb * 1024))


def _fill_while_training(home: TrainedHome) -> None:
    """The run says that the disk is full; when there is room again, it continues to the same result."""
    disk = _small_disk(home)
    prepare_resume(home.victim)

    def fill_after_an_epoch(event: Event) -> None:
        if isinstance(event, EpochDone):
            _fill(disk)

    with contextlib.suppress(OSError):
        train_run(home.victim, fill_after_an_epoch)
        raise AssertionError("it trained to its end")
    ended = load_run(home.victim)
    assert ended.state == "failed", (ended.state, ended.message)
    assert "full" in ended.message, ended.message
    assert is_sentence(ended.message), ended.message
    assert ended.is_resumable
    _check_no_drafts(ended.folder)
    (disk / "filling").unlink()
    prepare_resume(home.victim)
    train_run(home.victim, ignore)
    assert_same_result(result_of(home.victim), home.result)


def _train_with_little_room(home: TrainedHome, room_kb: int) -> None:
    """A new run is refused with nothing left behind, or fails as full and can be resumed when there is room."""
    disk = _small_disk(home)
    _fill(disk, leave_kb=room_kb)
    before = _names(disk)
    try:
        run_id, refusal = create_run(SHORT), ""
    except RunError as error:
        run_id, refusal = "", str(error)
    if refusal:
        assert is_sentence(refusal), refusal
        assert _names(disk) - before <= _DATABASE, f"left half made: {sorted(_names(disk) - before)}"
        return
    release_start(run_folder(run_id))
    with contextlib.suppress(OSError):
        train_run(run_id, ignore)
    ended = load_run(run_id)
    assert ended.damage == "", ended.damage
    assert ended.state in ("failed", "finished"), (ended.state, ended.message)
    assert ended.state == "finished" or "full" in ended.message, ended.message
    _check_no_drafts(ended.folder)
    (disk / "filling").unlink()
    if ended.state == "failed":
        assert ended.is_resumable, ended
        prepare_resume(run_id)
        assert train_run(run_id, ignore) == "finished"


def _check_no_drafts(folder: Path) -> None:
    left = [file.name for file in folder.rglob("*") if file.name.endswith((".tmp", ".new"))]
    assert not left, left


# A home that vanishes


def _remove_home(way: str) -> None:
    folder = home_folder()
    aside = folder.with_name(f"{folder.name}-aside")
    folder.rename(aside)
    if way == "removed":
        shutil.rmtree(aside)
    elif way == "replaced by a file":
        folder.write_text("not a folder")


def _vanish(folder: Path, way: str) -> str:
    """The trainer ends with a sentence, soon; readers meanwhile see a sentence; nothing is written into a new home."""
    use_home(folder / f"vanishing-{way[:7]}")
    run_id = create_run(SHORT)
    release_start(run_folder(run_id))

    def remove_home(event: Event) -> None:
        if isinstance(event, EpochDone) and event.epoch == 1:
            _remove_home(way)

    def train() -> list[object]:
        code, _, complaint = 0, "", ""
        try:
            train_run(run_id, remove_home)
        except (OSError, ValueError) as error:
            code, complaint = 1, str(error)
        return [code, complaint, runs_folder().exists()]

    trainer = Child(train)
    readers_problem = ""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not os.waitid(os.P_PID, trainer.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        try:
            load_run(run_id)
            run_command(["runs"])
        except RunError as error:
            readers_problem = "" if is_sentence(str(error)) else f"not a sentence: {error}"
        except Exception as error:
            readers_problem = explain(error)
    outcome = trainer.wait()
    if outcome.problem or readers_problem:
        return outcome.problem or readers_problem
    code, complaint, was_made_again = outcome.value
    if code != 1:
        return "the trainer noticed nothing"
    if was_made_again:
        return f"the trainer made a new home: {sorted(_names(home_folder()))[:5]}"
    return "" if complaint else "the trainer says nothing"


def _vanish_while_watched(home: TrainedHome, way: str) -> None:
    """A page that was open before is drawn again, and others are opened."""
    from streamlit.testing.v1 import AppTest

    from tests.conftest import ROOT

    copy = home.folder.with_name(f"watched-{way[:7]}")
    shutil.copytree(home.folder, copy)
    use_home(copy)
    open_pages = []
    for page in ("home", "train", "evaluate", "look_inside", "predict"):
        at = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60).run()
        at.switch_page(f"pages/{page}.py")
        at.query_params["run"] = home.victim
        open_pages.append(at.run())
        assert not at.exception, at.exception
    _remove_home(way)
    for at in open_pages:
        at.run()
        assert not at.exception, at.exception
        for button in at.button:
            if button.key in ("continue", "train_more"):
                button.click().run()
                assert not at.exception, at.exception
    problems = [problem for problem in visit_pages(home.victim) if problem]
    assert not problems, problems
