"""Home: five links, the newest run, the data and device in use; and what it shows if something is missing."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from streamlit.testing.v1 import AppTest

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.dataset.split import Split
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs.record import RunRecord
from fmnist_core.runs.writer import RunWriter, create_run
from fmnist_core.settings.config import TrainConfig
from tests.conftest import ROOT, write_idx
from tests.pages.conftest import unescaped

STEPS = ["samples", "training", "evaluation", "kernels", "prediction"]


def open_home() -> AppTest:
    at = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=30).run()
    assert not at.exception
    return at


def links(at: AppTest) -> list[Any]:
    return [element.proto for element in at.get("page_link")]


def words(at: AppTest) -> str:
    return "\n".join(element.value for element in (*at.markdown, *at.caption, *at.subheader))


def html(at: AppTest) -> str:
    return "\n".join(element.proto.body for element in at.get("html"))


def test_with_nothing_trained_it_shows_five_steps_and_the_starter() -> None:
    at = open_home()
    assert [link.page for link in links(at)][:5] == STEPS
    assert "91.50 %" in words(at)
    assert "No network has been trained here yet" in words(at)
    assert links(at)[5].page == "evaluation"
    assert links(at)[5].query_string == "run=starter"


def test_it_says_which_data_and_device_are_in_use() -> None:
    at = open_home()
    assert "60,000 images to learn from and 10,000 to test with" in words(at)
    assert "packaged Fashion" in words(at)
    assert "CPU" in words(at) or "GPU" in words(at) or "NVIDIA" in words(at)
    for name in CLASS_NAMES:
        assert f"<figcaption>{name}</figcaption>" in html(at)


def test_the_network_is_drawn_with_shapes_and_numbers_of_weights() -> None:
    at = open_home()
    drawn = html(at)
    for shape in ("28×28 pixels", "16 maps of 14×14", "32 maps of 7×7", "10 probabilities"):
        assert shape in drawn
    total = sum(parameter.numel() for parameter in FashionCNN().parameters())
    assert total == 448 + 12_896 + 15_690
    for count in ("448", "12,896", "15,690"):
        assert f"{count} weights" in drawn
    assert f"{total:,} numbers" in words(at)
    assert "Prediction: Ankle boot" in drawn


def test_the_newest_result_and_its_link(trained_run: RunRecord) -> None:
    at = open_home()
    assert f"{100 * (trained_run.test_accuracy or 0):.2f} %" in words(at)
    assert "Small run" in words(at)
    assert links(at)[5].query_string == f"run={trained_run.id}"


def test_a_live_run_has_a_link_to_watch_it(trained_run: RunRecord) -> None:
    live = create_run(TrainConfig(), "*Team* [blue]")
    writer = RunWriter(live)
    status = json.loads((writer.folder / "status.json").read_text())
    assert status["pid"] == os.getpid() == psutil.Process().pid
    status["state"] = "training"
    (writer.folder / "status.json").write_text(json.dumps(status))
    at = open_home()
    watch, result = links(at)[5:7]
    assert (watch.page, watch.query_string) == ("training", f"run={live}")
    assert (result.page, result.query_string) == ("evaluation", f"run={trained_run.id}")
    assert r"**\*Team\* \[blue\]** is training now" in words(at)  # a name is shown exactly as typed


def test_without_a_result_the_starter_is_shown() -> None:
    RunWriter(create_run(TrainConfig(), "Short")).end("failed", "It failed.")
    at = open_home()
    assert "No network trained here has a result yet" in words(at)
    assert links(at)[5].query_string == "run=starter"


def test_bad_data_are_reported_and_the_rest_of_the_page_still_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path / "nowhere"))
    at = open_home()
    assert "nowhere does not exist" in at.error[0].value
    assert [link.page for link in links(at)][:5] == STEPS
    assert "91.50 %" in words(at)


def test_custom_data_may_lack_a_class(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, small_splits: tuple[Split, Split]) -> None:
    for split, stem in zip(small_splits, ("train", "t10k"), strict=True):
        kept = split.labels != 8
        write_idx(tmp_path / f"{stem}-images-idx3-ubyte", split.images[kept])
        write_idx(tmp_path / f"{stem}-labels-idx1-ubyte", split.labels[kept])
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path))
    at = open_home()
    assert f"{np.sum(small_splits[0].labels != 8)} images to learn from" in words(at)
    assert '<div class="missing">no picture</div><figcaption>Bag</figcaption>' in html(at)
    assert html(at).count("<figcaption>") == 10


def test_a_damaged_newest_network_leaves_steps_and_data_usable(trained_run: RunRecord) -> None:
    next((trained_run.folder / "checkpoints").glob("*.safetensors")).write_bytes(b"not weights")
    at = open_home()
    assert not at.error
    assert "A test image on its way through the starter model" in unescaped(at.caption[0].value)
    assert [link.page for link in links(at)][:5] == STEPS
    assert "<figcaption>Bag</figcaption>" in html(at)
