"""Special addresses in every notation, and names that turn: counted where sockets connect, no connection is made."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from bot.core.intake import Cursor
from bot.gate import Gate
from tests.builders import a_source
from tests.fakes.dialing import Lying, StopAtTheDoor, connects
from tests.fakes.feeds import FeedServer
from tests.fakes.fetching import a_fetcher, error_of

SOURCE = a_source()
NOTHING = Cursor(SOURCE.id)
QUICK = timedelta(seconds=0.3)

SPECIAL = (
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.1.2.3"),
    *("127.255.255.254", "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255"),
    *("192.0.0.192", "192.0.2.1", "192.31.196.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1"),
    *("198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "64:ff9b:1::7f00:1", "100::1", "2001:db8::1", "2001:20::1", "3fff::1", "5f00::1"),
    *("fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1"),
)
FOUR = [address for address in SPECIAL if ":" not in address]
SIX = [address for address in SPECIAL if ":" in address]
CIRCLED = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
WIDE = str.maketrans("0123456789.", "０１２３４５６７８９。")


def notations_of_four(text: str) -> Iterator[str]:
    """Write an IPv4 address as attackers do, each a host of a URL."""
    address = IPv4Address(text)
    number, parts = int(address), text.split(".")
    yield text
    yield f"{text}."
    yield str(number)
    yield hex(number)
    yield ".".join(f"0{int(part):o}" for part in parts)
    yield ".".join(hex(int(part)) for part in parts)
    yield f"{parts[0]}.{number & 0xFFFFFF}"
    yield text.translate(CIRCLED)
    yield text.translate(WIDE)
    yield f"[::ffff:{text}]"
    yield f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}]"
    yield f"[64:ff9b::{text}]"
    yield f"[{IPv6Address((0x2002 << 112) | (number << 80) | 1)}]"
    yield f"[{IPv6Address((0x20010000 << 96) | (0x08080808 << 64) | (number ^ 0xFFFFFFFF))}]"
    yield f"[::{text}]"


def by_name(address: str) -> str:
    """A name whose look-up gives the address, made so that it can be read back."""
    return f"{ip_address(address).packed.hex()}.lookup.example"


def notations_of_six(text: str) -> Iterator[str]:
    address = IPv6Address(text)
    number = int(address)
    yield f"[{text}]"
    yield f"[{address.exploded}]"
    yield f"[{address.exploded.upper()}]"
    yield f"[{text}%25eth0]"
    yield f"[{text}%eth0]"
    yield f"[{text}%251]"
    words = [number >> shift & 0xFFFF for shift in range(112, -16, -16)]
    yield f"[{':'.join(f'{word:x}' for word in words)}]"
    yield f"[{':'.join(f'{word:04x}' for word in words[:6])}:{IPv4Address(number & 0xFFFFFFFF)}]"
    yield f"[{':'.join(f'{word:x}' for word in words[:6])}:{IPv4Address(number & 0xFFFFFFFF)}]"
    yield by_name(text)
    yield f"{by_name(text).upper()}."
    yield text.replace(":", ".") + ".example"


TABLE = [(address, form) for address in FOUR for form in notations_of_four(address)]
TABLE += [(address, form) for address in SIX for form in notations_of_six(address)]


def looked_up(name: str) -> list[str]:
    packed, _, _ = name.partition(".")
    try:
        return [str(ip_address(bytes.fromhex(packed)))]
    except ValueError:
        return ["10.9.8.7"]


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        yield server


def test_the_table_is_as_long_as_it_should_be() -> None:
    """Forty addresses, each in ten notations that differ; looked-up mixtures and redirects come on top."""
    assert len(set(SPECIAL)) == len(SPECIAL) >= 40
    assert len({form for _, form in TABLE}) >= 400
    assert min(Counter(address for address, _ in set(TABLE)).values()) >= 10
    assert {address for address, _ in TABLE} == set(SPECIAL)


@pytest.mark.parametrize("port", ["", ":8443"])
async def test_no_notation_of_a_special_address_connects(port: str) -> None:
    with connects() as made:
        resolver = Lying(looked_up)
        async with a_fetcher(gate=Gate(), resolver=resolver, total=QUICK) as fetch:
            for _, form in TABLE:
                error_of(await fetch(SOURCE, f"http://{form}{port}/feed", NOTHING))
    assert made == []
    assert resolver.asked >= 2 * len(SIX), "names are looked up, and stopped where sockets are made"


async def test_no_name_leads_to_a_special_address_alone_or_among_others() -> None:
    def mixed(name: str) -> list[str]:
        return [*looked_up(name), "127.0.0.1", "::1", *looked_up(name)]

    for answer in (looked_up, mixed):
        with connects() as made:
            resolver = Lying(answer)
            async with a_fetcher(gate=Gate(), resolver=resolver, total=QUICK, respect_robots=True) as fetch:
                for address in SPECIAL:
                    error_of(await fetch(SOURCE, f"http://{by_name(address)}/feed", NOTHING))
        assert resolver.asked == len(SPECIAL)
        assert made == []


async def test_no_redirect_leads_to_a_special_address(server: FeedServer) -> None:
    gate = Gate(admit=frozenset({("127.0.0.1", server.port)}))
    forms = [form for _, form in TABLE if form.isascii()] + [by_name(address) for address in SPECIAL]
    for number, form in enumerate(forms):
        server.redirect(f"/{number}", f"http://{form}/feed")
    with connects() as made:
        async with a_fetcher(gate=gate, resolver=Lying(looked_up), total=QUICK) as fetch:
            for number in range(len(forms)):
                error_of(await fetch(SOURCE, server.url(f"/{number}"), NOTHING))
    assert set(made) == {("127.0.0.1", server.port)}
    assert len(server.requests) == len(forms)


async def test_the_witness_sees_what_an_open_gate_lets_through(server: FeedServer) -> None:
    server.publish("/feed", "<rss/>")
    with connects() as made:
        async with a_fetcher(gate=Gate(allow_private=True), resolver=Lying(lambda _: ["127.0.0.1"])) as fetch:
            for host in ("127.0.0.1", "a.example"):
                await fetch(SOURCE, server.url("/feed", host=host), NOTHING)
    assert made == [("127.0.0.1", server.port)] * 2


# --- names that turn ----------------------------------------------------------------------------------------------

ROUNDS = 1_000
PRIVATE = [address for address in SPECIAL if address not in {"0.0.0.0", "::"}]


async def test_a_thousand_names_that_turn_private_reach_nothing(server: FeedServer) -> None:
    """Public at the first look-up, loopback or another special address at the next, with a server that waits there."""
    server.publish("/feed", "<rss/>")
    seen: Counter[str] = Counter()

    def turning(name: str) -> list[str]:
        seen[name] += 1
        number = int(name.partition(".")[0])
        private = "127.0.0.1" if number % 2 else PRIVATE[number % len(PRIVATE)]
        public = "8.8.8.8" if number % 3 else "2606:4700::1111"
        if seen[name] == 1:
            return [private, public] if number % 5 == 0 else [public]  # sometimes mixed from the start
        return [private]

    names = [f"{number}.turning.example" for number in range(ROUNDS)]
    admit = frozenset((name, server.port) for name in names)  # the name and the port, not the address
    gate = StopAtTheDoor(Gate(admit=admit))
    with connects() as made:
        async with a_fetcher(gate=gate.as_gate, resolver=Lying(turning), total=QUICK) as fetch:
            for name in names:
                for _ in range(2):
                    error_of(await fetch(SOURCE, server.url("/feed", host=name), NOTHING))
                    connector = fetch._session().connector
                    assert connector is not None
                    connector.clear_dns_cache()  # type: ignore[attr-defined]  # of its one subclass; a TTL of 0
    assert made == []
    assert server.connections == 0
    assert set(seen.values()) == {2}
    assert set(gate.passed) == {"8.8.8.8", "2606:4700::1111"}
    assert len(gate.passed) >= ROUNDS


def test_what_the_c_library_reads_in_numbers_is_what_the_table_means() -> None:
    """The table would prove nothing if its numbers meant other addresses to whoever looks names up."""
    for address in FOUR:
        for form in list(notations_of_four(address))[2:7]:
            assert socket.inet_ntoa(socket.inet_aton(form)) == address
