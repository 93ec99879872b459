"""Pages that the teacher has closed for the lesson: out of the navigation, and a sentence for whoever opens their address."""

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from fmnist_core.classroom.lesson import Lesson, check_may_open, lesson
from fmnist_core.classroom.people import Person
from fmnist_core.classroom.permission import NotAllowedError
from fmnist_core.store.database import DatabaseError
from pages.parts.shared.visitor import visitor
from pages.parts.shared.wording import escape

_TITLES = "page_titles"
# The addresses of the pages that others link to, as in dashboard.py, by the names of their files.
ADDRESSES = {
    "browse": "samples",
    "train": "training",
    "runs": "trainings",
    "evaluate": "evaluation",
    "look_inside": "kernels",
    "predict": "prediction",
}


def closed_pages() -> tuple[str, ...]:
    """The addresses of the pages that the visitor cannot open, such as "training"."""
    try:
        return closed_to(visitor(), lesson())
    except DatabaseError:
        return ()


def closed_to(person: Person, now: Lesson) -> tuple[str, ...]:
    """The addresses of the pages that this person cannot open."""
    return () if person.is_teacher else now.hidden_pages


def is_closed(page: str) -> bool:
    """Whether the visitor cannot open the page of `pages/<page>.py`."""
    return ADDRESSES[page] in closed_pages()


def show_page_link(page: str, label: str, icon: str, query_params: Mapping[str, str] | None = None) -> None:
    """A link to `pages/<page>.py`; to whoever cannot open that page, a line that says so."""
    if is_closed(page):
        st.markdown(f":material/lock: {label} (closed in this lesson)", width="content")
    else:
        st.page_link(f"pages/{page}.py", label=label, icon=icon, query_params=query_params)


def run_page(page: StreamlitPage) -> None:
    """Runs a page, or says that it is closed."""
    try:
        check_may_open(visitor(), page.url_path)
    except NotAllowedError as error:
        st.title(page.title)
        st.info(escape(str(error)), icon=":material/lock:")
        return
    except DatabaseError:
        pass  # nobody can close a page either
    page.run()


def remember_titles(pages: Sequence[StreamlitPage]) -> None:
    """Remembers what each page is called, for the page on which they are closed."""
    st.session_state[_TITLES] = {page.url_path: page.title for page in pages}


def page_titles() -> dict[str, str]:
    """The title of every page by its address, "" for the first."""
    titles: dict[str, str] = st.session_state.get(_TITLES, {})
    return titles
