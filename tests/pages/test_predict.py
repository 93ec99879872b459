import base64
import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pages.parts.drawing_pad import SIDE_PX, read_drawing
from pages.parts.run_picker import escape
from tests.pages.conftest import open_page, query


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def shoe() -> np.ndarray:
    """A dark block on white, wider than high."""
    pixels = np.full((300, 300), 255, np.uint8)
    pixels[150:220, 40:260] = 60
    return pixels


def header_of(width: int, height: int) -> bytes:
    """A PNG that says how large it is and holds no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_it_starts_with_a_test_item_and_its_answer() -> None:
    at = open_page("predict")
    assert at.radio(key="source").value == "Test item"
    assert at.subheader[0].value == "The network says: Ankle boot"
    assert at.success[0].value == "Right: the label is Ankle boot."
    assert "Ankle boot 9" in at.get("plotly_chart")[0].proto.alt


def test_a_link_opens_the_same_item() -> None:
    at = open_page("predict", run="starter", item="2")
    assert at.number_input(key="item").value == 2
    assert "Trouser" in at.subheader[0].value


def test_an_upload_shows_every_step() -> None:
    at = open_page("predict", source="Upload")
    assert at.info[0].value == "Choose a file, drop it here or paste it."
    at.file_uploader(key="upload").upload("shoe.png", png(shoe()), "image/png").run()
    assert not at.exception
    assert at.subheader[0].value.startswith("The network says: ")
    alts = [image.alt for element in at.get("image") for image in element.proto.imgs]
    assert sum(alt.startswith("After step ") for alt in alts) == 6


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it.png is empty: choose another picture."),
        (b"just text", "it.png is not a picture that can be read: choose a PNG, JPEG, WebP, GIF or BMP file."),
        (png(np.zeros((300, 300), np.uint8))[:80], "it.png is damaged or cut short: save it again, or choose another picture."),
    ],
    ids=["empty", "text", "cut"],
)
def test_a_bad_upload_gets_a_sentence(content: bytes, sentence: str) -> None:
    at = open_page("predict", source="Upload")
    at.file_uploader(key="upload").upload("it.png", content, "image/png").run()
    assert not at.exception
    assert at.error[0].value == escape(sentence)
    assert not at.get("plotly_chart")
    at.file_uploader(key="upload").upload("shoe.png", png(shoe()), "image/png").run()
    assert not at.error
    assert len(at.get("plotly_chart")) == 1


def test_a_name_is_shown_letter_by_letter() -> None:
    at = open_page("predict", source="Upload")
    at.file_uploader(key="upload").upload("**big** $x$ [a](b).png", b"text", "image/png").run()
    assert at.error[0].value.startswith(r"\*\*big\*\* \$x\$ \[a\]\(b\)\.png is not a picture")


def test_an_upload_is_there_again_until_it_is_removed() -> None:
    at = open_page("predict", source="Upload")
    at.file_uploader(key="upload").upload("shoe.png", png(shoe()), "image/png").run()
    answer = at.get("plotly_chart")[0].proto.alt
    at.switch_page("pages/home.py").run()
    at.switch_page("pages/predict.py").run()
    at.radio(key="source").set_value("Upload").run()
    assert at.get("plotly_chart")[0].proto.alt == answer
    (remove,) = [button for button in at.button if button.label == "Remove the picture"]
    remove.click().run()
    assert not at.get("plotly_chart")
    assert at.info[0].value == "Choose a file, drop it here or paste it."


def test_another_upload_takes_the_place_of_the_first() -> None:
    at = open_page("predict", source="Upload")
    at.file_uploader(key="upload").upload("shoe.png", png(shoe()), "image/png").run()
    at.file_uploader(key="upload").upload("bag.png", png(255 - shoe()), "image/png").run()
    alts = [image.alt for element in at.get("image") for image in element.proto.imgs]
    assert "Your picture bag.png" in alts


@pytest.mark.parametrize(("name", "value"), [("item", "10000"), ("item", "-1"), ("item", "boot"), ("source", "Camera")])
def test_a_link_with_nonsense_shows_the_first_item(name: str, value: str) -> None:
    at = open_page("predict", **{name: value})
    assert not at.exception
    assert at.number_input(key="item").value == 0
    assert at.subheader[0].value == "The network says: Ankle boot"


def test_a_wrong_answer_is_said() -> None:
    at = open_page("predict", run="starter", item="12")
    assert at.subheader[0].value == "The network says: Sandal"
    assert at.warning[0].value == "Wrong: the label is Sneaker."


def test_random_item_shows_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda end: end - 1)
    at = open_page("predict", run="starter")
    next(button for button in at.button if button.label == "Random item").click().run()
    assert at.number_input(key="item").value == 9_999
    assert query(at, "item") == "9999"


def test_an_empty_pad_says_what_to_do() -> None:
    at = open_page("predict", source="Drawing")
    assert not at.exception
    assert at.info[0].value.startswith("Draw a T-shirt, a boot or a bag.")


def test_a_drawing_is_answered_with_every_step() -> None:
    at = open_page("predict", source="Drawing")
    strokes = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    strokes[40:250, 90:190] = 255
    at.session_state["pad"] = {"png": base64.b64encode(png(strokes)).decode()}
    at.run()
    assert not at.exception
    assert at.subheader[0].value.startswith("The network says: ")
    alts = [image.alt for element in at.get("image") for image in element.proto.imgs]
    assert [alt.split(":")[0] for alt in alts[1:]] == [
        "After step 1, Drawing",
        "After step 2, Trim",
        "After step 3, Shrink",
        "After step 4, Centre",
    ]


def test_a_drawing_is_read() -> None:
    strokes = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    strokes[50:90, 60:70] = 255
    drawn = read_drawing({"png": base64.b64encode(png(strokes)).decode()})
    assert drawn is not None
    np.testing.assert_array_equal(drawn, strokes)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {},
        {"png": None},
        {"png": 5},
        {"png": "not base64!"},
        {"png": "A" * 300_000},
        {"png": base64.b64encode(b"no picture").decode()},
        {"png": base64.b64encode(png(np.zeros((10, 10), np.uint8))).decode()},
        {"png": base64.b64encode(png(np.zeros((280, 280), np.uint8))[:60]).decode()},
        {"png": base64.b64encode(header_of(10_000, 10_000)).decode()},
        {"png": base64.b64encode(header_of(30_000, 30_000)).decode()},
    ],
)
def test_what_is_no_drawing_is_not_believed(sent: Any) -> None:
    assert read_drawing(sent) is None
