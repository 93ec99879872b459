import base64
import csv
import io
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from streamlit.testing.v1 import AppTest

from fmnist_core.dataset.idx import PACKAGED_FOLDER
from fmnist_core.dataset.split import load_split
from fmnist_core.dataset.torch_dataset import FashionMNISTDataset
from fmnist_core.evaluation.prediction import predict
from fmnist_core.insight.answer import answer_picture
from fmnist_core.pictures.painting import read_paint, shrink_item
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.weights import load_model
from pages.parts.components.canvas.canvas import Sending, read_sending, read_strokes
from pages.parts.components.tab_memory.tab_memory import encode_files, read_returned
from pages.parts.predict.corrections import Correction, _to_csv
from pages.parts.predict.drawing_pad import SIDE_PX, make_doodle
from pages.parts.predict.picture_list import PictureList, take_back_files
from pages.parts.shared.wording import escape
from tests.conftest import ROOT
from tests.pages.conftest import open_page, query
from tests.pictures.mutated import encode, mutated_pictures

HOSTILE = ROOT / "tests/pictures/hostile"


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def as_gif(pixels: np.ndarray) -> bytes:
    return encode(Image.fromarray(pixels), "GIF")


def t_shirt() -> np.ndarray:
    """A dark T-shirt on a bright floor, with some grain, (300, 260, 3)."""
    pixels = np.full((300, 260, 3), (205, 190, 160), np.int16)
    pixels[60:250, 85:175] = pixels[60:110, 50:210] = (40, 50, 110)
    return (pixels + np.random.default_rng(0).integers(-6, 7, pixels.shape)).clip(0, 255).astype(np.uint8)


def header_of(width: int, height: int) -> bytes:
    """A PNG whose header states this size, without any pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def bars(at: AppTest) -> str:
    """The bars' description, which lists all ten probabilities; "" without an answer."""
    found = [re.search(r'aria-label="(Probability of each class: [^"]*)"', element.proto.body) for element in at.get("html")]
    return next((match[1] for match in found if match), "")


def refused(at: AppTest) -> list[str]:
    """The sentences about files that cannot be used, one row each."""
    return list(at.table[0].value.iloc[:, 0])


def says(at: AppTest) -> str:
    """The class in the answer's heading."""
    (heading,) = [each.value for each in at.subheader if each.value.startswith("The network says: ")]
    return str(heading).removeprefix("The network says: ")


def alts(at: AppTest) -> list[str]:
    return [image.alt for element in at.get("image") for image in element.proto.imgs]


def press(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label == label).click().run()


def upload(at: AppTest, *files: tuple[str, bytes]) -> AppTest:
    at.file_uploader(key="upload").set_value([(name, content, "image/png") for name, content in files]).run()
    assert not at.exception
    return at


def with_t_shirt() -> AppTest:
    return upload(open_page("predict", source="Upload", run="starter"), ("shirt.png", png(t_shirt())))


def draw(at: AppTest, pixels: np.ndarray, drawing: str = "blank") -> AppTest:
    """Sends a drawing as the browser does when a stroke ends."""
    at.session_state["pad"] = {"png": [drawing, base64.b64encode(png(pixels)).decode(), 1, False]}
    at.run()
    assert not at.exception
    return at


def test_it_starts_with_a_test_item_and_its_answer() -> None:
    at = open_page("predict")
    assert at.radio(key="source").value == "Test item"
    assert says(at) == "Ankle boot"
    assert at.success[0].value == "Correct: the label is Ankle boot."
    assert "Ankle boot 9" in bars(at)


def test_the_reasons_are_pixels_and_five_training_images() -> None:
    at = open_page("predict", run="starter", item="2")
    assert not any("speak for" in alt for alt in alts(at)), "folded, they are not computed"
    at.session_state["why"] = True
    at.run()
    assert "speak for Trouser" in next(alt for alt in alts(at) if alt.startswith("The picture; "))
    assert [alt.split(", ")[1] for alt in alts(at) if alt.startswith("Training image ")] == ["Trouser"] * 5
    (chosen,) = [box for box in at.selectbox if box.label == "Which pixels speak for"]
    chosen.set_value(3).run()
    assert "speak for Dress" in next(alt for alt in alts(at) if alt.startswith("The picture; "))


