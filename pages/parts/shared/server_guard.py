"""What every request passes before Streamlit sees it: checks of host and origin, limits on uploads, headers and a cookie for the answer."""

import asyncio
import base64
import hashlib
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from pages.parts.shared.host_check import (
    Host,
    KnownHosts,
    explain_foreign_origin,
    explain_unknown_host,
    is_same_origin,
    parse_added,
    parse_host,
)
from pages.parts.shared.upload_limits import LIMITS, NOT_ASKED, UploadLimits
from pages.parts.shared.visitor_cookie import has_cookie, new_cookie

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_UPLOAD = re.compile(r".*/_stcore/upload_file/([^/]+)/([^/]+)")
_DONE = 204  # how Streamlit answers when it has stored or deleted a file
_METRICS = "/_stcore/metrics"  # it walks through all sessions for anybody who asks, and nobody here does
_SWEEP_EVERY_S = 10
_MAX_DISCARDED_BYTES = 25_000_000  # a little more than the largest file that an uploader sends
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
)
# Images and downloads: whatever they are, nothing in them runs if somebody opens one as a page.
_MEDIA_POLICY = b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"


class UploadRefused(Exception):
    """An upload went over a limit while it was arriving; its text says which."""


class ServerGuard:
    """ASGI middleware that refuses foreign hosts, foreign origins and uploads over the limits, and adds the headers.

    Args:
        app: what answers the requests that pass.
        known: the names by which the dashboard may be opened; those of this machine and of FMNIST_HOSTS if None.
        limits: what is uploaded on this server.
    """

    def __init__(self, app: Asgi, known: KnownHosts | None = None, limits: UploadLimits = LIMITS) -> None:
        self._app = app
        self._known = known or KnownHosts(parse_added(os.environ.get("FMNIST_HOSTS", "")))
        self._limits = limits
        self._page_policy = content_policy(Path(st.__file__).parent / "static" / "index.html")

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        status, problem, host = await self._check(scope)
        if scope["type"] == "websocket":
            await (_refuse_websocket(scope, send, status, problem) if problem else self._app(scope, receive, send))
            return
        answer = _Answer(send, self._policy(scope["path"], host), knows_visitor=has_cookie(_header(scope, b"cookie")))
        if problem:
            await _answer(answer, status, problem)
            return
        try:
            await self._pass(scope, receive, answer)
        except Exception:
            if not answer.has_begun:  # Starlette's own answer to a failure would lack the headers
                await _answer(answer, 500, "The server failed to answer this request.")
            raise

    async def _check(self, scope: MutableMapping[str, Any]) -> tuple[int, str, Host | None]:
        """Status and sentence if the request is refused, else 0 and ""; and the host that it names, if it may name it."""
        hosts = _header(scope, b"host")
        host = parse_host(hosts[0]) if len(hosts) == 1 else None
        # With an absolute request target, HTTP ignores the Host header. Browsers send one to proxies only.
        if host is None or not scope["path"].startswith("/"):
            return 400, "This request does not say properly which host it is for.", None
        if not self._known.knows(host.name) and self._known.is_due():
            await asyncio.to_thread(self._known.reread)
        if not self._known.knows(host.name):
            reached, port = scope.get("server") or ("", None)
            return 403, explain_unknown_host(host.name, reached, port), None
        for origin in _header(scope, b"origin"):
            if not is_same_origin(origin, host):
                return 403, explain_foreign_origin(origin), host
        if scope["path"].endswith(_METRICS):
            return 404, "There is nothing at this address.", host
        return 0, "", host

    def _policy(self, path: str, host: Host | None) -> bytes:
        if "/media/" in path:
            return _MEDIA_POLICY
        return self._page_policy.replace(b"CONNECT", _websocket_sources(host))

    async def _pass(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Passes a request on to Streamlit, uploads under their limits."""
        upload = _UPLOAD.fullmatch(scope["path"])
        if upload and scope["method"] == "PUT":
            await self._upload(upload[1], upload[2], scope, receive, send)
            return
        if upload and scope["method"] == "DELETE":
            status = await _status_of(self._app, scope, receive, send)
            if status == _DONE:  # otherwise the file is still there, and still counts
                self._limits.forget(upload[1], upload[2])
            return
        await self._app(scope, receive, send)

    async def _upload(self, session_id: str, file_id: str, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Passes an upload on to Streamlit while it is within the limits; counts it as it arrives."""
        announced = _header(scope, b"content-length")
        problem = self._limits.begin_upload(session_id, file_id, int(announced[0]) if announced and announced[0].isdecimal() else 0)
        if problem:
            await _discard(receive)
            await _answer(send, 403 if problem == NOT_ASKED else 413, problem)
            return
        status = 0

        async def count() -> Message:
            message = await receive()
            refused = self._limits.receive(session_id, file_id, len(message.get("body", b"")))
            if refused:
                raise UploadRefused(refused)
            return message

        try:
            status = await _status_of(self._app, scope, count, send)
        except UploadRefused as refused:
            await _discard(receive)
            await _answer(send, 413, str(refused))
        finally:
            self._limits.end_upload(session_id, file_id, file_store(), is_stored=status == _DONE)


def content_policy(index: Path) -> bytes:
    """The Content-Security-Policy of the pages: everything comes from this server. CONNECT stands for its websocket's address.

    Args:
        index: Streamlit's index.html, whose scripts are allowed by their hashes.
    """
    scripts = re.findall(r"<(script)>(.*?)</\1>", index.read_text(encoding="utf-8"), re.DOTALL)
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for _, script in scripts)
    rules = (
        "default-src 'self'",
        f"script-src 'self' blob: {hashes}",  # components arrive as text and are imported from blobs
        "style-src 'self' 'unsafe-inline'",  # Streamlit's own styles, and the sizes of every element
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' blob:",
        "connect-src 'self' CONNECT",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "frame-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'self'",
        "form-action 'none'",
    )
    return "; ".join(rules).encode()


