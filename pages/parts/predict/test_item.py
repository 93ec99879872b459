"""An image of the test set, with its label."""

import secrets

import numpy as np
import streamlit as st

from pages.parts.predict.explanation import show_explanation
from pages.parts.predict.frame import Network, answer_side, classify, input_side
from pages.parts.shared.cached import split_or_stop
from pages.parts.shared.picture import show_picture
from pages.parts.shared.url_state import bind, set_choice, whole_number


def show_test_item(network: Network) -> None:
    """Shows a test image, the choice of another, and the network's answer."""
    split = split_or_stop("test")
    bind("item", 0, whole_number(0, len(split) - 1))
    with input_side():
        with st.container(horizontal=True, vertical_alignment="bottom"):
            index = st.number_input("Number of the test image", 0, len(split) - 1, key="item", persist_state="session")
            st.button("Random item", icon=":material/casino:", on_click=lambda: set_choice("item", secrets.randbelow(len(split))))
        name = split.class_names[split.labels[index]]
        show_picture(split.images[index], f"Test image {index}, label {name}, enlarged", width_px=336)
        st.caption(f"Label: **{name}**. A test image already has 28×28 pixels: the network sees it exactly as it is.")
    with answer_side():
        classified = classify(network, split.images[index][np.newaxis], true_name=name)
    show_explanation(network, classified)