def test_a_link_opens_the_same_item() -> None:
    at = open_page("predict", run="starter", item="2")
    assert at.number_input(key="item").value == 2
    assert says(at) == "Trouser"


def test_an_upload_shows_every_step() -> None:
    at = open_page("predict", source="Upload")
    assert at.info[0].value.startswith("Choose files, drop them here or paste them")
    upload(at, ("shirt.png", png(t_shirt())))
    assert says(at) == "T-shirt/top"
    assert [alt.split(":")[0] for alt in alts(at) if alt.startswith("After step ")] == [
        "After step 1, Your picture",
        "After step 2, Cut out",
        "After step 3, Trim and centre",
        "After step 4, Negate",
        "After step 5, Contrast",
    ]
    assert "The item as it is, mirrored, smaller, and smaller and mirrored" in alts(at)


def test_switching_a_step_off_changes_the_answer() -> None:
    at = with_t_shirt()
    before = bars(at)
    next(box for box in at.checkbox if "Cut out" in box.label).uncheck().run()
    assert bars(at) != before
    assert any("Switched off" in caption.value for caption in at.caption)
    next(box for box in at.checkbox if "Cut out" in box.label).check().run()
    assert bars(at) == before


def test_the_kind_can_be_chosen() -> None:
    at = with_t_shirt()
    (kind,) = [box for box in at.selectbox if box.label == "Treat it as"]
    assert "photograph" in at.caption[1].value or any("photograph" in caption.value for caption in at.caption)
    kind.set_value("drawing").run()
    assert any("Fill" in alt for alt in alts(at))
    next(box for box in at.selectbox if box.label == "Treat it as").set_value("detected").run()
    assert any("Cut out" in alt for alt in alts(at))


def test_turning_cropping_inverting_and_starting_over() -> None:
    at = with_t_shirt()
    first = bars(at)
    seen = {first}
    press(at, "Turn right")
    seen.add(bars(at))
    press(at, "Turn left")
    assert bars(at) == first
    at.slider[0].set_value((0, 60)).run()
    seen.add(bars(at))
    next(toggle for toggle in at.toggle if toggle.label.startswith("Invert")).set_value(True).run()
    seen.add(bars(at))
    assert len(seen) == 4
    press(at, "Start over")
    assert bars(at) == first


def test_several_pictures_make_a_table_and_a_bad_one_does_not_stop_the_others() -> None:
    at = open_page("predict", source="Upload", run="starter")
    files = [("shirt.png", png(t_shirt())), ("fake.png", b"this is text"), ("grey.png", png(np.full((40, 40), 90, np.uint8)))]
    upload(at, *files, ("turned.png", png(t_shirt()[::-1].copy())))
    assert not at.error
    assert refused(at) == [escape("fake.png is not a picture that can be read: choose a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file.")]
    table = at.dataframe[0].value
    assert list(table["Name"]) == ["shirt.png", "grey.png", "turned.png"]
    assert table["The network says"][0] == "T-shirt/top"
    assert "the same shade everywhere" in table["The network says"][1]
    (look_at,) = [box for box in at.selectbox if box.label == "Look at"]
    look_at.select_index(2).run()
    assert "Your picture turned.png" in alts(at)
    next(box for box in at.selectbox if box.label == "Look at").select_index(1).run()
    assert any("the same shade everywhere" in error.value for error in at.error)


def test_the_fifty_first_picture_is_refused() -> None:
    at = open_page("predict", source="Upload", run="starter")
    content = png(t_shirt()[::4, ::4].copy())
    upload(at, *[(f"{number}.png", content) for number in range(51)])
    assert refused(at)[0] == escape("50.png was not added: the limit is 50 pictures. Remove some first.")
    assert len(at.dataframe[0].value) == 50


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it.png is empty: choose another picture."),
        (b"just text", "it.png is not a picture that can be read: choose a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file."),
        (png(np.zeros((300, 300), np.uint8))[:80], "it.png is damaged or cut short: save it again, or choose another picture."),
        (png(np.zeros((1, 1), np.uint8)), "it.png has only 1×1 pixels: choose a picture of at least 8×8."),
        (header_of(20_000, 20_000), "it.png has 20,000×20,000 pixels, 400 megapixels: make it smaller than 25 megapixels."),
    ],
    ids=["empty", "text", "cut", "tiny", "huge"],
)
def test_a_bad_upload_is_refused_with_a_reason(content: bytes, sentence: str) -> None:
    at = upload(open_page("predict", source="Upload"), ("it.png", content))
    assert at.error[0].value == escape(sentence)
    assert not bars(at)
    upload(at, ("shirt.png", png(t_shirt())))
    assert not at.error
    assert bars(at)


