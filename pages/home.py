"""Home: what will happen, in five steps; what is in use; the newest run."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core import runs
from fmnist_core.data import DataError, Split
from fmnist_core.model import device_name, pick_device
from fmnist_core.runs import RunRecord
from pages.parts.cached import read_split
from pages.parts.picture import show_picture
from pages.parts.run_picker import describe_settings, escape

STEPS = (
    ("browse", "Browse", ":material/grid_view:", "Meet the data: thousands of small grey pictures of clothes in ten classes."),
    ("train", "Train", ":material/show_chart:", "Choose three settings and watch the loss fall while the network learns."),
    ("evaluate", "Evaluate", ":material/rule:", "See what it gets right, what it mixes up, and the very pictures it got wrong."),
    ("look_inside", "Look inside", ":material/biotech:", "Look at the kernels it has learned and at what they make of a picture."),
    ("predict", "Predict", ":material/draw:", "Draw or upload an item of clothing and let the network say what it is."),
)
NETWORK = (
    ("Picture", "28×28", "one grey item"),
    ("First block", "16 × 14×14", "16 kernels of 5×5, halved"),
    ("Second block", "32 × 7×7", "32 kernels of 5×5, halved"),
    ("Linear layer", "10 scores", "one for each class"),
)


def show_steps() -> None:
    """The five steps, each a link."""
    for number, (place, (page, title, icon, said)) in enumerate(zip(st.columns(len(STEPS)), STEPS, strict=True), start=1):
        with place.container(border=True, height="stretch"):
            st.page_link(f"pages/{page}.py", label=f"**{number}. {title}**", icon=icon)
            st.write(said)


def show_data() -> None:
    """Which data is in use, with one image of each class; says so where it cannot be read."""
    st.subheader("The data", anchor=False)
    try:
        train, test = read_split("train"), read_split("test")
    except DataError as error:
        st.error(f"The data cannot be used. {error}", icon=":material/warning:")
        return
    st.write(f"{len(train):,} training images and {len(test):,} test images of 28×28 pixels, from: {escape(train.source)}.")
    show_picture(draw_strip(test), f"One test image of each class: {', '.join(test.class_names)}.", width_px=980)
    st.caption(" · ".join(test.class_names))


def draw_strip(split: Split) -> NDArray[np.uint8]:
    """(28, 280) uint8: the first image of each class side by side; black for a class without images."""
    strip = np.zeros((10, 28, 28), np.uint8)
    for class_index in np.unique(split.labels):
        strip[class_index] = split.images[np.argmax(split.labels == class_index)]
    return strip.swapaxes(0, 1).reshape(28, 280)


def show_network() -> None:
    """The network as four boxes with their shapes."""
    st.subheader("The network", anchor=False)
    st.write("29,034 weights to learn. Each block slides its kernels over what it is given and halves the size.")
    for place, (title, shape, said) in zip(st.columns(len(NETWORK)), NETWORK, strict=True):
        with place.container(border=True, height="stretch"):
            st.markdown(f"{title}  \n**{shape}**  \n{said}")
    st.caption(f"It trains on: {device_name(pick_device())}.")


def show_run(run: RunRecord, page: str, said: str, label: str) -> None:
    """A run in a sentence, and the link that leads on."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(said)
        st.page_link(f"pages/{page}.py", label=label, icon=":material/arrow_forward:", query_params={"run": run.id})


def show_runs() -> None:
    """What is training now, and the newest result; the starter before there is any."""
    st.subheader("Trained networks", anchor=False)
    records = runs.list_runs()
    for run in [run for run in records if run.is_live][:3]:
        show_run(run, "train", f"**{escape(run.name)}** is training now: {describe_settings(run)}.", "Watch it")
    newest = next((run for run in records if run.test_accuracy is not None and not run.is_live), None)
    if newest is not None:
        said = f"The newest result is **{escape(newest.name)}**: {100 * (newest.test_accuracy or 0):.2f} % of the test images right."
        show_run(newest, "evaluate", said, "See its mistakes")
    else:
        starter = runs.load_run(runs.STARTER_ID)
        percent = 100 * (starter.test_accuracy or 0)
        said = f"Nobody has trained here yet. The starter model that comes along gets {percent:.2f} % of the test images right."
        show_run(starter, "evaluate", said, "See its mistakes")


st.title("Watch a network learn to tell clothes apart")
st.write("One small, famous experiment from start to end: a convolutional network and Fashion-MNIST. Five steps, in any order you like.")
show_steps()
show_runs()
show_data()
show_network()
