"""What a flood does not hold: news of its day, and what was told before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.core.floods import HELD_FOR
from bot.core.intake import Entry
from tests.fakes.clock import NOON
from tests.fakes.newsroom import NewsRoom, a_newsroom, item

DAY = timedelta(days=1)
WORDS = "The agency explains at length what it has decided, for whom, and from when on. " * 20


def old(count: int) -> list[Entry]:
    """Items that nobody has seen, dated twelve days ago."""
    return [item(number, NOON - 12 * DAY) for number in range(1000, 1000 + count)]


async def settled(room: NewsRoom) -> list[Entry]:
    """Read a list of the last days for the first time, and again."""
    entries = [item(number, NOON - number * DAY) for number in range(1, 21)]
    await room.shows(entries)
    await room.shows(entries)
    return entries


async def test_a_release_of_today_is_told_within_a_flood_though_its_list_names_only_the_day() -> None:
    async with a_newsroom(kind="listing") as room:
        before = await settled(room)
        release = item(7, f"{NOON:%Y-%m-%d}", title="A policy of this very day")
        assert (await room.shows([release, *old(60), *before])).alerts == 1
        (text,) = await room.told()
        assert "of this very day" in text
        assert (await room.store.floods())[0].items == 60


async def test_a_site_that_moves_with_new_links_ids_and_dates_repeats_nothing() -> None:
    async with a_newsroom() as room:
        releases = [item(number, NOON - 30 * DAY, content=f"{WORDS} It is number {number}.") for number in range(60)]
        await room.shows(releases)
        await room.shows(releases)
        moved = [
            replace(
                one,
                guid=f"urn:{place}",
                url=f"https://agency.example/r/{place}",
                published=f"{NOON - 2 * DAY:%Y-%m-%d}",
            )
            for place, one in enumerate(releases)
        ]
        assert (await room.shows(moved)).alerts == 0
        assert await room.store.floods() == ()
        await room.passes(2 * HELD_FOR)
        assert await room.told() == []
