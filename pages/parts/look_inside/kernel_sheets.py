"""The kernels of both layers as sheets, each in several views."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.figures.sheets import SheetColours, colour_limits
from pages.parts.look_inside.sheets import show_sheet, show_weights
from pages.parts.shared.url_state import bind, one_of, whole_number

IN_COLOUR, ARTICLE = LOOKS = ("In colour", "As in the article")
BY_KERNEL, BY_CHANNEL, OVERVIEW = ("One kernel", "One input channel", "All 512 at once")
WAYS = (BY_KERNEL, BY_CHANNEL, OVERVIEW, ARTICLE)
ARTICLE_VIEW = "The article's view: channel 0 of every kernel in grey, eight per row. Black is the lowest weight, white the highest."


def show_first_layer(kernels: NDArray[np.float32]) -> None:
    """All kernels of the first layer, (16, 5, 5)."""
    st.write(
        "A **kernel** is a small stamp of 5×5 numbers, its **weights**, that slides over the picture. Where the picture looks like the "
        "stamp, the result is high. Orange weights respond to bright pixels, blue ones to dark pixels, and white ones ignore the pixel. "
        "A kernel that is orange on one side and blue on the other finds edges. All weights were random numbers before training."
    )
    look = _choose("Show", "look", LOOKS)
    if look == ARTICLE:
        st.caption(f"{ARTICLE_VIEW} This layer has only one channel, the grey picture.")
    colours: SheetColours = "grey" if look == ARTICLE else "signed"
    count = len(kernels)
    alt = f"The {count} kernels of the first layer, 5×5 weights each, from {kernels.min():.2f} to {kernels.max():.2f}."
    show_sheet(
        kernels,
        "first",
        alt,
        columns=8,
        limits=colour_limits(kernels, colours),
        colours=colours,
        labels={"kernel": np.arange(count)},
        names=[str(i) for i in range(count)],
        legend="weight",
        tile_px=120,
    )
    show_weights(kernels, "kernel", "first_weights")


def show_second_layer(kernels: NDArray[np.float32]) -> None:
    """The kernels of the second layer, (32, 16, 5, 5), in the chosen view."""
    st.write(
        "The first layer turns the picture into 16 **feature maps**, one per kernel, which show where the kernel fits. They are the 16 "
        "**input channels** of the second layer: each of its 32 kernels has 16 slices of 5×5 weights, one for each channel, and adds up "
        "what they find. That makes 512 slices. They are hard to read, and nobody can say what most of them are for; the maps of an item "
        "show better what they do."
    )
    way = _choose("Show", "way", WAYS)
    limits = colour_limits(kernels, "grey" if way == ARTICLE else "signed")  # of all 512, so that all views can be compared
    numbers, channels = np.arange(kernels.shape[0]), np.arange(kernels.shape[1])
    if way == BY_KERNEL:
        chosen = _choose_number("Kernel", "kernel", numbers)
        alt = f"The {len(channels)} slices of kernel {chosen} of the second layer, one for each input channel, 5×5 weights each."
        names = [f"channel {i}" for i in channels]
        labels = {"kernel": np.full(len(channels), chosen), "channel": channels}
        show_sheet(kernels[chosen], "second", alt, columns=8, limits=limits, labels=labels, names=names, legend="weight", tile_px=120)
        show_weights(kernels[chosen], "channel", "second_weights")
    elif way == BY_CHANNEL:
        chosen = _choose_number("Input channel", "channel", channels)
        alt = f"The slices of all {len(numbers)} kernels of the second layer for input channel {chosen}, 5×5 weights each."
        names = [f"kernel {i}" for i in numbers]
        labels = {"kernel": numbers, "channel": np.full(len(numbers), chosen)}
        show_sheet(kernels[:, chosen], "second", alt, columns=8, limits=limits, labels=labels, names=names, legend="weight", tile_px=120)
        show_weights(kernels[:, chosen], "kernel", "second_weights")
    elif way == OVERVIEW:
        _show_overview(kernels, limits)
    else:
        st.caption(ARTICLE_VIEW)
        alt = f"Channel 0 of the {len(numbers)} kernels of the second layer in grey, eight per row."
        names = [str(i) for i in numbers]
        labels = {"kernel": numbers}
        options = {"limits": limits, "colours": "grey", "labels": labels, "names": names, "legend": "weight"}
        show_sheet(kernels[:, 0], "second", alt, columns=8, tile_px=120, **options)
        show_weights(kernels[:, 0], "kernel", "second_weights")


def _show_overview(kernels: NDArray[np.float32], limits: tuple[float, float]) -> None:
    """All slices on one sheet: one row per kernel, one column per input channel."""
    rows, columns, *shape = kernels.shape
    kernel, channel = np.divmod(np.arange(rows * columns), columns)
    alt = f"All {rows * columns} slices of the second layer: {rows} rows of kernels, {columns} columns of input channels."
    show_sheet(
        kernels.reshape(-1, *shape),
        "second",
        alt,
        columns=columns,
        limits=limits,
        labels={"kernel": kernel, "channel": channel},
        axes=("kernel", "input channel"),
        legend="weight",
        tile_px=56,
    )


def _choose(label: str, name: str, options: tuple[str, ...]) -> str:
    bind(name, options[0], one_of(options))
    return st.radio(label, options, key=name, horizontal=True, persist_state="session")


def _choose_number(label: str, name: str, numbers: NDArray[np.int64]) -> int:
    highest = int(numbers[-1])
    bind(name, 0, whole_number(0, highest))
    return st.number_input(f"{label}, 0 to {highest}", 0, highest, key=name, persist_state="session", width=180)
