"""The watch over a whole bot: what it measures, whom it tells, and that it harms nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from bot.app.current import Current, Reloaded
from bot.app.oversight import Oversight, metrics_for, operators
from bot.app.world import real_world
from bot.breakers import Breakers
from bot.clockwork import Clockwork
from bot.core.model import Chat
from bot.core.speech import Call
from bot.errors import StoreError
from bot.gate import Gate
from bot.poll import Polled
from bot.pseudonyms import KEY_NAME
from bot.watching.alarming import QUIET_AT_START
from tests.configuring import loaded
from tests.fakes.browser import a_web_room
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.door import FakeDoor, until
from tests.fakes.house import SOON, Breaking, House, Room

OPS = Chat("fake", "", "9")
BEATS = {**SOON, "alarms": timedelta(milliseconds=10), "ping": timedelta(milliseconds=10)}
HOUR = timedelta(hours=1)


class Watched:
    """A bot with its oversight, told to a chat in its one room."""

    def __init__(self, folder: Path, store: Any = None) -> None:
        self.clock = FakeClock()
        self.room = Room(self.clock)
        self.house = House(self.room, clock=self.clock, store=store)
        self.bot = self.house.bot
        self.bot.clockwork = Clockwork(BEATS)
        settings = loaded(folder)
        self.current = Current(settings.model_copy(update={"ops": settings.ops.model_copy(update={"notify": (OPS,)})}))
        world = replace(real_world(settings, folder), clock=self.clock, gate=Gate(allow_private=True))
        self.world = world
        self.breakers = Breakers()
        self.oversight = Oversight(self.current, world, metrics_for(settings, has_web=True))
        self.oversight.watch(self.bot, self.breakers)
        self.bot.door.desk = replace(self.bot.door.desk, alarms=self.oversight.standing)

    def told(self) -> list[str]:
        return self.room.platform.texts(OPS)

    async def looked(self) -> None:
        """Wait until the watch has seen the present moment."""
        alarms = self.oversight._alarms
        assert alarms is not None
        await until(lambda: alarms._looked_at == self.clock.now())

    @asynccontextmanager
    async def living(self) -> AsyncIterator[asyncio.Task[None]]:
        await self.bot.begin()
        serving = asyncio.create_task(self.bot.serve())
        await until(lambda: self.bot.last_tick is not None)
        self.clock.advance(HOUR)
        await until(lambda: self.bot.last_tick == self.clock.now())
        await self.looked()
        self.clock.advance(QUIET_AT_START)  # it was asleep for an hour, as it must think
        try:
            yield serving
        finally:
            if not serving.done():
                await self.house.stop(serving)


async def test_what_goes_wrong_in_a_living_bot_is_told_and_shown(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    async with watched.living():
        watched.current.last = Reloaded(NOON, ok=False, why="match.x: not a setting.")
        await until(watched.told)
        shown = await watched.bot.door.answer(Call("alarms", (), Chat("web", "", "local"), is_operator=True))
    assert "match.x: not a setting." in watched.told()[0]
    assert "match.x: not a setting." in repr(shown)


async def test_a_list_that_rolled_over_is_told_and_counted(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    (source,) = watched.bot.polling.sources.values()
    async with watched.living():
        watched.oversight.polled([Polled(source.id, new=25, may_have_missed=True)])
        await until(watched.told)
        counted = await watched.oversight._figures()
    assert f"{source.name}: more came between two polls than its list holds" in watched.told()[0]
    assert f'policybell_source_may_have_missed_total{{source="{source.id}"}} 1.0'.encode() in counted


async def test_a_bot_that_ends_by_itself_says_why(tmp_path: Path) -> None:
    store = Breaking("recover", StoreError("The disk is broken."))
    watched = Watched(tmp_path, store)
    async with watched.living() as serving:
        store.breaks = True
        (ended,) = await asyncio.gather(serving, return_exceptions=True)
    assert isinstance(ended, StoreError)
    assert any(text.startswith("Policybell stops · The disk is broken.") for text in watched.told())


async def test_a_bot_that_is_stopped_says_nothing(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    async with watched.living():
        pass
    assert watched.told() == []


async def test_a_bug_in_watching_does_not_end_what_is_watched(tmp_path: Path) -> None:
    store = Breaking("vitals", ZeroDivisionError())
    watched = Watched(tmp_path, store)
    with capture_logs() as logs:
        async with watched.living() as serving:
            store.breaks = True
            await until(lambda: "oversight.broke" in [line["event"] for line in logs])
            assert not serving.done()


async def test_the_switch_is_called_while_polling_ticks_and_not_when_it_stands(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    calls: list[bool] = []
    pinger = watched.oversight._pinger(watched.bot)  # the one that the bot was given
    async with watched.living():
        calls.append(await cast("Any", pinger)._gets_on())
    watched.bot.last_tick = NOON - HOUR
    calls.append(await cast("Any", pinger)._gets_on())
    assert calls == [True, False]


@pytest.mark.parametrize("breaks", [False, True])
async def test_the_switch_is_not_called_where_the_database_takes_no_write(tmp_path: Path, breaks: bool) -> None:
    store = Breaking("touch", StoreError("The disk is full."))
    watched = Watched(tmp_path, store)
    watched.bot.last_tick = watched.clock.now()
    store.breaks = breaks
    assert await cast("Any", watched.oversight._pinger(watched.bot))._gets_on() is not breaks


async def test_machines_are_answered_from_one_look(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    async with watched.living(), a_web_room(FakeDoor(), routes=watched.oversight.routes()) as (_, browser):
        health = json.loads((await browser.get("/healthz")).text)
        figures = await browser.get("/metrics")
    assert health["platforms"]["fake"]["state"] == "on"
    assert figures.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'policybell_platform_connected{platform="fake"} 1.0' in figures.text


async def test_parts_that_report_before_anybody_watches_are_heard(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    unwatched = Oversight(Current(settings), real_world(settings, tmp_path), None)
    unwatched.polled(())
    unwatched.expired(1)
    unwatched.heard("web", "status", "done")
    assert unwatched.standing() == ()
    assert len(unwatched.routes()) == 1  # no figures are kept, so none are served


async def test_operators_come_from_the_settings_in_force(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    listed = operators(watched.current, watched.world)
    call = Call("outbox", (), Chat("telegram", "", "7"), actor="7", in_private=True)
    assert not listed.recognized(call).is_operator
    settings = watched.current.settings
    watched.current.settings = settings.model_copy(
        update={"ops": settings.ops.model_copy(update={"operators": (Chat("telegram", "", "7"),)})}
    )
    assert listed.recognized(call).is_operator
    await listed.audit(watched.house.store, listed.recognized(call), "done", NOON)
    assert (watched.world.data_dir / KEY_NAME).exists()
