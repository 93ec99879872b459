"""What the running server refuses, and what it adds to its answers; forged requests are sent without a browser."""

import http.client
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.browser.conftest import Server, open_page, start_server

# What the guard is for: each of these would let a foreign page read or command the dashboard.
FOREIGN_HOSTS = ["evil.example", "evil.example:80", "localhost.evil.example", "localhost@evil.example", "203.0.113.9", "[2001:db8::1]", ""]


def ask(server: Server, path: str = "/", method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers (names in lower case) of an answer."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace"), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


@contextmanager
def open_session(server: Server, host: str = "localhost", **headers: str) -> Iterator[ClientConnection]:
    """A session as a browser opens it, but with any Host and any other headers."""
    address = urlsplit(server.url)
    with (
        socket.create_connection((address.hostname, address.port)) as raw,
        connect(f"ws://{host}/_stcore/stream", sock=raw, subprotocols=[Subprotocol("streamlit")], additional_headers=headers) as session,
    ):
        yield session


def run_page(session: ClientConnection, query: str, url_path: str) -> str:
    """Runs a page to its end and returns the session's id."""
    message = BackMsg()
    message.rerun_script.query_string = query
    message.rerun_script.page_name = url_path
    session.send(message.SerializeToString())
    session_id = ""
    while True:
        received = session.recv(timeout=60)
        assert isinstance(received, bytes)
        answer = ForwardMsg.FromString(received)
        if answer.WhichOneof("type") == "new_session":
            session_id = answer.new_session.initialize.session_id
        if answer.WhichOneof("type") == "script_finished":
            return session_id


def upload(server: Server, session_id: str, file_id: str, size: int) -> tuple[int, str]:
    """Sends a file of zeros to Streamlit's upload address, as its uploader does; status and text of the answer."""
    token = re.search(r"_streamlit_xsrf=([^;]+)", ask(server, "/_stcore/health")[2]["set-cookie"])
    assert token is not None
    head = b'--edge\r\nContent-Disposition: form-data; name="f"; filename="f.png"\r\nContent-Type: image/png\r\n\r\n'
    status, text, _ = ask(
        server,
        f"/_stcore/upload_file/{session_id}/{file_id}",
        "PUT",
        head + bytes(size) + b"\r\n--edge--\r\n",
        Content_Type="multipart/form-data; boundary=edge",
        X_Xsrftoken=token[1],
        Cookie=f"_streamlit_xsrf={token[1]}",
    )
    return status, text


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/static/js/any.js", "/media/any.png"])
def test_a_foreign_host_is_refused_by_every_address(server: Server, host: str, path: str) -> None:
    status, text, _ = ask(server, path, Host=host)
    assert status in (400, 403)
    assert len(text) < 300


def test_the_refusal_says_what_to_do(server: Server) -> None:
    port = urlsplit(server.url).port
    expected = f"This dashboard does not know itself as evil.example: open it by http://localhost:{port}, "
    assert ask(server, Host="evil.example")[:2] == (403, expected + "or start it with FMNIST_HOSTS=evil.example.")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.:9999", "127.0.0.1:80", "[::1]:80"])
def test_this_machine_is_known_under_any_port(server: Server, host: str) -> None:
    assert ask(server, "/_stcore/health", Host=host)[:2] == (200, "ok")


