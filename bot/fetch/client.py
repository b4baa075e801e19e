"""The fetcher itself.

Redirects are followed by hand, so that the gate judges every address, and the body is unpacked by hand, because
aiohttp takes a gzip stream that was cut short for a whole one.

Validators (ETag, Last-Modified) belong to the address that gave them, not to the source: they are sent only to
exactly that address, byte for byte, and never after a temporary redirect. What a temporary redirect leads to may be
a stand-in of the day (a maintenance page, one mirror of many), and "unchanged" would then be said of something
else than what was read last time. A source that always redirects by 302 costs a download each time; the hash of the
body still spares the parsing.

What a host wishes is one rule: `Retry-After` and `Crawl-delay` hold for all its sources. Whoever would have to wait
for long is not kept waiting but told when to come back (`Postponed`), so that patience takes no place from others.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache, partial
from http import HTTPStatus

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from bot import __version__
from bot.core.intake import Cursor, FeedResponse, NotModified, SourceSpec
from bot.core.robots import SIZE_AT_MOST as ROBOTS_SIZE
from bot.core.words import span_of_time
from bot.errors import FetchError, Postponed
from bot.fetch.answers import UNSENDABLE, Unpacker, plain, retry_after, validators
from bot.fetch.keys import Keys
from bot.fetch.pacing import Pauses, Turns
from bot.fetch.robots import Permissions
from bot.gate import Gate
from bot.ports import Clock

REDIRECTS_AT_MOST = 5
ACCEPT = (
    "application/atom+xml, application/rss+xml, application/rdf+xml, application/json;q=0.9, "
    "application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
)
# robots.txt speaks to those who crawl. These are interfaces that their agencies publish for programs, with terms of
# their own.
INTERFACES = frozenset({"federal_register", "public_inspection", "courtlistener", "regulations", "congress"})

_URLS_REMEMBERED = 4_096
_KEEP_ALIVE = 75.0  # seconds; longer than the usual tick, so that sources of one host share a connection
_PERMANENT = frozenset({301, 308})
_TEMPORARY = frozenset({302, 303, 307})
_BUSY = frozenset({429, 503})
_TOO_MANY_SECONDS = 60.0  # a host that says "too many" and not for how long

# From the special to the general; the first that fits.
_SENTENCES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((aiohttp.ClientConnectorDNSError,), "the name {host} is not known"),
    ((aiohttp.ClientConnectorCertificateError,), "the certificate of {host} cannot be trusted"),
    ((aiohttp.ClientSSLError, ssl.SSLError), "{host} offers no connection that is safe enough (TLS 1.2 or later)"),
    ((TimeoutError,), "{host} did not answer in time"),
    ((aiohttp.ClientConnectorError,), "{host} cannot be reached"),
    ((aiohttp.ClientPayloadError,), "the answer was cut short or damaged"),
    ((aiohttp.ServerDisconnectedError, OSError), "{host} closed the connection without an answer"),
    ((Exception,), "{host} answered in a way that cannot be understood"),
)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds of one fetch. `total` is time on the network with all redirects; waiting for one's turn is apart.

    `per_host_delay` lies between the starts of two requests to one host, `per_source_delay` between two for one
    source's own address, whoever wants them. Nobody waits for longer than `patience` in all.
    """

    max_bytes: int = 5 * 1024 * 1024
    total: timedelta = timedelta(seconds=20)
    connect: timedelta = timedelta(seconds=5)
    idle: timedelta = timedelta(seconds=10)
    per_host_delay: timedelta = timedelta(seconds=2)
    per_source_delay: timedelta = timedelta(0)
    patience: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class _Target:
    """An address that the gate lets us ask for, with what is looked up of it at each request."""

    url: URL
    host: str
    origin: str
    path: str


@dataclass(frozen=True, slots=True)
class _Redirect:
    to: _Target
    temporary: bool


@dataclass(slots=True)
class _Visit:
    """What one fetch has left: seconds on the network, and seconds for waiting."""

    source: SourceSpec
    network: float
    waiting: float


