import contextlib
import io
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from fmnist_core.pictures import opening
from fmnist_core.pictures.opening import PictureError, open_picture


def as_file(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_format_opens(kind: str) -> None:
    picture = open_picture(as_file(Image.new("RGB", (200, 120), "red"), kind), "x")
    assert (picture.mode, picture.size) == ("RGB", (200, 120))


def test_exif_orientation_is_applied() -> None:
    picture = Image.new("RGB", (40, 20), "white")
    exif = picture.getexif()
    exif[0x0112] = 6  # the camera was turned by 90 degrees
    assert open_picture(as_file(picture, "JPEG", exif=exif), "x").size == (20, 40)


@pytest.mark.parametrize(("mode", "clear"), [("RGBA", (0, 0, 0, 0)), ("LA", (0, 0))])
def test_transparency_is_kept(mode: str, clear: tuple[int, ...]) -> None:
    picture = open_picture(as_file(Image.new(mode, (10, 10), clear)), "x")
    assert (picture.mode, picture.getpixel((5, 5))) == ("RGBA", (0, 0, 0, 0))


def test_an_opaque_alpha_channel_is_dropped() -> None:
    assert open_picture(as_file(Image.new("RGBA", (10, 10), "red")), "x").mode == "RGB"


def test_a_transparent_palette_is_kept() -> None:
    picture = Image.new("P", (10, 10), 0)
    picture.putpalette([0, 0, 0] * 256)
    assert open_picture(as_file(picture, "GIF", transparency=0), "x").getpixel((5, 5)) == (0, 0, 0, 0)


def test_sixteen_bits_keep_their_brightness() -> None:
    half = Image.fromarray(np.full((10, 10), 32768, np.uint16))
    red, _green, _blue = open_picture(as_file(half), "x").getpixel((5, 5))  # type: ignore[misc]
    assert 127 <= red <= 128


def grey_of(values: NDArray[Any], kind: str = "TIFF") -> list[int]:
    """The first row of a grey picture after opening; each of its rows has these values."""
    picture = open_picture(as_file(Image.fromarray(np.tile(values, (16, 1))), kind), "x")
    assert picture.mode == "RGB"
    pixels = np.asarray(picture)
    assert (np.ptp(pixels, axis=2) == 0).all()
    row: list[int] = pixels[0, :, 0].tolist()
    return row


@pytest.mark.parametrize(
    ("values", "greys"),
    [
        (np.array([0, 257, 32768, 65534, 65535, 0, 0, 0], np.uint16), [0, 1, 127, 254, 255, 0, 0, 0]),
        (np.array([0, 256, 512, 40000, 0, 0, 0, 0], np.uint16), [0, 0, 1, 155, 0, 0, 0, 0]),
        (np.array([0, 1, 128, 255, 0, 0, 0, 0], np.uint16), [0, 1, 128, 255, 0, 0, 0, 0]),
        (np.array([0, 1, 1, 0, 0, 0, 0, 0], np.uint16), [0, 1, 1, 0, 0, 0, 0, 0]),
        (np.array([-300, -1, 0, 128, 255, 0, 0, 0], np.int32), [0, 0, 0, 128, 255, 0, 0, 0]),
        (np.array([-300, 0, 65535, 70000, 257, 0, 0, 0], np.int32), [0, 0, 255, 255, 1, 0, 0, 0]),
        (np.array([-0.5, 0, 0.25, 0.5, 1, 0, 0, 0], np.float32), [0, 0, 63, 127, 255, 0, 0, 0]),
        (np.array([0, 0.5, 1.01, 254.9, 255, 0, 0, 0], np.float32), [0, 0, 1, 254, 255, 0, 0, 0]),
        (np.array([0, 257, 65535, 1e9, -1e9, 0, 0, 0], np.float32), [0, 1, 255, 255, 0, 0, 0, 0]),
    ],
    ids=["16 bits", "dark 16 bits", "8 of 16 bits", "1 of 16 bits", "8 of 32 bits", "32 bits", "0 to 1", "0 to 255", "0 to 65535"],
)
def test_deep_greys_by_hand(values: NDArray[Any], greys: list[int]) -> None:
    """The scale ends at 1, 255 or 65,535, whichever is the first to reach the highest value; 1 is for floating-point values only."""
    assert grey_of(values) == greys


def test_a_sixteen_bit_png_is_scaled_like_a_tiff() -> None:
    assert grey_of(np.array([0, 257, 32768, 65535, 0, 0, 0, 0], np.uint16), "PNG") == [0, 1, 127, 255, 0, 0, 0, 0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    values = np.full((10, 10), 0.5, np.float32)
    values[3, 4] = value
    with pytest.raises(PictureError, match="not numbers"):
        open_picture(as_file(Image.fromarray(values), "TIFF"), "x")


@pytest.mark.parametrize(("side", "kept"), [(2047, 1), (4094, 1), (4096, 2), (6142, 2), (6144, 3)])
@pytest.mark.parametrize("upright", [False, True])
def test_a_large_16_bit_picture_is_subsampled(side: int, kept: int, upright: bool) -> None:
    """As floats, the whole picture could take over a gigabyte. The rows and columns that are skipped are white here, the others black."""
    values = np.full((48, side), 65535, np.uint16)
    values[::kept, ::kept] = 0
    picture = open_picture(as_file(Image.fromarray(values.T.copy() if upright else values), "TIFF"), "x")
    assert max(picture.size) == 1024
    assert picture.convert("L").getextrema() == (0, 0)


@pytest.mark.parametrize(("kind", "depth"), [("TIFF", 8), ("TIFF", 16), ("PNG", 8), ("PNG", 16), ("WEBP", 8), ("JPEG", 8)])
def test_orientation_turns_every_format(kind: str, depth: int) -> None:
    """The camera was turned by 90 degrees: the top of the stored picture belongs on the right."""
    values = np.zeros((32, 64), np.uint8)
    values[:16] = 255
    picture = Image.fromarray(values) if depth == 8 else Image.fromarray(values.astype(np.uint16) * 257)
    exif = picture.getexif()
    exif[0x0112] = 6
    turned = np.asarray(open_picture(as_file(picture, kind, exif=exif), "x").convert("L"))
    assert turned.shape == (64, 32)
    assert turned[:, 20:].min() > 250
    assert turned[:, :12].max() < 5


def test_a_partly_transparent_picture_stays_so() -> None:
    pixels = np.full((16, 16, 4), 255, np.uint8)
    pixels[:4, :, 3] = 0
    pixels[8, 8] = (10, 20, 30, 254)
    picture = open_picture(as_file(Image.fromarray(pixels)), "x")
    assert picture.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(picture)[4:], pixels[4:])
    assert not np.asarray(picture)[:4, :, 3].any()


def test_even_slight_transparency_is_kept() -> None:
    assert open_picture(as_file(Image.new("RGBA", (10, 10), (9, 9, 9, 254))), "x").mode == "RGBA"


def test_the_colours_of_a_palette_are_kept() -> None:
    picture = Image.new("P", (10, 10), 3)
    picture.putpalette([0, 0, 0] * 3 + [10, 200, 30] + [0, 0, 0] * 252)
    opened = open_picture(as_file(picture), "x")
    assert (opened.mode, opened.getpixel((5, 5))) == ("RGB", (10, 200, 30))


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
        (b"hello", "it.png is not a picture that can be read: choose a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file."),
        (
            b"\0\0\0\x18ftypheic" + bytes(40),
            "it.png is in Apple's HEIC format, which cannot be read here: share it as JPEG, or take a screenshot of it.",
        ),
        (as_file(Image.new("RGB", (1, 1))), "it.png has only 1×1 pixels: choose a picture of at least 8×8."),
        (
            as_file(Image.fromarray(np.full((10, 10), np.nan, np.float32)), "TIFF"),
            "it.png has pixels that are not numbers (NaN): save it again as a PNG or JPEG file.",
        ),
        (
            as_file(Image.effect_noise((300, 300), 90), "JPEG")[:3000],
            "it.png is damaged or cut short: save it again, or choose another picture.",
        ),
        (as_file(Image.effect_noise((300, 300), 90))[:3000], "it.png is damaged or cut short: save it again, or choose another picture."),
    ],
    ids=["empty", "text", "heic", "tiny", "nan", "half a jpeg", "half a png"],
)
def test_the_error_about_a_bad_file_is_one_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(PictureError) as caught:
        open_picture(content, "it.png")
    assert str(caught.value) == sentence


