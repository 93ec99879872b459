"""The settings beyond the first three, each with a sentence that says what it does."""

from collections.abc import Callable
from typing import Any

import streamlit as st

OPTIMIZERS = {"adam": "Adam", "sgd": "SGD with momentum"}
SCHEDULES = {"constant": "Constant", "one-cycle": "One-cycle"}
AUGMENTATIONS = {"none": "None", "flips-and-shifts": "Mirrored and shifted", "photos-and-drawings": "Photos and drawings"}
PIXELS = {"raw": "Raw, 0 to 255", "normalised": "Normalised"}
TEST_VIEWS = {"one": "One", "mirrored": "Two, one mirrored", "mirrored-and-shifted": "Ten, mirrored and shifted"}
PRECISIONS = {"auto": "Automatic", "float32": "float32"}
Bind = Callable[[str], dict[str, Any]]
_WHOLE: dict[str, Any] = {"value": None, "step": 1}


def show_more_settings(bind: Bind) -> None:
    """Three groups of fields; `bind` gives the arguments that tie a widget to a setting."""
    learning, images, computing = st.columns(3, gap="medium")
    with learning:
        st.markdown("**How it learns**")
        _show_learning(bind)
    with images:
        st.markdown("**What it learns from**")
        _show_images(bind)
    with computing:
        st.markdown("**How it is tested and computed**")
        _show_computing(bind)


def _show_learning(bind: Bind) -> None:
    _select("Optimizer", OPTIMIZERS, bind("optimizer"))
    st.caption("What turns the slope of the loss into a step: Adam finds a step length for every weight, SGD has one for all.")
    st.text_input("Adam's beta2", **bind("beta2"))
    st.caption("How long Adam remembers how steep it was: with 0.999 some 1,000 steps, with 0.95 some 20, which suits short runs.")
    _select("Schedule of the learning rate", SCHEDULES, bind("schedule"))
    st.caption("One-cycle lets the rate rise for a seventh of the steps, up to the one above, and then fall to nearly nothing.")
    st.text_input("Label smoothing", **bind("label_smoothing"))
    st.caption("Asks for a little less than certainty: at 0.1, a tenth of every label is spread over all ten classes.")
    st.text_input("Weight decay", **bind("weight_decay"))
    st.caption("Pulls every weight a little towards 0 at each step, so that none grows large without need. 0 does not pull.")
    st.toggle("Average the weights", **bind("weight_averaging"))
    st.caption("Tests and keeps a moving average of the weights of many steps, which is steadier than the newest ones.")


def _show_images(bind: Bind) -> None:
    st.number_input("Training images", placeholder="all", **_WHOLE, **bind("training_images"))
    st.caption("How many images it learns from. Empty means all that are not held out.")
    _select("Augmentation", AUGMENTATIONS, bind("augmentation"))
    st.caption("Changes images anew each time they are seen, so that they are hard to learn by heart.")
    _select("Pixels", PIXELS, bind("pixels"))
    st.caption("Normalised: black is −0.81 and white 2.02, so that the mean is 0. The article feeds them raw.")
    _select("Class left out", _class_choices(), bind("left_out_class") | {"placeholder": "None"})
    st.caption("No image of this class is shown while it learns; the test set still has them.")
    st.toggle("Shuffle the labels", **bind("shuffled_labels"))
    st.caption("Gives every training image the label of another one. Then there is nothing to understand.")


def _show_computing(bind: Bind) -> None:
    st.number_input("Validation images held out", **_WHOLE, **bind("validation_images"))
    st.caption("Training images that only choose the best epoch, at most a twelfth of them all. With 0 the newest epoch counts.")
    _select("Looks at a test image", TEST_VIEWS, bind("test_views"))
    st.caption("Looks at it as it is, in a mirror too, or also moved by a pixel, and takes the mean of all answers.")
    st.number_input("Seed", **_WHOLE, **bind("seed"))
    st.caption("Where all random choices start. The same settings and seed train the same network again.")
    _select("Precision", PRECISIONS, bind("precision"))
    st.caption(_describe_precision())


def _select(label: str, choices: dict[Any, str], bound: dict[str, Any]) -> None:
    st.selectbox(label, list(choices), format_func=lambda value: choices[value], **bound)


def _class_choices() -> dict[int | None, str]:
    from fmnist_core.dataset.classes import CLASS_NAMES

    return {None: "None", **dict(enumerate(CLASS_NAMES))}


def _describe_precision() -> str:
    """What "automatic" means on this machine."""
    from fmnist_core.network.devices import pick_device, pick_precision

    device = pick_device()
    where = "processor" if device.type == "cpu" else "graphics card"
    if pick_precision("auto", device) == "bfloat16":
        return f"How many digits it computes with. Automatic: this {where} computes in bfloat16, shorter numbers that are quicker."
    return f"How many digits it computes with. Automatic: this {where} computes in float32, about seven digits."
