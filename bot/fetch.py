"""HTTP GET as a good guest: conditional, bounded, paced, gated, and honest about who asks.

Redirects are followed by hand, so that the gate judges every address, and the body is unpacked by hand, because
aiohttp takes a gzip stream that was cut short for a whole one.

Validators (ETag, Last-Modified) belong to the address that gave them, not to the source: they are sent only to
exactly that address, byte for byte, and never after a temporary redirect. What a temporary redirect leads to may be
a stand-in of the day (a maintenance page, one mirror of many), and "unchanged" would then be said of something
else than what was read last time. A source that always redirects by 302 costs a download each time; the hash of the
body still spares the parsing.
"""

from __future__ import annotations

import asyncio
import errno
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Protocol, cast

import aiohttp
from aiohttp.abc import AbstractResolver
from isal import isal_zlib
from yarl import URL

from bot import __version__
from bot.core.intake import Cursor, FeedResponse, NotModified, SourceSpec
from bot.errors import FetchError
from bot.gate import Gate
from bot.ports import Clock

REDIRECTS_AT_MOST = 5
RETRY_AFTER_AT_MOST = timedelta(hours=24)
ACCEPT = (
    "application/atom+xml, application/rss+xml, application/rdf+xml, application/json;q=0.9, "
    "application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
)

_CHUNK = 65_536
_URLS_REMEMBERED = 4_096
_KEEP_ALIVE = 75.0  # seconds; longer than the usual tick, so that sources of one host share a connection
_PERMANENT = frozenset({301, 308})
_TEMPORARY = frozenset({302, 303, 307})
_BUSY = frozenset({429, 503})
_WINDOW_BITS = {"gzip": 31, "deflate": 15}
_BARE_WINDOW_BITS = -15
_DEFLATE_METHOD = 8  # the low four bits of a zlib header
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_DAMAGED = cast("type[Exception]", isal_zlib.error)  # its stub calls it an instance
_SECONDS = re.compile(r"[+-]?[0-9]{1,12}")

