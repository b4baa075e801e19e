"""What the press shows first, and nobody is told, is told when an official source has it; not on a first poll."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.floods import HELD_FOR
from bot.core.intake import Entry, SourceSpec, Standing
from bot.core.model import State
from bot.poll import Polled, poll_one
from tests.builders import a_source
from tests.fakes.clock import NOON
from tests.fakes.newsroom import FEW_MINUTES, NewsRoom, a_newsroom, item, listing

DAY = timedelta(days=1)
OFTEN = [item(number, NOON - number * DAY) for number in range(101, 121)]  # of the press
USUAL = [item(number, NOON - number * DAY) for number in range(201, 221)]  # of the agency
MEMO = item(7, NOON - 12 * DAY, title="A memo on policy", url="https://agency.example/memo.pdf")
FRESH = replace(MEMO, published=f"{NOON:%Y-%m-%d}")
FLOOD = [item(number, NOON - 12 * DAY) for number in range(1000, 1100)]


async def shows(room: NewsRoom, source: SourceSpec, entries: Sequence[Entry]) -> Polled:
    """Poll one of two sources, each of which calls its items by ids of its own."""
    room.clock.advance(FEW_MINUTES)
    own = [replace(one, guid=f"{source.id}:{one.guid}") for one in entries]
    room.server.publish("/list" if source is room.source else "/agency", listing(own))
    [cursor] = [cursor for cursor in await room.store.cursors() if cursor.source_id == source.id]
    polled = await poll_one(room.desk, source, cursor)
    assert not polled.error
    return polled


async def an_agency(room: NewsRoom) -> SourceSpec:
    agency = a_source(2, url=room.server.url("/agency"), name="The agency")
    room.desk.sources[agency.id] = agency
    await room.store.register([room.source, agency])
    return agency


async def shown_first_by_the_press(room: NewsRoom, how: str) -> None:
    if how == "on its first poll":
        await shows(room, room.source, [FRESH, *OFTEN])
        return
    await shows(room, room.source, OFTEN)
    await shows(room, room.source, [MEMO, *OFTEN] if how == "as too old" else [MEMO, *FLOOD, *OFTEN])
    if how == "and discarded":
        assert await room.store.discard_flood(room.source.id) == 101


@pytest.mark.parametrize("how", ["on its first poll", "as too old", "and discarded", "and held"])
async def test_an_official_item_is_told_once_however_the_press_had_shown_it(how: str) -> None:
    async with a_newsroom(standing=Standing.NEWS) as room:
        agency = await an_agency(room)
        await shows(room, agency, USUAL)
        await shown_first_by_the_press(room, how)
        assert await room.told() == []
        polled = await shows(room, agency, [FRESH, *USUAL])
        assert (polled.items[State.ADDITION], polled.alerts) == (1, 1)
        (alert,) = await room.told()
        assert "A memo on policy" in alert
        assert "The agency" in alert
        await shows(room, agency, [replace(FRESH, summary="More is said of policy."), *USUAL])
        await room.passes(2 * HELD_FOR)
        assert not any("A memo on policy" in text for text in await room.told())


async def test_an_official_item_that_the_press_told_already_is_told_no_more() -> None:
    async with a_newsroom(standing=Standing.NEWS) as room:
        agency = await an_agency(room)
        await shows(room, agency, USUAL)
        await shows(room, room.source, OFTEN)
        await shows(room, room.source, [FRESH, *OFTEN])
        assert len(await room.told()) == 1
        await shows(room, agency, [FRESH, *USUAL])
        assert await room.told() == []


async def test_a_first_poll_of_an_official_source_is_silent_of_what_the_press_had_recorded() -> None:
    async with a_newsroom(standing=Standing.NEWS) as room:
        agency = await an_agency(room)
        await shows(room, room.source, [FRESH, *OFTEN])
        await shows(room, agency, [FRESH, *USUAL])
        await shows(room, agency, [replace(FRESH, summary="More is said of policy."), *USUAL])
        other = replace(agency, id="source-3")
        room.desk.sources[other.id] = other
        await room.store.register([room.source, agency, other])
        await shows(room, other, USUAL)
        await shows(room, other, [FRESH, *USUAL])
        assert await room.told() == [], "an official source had it before anybody asked"


async def test_what_both_held_goes_out_once() -> None:
    async with a_newsroom(standing=Standing.NEWS) as room:
        agency = await an_agency(room)
        await shows(room, agency, USUAL)
        await shows(room, room.source, OFTEN)
        await shows(room, room.source, [*FLOOD, *OFTEN])
        polled = await shows(room, agency, [*FLOOD, *USUAL])
        assert polled.alerts == 0
        assert [flood.items for flood in await room.store.floods()] == [100, 100]
        await room.passes(2 * HELD_FOR)
        (text,) = await room.told()
        assert text.startswith("100 late items\n")
