"""The guard around an app of three lines. What it does to the dashboard is in tests/browser/test_server.py."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pages.parts.shared.host_check import KnownHosts
from pages.parts.shared.server_guard import Asgi, Message, Receive, Send, ServerGuard, content_policy
from pages.parts.shared.upload_limits import UploadLimits


async def answer_ok(_scope: Message, _receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"text/plain"), (b"X-Content-Type-Options", b"sniff")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


async def fail(_scope: Message, _receive: Receive, _send: Send) -> None:
    raise ZeroDivisionError


def ask(
    *headers: tuple[bytes, bytes],
    path: str = "/",
    kind: str = "http",
    method: str = "GET",
    app: Asgi = answer_ok,
    limits: UploadLimits | None = None,
) -> list[Message]:
    """What the guard sends in answer to a request with these headers."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Message = {"type": kind, "path": path, "method": method, "headers": list(headers), "server": ("127.0.0.1", 8501)}
    try:
        with ThreadPoolExecutor(1) as other_thread:  # Playwright keeps a running event loop in this one
            guard = ServerGuard(app, KnownHosts(), limits or UploadLimits())
            other_thread.submit(asyncio.run, guard(scope, receive, send)).result()
    except ZeroDivisionError:
        sent.append({"type": "raised"})
    return sent


LOCAL = (b"host", b"localhost:8501")


def test_a_request_to_this_machine_passes_and_its_answer_gets_the_headers() -> None:
    start, body = ask(LOCAL)
    assert (start["status"], body["body"]) == (200, b"ok")
    assert [value for name, value in start["headers"] if name.lower() == b"x-content-type-options"] == [b"nosniff"]
    assert (b"content-type", b"text/plain") in start["headers"]


@pytest.mark.parametrize("headers", [(), (LOCAL, LOCAL), (LOCAL, (b"host", b"evil.example"))])
def test_a_request_names_exactly_one_host(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    assert ask(*headers)[0]["status"] == 400


def test_an_absolute_target_is_refused() -> None:
    assert ask(LOCAL, path="http://evil.example/")[0]["status"] == 400


def test_one_foreign_origin_among_two_is_enough_to_refuse() -> None:
    own = (b"origin", b"http://localhost:8501")
    assert ask(LOCAL, own)[0]["status"] == 200
    assert ask(LOCAL, own, (b"origin", b"http://evil.example"))[0]["status"] == 403


def test_a_refused_websocket_is_closed_where_the_server_cannot_send_a_sentence() -> None:
    assert ask((b"host", b"evil.example"), kind="websocket") == [{"type": "websocket.close", "code": 1008, "reason": ""}]


def test_a_failure_is_answered_with_the_headers_and_still_reported() -> None:
    start, _, raised = ask(LOCAL, app=fail)
    assert start["status"] == 500
    assert (b"x-frame-options", b"DENY") in start["headers"]
    assert raised == {"type": "raised"}


@pytest.mark.parametrize(("status", "held"), [(204, 0), (403, 1_000), (500, 1_000)])
def test_an_upload_counts_until_it_has_been_deleted(status: int, held: int) -> None:
    """A request to delete it that Streamlit refuses, for want of a token, would otherwise make room for more and more."""

    async def answer(_scope: Message, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    limits = UploadLimits()
    limits.allow("session")
    assert limits.begin_upload("session", "file", 1_000) == ""
    limits.receive("session", "file", 1_000)
    answered = ask(LOCAL, path="/_stcore/upload_file/session/file", method="DELETE", app=answer, limits=limits)
    assert answered[0]["status"] == status
    assert limits.total == held


def test_nothing_in_a_media_file_runs_when_it_is_opened_as_a_page() -> None:
    policies = [dict(ask(LOCAL, path=path)[0]["headers"])[b"content-security-policy"] for path in ("/media/a.svg", "/")]
    assert [policy.endswith(b"; sandbox") for policy in policies] == [True, False]


def test_a_page_may_open_the_websocket_of_its_own_host_only() -> None:
    policy = dict(ask((b"host", b"[::1]:8501"))[0]["headers"])[b"content-security-policy"]
    assert b"connect-src 'self' ws://[::1]:8501 wss://[::1]:8501;" in policy


def test_only_scripts_of_the_index_are_allowed_by_their_hash(tmp_path: Path) -> None:
    index = tmp_path / "index.html"
    index.write_text('<script>alert(1)</script><script type="module" src="a.js"></script>')
    # printf 'alert(1)' | openssl dgst -sha256 -binary | base64
    assert b"script-src 'self' blob: 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=';" in content_policy(index)


async def answer_page(_scope: Message, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html; charset=utf-8")]})
    await send({"type": "http.response.body", "body": b"a page"})


def cookies(*headers: tuple[bytes, bytes], app: Asgi = answer_page) -> list[bytes]:
    return [value for name, value in ask(LOCAL, *headers, app=app)[0]["headers"] if name == b"set-cookie"]


def test_a_browser_without_a_secret_gets_one_with_the_page_and_keeps_it() -> None:
    (cookie,), (other,) = cookies(), cookies()
    assert cookie != other
    assert b"HttpOnly" in cookie
    pair = cookie.split(b";")[0]
    assert cookies((b"cookie", b"theme=dark; " + pair)) == []
    assert len(cookies((b"cookie", b"fmnist_visitor=guessed"))) == 1
    assert cookies(app=answer_ok) == [], "only pages give one, not every file"
