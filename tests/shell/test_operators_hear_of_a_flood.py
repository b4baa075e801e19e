"""A flood, from the poll that shows it to the operator's phone, and back by a press of the button."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

from bot.core.alarms import Thresholds
from bot.core.model import Chat
from bot.core.speech import Call
from bot.daemon import FrontDoor
from bot.ports import Platform
from bot.watching.alarming import Alarms
from bot.watching.measuring import Instruments
from bot.watching.operators import Operators
from tests.fakes.asker import a_desk
from tests.fakes.clock import NOON
from tests.fakes.newsroom import NewsRoom, a_newsroom, item
from tests.fakes.platform import FakePlatform

OLGA = Chat("telegram", "", "77")
BEAT = timedelta(seconds=30)
DAY = timedelta(days=1)


class Phone:
    """What an operator is told in a private chat, and the lines behind the buttons that it came with."""

    def __init__(self, room: NewsRoom, directory: Path) -> None:
        self.platform = FakePlatform(room.clock, "telegram")
        instruments = Instruments(room.store, room.clock, directory, sources=lambda: room.desk.sources)
        self.alarms = Alarms(
            measure=instruments.measure,
            limits=lambda: Thresholds(disk_least=0),
            chats=lambda: [OLGA],
            rooms={"telegram": cast("Platform", self.platform)},
            stop_room=lambda *_: None,
            clock=room.clock,
        )
        desk = replace(a_desk(store=room.store, clock=room.clock), sources=(room.source,))
        self.door = FrontDoor(desk, room.desk.one_at_a_time, lambda: None, Operators(lambda: [OLGA]))

    async def press(self, label: str) -> str:
        choice = next(one for alarm in self.alarms.standing for one in alarm.choices if one.label == label)
        verb, *args = choice.line.split()
        call = Call(verb, tuple(args), OLGA, actor=OLGA.id, in_private=True)
        return "".join(span.text for span in (await self.door.answer(call)).spans)


async def flooded(room: NewsRoom) -> None:
    before = [item(number, NOON - number * DAY) for number in range(1, 21)]
    await room.shows(before)
    await room.shows([*(item(number, NOON - 12 * DAY) for number in range(1_000, 1_300)), *before])


async def test_an_operator_hears_of_it_once_within_a_minute_and_releases_it_by_a_press(tmp_path: Path) -> None:
    async with a_newsroom() as room:
        phone = Phone(room, tmp_path)
        await phone.alarms.look()
        await flooded(room)
        for _ in range(2):
            room.clock.advance(BEAT)
            await phone.alarms.look()
        (text,) = phone.platform.texts(OLGA)
        assert "Agency listed 300 items at once" in text
        assert "Policy measure number 1000 of the agency" in text
        assert "300 items go out within a minute" in await phone.press("Release")
        await room.passes(timedelta(seconds=15))
        assert len(await room.told()) == 1
        (done,) = await room.store.audit(9)
        assert (done.verb, done.args, done.outcome) == ("sources", "release source-1", "done")


async def test_a_discard_by_a_press_is_remembered_with_who_did_it(tmp_path: Path) -> None:
    async with a_newsroom() as room:
        phone = Phone(room, tmp_path)
        await flooded(room)
        await phone.alarms.look()
        assert "300 items are discarded" in await phone.press("Discard")
        await room.passes(timedelta(hours=2))
        assert await room.told() == []
        (done,) = await room.store.audit(9)
        assert (done.args, bool(done.actor)) == ("discard source-1", True)
        assert "discarded by an operator" in await room.because("Policy measure number 1000 of the agency")