def test_a_file_name_is_shown_exactly() -> None:
    at = upload(open_page("predict", source="Upload"), ("**big** $x$ [a](b).png", b"text"))
    assert at.error[0].value.startswith(r"\*\*big\*\* \$x\$ \[a\]\(b\)\.png is not a picture")


def test_an_upload_survives_changes_of_page_until_it_is_removed() -> None:
    at = with_t_shirt()
    answer = bars(at)
    at.switch_page("pages/home.py").run()
    at.switch_page("pages/predict.py").run()
    at.radio(key="source").set_value("Upload").run()
    assert bars(at) == answer
    press(at, "Remove the pictures")
    assert not bars(at)
    assert at.info[0].value.startswith("Choose files")


@pytest.mark.parametrize(("name", "value"), [("item", "10000"), ("item", "-1"), ("item", "boot"), ("source", "Scanner")])
def test_a_link_with_invalid_choices_shows_the_first_item(name: str, value: str) -> None:
    at = open_page("predict", **{name: value})
    assert not at.exception
    assert at.number_input(key="item").value == 0
    assert says(at) == "Ankle boot"


def test_a_wrong_answer_is_marked_as_wrong() -> None:
    split = load_split("test", PACKAGED_FOLDER)
    answers = predict(load_model(load_run(STARTER_ID)), split.images[:100]).argmax(axis=1)
    wrong = int(np.flatnonzero(answers != split.labels[:100])[0])
    at = open_page("predict", run="starter", item=str(wrong))
    assert says(at) == split.class_names[answers[wrong]]
    assert [box.value for box in at.warning] == [f"Wrong: the label is {split.class_names[split.labels[wrong]]}."]
    assert not at.success


def test_files_that_broke_the_decoder_do_not_stop_the_good_ones_beside_them() -> None:
    samples = [(f"{file.stem}.png", file.read_bytes()) for file in sorted(HOSTILE.iterdir()) if file.suffix != ".md"]
    at = open_page("predict", source="Upload", run="starter")
    upload(at, *samples[:2], ("shirt.png", png(t_shirt())), *samples[2:], ("again.png", png(t_shirt())))
    answers = dict(zip(at.dataframe[0].value["Name"], at.dataframe[0].value["The network says"], strict=True))
    assert answers["shirt.png"] == answers["again.png"] == "T-shirt/top"
    missing = [name for name, _content in samples if name not in answers]
    assert missing == ["crash_AVIF+exif_RuntimeError.png", "crash_AVIF_RuntimeError.png"]
    assert refused(at) == [
        escape(f"{missing[0]} is damaged or cut short: save it again, or choose another picture."),
        escape(f"{missing[1]} is not a picture that can be read: choose a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file."),
    ]


@pytest.mark.parametrize("name", ["crash_AVIF+exif_RuntimeError.bin", "crash_AVIF_RuntimeError.bin"])
def test_one_file_that_broke_the_decoder_is_a_sentence(name: str) -> None:
    at = upload(open_page("predict", source="Upload", run="starter"), ("it.png", (HOSTILE / name).read_bytes()))
    (error,) = at.error
    assert " is damaged" in error.value or " is not a picture" in error.value
    assert at.info[0].value.startswith("Choose files")


def test_mutated_pictures_are_listed_or_refused_one_by_one() -> None:
    files = [(f"{number}.png", content) for number, (_name, content) in enumerate(mutated_pictures(36, seed=5))]
    at = upload(open_page("predict", source="Upload", run="starter"), *files, ("shirt.png", png(t_shirt())))
    listed = list(at.dataframe[0].value["Name"])
    assert at.dataframe[0].value["The network says"].iloc[-1] == "T-shirt/top"
    assert len(listed) > 6
    assert len(listed) + len(refused(at)) == 37


