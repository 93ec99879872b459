"""Invite: the address of the page on show and its QR code, large enough for a projector, for others to open it too."""

from collections.abc import Collection

import segno
import streamlit as st

from pages.parts.shared.addresses import Reachable, find_urls, server_hosts
from pages.parts.shared.wording import escape

_LONGEST_IN_CODE = 600  # bytes; a longer link has a code so fine that a phone at the back of the room cannot read it
_ADDRESS = "invite_which"


@st.fragment
def show_invite() -> None:
    """The button in the header of every page. It runs again without its page."""
    if st.button("Invite", icon=":material/qr_code_2:", type="tertiary", help="The address of this page and its QR code", key="invite"):
        _open_invitation()


@st.dialog("Open this page on your own device", width="large", icon=":material/qr_code_2:")
def _open_invitation() -> None:
    query = [(name, value) for name in st.query_params for value in st.query_params.get_all(name)]
    _show_invitation(find_page(st.context.url or "", query))


def find_page(opened: str, query: Collection[tuple[str, str]] = ()) -> Reachable:
    """Where others can open a page of this server; the arguments are those of `find_urls`."""
    return find_urls(opened, query, hosts=server_hosts(), listens_on=st.get_option("server.address") or "")


def _show_invitation(found: Reachable) -> None:
    """The QR code and the address of a page, or why it has none that others can reach."""
    if found.problem:
        st.warning(escape(found.problem), icon=":material/wifi_off:")
        return
    url = found.urls[0]
    if len(found.urls) > 1:
        url = st.radio("This computer has several addresses. If one does not open, try another.", found.urls, key=_ADDRESS)
    is_long = len(url.encode()) > _LONGEST_IN_CODE
    in_code = url.partition("?")[0] if is_long else url
    code, address = st.columns([1, 1], vertical_alignment="center")
    with code.container(key="invite_code"):
        st.image(draw_qr_code(in_code), alt=f"QR code of {in_code}")
    with address.container(key="invite_address"):
        st.markdown("Point a phone's camera at the code, or type this address:")
        st.code(url, language=None, wrap_lines=True)
        if is_long:
            st.markdown("The code opens the page without its choices: with them, the link is too long for a QR code.")
        st.markdown("The device must be on the same network as this computer.")


def draw_qr_code(text: str) -> str:
    """A QR code as SVG: black on white in every theme, with the empty border of four modules that readers need."""
    return segno.make(text, error="m", micro=False).svg_inline(scale=20, border=4, dark="#000", light="#fff")
