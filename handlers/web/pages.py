"""The pages and what they answer. A line typed here is a line typed anywhere: the door answers it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aiohttp import ClientConnectionResetError, web

from bot.commands import read_line
from bot.core.model import Alert, Chat
from bot.core.speech import Call, Reply, Span
from bot.ports import Clock, Door
from handlers.web.guard import add_headers, refuse_strangers
from handlers.web.transcript import Item, Signal, Stream, Transcript
from handlers.web.trouble import explain_trouble
from handlers.web.view import STATIC, exchange_item, page

log = structlog.get_logger()

CHAT = Chat("web", "", "local")

_BODY_BYTES = 16 * 1024
_LINE_CHARS = 1_000
_HISTORY = 50


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages are made of."""

    door: Door
    clock: Clock
    transcript: Transcript
    show: Callable[[Alert], Item]
    ready: Callable[[], Awaitable[tuple[str, ...]]]
    keep_alive: float
    chat: bool
    sample: bool
    sample_url: Callable[[], Awaitable[str]] | None
    routes: tuple[web.RouteDef, ...] = ()
    public_routes: tuple[web.RouteDef, ...] = ()


def application(site: Site) -> web.Application:
    """Put the pages together."""
    pages = _Pages(site)
    guard = refuse_strangers(public={route.path for route in site.public_routes})
    app = web.Application(middlewares=[guard, explain_trouble], client_max_size=_BODY_BYTES)
    app.on_response_prepare.append(add_headers)
    app.add_routes([
        web.get("/", pages.status),
        web.get("/livez", pages.livez),
        web.get("/readyz", pages.readyz),
        web.static("/static", STATIC),
        *site.routes,
        *site.public_routes,
    ])  # fmt: skip
    if site.chat:
        app.add_routes([
            web.get("/chat", pages.chat),
            web.post("/chat", pages.say),
            web.get("/chat/events", pages.events),
            web.post("/sample", pages.sample),
        ])  # fmt: skip
    return app


class _Pages:
    """One method for one route."""

    def __init__(self, site: Site) -> None:
        self._site = site

    # machines

    async def livez(self, _request: web.Request) -> web.Response:
        """Say that the loop turns."""
        return web.Response(text="ok\n")

    async def readyz(self, _request: web.Request) -> web.Response:
        """Say whether the whole bot works, and if not, what is wrong."""
        problems = await self._site.ready()
        return web.Response(
            status=503 if problems else 200, text="".join(f"{line}\n" for line in problems or ("ready",))
        )

    # people

    async def status(self, _request: web.Request) -> web.Response:
        status, sources = [await self._ask(line) for line in ("status", "sources")]
        return self._page("status.html", status=status, sources=sources)

    async def chat(self, _request: web.Request) -> web.Response:
        items = await self._after("")
        greeting = None if items else await self._ask("start")
        return self._page(
            "chat.html", items=items, greeting=greeting, can_show_sample=self._site.sample_url is not None
        )

    async def say(self, request: web.Request) -> web.Response:
        """Answer a typed line or a pressed button: a page for people, an item for the page's script."""
        line = await _typed_line(request)
        if not line:
            raise web.HTTPSeeOther("/chat")
        reply = await self._ask(line) if len(line) <= _LINE_CHARS else _TOO_LONG
        item = self._exchange(line, reply)
        if (read_line(line), reply.ok) == (("forget", ("yes",)), True):
            self._site.transcript.clear()
        self._site.transcript.add(item)
        if request.headers.get("Accept") == "application/json":
            return web.json_response({"id": item.id, "html": item.html})
        raise web.HTTPSeeOther(f"/chat#{item.id}")

    async def sample(self, _request: web.Request) -> web.Response:
        """Start the bundled sample beside, and say where it is. A redirect elsewhere would break our own policy."""
        if self._site.sample_url is None:
            raise web.HTTPNotFound
        return self._page("sample.html", url=await self._site.sample_url())

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream what is new since the tab's last item, then what comes, until the tab is closed."""
        last_id = request.headers.get("Last-Event-ID") or request.query.get("after", "")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        with self._site.transcript.follow() as stream:  # first, so that nothing falls between
            missed = await self._after(last_id)
            await response.prepare(request)
            try:
                await _pour(response, missed, stream, self._site.keep_alive)
            except ClientConnectionResetError:
                log.debug("web.tab_closed")
        return response

    # what they share

    async def _ask(self, line: str) -> Reply:
        verb, args = read_line(line)
        return await self._site.door.answer(Call(verb, args, CHAT, may_change=True, is_operator=True))

    async def _after(self, last_id: str) -> tuple[Item, ...]:
        alerts = await self._site.door.history(CHAT, _HISTORY)
        return self._site.transcript.after(map(self._site.show, alerts), last_id)

    def _exchange(self, line: str, reply: Reply) -> Item:
        item_id = self._site.transcript.new_id(self._site.clock.now())
        return Item(item_id, exchange_item(item_id, line, reply))

    def _page(self, template: str, **values: object) -> web.Response:
        html = page(template, sample=self._site.sample, has_chat=self._site.chat, **values)
        return web.Response(text=html, content_type="text/html")


_TOO_LONG = Reply((Span(f"That line is too long: {_LINE_CHARS:,} characters are the limit."),), ok=False)


async def _typed_line(request: web.Request) -> str:
    if request.content_type != "application/x-www-form-urlencoded":
        raise web.HTTPUnsupportedMediaType
    return str((await request.post()).get("line", "")).strip()


async def _pour(response: web.StreamResponse, missed: tuple[Item, ...], stream: Stream, keep_alive: float) -> None:
    """Write events as they come, and a comment when none came for a while: it shows whether the tab is still there."""
    for item in missed:
        await response.write(_event(item))
    while True:
        try:
            async with asyncio.timeout(keep_alive):
                told = await stream.get()
        except TimeoutError:
            await response.write(b": still here\n\n")
            continue
        await response.write(_event(told))
        if told in {Signal.REST, Signal.END}:
            return


def _event(told: Item | Signal) -> bytes:
    if isinstance(told, Item):
        return f"id: {told.id}\nevent: item\ndata: {json.dumps({'id': told.id, 'html': told.html})}\n\n".encode()
    return f"event: {told}\ndata: {told}\n\n".encode()  # an event without data is not dispatched