def test_the_table_of_pictures_shows_the_answer_to_what_was_painted() -> None:
    """A change in the middle of the mask is noticed just like one at its edge."""
    at = open_page("predict", source="Upload", run="starter")
    upload(at, ("shirt.png", png(t_shirt())), ("turned.png", png(t_shirt()[::-1].copy())))
    view = f"{next(iter(at.session_state['picture_list upload'].pictures.values())).id} 0 (0.0, 0.0, 1.0, 1.0) 0"
    sure = []
    for rows in (slice(0, 0), slice(110, 190), slice(110, 230)):
        strokes = np.zeros((300, 260, 3), np.uint8)
        strokes[0, 0] = strokes[-1, -1] = (0, 255, 0)
        strokes[rows, 85:175] = (0, 255, 0)
        at.session_state["mask_painter"] = {"png": [view, base64.b64encode(png(strokes)).decode(), 1, False]}
        at.run()
        row = at.dataframe[0].value.iloc[0]
        assert row["The network says"] == says(at)
        sure.append((row["The network says"], row["Sure"]))
    assert len(set(sure)) == 3


def test_a_picture_unlike_the_training_images_gets_a_warning() -> None:
    model = load_model(load_run(STARTER_ID))
    random = np.random.default_rng(0)
    blots = [random.integers(0, 256, (6, 6), np.uint8).repeat(4, 0).repeat(4, 1) for _ in range(20)]
    oddest = max((np.pad(blot, 2) for blot in blots), key=lambda blot: answer_picture(model, blot[np.newaxis]).unfamiliarity or 0)
    at = upload(open_page("predict", source="Upload", run="starter"), ("blot.png", png(oddest)))
    assert "Unlike almost anything this network was trained on." in warning_of(at)
    assert "5 in 10 of its answers to such pictures were wrong" in warning_of(at)
    assert warning_of(open_page("predict", run="starter", item="2")) == '<div class="unfamiliarity"></div>', "its place is kept"


def warning_of(at: AppTest) -> str:
    (warning,) = [each.proto.body for each in at.get("html") if 'class="unfamiliarity"' in each.proto.body]
    return str(warning)


def test_random_item_shows_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda end: end - 1)
    at = press(open_page("predict", run="starter"), "Random item")
    assert at.number_input(key="item").value == 9_999
    assert query(at, "item") == "9999"


def test_an_empty_pad_says_what_to_do() -> None:
    at = open_page("predict", source="Drawing")
    assert not at.exception
    assert at.info[0].value.startswith("Draw a T-shirt, a boot or a bag.")


def test_a_drawing_is_classified_step_by_step_filled_or_not() -> None:
    strokes = make_doodle("Bag", 4, SIDE_PX)
    at = draw(open_page("predict", source="Drawing", run="starter"), strokes)
    assert says(at) == "Bag"
    filled = bars(at)
    steps = [alt.split(":")[0] for alt in alts(at) if alt.startswith("After step ")]
    assert steps == ["After step 1, Your picture", "After step 2, Fill", "After step 3, Trim and centre"]
    at.toggle(key="fill").set_value(False)
    draw(at, strokes)
    assert bars(at) != filled
    assert query(at, "fill") == "off"


def test_an_unedited_test_item_on_the_pad_gives_the_same_answer() -> None:
    image = load_split("test", PACKAGED_FOLDER).images[2]
    large = image.repeat(10, 0).repeat(10, 1)
    np.testing.assert_array_equal(shrink_item(large), image)
    plain = bars(open_page("predict", run="starter", item="2"))
    at = open_page("predict", source="Drawing", start="A test item", pad_item="2", run="starter")
    assert bars(draw(at, large, "item 2")) == plain
    assert not at.toggle, "a test item is not filled"


def test_kept_pictures_can_be_downloaded_and_read_again(tmp_path: Path) -> None:
    at = open_page("predict", run="starter", item="2")
    next(box for box in at.selectbox if box.label == "It is really a …").set_value(3).run()
    press(at, "Keep it")
    assert "Dress; the network said Trouser" in alts(at)
    kept = list(at.session_state["corrections"])
    press(at, "Remove")
    assert not at.session_state["corrections"]
    content = _to_csv([*kept, Correction(np.full((28, 28), 7, np.uint8), 9, 9)])
    (tmp_path / "fashion-mnist_test.csv").write_bytes(content)
    dataset = FashionMNISTDataset(tmp_path / "fashion-mnist_test.csv")
    assert len(next(csv.reader(io.StringIO(content.decode())))) == 785
    assert [int(label) for label in dataset.labels] == [3, 9]


