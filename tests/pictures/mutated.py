"""Small pictures of eight formats with a few bytes changed, cut out, inserted or swapped: whatever a decoder may meet."""

import functools
import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

_EXIF_ORIENTATION = 0x0112
_HEADER_BYTES = 160  # a change here reaches more of a decoder's code than one among the pixels


def mutated_pictures(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Damaged pictures, each with a name that says what it was and which one it is; the same seed gives the same ones.

    The formats take turns, so that each has its share of any count.
    """
    chance = np.random.default_rng(seed)
    whole = list(whole_pictures().items())
    for index in range(count):
        kind, content = whole[index % len(whole)]
        yield f"{kind} {seed}-{index}", _mutate(content, chance)


@functools.cache
def whole_pictures() -> dict[str, bytes]:
    """Valid files of eight formats: PNG, JPEG, MPO, WebP, GIF, BMP, TIFF and AVIF, in 18 variants that decoders treat differently."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 4), np.uint8)
    pixels[4:20, 4:16] = (200, 40, 40, 255)
    clear = Image.fromarray(pixels)
    colour, grey = clear.convert("RGB"), pixels[..., 0]
    turned = colour.transpose(Image.Transpose.ROTATE_90)
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    palette = colour.quantize(16)
    exif = Image.Exif()
    exif[_EXIF_ORIENTATION] = 6
    exif[0x010F] = "Maker"
    film = {"save_all": True, "append_images": [colour.rotate(90)]}
    return {
        "PNG+exif": encode(clear, "PNG", exif=exif),
        "PNG palette": encode(palette, "PNG", transparency=b"\x00\x80"),
        "PNG 16 bit": encode(deep, "PNG"),
        "PNG animated": encode(colour, "PNG", **film),
        "JPEG+exif": encode(colour, "JPEG", exif=exif),
        "JPEG progressive": encode(colour.convert("CMYK"), "JPEG", progressive=True),
        "MPO": encode(colour, "MPO", save_all=True, append_images=[turned]),
        "WebP+exif": encode(clear, "WEBP", exif=exif),
        "WebP animated": encode(colour, "WEBP", **film),
        "GIF": encode(palette, "GIF", transparency=0),
        "GIF animated": encode(colour, "GIF", **film),
        "BMP": encode(colour, "BMP"),
        "BMP palette": encode(palette, "BMP"),
        "TIFF+exif": encode(clear, "TIFF", exif=exif, compression="tiff_lzw"),
        "TIFF 16 bit": encode(deep, "TIFF"),
        "TIFF float": encode(Image.fromarray(grey.astype(np.float32)), "TIFF", compression="tiff_adobe_deflate"),
        "AVIF+exif": encode(clear, "AVIF", exif=exif, max_threads=1),
        "AVIF animated": encode(colour, "AVIF", max_threads=1, **film),
    }


def encode(picture: Image.Image, kind: str, **options: object) -> bytes:
    """The file that Pillow makes of a picture."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _mutate(content: bytes, chance: np.random.Generator) -> bytes:
    """One to four changes, half of them near the start of the file."""
    damaged = bytearray(content)
    for _ in range(chance.integers(1, 5)):
        reach = min(_HEADER_BYTES, len(damaged)) if chance.random() < 0.5 else len(damaged)
        start, length = int(chance.integers(reach)), int(chance.integers(1, 9))
        match chance.choice(["change", "bit", "extreme", "cut", "insert", "swap", "end"], p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.1, 0.05]):
            case "change":
                damaged[start] = int(chance.integers(256))
            case "bit":
                damaged[start] ^= 1 << int(chance.integers(8))
            case "extreme":  # sizes and offsets that overflow
                damaged[start : start + length] = bytes([int(chance.choice([0, 127, 128, 255]))]) * length
            case "cut":
                del damaged[start : start + length]
            case "insert":
                damaged[start:start] = chance.bytes(length)
            case "swap":
                other = int(chance.integers(len(damaged)))
                damaged[start], damaged[other] = damaged[other], damaged[start]
            case "end":
                del damaged[max(8, start) :]
    return bytes(damaged)
