import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmnist_core import __main__ as command_line
from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.dataset.split import Split
from fmnist_core.jobs.worker import Controls
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.settings.config import SETTINGS, TrainConfig
from fmnist_core.settings.presets import PRESETS, find_preset

ROOT = Path(command_line.__file__).parent.parent


@pytest.fixture(autouse=True)
def small_data_in_use(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(small_data))


@pytest.fixture(autouse=True)
def signals_are_restored() -> object:
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def picture(tmp_path: Path, small_splits: tuple[Split, Split]) -> Path:
    file = tmp_path / "item.png"
    Image.fromarray(small_splits[1].images[0]).save(file)
    return file


def test_train_prints_like_the_article(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["train", "--epochs", "2", "--batch-size", "4", "--seed", "1", "--name", "CLI"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"Epoch : 1/2, Iter : 100/125, Loss: \d+\.\d{4}", lines[1])
    assert re.fullmatch(r"Test accuracy after epoch 1/2: \d+\.\d\d %", lines[2])
    assert lines[3].startswith("Epoch : 2/2, Iter : 100/125, ")
    run = load_run(lines[-1])
    assert (run.name, run.state, run.config.seed) == ("CLI", "finished", 1)


def test_every_setting_has_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = TrainConfig(
        epochs=1,
        batch_size=90,
        learning_rate=0.02,
        seed=3,
        pixels="raw",
        optimizer="sgd",
        beta2=0.95,
        schedule="one-cycle",
        augmentation="flips-and-shifts",
        label_smoothing=0.1,
        weight_decay=0.01,
        weight_averaging=True,
        test_views="mirrored",
        training_images=120,
        validation_images=30,
        shuffled_labels=True,
        left_out_class=8,
        precision="float32",
    )
    plain = TrainConfig()
    assert all(getattr(wanted, field.name) != getattr(plain, field.name) for field in dataclasses.fields(plain))
    flags = []
    for name, value in wanted.to_json().items():
        flag = f"--{name.replace('_', '-')}"
        flags += [flag] if value is True else [flag, str(value)]
    assert command_line.main(["train", *flags]) == 0
    assert load_run(capsys.readouterr().out.splitlines()[-1]).config == wanted


def test_a_presets_settings_can_be_overridden(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--epochs", "1", "--test-views", "one", "--no-weight-averaging", "--training-images", "all", "--left-out-class", "none"]
    assert command_line.main(["train", "--preset", "best", *arguments]) == 0
    run = load_run(capsys.readouterr().out.splitlines()[-1])
    best = find_preset("best").config
    assert run.config == dataclasses.replace(best, epochs=1, test_views="one", weight_averaging=False)


def test_train_as_json_prints_one_event_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["train", "--epochs", "1", "--batch-size", "50", "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["type"] for event in events if event["type"] != "StepDone"] == ["Started", "EpochDone", "Finished", "Ended"]
    assert sum(len(event.get("losses", [])) for event in events) == 10
    run = load_run(events[-1]["run"])
    assert (events[-1]["state"], events[-1]["test_accuracy"]) == ("finished", run.test_accuracy)
    assert events[:-1] == [json.loads(line) for line in (run.folder / "events.jsonl").read_text().splitlines()]


def test_resume_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    command_line.main(["train", "--epochs", "1"])
    run_id = capsys.readouterr().out.splitlines()[-1]
    assert command_line.main(["train", "--resume", run_id, "--epochs", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Resuming after step 5, in epoch 2/3"
    assert lines[-2].startswith("Test accuracy after epoch 3/3: ")
    assert lines[-1] == run_id
    assert (load_run(run_id).state, load_run(run_id).epochs) == ("finished", 3)
    assert command_line.main(["train", "--resume", run_id]) == 1
    assert capsys.readouterr().err == "This run has completed all its epochs: add more epochs to continue it.\n"
    assert command_line.main(["train", "--resume", run_id, "--seed", "3"]) == 1
    assert "--resume accepts no setting but --epochs" in capsys.readouterr().err
    assert command_line.main(["train", "--resume", "../etc"]) == 1
    assert "is not the id of a run" in capsys.readouterr().err


def test_presets_are_listed_as_text_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["presets"]) == 0
    listed = capsys.readouterr().out
    assert all(preset.key in listed and preset.sentence in listed for preset in PRESETS)
    assert command_line.main(["presets", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [TrainConfig.from_json(row["settings"]) for row in rows] == [preset.config for preset in PRESETS]


def test_the_weights_of_any_epoch_can_be_evaluated(capsys: pytest.CaptureFixture[str]) -> None:
    command_line.main(["train", "--epochs", "3", "--validation-images", "40"])
    run = load_run(capsys.readouterr().out.splitlines()[-1])
    found = {}
    for epoch in ("1", "2", "3", "last"):
        assert command_line.main(["evaluate", run.id, "--json", "--epoch", epoch]) == 0
        found[epoch] = json.loads(capsys.readouterr().out)["accuracy"]
    assert found["last"] == found["3"]
    assert found[str(run.best_epoch)] == run.test_accuracy
    assert command_line.main(["evaluate", run.id, "--epoch", "9"]) == 1
    assert "has no weights of epoch 9" in capsys.readouterr().err


def test_short_epochs_print_their_last_step(capsys: pytest.CaptureFixture[str]) -> None:
    command_line.main(["train", "--epochs", "1"])
    assert "Epoch : 1/1, Iter : 5/5, Loss: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "--learning-rate", "1000"], "The learning rate 1000 is far too high: choose at most 100; 0.001 is a good start.\n"),
        (["train", "--epochs", "0"], "The number of epochs 0 is out of range: choose one from 1 to 200.\n"),
        (["evaluate", "nobody"], 'There is no run "nobody": `python -m fmnist_core runs` lists all runs.\n'),
        (["evaluate", "../starter"], "'../starter' is not the id of a run: ids are lower-case letters, digits and hyphens.\n"),
        (["predict", "nobody", "x.png"], 'There is no run "nobody": `python -m fmnist_core runs` lists all runs.\n'),
    ],
)
def test_errors_are_one_sentence_and_give_exit_code_1(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(arguments) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", sentence)


def test_whoever_trains_on_a_network_drive_is_warned(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("fmnist_core.classroom.records.network_type", lambda _folder: "cifs")
    assert command_line.main(["train", "--resume", "20200101-000000-abcd"]) == 1
    warning, error = capsys.readouterr().err.splitlines()
    assert "is on a network drive (cifs), where the database of the queue can be damaged: SQLite needs a local disk" in warning
    assert error.startswith("There is no run")


def test_misuse_gives_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command_line.main(["train", "--epochs", "many"])
    assert caught.value.code == 2
    assert "--epochs" in capsys.readouterr().err


def test_a_diverged_run_fails_with_a_hint(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(SETTINGS, "learning_rate", dataclasses.replace(SETTINGS["learning_rate"], highest=1e38))
    monkeypatch.setattr(Controls, "await_turn", lambda _controls: True)  # a dispatcher would refuse such settings
    assert command_line.main(["train", "--learning-rate", "1e37"]) == 1
    printed = capsys.readouterr()
    assert "The learning rate 1e+37 is too high; try 0.01." in printed.err
    run = load_run(printed.out.splitlines()[-1])
    assert run.state == "diverged"
    assert not run.has_weights


def test_the_error_about_bad_data_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "fashion-mnist_train.csv").write_text("label,pixel1\n1,2\n")
    result = run_in_a_process("train", data_folder=tmp_path)
    assert result.returncode == 1
    assert result.stderr.strip() == f"{tmp_path / 'fashion-mnist_train.csv'}, row 1: 2 columns, expected 785 (a label and 784 pixels)."


def run_in_a_process(*arguments: str, data_folder: Path) -> subprocess.CompletedProcess[str]:
    import os

    environment = os.environ | {"FMNIST_DATA": str(data_folder)}
    command = [sys.executable, "-m", "fmnist_core", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console")
def test_ctrl_c_stops_the_run_and_keeps_its_weights() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "fmnist_core", "train", "--epochs", "200", "--batch-size", "10"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while "after epoch 1/" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    run = load_run(rest.splitlines()[-1])
    assert run.state == "stopped"
    assert run.has_weights


def test_evaluate_json_agrees_with_the_run(trained_run: RunRecord, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["evaluate", trained_run.id, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["run"] == trained_run.id
    assert figures["accuracy"] == trained_run.test_accuracy
    assert np.array(figures["confusion"]).sum() == figures["images"] == 200


def test_evaluate_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["evaluate", "starter"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.match(r"Starter model: \d\d\.\d\d % of 200 test images, loss", lines[0])
    assert [line[:12].strip() for line in lines[2:]] == list(CLASS_NAMES)


def test_predict_as_json_prints_one_object_per_line(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["predict", "starter", str(picture), str(picture), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["file"] for line in lines] == [str(picture)] * 2
    assert list(lines[0]["probabilities"]) == list(CLASS_NAMES)
    assert sum(lines[0]["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert lines[0]["label"] == max(lines[0]["probabilities"], key=lines[0]["probabilities"].get)
    assert (lines[0]["kind"], type(lines[0]["unfamiliarity"]), type(lines[0]["is_unfamiliar"])) == ("ready", float, bool)


def test_flags_override_a_presets_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["train", "--preset", "photos-and-drawings", "--epochs", "1", "--seed", "4"]) == 0
    run_id = capsys.readouterr().out.splitlines()[-1]
    expected = dataclasses.replace(find_preset("photos-and-drawings").config, epochs=1, seed=4)
    assert load_run(run_id).config == expected


def test_predict_reports_bad_files_and_continues(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "text.png"
    bad.write_text("this is not a picture")
    assert command_line.main(["predict", "starter", str(bad), str(tmp_path / "missing.png"), str(picture)]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{picture}: ")
    assert len(printed.out.splitlines()) == 1
    assert len(printed.err.splitlines()) == 2
    assert "text.png" in printed.err
    assert f"{tmp_path / 'missing.png'}: No such file" in printed.err


def test_predict_survives_whatever_stands_in_a_file(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each bad file is refused with its name and a reason, and the good one after them still gets its answer."""
    folder, pipe, huge, grey = (tmp_path / name for name in ("folder.png", "pipe.png", "huge.png", "grey.png"))
    folder.mkdir()
    if hasattr(os, "mkfifo"):  # not on Windows, where a missing file takes its place
        os.mkfifo(pipe)
    with huge.open("wb") as opened:
        opened.truncate(10**10)
    Image.new("L", (40, 40), 128).save(grey)
    bad = [folder, pipe, huge, grey, *sorted((ROOT / "tests/pictures/hostile").glob("crash_AVIF*")), tmp_path / ("n" * 300), "a\0b"]
    assert command_line.main(["predict", "starter", *map(str, bad), str(picture)]) == 1
    printed = capsys.readouterr()
    assert [line.split(":")[0] for line in printed.out.splitlines()] == [str(picture)]
    sentences = printed.err.splitlines()
    assert len(sentences) == len(bad)
    assert all(sentence.startswith(str(file)) for sentence, file in zip(sentences[:-1], bad, strict=False))
    assert sentences[0] == f"{folder}: it is not a regular file"
    assert sentences[2] == f"{huge}: it is larger than 200,000,000 bytes"
    assert sentences[3].startswith(f"{grey}: The picture has the same shade everywhere")
    assert sentences[-1].endswith("b cannot be classified (ValueError): choose another picture.")


def test_runs_are_listed_newest_first_and_the_starter_last(trained_run: RunRecord, capsys: pytest.CaptureFixture[str]) -> None:
    newest = create_run(TrainConfig(), "Newest")
    assert command_line.main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [newest, trained_run.id, "starter"]
    assert "waiting" in lines[0]
    assert "finished" in lines[1]


HOSTILE = "\x1b[31mred\x07 \r\n\u202eb"
PRINTED = "[31mred b"


def test_names_are_printed_without_control_characters(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = create_run(TrainConfig(), "Plain")
    config = home / "runs" / run_id / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"name": HOSTILE}))
    assert command_line.main(["runs"]) == 0
    newest, starter = capsys.readouterr().out.splitlines()
    assert newest.endswith(f"0/5 epochs  {PRINTED}")
    assert starter.startswith("starter")


def test_file_names_are_printed_without_control_characters(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    good, bad = Path(f"{HOSTILE}.png"), Path(f"{HOSTILE}.txt")
    good.write_bytes(picture.read_bytes())
    bad.write_text("this is not a picture")
    assert command_line.main(["predict", "starter", str(good), str(bad), f"{HOSTILE}.gif"]) == 1
    printed = capsys.readouterr()
    assert re.fullmatch(rf"{re.escape(PRINTED)}\.png: [A-Z][\w -]+ \([\d.]+ %.*\)\n", printed.out)
    unreadable, missing = printed.err.splitlines()
    assert unreadable.startswith(f"{PRINTED}.txt is not a picture")
    assert missing == f"{PRINTED}.gif: No such file or directory"


@pytest.mark.parametrize("arguments", [["runs", HOSTILE], ["train", "--preset", HOSTILE], ["train", f"--{HOSTILE}"]])
def test_misuse_is_quoted_without_control_characters(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.main(arguments)
    error = capsys.readouterr().err.splitlines()[-1]
    assert "[31mred" in error
    assert not any(character in error for character in "\x1b\x07\r\u202e")
