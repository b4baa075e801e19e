"""What comes back is bounded in size and time, and used whole or not at all."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
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
NOISE = hashlib.shake_128(b"any seed").digest(300_000)
BODY = b"<rss>" + bytes(b"abcdefgh <>"[byte % 11] for byte in NOISE) + b"</rss>"
SOON = timedelta(seconds=0.2)


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        yield server
    assert server.violations == []


def packed(encoding: str, body: bytes) -> bytes:
    return head(200, {"Content-Encoding": encoding, "Content-Length": str(len(body))}) + body


def bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


async def answer_to(server: FeedServer, raw: bytes, *, close: bool = False, **limits: object) -> object:
    server.reply("/feed", raw, close=close)
    async with a_fetcher(**limits) as fetch:
        return await fetch(SOURCE, server.url("/feed"), NOTHING)


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("gzip", gzip.compress(BODY)),
        ("GZIP", gzip.compress(BODY)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", bare_deflate(BODY)),
        ("identity", BODY),
    ],
)
async def test_one_layer_of_packing_is_taken_off(server: FeedServer, encoding: str, sent: bytes) -> None:
    answer = await answer_to(server, packed(encoding, sent))
    assert isinstance(answer, FeedResponse)
    assert answer.body == BODY


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, br", "compress", "x" * 200])
async def test_any_other_packing_is_refused(server: FeedServer, encoding: str) -> None:
    error = error_of(await answer_to(server, packed(encoding, gzip.compress(gzip.compress(BODY)))))
    assert "packed in a way that we did not ask for" in str(error)
    assert len(str(error)) < 120


GOOD = gzip.compress(BODY)
DAMAGED = {
    "no end": GOOD[:-20],
    "no checksum": GOOD[:-8],
    "half a checksum": GOOD[:-2],
    "a wrong checksum": GOOD[:-6] + b"\0\0" + GOOD[-4:],
    "a wrong length": GOOD[:-1] + b"\7",
    "a flipped bit": GOOD[:5000] + bytes([GOOD[5000] ^ 4]) + GOOD[5001:],
    "no header": BODY,
    "something after the end": GOOD + b"more",
    "a second feed after the first": GOOD + GOOD,
}


@pytest.mark.parametrize("damage", DAMAGED)
async def test_damaged_packing_is_an_error_and_nothing_is_used(server: FeedServer, damage: str) -> None:
    error = error_of(await answer_to(server, packed("gzip", DAMAGED[damage])))
    assert str(error).startswith("the packed answer")


async def test_a_body_at_the_limit_is_read_and_one_byte_more_is_not(server: FeedServer) -> None:
    for sent in (packed("gzip", GOOD), packed("identity", BODY)):
        assert isinstance(await answer_to(server, sent, max_bytes=len(BODY)), FeedResponse)
        error = error_of(await answer_to(server, sent, max_bytes=len(BODY) - 1))
        assert str(error) == f"the answer is larger than {len(BODY) - 1:,} bytes"


async def test_a_bomb_is_let_go_at_the_limit(server: FeedServer) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(60)) + packer.flush()  # 60 MB in 58 KB
    error = error_of(await answer_to(server, packed("gzip", bomb)))
    assert str(error) == "the answer is larger than 5,242,880 bytes"


@pytest.mark.parametrize("packing", ["identity", "gzip"])
async def test_an_endless_body_is_let_go_at_the_limit(server: FeedServer, packing: str) -> None:
    chunk = gzip.compress(NOISE[:60_000])[:-8] if packing == "gzip" else bytes(60_000)

    async def script(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, {"Transfer-Encoding": "chunked", "Content-Encoding": packing}))
        while True:
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await writer.drain()

    server.play("/feed", script)
    async with a_fetcher(max_bytes=100_000) as fetch:
        error_of(await fetch(SOURCE, server.url("/feed"), NOTHING))


async def test_a_body_shorter_than_promised_is_an_error(server: FeedServer) -> None:
    server.cut("/feed", BODY, after=1000)
    async with a_fetcher() as fetch:
        assert str(error_of(await fetch(SOURCE, server.url("/feed"), NOTHING))) == "the answer was cut short or damaged"


@pytest.mark.parametrize(
    "chunks",
    [
        b"5\r\n<rss>\r\n",
        b"5\r\n<rss>\r\n5\r\n<",
        b"5\r\n<rss>\r\nzz\r\n",
        b"-5\r\n<rss>\r\n0\r\n\r\n",
        b"5\r\n<rss></rss>\r\n",
    ],
)
async def test_a_broken_or_cut_chain_of_chunks_is_an_error(server: FeedServer, chunks: bytes) -> None:
    error_of(await answer_to(server, head(200, {"Transfer-Encoding": "chunked"}) + chunks, close=True))


async def test_a_server_that_never_answers_is_left(server: FeedServer) -> None:
    server.hang("/feed")
    async with a_fetcher(idle=SOON) as fetch:
        error = error_of(await fetch(SOURCE, server.url("/feed"), NOTHING))
    assert str(error) == "127.0.0.1 did not answer in time"


async def test_a_trickle_is_bounded_by_the_time_in_all(server: FeedServer) -> None:
    async def script(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, {"Content-Length": "100000"}))
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.02)

    server.play("/feed", script)
    async with a_fetcher(total=SOON) as fetch:
        assert str(error_of(await fetch(SOURCE, server.url("/feed"), NOTHING))) == "127.0.0.1 did not answer in time"


async def test_redirects_share_one_time_in_all(server: FeedServer) -> None:
    async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.15)
        writer.write(head(302, {"Location": asked.path + "x", "Content-Length": "0"}))

    for path in ("/f", "/fx", "/fxx", "/fxxx", "/fxxxx"):
        server.play(path, script)
    async with a_fetcher(total=SOON) as fetch:
        assert str(error_of(await fetch(SOURCE, server.url("/f"), NOTHING))) == "127.0.0.1 did not answer in time"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\x01\x02",
        b"<html>no HTTP here</html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1_000_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 200_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nbroken header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, nonsense\r\nContent-Encoding: gzip\r\n\r\nxx",
    ],
)
async def test_what_is_not_http_is_an_error_in_words(server: FeedServer, raw: bytes) -> None:
    error = error_of(await answer_to(server, raw, close=True))
    assert str(error).count("\n") == 0
    assert "Traceback" not in str(error)


async def test_a_closed_port_is_an_error_in_words() -> None:
    async with FeedServer() as server:
        url = server.url("/feed")
    async with a_fetcher() as fetch:
        assert str(error_of(await fetch(SOURCE, url, NOTHING))) == "127.0.0.1 cannot be reached"


async def test_after_every_kind_of_trouble_the_next_answer_is_fine(server: FeedServer) -> None:
    async with a_fetcher(max_bytes=len(BODY)) as fetch:
        server.publish("/feed", BODY, gzip=True)
        server.cut("/feed", BODY, after=10, times=1)
        server.reply("/feed", packed("gzip", DAMAGED["no end"]), times=1)
        server.reply("/feed", packed("identity", BODY + BODY), times=1)
        server.fail("/feed", 500, times=1)
        for _ in range(4):
            error_of(await fetch(SOURCE, server.url("/feed"), NOTHING))
        assert isinstance(await fetch(SOURCE, server.url("/feed"), NOTHING), FeedResponse)
