"""A Slack room behind the web server's public route, with a strict Slack that sends it signed requests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from handlers.slack import Slack
from handlers.web import Web
from tests.fakes.clock import FakeClock
from tests.fakes.door import FakeDoor, until
from tests.fakes.slack import BOT_TOKEN, FakeSlack
from tests.fakes.slack.requests import SIGNING_SECRET, Request, Requests


@dataclass
class Scene:
    """A Slack room behind the web server's public route, with Slack in front of it."""

    slack: FakeSlack
    requests: Requests
    clock: FakeClock
    door: FakeDoor
    room: Slack
    web: Web
    listening: asyncio.Task[None]

    def command(self, text: str = "follow tps", *, at: float | None = None) -> Request:
        return self.requests.signed(self.slack.command("C0NEWS", "U0ANA", text), at=at)

    async def status(self, request: Request) -> int:
        return (await self.requests.send(request))[0]


@contextlib.asynccontextmanager
async def running(clock: FakeClock) -> AsyncIterator[Scene]:
    """Set the scene. A second passes after the start, so that what is signed now was signed after it."""
    async with FakeSlack(now=lambda: clock.now().timestamp()) as slack:
        room = Slack(BOT_TOKEN, "", signing_secret=SIGNING_SECRET, clock=clock, api_url=slack.api_url)
        web = Web("127.0.0.1", 0, clock=clock, ready=_ready, public_routes=room.public_routes)
        door = FakeDoor()
        requests = slack.send_to(f"{web.open()}/slack/events")
        tasks = [asyncio.create_task(room.listen(door)), asyncio.create_task(web.listen(door))]
        await until(lambda: room.is_connected)
        clock.advance(timedelta(seconds=1))
        yield Scene(slack, requests, clock, door, room, web, tasks[0])
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await room.close()


async def _ready() -> tuple[str, ...]:
    return ()
