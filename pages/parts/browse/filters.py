"""Which samples are shown: one row that says so and folds; in projector mode all of its fields are open."""

import secrets
from dataclasses import dataclass

import streamlit as st

from fmnist_core.dataset.split import Split, SplitName
from pages.parts.shared.cached import split_or_stop
from pages.parts.shared.projector import is_projecting
from pages.parts.shared.url_state import bind, one_of, set_choice, whole_number
from pages.parts.shared.wording import count as in_words

ALL = "All classes"
SPLITS: dict[str, SplitName] = {"Training images": "train", "Test images": "test"}
MOST, MAX_SEED = 100, 999_999
USUAL_COUNT = 20


@dataclass(frozen=True)
class Sample:
    """Random images of a split.

    Attributes:
        class_index: None for all classes.
        count: how many.
        seed: of the random choice.
    """

    split: Split
    class_index: int | None
    count: int
    seed: int


def choose_sample() -> Sample:
    """The row of choices. Their values are read before the fields are shown, because the row says what they are."""
    chosen = bind("split", next(iter(SPLITS)), one_of(SPLITS))
    split = split_or_stop(SPLITS[chosen])
    classes = (ALL, *split.class_names)
    class_name = bind("class", ALL, one_of(classes))
    count, seed = bind("count", USUAL_COUNT, whole_number(1, MOST)), bind("seed", 0, whole_number(0, MAX_SEED))
    with st.container(key="filters", horizontal=True, vertical_alignment="center" if not is_projecting() else "bottom"):
        if is_projecting():
            _show_fields(classes)
        else:
            with st.popover("Filters", icon=":material/tune:", key="filter_fields"):
                _show_fields(classes)
            which = in_words(count, "test image" if SPLITS[chosen] == "test" else "training image")
            with st.container(key="sample_words", width="content"):
                st.write(f"{which} · {class_name} · seed {seed}")
        new_seed = secrets.randbelow(MAX_SEED) + 1
        st.button("New samples", key="new_samples", icon=":material/casino:", on_click=set_choice, args=("seed", new_seed))
    return Sample(split, None if class_name == ALL else split.class_names.index(class_name), count, seed)


def _show_fields(classes: tuple[str, ...]) -> None:
    st.selectbox("Images", list(SPLITS), key="split", persist_state="session")
    st.selectbox("Class", classes, key="class", persist_state="session")
    st.number_input("How many", 1, MOST, step=5, key="count", persist_state="session")
    help = "The start of the random numbers: the same seed shows the same images on every screen."
    st.number_input("Seed", 0, MAX_SEED, key="seed", persist_state="session", help=help)
