"""How to join: the address of the first page and its QR code, in the corner of the board."""

import html

import segno

from pages.parts.shared.invite import find_page


def draw_join(opened: str) -> str:
    """Address and code as HTML; "" if no address is known by which others could open the dashboard.

    Args:
        opened: the URL of the board in the address bar.
    """
    found = find_page(opened.rsplit("/", 1)[0])
    if not found.urls:
        return ""
    url = found.urls[0]
    code = segno.make(url, error="m", micro=False).svg_data_uri(border=4, dark="#000", light="#fff")
    return f'<p>Join at<br><b>{html.escape(url)}</b></p><img src="{html.escape(code)}" alt="QR code of {html.escape(url)}">'