def test_strokes_are_read() -> None:
    strokes = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    strokes[50:90, 60:70] = 255
    drawn = read_strokes({"png": ["x", base64.b64encode(png(strokes)).decode()]}, "x", (SIDE_PX, SIDE_PX))
    assert drawn is not None
    np.testing.assert_array_equal(drawn, strokes)


def test_paint_is_read_by_hand() -> None:
    strokes = np.zeros((4, 4, 3), np.uint8)
    assert read_paint(strokes) is None
    strokes[0, 0] = (255, 0, 0)
    strokes[3, 3] = (0, 255, 0)
    strokes[2, 2] = (90, 0, 0)  # like the soft edge of a stroke
    painted = read_paint(strokes)
    assert painted is not None
    assert (painted[0, 0], painted[3, 3], painted.sum()) == (1, 2, 3)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {},
        {"png": None},
        {"png": 5},
        {"png": "text"},
        {"png": ["x"]},
        {"png": ["x", 5]},
        {"png": ["another", base64.b64encode(png(np.zeros((280, 280), np.uint8))).decode()]},
        {"png": ["x", "not base64!"]},
        {"png": ["x", "A" * 500_000]},
        {"png": ["x", base64.b64encode(b"no picture").decode()]},
        {"png": ["x", base64.b64encode(png(np.zeros((281, 10), np.uint8))).decode()]},
        {"png": ["x", base64.b64encode(png(np.zeros((280, 280), np.uint8))[:60]).decode()]},
        {"png": ["x", base64.b64encode(header_of(10_000, 10_000)).decode()]},
        {"png": ["x", base64.b64encode(header_of(30_000, 30_000)).decode()]},
        {"png": ["x", "é" * 40]},
        {"png": ["x", ["a"] * 40]},
        {"png": ["x", b"\xff" * 40]},
        {"png": [["x"], ""]},
        {"png": ["x", base64.b64encode(png(np.zeros((40, 40), np.uint16))).decode()]},
        {"png": ["x", base64.b64encode(png(np.zeros((40, 40), np.bool_))).decode()]},
        {"png": ["x", base64.b64encode(as_gif(np.zeros((40, 40), np.uint8))).decode()]},
        {"png": ["x", base64.b64encode(header_of(0, 0)).decode()]},
        ["png"],
        "png",
        7,
    ],
)
def test_invalid_strokes_are_ignored(sent: Any) -> None:
    assert read_strokes(sent, "x", (SIDE_PX, SIDE_PX)) is None


@pytest.mark.parametrize(
    ("sent", "sending"),
    [
        ({"png": ["x", "", 3, True]}, Sending(3, True)),
        ({"png": ["x", "", 2**30, False]}, Sending(2**30)),
        ({"png": ["x", ""]}, Sending()),
        ({"png": ["another", "", 3, True]}, Sending()),
        ({"png": ["x", "", True, True]}, Sending()),
        ({"png": ["x", "", -3, True]}, Sending()),
        ({"png": ["x", "", 1e300, True]}, Sending()),
        ({"png": ["x", "", 3, "yes"]}, Sending()),
        ({"png": ["x", "", 3, True, 5]}, Sending()),
        ({"png": 7}, Sending()),
        ("png", Sending()),
        (None, Sending()),
    ],
)
def test_the_number_of_a_sending_is_read_or_ignored(sent: Any, sending: Sending) -> None:
    assert read_sending(sent, "x") == sending


def test_an_erased_sheet_is_blank() -> None:
    at = draw(open_page("predict", source="Drawing", run="starter"), make_doodle("Bag", 4, SIDE_PX))
    assert bars(at)
    at.session_state["pad"] = {"png": ["blank", "", 2, False]}
    at.run()
    assert not bars(at)
    assert at.info[0].value.startswith("Draw a T-shirt")
    draw(at, np.full((SIDE_PX, SIDE_PX), 15, np.uint8))
    assert not bars(at), "a sheet that is almost black has nothing on it"


def kept_in_tab(*files: tuple[str, bytes]) -> dict[str, Any]:
    """What the browser sends after a reload, if this is what the tab has kept."""
    return {"returned": [[name, base64.b64encode(content).decode()] for name, content in files]}


