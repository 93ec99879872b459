from pathlib import Path

import pytest

import fmnist_core
from fmnist_core.runs.folders import (
    STARTER_FOLDER,
    STARTER_ID,
    RunError,
    epoch_file,
    home_folder,
    last_file,
    list_run_ids,
    newest_weights,
    resume_file,
    run_folder,
    runs_folder,
)


def make_folder(run_id: str) -> Path:
    """The folder of a run with a file of settings, as far as one looks at its name."""
    folder = runs_folder() / run_id
    folder.mkdir(parents=True)
    (folder / "config.json").touch()
    return folder


@pytest.mark.parametrize("chosen", [None, "", " \t"])
def test_everything_is_kept_in_the_users_home_unless_a_folder_is_chosen(
    chosen: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    if chosen is None:
        monkeypatch.delenv("FMNIST_HOME")
    else:
        monkeypatch.setenv("FMNIST_HOME", chosen)
    assert home_folder() == tmp_path / ".fmnist-dashboard"
    assert runs_folder() == tmp_path / ".fmnist-dashboard" / "runs"


def test_a_chosen_folder_may_have_spaces_around_it_and_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_HOME", f" {tmp_path / 'a b'}\n")
    assert runs_folder() == tmp_path / "a b" / "runs"
    monkeypatch.setenv("FMNIST_HOME", "~/kept")
    assert home_folder() == Path("~/kept").expanduser() != Path("~/kept")


def test_the_starter_comes_with_the_package() -> None:
    assert run_folder(STARTER_ID) == STARTER_FOLDER == Path(fmnist_core.__file__).parent / "starter"


@pytest.mark.parametrize("run_id", ["0", "a", "20260101-000000-abcd", "x-", "9" * 64])
def test_a_run_is_a_folder_with_settings_among_the_runs(run_id: str) -> None:
    assert run_folder(make_folder(run_id).name) == runs_folder() / run_id


def test_a_folder_without_settings_is_no_run() -> None:
    (runs_folder() / "a-run").mkdir(parents=True)
    with pytest.raises(RunError) as raised:
        run_folder("a-run")
    assert str(raised.value) == 'There is no run "a-run": `python -m fmnist_core runs` lists all runs.'


def test_eighty_characters_of_what_is_no_id_are_quoted() -> None:
    with pytest.raises(RunError) as raised:
        run_folder("X" * 80 + "YZ")
    assert str(raised.value) == f"'{'X' * 80}' is not the id of a run: ids are lower-case letters, digits and hyphens."


def test_only_folders_whose_names_are_ids_are_listed() -> None:
    assert list_run_ids() == []
    for name in ("b", "a-1", ".a.new", "A", "-a", "x" * 65):
        make_folder(name)
    assert sorted(list_run_ids()) == ["a-1", "b"]


def test_files_of_weights_are_numbered_by_epoch(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    assert [epoch_file(tmp_path, epoch) for epoch in (1, 42, 200)] == [
        folder / "epoch-001.safetensors",
        folder / "epoch-042.safetensors",
        folder / "epoch-200.safetensors",
    ]
    assert (last_file(tmp_path), resume_file(tmp_path)) == (folder / "last.safetensors", folder / "resume.safetensors")


def test_the_newest_weights_are_those_of_an_unfinished_epoch_or_else_of_the_last(tmp_path: Path) -> None:
    assert newest_weights(tmp_path) is None
    (tmp_path / "checkpoints").mkdir()
    assert newest_weights(tmp_path) is None
    resume_file(tmp_path).touch()
    assert newest_weights(tmp_path) is None, "a checkpoint to continue from holds more than weights"
    for epoch in (1, 10, 9):
        epoch_file(tmp_path, epoch).touch()
    assert newest_weights(tmp_path) == epoch_file(tmp_path, 10)
    last_file(tmp_path).touch()
    assert newest_weights(tmp_path) == last_file(tmp_path)
