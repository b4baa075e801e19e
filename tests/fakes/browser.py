"""A browser as the web room sees one: it opens pages, sends forms, and keeps tabs that listen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import aiohttp

from handlers.web import Web
from tests.fakes.clock import FakeClock
from tests.fakes.door import FakeDoor


async def all_well() -> tuple[str, ...]:
    return ()


@asynccontextmanager
async def a_web_room(door: FakeDoor, *, port: int = 0, **options: Any) -> AsyncIterator[tuple[Web, Browser]]:
    """Serve the pages on loopback (a free port unless told), with a browser in front of them."""
    room = Web("127.0.0.1", port, **{"clock": FakeClock(), "ready": all_well, **options})
    url = room.open()
    serving = asyncio.create_task(room.listen(door))
    async with aiohttp.ClientSession() as session:
        try:
            yield room, Browser(url, session)
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
            await room.close()


class Tab:
    """An open stream of events: `next` gives (name, data) of each."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def next_line(self) -> str:
        async with asyncio.timeout(10):
            return (await self._response.content.readline()).decode()

    async def next(self) -> tuple[str, str]:
        """Give the next event; ("", "") once the server has ended the stream."""
        found = {"event": "", "data": ""}
        while line := await self.next_line():
            name, _, value = line.rstrip("\n").partition(": ")
            if not line.strip() and found["event"]:
                break
            found[name] = value
        return found["event"], found["data"]

    async def next_item(self) -> dict[str, str]:
        name, data = await self.next()
        assert name == "item", name
        item: dict[str, str] = json.loads(data)
        return item


class Browser:
    """Sends what a browser on the page itself would send."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def get(self, path: str, **headers: str) -> Answered:
        async with self._session.get(f"{self.url}{path}", headers=_named(headers), allow_redirects=False) as response:
            return Answered(response.status, dict(response.headers), await response.text())

    async def post(self, path: str, form: Mapping[str, str] | bytes, **headers: str) -> Answered:
        """Send a form; unless told otherwise, as our own page would."""
        sent = {"Origin": self.url} | _named(headers)
        async with self._session.post(f"{self.url}{path}", data=form, headers=sent, allow_redirects=False) as response:
            return Answered(response.status, dict(response.headers), await response.text())

    async def say(self, line: str) -> Answered:
        """Type a line as the page's script does."""
        return await self.post("/chat", {"line": line}, accept="application/json")

    @asynccontextmanager
    async def tab(self, after: str = "", **headers: str) -> AsyncIterator[Tab]:
        path = f"{self.url}/chat/events"
        async with self._session.get(path, params={"after": after}, headers=_named(headers)) as response:
            assert response.status == 200
            yield Tab(response)


@dataclass(frozen=True)
class Answered:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def page(self) -> Page:
        page = Page()
        page.feed(self.text)
        return page


@dataclass
class Page(HTMLParser):
    """What stands in a page: its elements with their attributes, and its text."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    """Write keyword names as header names: `sec_fetch_site` is `sec-fetch-site`."""
    return {name.replace("_", "-"): value for name, value in headers.items()}
