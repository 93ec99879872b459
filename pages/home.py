"""Home: the five steps, a picture on its way through a network, my network and the class's best, the data.

What needs PyTorch is imported when everything else is on the page.
"""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fmnist_core.dataset.classes import DataError
from fmnist_core.runs.record import RunRecord, list_runs
from pages.parts.home.networks import show_live_runs, show_networks
from pages.parts.shared.closed_pages import ADDRESSES, closed_pages
from pages.parts.shared.server_start import wait_until_warm
from pages.parts.shared.splits import read_split
from pages.parts.shared.visitor import whose_runs
from pages.parts.shared.wording import ARTICLE, escape

STEPS = (
    ("browse", "Browse", ":material/grid_view:", "Meet the data: small grey pictures of clothes, in ten classes."),
    ("train", "Train", ":material/show_chart:", "Choose a recipe and watch the network learn, live; or watch it fail."),
    ("evaluate", "Evaluate", ":material/rule:", "See what it gets right, what it confuses, and every picture it got wrong."),
    ("look_inside", "Look inside", ":material/biotech:", "Look at the kernels it has learned, and at what they respond to in a picture."),
    ("predict", "Predict", ":material/draw:", "Draw, photograph or upload an item of clothing, and the network says what it is."),
)


def show_steps() -> None:
    """The five steps, each a link unless that page is closed; on a phone only their names are in sight."""
    closed = closed_pages()
    with st.container(key="steps"):
        for number, (page, title, icon, text) in enumerate(STEPS, start=1):
            with st.container(border=True, height="stretch", key=f"step_{page}"):
                if ADDRESSES[page] in closed:
                    st.markdown(f":material/lock: **{number}. {title}**")
                    st.write(f"{text} Your teacher has closed this page for the lesson.")
                else:
                    st.page_link(f"pages/{page}.py", label=f":primary[**{number}. {title}**]", icon=icon, width="stretch")
                    st.write(text)


def show_data() -> None:
    """Which data are in use; says so if they cannot be read."""
    st.subheader("The data: ten kinds of clothes", anchor=False)
    try:
        train, test = read_split("train"), read_split("test")
    except DataError as error:
        st.error(f"The data cannot be used, so nothing can be trained or tested. {escape(str(error))}", icon=":material/warning:")
        return
    source = "the packaged Fashion-MNIST" if train.is_packaged else escape(str(train.folder))
    st.write(f"{len(train):,} images to learn from and {len(test):,} to test with, 28×28 pixels each. In use: {source}.")
    st.subheader("The network: two blocks and a last layer", anchor=False)
    st.write(
        "It consists of 29,034 numbers, its **weights**. Each block slides small stamps of weights, the **kernels**, over its input and "
        "makes **feature maps**, half as wide and half as high, which show where the kernels fit. The last layer turns all maps into ten "
        "**probabilities**, which say how sure the network is of each class. "
        f"The network and its default settings are those of an article: {ARTICLE}."
    )


def show_network(networks: list[RunRecord], diagram: DeltaGenerator) -> None:
    """A picture on its way through the first of these networks, in its place above; and the device in use."""
    wait_until_warm()
    from fmnist_core.network.devices import device_name, pick_device
    from pages.parts.home.network_diagram import show_network_diagram
    from pages.parts.shared.cached import model_or_stop, newest_usable

    st.caption(f"Training uses: {escape(device_name(pick_device()))}.")
    try:
        test = read_split("test")
    except DataError:
        return  # the page says so already
    run = newest_usable(networks)
    whose = "the starter model" if run.is_starter else escape(run.name)
    with diagram:
        st.caption(f"Choose a picture and watch it on its way through {whose}: the brighter, the stronger the response.")
        show_network_diagram(run, model_or_stop(run), test)


st.html(Path(__file__).parent / "parts" / "home" / "home.css")
st.title("Watch a network learn to tell clothes apart", anchor=False)
st.write("A small experiment in five steps, in any order you like.")
show_steps()
diagram = st.container(key="network_place")
records, ownership = list_runs(), whose_runs()
show_live_runs(records, ownership)
networks = show_networks(records, ownership)
show_data()
show_network(networks, diagram)
