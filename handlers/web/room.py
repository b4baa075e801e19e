"""The web chat as a room like any other: alerts go to every open tab, and the store remembers them for the rest."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

import structlog
from aiohttp import web

from bot.core.card import card, late_list
from bot.core.model import Alert, Chat, Delivery
from bot.core.pace import Limit, Pace
from bot.core.speech import Message, Reply
from bot.ports import Clock, Door
from handlers.web import address
from handlers.web.pages import Site, application
from handlers.web.transcript import Item, Transcript
from handlers.web.view import alert_item, notice_item

log = structlog.get_logger()

_STOP_SECONDS = 2.0
_KEEP_ALIVE_SECONDS = 15.0  # proxies and laptops forget connections that are silent for longer


class Web:
    """The pages on loopback. `ready` gives the reasons, in words, why the bot as a whole does not work; none: it does.

    `sample` marks every page as showing the bundled sample. `sample_url` starts that sample beside and gives its
    address; where it is absent, no button offers it. `routes` are served beside the pages and guarded as they are, so
    to this machine alone; `public_routes` are served to whoever asks, under any name: each must prove its caller
    itself. A body of more than 16 KiB is read from `request.clone(client_max_size=…)`.
    """

    name = "web"

    def __init__(
        self,
        host: str,
        port: int,
        *,
        clock: Clock,
        ready: Callable[[], Awaitable[tuple[str, ...]]],
        chat: bool = True,
        sample: bool = False,
        sample_url: Callable[[], Awaitable[str]] | None = None,
        keep_alive: float = _KEEP_ALIVE_SECONDS,
        routes: Sequence[web.RouteDef] = (),
        public_routes: Sequence[web.RouteDef] = (),
    ) -> None:
        self.pace = Pace(Limit(1_000, timedelta(seconds=1)), lambda _: ())  # our own page has no limits to keep
        self._host, self._port = host, port
        self._is_public = bool(public_routes)
        self._clock = clock
        self._bound: socket.socket | None = None
        self._transcript = Transcript()
        self._site_for = partial(
            Site,
            clock=clock,
            transcript=self._transcript,
            show=_show,
            ready=ready,
            keep_alive=keep_alive,
            chat=chat,
            sample=sample,
            sample_url=sample_url,
            routes=tuple(routes),
            public_routes=tuple(public_routes),
        )

    def open(self) -> str:
        """Take the port that was asked for, or the next free one, and return the address to open.

        Raises `ConfigError` where this machine cannot listen there at all.
        """
        return address.url_of(self._host, self._take())

    def render(self, alert: Alert, *, repeat: bool, plain: bool) -> Message:  # noqa: ARG002  our page refuses no markup
        """Lay the alert out as an item of the page. Pure."""
        item = _show(alert, repeat=repeat)
        return Message(alert.story.lead.title, {"id": item.id, "html": item.html}, silent=repeat)

    def render_list(self, late: Sequence[Delivery]) -> Message:
        """Lay late alerts out as one item of the page. Pure."""
        item_id = "-".join(f"l{row.alert.story.number}" for row in (late[0], late[-1]))
        spans = late_list(late)
        html = notice_item(item_id, Reply(spans))
        return Message("".join(span.text for span in spans), {"id": item_id, "html": html})

    async def probe(self) -> None:
        """Our own page is always there."""

    async def send(self, chat: Chat, message: Message) -> str:  # noqa: ARG002  there is one chat here
        """Show the message in every open tab. Who is not looking finds it on the page later, from the store."""
        item = Item(str(message.native["id"]), str(message.native["html"]))
        self._transcript.add(item)
        return item.id

    async def tell(self, chat: Chat, reply: Reply) -> None:  # noqa: ARG002  there is one chat here
        """Show what is said in every open tab, and to who opens the page before the next start."""
        item_id = self._transcript.new_id(self._clock.now())
        self._transcript.add(Item(item_id, notice_item(item_id, reply)))

    async def listen(self, door: Door) -> None:
        """Serve the pages until cancelled."""
        runner = web.AppRunner(application(self._site_for(door=door)), access_log=None, shutdown_timeout=_STOP_SECONDS)
        await runner.setup()
        try:
            await web.SockSite(runner, self._take()).start()
            log.info("web.opened", url=self.open())
            await asyncio.Event().wait()
        finally:
            self._transcript.close()
            await runner.cleanup()
            self._bound = None

    async def close(self) -> None:
        """Free the port where it was taken and never served. Closing twice is safe."""
        if self._bound is not None:
            self._bound.close()
            self._bound = None

    def _take(self) -> socket.socket:
        if self._bound is None:
            self._bound = address.listen(self._host, self._port, only_there=self._is_public)
            if self._port not in {0, self._bound.getsockname()[1]}:
                log.warning("web.port_busy", asked=self._port, url=address.url_of(self._host, self._bound))
        return self._bound


def _show(alert: Alert, *, repeat: bool = False) -> Item:
    item_id = f"a{alert.story.number}"
    return Item(item_id, alert_item(item_id, alert.story.number, card(alert, repeat=repeat)))