class Fetcher:
    """`bot.ports.Fetch` over one shared pool of connections. `contact` is an address where operators are reached.

    Without `respect_robots` nobody is asked for a robots.txt. `keys` are those of interfaces, by kind of source.
    """

    def __init__(
        self,
        *,
        contact: str,
        limits: FetchLimits,
        clock: Clock,
        gate: Gate,
        resolver: AbstractResolver | None = None,
        respect_robots: bool = True,
        keys: Mapping[str, str] | None = None,
    ) -> None:
        self._agent = f"Policybell/{__version__} (+{contact})" if contact else f"Policybell/{__version__}"
        self._limits = limits
        self._clock = clock
        self._gate = gate
        self._keys = Keys(keys or {}, on_loopback=gate.allow_private)
        self._resolver = resolver
        self._hosts, self._crawls, self._pauses = Turns(clock), Turns(clock), Pauses(clock)
        self._respect_robots, self._permissions = respect_robots, Permissions(clock)
        self._between, self._least = limits.per_host_delay.total_seconds(), limits.per_source_delay.total_seconds()
        self._network, self._waiting = limits.total.total_seconds(), limits.patience.total_seconds()
        self._asked: dict[str, float] = {}
        # What the gate thinks of a URL as text never changes, and the same few are asked for again and again.
        self._checked = lru_cache(maxsize=_URLS_REMEMBERED)(partial(_checked, gate))
        self._patience = lru_cache(maxsize=1)(self._timeout)
        self._open_session: aiohttp.ClientSession | None = None

    async def __call__(self, source: SourceSpec, url: str, cursor: Cursor) -> FeedResponse | NotModified | FetchError:
        """Get `url` for `source`; see `bot.ports.Fetch`."""
        visit = _Visit(source, self._network, self._waiting)
        try:
            return await self._follow(visit, self._checked(url), cursor, own=url == source.url)
        except FetchError as error:
            return error

    async def close(self) -> None:
        """Close all connections. A later call opens new ones."""
        if self._open_session is not None:
            await self._open_session.close()
            self._open_session = None

    async def _follow(self, visit: _Visit, target: _Target, cursor: Cursor, *, own: bool) -> FeedResponse | NotModified:
        own = own and self._least > 0
        if own:
            self._not_too_soon(visit.source.id)
        visited = {target.url}
        before, temporary = "", False
        while len(visited) <= REDIRECTS_AT_MOST + 1:
            crawl = 0.0
            if self._respect_robots and visit.source.kind not in INTERFACES:
                if not self._permissions.knows(target.origin):
                    await self._permissions.learn(target.origin, partial(self._robots, visit, target.origin))
                crawl = self._permissions.crawl_delay(target.origin, target.host, target.path)
            # Hops within one host are one request to whoever asks for a long time between two.
            if crawl or self._between or self._pauses.until:
                await self._turn(visit, target.host, 0.0 if target.host == before else crawl)
            if own and not before:
                self._asked[visit.source.id] = self._clock.monotonic()
            answer = await self._ask(visit, target, {} if temporary else validators(cursor, target.url))
            if not isinstance(answer, _Redirect):
                return replace(answer, moved_to=answer.url) if before and not temporary else answer
            temporary = temporary or answer.temporary
            if answer.to.url in visited:
                raise FetchError("the redirects lead back to where they began")
            before, target = target.host, answer.to
            visited.add(target.url)
        raise FetchError(f"there are more than {REDIRECTS_AT_MOST} redirects")

    # --- manners --------------------------------------------------------------------------------------------------

    def _not_too_soon(self, source_id: str) -> None:
        last = self._asked.get(source_id)
        if last is not None and (rest := last + self._least - self._clock.monotonic()) > 0:
            raise _postponed("it was asked a moment ago", rest)

    async def _robots(self, visit: _Visit, origin: str) -> bytes:
        """Get a robots.txt, as politely as anything else, or as much of it as is ever looked at."""
        target = self._checked(f"{origin}/robots.txt")
        for _ in range(REDIRECTS_AT_MOST + 1):
            await self._turn(visit, target.host, 0.0)
            answer = await self._ask(visit, target, {}, at_most=ROBOTS_SIZE)
            if isinstance(answer, FeedResponse):
                return answer.body
            assert isinstance(answer, _Redirect)  # nobody asked for changes only
            target = answer.to
        # As if it were not there: RFC 9309 section 2.3.1.2.
        raise FetchError("its redirects have no end", status=HTTPStatus.NOT_FOUND)

    async def _turn(self, visit: _Visit, host: str, crawl: float) -> None:
        """Wait until the host may be asked; raise `Postponed` where that takes too long."""
        pause = self._pauses.rest(host)
        rest = max(pause, self._hosts.rest(host, self._between), self._crawls.rest(host, crawl))
        if rest > visit.waiting:
            raise _postponed(f"{host} is not to be asked yet", rest)
        visit.waiting -= rest
        if pause:
            await self._clock.sleep(pause)
        await self._crawls.take(host, crawl)
        await self._hosts.take(host, self._between)
        self._crawls.begin(host, crawl)  # counted from the request itself, and not from when it could have been made
        if rest and (pause := self._pauses.rest(host)):  # somebody before us was sent away meanwhile
            raise _postponed(f"{host} is not to be asked yet", pause)

    # --- the network ----------------------------------------------------------------------------------------------

    async def _ask(
        self, visit: _Visit, target: _Target, validators: Mapping[str, str], at_most: int = 0
    ) -> FeedResponse | NotModified | _Redirect:
        """Ask once. With `at_most`, what is longer is cut there instead of refused."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        timeout = self._patience(visit.network)
        headers = {**validators, **self._keys.headers(visit.source, target.url)} if self._keys.by_kind else validators
        get = self._session().get(target.url, headers=headers, timeout=timeout, allow_redirects=False)
        try:
            async with get as response:
                return await self._understand(visit.source.id, target, validators, response, at_most)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise FetchError(_sentence(error, target.url.host or "")) from error
        finally:
            visit.network -= loop.time() - began

    async def _understand(
        self,
        source_id: str,
        target: _Target,
        validators: Mapping[str, str],
        response: aiohttp.ClientResponse,
        at_most: int,
    ) -> FeedResponse | NotModified | _Redirect:
        status, headers, now = response.status, plain(response.headers), self._clock.now()
        if status == HTTPStatus.NOT_MODIFIED and validators:
            return NotModified(source_id, str(target.url), headers, now)
        if status in _PERMANENT | _TEMPORARY:
            return _Redirect(self._next(target.url, headers.get("location", "")), status in _TEMPORARY)
        if status in _BUSY:
            raise self._sent_away(target.host, status, retry_after(headers.get("retry-after", ""), now))
        if status != HTTPStatus.OK:
            raise FetchError(f"the server answered {status}", status=status)
        body = await self._body(response, headers.get("content-encoding", ""), at_most)
        return FeedResponse(source_id, str(target.url), status, headers, body, now)

    def _sent_away(self, host: str, status: int, after: timedelta | None) -> FetchError:
        """Leave a host alone that is busy, for all its sources."""
        too_many = _TOO_MANY_SECONDS if status == HTTPStatus.TOO_MANY_REQUESTS else 0.0
        if seconds := too_many if after is None else after.total_seconds():
            self._pauses.begin(host, seconds)
        return FetchError(f"the server answered {status}", status=status, retry_after=after)

    async def _body(self, response: aiohttp.ClientResponse, encoding: str, at_most: int) -> bytes:
        """Read and unpack, at most one chunk beyond the limit. One layer of gzip or deflate, or none."""
        pieces: list[bytes] = []
        left = at_most or self._limits.max_bytes
        unpacker = Unpacker(encoding)
        async for chunk in response.content.iter_any():  # as it came in, without cutting it into equal pieces
            pieces.append(unpacker.unpack(chunk, left + 1))
            left -= len(pieces[-1])
            if left < 0 and at_most:
                return b"".join(pieces)
            if left < 0:
                raise FetchError(f"the answer is larger than {self._limits.max_bytes:,} bytes", status=200)
        unpacker.finish()
        return b"".join(pieces)

    def _next(self, here: URL, location: str) -> _Target:
        """Where a redirect leads, if it may."""
        if not location or UNSENDABLE.search(location) or "\\" in location:
            raise FetchError("the server redirects without saying where to")
        try:
            there = self._checked(str(here.join(URL(location))))
        except ValueError as error:
            raise FetchError("the server redirects to an address that is not a valid URL") from error
        if here.scheme == "https" and there.url.scheme == "http":
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


def _postponed(why: str, seconds: float) -> Postponed:
    after = timedelta(seconds=seconds)
    return Postponed(f"{why}, it comes to its turn in {span_of_time(after)}", after)


def _checked(gate: Gate, url: str) -> _Target:
    if why := gate.check_url(url):
        raise FetchError(why)
    read = URL(url).with_fragment(None)
    return _Target(read, read.raw_host or "", str(read.origin()), read.raw_path_qs)


def _sentence(error: Exception, host: str) -> str:
    """Say what went wrong on the network. Never the address: it may carry a key."""
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno == errno.EACCES:
        return f"{host} is not at a public internet address"
    return next(sentence for kinds, sentence in _SENTENCES if isinstance(error, kinds)).format(host=host)
