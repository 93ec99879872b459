"""Page config and navigation; `streamlit run dashboard.py` starts here."""

from pathlib import Path
from typing import Literal

import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.parts.components.phone_menu.phone_menu import close_phone_menu
from pages.parts.shared.closed_pages import closed_pages, remember_titles, run_page
from pages.parts.shared.invite import show_invite
from pages.parts.shared.lesson_notice import show_lesson_notice
from pages.parts.shared.name_question import show_name
from pages.parts.shared.presence import note_page
from pages.parts.shared.projector import bind_projector, show_projector_switch
from pages.parts.shared.server_guard import ServerGuard
from pages.parts.shared.server_routes import server_routes
from pages.parts.shared.server_start import prepare_server, wait_until_warm
from pages.parts.shared.upload_limits import begin_page_run, end_page_run
from pages.parts.shared.url_state import begin_page

# `streamlit run` finds this object and serves it; its lifespan starts before the first visit.
app = st.App(__file__, lifespan=prepare_server, middleware=[Middleware(ServerGuard)], routes=server_routes())


def show_page() -> None:
    """The navigation, and the page that the URL names."""
    st.set_page_config(page_title="Fashion-MNIST: watch a network learn", page_icon="👕", layout="wide")
    st.html(Path(__file__).parent / "pages" / "parts" / "shared" / "style.css")
    closed = closed_pages()

    def shown(address: str) -> Literal["visible", "hidden"]:
        return "hidden" if address in closed else "visible"

    # No URL equals its file name; otherwise Streamlit would mistake the folder `pages` for that of its older kind of app.
    pages = [
        st.Page("pages/home.py", title="Home", icon=":material/home:", url_path="start", default=True),
        st.Page("pages/browse.py", title="Browse", icon=":material/grid_view:", url_path="samples", visibility=shown("samples")),
        st.Page("pages/train.py", title="Train", icon=":material/show_chart:", url_path="training", visibility=shown("training")),
        st.Page("pages/runs.py", title="Runs", icon=":material/table_rows:", url_path="trainings", visibility=shown("trainings")),
        st.Page("pages/evaluate.py", title="Evaluate", icon=":material/rule:", url_path="evaluation", visibility=shown("evaluation")),
        st.Page("pages/look_inside.py", title="Look inside", icon=":material/biotech:", url_path="kernels", visibility=shown("kernels")),
        st.Page("pages/predict.py", title="Predict", icon=":material/draw:", url_path="prediction", visibility=shown("prediction")),
        st.Page("pages/board.py", title="Class", icon=":material/groups:", url_path="class", visibility=shown("class")),
        st.Page("pages/teacher.py", title="Teacher", icon=":material/school:", url_path="lesson"),
    ]
    page = st.navigation(pages, position="top")
    begin_page(page.title)
    bind_projector()
    header = st.container(key="header_tools", horizontal=True, width="content")
    with header:
        show_projector_switch()
        show_invite()
    show_name(header, asks=page.title != "Class")  # the projector has no name
    begin_page_run()
    note_page(page.title)
    remember_titles(pages)
    with st.container(key="lesson"):
        close_phone_menu()
        show_lesson_notice(pages, closed, page.url_path)
    if page != pages[0]:  # Home waits itself, after it has shown what it can
        wait_until_warm()
    run_page(page)
    end_page_run()


if get_script_run_ctx(suppress_warning=True) is not None:  # there is none while the server itself imports this file
    show_page()
