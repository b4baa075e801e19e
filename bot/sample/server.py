"""A little web server for the sample, on loopback: lists as they stood *before* something happened, and *after*."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from types import TracebackType
from typing import Self

from aiohttp import web

from bot.core.intake import SourceSpec
from bot.sample.feeds import write_feed, write_page
from bot.sample.items import the_sample

_HOST = "127.0.0.1"
_REGISTER = "/api/v1/documents.json"
_AT_EVERY_TICK = timedelta(0)
_LONG_NUMBER = 4  # digits


class SampleServer:
    """Serves the sample while it is entered, on a free port. It begins with *before*."""

    def __init__(self) -> None:
        self._feeds, self._register = the_sample()
        self._after = False
        pages = web.Application()
        pages.router.add_get("/feeds/{id}", self._send_feed)
        pages.router.add_get(_REGISTER, self._send_page)
        self._runner = web.AppRunner(pages, access_log=None, shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, _HOST, 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def address(self) -> tuple[str, int]:
        """The host and port, for the gate to admit."""
        host, port = self._runner.addresses[0][:2]
        return str(host), int(port)

    def url(self) -> str:
        """Return the root of all its addresses."""
        host, port = self.address
        return f"http://{host}:{port}"

    def serve_before(self) -> None:
        self._after = False

    def serve_after(self) -> None:
        self._after = True

    async def close(self) -> None:
        """Stop serving. Closing twice is safe."""
        await self._runner.cleanup()

    def sources(self) -> tuple[SourceSpec, ...]:
        """Return the sample's lists as sources, the officials first."""
        feeds = [
            SourceSpec(
                id=feed.id,
                kind="feed",
                name=feed.name,
                url=f"{self.url()}/feeds/{feed.id}",
                every=_AT_EVERY_TICK,
                standing=feed.standing,
                agency=feed.agency,
                language=feed.language,
            )
            for feed in self._feeds
        ]
        register = SourceSpec(
            id=self._register.id,
            kind="federal_register",
            name=self._register.name,
            url=f"{self.url()}{_REGISTER}",
            every=_AT_EVERY_TICK,
            standing=self._register.standing,
        )
        return (*feeds, register)

    async def _send_feed(self, request: web.Request) -> web.Response:
        feed = next((feed for feed in self._feeds if feed.id == request.match_info["id"]), None)
        if feed is None:
            raise web.HTTPNotFound
        body = write_feed(feed, (item for item in feed.items if item.first or self._after))
        return _answer(request, body, "application/xml")

    async def _send_page(self, request: web.Request) -> web.Response:
        page = request.query.get("page", "1")
        documents = (document for document in self._register.documents if document.first or self._after)
        body = write_page(
            self._register,
            documents,
            int(page) if page.isdecimal() and len(page) < _LONG_NUMBER else 1,
            f"{self.url()}{_REGISTER}",
        )
        return _answer(request, body, "application/json")


def _answer(request: web.Request, body: bytes, content_type: str) -> web.Response:
    """Answer as a good server does: 304 where nothing has changed."""
    etag = f'"{sha256(body).hexdigest()[:16]}"'
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers={"ETag": etag})
    return web.Response(body=body, content_type=content_type, charset="utf-8", headers={"ETag": etag})
