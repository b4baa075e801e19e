"""Bombs and floods: let go in time, with little memory, whatever the limits are."""

from __future__ import annotations

import asyncio
import gzip
import sys
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.core.intake import Cursor, FeedResponse
from tests.builders import a_source
from tests.fakes.feeds import Asked, FeedServer, head
from tests.fakes.fetching import a_fetcher, error_of

SOURCE = a_source()
NOTHING = Cursor(SOURCE.id)
SOON = timedelta(seconds=0.25)
MEMORY_AT_MOST = 32 * 1024  # KiB that a bomb may cost (security S6)


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        server.publish("/fine", "<rss/>")
        yield server
    assert server.violations == []


def a_bomb(megabytes: int, bits: int = 31) -> bytes:
    packer = zlib.compressobj(wbits=bits)
    block = bytes(1_000_000)
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


CHILD = """
import asyncio, sys
from bot.core.intake import Cursor
from tests.builders import a_source
from tests.fakes.fetching import a_fetcher

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

async def main():
    async with a_fetcher() as fetch:
        await fetch(a_source(), sys.argv[1] + "/fine", Cursor("s"))
        before = peak()
        for path in sys.argv[2:]:
            print(await fetch(a_source(), sys.argv[1] + path, Cursor("s")))
        print(peak() - before)

asyncio.run(main())
"""


async def test_bombs_cost_little_memory(server: FeedServer) -> None:
    bombs = {
        "/gzip": ("gzip", a_bomb(48)),
        "/deflate": ("deflate", a_bomb(48, 15)),
        "/bare": ("deflate", a_bomb(48, -15)),
    }
    for path, (encoding, body) in bombs.items():
        server.reply(path, head(200, {"Content-Encoding": encoding, "Content-Length": str(len(body))}) + body)
    nested = gzip.compress(a_bomb(48))
    server.reply("/nested", head(200, {"Content-Encoding": "gzip, gzip", "Content-Length": str(len(nested))}) + nested)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CHILD, server.url(""), *bombs, "/nested"),
        env={"PYTHONPATH": "."},
        stdout=asyncio.subprocess.PIPE,
    )
    *said, grown = (await child.communicate())[0].decode().splitlines()
    assert said[:3] == ["the answer is larger than 5,242,880 bytes"] * 3
    assert "packed in a way that we did not ask for" in said[3]
    assert int(grown) <= MEMORY_AT_MOST


async def endless(piece: bytes, pause: float, start: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(start)
    while True:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause)


CHUNKED = head(200, {"Transfer-Encoding": "chunked"})
FLOODS = {
    "a head of one byte at a time": (b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.01),
    "headers without an end": (b"HTTP/1.1 200 OK\r\n", b"X-Many: x\r\n" * 100, 0),
    "one header without an end": (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 4096, 0),
    "a status without an end": (b"HTTP/1.1 200 ", b"x" * 4096, 0),
    "trailers without an end": (CHUNKED + b"5\r\n<rss>\r\n0\r\n", b"X-Trailer: x\r\n", 0.001),
    "chunks of one byte": (CHUNKED, b"1\r\nx\r\n", 0.001),
    "a chunk's extension without an end": (CHUNKED + b"5;", b"x" * 4096, 0),
    "hints without an end": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 0.001),
    "a body of one byte at a time": (head(200, {"Content-Length": "1000000"}), b"x", 0.01),
    "redirect with a body without an end": (
        head(302, {"Location": "/fine", "Transfer-Encoding": "chunked"}),
        b"1000\r\n" + b"x" * 4096 + b"\r\n",
        0,
    ),
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_is_left_in_time_and_the_next_answer_is_fine(server: FeedServer, flood: str) -> None:
    start, piece, pause = FLOODS[flood]

    async def script(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        await endless(piece, pause, start, writer)

    server.play("/flood", script)
    async with a_fetcher(total=SOON, max_bytes=100_000) as fetch:
        loop = asyncio.get_running_loop()
        began = loop.time()
        got = await fetch(SOURCE, server.url("/flood"), NOTHING)
        assert loop.time() - began < 5  # of a quarter of a second, on a machine that is busy
        if not flood.startswith("redirect"):
            error_of(got)
        assert isinstance(await fetch(SOURCE, server.url("/fine"), NOTHING), FeedResponse)
