"""Invite: by which addresses others can open a page, and what the button shows. The code itself is read in tests/browser/test_invite.py."""

import ipaddress
import re
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.parts.shared import addresses
from pages.parts.shared.addresses import Address, find_urls, own_addresses
from pages.parts.shared.host_check import is_own_address, quick_names
from pages.parts.shared.invite import draw_qr_code
from tests.pages.conftest import open_page

LAN = [ipaddress.ip_address("192.168.1.5")]


def urls(opened: str, own: list[Address] = LAN, **more: str) -> tuple[str, ...]:
    return find_urls(opened, [("run", "starter"), ("cell", "6-0")], find_own=lambda: own, **more).urls


@pytest.mark.parametrize(
    ("opened", "expected"),
    [
        ("http://localhost:8501/evaluation", "http://192.168.1.5:8501/evaluation"),
        ("http://127.0.0.1:8501/base/evaluation", "http://192.168.1.5:8501/base/evaluation"),
        ("http://[::1]:8501/evaluation", "http://192.168.1.5:8501/evaluation"),
        ("https://localhost/evaluation", "https://192.168.1.5/evaluation"),
        ("http://192.168.1.7:8501/evaluation", "http://192.168.1.7:8501/evaluation"),
        ("http://[2001:db8::7]:8501/evaluation", "http://[2001:db8::7]:8501/evaluation"),
        ("https://fashion.school.example/base/evaluation", "https://fashion.school.example/base/evaluation"),
    ],
)
def test_the_host_that_opened_the_page_is_kept_unless_only_this_machine_knows_it(opened: str, expected: str) -> None:
    assert urls(opened) == (f"{expected}?run=starter&cell=6-0",)


def test_a_page_without_choices_has_no_query() -> None:
    assert find_urls("http://localhost:8501", find_own=lambda: LAN).urls == ("http://192.168.1.5:8501",)


def test_choices_are_encoded() -> None:
    found = find_urls("http://localhost:8501", [("part", "An item & more"), ("part", "#2")], find_own=lambda: LAN)
    assert found.urls == ("http://192.168.1.5:8501/?part=An+item+%26+more&part=%232",)


def test_all_addresses_are_offered() -> None:
    own = [*LAN, ipaddress.ip_address("10.0.0.9")]
    assert [url.split("/")[2] for url in urls("http://localhost:1", own)] == ["192.168.1.5:1", "10.0.0.9:1"]


def test_a_machines_own_name_comes_first_and_its_addresses_after_it() -> None:
    name = max(quick_names() - {"localhost"}, key=len)
    assert [url.split("/")[2] for url in urls(f"http://{name}:1")] == [f"{name}:1", "192.168.1.5:1"]


@pytest.mark.parametrize(
    ("hosts", "first"),
    [
        ("school.example", "http://school.example:8501"),
        ("https://fashion.school.example", "https://fashion.school.example"),
        ("https://fashion.school.example/", "https://fashion.school.example"),
        ("http://fashion.school.example:8080", "http://fashion.school.example:8080"),
        ("*, localhost, 127.0.0.1, school.example", "http://school.example:8501"),
        ("*", "http://192.168.1.5:8501"),
    ],
)
def test_names_of_fmnist_hosts_come_before_addresses(hosts: str, first: str) -> None:
    found = urls("http://localhost:8501/x", hosts=hosts)
    assert found[0] == f"{first}/x?run=starter&cell=6-0"
    assert found[-1] == "http://192.168.1.5:8501/x?run=starter&cell=6-0"


def test_a_name_that_opened_the_page_needs_no_other() -> None:
    assert len(urls("https://school.example/x", hosts="other.example")) == 1


def test_only_the_address_the_server_listens_on_is_offered() -> None:
    own = [*LAN, ipaddress.ip_address("10.0.0.9")]
    assert [url.split("/")[2] for url in urls("http://localhost:1", own, listens_on="10.0.0.9")] == ["10.0.0.9:1"]
    assert len(urls("http://localhost:1", own, listens_on="0.0.0.0")) == 2


@pytest.mark.parametrize(
    ("opened", "own", "listens_on", "words"),
    [
        ("http://localhost:8501", LAN, "127.0.0.1", "start it without server.address"),
        ("http://localhost:8501", LAN, "localhost", "start it without server.address"),
        ("http://localhost:8501", [], "", "not on a network"),
        ("", LAN, "", "did not say"),
        ("ftp://localhost", LAN, "", "did not say"),
        ("http://user@192.168.1.5", LAN, "", "did not say"),
        ("javascript:alert(1)", LAN, "", "did not say"),
    ],
)
def test_without_an_address_it_says_why(opened: str, own: list[Address], listens_on: str, words: str) -> None:
    found = find_urls(opened, listens_on=listens_on, find_own=lambda: own)
    assert found.urls == ()
    assert words in found.problem


