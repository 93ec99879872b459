"""Views of all pages, and sizes of windows, for what must hold on each of them."""

from typing import Any

# Options of a page, by name.
SIZES: dict[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "laptop": {"viewport": {"width": 1280, "height": 800}},
    "projector": {"viewport": {"width": 1920, "height": 1080}},
}

VIEWS = (
    "/",
    "/samples",
    "/training",
    "/trainings",
    "/evaluation?run=starter&cell=6-0",
    "/kernels?run=starter",
    "/kernels?run=starter&part=Second+layer",
    "/kernels?run=starter&part=An+item+on+its+way+through",
    "/prediction?run=starter",
    "/prediction?run=starter&source=Upload",
    "/prediction?run=starter&source=Drawing",
    "/prediction?run=starter&source=Drawing&start=A+drawing",
    "/prediction?run=starter&source=Drawing&start=A+test+item",
    "/prediction?run=starter&source=Camera",
    "/class",
    "/lesson",
)


def projected(view: str) -> str:
    """A view in projector mode."""
    return f"{view}{'&' if '?' in view else '?'}projector=yes"
