"""The cookie by which the server recognises a browser. It holds a random secret and nothing else, and no script can read it."""

import re
import secrets
from collections.abc import Iterable

COOKIE = "fmnist_visitor"
_FORM = re.compile(r"[A-Za-z0-9_-]{32}")
_KEPT_S = 400 * 24 * 3600  # the longest that browsers keep a cookie


def is_secret(text: str) -> bool:
    """Whether this has the form of a secret that the server gives out."""
    return _FORM.fullmatch(text) is not None


def has_cookie(headers: Iterable[str]) -> bool:
    """Whether Cookie headers hold a visitor's secret."""
    pairs = (pair.strip().partition("=") for header in headers for pair in header.split(";"))
    return any(name == COOKIE and is_secret(value) for name, _, value in pairs)


def new_cookie() -> bytes:
    """The value of a Set-Cookie header for a browser without a secret.

    It is sent along when somebody follows a link from another site, so that they stay who they are, but not with requests that other
    sites make.
    """
    return f"{COOKIE}={secrets.token_urlsafe(24)}; Path=/; Max-Age={_KEPT_S}; HttpOnly; SameSite=Lax".encode()
