"""Which names the dashboard answers to. What a running server does with them is in tests/browser/test_server.py."""

import socket

import pytest

from pages.parts.shared import host_check
from pages.parts.shared.host_check import (
    Host,
    KnownHosts,
    explain_foreign_origin,
    explain_unknown_host,
    is_same_origin,
    own_names,
    parse_added,
    parse_host,
    parse_origin,
    quick_names,
)


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost", Host("localhost")),
        ("localhost:8501", Host("localhost", 8501)),
        ("LocalHost.:80", Host("localhost", 80)),
        ("localhost:", Host("localhost")),
        ("192.0.2.7:1", Host("192.0.2.7", 1)),
        ("[::1]", Host("::1")),
        ("[2001:DB8:0:0::1]:8501", Host("2001:db8::1", 8501)),
        ("[::ffff:192.0.2.7]", Host("192.0.2.7")),
        ("xn--mller-kva.example", Host("xn--mller-kva.example")),
    ],
)
def test_a_host_is_read(header: str, host: Host) -> None:
    assert parse_host(header) == host


@pytest.mark.parametrize(
    "header",
    [
        "",
        ":8501",
        ".",
        "localhost..",
        ".localhost",
        "local host",
        "localhost\n",
        "localhost@evil.example",
        "evil.example/localhost",
        "localhost#evil",
        "http://localhost",
        "localhost:99999",
        "localhost:١",
        "localhost:-1",
        "::1",
        "[::1",
        "[localhost]",
        "[::1]x",
        "[fe80::1%eth0]",
        "[1.2.3.4]:99999",
        "müller.example",
        "a" * 262,
    ],
)
def test_a_malformed_host_is_none(header: str) -> None:
    assert parse_host(header) is None


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8501", Host("localhost", 8501)),
        ("http://localhost:80", Host("localhost")),
        ("https://a.example:443", Host("a.example")),
        ("https://a.example:80", Host("a.example", 80)),
        ("null", None),
        ("file://", None),
        ("ftp://localhost", None),
        ("localhost", None),
        ("http://localhost/path", None),
    ],
)
def test_an_origin_is_read(origin: str, host: Host | None) -> None:
    assert parse_origin(origin) == host


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://localhost:8501", "localhost:8501", True),
        ("http://LOCALHOST:8501", "localhost.:8501", True),
        ("https://a.example", "a.example", True),
        ("https://a.example", "a.example:443", True),
        ("http://[::1]:8501", "[0:0:0:0:0:0:0:1]:8501", True),
        ("http://localhost:3000", "localhost:8501", False),
        ("http://localhost", "localhost:8501", False),
        ("http://127.0.0.1:8501", "localhost:8501", False),
        ("http://localhost.evil.example:8501", "localhost:8501", False),
        ("http://localhost:8501@evil.example", "localhost:8501", False),
        ("null", "localhost:8501", False),
        ("", "localhost:8501", False),
    ],
)
def test_only_the_same_host_and_port_is_the_same_origin(origin: str, host: str, same: bool) -> None:
    parsed = parse_host(host)
    assert parsed is not None
    assert is_same_origin(origin, parsed) is same


@pytest.fixture
def on_annas_laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Annas-Laptop.school.example")
    monkeypatch.setattr(socket, "getfqdn", lambda: "annas-laptop.wlan.school.example")


@pytest.mark.usefixtures("on_annas_laptop")
def test_the_machine_knows_its_names() -> None:
    assert quick_names() == {"localhost", "annas-laptop", "annas-laptop.local", "annas-laptop.school.example"}
    assert own_names() == quick_names() | {"annas-laptop.wlan.school.example"}


@pytest.mark.usefixtures("on_annas_laptop")
def test_a_full_name_that_does_not_begin_with_the_host_name_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: "evil.example")
    assert own_names() == quick_names()


@pytest.mark.usefixtures("on_annas_laptop")
@pytest.mark.parametrize("name", ["localhost", "annas-laptop", "annas-laptop.local", "127.0.0.1", "127.9.9.9", "::1"])
def test_own_names_and_loopback_addresses_are_known(name: str) -> None:
    assert KnownHosts().knows(name)


@pytest.mark.usefixtures("on_annas_laptop")
@pytest.mark.parametrize(
    "name",
    [
        "evil.example",
        "localhost.evil.example",
        "annas-laptop.evil.example",
        "evil-localhost",
        "203.0.113.9",  # an address for examples, which no machine has
        "2001:db8::1",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "127.1",
        "2130706433",
        "",
    ],
)
def test_foreign_names_and_addresses_are_not_known(name: str) -> None:
    assert not KnownHosts().knows(name)


def test_the_names_are_looked_up_again_at_most_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now_s)
    answers = [frozenset({"old.example"}), frozenset({"new.example"})]
    known = KnownHosts(find_names=lambda: answers.pop(0))
    assert known.is_due()
    known.reread()
    assert known.knows("old.example")
    now_s += 60
    known.reread()
    assert known.knows("old.example")
    now_s += 1
    known.reread()
    assert known.knows("new.example")
    assert not known.knows("old.example")


def test_an_address_that_the_machine_has_lost_is_known_for_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    own = {"192.0.2.7"}
    monkeypatch.setattr("time.monotonic", lambda: now_s)
    monkeypatch.setattr(host_check, "is_own_address", lambda address: str(address) in own)
    known = KnownHosts()
    assert known.knows("192.0.2.7")
    assert not known.knows("192.0.2.8")
    own = {"192.0.2.8"}
    assert known.knows("192.0.2.7")
    assert known.knows("192.0.2.8")
    now_s += 5
    assert not known.knows("192.0.2.7")


def test_fmnist_hosts_is_read() -> None:
    text = "School.example, https://fashion.example:8501/path  müller.example,192.0.2.7 2001:DB8::7 [::9]:80"
    assert parse_added(text) == {"school.example", "fashion.example", "xn--mller-kva.example", "192.0.2.7", "2001:db8::7", "::9"}
    assert parse_added(" , ") == frozenset()


def test_what_is_no_name_in_fmnist_hosts_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    assert parse_added("a@b.example *.c.example d.example") == {"d.example"}
    assert caplog.messages == [
        "FMNIST_HOSTS: 'a@b.example' is not the name of a host and is ignored.",
        "FMNIST_HOSTS: '*.c.example' is not the name of a host and is ignored.",
    ]


def test_names_that_are_added_are_known_and_a_star_knows_all() -> None:
    known = KnownHosts(parse_added("school.example 203.0.113.9"))
    assert known.knows("school.example")
    assert known.knows("203.0.113.9")
    assert not known.knows("www.school.example")
    assert KnownHosts(parse_added("*")).knows("any.example")


@pytest.mark.parametrize(
    ("reached", "url"),
    [
        ("127.0.0.1", "http://localhost:8501"),
        ("::1", "http://localhost:8501"),
        ("::ffff:192.0.2.7", "http://192.0.2.7:8501"),
        ("fe80::7%eth0", "http://[fe80::7]:8501"),
        ("", "http://localhost:8501"),
    ],
)
def test_the_refusal_names_the_address_that_was_reached(reached: str, url: str) -> None:
    sentence = f"This dashboard does not know itself as evil.example: open it by {url}, or start it with FMNIST_HOSTS=evil.example."
    assert explain_unknown_host("evil.example", reached, 8501) == sentence


def test_a_foreign_origin_is_named_only_if_it_is_one() -> None:
    assert "comes from evil.example:" in explain_foreign_origin("http://evil.example:80")
    assert "comes from another page:" in explain_foreign_origin("<script>alert(1)</script>")
