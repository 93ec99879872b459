"""Predict: a test image, pictures, the camera or a drawing; how it is prepared, what the network predicts, and why."""

from pathlib import Path

import streamlit as st

from fmnist_core.runs.folders import STARTER_ID
from pages.parts.predict.drawing import show_drawing
from pages.parts.predict.examples import show_examples
from pages.parts.predict.frame import Network, frame
from pages.parts.predict.own_picture import show_camera, show_uploads
from pages.parts.predict.test_item import show_test_item
from pages.parts.shared.cached import kept_likeness, model_or_stop, split_or_stop
from pages.parts.shared.completion_line import show_completion
from pages.parts.shared.run_picker import choose_network, pick_network
from pages.parts.shared.url_state import bind, one_of

SOURCES = {"Test item": show_test_item, "Upload": show_uploads, "Camera": show_camera, "Drawing": show_drawing}
TRAINED_FOR_PHOTOS = "photos-and-drawings"

st.html(Path(__file__).parent / "parts" / "predict" / "predict.css")
with st.container(key="predict_top", horizontal=True, vertical_alignment="center"):
    st.title("Predict", width="content")
    run = pick_network()
    bind("source", "Test item", one_of(SOURCES))
    source = st.radio(
        "What to predict",
        list(SOURCES),
        key="source",
        horizontal=True,
        persist_state="session",
        label_visibility="collapsed",
        width="content",
    )
    if source != "Test item" and run.config.augmentation != TRAINED_FOR_PHOTOS:
        st.button(
            "Use the starter model here",
            icon=":material/switch_access_shortcut:",
            on_click=choose_network,
            args=(STARTER_ID,),
            help="This network was trained on the original images only; the starter model also on images that look like photographs and "
            "drawings.",
        )
network = Network(run, model_or_stop(run), kept_likeness(run))
show_examples(split_or_stop("test"))
with frame():
    SOURCES[source](network)
if network.likeness is None:  # at the end, where nothing moves when it is there
    show_completion(run, kept_likeness)
