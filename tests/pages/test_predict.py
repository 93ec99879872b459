import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pages.parts.drawing_pad import SIDE_PX, read_drawing
from tests.pages.conftest import open_page


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


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
    shoe = np.full((300, 300), 255, np.uint8)
    shoe[150:220, 40:260] = 60
    at.file_uploader(key="upload").upload("shoe.png", png(shoe), "image/png").run()
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
    assert at.error[0].value == sentence


def test_an_empty_pad_says_what_to_do() -> None:
    at = open_page("predict", source="Drawing")
    assert not at.exception
    assert at.info[0].value.startswith("Draw a T-shirt, a boot or a bag.")


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
    ],
)
def test_what_is_no_drawing_is_not_believed(sent: Any) -> None:
    assert read_drawing(sent) is None
