"""Archives of all runs: made, downloaded, deleted, and imported."""

from collections.abc import Generator

import streamlit as st

from fmnist_core.classroom.archives import delete_archive, list_archives, new_archive_file
from fmnist_core.exports.archive import Progress, write_archive
from fmnist_core.exports.archive_import import import_archive
from fmnist_core.runs.disk import format_bytes
from fmnist_core.runs.record import scan_runs
from pages.parts.shared.server_routes import ARCHIVES
from pages.parts.shared.upload_limits import allow_uploads, free
from pages.parts.shared.visitor import visitor
from pages.parts.shared.wording import count, escape

MAX_UPLOAD_MB = 200  # it is in memory until it has been imported
_REFUSED = "archive_refused"
_SHOWN_PROBLEMS = 20


def show_archives() -> None:
    """The archives on this machine, a button for a new one, and a field to import one."""
    st.subheader("Archives", anchor=False)
    st.write("An archive holds all runs with their settings, results and weights, as a zip file. It can be imported here or elsewhere.")
    if st.button("Archive all runs", icon=":material/archive:", key="archive"):
        follow(write_archive([run.id for run in scan_runs()[0]], new_archive_file()), "archived")
    for file in list_archives():
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.link_button(file.name, f"/{ARCHIVES}/{file.name}", icon=":material/download:")
            st.markdown(format_bytes(file.stat().st_size), width="content")
            with st.popover("Delete", icon=":material/delete:", key=f"delete_{file.name}"):
                st.button("Delete for good", key=f"gone_{file.name}", on_click=_delete, args=(file.name,))
    _show_import()
    refused = st.session_state.pop(_REFUSED, "")
    if refused:
        st.error(escape(refused), icon=":material/warning:")


def follow(steps: Generator[Progress, None, None], done: str) -> bool:
    """Shows how far an archive is, with a button that stops it, and the outcome; returns whether it got to its end.

    Args:
        done: what was done to each run, such as "archived".
    """
    place, problems, number = st.empty(), [], 0
    try:
        with place.container(horizontal=True, vertical_alignment="center"):
            bar = st.progress(0.0, "Starting …")
            st.button("Stop", icon=":material/stop:", key="stop_archive")  # any click interrupts this run of the page, and closes `steps`
            for step in steps:
                bar.progress(step.done / step.total, f"{step.done} of {step.total}: {escape(step.name)}")
                number += not step.problem
                if step.problem:
                    problems.append(f"{step.name} ({step.run_id}) was left out: {step.problem}")
    except ValueError as error:  # RunError and NotAllowedError are ValueErrors
        st.error(escape(str(error)), icon=":material/warning:")
        return False
    finally:
        steps.close()
        place.empty()
    st.success(f"{count(number, 'run')} {done}.", icon=":material/check:")
    for problem in problems[:_SHOWN_PROBLEMS]:
        st.warning(escape(problem), icon=":material/warning:")
    if len(problems) > _SHOWN_PROBLEMS:
        st.warning(
            f"{len(problems) - _SHOWN_PROBLEMS} more {'was' if len(problems) - _SHOWN_PROBLEMS == 1 else 'were'} left out.",
            icon=":material/warning:",
        )
    return True


def _show_import() -> None:
    refusal = allow_uploads(MAX_UPLOAD_MB)
    file = st.file_uploader(
        "An archive to import",
        type="zip",
        key="import_file",
        max_upload_size=MAX_UPLOAD_MB,
        help="Runs that are here already stay as they are. For a larger file: `python -m fmnist_core import FILE`",
    )
    if refusal:
        st.error(refusal, icon=":material/warning:")
    if file is not None and file.size and st.button("Import", type="primary", icon=":material/unarchive:", key="import"):
        follow(import_archive(file, by=visitor()), "imported")
        free(file)


def _delete(name: str) -> None:
    try:
        delete_archive(name, by=visitor())
    except ValueError as error:
        st.session_state[_REFUSED] = str(error)
