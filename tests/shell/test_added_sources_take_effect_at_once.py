"""Sources that people add are polled, listed and dropped inside a running bot, and follow the settings."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from bot.app.added import regathering
from bot.app.current import Current
from bot.app.reload import Reloader
from bot.core.intake import SourceSpec
from bot.core.model import Chat
from bot.core.speech import Call, Reply
from bot.errors import SourceError
from bot.ports.adding import Offer
from tests.configuring import loaded, write
from tests.fakes.clock import FakeClock
from tests.fakes.house import House, Room

NONE = "[catalogue]\nenabled = []\n"
URL = "https://example.org/feed"
ANA = Chat("telegram", "", "1")


async def discover(_url: str) -> tuple[Offer, ...] | SourceError:
    return (Offer(URL, "", 1),)


class Stage:
    """A bot in a house, whose settings lie in a file."""

    def __init__(self, folder: Path, *, from_chats: bool = True) -> None:
        self.file = write(folder, f"{NONE}from_chats = {str(from_chats).lower()}\n")
        self.house = House(Room(FakeClock()), clock=FakeClock())
        self.current = Current(loaded(folder, self.file.read_text()))
        self.reloader = Reloader(self.house.bot, self.current, self.file, {})
        door = self.house.bot.door
        put_in_place = regathering(lambda: self.house.bot, self.current)
        door.desk = replace(door.desk, discover=discover, regathered=put_in_place, from_chats=from_chats)

    @property
    def ids(self) -> set[str]:
        desk: tuple[SourceSpec, ...] = self.house.bot.door.desk.sources
        assert {source.id for source in desk} == set(self.house.bot.polling.sources)
        return set(self.house.bot.polling.sources)

    async def say(self, line: str) -> Reply:
        verb, *args = line.split()
        return await self.house.bot.door.answer(Call(verb, tuple(args), ANA, may_change=True))


async def test_what_a_chat_adds_is_due_at_once_and_gone_when_it_is_dropped(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert (await stage.say(f"sources add {URL}")).ok
    assert stage.ids == {"own-1"}
    store = stage.house.bot.store
    assert [one.source_id for one in await store.due(stage.house.bot.clock.now())] == ["own-1"]
    assert (await stage.say("sources drop own-1")).ok
    assert stage.ids == set()
    assert await store.cursors() == ()


async def test_a_reload_keeps_what_was_added_and_takes_it_out_when_chats_may_not_any_more(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    await stage.say(f"sources add {URL}")
    assert (await stage.reloader.reload()).ok
    assert stage.ids == {"own-1"}
    stage.file.write_text(NONE)
    assert (await stage.reloader.reload()).ok
    assert stage.ids == set()
    assert not (await stage.say(f"sources add {URL}")).ok


async def test_while_an_address_is_read_nobody_waits_for_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slowly(_url: str) -> tuple[Offer, ...]:
        begun.set()
        await may_end.wait()
        return (Offer(URL, "", 1),)

    stage.house.bot.door.desk = replace(stage.house.bot.door.desk, discover=slowly)
    adding = asyncio.create_task(stage.say(f"sources add {URL}"))
    await begun.wait()
    assert not stage.house.bot.polling.one_at_a_time.locked()
    assert (await stage.say("follow tps")).ok
    may_end.set()
    assert (await adding).ok
    assert stage.ids == {"own-1"}


async def test_forgetting_a_chat_ends_the_polling_of_what_it_added(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    await stage.say(f"sources add {URL}")
    assert (await stage.say("forget yes")).ok
    assert await stage.house.bot.store.due(stage.house.bot.clock.now()) == ()
