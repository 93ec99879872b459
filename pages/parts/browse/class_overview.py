"""The number of images of each class, and their mean."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.sampling import count_classes, mean_images
from fmnist_core.dataset.split import Split
from fmnist_core.figures.bars import draw_class_counts
from pages.parts.components.image_wall.image_wall import show_image_wall


def show_class_overview(split: Split, chosen: int | None, on_pick: Callable[[str | None], None]) -> None:
    """Shows the ten mean images and counts; a click calls `on_pick` with a class's name, or None if it is already chosen."""
    st.subheader("The ten classes", anchor=False)
    counts, means = _summarise(split.name, split.folder, split)
    names = split.class_names
    pictures, bars = st.columns(2, gap="large")
    with pictures:
        st.write("Each picture is the mean of all images of its class. Click one to see only that class above; click again for all.")
        show_image_wall(
            means,
            [f"Mean image of {name}, {count:,} images" for name, count in zip(names, counts, strict=True)],
            key="means",
            title="Mean image of each class",
            captions=names,
            tile_px=110,
            picked=chosen,
            on_pick=lambda index: on_pick(None if index == chosen else names[index]),
            reveals="samples",
        )
    listed = ", ".join(f"{name} {count:,}" for name, count in zip(names, counts, strict=True))
    with bars:
        st.write(f"How many of the {len(split):,} images belong to each class:")
        figure = draw_class_counts(counts, names)
        alt = f"Number of images of each class: {listed}."
        st.plotly_chart(figure, key="counts", alt=alt, config={"displayModeBar": False})


@st.cache_resource(show_spinner=False, max_entries=4)
def _summarise(name: str, folder: Path | None, _split: Split) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:  # noqa: ARG001
    """Counts and mean images; 30 ms for 60,000 images, too long for every click of every student."""
    return count_classes(_split), mean_images(_split)