def empty_png(width: int, height: int) -> bytes:
    """A PNG whose header states this size and that holds no pixels: decoding it fails with a different error."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def cut_jpeg(width: int, height: int, kind: str) -> bytes:
    """A JPEG, or a phone's file of several JPEGs (MPO), whose header states this size although it has fewer pixels."""
    picture = Image.new("RGB", (16, 24), "red")
    content = as_file(picture, kind, **({"save_all": True, "append_images": [picture]} if kind == "MPO" else {}))
    return content.replace(struct.pack(">HH", 24, 16), struct.pack(">HH", height, width))


@pytest.mark.parametrize(("width", "height"), [(6_000, 5_000), (10_000, 10_000), (20_000, 10_000), (20_000, 20_000)])
def test_a_huge_picture_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    with pytest.raises(
        PictureError, match=rf"it\.png has {width:,}×{height:,} pixels, {width * height // 10**6} megapixels: make it smaller than 25"
    ):
        open_picture(empty_png(width, height), "it.png")


@pytest.mark.parametrize(("rows", "is_refused"), [(5_000, False), (5_001, True)], ids=["the limit", "one row more"])
def test_25_megapixels_are_the_limit(rows: int, is_refused: bool) -> None:
    with pytest.raises(PictureError, match="25 megapixels" if is_refused else "damaged"):
        open_picture(empty_png(5_000, rows), "it.png")


