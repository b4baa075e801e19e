"""A Slack room for several workspaces, with a browser to install the app and a strict Slack behind it all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import aiohttp

from bot.core.model import Chat
from bot.core.speech import Message
from handlers.slack import OAuthApp, Slack, TokensKept
from handlers.slack.sockets import Rhythm
from handlers.web import Web
from tests.builders import a_document, a_story, an_alert
from tests.fakes.clock import FakeClock
from tests.fakes.door import FakeDoor, until
from tests.fakes.slack import APP_TOKEN, FakeSlack
from tests.fakes.slack.oauth import CLIENT_ID, CLIENT_SECRET
from tests.fakes.slack.requests import SIGNING_SECRET

QUICK = Rhythm(ping=0.05, opening=2.0, absence=0.15)
HOST = "bell.example.org"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser was answered. `cookie` is what it was told to keep, by attribute."""

    status: int
    text: str
    location: str
    cookie: dict[str, str]


async def browse(base: str, path: str, *, cookie: str = "", **query: str) -> Answer:
    """Ask as a browser behind the proxy does; the cookie is Secure, so a jar would keep it back here."""
    headers = {"Host": HOST} | ({"Cookie": f"policybell_install={cookie}"} if cookie else {})
    url = f"{base}{path}" + (f"?{urlencode(query)}" if query else "")
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.get(url, headers=headers, allow_redirects=False) as answer,
    ):
        kept: dict[str, str] = {}
        for line in answer.headers.getall("Set-Cookie", []):
            for morsel in SimpleCookie(line).values():
                kept = {"value": morsel.value} | {key: str(what) for key, what in morsel.items() if what}
        return Answer(answer.status, await answer.text(), answer.headers.get("Location", ""), kept)


async def install_app(slack: FakeSlack, base: str, team: str) -> Answer:
    """Install the app in a workspace as its administrator does."""
    sent = await browse(base, "/slack/install")
    back = slack.oauth.allow(sent.location, team)
    return await browse(base, "/slack/oauth", cookie=sent.cookie["value"], **back)


@dataclass
class Tenants:
    """Workspaces T1 and T2, each with a channel C1 or C2 and a member U1 or U2, before one room."""

    slack: FakeSlack
    room: Slack
    door: FakeDoor
    clock: FakeClock
    folder: Path
    base: str
    hidden: list[str] = field(default_factory=list)
    said: int = 0

    async def get(self, path: str, *, cookie: str = "", **query: str) -> Answer:
        return await browse(self.base, path, cookie=cookie, **query)

    async def install(self, team: str) -> Answer:
        return await install_app(self.slack, self.base, team)

    def alert(self, number: int = 0) -> Message:
        self.said += 1
        story = a_story(lead=a_document(number or self.said))
        return self.room.render(an_alert(story), repeat=False, plain=False)

    async def send(self, team: str) -> str:
        return await self.room.send(chat_of(team), self.alert())


def chat_of(team: str) -> Chat:
    return Chat("slack", team, f"C{team[1:]}")


@contextlib.asynccontextmanager
async def tenants(
    folder: Path,
    *,
    slack: FakeSlack | None = None,
    clock: FakeClock | None = None,
    http: bool = False,
    who: str | tuple[str, ...] = "members",
    door: FakeDoor | None = None,
) -> AsyncIterator[Tenants]:
    """Set the stage; with a Slack of an earlier stage it is a restart."""
    clock = clock or FakeClock()
    async with contextlib.AsyncExitStack() as closing:
        if slack is None:
            slack = await closing.enter_async_context(FakeSlack(now=lambda: clock.now().timestamp()))
            for team in ("T1", "T2"):
                slack.add_channel(f"C{team[1:]}", team=team)
                slack.add_user(f"U{team[1:]}", team=team)
        hidden: list[str] = []
        app = OAuthApp(CLIENT_ID, CLIENT_SECRET, TokensKept(folder), hidden.append)
        room = Slack(
            "", "" if http else APP_TOKEN, signing_secret=SIGNING_SECRET if http else "", oauth=app,
            clock=clock, api_url=slack.api_url, who=who, timeout=2.0, rhythm=QUICK,
        )  # fmt: skip
        web = Web("127.0.0.1", 0, clock=clock, ready=_ready, public_routes=room.public_routes)
        door = door or FakeDoor()
        if http:
            slack.send_to(f"{web.open()}/slack/events")
        tasks = [asyncio.create_task(room.listen(door)), asyncio.create_task(web.listen(door))]
        await until(lambda: room.is_connected)
        stage = Tenants(slack, room, door, clock, folder, web.open(), hidden)
        try:
            yield stage
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await room.close()


async def _ready() -> tuple[str, ...]:
    return ()
