"""One picture of each class with its name below."""

import html

import numpy as np
import streamlit as st

from fmnist_core.dataset.split import Split
from fmnist_core.figures.images import png_url


def show_class_strip(split: Split) -> None:
    """Shows the first picture of each class, ten in a row, five on a phone."""
    figures = []
    for class_index, name in enumerate(split.class_names):
        found = np.flatnonzero(split.labels == class_index)
        name = html.escape(name)
        if len(found):
            alt = f"{name}, {split.name} image {found[0]}"
            picture = f'<img src="{png_url(split.images[found[0]])}" alt="{alt}">'
        else:
            picture = '<div class="missing">no picture</div>'
        figures.append(f"<figure>{picture}<figcaption>{name}</figcaption></figure>")
    st.html(f'<div class="class-strip">{"".join(figures)}</div>')
