"""Home: the five steps, the newest run, the data and the network. What needs PyTorch comes last and is imported there."""

import streamlit as st

from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, list_runs, load_run
from pages.parts.shared.wording import ARTICLE, describe_settings, escape, percent

STEPS = (
    ("browse", "Browse", ":material/grid_view:", "Meet the data: small grey pictures of clothes, in ten classes."),
    ("train", "Train", ":material/show_chart:", "Choose a recipe and watch the network learn, live; or watch it fail."),
    ("evaluate", "Evaluate", ":material/rule:", "See what it gets right, what it confuses, and every picture it got wrong."),
    ("look_inside", "Look inside", ":material/biotech:", "Look at the kernels it has learned, and at what they respond to in a picture."),
    ("predict", "Predict", ":material/draw:", "Draw, photograph or upload an item of clothing, and the network says what it is."),
)
_LIVE_SHOWN = 3


def show_steps() -> None:
    """The five steps, each a link."""
    for number, (column, (page, title, icon, text)) in enumerate(zip(st.columns(len(STEPS)), STEPS, strict=True), start=1):
        with column.container(border=True, height="stretch", key=f"step_{page}"):
            st.page_link(f"pages/{page}.py", label=f":primary[**{number}. {title}**]", icon=icon, width="stretch")
            st.write(text)


def show_runs(records: list[RunRecord]) -> RunRecord:
    """What is training now, and the newest result; returns the run with that result, or the starter if there is none."""
    live = [run for run in records if run.is_live]
    for run in live[:_LIVE_SHOWN]:
        doing = {"training": "is training now", "paused": "is paused"}.get(run.state, "is waiting for its turn to train")
        show_run(run, "train", f"**{escape(run.name)}** {doing}: {escape(describe_settings(run))}.", "Watch it")
    if len(live) > _LIVE_SHOWN:
        st.caption(f"{len(live) - _LIVE_SHOWN} more in the queue; the Train page lists them.")
    newest = next((run for run in records if run.test_accuracy is not None and run.has_weights and not run.is_live), None)
    shown = newest or load_run(STARTER_ID)
    accuracy = f"classifies **{percent(shown.test_accuracy or 0)}** of the test images correctly"
    if newest is not None:
        text = f"The newest network trained here, **{escape(newest.name)}**, {accuracy}: {escape(describe_settings(newest))}."
    elif records:
        text = f"No network trained here has a result yet. The starter model that comes with the dashboard {accuracy}."
    else:
        text = f"No network has been trained here yet. The starter model that comes with the dashboard {accuracy}."
    show_run(shown, "evaluate", text, "See its mistakes")
    return shown


def show_run(run: RunRecord, page: str, text: str, label: str) -> None:
    """A run in a sentence, and a link to the next page."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(text, width="content")
        st.page_link(f"pages/{page}.py", label=label, icon=":material/arrow_forward:", query_params={"run": run.id})


def show_data_and_network(run: RunRecord) -> None:
    """One picture of each class, and one of them on its way through the run's network; says so if the data cannot be read."""
    from fmnist_core.dataset.classes import DataError
    from fmnist_core.network.devices import device_name, pick_device
    from pages.parts.home.class_strip import show_class_strip
    from pages.parts.home.network_diagram import show_network_diagram
    from pages.parts.shared.cached import model_or_stop, newest_usable, read_split

    st.subheader("The data: ten kinds of clothes", anchor=False)
    try:
        train, test = read_split("train"), read_split("test")
    except DataError as error:
        st.error(f"The data cannot be used, so nothing can be trained or tested. {escape(str(error))}", icon=":material/warning:")
        return
    counts = f"{len(train):,} images to learn from and {len(test):,} to test with, 28×28 pixels each"
    source = "the packaged Fashion-MNIST" if train.is_packaged else escape(str(train.folder))
    st.write(f"{counts}. In use: {source}.")
    show_class_strip(test)

    st.subheader("The network: two blocks and a last layer", anchor=False)
    st.write(
        "It consists of 29,034 numbers, its **weights**. Each block slides small stamps of weights, the **kernels**, over its input and "
        "makes **feature maps**, half as wide and half as high, which show where the kernels fit. The last layer turns all maps into ten "
        "**probabilities**, which say how sure the network is of each class."
    )
    run = newest_usable([run, load_run(STARTER_ID)])
    whose = "the starter model" if run.is_starter else escape(run.name)
    st.caption(f"A test image on its way through {whose}: the brighter, the stronger. Training uses: {escape(device_name(pick_device()))}.")
    show_network_diagram(model_or_stop(run), test.images[0], test.class_names[test.labels[0]], test.class_names)


st.title("Watch a network learn to tell clothes apart")
st.write(
    "A small, famous experiment from start to finish: a neural network and Fashion-MNIST, in five steps, in any order you like. "
    f"The network and its default settings are those of an article: {ARTICLE}."
)
show_steps()
newest_run = show_runs(list_runs())
show_data_and_network(newest_run)
