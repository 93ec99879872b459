import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fmnist_core.data import Split
from fmnist_core.imaging import prepare, prepare_drawing
from fmnist_core.pictures import MAX_PIXELS, PictureError, open_picture


def as_file(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def dark_square_on_white(width: int = 200, height: int = 120) -> Image.Image:
    """White, with a dark rectangle of 80×40 whose corner is at (60, 30)."""
    pixels = np.full((height, width), 255, np.uint8)
    pixels[30:70, 60:140] = 40
    return Image.fromarray(pixels)


def test_every_step_by_hand() -> None:
    preparation = prepare(dark_square_on_white())
    steps = {step.name: step for step in preparation.steps}
    assert list(steps) == ["Grey", "Trim", "Shrink", "Sharpen", "Centre", "Negate"]
    assert steps["Grey"].image.shape == (120, 200)
    assert steps["Trim"].image.shape == (40, 80)
    assert (steps["Trim"].image == 40).all()
    assert steps["Shrink"].image.shape == (14, 28)
    assert "28×14 are left" in steps["Shrink"].sentence
    assert steps["Centre"].image.shape == (28, 28)
    assert (steps["Centre"].image[:7] == 255).all()
    assert (steps["Centre"].image[21:] == 255).all()
    expected = np.zeros((28, 28), np.uint8)
    expected[7:21] = 255 - 40
    np.testing.assert_array_equal(preparation.image, expected)


def test_edges_close_to_the_corner_colour_go_too() -> None:
    pixels = np.asarray(dark_square_on_white()).copy()
    pixels[:10] = 245  # within 5 % of white
    assert prepare(Image.fromarray(pixels)).steps[1].image.shape == (40, 80)


def test_a_dark_background_is_not_negated() -> None:
    inverted = Image.fromarray(255 - np.asarray(dark_square_on_white()))
    np.testing.assert_array_equal(prepare(inverted).image, prepare(dark_square_on_white()).image)
    assert "dark already" in prepare(inverted).steps[-1].sentence


def test_images_of_the_data_set_stay_as_they_are(small_splits: tuple[Split, Split]) -> None:
    for image in small_splits[1].images[:50]:
        np.testing.assert_array_equal(prepare(Image.fromarray(image)).image, image)


def test_outlines_are_sharpened() -> None:
    ramp = Image.fromarray(np.repeat(np.clip(np.arange(280) - 140, 0, 100)[np.newaxis], 280, axis=0).astype(np.uint8))
    steps = {step.name: step.image.astype(int) for step in prepare(ramp).steps}
    assert steps["Sharpen"].max() > steps["Shrink"].max()


@pytest.mark.parametrize("colour", ["white", "black", "grey"])
def test_one_colour_is_said(colour: str) -> None:
    preparation = prepare(Image.new("RGB", (300, 200), colour))
    assert len(np.unique(preparation.image)) == 1
    assert preparation.image.max() < 128
    assert preparation.steps[1].sentence.startswith("The whole picture has one brightness")


def test_a_background_of_many_greys_is_said() -> None:
    assert "A plain background works best." in prepare(Image.effect_noise((90, 60), 60)).steps[1].sentence


def test_a_smaller_picture_grows_and_is_not_sharpened() -> None:
    pixels = np.full((20, 20), 255, np.uint8)
    pixels[5:12, 4:18] = 55  # 14 wide, 7 high
    preparation = prepare(Image.fromarray(pixels))
    steps = {step.name: step for step in preparation.steps}
    assert steps["Enlarge"].image.shape == (14, 28)
    assert "28×14" in steps["Enlarge"].sentence
    np.testing.assert_array_equal(steps["Sharpen"].image, steps["Enlarge"].image)
    expected = np.zeros((28, 28), np.uint8)
    expected[7:21] = 200
    np.testing.assert_array_equal(preparation.image, expected)


def test_a_picture_of_the_right_length_is_not_resized() -> None:
    pixels = np.full((40, 40), 255, np.uint8)
    pixels[5:15, 6:34] = 55
    step = prepare(Image.fromarray(pixels)).steps[2]
    assert (step.name, step.image.shape) == ("Shrink", (10, 28))
    assert step.sentence.endswith("it stays 28×10.")


def test_drawings_are_trimmed_scaled_and_centred() -> None:
    strokes = np.zeros((280, 280), np.uint8)
    strokes[100:240, 20:90] = 255  # 140 high, 70 wide
    preparation = prepare_drawing(strokes)
    assert [step.name for step in preparation.steps] == ["Drawing", "Trim", "Shrink", "Centre"]
    expected = np.zeros((28, 28), np.uint8)
    expected[:, 7:21] = 255
    np.testing.assert_array_equal(preparation.image, expected)


def test_an_empty_drawing_is_said() -> None:
    with pytest.raises(PictureError, match="Nothing is drawn yet"):
        prepare_drawing(np.zeros((280, 280), np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_every_format_opens(kind: str) -> None:
    picture = open_picture(as_file(dark_square_on_white(), kind), "x")
    assert (picture.mode, picture.size) == ("RGB", (200, 120))


def test_exif_orientation_is_applied() -> None:
    picture = Image.new("RGB", (40, 20), "white")
    exif = picture.getexif()
    exif[0x0112] = 6  # the camera was turned by 90 degrees
    assert open_picture(as_file(picture, "JPEG", exif=exif), "x").size == (20, 40)


@pytest.mark.parametrize(("mode", "clear"), [("RGBA", (0, 0, 0, 0)), ("LA", (0, 0))])
def test_transparency_becomes_white(mode: str, clear: tuple[int, ...]) -> None:
    picture = open_picture(as_file(Image.new(mode, (10, 10), clear)), "x")
    assert picture.getpixel((5, 5)) == (255, 255, 255)


def test_a_transparent_palette_becomes_white() -> None:
    picture = Image.new("P", (10, 10), 0)
    picture.putpalette([0, 0, 0] * 256)
    assert open_picture(as_file(picture, "GIF", transparency=0), "x").getpixel((5, 5)) == (255, 255, 255)


def test_sixteen_bits_keep_their_brightness() -> None:
    half = Image.fromarray(np.full((10, 10), 32768, np.uint16))
    red, _green, _blue = open_picture(as_file(half), "x").getpixel((5, 5))  # type: ignore[misc]
    assert 127 <= red <= 128


def test_cmyk_opens() -> None:
    assert open_picture(as_file(Image.new("CMYK", (10, 10)), "JPEG"), "x").getpixel((5, 5)) == (255, 255, 255)


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("L", (10, 10), value) for value in (250, 5)]
    picture = open_picture(as_file(frames[0], "GIF", save_all=True, append_images=frames[1:]), "x")
    assert picture.getpixel((5, 5)) == (250, 250, 250)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it.png is empty: choose another picture."),
        (b"hello", "it.png is not a picture that can be read: choose a PNG, JPEG, WebP, GIF or BMP file."),
        (as_file(dark_square_on_white(), "TIFF"), "it.png is not a picture that can be read: choose a PNG, JPEG, WebP, GIF or BMP file."),
        (
            as_file(Image.effect_noise((300, 300), 90), "JPEG")[:3000],
            "it.png is damaged or cut short: save it again, or choose another picture.",
        ),
        (as_file(Image.effect_noise((300, 300), 90))[:3000], "it.png is damaged or cut short: save it again, or choose another picture."),
    ],
    ids=["empty", "text", "tiff", "half a jpeg", "half a png"],
)
def test_bad_files_get_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(PictureError) as caught:
        open_picture(content, "it.png")
    assert str(caught.value) == sentence


