"""The kernels of the first layer as they form: one small picture that keeps its place while a run goes on."""

import base64
import io

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from fmnist_core.figures import colour_limits, paint_kernels

_COLUMNS = 4
_HTML = '<figure><img alt=""><figcaption></figcaption></figure>'
_CSS = """
figure { margin: 0; }
img { display: block; width: 100%; max-width: 300px; image-rendering: pixelated; }
figcaption { font: 14px/1.4 var(--st-font); color: var(--st-text-color); padding-top: 6px; }
"""
_JS = """
export default function ({ parentElement, data }) {
  const picture = parentElement.querySelector('img');
  if (picture.src !== data.source) picture.src = data.source;
  picture.alt = data.alt;
  parentElement.querySelector('figcaption').textContent = data.said;
}
"""


def show_live_kernels(kernels: NDArray[np.float32], step: int) -> None:
    """Shows (16, 5, 5) kernels with one colour scale; white is 0."""
    reach = colour_limits(kernels, "signed")[1]
    file = io.BytesIO()
    Image.fromarray(paint_kernels(kernels, _COLUMNS, reach)).save(file, "PNG")
    picture = st.components.v2.component("live_kernels", html=_HTML, css=_CSS, js=_JS)
    picture(
        key="live_kernels",
        data={
            "source": "data:image/png;base64," + base64.b64encode(file.getvalue()).decode(),
            "alt": f"The {len(kernels)} kernels of the first layer, 5×5 weights each, from {kernels.min():.2g} to {kernels.max():.2g}, "
            f"after step {step:,}.",
            "said": f"Orange: positive, up to {reach:.2g}. White: 0. Blue: negative, down to −{reach:.2g}.",
        },
    )
