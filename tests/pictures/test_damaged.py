"""Damaged and hostile files: each opens or is refused with a sentence about it, whatever Pillow raises."""

import contextlib
import io
import struct
import warnings
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from fmnist_core.pictures.opening import PictureError, open_picture
from fmnist_core.pictures.preparation import prepare
from tests.pictures.mutated import encode, mutated_pictures, whole_pictures

HOSTILE = Path(__file__).parent / "hostile"


def test_mutated_pictures_open_or_are_refused_and_can_be_prepared() -> None:
    """A file that opens gives 28×28 pixels or, at worst, a sentence; so does everything else that damage can lead to."""
    outcomes = Counter[str]()
    for name, content in mutated_pictures(216, seed=12):  # twelve of each variant
        try:
            picture = open_picture(content, name)
        except PictureError as error:
            outcomes["refused" if str(error).startswith(f"{name} ") else "refused without a name"] += 1
            continue
        assert picture.mode in ("RGB", "RGBA")
        assert max(picture.size) <= 1024
        with contextlib.suppress(PictureError):  # the same shade everywhere
            assert prepare(picture).image.shape == (28, 28)
        outcomes["opened"] += 1
    assert set(outcomes) == {"opened", "refused"}
    assert min(outcomes.values()) > 20


def test_the_same_seed_mutates_the_same_way() -> None:
    assert dict(mutated_pictures(36, 3)) == dict(mutated_pictures(36, 3))
    assert dict(mutated_pictures(36, 3)).values() != dict(mutated_pictures(36, 4)).values()
    assert all(open_picture(content, kind).mode in ("RGB", "RGBA") for kind, content in whole_pictures().items())


@pytest.mark.parametrize(
    ("name", "problem"),
    [("crash_AVIF_RuntimeError.bin", "not a picture that can be read"), ("crash_AVIF+exif_RuntimeError.bin", "damaged")],
)
def test_files_that_crashed_the_decoder_are_refused_with_a_sentence(name: str, problem: str) -> None:
    with pytest.raises(PictureError, match=rf"^it\.png is {problem}") as caught:
        open_picture((HOSTILE / name).read_bytes(), "it.png")
    assert type(caught.value.__cause__) is RuntimeError


@pytest.mark.parametrize("name", ["crash_TIFF16_KeyError.bin", "crash_WEBP+exif_error.bin"])
def test_files_whose_pixels_are_whole_open_although_their_exif_data_are_damaged(name: str) -> None:
    picture = open_picture((HOSTILE / name).read_bytes(), "x")
    assert (picture.mode, picture.size) == ("RGB", (60, 60))


@pytest.mark.parametrize("name", ["poly.jpg", "icc.jpg"])
def test_two_types_in_one_file_and_a_broken_colour_profile_open(name: str) -> None:
    assert open_picture((HOSTILE / name).read_bytes(), name).mode == "RGB"


def test_a_tiff_whose_directory_is_a_circle_ends() -> None:
    assert open_picture((HOSTILE / "cyc.tiff").read_bytes(), "x").mode == "RGB"


ANYTHING = [RuntimeError, KeyError, struct.error, MemoryError, RecursionError, IndexError, AttributeError, zlib.error, TypeError]
BOMBS = [Image.DecompressionBombError, Image.DecompressionBombWarning]


@pytest.mark.parametrize("error", [*ANYTHING, *BOMBS])
@pytest.mark.parametrize("where", ["load", "getexif", "has_transparency_data", "size", "mode", "convert"])
def test_whatever_pillow_raises_becomes_a_sentence(where: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where Pillow decodes something only when it is asked for, such as the size of a TIFF."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise error("from within")

    content = encode(Image.new("LA", (20, 20)), "PNG")
    lazy = where in ("has_transparency_data", "size", "mode")
    monkeypatch.setattr(PngImagePlugin.PngImageFile, where, property(fail) if lazy else fail, raising=False)
    if where == "getexif":  # the pixels are fine
        assert open_picture(content, "x").size == (20, 20)
    else:
        with pytest.raises(PictureError, match=r"^x is "):
            open_picture(content, "x")


@pytest.mark.parametrize("error", [*ANYTHING, *BOMBS])
def test_whatever_opening_raises_becomes_a_sentence(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise error("from within")

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(PictureError, match=r"^x is not a picture that can be read"):
        open_picture(b"anything", "x")


def with_exif(block: bytes) -> bytes:
    """A JPEG with a red left half and these bytes as its Exif block."""
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16, 0] = 255
    return encode(Image.fromarray(pixels), "JPEG", exif=b"Exif\0\0" + block)


def ifd(kind: int, count: int, value: bytes) -> bytes:
    """A TIFF directory with only the orientation, of this type."""
    return b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHI", 0x0112, kind, count) + value.ljust(4, b"\0") + bytes(4)


@pytest.mark.parametrize(
    ("block", "size"),
    [
        (ifd(3, 1, b"\6"), (16, 32)),
        (ifd(3, 1, b"\x63"), (32, 16)),
        (ifd(3, 2, b"\6\0\6"), (16, 32)),
        (ifd(2, 4, b"six"), (32, 16)),
        (ifd(5, 1, b"\xff\xff\xff\xff"), (32, 16)),
        (ifd(12, 1, b"\0"), (32, 16)),
        (b"neither II nor MM", (32, 16)),
        (b"II*\0\xff\xff\xff\xff", (32, 16)),
        (b"II", (32, 16)),
        (b"", (32, 16)),
    ],
    ids=["valid", "99", "two numbers", "text", "no such offset", "float", "no TIFF", "no directory", "cut", "nothing"],
)
def test_a_broken_orientation_does_not_cost_the_picture(block: bytes, size: tuple[int, int]) -> None:
    picture = open_picture(with_exif(block), "x")
    assert picture.size == size
    assert not picture.getexif()


def test_pillows_warnings_are_ignored_and_no_others() -> None:
    """The damage of this animation only costs its second frame; Pillow warns about it. Warnings are errors here."""
    film = whole_pictures()["PNG animated"]
    frames = film.index(b"acTL") + 4
    broken = film[:frames] + bytes(4) + film[frames + 4 :]  # an animation of 0 frames
    broken = broken[: frames + 8] + struct.pack(">I", zlib.crc32(broken[frames - 4 : frames + 8])) + broken[frames + 12 :]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="Invalid APNG"):
            Image.open(io.BytesIO(broken))
        assert open_picture(broken, "x").size == (20, 24)
        before = list(warnings.filters)
        assert open_picture(broken, "x").size == (20, 24)
        assert list(warnings.filters) == before
        with pytest.raises(UserWarning, match="ours"):
            warnings.warn("ours", UserWarning, stacklevel=1)
