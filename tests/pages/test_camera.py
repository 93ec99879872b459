import base64
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.parts.components.live_camera.live_camera import read_frame, read_photo
from pages.parts.predict.live_pace import LivePace
from pages.parts.predict.picture_list import PictureList
from tests.pages.conftest import open_page, press, words
from tests.pages.test_predict import alts, header_of, png, says, t_shirt
from tests.pictures.mutated import encode


def jpeg(pixels: np.ndarray) -> bytes:
    return encode(Image.fromarray(pixels), "JPEG")


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def t_shirt_frame() -> np.ndarray:
    """A frame of 320×240 that shows a T-shirt."""
    frame = np.full((240, 320, 3), (205, 190, 160), np.uint8)
    frame[:, 56:264] = np.asarray(Image.fromarray(t_shirt()).resize((208, 240)))
    return frame


def send(at: AppTest, number: object, content: bytes) -> AppTest:
    """Sends a frame as the browser does."""
    at.session_state["live_camera"] = {"frame": [number, encoded(content)]}
    at.run()
    assert not at.exception
    return at


def camera_data(at: AppTest) -> dict[str, Any]:
    """What the browser is told: the frame that was answered, the outline, the pause."""
    (component,) = [each for each in at.get("bidi_component") if each.proto.component_name == "live_camera"]
    return json.loads(component.proto.json)


def test_a_frame_is_read() -> None:
    frame = read_frame({"frame": [7, encoded(jpeg(t_shirt_frame()))]})
    assert frame is not None
    assert (frame.number, frame.image.size, frame.image.mode) == (7, (320, 240), "RGB")


def test_a_grey_frame_is_read_in_colour() -> None:
    frame = read_frame({"frame": [1, encoded(jpeg(np.full((40, 30), 9, np.uint8)))]})
    assert frame is not None
    assert frame.image.mode == "RGB"


_GOOD = encoded(jpeg(np.zeros((240, 320, 3), np.uint8)))


@pytest.mark.parametrize(
    "state",
    [
        None,
        7,
        "frame",
        ["frame"],
        {},
        {"frame": None},
        {"frame": 5},
        {"frame": "text"},
        {"frame": [1]},
        {"frame": [1, _GOOD, 2]},
        {"frame": ["1", _GOOD]},
        {"frame": [True, _GOOD]},
        {"frame": [0, _GOOD]},
        {"frame": [-1, _GOOD]},
        {"frame": [2**53, _GOOD]},
        {"frame": [1.5, _GOOD]},
        {"frame": [float("nan"), _GOOD]},
        {"frame": [1, None]},
        {"frame": [1, 5]},
        {"frame": [1, ["a"] * 40]},
        {"frame": [1, ""]},
        {"frame": [1, "not base64!"]},
        {"frame": [1, "é" * 40]},
        {"frame": [1, "A" * 80_004]},
        {"frame": [1, encoded(b"no picture")]},
        {"frame": [1, encoded(png(np.zeros((240, 320, 3), np.uint8)))]},
        {"frame": [1, encoded(header_of(30_000, 30_000))]},
        {"frame": [1, encoded(jpeg(np.zeros((240, 321, 3), np.uint8)))]},
        {"frame": [1, encoded(jpeg(np.zeros((4, 320, 3), np.uint8)))]},
        {"frame": [1, encoded(encode(Image.new("CMYK", (40, 40)), "JPEG"))]},
        {"frame": [1, encoded(jpeg(t_shirt_frame())[:700])]},
    ],
)
def test_a_forged_frame_is_passed_over(state: object) -> None:
    assert read_frame(state) is None


def test_a_photo_is_read_as_bytes() -> None:
    assert read_photo(encoded(b"any file")) == b"any file"