@pytest.mark.parametrize("kind", ["JPEG", "MPO"])
def test_50_megapixels_are_the_limit_of_a_jpeg(kind: str) -> None:
    """A JPEG that ends early still opens; the missing part is grey."""
    assert open_picture(cut_jpeg(10_000, 5_000, kind), "it.jpg").size == (1024, 512)
    with pytest.raises(PictureError, match="50 megapixels"):
        open_picture(cut_jpeg(10_000, 5_001, kind), "it.jpg")


@pytest.mark.parametrize(("size", "opens"), [((8, 8), True), ((7, 30), False), ((30, 7), False), ((8, 30), True), ((30, 8), True)])
def test_each_side_must_have_at_least_8_pixels(size: tuple[int, int], opens: bool) -> None:
    content = as_file(Image.new("RGB", size, "red"))
    if opens:
        assert open_picture(content, "x").size == size
    else:
        with pytest.raises(PictureError, match=f"{size[0]}×{size[1]}"):
            open_picture(content, "x")


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc", b"mif1", b"msf1"])
def test_the_error_about_apples_format_names_it(brand: bytes) -> None:
    with pytest.raises(PictureError, match="HEIC"):
        open_picture(b"\0\0\0\x18ftyp" + brand + bytes(40), "x")
    with pytest.raises(PictureError, match="PNG, JPEG"):
        open_picture(b"\0\0\0\x18text" + brand + bytes(40), "x")


