"""The kernels of both layers, each with the map of a test image that it makes or that it slides over."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.figures.images import png_url
from fmnist_core.figures.sheets import Sheet, SheetColours, colour_limits
from pages.parts.components.tile_wall.tile_wall import Panel, Picture, show_tile_wall
from pages.parts.look_inside.item import Item
from pages.parts.shared.projector import is_projecting
from pages.parts.shared.url_state import bind, one_of, set_choice, whole_number

IN_COLOUR, ARTICLE = LOOKS = ("In colour", "As in the article")
BY_KERNEL, BY_CHANNEL, OVERVIEW = ("One kernel", "One input channel", "All 512 at once")
WAYS = (BY_KERNEL, BY_CHANNEL, OVERVIEW, ARTICLE)
ARTICLE_VIEW = "The article's view: channel 0 of every kernel in grey, eight per row. Black is the lowest weight, white the highest."
FIRST_HELP = (
    "A **kernel** is a small stamp of 5×5 numbers, its **weights**, that slides over the picture. Where the picture looks like the "
    "stamp, the result is high. Orange weights respond to bright pixels, blue ones to dark pixels, and white ones ignore the pixel. "
    "A kernel that is orange on one side and blue on the other finds edges. All weights were random numbers before training."
)
SECOND_HELP = (
    "The first layer turns the picture into 16 **feature maps**, one per kernel, which show where the kernel fits. They are the 16 "
    "**input channels** of the second layer: each of its 32 kernels has 16 slices of 5×5 weights, one for each channel, and adds up "
    "what they find. That makes 512 slices. They are hard to read, and nobody can say what most of them are for; the maps of an item "
    "show better what they do."
)


def show_first_layer(kernels: NDArray[np.float32], item: Item | None) -> None:
    """All kernels of the first layer, (16, 5, 5), each above the map that it makes of the item, if there is one."""
    with st.container(key="kernel_view", horizontal=True, vertical_alignment="center"):
        is_article = _choose("Show", "look", LOOKS) == ARTICLE
        below = "" if item is None else " Below it: its map."
        st.caption(f"{ARTICLE_VIEW} This layer has only one channel." if is_article else f"Click or tap a kernel for its numbers.{below}")
    colours: SheetColours = "grey" if is_article else "signed"
    sheets = [Sheet(kernels, colour_limits(kernels, colours), colours, "weight")]
    title = f"The {len(kernels)} kernels of the first layer, 5×5 weights each, from {kernels.min():.2f} to {kernels.max():.2f}"
    if item is not None and not is_article:
        sheets.append(item.first)
        title += f", each with the map that it makes of test image {item.index}, {item.class_name}, {item.stage}"
    headings = [f"Kernel {i}" for i in range(len(kernels))]
    made = [f"The map it makes, {item.stage}" if item else "" for _ in headings]
    pictures = [] if item is None else [item.picture]
    _show(sheets, headings, "first", f"{title}.", [str(i) for i in range(len(kernels))], (8, 6), made, pictures)
    _explain(FIRST_HELP)


def show_second_layer(kernels: NDArray[np.float32], item: Item | None, inputs: Sheet | None) -> None:
    """The kernels of the second layer, (32, 16, 5, 5), in the chosen view.

    Args:
        inputs: the 16 maps of the item that this layer slides over.
    """
    numbers, channels = np.arange(kernels.shape[0]), np.arange(kernels.shape[1])
    with st.container(key="kernel_view", horizontal=True, vertical_alignment="center"):
        way = _choose("Show", "way", WAYS)
        colours: SheetColours = "grey" if way == ARTICLE else "signed"
        limits = colour_limits(kernels, colours)  # of all 512, so that all views can be compared
        if way == BY_KERNEL:
            kernel = _choose_number("Kernel", "kernel", numbers)
        elif way == BY_CHANNEL:
            channel = _choose_number("Input channel", "channel", channels)
        else:
            st.caption(
                ARTICLE_VIEW
                if way == ARTICLE
                else "Click or tap a slice for its numbers. Side by side: the 32 kernels; below each other: the 16 input channels."
            )
    if way == BY_KERNEL:
        _show_kernel(Sheet(kernels[kernel], limits, colours, "weight"), kernel, item, inputs)
    elif way == BY_CHANNEL:
        _show_channel(Sheet(kernels[:, channel], limits, colours, "weight"), channel, item, inputs)
    elif way == OVERVIEW:
        title = f"All {len(numbers) * len(channels)} slices of the second layer: {len(numbers)} kernels, {len(channels)} input channels."
        headings = [f"Kernel {kernel}, input channel {channel}" for kernel in numbers for channel in channels]
        sheet = Sheet(kernels.reshape(-1, *kernels.shape[2:]), limits, colours, "weight")
        _show([sheet], headings, "second", title, (), (len(numbers), len(channels)))
    else:
        title = f"Channel 0 of the {len(numbers)} kernels of the second layer in grey, eight per row."
        headings = [f"Kernel {kernel}, input channel 0" for kernel in numbers]
        _show([Sheet(kernels[:, 0], limits, colours, "weight")], headings, "second", title, [str(i) for i in numbers], (8, 8))
    _explain(SECOND_HELP)


def _show_kernel(sheet: Sheet, kernel: int, item: Item | None, inputs: Sheet | None) -> None:
    """The 16 slices of one kernel, each above the channel that it slides over, and the map that they make together."""
    channels = range(len(sheet.values))
    title = f"The {len(channels)} slices of kernel {kernel} of the second layer, one for each input channel, 5×5 weights each"
    sheets, pictures = [sheet], []
    if item is not None and inputs is not None:
        sheets.append(inputs)
        title += ", each with the map that it slides over"
        made = f"The map that kernel {kernel} makes of all 16, {item.stage}"
        pictures = [Picture(png_url(item.second.paint(kernel)), made, f"Made by kernel {kernel}"), item.picture]
    headings = [f"Kernel {kernel}, input channel {channel}" for channel in channels]
    slid_over = [f"Input channel {channel}" for channel in channels]
    _show(sheets, headings, "second", f"{title}.", [f"ch. {channel}" for channel in channels], (8, 6), slid_over, pictures)


def _show_channel(sheet: Sheet, channel: int, item: Item | None, inputs: Sheet | None) -> None:
    """The slices of all 32 kernels for one input channel, and that channel."""
    kernels = range(len(sheet.values))
    title = f"The slices of all {len(kernels)} kernels of the second layer for input channel {channel}, 5×5 weights each."
    pictures = []
    if item is not None and inputs is not None:
        words = f"Input channel {channel}: the map that these slices slide over"
        pictures = [Picture(png_url(inputs.paint(channel)), words, words), item.picture]
    headings = [f"Kernel {kernel}, input channel {channel}" for kernel in kernels]
    _show([sheet], headings, "second", title, [str(kernel) for kernel in kernels], (8, 8), (), pictures)


def _show(
    sheets: list[Sheet],
    headings: list[str],
    key: str,
    title: str,
    names: list[str] | tuple[()],
    columns: tuple[int, int],
    map_captions: list[str] | tuple[()] = (),
    pictures: list[Picture] | None = None,
) -> None:
    """A wall of kernels with the numbers of the chosen one, whose index lives in the URL as `chosen`."""
    picked = bind("chosen", 0, whole_number(0, len(headings) - 1))
    panel = Panel("The chosen kernel", headings, picked, lambda index: set_choice("chosen", index), map_captions, pictures or [])
    labels = [
        f"{heading}: weights from {one.min():.2f} to {one.max():.2f}" for heading, one in zip(headings, sheets[0].values, strict=True)
    ]
    show_tile_wall(sheets, labels, key=key, title=title, columns=columns, names=names, panel=panel, is_dense=not names)


def _explain(text: str) -> None:
    with st.expander("What am I looking at?", icon=":material/help:", expanded=is_projecting()):
        st.write(text)


def _choose(label: str, name: str, options: tuple[str, ...]) -> str:
    bind(name, options[0], one_of(options))
    return st.radio(label, options, key=name, horizontal=True, persist_state="session", label_visibility="collapsed", width="content")


def _choose_number(label: str, name: str, numbers: NDArray[np.int64]) -> int:
    highest = int(numbers[-1])
    bind(name, 0, whole_number(0, highest))
    return st.number_input(f"{label}, 0 to {highest}", 0, highest, key=name, persist_state="session")
