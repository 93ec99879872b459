"""The mean image of each class, and how many images there are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.classes import SHORT_NAMES
from fmnist_core.dataset.sampling import count_classes, mean_images
from fmnist_core.dataset.split import Split
from pages.parts.components.image_wall.image_wall import show_image_wall


def show_class_overview(split: Split, chosen: int | None, on_pick: Callable[[str | None], None]) -> None:
    """Shows the ten mean images; a click calls `on_pick` with a class's name, or None if it is already chosen."""
    st.subheader("The ten classes", anchor=False)
    counts, means = _summarise(split.name, split.folder, split)
    names = split.class_names
    are_equal = len(set(counts.tolist())) == 1
    how_many = f"Each class has {counts[0]:,} images." if are_equal else f"The {len(split):,} images are spread unevenly; see the numbers."
    st.write(f"{how_many} Each picture is the mean of all images of its class. Choose one to see only that class above; again for all.")
    short = [SHORT_NAMES.get(name, name) for name in names]
    show_image_wall(
        means,
        [f"Mean image of {name}, {count:,} images" for name, count in zip(names, counts, strict=True)],
        key="means",
        title="Mean image of each class",
        captions=short if are_equal else [f"{name}: {count:,}" for name, count in zip(short, counts, strict=True)],
        columns=10,
        tile_px=176,
        picked=chosen,
        on_pick=lambda index: on_pick(None if index == chosen else names[index]),
        reveals="samples",
    )


@st.cache_resource(show_spinner=False, max_entries=4)
def _summarise(name: str, folder: Path | None, _split: Split) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:  # noqa: ARG001
    """Counts and mean images; 30 ms for 60,000 images, too long for every click of every student."""
    return count_classes(_split), mean_images(_split)
