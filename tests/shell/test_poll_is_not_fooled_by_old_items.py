"""What lists show that is older than it looks, and what comes late for good reasons: polled, decided, told."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.core.floods import HELD_FOR
from bot.core.intake import Entry, Standing
from bot.core.model import DeliveryState, State
from tests.fakes.clock import NOON
from tests.fakes.newsroom import ANA, FEW_MINUTES, NewsRoom, a_newsroom, item

DAY = timedelta(days=1)
TWO_DAYS = 2 * DAY
WORDS = "The agency explains at length what it has decided, for whom, and from when on. " * 20


def usual(count: int = 20) -> list[Entry]:
    """A list as it stands before anything happens: an item for each of the last days, the newest first."""
    return [item(number, NOON - number * DAY) for number in range(1, count + 1)]


def old(count: int, first: int = 1000, days: int = 12) -> list[Entry]:
    """Items that nobody has seen and that are dated so many days ago, under titles and links of their own."""
    return [item(number, NOON - days * DAY) for number in range(first, first + count)]


async def settled(room: NewsRoom, entries: list[Entry] | None = None) -> list[Entry]:
    """Read the list for the first time, and again."""
    entries = usual() if entries is None else entries
    await room.shows(entries)
    await room.shows(entries)
    return entries


# --- floods


async def test_old_releases_that_are_stamped_anew_alert_nobody() -> None:
    async with a_newsroom() as room:
        releases = [item(number, NOON - (30 + number % 900) * DAY) for number in range(3_000)]
        await settled(room, releases)
        polled = await room.shows([replace(one, published=f"{room.clock.now():%Y-%m-%d}") for one in releases])
        assert (polled.alerts, polled.items[State.NEW]) == (0, 0)
        await room.passes(2 * HELD_FOR)
        assert (await room.told(), await room.store.floods()) == ([], ())


async def test_old_releases_that_nobody_had_seen_alert_nobody_when_they_are_stamped_anew() -> None:
    """The address keeps the day, whatever the list claims; a release of today among them is told."""
    async with a_newsroom() as room:
        await settled(room)
        today = f"{NOON:%Y-%m-%d}"
        stamped = [
            item(number, today, url=f"https://agency.example/news/2019/05/{number % 28 + 1:02}/measure-{number}")
            for number in range(5_000, 8_000)
        ]
        polled = await room.shows([*stamped, item(9_000, room.clock.now().isoformat())])
        assert (polled.items[State.NEW], polled.alerts) == (3_001, 1)
        (alert,) = await room.told()
        assert "number 9000" in alert
        await room.passes(2 * HELD_FOR)
        assert (await room.told(), await room.store.floods()) == ([], ())
        assert await room.because(stamped[0].title) == (
            f"new, but old: dated May {5_000 % 28 + 1}, 2019 by its address, though its source claims a later day; "
            "recorded, not sent"
        )


async def test_a_flood_is_held_with_a_sample_and_goes_out_after_an_hour_as_one_list() -> None:
    async with a_newsroom() as room:
        before = await settled(room)
        memos = old(300)
        polled = await room.shows([*memos, *before])
        assert (polled.items[State.NEW], polled.alerts) == (300, 0)
        (flood,) = await room.store.floods()
        assert (flood.items, len(flood.sample)) == (300, 3)
        assert set(flood.sample) <= {memo.title for memo in memos}
        await room.passes(HELD_FOR - timedelta(seconds=1))
        assert await room.told() == []
        await room.passes(timedelta(seconds=1))
        (text,) = await room.told()
        assert text.startswith("300 late items\nHeld back, since one source listed many old items at once.")
        assert "… and 290 more, between #" in text
        assert "newest first" in text
        assert (await room.store.floods(), len(await room.store.history(ANA, 999))) == ((), 300)
        assert "let go after an hour" in await room.because(memos[0].title)


async def test_an_operators_word_lets_go_at_the_next_tick_and_new_followers_are_told() -> None:
    async with a_newsroom() as room:
        before = await settled(room)
        await room.store.unfollow(ANA, None, NOON)
        await room.shows([*old(300), *before])
        await room.store.follow(ANA, (await room.store.preferences(ANA)).voice, "1017", "One of them", NOON)  # type: ignore[union-attr]  # she is known
        await room.store.release_flood(room.source.id, room.clock.now())
        await room.passes(timedelta(seconds=15))
        (text,) = await room.told()
        assert text.startswith("1 late item\n")
        assert "number 1017" in text
        assert "let go by an operator" in await room.because("Policy measure number 1017 of the agency")


async def test_what_is_discarded_is_told_to_nobody_and_known_from_then_on() -> None:
    async with a_newsroom() as room:
        before = await settled(room)
        shown = [*old(300), *before]
        await room.shows(shown)
        assert await room.store.discard_flood(room.source.id) == 300
        await room.passes(2 * HELD_FOR)
        polled = await room.shows([*shown, item(1, f"{NOON:%Y-%m-%d}")])
        assert (polled.items[State.NEW], await room.told()) == (0, [])
        assert (await room.because(shown[0].title)).endswith("discarded by an operator")


async def test_news_of_the_hour_in_the_midst_of_a_flood_is_told_at_once() -> None:
    async with a_newsroom() as room:
        before = await settled(room)
        news = item(7, (NOON + FEW_MINUTES * 2.5).isoformat(), title="A policy of this very hour")
        assert (await room.shows([news, *old(300), *before])).alerts == 1
        (text,) = await room.told()
        assert "of this very hour" in text
        assert (await room.store.floods())[0].items == 300


@pytest.mark.parametrize("kind", ["federal_register", "public_inspection", "sitemap"])
async def test_lists_that_are_new_by_nature_are_never_held(kind: str) -> None:
    async with a_newsroom(kind=kind) as room:
        before = await settled(room)
        await room.shows([*old(40, days=2), *before])
        assert await room.store.floods() == ()
        assert len(await room.told()) == 40


async def test_what_a_source_has_often_is_no_flood() -> None:
    async with a_newsroom() as room:
        entries = await settled(room)
        for round_of_polls in range(5):
            fresh = [item(100 * (round_of_polls + 1) + place, room.clock.now().isoformat()) for place in range(9)]
            entries = [*fresh, *entries]
            await room.shows(entries)
        assert (await room.cursor()).unseen_recent == (9,) * 5
        await room.told()
        await room.shows(old(45, days=2))
        assert await room.store.floods() == ()
        await room.shows(old(46, first=3_000, days=2))
        assert (await room.store.floods())[0].items == 46


# --- our own outages


async def test_a_weekend_of_our_own_holds_nothing_and_the_new_policy_is_delivered() -> None:
    """A list by days, as DHS has it, ten rows long and wholly replaced."""
    async with a_newsroom(kind="listing") as room:
        await settled(room, usual(10))
        back = NOON + TWO_DAYS + 2 * FEW_MINUTES
        rows = [item(500 + hour, back - hour * timedelta(hours=5)) for hour in range(10)]
        polled = await room.shows(rows, after=TWO_DAYS)
        assert (polled.items[State.NEW], await room.store.floods()) == (10, ())
        told = "\n".join(await room.told())
        assert all(row.title in told for row in rows)


async def test_a_feed_wholly_replaced_after_a_weekend_is_told_late_ones_in_one_list() -> None:
    async with a_newsroom() as room:
        await settled(room, usual(25))
        back = NOON + TWO_DAYS + 2 * FEW_MINUTES
        feed = [item(500 + place, (back - place * timedelta(hours=1.9)).isoformat()) for place in range(25)]
        polled = await room.shows(feed, after=TWO_DAYS)
        assert (polled.alerts, await room.store.floods()) == (25, ())
        late, rest, *alerts = await room.told()
        assert late.startswith("10 late alerts\nIt came out while its source was not read.")
        assert rest.startswith("2 late alerts\n")
        assert all(one.title in late + rest for one in feed[13:])
        assert len(alerts) == 13
        assert feed[0].title in alerts[-1]


# --- what official sources post late


async def test_a_memo_of_twelve_days_ago_is_sent_and_says_so() -> None:
    async with a_newsroom() as room:
        before = await settled(room)
        await room.shows([*old(1), *before])
        (text,) = await room.told()
        assert "dated November 12, 2026, first seen today, November 24, 2026" in text
        assert "told as late" in await room.because(old(1)[0].title)


async def test_four_are_sent_one_by_one_and_seven_in_one_list_marked_late() -> None:
    async with a_newsroom() as room:
        before = await settled(room)
        await room.shows([*old(4), *before])
        assert len(await room.told()) == 4
        await room.shows([*old(7, first=2_000), *before])
        (text,) = await room.told()
        assert text.startswith("7 late documents\nPosted by an official source more than a week after its date.")
        assert all(memo.title in text for memo in old(7, first=2_000))


@pytest.mark.parametrize("standing", [Standing.NEWS, Standing.ADVOCACY, Standing.AGGREGATOR])
async def test_old_items_of_others_are_recorded_and_not_sent(standing: Standing) -> None:
    async with a_newsroom(standing=standing) as room:
        before = await settled(room)
        await room.shows([*old(1), *before])
        assert await room.told() == []
        assert await room.because(old(1)[0].title) == (
            "new, but old: dated November 12, 2026 by its source; recorded, not sent"
        )


async def test_the_very_words_of_an_old_release_under_a_new_link_id_and_date_are_not_sent() -> None:
    async with a_newsroom() as room:
        release = item(1, NOON - 90 * DAY, content=WORDS)
        before = await settled(room, [release, *usual()[1:]])
        again = replace(release, guid="urn:new", url="https://agency.example/releases/1", published=NOON.isoformat())
        assert (await room.shows([again, *before])).items[State.NEW] == 1
        assert await room.told() == []
        seen = [one for one in await room.store.stories(99) if one.lead.title == release.title]
        reasons = [await room.store.decisions(one.number) for one in seen]
        assert any("its text was seen in #" in because for (because,) in reasons)


# --- dates


async def test_a_date_that_every_item_bears_says_nothing_and_items_come_as_they_are_first_seen() -> None:
    async with a_newsroom(kind="listing", standing=Standing.NEWS) as room:
        constant = "2020-09-30"
        entries = [item(number, constant) for number in range(10)]
        await settled(room, entries)
        for number in (31, 30):
            entries = [item(number, constant), *entries]
            await room.shows(entries)
        first, second = await room.told()
        assert ("number 31" in first, "number 30" in second) == (True, True)
        assert "date unknown" in first
        assert "Nov 24, 2026" in first.replace("November", "Nov")


async def test_items_without_a_date_come_as_they_are_first_seen() -> None:
    async with a_newsroom(kind="listing") as room:
        entries = await settled(room, [item(number) for number in range(10)])
        for number in (31, 30):
            entries = [item(number), *entries]
            await room.shows(entries)
        first, second = await room.told()
        assert ("number 31" in first, "number 30" in second) == (True, True)


async def test_years_of_two_digits_are_of_this_century() -> None:
    async with a_newsroom() as room:
        feed = (
            '<?xml version="1.0"?><rss version="2.0"><channel><title>Agency</title>{}'
            "<item><title>A policy of old</title><link>https://agency.example/1</link>"
            "<pubDate>Mon, 09 Nov 26 10:00:00 -0500</pubDate></item></channel></rss>"
        )
        await room.shows(feed.format(""))
        new = (
            "<item><title>A policy of this morning</title><link>https://agency.example/2</link>"
            "<pubDate>Tue, 24 Nov 26 07:05:00 -0500</pubDate></item>"
        )
        await room.shows(feed.format(new))
        (text,) = await room.told()
        assert "November 24, 2026, 7:05 AM EST" in text
        assert "late" not in text


# --- ids that change, and that are not there (R14, R15, R18)


async def test_a_first_poll_of_five_hundred_items_tells_nobody_and_knows_them_all() -> None:
    async with a_newsroom() as room:
        entries = [item(number, NOON - number * timedelta(hours=1)) for number in range(500)]
        polled = await room.shows(entries)
        assert (polled.baseline, polled.alerts, polled.items[State.NEW]) == (True, 0, 500)
        assert (await room.shows([*entries, item(1)])).items[State.NEW] == 0
        assert await room.told() == []


CHURNS: dict[str, Callable[[Entry], Entry]] = {
    "https": lambda one: replace(one, guid=one.guid.replace("http://", "https://")),
    "escaped": lambda one: replace(one, guid=one.guid.replace("&", "&amp;")),
    "rebuilt": lambda one: replace(one, guid=f"tag:cms,{random.Random(one.guid).random()}"),
    "moved": lambda one: replace(
        one,
        guid=one.guid.replace("agency.example", "www.agency.test"),
        url=one.url.replace("agency.example", "www.agency.test"),
    ),
}


@pytest.mark.parametrize("churn", CHURNS)
async def test_ids_that_all_change_repeat_nothing_and_hold_nothing(churn: str) -> None:
    async with a_newsroom() as room:
        entries = [
            item(number, NOON - number * DAY, guid=f"http://agency.example/?p={number}&lang=en")
            for number in range(1, 61)
        ]
        await settled(room, entries)
        polled = await room.shows([CHURNS[churn](one) for one in entries])
        assert set(polled.items) <= {State.SEEN, State.REVISION}
        assert (await room.told(), await room.store.floods()) == ([], ())
        assert (await room.shows([*map(CHURNS[churn], entries), item(999, NOON.isoformat())])).alerts == 1


async def test_items_without_ids_are_known_in_any_order_through_twenty_polls() -> None:
    async with a_newsroom() as room:
        chance = random.Random(18)
        entries = [item(number, NOON - number * DAY, guid="") for number in range(30)]
        entries += [item(100 + number, NOON - number * DAY, guid="", url="") for number in range(15)]
        await settled(room, entries)
        for _ in range(20):
            chance.shuffle(entries)
            polled = await room.shows(entries)
            assert (polled.items[State.NEW], polled.items[State.REVISION]) == (0, 0)
        assert await room.told() == []
        assert len(await room.store.stories(999)) == len(entries)


async def test_white_space_and_trackers_change_nothing_and_an_edit_is_recorded_without_a_message() -> None:
    async with a_newsroom() as room:
        before = await settled(room)
        spaced = replace(before[0], summary=before[0].summary.replace(" ", "  "), url=f"{before[0].url}?utm_source=rss")
        assert (await room.shows([spaced, *before[1:]])).items[State.SEEN] == len(before)
        edited = replace(before[0], summary=f"{before[0].summary} It holds from Monday on.")
        assert (await room.shows([edited, *before[1:]])).items[State.REVISION] == 1
        assert await room.told() == []


async def test_nothing_that_was_told_is_told_again_by_the_next_poll() -> None:
    async with a_newsroom() as room:
        before = await settled(room)
        shown = [*old(7), *before]
        await room.shows(shown)
        await room.told()
        await room.shows([*shown, item(1, datetime(2026, 1, 1, tzinfo=NOON.tzinfo))])
        assert await room.told() == []
        assert {row.state for row in await room.store.outbox(list(DeliveryState), 99)} == {DeliveryState.SENT}
