"""Which addresses may be dialed: public ones, whatever form they come in.

Feeds and redirects are written by strangers, so a URL must not lead us into the operator's own network.
`check_url` refuses what a URL shows by itself. The rule that counts is `socket_factory`: it sees the address that is
really dialed, after every name lookup and redirect, so neither DNS answers that change nor odd spellings get past it.
"""

from __future__ import annotations

import errno
import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from yarl import URL

SCHEMES = frozenset({"http", "https"})
PORTS = frozenset({80, 443, 8080, 8443})
HOST_AT_MOST = 253  # characters of a DNS name; also keeps the slow parts of IDNA from long input (CVE-2024-3651)

_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
_NAME = re.compile(r"[a-z0-9._-]+")

# IANA's special-purpose registries, and what they lack. `ipaddress.is_global` alone lets 15 of 40 special addresses
# through on Python 3.11.7, and differs from version to version.
_NOT_PUBLIC_4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host, in no registry
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_PUBLIC_6 = ip_network("2000::/3")  # all that is global unicast today
_NOT_PUBLIC_6 = tuple(
    ip_network(network) for network in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")
)
_NAT64 = ip_network("64:ff9b::/96")

AddrInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]]


class AddressRefused(OSError):
    """The address may not be dialed. An `OSError`, so that the next address of the same name gets its chance."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The rule. `admit` are exact (address, port) pairs that are allowed although private.

    `allow_private` lifts the rule on addresses and ports: for tests and closed networks only.
    """

    allow_private: bool = False
    admit: frozenset[tuple[str, int]] = frozenset()

    def check_url(self, url: str) -> str | None:
        """Say in a sentence why the URL may not be asked for, or None. Names are not looked up here."""
        try:
            return _misshapen(url) or self._misplaced(URL(url))
        except ValueError:
            return "the address is not a valid URL"

    def _misplaced(self, url: URL) -> str | None:
        host, port = url.raw_host or "", url.port or 0
        if self.allow_private or (host, port) in self.admit:
            return None
        if port not in PORTS:
            return f"port {port} is not allowed, only 80, 443, 8080 and 8443"
        return why_not(host) if _literal(host) else None

    def socket_factory(self, address: AddrInfo) -> socket.socket:
        """Make the socket for an address that is about to be dialed, or raise `AddressRefused`."""
        family, kind, protocol, _, (host, port, *_) = address
        if not self.allow_private and (host, port) not in self.admit and (why := why_not(str(host))):
            raise AddressRefused(errno.EACCES, why)
        return socket.socket(family, kind, protocol)


def _misshapen(url: str) -> str | None:
    """Say what is wrong with the URL as text. We dial what yarl reads; where urlsplit reads another host, nothing."""
    if _UNSAFE.search(url):
        return "the address has control characters or backslashes in it"
    plain = urlsplit(url)
    if plain.hostname is None or len(plain.hostname) > HOST_AT_MOST:
        return "the address has no host name, or one that is too long"
    parsed = URL(url)
    if parsed.scheme not in SCHEMES:
        return "only http and https addresses can be read"
    if "@" in plain.netloc or parsed.user is not None or parsed.password is not None:
        return "the address has a user name or password in it"
    readings = (parsed.raw_host or "", parsed.host or "")
    if not any(_same(host, plain.hostname) for host in readings) or not _well_formed(readings[0]):
        return "the host name can be read in more than one way"
    return None


def why_not(address: str) -> str | None:
    """Say why an IP address is not a public one, or None. Addresses that carry others are unwrapped."""
    found = _literal(address)
    if found is not None and all(_is_public(inner) for inner in _unwrapped(found)):
        return None
    return f"{address} is not a public internet address"


def _unwrapped(address: IPv4Address | IPv6Address) -> tuple[IPv4Address | IPv6Address, ...]:
    """All addresses that a packet to this one may reach."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    return address.teredo or (address,)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _same(host: str, other: str) -> bool:
    return host == other or (_literal(host) is not None and _literal(host) == _literal(other))


def _well_formed(host: str) -> bool:
    return _NAME.fullmatch(host) is not None or isinstance(_literal(host), IPv6Address)