@pytest.mark.parametrize(("size", "opened"), [((1024, 600), (1024, 600)), ((1025, 1025), (1024, 1024)), ((600, 2048), (300, 1024))])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_picture_is_reduced_to_at_most_1024_pixels_a_side(size: tuple[int, int], opened: tuple[int, int], mode: str) -> None:
    picture = open_picture(as_file(Image.new(mode, size, (200, 100, 50) if mode == "RGB" else (200, 100, 50, 120))), "x")
    assert (picture.mode, picture.size) == (mode, opened)


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
        "mpo": as_file(colours, "MPO", save_all=True, append_images=[colours]),  # many phones name it .jpg
        "webp": as_file(picture, "WEBP", exif=exif),
        "gif": as_file(colours.convert("P"), "GIF", save_all=True, append_images=[colours.rotate(90).convert("P")]),
        "bmp": as_file(colours, "BMP"),
        "tiff": as_file(picture, "TIFF"),
        "32-bit tiff": as_file(Image.fromarray(pixels[..., 0].astype(np.float32)), "TIFF"),
    }


@pytest.mark.parametrize("kind", files_of_every_kind())
def test_a_damaged_file_opens_or_is_refused_with_a_sentence(kind: str) -> None:
    """200 files of each kind, in which a few bytes are changed, mostly in the header, or the end is cut off."""
    whole, chance = files_of_every_kind()[kind], np.random.default_rng(7)
    assert open_picture(whole, "x").mode in ("RGB", "RGBA")
    refusals = []
    for _ in range(200):
        damaged = bytearray(whole)
        for index in chance.integers(0, chance.choice([40, 120, len(whole)]), size=chance.integers(1, 8)):
            damaged[index] = chance.integers(256)
        content = bytes(damaged[: chance.choice([len(whole), len(whole), len(whole) // 2])])
        try:
            picture = open_picture(content, "x")
            assert picture.mode in ("RGB", "RGBA")
            assert max(picture.size) <= 1024
        except PictureError as error:
            refusals.append(str(error))
    assert refusals
    assert all(sentence.startswith("x ") for sentence in refusals)


@settings(max_examples=80, deadline=None)
@given(
    width=st.integers(8, 1500),
    height=st.integers(8, 400),
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"]),
)
def test_any_picture_opens_small_and_in_colour(width: int, height: int, mode: str) -> None:
    pixels = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), np.uint8)
    if mode in ("I;16", "F"):
        picture = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257 if mode == "I;16" else pixels[..., 0].astype(np.float32))
    else:
        picture = Image.fromarray(pixels).convert("L" if mode == "LA" else "RGB").convert(mode)
    opened = open_picture(as_file(picture, {"CMYK": "JPEG", "F": "TIFF"}.get(mode, "PNG")), "x")
    assert opened.mode == "RGB"
    assert max(opened.size) == min(1024, max(width, height))


@pytest.mark.parametrize("content", [as_file(Image.new("RGB", (20, 20))), b"no picture"], ids=["a picture", "none"])
def test_pillows_own_limit_is_restored(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_234_567)
    with contextlib.suppress(PictureError):
        open_picture(content, "x")
    assert Image.MAX_IMAGE_PIXELS == 1_234_567


def test_of_many_large_pictures_opened_at_once_one_is_decoded_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones do not wait for them."""
    simplify, decoding, most = opening._simplify, 0, 0
    both_small = threading.Barrier(2)
    counted = threading.Lock()

    def count(picture: Image.Image) -> Image.Image:
        nonlocal decoding, most
        if picture.width < 100:
            both_small.wait(30)
            return simplify(picture)
        with counted:
            decoding += 1
            most = max(most, decoding)
        time.sleep(0.02)
        opened = simplify(picture)
        with counted:
            decoding -= 1
        return opened

    monkeypatch.setattr(opening, "_simplify", count)
    monkeypatch.setattr(opening, "_LARGE_PIXELS", 100 * 100)
    large, small = (as_file(Image.new("RGB", (side, side), "red")) for side in (101, 20))
    with ThreadPoolExecutor(8) as threads:
        opened = [threads.submit(open_picture, content, "a picture") for content in [*[large] * 6, *[small] * 2]]
        assert [future.result().width for future in opened] == [101] * 6 + [20] * 2
    assert most == 1
