"""One picture of each class, crisp, each with its name under it."""

import base64
import html
import io

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from fmnist_core.dataset.split import Split


def show_class_strip(split: Split) -> None:
    """Shows the first picture of each class, ten in a row, five on a phone."""
    figures = []
    for class_index, name in enumerate(split.class_names):
        found = np.flatnonzero(split.labels == class_index)
        name = html.escape(name)
        if len(found):
            said = f"{name}, {split.name} image {found[0]}"
            picture = f'<img src="{as_data_url(split.images[found[0]])}" alt="{said}">'
        else:
            picture = '<div class="missing">no picture</div>'
        figures.append(f"<figure>{picture}<figcaption>{name}</figcaption></figure>")
    st.html(f'<div class="class-strip">{"".join(figures)}</div>')


def as_data_url(picture: NDArray[np.uint8]) -> str:
    """An (H, W) grey picture as a PNG that a page can hold in itself."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
