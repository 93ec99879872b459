import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fmnist_core.pictures.opening import MAX_PIXELS_IN_FULL, PictureError, open_picture


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
            "it.png is in Apple's format HEIC, which cannot be read here: share it as JPEG, or take a screenshot of it.",
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
def test_bad_files_get_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(PictureError) as caught:
        open_picture(content, "it.png")
    assert str(caught.value) == sentence


@pytest.mark.parametrize(("width", "height"), [(6_000, 5_000), (10_000, 10_000), (20_000, 10_000), (20_000, 20_000)])
def test_a_huge_picture_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    """A PNG that says how large it is and holds nothing: decoding it would give another error."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    assert width * height > MAX_PIXELS_IN_FULL
    with pytest.raises(
        PictureError, match=rf"it\.png has {width:,}×{height:,} pixels, {width * height // 10**6} megapixels: make it smaller than 25"
    ):
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
        "tiff": as_file(picture, "TIFF"),
        "32-bit tiff": as_file(Image.fromarray(pixels[..., 0].astype(np.float32)), "TIFF"),
    }


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow says which part of a damaged file it passes over
@pytest.mark.parametrize("kind", files_of_every_kind())
def test_a_damaged_file_opens_or_gets_a_sentence(kind: str) -> None:
    """200 files a kind with a few bytes changed, most of them in the header, or the end cut off."""
    whole, chance = files_of_every_kind()[kind], np.random.default_rng(7)
    assert open_picture(whole, "x").mode in ("RGB", "RGBA")
    refusals = []
    for _ in range(200):
        damaged = bytearray(whole)
        for place in chance.integers(0, chance.choice([40, 120, len(whole)]), size=chance.integers(1, 8)):
            damaged[place] = chance.integers(256)
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


def test_the_limit_of_pillow_is_left_as_it_was() -> None:
    before = Image.MAX_IMAGE_PIXELS
    open_picture(as_file(Image.new("RGB", (20, 20))), "x")
    assert before == Image.MAX_IMAGE_PIXELS