@pytest.mark.parametrize(("width", "height"), [(10_000, 10_000), (20_000, 10_000), (20_000, 20_000)])
def test_a_huge_picture_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    """A PNG that says how large it is and holds nothing: decoding it would give another error."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    assert width * height > MAX_PIXELS
    with pytest.raises(PictureError, match=rf"it\.png has {width * height // 10**6} megapixels: make it smaller than 50 megapixels\."):
        open_picture(content, "it.png")


def files_of_every_kind() -> dict[str, bytes]:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 4), np.uint8)
    picture = Image.fromarray(pixels)
    colours, exif = picture.convert("RGB"), Image.Exif()
    exif[0x0112] = 6
    return {
        "png": as_file(picture, exif=exif),
        "palette": as_file(colours.convert("P"), transparency=b"\x00\x10\x20"),
        "16 bits": as_file(Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)),
        "jpeg": as_file(colours, "JPEG", exif=exif),
        "cmyk": as_file(colours.convert("CMYK"), "JPEG"),
        "mpo": as_file(colours, "MPO", save_all=True, append_images=[colours]),  # what many phones call .jpg
        "webp": as_file(picture, "WEBP", exif=exif),
        "gif": as_file(colours.convert("P"), "GIF", save_all=True, append_images=[colours.rotate(90).convert("P")]),
        "bmp": as_file(colours, "BMP"),
    }


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow says which part of a damaged file it passes over
@pytest.mark.parametrize("kind", files_of_every_kind())
def test_a_damaged_file_opens_or_gets_a_sentence(kind: str) -> None:
    """200 files a kind with a few bytes changed, most of them in the header, or the end cut off."""
    whole, chance = files_of_every_kind()[kind], np.random.default_rng(7)
    assert prepare(open_picture(whole, "x")).image.shape == (28, 28)
    refusals = []
    for _ in range(200):
        damaged = bytearray(whole)
        for place in chance.integers(0, chance.choice([40, 120, len(whole)]), size=chance.integers(1, 8)):
            damaged[place] = chance.integers(256)
        content = bytes(damaged[: chance.choice([len(whole), len(whole), len(whole) // 2])])
        try:
            assert prepare(open_picture(content, "x")).image.shape == (28, 28)
        except PictureError as error:
            refusals.append(str(error))
    assert refusals
    assert all(sentence.startswith("x ") for sentence in refusals)


@settings(max_examples=80, deadline=None)
@given(
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"]),
    seed=st.integers(0, 9),
)
def test_any_picture_becomes_28_by_28(width: int, height: int, mode: str, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    if mode == "I;16":
        picture = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    else:
        picture = Image.fromarray(pixels).convert("L" if mode == "LA" else "RGB").convert(mode)
    content = as_file(picture, "JPEG" if mode == "CMYK" else "PNG")
    preparation = prepare(open_picture(content, "x"))
    assert preparation.image.shape == (28, 28)
    assert preparation.image.dtype == np.uint8
    assert all(step.image.dtype == np.uint8 and step.image.ndim == 2 for step in preparation.steps)
