"""What operators do to sources from a chat, and what everybody sees of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.alarms import Alarm, Severity
from bot.core.intake import Cursor
from bot.core.model import Changes
from tests.builders import a_source
from tests.fakes.asker import Asker, a_desk
from tests.fakes.clock import NOON, FakeClock


async def an_operator(*, known: bool = True, **changes: object) -> Asker:
    desk = a_desk(**changes)
    if known:
        await desk.store.register(desk.sources)
    return Asker(desk, may_change=False, is_operator=True)


async def due(asker: Asker) -> list[str]:
    return [cursor.source_id for cursor in await asker.desk.store.due(asker.desk.clock.now())]


async def test_a_source_is_paused_and_resumed_and_the_list_says_so():
    asker = await an_operator()
    assert "is paused" in await asker.ask("sources pause source-1")
    assert await due(asker) == ["source-2"]
    asker.desk.clock.advance(timedelta(hours=3))  # type: ignore[attr-defined]  # it is a FakeClock
    assert "Newsroom 1 (source-1) · paused by an operator 3 h ago" in await asker.ask("sources")
    assert "Newsroom 1 · paused" in await replace(asker, is_operator=False).ask("sources")
    assert "is read again" in await asker.ask("sources resume SOURCE-1")
    assert await due(asker) == ["source-1", "source-2"]


async def test_saying_it_twice_changes_nothing():
    asker = await an_operator()
    await asker.ask("sources pause source-1")
    reply = await asker.reply("sources pause source-1")
    assert not reply.ok
    await asker.ask("sources resume source-1")
    assert "was not paused" in await asker.ask("sources resume source-1")


async def test_a_poll_comes_within_a_minute_and_no_sooner():
    asker = await an_operator()
    await asker.desk.store.commit((Changes(Cursor("source-1", next_poll_at=NOON + timedelta(hours=6))),))
    assert "within about a minute" in await asker.ask("sources poll source-1")
    clock = asker.desk.clock
    assert isinstance(clock, FakeClock)
    clock.advance(timedelta(seconds=59))
    assert "source-1" not in await due(asker)
    clock.advance(timedelta(seconds=1))
    assert "source-1" in await due(asker)


async def test_a_paused_source_is_not_polled_by_order():
    asker = await an_operator()
    await asker.ask("sources pause source-1")
    reply = await asker.reply("sources poll source-1")
    assert not reply.ok


@pytest.mark.parametrize("line", ["sources pause", "sources pause source-1 now", "sources source-1", "sources throw x"])
async def test_what_cannot_be_read_is_told_how_to_write_it(line):
    asker = await an_operator()
    reply = await asker.reply(line)
    assert not reply.ok
    assert "pause|resume|poll ID" in await asker.ask(line)


async def test_an_unknown_source_is_answered_with_ids_that_exist():
    assert await (await an_operator()).ask("sources pause nowhere") == (
        "There is no source nowhere. Sources have ids such as source-1, source-2; "
        "the web page and `policybell sources list` have all of them."
    )


@pytest.mark.parametrize("what", ["pause", "poll"])
async def test_before_the_first_start_there_is_nothing_to_steer(what):
    asker = await an_operator(known=False)
    assert "Start the bot once" in await asker.ask(f"sources {what} source-1")


@pytest.mark.parametrize("line", ["sources pause source-1", "sources RESUME source-1", "sources poll source-1"])
async def test_whoever_is_no_operator_may_not_however_much_they_may_change(line):
    asker = replace(await an_operator(), is_operator=False, may_change=True)
    answered = await asker.ask(line)
    assert answered == f"Only the operators of this bot may use sources {line.split()[1].lower()}."
    assert await due(asker) == ["source-1", "source-2"]


DISK = Alarm("disk", Severity.URGENT, "The disk is nearly full.", "Make room.", NOON - timedelta(hours=2))
BACKUP = Alarm("backup", Severity.WARNING, "The last good backup is old.", "Make one.")


async def test_alarms_are_shown_to_operators_with_what_to_do():
    asker = await an_operator(alarms=lambda: (DISK, BACKUP))
    assert await asker.ask("alarms") == (
        "Urgent · The disk is nearly full. (for 2 h)\nMake room.\nWarning · The last good backup is old.\nMake one.\n"
    )
    assert "No alarm" in await (await an_operator(sources=(a_source(1),))).ask("alarms")


async def test_the_status_tells_operators_what_stands_and_others_how_much():
    asker = await an_operator(alarms=lambda: (DISK, BACKUP))
    assert "Alarm: The disk is nearly full.\nAlarm: The last good backup is old." in await asker.ask("status")
    seen = await replace(asker, is_operator=False).ask("status")
    assert "2 alarms: the operators of this bot know." in seen
    assert "disk" not in seen


async def test_an_operator_follows_a_source_to_another_site():
    asker = await an_operator()
    reply = await asker.reply("sources move source-1")
    assert not reply.ok
    moved = Cursor("source-1", moved_to="https://new.example.com/feed?key=1", moved_since=NOON, moved_polls=3)
    await asker.desk.store.commit((Changes(moved),))
    answer = await asker.ask("sources move source-1")
    assert "is read at new.example.com from now on" in answer
    assert "key=1" not in answer
    assert (await asker.desk.store.cursors())[0].address == moved.moved_to


async def test_what_is_gone_is_revived_by_resuming_it():
    asker = await an_operator()
    await asker.desk.store.commit((Changes(Cursor("source-1", retired_at=NOON)),))
    assert await due(asker) == ["source-2"]
    assert "is read again" in await asker.ask("sources resume source-1")
    assert await due(asker) == ["source-1", "source-2"]
