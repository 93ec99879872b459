"""A warning before the runs use as much of the disk as they may, and if they are on a disk of the wrong kind."""

import streamlit as st

from fmnist_core.classroom.records import network_warning
from fmnist_core.runs.disk import check_room_on_disk, disk_use, format_bytes
from fmnist_core.runs.folders import RunError
from pages.parts.shared.closed_pages import show_page_link
from pages.parts.shared.wording import escape


def show_disk_warning(*, links: bool) -> None:
    """Nothing as long as there is room on a local disk; else what is wrong and what to do.

    Args:
        links: whether to link to the page on which to clean up.
    """
    warning = network_warning()
    if warning:
        st.warning(escape(warning), icon=":material/hard_drive:")
    use = disk_use()
    if not use.is_nearly_full:
        return
    try:
        check_room_on_disk()
    except RunError as error:
        st.error(f"No run can be started. {escape(str(error))}", icon=":material/hard_drive:")
    else:
        left = f"Room for {format_bytes(max(0, use.left))} of runs is left. When it is used up, no run can be started"
        st.warning(f"{left}: delete runs you no longer need, or clean up.", icon=":material/hard_drive:")
    if links:
        show_page_link("runs", "Clean up on the page Runs", ":material/arrow_forward:")
