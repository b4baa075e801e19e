"""What the gate lets through: judged on the address really dialed, whatever form it came in."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from aiohttp import ClientConnectorError, ClientError, ClientSession, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from bot.gate import AddressRefused, AddrInfo, Gate, why_not
from tests.fakes.dialing import looked_up
from tests.fakes.feeds import FeedServer

SPECIAL = (
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",  # Alibaba's metadata
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # Azure's host
    "169.254.169.254",  # most clouds' metadata
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",  # Oracle's metadata
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.1.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",  # IPv4-compatible, long gone
    "::ffff:127.0.0.1",
    "::ffff:0:127.0.0.1",  # IPv4-translated
    "64:ff9b::7f00:1",  # NAT64
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",  # NAT64 of local use
    "100::1",
    "2001::1",  # Teredo
    "2001:0:7f00:1::8.8.8.8",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4
    "2002:a9fe:a9fe::1",
    "2620:4f:8000::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",  # Amazon's metadata
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
)
PUBLIC = ("8.8.8.8", "192.0.1.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1")
PRIVATE_4 = st.sampled_from([IPv4Address(address) for address in SPECIAL if ":" not in address])


def an_address(host: str, port: int = 80) -> AddrInfo:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    rest = (0, 0) if family == socket.AF_INET6 else ()
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port, *rest))


@pytest.mark.parametrize("address", SPECIAL)
def test_a_special_address_gets_no_socket(address: str) -> None:
    with pytest.raises(AddressRefused, match=r"not a public internet address"):
        Gate().socket_factory(an_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_gets_a_socket(address: str) -> None:
    Gate().socket_factory(an_address(address)).close()


@given(PRIVATE_4)
def test_wrapping_a_private_address_makes_it_no_more_public(inner: IPv4Address) -> None:
    number = int(inner)
    mapped, nat64 = (0xFFFF << 32) | number, (0x64FF9B << 96) | number
    sixtofour, teredo = (
        (0x2002 << 112) | (number << 80),
        (0x20010000 << 96) | (0x08080808 << 64) | (number ^ 0xFFFFFFFF),
    )
    for outer in (mapped, nat64, sixtofour, teredo):
        assert why_not(str(IPv6Address(outer)))


@given(st.ip_addresses())
def test_nothing_that_python_calls_special_is_let_through(address: IPv4Address | IPv6Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        # What carries another address is judged by that one, whatever this version of Python thinks of the carrier.
        carriers = (ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96"), ip_network("2002::/16"))
        assert why_not(str(address)) or any(address in carrier for carrier in carriers)


def test_an_admitted_pair_is_exact() -> None:
    gate = Gate(admit=frozenset({("127.0.0.1", 8123)}))
    gate.socket_factory(an_address("127.0.0.1", 8123)).close()
    for host, port in (("127.0.0.1", 8124), ("127.0.0.2", 8123), ("::1", 8123)):
        with pytest.raises(AddressRefused):
            gate.socket_factory(an_address(host, port))


class Answers(AbstractResolver):
    """A name server of our own: each look-up gives the next answer, the last one for ever."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers = list(answers)

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return looked_up(host, port, addresses)

    async def close(self) -> None:
        pass


class Dialed(OSError):
    """The gate said yes; the test goes no further."""


async def dialed(answers: Answers, times: int = 1) -> set[object]:
    """The addresses that the gate would have let us connect to."""
    passed: set[object] = set()

    def factory(address: AddrInfo) -> socket.socket:
        Gate().socket_factory(address).close()
        passed.add(address[4][0])
        raise Dialed("let through")

    connector = TCPConnector(socket_factory=factory, resolver=answers, use_dns_cache=False)
    async with ClientSession(connector=connector) as session:
        for _ in range(times):
            with pytest.raises(ClientConnectorError):
                await session.get("http://news.example/")
    return passed


async def test_every_answer_of_the_name_server_is_judged_by_itself() -> None:
    assert await dialed(Answers(("10.0.0.1", "8.8.8.8", "::1"))) == {"8.8.8.8"}
    assert await dialed(Answers(("10.0.0.1", "fd00:ec2::254"))) == set()


async def test_a_name_that_turns_private_is_refused_from_then_on() -> None:
    assert await dialed(Answers(("8.8.8.8",), ("127.0.0.1",)), times=20) == {"8.8.8.8"}


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        yield server


SPELLINGS = (
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
    "0",
    "127.0.0.1.",
    "localhost",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
)


@pytest.mark.parametrize("form", SPELLINGS)
async def test_no_spelling_of_loopback_connects(server: FeedServer, form: str) -> None:
    server.publish("/", "<rss/>")
    async with ClientSession(connector=TCPConnector(socket_factory=Gate().socket_factory)) as session:
        with pytest.raises(ClientError, match=r"not a public internet address|not a canonical IPv4 address"):
            await session.get(server.url("/", host=form))
    assert server.requests == []