# From the special to the general; the first that fits.
_SENTENCES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((aiohttp.ClientConnectorDNSError,), "the name {host} is not known"),
    ((aiohttp.ClientSSLError, ssl.SSLError), "the certificate of {host} cannot be trusted"),
    ((TimeoutError,), "{host} did not answer in time"),
    ((aiohttp.ClientConnectorError,), "{host} cannot be reached"),
    ((aiohttp.ClientPayloadError,), "the answer was cut short or damaged"),
    ((aiohttp.ServerDisconnectedError, OSError), "{host} closed the connection without an answer"),
    ((Exception,), "{host} answered in a way that cannot be understood"),
)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds of one fetch. `total` is time on the network with all redirects; waiting for one's turn is apart.

    `per_host_delay` lies between the starts of two requests to one host.
    """

    max_bytes: int = 5 * 1024 * 1024
    total: timedelta = timedelta(seconds=20)
    connect: timedelta = timedelta(seconds=5)
    idle: timedelta = timedelta(seconds=10)
    per_host_delay: timedelta = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class _Redirect:
    to: URL
    temporary: bool


class Fetcher:
    """`bot.ports.Fetch` over one shared pool of connections. `contact` is an address where operators are reached."""

    def __init__(
        self, *, contact: str, limits: FetchLimits, clock: Clock, gate: Gate, resolver: AbstractResolver | None = None
    ) -> None:
        self._agent = f"Policybell/{__version__} (+{contact})" if contact else f"Policybell/{__version__}"
        self._limits = limits
        self._clock = clock
        self._gate = gate
        self._resolver = resolver
        self._pacing = _Pacing(limits.per_host_delay, clock)
        # What the gate thinks of a URL as text never changes, and the same few are asked for again and again.
        self._checked = lru_cache(maxsize=_URLS_REMEMBERED)(partial(_checked, gate))
        self._patience = lru_cache(maxsize=1)(self._timeout)
        self._open_session: aiohttp.ClientSession | None = None

    async def __call__(self, source: SourceSpec, url: str, cursor: Cursor) -> FeedResponse | NotModified | FetchError:
        """Get `url` for `source`; see `bot.ports.Fetch`."""
        try:
            return await self._follow(source.id, url, cursor)
        except FetchError as error:
            return error

    async def close(self) -> None:
        """Close all connections. A later call opens new ones."""
        if self._open_session is not None:
            await self._open_session.close()
            self._open_session = None

    async def _follow(self, source_id: str, url: str, cursor: Cursor) -> FeedResponse | NotModified:
        loop = asyncio.get_running_loop()
        target = self._checked(url)
        visited = {target}
        validators_hold = True
        left = self._limits.total.total_seconds()
        while len(visited) <= REDIRECTS_AT_MOST + 1:
            await self._pacing.turn(target.raw_host or "")
            validators = _validators(cursor, target) if validators_hold else {}
            started = loop.time()
            answer = await self._ask(source_id, target, validators, left)
            if not isinstance(answer, _Redirect):
                return answer
            left -= loop.time() - started
            validators_hold = validators_hold and not answer.temporary
            if answer.to in visited:
                raise FetchError("the redirects lead back to where they began")
            target = answer.to
            visited.add(target)
        raise FetchError(f"there are more than {REDIRECTS_AT_MOST} redirects")

    async def _ask(
        self, source_id: str, url: URL, validators: Mapping[str, str], seconds: float
    ) -> FeedResponse | NotModified | _Redirect:
        timeout = self._patience(seconds)
        get = self._session().get(url, headers=validators, timeout=timeout, allow_redirects=False)
        try:
            async with get as response:
                return await self._understand(source_id, url, validators, response)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise FetchError(_sentence(error, url.host or "")) from error

    async def _understand(
        self, source_id: str, url: URL, validators: Mapping[str, str], response: aiohttp.ClientResponse
    ) -> FeedResponse | NotModified | _Redirect:
        status, headers, now = response.status, _plain(response.headers), self._clock.now()
        if status == HTTPStatus.NOT_MODIFIED and validators:
            return NotModified(source_id, str(url), headers, now)
        if status in _PERMANENT | _TEMPORARY:
            return _Redirect(self._next(url, headers.get("location", "")), status in _TEMPORARY)
        if status != HTTPStatus.OK:
            after = retry_after(headers.get("retry-after", ""), now) if status in _BUSY else None
            raise FetchError(f"the server answered {status}", status=status, retry_after=after)
        body = await self._body(response, headers.get("content-encoding", ""))
        return FeedResponse(source_id, str(url), status, headers, body, now)

    async def _body(self, response: aiohttp.ClientResponse, encoding: str) -> bytes:
        """Read and unpack, at most one chunk beyond the limit. One layer of gzip or deflate, or none."""
        pieces: list[bytes] = []
        left = self._limits.max_bytes
        unpacker = _Unpacker(encoding)
        async for chunk in response.content.iter_chunked(_CHUNK):
            pieces.append(unpacker.unpack(chunk, left + 1))
            left -= len(pieces[-1])
            if left < 0:
                raise FetchError(f"the answer is larger than {self._limits.max_bytes:,} bytes", status=200)
        unpacker.finish()
        return b"".join(pieces)

    def _next(self, here: URL, location: str) -> URL:
        """Where a redirect leads, if it may."""
        if not location or _UNSENDABLE.search(location) or "\\" in location:
            raise FetchError("the server redirects without saying where to")
        try:
            there = self._checked(str(here.join(URL(location))))
        except ValueError as error:
            raise FetchError("the server redirects to an address that is not a valid URL") from error
        if here.scheme == "https" and there.scheme == "http":
            raise FetchError("the server redirects from https to http, which is not followed")
        return there

    def _timeout(self, left: float) -> aiohttp.ClientTimeout:
        """How long a request may take, of what is left of the whole. Most requests have all of it."""
        return aiohttp.ClientTimeout(
            total=max(left, 0.001),  # aiohttp takes 0 for "without end"
            sock_connect=self._limits.connect.total_seconds(),
            sock_read=self._limits.idle.total_seconds(),
            ceil_threshold=self._limits.total.total_seconds() + 1,  # and rounds longer ones up to whole seconds
        )

    def _session(self) -> aiohttp.ClientSession:
        if self._open_session is None:
            self._open_session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,  # how many at once is the caller's business
                    keepalive_timeout=_KEEP_ALIVE,
                    resolver=self._resolver,
                    socket_factory=self._gate.socket_factory,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": self._agent, "Accept": ACCEPT, "Accept-Encoding": "gzip, deflate"},
                auto_decompress=False,
                trust_env=False,
            )
        return self._open_session


@dataclass(slots=True)
class _Pacing:
    """At least `delay` between the starts of two requests to one host, in the order in which they came."""

    delay: timedelta
    clock: Clock
    last: dict[str, datetime] = field(default_factory=dict)
    queues: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def turn(self, host: str) -> None:
        if not self.delay:
            return
        async with self.queues.setdefault(host, asyncio.Lock()):
            if host in self.last:
                rest = self.last[host] + self.delay - self.clock.now()
                # A clock that was set back must not make anybody wait longer than the delay.
                await self.clock.sleep(min(rest, self.delay).total_seconds())
            self.last[host] = self.clock.now()


def _checked(gate: Gate, url: str) -> URL:
    if why := gate.check_url(url):
        raise FetchError(why)
    return URL(url).with_fragment(None)


class _Stream(Protocol):
    """What `isal_zlib.decompressobj` returns."""

    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Unpacker:
    """One content encoding, unpacked piece by piece; complains where the end is missing or the checksum is wrong."""

    def __init__(self, encoding: str) -> None:
        self._name = encoding.strip().lower()
        if self._name not in {"", "identity", *_WINDOW_BITS}:
            raise FetchError(f"the answer is packed in a way that we did not ask for: {self._name[:40]!r}", status=200)
        self._stream: _Stream | None = None

    def unpack(self, chunk: bytes, at_most: int) -> bytes:
        """Unpack a piece into at most about `at_most` bytes; what lies beyond is not looked at."""
        if self._name not in _WINDOW_BITS:
            return chunk
        if self._stream is None:
            # "deflate" should have a zlib header, but some servers send it bare.
            bare = self._name == "deflate" and chunk[0] & 0xF != _DEFLATE_METHOD
            self._stream = isal_zlib.decompressobj(_BARE_WINDOW_BITS if bare else _WINDOW_BITS[self._name])
        try:
            plain = self._stream.decompress(chunk, at_most)
        except _DAMAGED as error:
            raise FetchError("the packed answer is damaged", status=200) from error
        if self._stream.unused_data:
            raise FetchError("the packed answer goes on after its end", status=200)
        return plain

    def finish(self) -> None:
        """Complain if the stream has not come to its end."""
        if self._stream is not None and not self._stream.eof:
            raise FetchError("the packed answer was cut short", status=200)


def retry_after(value: str, now: datetime) -> timedelta | None:
    """Read a Retry-After header, seconds or a date, as a time between 0 and 24 hours; None where it is neither."""
    if _SECONDS.fullmatch(value.strip()):
        wish = timedelta(seconds=min(int(value), RETRY_AFTER_AT_MOST.total_seconds()))
    else:
        try:
            date = parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        wish = (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
    return min(max(wish, timedelta(0)), RETRY_AFTER_AT_MOST)


def _validators(cursor: Cursor, url: URL) -> dict[str, str]:
    if cursor.validator_url != str(url):
        return {}
    named = {"If-None-Match": cursor.etag, "If-Modified-Since": cursor.last_modified}
    return {name: value for name, value in named.items() if value and not _UNSENDABLE.search(value)}


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    """Lower-case names. A value that could not be sent back byte for byte (not UTF-8) is left out."""
    return {name.lower(): value for name, value in headers.items() if not _UNSENDABLE.search(value)}


def _sentence(error: Exception, host: str) -> str:
    """Say what went wrong on the network. Never the address: it may carry a key."""
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno == errno.EACCES:
        return f"{host} is not at a public internet address"
    return next(sentence for kinds, sentence in _SENTENCES if isinstance(error, kinds)).format(host=host)
