"""A feed server in a process of its own.

`/same/N` answers 304 to its validator, `/full/N` always 200, `/grow/N` always 200 with one new entry each time, and
no entry of it is in another feed: what one copy costs does not depend on how many feeds there are.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from multiprocessing.connection import Connection

from tests.fakes.news import rss, tps_item

ENTRIES = 50
MORE = "The notice continues in many more words, as notices do. " * 45
BODY = rss("Stand-in", [tps_item(number) for number in range(ENTRIES)]).replace(
    "</description>", f" {MORE}</description>"
)
_GROWING = re.compile(rb" /grow/(\w+)")
_HEAD = "HTTP/1.1 {status}\r\nContent-Type: application/rss+xml\r\n{rest}\r\n"


def grown(feed: str, newest: int) -> bytes:
    """The feed with an entry more on top, and the oldest gone. All of its entries are its own."""
    _, _, entry = rss("", [tps_item(newest)]).partition("<item>")
    entry = entry.replace("</description>", f" {MORE}</description>").partition("</item>")[0]
    head, first, rest = BODY.partition("<item>")
    whole = f"{head}<item>{entry}</item>{first}{rest.rpartition('<item>')[0]}</channel></rss>"
    return whole.replace("/news/", f"/news/{feed}/").replace("notice number ", f"notice number {feed}-").encode()


async def _serve(newest: Iterator[int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    body = BODY.encode()
    same = _HEAD.format(status="304 Not Modified", rest='ETag: "v1"\r\n').encode()
    first = _HEAD.format(status="200 OK", rest=f'ETag: "v1"\r\nContent-Length: {len(body)}\r\n').encode() + body
    full = _HEAD.format(status="200 OK", rest=f"Content-Length: {len(body)}\r\n").encode() + body
    try:
        while request := await reader.readuntil(b"\r\n\r\n"):
            if growing := _GROWING.search(request):
                new = grown(growing[1].decode(), next(newest))
                writer.write(_HEAD.format(status="200 OK", rest=f"Content-Length: {len(new)}\r\n").encode() + new)
            elif b" /full/" in request:
                writer.write(full)
            else:
                writer.write(same if b'"v1"' in request else first)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _run(port: Connection) -> None:
    server = await asyncio.start_server(partial(_serve, count(ENTRIES)), "127.0.0.1", 0)
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _main(port: Connection) -> None:
    asyncio.run(_run(port))


@contextmanager
def stand_in() -> Iterator[str]:
    """Run the server; give its root address."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_main, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()
