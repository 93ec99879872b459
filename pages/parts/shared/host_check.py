"""By which names this dashboard may be opened, so that no foreign page can reach it under a name of its own (DNS rebinding)."""

import ipaddress
import logging
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

_AUTHORITY = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?)(?::(?P<port>[0-9]{0,5}))?")
_MAX_CHARACTERS = 261  # the longest DNS name, a colon and a port
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ANY = "*"
_OWN_FOR_S = 5  # a page loads a hundred files, and trying an address costs 0.1 ms
_REREAD_AFTER_S = 60  # a name server may take seconds to answer, and foreign names must not make us ask it again and again


@dataclass(frozen=True)
class Host:
    """The name or address of a host, in lower case and without brackets, and its port; None where none was given."""

    name: str
    port: int | None = None


def parse_host(text: str) -> Host | None:
    """The host that a Host header names; None if the header is malformed, which includes `user@host` and names that are not ASCII."""
    match = _AUTHORITY.fullmatch(text.lower()) if len(text) <= _MAX_CHARACTERS and text.isascii() else None
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else None
    if port is not None and port > 65535:
        return None
    if match["ipv6"] is None:
        return Host(match["name"], port)
    address = _address(match["ipv6"])
    return Host(str(address), port) if address else None


def parse_origin(text: str) -> Host | None:
    """The host of an Origin header, without the port that its scheme implies; None for `null` and all that is not http or https."""
    scheme, separator, rest = text.partition("://")
    host = parse_host(rest) if separator and scheme.lower() in _DEFAULT_PORTS else None
    return host and Host(host.name, None if host.port == _DEFAULT_PORTS[scheme.lower()] else host.port)


def is_same_origin(origin: str, host: Host) -> bool:
    """Whether an Origin header names the host to which the request was sent."""
    parsed = parse_origin(origin)
    return parsed is not None and parsed in (host, Host(host.name, None if host.port in _DEFAULT_PORTS.values() else host.port))


def parse_added(text: str) -> frozenset[str]:
    """The names in FMNIST_HOSTS, separated by commas or spaces; a URL or a port is reduced to its name, and `*` stands for any name."""
    names = set()
    for entry in re.split(r"[,\s]+", text):
        name = _ascii_name(entry)
        if name:
            names.add(name)
        elif entry:
            logging.getLogger(__name__).warning("FMNIST_HOSTS: %r is not the name of a host and is ignored.", entry)
    return frozenset(names)


class KnownHosts:
    """The names and addresses of this machine, and the names that FMNIST_HOSTS adds.

    Args:
        added: names from `parse_added`.
        find_names: returns the machine's own names; it may be slow.
    """

    def __init__(self, added: frozenset[str] = frozenset(), find_names: Callable[[], frozenset[str]] | None = None) -> None:
        self._added = added
        self._find_names = find_names or own_names
        self._names = quick_names()
        self._read_at_s: float | None = None
        self._own_until_s: dict[str, float] = {}  # own addresses only, so it stays small
        self._lock = threading.Lock()

    def knows(self, name: str) -> bool:
        """Whether the dashboard may be opened by this name, written as in `Host`."""
        if _ANY in self._added or name in self._added or name in self._names or name in quick_names():
            return True
        now_s = time.monotonic()
        if self._own_until_s.get(name, 0.0) > now_s:
            return True
        address = _address(name)
        if address is None or not is_own_address(address):
            return False
        self._own_until_s[name] = now_s + _OWN_FOR_S
        return True

    def is_due(self) -> bool:
        """Whether `reread` would look up the names again; at most once a minute."""
        return self._read_at_s is None or time.monotonic() - self._read_at_s > _REREAD_AFTER_S

    def reread(self) -> None:
        """Looks up this machine's names again if that is due; this may take seconds."""
        with self._lock:
            if self.is_due():
                self._names = self._find_names()
                self._read_at_s = time.monotonic()


def quick_names() -> frozenset[str]:
    """The names that this machine knows without asking anybody: localhost, its host name, and that under .local."""
    hostname = socket.gethostname().lower().rstrip(".")
    short = hostname.partition(".")[0]
    return frozenset({"localhost"} | ({hostname, short, f"{short}.local"} if short else set()))


def own_names() -> frozenset[str]:
    """`quick_names`, and the full name if a name server has one that begins with the host name; this may take seconds."""
    names = quick_names()
    full = socket.getfqdn().lower().rstrip(".")
    # The name server of a foreign network may answer anything; a name that is not ours at all is not believed.
    return names | {full} if full.partition(".")[0] in names else names


def is_own_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is this machine's own at this moment, which changes when a laptop changes networks."""
    if address.is_loopback:
        return True
    if address.is_unspecified or address.is_multicast:
        return False
    # A socket can be bound to own addresses only. It asks nobody, and needs no list of interfaces, which the standard library lacks.
    try:
        with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def explain_unknown_host(name: str, reached: str, port: int | None) -> str:
    """What a person should do who has opened the dashboard by a name that it does not know.

    Args:
        name: as in `Host`.
        reached: the address of this machine to which the browser has connected, and `port` its port.
    """
    address = _address(reached)
    own = "localhost" if address is None or address.is_loopback else f"[{address}]" if address.version == 6 else str(address)
    url = f"http://{own}" + (f":{port}" if port else "")
    return f"This dashboard does not know itself as {name}: open it by {url}, or start it with FMNIST_HOSTS={name}."


def explain_foreign_origin(origin: str) -> str:
    """Why a request that a page of another origin has made is refused."""
    parsed = parse_origin(origin)
    whose = parsed.name if parsed else "another page"
    return f"This dashboard answers its own pages only, and this request comes from {whose}: open the dashboard in a tab of its own."


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # A socket for both versions of IP gives 192.0.2.7 as ::ffff:192.0.2.7.
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def _ascii_name(entry: str) -> str | None:
    """One entry of FMNIST_HOSTS as browsers send it in a Host header."""
    if entry == _ANY:
        return _ANY
    address = _address(entry)
    if address:
        return str(address)
    try:
        authority = (urlsplit(entry).netloc if "://" in entry else entry).encode("idna").decode("ascii")
    except UnicodeError:
        return None
    host = parse_host(authority)
    return host.name if host else None