@pytest.mark.parametrize("sent", [None, 5, "", [], ["a"], {"a": 1}, "not base64!", "é", "A" * 2_800_004, True])
def test_a_forged_photo_is_passed_over(sent: object) -> None:
    assert read_photo(sent) is None


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_one_camera_may_take_eight_tenths_of_a_core_and_send_six_frames_a_second() -> None:
    pace = LivePace(Clock())
    assert pace.pause_after("a", 0.02) == pytest.approx(0.13), "the shortest interval is 0.15 s"
    assert pace.pause_after("b", 0.02) == pytest.approx(0.13)
    assert LivePace(Clock()).pause_after("a", 0.4) == pytest.approx(0.1)


def test_all_cameras_together_take_no_more() -> None:
    clock, pace = Clock(), LivePace()
    pace = LivePace(clock)
    for number in range(30):
        pause_s = pace.pause_after(str(number), 0.1)
    assert pause_s == pytest.approx(30 * 0.1 / 0.8 - 0.1), "each an answer in almost four seconds"
    clock.now_s += 21
    assert pace.pause_after("0", 0.1) == pytest.approx(0.15 - 0.1), "the others have been switched off"


def test_no_camera_waits_longer_than_eight_seconds() -> None:
    pace = LivePace(Clock())
    for number in range(300):
        pause_s = pace.pause_after(str(number), 2.0)
    assert pause_s == 8.0


def test_one_slow_answer_counts_half() -> None:
    pace = LivePace(Clock())
    pace.pause_after("a", 0.4)
    assert pace.pause_after("a", 0.2) == pytest.approx(0.3 / 0.8 - 0.2)


def test_the_camera_waits_for_the_first_frame() -> None:
    at = open_page("predict", source="Camera", run="starter")
    assert not at.exception
    assert (camera_data(at)["answered"], camera_data(at)["outline"], camera_data(at)["starts"]) == (0, [], False)
    assert "Start the camera" in words(at)


def test_each_frame_is_answered_and_outlined() -> None:
    at = open_page("predict", source="Camera", run="starter")
    send(at, 41, jpeg(t_shirt_frame()))
    assert says(at) == "T-shirt/top"
    data = camera_data(at)
    assert data["answered"] == 41
    xs, _ys = zip(*data["outline"][0], strict=True)
    assert (min(xs), max(xs)) == pytest.approx((0.3, 0.7), abs=0.06)
    assert data["pause_ms"] >= 0
    send(at, 42, jpeg(np.full((240, 320, 3), 9, np.uint8)))
    assert (camera_data(at)["answered"], camera_data(at)["outline"]) == (42, [])
    assert "one shade only" in words(at)


def test_a_forged_frame_leaves_the_page_as_it_was() -> None:
    at = send(open_page("predict", source="Camera", run="starter"), "41", jpeg(t_shirt_frame()))
    assert camera_data(at)["answered"] == 0


def test_a_photo_is_treated_like_an_upload_until_another_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page("predict", source="Camera", run="starter")
    monkeypatch.setattr("pages.parts.predict.camera.show_live_camera", lambda *_, **__: jpeg(t_shirt()))
    at.run()
    monkeypatch.undo()
    at.run()
    assert not at.exception
    assert says(at) == "T-shirt/top"
    assert any(alt.startswith("After step 2, Cut out") for alt in alts(at))
    kept: PictureList = at.session_state["picture_list camera"]
    assert [picture.name for picture in kept.pictures.values()] == ["Your photo"]
    press(at, "new_photo")
    assert camera_data(at)["starts"], "the camera that took the photo starts again"
    at.run()
    assert not camera_data(at)["starts"], "but one that is opened later does not start by itself"


def test_a_photo_that_cannot_be_opened_is_refused_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page("predict", source="Camera", run="starter")
    sent = [b"no picture", None]
    problems = []

    def show(*_: object, problem: str, **__: object) -> bytes | None:
        problems.append(problem)
        return sent.pop(0) if sent else None

    monkeypatch.setattr("pages.parts.predict.camera.show_live_camera", show)
    at.run()
    assert not at.exception
    assert problems[0] == ""
    assert problems[-1].startswith("Your photo is not a picture that can be read")