async def sweep_uploads() -> None:
    """Drops uploads that nobody has taken, every ten seconds, until it is cancelled."""
    while True:
        await asyncio.sleep(_SWEEP_EVERY_S)
        LIMITS.sweep(file_store(), runtime.get_instance().is_active_session)


def file_store() -> MemoryUploadedFileManager:
    """Where Streamlit keeps uploads, of all sessions."""
    store = runtime.get_instance().uploaded_file_mgr
    assert isinstance(store, MemoryUploadedFileManager)
    return store


def _header(scope: MutableMapping[str, Any], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _websocket_sources(host: Host | None) -> bytes:
    """The page's own websocket; some browsers do not count it to 'self'."""
    if host is None:
        return b""
    name = f"[{host.name}]" if ":" in host.name else host.name
    port = f":{host.port}" if host.port else ""
    return f"ws://{name}{port} wss://{name}{port}".encode()


class _Answer:
    """`send`, which adds the headers to the answer in place of any of the same names, and notes whether it has begun."""

    def __init__(self, send: Send, policy: bytes, *, knows_visitor: bool = True) -> None:
        self._send = send
        self._knows_visitor = knows_visitor
        self._added = (*_HEADERS, (b"content-security-policy", policy))
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            names = {name for name, _ in self._added}
            kept = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in names]
            is_page = any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in kept)
            cookie = [(b"set-cookie", new_cookie())] if is_page and not self._knows_visitor else []
            message = {**message, "headers": [*kept, *self._added, *cookie]}
        await self._send(message)


async def _status_of(app: Asgi, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> int:
    """Passes a request on to the app and returns the status of its answer; 0 if it gave none."""
    status = 0

    async def note_status(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        await send(message)

    await app(scope, receive, note_status)
    return status


async def _discard(receive: Receive) -> None:
    """Reads the rest of a refused upload, up to a limit: a browser that is still sending would not read why it was refused."""
    discarded, more = 0, True
    while more and discarded < _MAX_DISCARDED_BYTES:
        message = await receive()
        discarded += len(message.get("body", b""))
        more = message.get("more_body", False)


async def _answer(send: Send, status: int, sentence: str) -> None:
    body = sentence.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _refuse_websocket(scope: MutableMapping[str, Any], send: Send, status: int, sentence: str) -> None:
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": sentence.encode()})