def test_a_forwarded_host_changes_nothing(server: Server) -> None:
    assert ask(server, Host="evil.example", X_Forwarded_Host="localhost")[0] == 403
    assert ask(server, X_Forwarded_Host="evil.example")[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", "https://localhost.evil.example"])
def test_a_foreign_origin_is_refused(server: Server, origin: str) -> None:
    for path in ("/", "/_stcore/health", "/_stcore/upload_file/a/b"):
        assert ask(server, path, "PUT" if "upload" in path else "GET", Origin=origin)[0] == 403


@pytest.mark.parametrize(
    ("host", "origin"), [("evil.example", "http://evil.example"), ("localhost", "http://evil.example"), ("localhost", "null")]
)
def test_no_foreign_page_can_open_a_session(server: Server, host: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused, open_session(server, host, Origin=origin):
        pass
    assert refused.value.response.status_code == 403
    assert b"dashboard" in refused.value.response.body


def test_fmnist_hosts_adds_names(tmp_path: Path) -> None:
    with start_server(tmp_path / "home", FMNIST_HOSTS="school.example, fashion.example") as server:
        for host in ("school.example", "fashion.example:443", "localhost"):
            assert ask(server, Host=host)[0] == 200
        assert ask(server, Host="evil.example")[0] == 403
        with open_session(server, "school.example", Origin="https://school.example") as session:
            assert run_page(session, "", "")


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/no/such/page", "/media/none.png", "/_stcore/upload_file/a/b"])
def test_every_answer_carries_the_headers(server: Server, path: str) -> None:
    headers = ask(server, path)[2]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "default-src" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_addresses_that_nobody_here_needs_are_closed(server: Server) -> None:
    assert ask(server, "/_stcore/metrics")[0] == 404
    assert "<html" in ask(server, "/_stcore/script-health-check")[1]  # as any unknown page, so no script ran


def test_a_file_that_no_page_asked_for_is_refused(server: Server) -> None:
    assert upload(server, "no-such-session", "1", 1000)[0] == 403
    with open_session(server) as session:
        session_id = run_page(session, "source=Drawing", "prediction")
        assert upload(server, session_id, "1", 1000) == (
            403,
            "No page of this session asks for files: open Predict, choose Upload, and try again.",
        )


def test_an_uploader_takes_files_until_its_page_is_left(server: Server) -> None:
    with open_session(server) as session:
        session_id = run_page(session, "source=Upload", "prediction")
        assert upload(server, session_id, "1", 1000)[0] == 204
        run_page(session, "", "samples")
        assert upload(server, session_id, "2", 1000)[0] == 403


def test_one_session_cannot_fill_the_memory(server: Server) -> None:
    size = 19_000_000
    with open_session(server) as session:
        session_id = run_page(session, "source=Upload", "prediction")
        statuses = [upload(server, session_id, str(number), size)[0] for number in range(23)]
        assert statuses == [204] * 21 + [413] * 2  # 21 × 19 MB are 399 MB, and the limit is 400 MB
        run_page(session, "", "samples")
        run_page(session, "source=Upload", "prediction")
        assert upload(server, session_id, "again", size)[0] == 204  # leaving the page has dropped the others


def test_what_was_uploaded_cannot_be_opened_by_an_address(server: Server) -> None:
    with open_session(server) as session:
        session_id = run_page(session, "source=Upload", "prediction")
        assert upload(server, session_id, "1", 1000)[0] == 204
        text = ask(server, f"/_stcore/upload_file/{session_id}/1")[1]
        assert "<title>Streamlit</title>" in text  # the page that any unknown address gives
        assert "\0" not in text


def test_a_file_over_the_size_limit_is_refused(server: Server) -> None:
    with open_session(server) as session:
        session_id = run_page(session, "source=Upload", "prediction")
        assert upload(server, session_id, "1", 21 * 1024 * 1024)[0] == 413


_LOAD_IMAGE = """url => new Promise(resolve => {
  document.addEventListener('securitypolicyviolation', event => resolve(event.violatedDirective));
  const image = new Image();
  image.onload = image.onerror = () => setTimeout(() => resolve('not blocked'));
  image.src = url;
  document.body.append(image);
})"""


def test_no_page_can_load_an_image_from_elsewhere(server: Server, browser: Browser) -> None:
    page = browser.new_page()
    open_page(page, server, "/")
    assert page.evaluate(_LOAD_IMAGE, server.url.replace("localhost", "127.0.0.1") + "/favicon.png") == "img-src"
    assert page.evaluate(_LOAD_IMAGE, "/favicon.png") == "not blocked"
    page.close()


def test_no_other_site_can_frame_the_dashboard(server: Server, browser: Browser) -> None:
    page = browser.new_page()
    with page.expect_event("console", lambda message: "frame-ancestors" in message.text):
        page.set_content(f'<iframe src="{server.url}"></iframe>')
    page.close()