def test_own_addresses_are_own_and_in_a_network() -> None:
    found = own_addresses()
    assert len(found) == len(set(found))
    assert all(is_own_address(address) and not address.is_loopback for address in found)


def test_without_a_way_out_the_networks_of_this_machine_are_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of loopback, a bridge inside the machine, a network behind a router and a network of its own, only the last has others in it."""
    table = tmp_path / "route"
    table.write_text(
        "Iface\tDestination\tGateway\tFlags\n"
        "lo\t0000007F\t00000000\t0001\n"
        "docker0\t000011AC\t00000000\t0001\n"
        "eth0\t0000000A\t0102A8C0\t0003\n"
        "eth0\t0002A8C0\t00000000\t0001\n"
    )
    asked: list[str] = []
    monkeypatch.setattr(addresses, "_ROUTES", table)
    monkeypatch.setattr(addresses, "_own_address_towards", asked.append)
    assert own_addresses() == []
    assert asked[-1] == "192.168.2.1"
    assert not {"127.0.0.1", "172.17.0.1", "10.0.0.1"} & set(asked)


def test_ipv6_only_where_there_is_no_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    ways = {"fd00::1": "fd00::2", "2001:db8::1": "fe80::2"}
    monkeypatch.setattr(addresses, "is_own_address", lambda _address: True)
    monkeypatch.setattr(addresses, "_network_starts", list)
    monkeypatch.setattr(addresses, "_own_address_towards", lambda way: ipaddress.ip_address(ways[way]) if way in ways else None)
    assert own_addresses() == [ipaddress.ip_address("fd00::2")]
    ways["10.255.255.254"] = "10.0.0.9"
    assert own_addresses() == [ipaddress.ip_address("10.0.0.9")]


def test_the_code_is_black_on_white_with_an_empty_border() -> None:
    drawn = draw_qr_code("http://192.168.1.5:8501")
    size = int(re.search(r'width="(\d+)"', drawn)[1])  # type: ignore[index]
    assert size == 20 * (25 + 2 * 4)  # version 2, with four modules on each side
    assert 'fill="#fff"' in drawn
    assert 'stroke="#000"' in drawn


def open_invitation(page: str, opened: str, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    monkeypatch.setattr(type(st.context), "url", property(lambda _self: opened))
    monkeypatch.setattr(addresses, "own_addresses", lambda: [*LAN, ipaddress.ip_address("10.0.0.9")])
    at = open_page(page, **query)
    next(button for button in at.button if button.label == "Invite").click()
    at.run()
    assert not at.exception
    return at


def alts(at: AppTest) -> list[str]:
    return [image.alt for element in at.get("image") for image in element.proto.imgs if image.alt.startswith("QR")]


@pytest.mark.parametrize("page", ["home", "browse", "train", "evaluate", "look_inside", "predict"])
def test_every_page_has_the_button(page: str) -> None:
    assert [button.label for button in open_page(page).button].count("Invite") == 1


def test_the_invitation_shows_the_page_with_its_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_invitation("evaluate", "http://localhost:8501/evaluation", monkeypatch, run="starter", cell="6-0")
    expected = "http://192.168.1.5:8501/evaluation?run=starter&cell=6-0"
    assert [code.value for code in at.code] == [expected]
    assert alts(at) == [f"QR code of {expected}"]
    which = next(radio for radio in at.radio if radio.label.startswith("This computer has several"))
    assert which.options == [expected, "http://10.0.0.9:8501/evaluation?run=starter&cell=6-0"]


def test_a_link_too_long_for_a_code_is_shown_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = "http://192.168.1.5:8501/evaluation"
    at = open_invitation("evaluate", opened, monkeypatch, run="starter", unknown="x" * 700)
    assert alts(at) == [f"QR code of {opened}"]
    assert [code.value for code in at.code] == [f"{opened}?run=starter&unknown={'x' * 700}"]
    assert any("too long" in text.value for text in at.markdown)


def test_without_an_address_the_invitation_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(st.context), "url", property(lambda _self: None))
    at = open_page("home")
    next(button for button in at.button if button.label == "Invite").click()
    at.run()
    assert "did not say" in at.warning[0].value
    assert alts(at) == []