def take_back(sent: Any) -> AppTest:
    """The page of a new session to which the browser has sent this; AppTest runs no callbacks of components."""
    at = open_page("predict", source="Upload", run="starter")
    kept = PictureList()
    take_back_files(kept, read_returned(sent))
    at.session_state["picture_list upload"] = kept
    at.run()
    assert not at.exception
    return at


@pytest.mark.parametrize("size_factor", [1, 3], ids=["small", "large"])
def test_pictures_that_the_tab_has_kept_give_the_same_answer(size_factor: int) -> None:
    pixels = t_shirt().repeat(size_factor, 0).repeat(size_factor, 1)
    before = upload(open_page("predict", source="Upload", run="starter"), ("shirt.png", png(pixels)))
    (picture,) = before.session_state["picture_list upload"].pictures.values()
    after = take_back(kept_in_tab((picture.name, picture.file)))
    assert bars(after) == bars(before)
    (returned,) = after.session_state["picture_list upload"].pictures.values()
    assert (returned.id, returned.name) == (picture.id, "shirt.png")


def test_what_the_tab_has_kept_is_trusted_as_little_as_an_upload() -> None:
    forged = kept_in_tab(
        ("a" * 500 + "<script>", b"text"), ("bomb.png", header_of(20_000, 20_000)), *[("shirt.png", png(t_shirt()[::4, ::4].copy()))] * 60
    )
    at = take_back(forged)
    kept = at.session_state["picture_list upload"]
    assert len(kept.pictures) + len(kept.problems) == 50
    assert len(kept.problems) == 2
    assert all(len(sentence) < 250 for sentence in refused(at))
    assert "400 megapixels" in refused(at)[1]


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {},
        {"returned": None},
        {"returned": 5},
        {"returned": "text"},
        {"returned": {"a": "b"}},
        {"returned": [["one"]]},
        {"returned": [["one", "two", "three"]]},
        {"returned": [["name", 5]]},
        {"returned": [[5, "QUJD"]]},
        {"returned": [["name", "not base64!"]]},
        {"returned": [["name", "é"]]},
        {"returned": [["name", "A" * 4_100_000]]},
        {"returned": [["A" * 4_100_000, ""]]},
        {"returned": [["", ""]] * 101},
        ["returned"],
        7,
    ],
)
def test_what_is_not_a_list_of_files_is_ignored(sent: Any) -> None:
    assert read_returned(sent) == []


def test_the_tab_keeps_as_many_pictures_as_it_has_room_for() -> None:
    files = [(str(number), bytes(900_000)) for number in range(5)]
    kept = encode_files(files)
    assert [name for name, _encoded in kept] == ["0", "1", "2"]
    assert read_returned({"returned": kept}) == files[:3]


def test_a_network_not_trained_for_photos_offers_the_starter(trained_run: RunRecord) -> None:
    at = open_page("predict", source="Drawing", run=trained_run.id)
    press(at, "Use the starter model here")
    assert query(at, "run") == "starter"
    assert at.radio(key="source").value == "Drawing"
    assert not [button for button in at.button if "starter" in button.label]
    assert not [button for button in open_page("predict", run=trained_run.id).button if "starter" in button.label], (
        "a test image needs none"
    )


@pytest.mark.parametrize("error", [RuntimeError, KeyError, struct.error, MemoryError, RecursionError, Image.DecompressionBombError])
def test_strokes_whose_decoder_fails_are_ignored(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_picture: object) -> None:
        raise error("from within")

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", fail)
    assert read_strokes({"png": ["x", base64.b64encode(png(np.zeros((40, 40, 3), np.uint8))).decode()]}, "x", (40, 40)) is None


def test_mutated_strokes_are_a_picture_of_the_right_size_or_ignored() -> None:
    """Whatever is sent in place of a drawing, the page gets what it expects."""
    outcomes = set()
    for name, content in mutated_pictures(216, seed=3):
        drawn = read_strokes({"png": ["x", base64.b64encode(content).decode()]}, "x", (20, 24))
        assert drawn is None or (str(drawn.dtype), drawn.shape[2]) == ("uint8", 3)
        assert drawn is None or (name.startswith("PNG") and drawn.shape[0] <= 24 and drawn.shape[1] <= 20)
        outcomes.add(drawn is None)
    assert outcomes == {True, False}
