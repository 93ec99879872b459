"""The addresses by which other devices can open the page on show, found without sending anything."""

import ipaddress
import os
import re
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from pages.parts.shared.host_check import is_own_address, parse_added, parse_host, parse_origin, quick_names

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# To connect a UDP socket sends nothing: it only makes the system choose a way to an address, and so the own address that it would use.
# These are in every private range, and in one that nobody has: without the Internet, only a network's own range may have a way.
_WAYS = ("192.168.255.254", "10.255.255.254", "172.31.255.254", "203.0.113.1", "fd00::1", "2001:db8::1")
_ROUTES = Path("/proc/net/route")  # Linux only
_VIRTUAL = re.compile(r"lo|(?:docker|br-|veth|virbr|vmnet|vboxnet|podman|cni)\w*")  # networks inside this machine
_EVERYWHERE = {"", "0.0.0.0", "::"}  # noqa: S104  # compared, not opened
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Reachable:
    """Where others can open a page.

    Attributes:
        urls: the most likely first; empty if none is known.
        problem: why there is none, in a sentence that says what to do; else "".
    """

    urls: tuple[str, ...]
    problem: str = ""


def find_urls(
    opened: str,
    query: Collection[tuple[str, str]] = (),
    *,
    hosts: str = "",
    listens_on: str = "",
    find_own: Callable[[], list[Address]] | None = None,
) -> Reachable:
    """The URLs by which others can open a page.

    Args:
        opened: the URL in the browser's address bar, without its query.
        query: names and values of the choices on the page.
        hosts: FMNIST_HOSTS; an entry that is a URL gives a scheme and a port too.
        listens_on: the one address that the server listens on; "" for all.
        find_own: returns this machine's addresses; `own_addresses` if None.
    """
    parts = urlsplit(opened)
    host = parse_host(parts.netloc)
    if parts.scheme not in _PORTS or host is None:
        return Reachable((), "The browser did not say by which address it has opened this page.")
    port = f":{host.port}" if host.port and host.port != _PORTS[parts.scheme] else ""
    rest = f"{parts.path or '/'}?{urlencode(list(query))}" if query else parts.path
    own_name = f"{parts.scheme}://{_bracketed(host.name)}{port}"
    origins = [] if _is_local(host.name) else [own_name]
    if _is_local(host.name) or host.name in quick_names():  # a machine's own name is often unknown to phones
        origins += _added_origins(hosts, parts.scheme, port)
        origins += [f"{parts.scheme}://{_bracketed(str(address))}{port}" for address in _listening(listens_on, find_own or own_addresses)]
    if origins:
        return Reachable(tuple(dict.fromkeys(origin + rest for origin in origins)))
    if listens_on and _is_local(listens_on):
        return Reachable((), "The server only accepts connections from this computer: start it without server.address.")
    return Reachable((), "This computer is not on a network: connect it to one, or set FMNIST_HOSTS to the name by which others reach it.")


def own_addresses() -> list[Address]:
    """This machine's addresses in its networks, the one with the way out first; IPv6 only if there are no others. It may be empty."""
    found = (_own_address_towards(way) for way in [*_WAYS, *_network_starts()])
    usable = [address for address in dict.fromkeys(found) if address is not None and _is_for_others(address)]
    return [address for address in usable if address.version == 4] or usable


def server_hosts() -> str:
    """FMNIST_HOSTS as the server was started with it."""
    return os.environ.get("FMNIST_HOSTS", "")


def _own_address_towards(way: str) -> Address | None:
    family = socket.AF_INET6 if ":" in way else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((way, 9))
            return ipaddress.ip_address(probe.getsockname()[0])
    except (OSError, ValueError):  # no way there, or no such version of IP
        return None


def _is_for_others(address: Address) -> bool:
    """Whether it is this machine's own and others can open it; no browser opens a link-local address of IPv6."""
    if address.is_loopback or address.is_unspecified or (address.version == 6 and address.is_link_local):
        return False
    return is_own_address(address)


def _network_starts() -> list[str]:
    """The first address of every network that this machine is part of: without a way out, only these have ways."""
    try:
        lines = [line.split() for line in _ROUTES.read_text(encoding="ascii").splitlines()[1:]]
        starts = [(line[0], bytes.fromhex(line[1])[::-1], line[2]) for line in lines if len(line) > 2]
    except (OSError, ValueError):
        return []
    direct = [start for name, start, gateway in starts if int(gateway, 16) == 0 and any(start) and not _VIRTUAL.fullmatch(name)]
    return [str(ipaddress.IPv4Address(start) + 1) for start in direct]


def _listening(listens_on: str, find_own: Callable[[], list[Address]]) -> list[Address]:
    """Those of the own addresses on which the server listens."""
    own = find_own()
    if listens_on in _EVERYWHERE:
        return own
    return [address for address in own if str(address) == listens_on]


def _added_origins(hosts: str, scheme: str, port: str) -> list[str]:
    """The origins that FMNIST_HOSTS names: a URL with its own scheme and port, a name with those in use."""
    origins = []
    for entry in re.split(r"[,\s]+", hosts):
        whole = parse_origin(entry.rstrip("/"))
        if whole is not None:
            origins.append(f"{urlsplit(entry).scheme}://{_bracketed(whole.name)}" + (f":{whole.port}" if whole.port else ""))
        else:
            origins += [f"{scheme}://{_bracketed(name)}{port}" for name in parse_added(entry) if name != "*" and not _is_local(name)]
    return origins


def _is_local(name: str) -> bool:
    """Whether a name leads every device to itself."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name
