"""A list that holds the latest few: where all of it is new, others may have come and gone between two polls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from html import escape
from pathlib import Path

import structlog

from bot.core.alarms import Alarm, Known, Thresholds, changes, standing
from bot.core.intake import Entry, FeedResponse, Hints, Parsed, SourceSpec
from bot.core.turns import TOLD_FOR
from bot.errors import ParseError
from bot.poll import Polled
from bot.sources.feed import SOURCE as FEED
from bot.sources.listing import SOURCE as LISTING
from bot.watching.losses import Losses
from bot.watching.measuring import Instruments
from tests.fakes.clock import NOON
from tests.fakes.newsroom import a_newsroom, item

MINUTES = timedelta(minutes=20)
USUAL = [item(number, NOON - number * timedelta(hours=1)) for number in range(1, 26)]
OTHERS = [item(number, NOON + timedelta(seconds=number)) for number in range(500, 525)]


def missed(log: Sequence[object]) -> list[object]:
    return [line for line in log if isinstance(line, dict) and line["event"] == "poll.may_have_missed"]


async def test_a_list_of_which_nothing_was_known_is_logged() -> None:
    async with a_newsroom() as room:
        with structlog.testing.capture_logs() as log:
            assert not (await room.shows(USUAL)).may_have_missed  # stock is taken: nothing is missed
            assert not (await room.shows([*OTHERS[:24], USUAL[0]])).may_have_missed
            assert missed(log) == []
            rolled = await room.shows([item(number, NOON) for number in range(700, 725)])
        assert (rolled.new, rolled.may_have_missed) == (25, True)
        assert missed(log) == [
            {"event": "poll.may_have_missed", "log_level": "warning", "source": "source-1", "items": 25}
        ]


async def test_a_list_that_was_empty_or_shows_the_latest_two_lost_nothing() -> None:
    async with a_newsroom() as room:
        await room.shows([])
        assert not (await room.shows(USUAL)).may_have_missed
        polled = await room.shows(OTHERS[:2])
        assert (polled.new, polled.may_have_missed) == (2, False)


async def test_an_entry_that_was_not_read_again_is_known() -> None:
    async with a_newsroom() as room:
        room.desk = replace(room.desk, read=_in_parts)
        await room.shows(rss(USUAL))
        await room.shows(rss(USUAL[1:]))
        polled = await room.shows(rss([*OTHERS, USUAL[-1]]))
        assert (polled.new, polled.may_have_missed) == (25, False)
        assert (await room.shows(rss(OTHERS[:3] + [item(n) for n in range(90, 93)]))).may_have_missed is False
        assert (await room.shows(rss([item(number) for number in range(600, 610)]))).may_have_missed
        nothing = Entry("urn:no-item", "", "")  # which becomes no document, and was there before all the same
        await room.shows(rss([*USUAL[:3], nothing]))
        assert not (await room.shows(rss([*(item(number) for number in range(800, 805)), nothing]))).may_have_missed


async def test_further_pages_that_were_read_to_the_end_or_to_what_is_known_miss_nothing() -> None:
    async with a_newsroom(kind="listing", select={"item": "li", "title": "a"}) as room:
        room.desk = replace(room.desk, read=_rows)
        await room.shows(page(USUAL[:5]))
        room.server.publish("/2", page([OTHERS[6], USUAL[0]]), content_type="text/html")
        assert not (await room.shows(page(OTHERS[:5], "/2"))).may_have_missed  # known on the second page
        room.server.publish("/3", page(OTHERS[12:15]), content_type="text/html")
        assert not (await room.shows(page(OTHERS[7:12], "/3"))).may_have_missed  # that is all there is
        assert (await room.shows(page(OTHERS[15:20]))).may_have_missed  # no further page
        for number in range(4, 9):  # more than are read of one poll
            items = [item(100 * number + n) for n in range(1_000, 1_003)]
            room.server.publish(f"/{number}", page(items, f"/{number + 1}"), content_type="text/html")
        assert (await room.shows(page(OTHERS[20:], "/4"))).may_have_missed


async def test_operators_are_told_once_a_day_and_of_sources_in_use_alone(tmp_path: Path) -> None:
    async with a_newsroom() as room:
        losses = Losses()
        instruments = Instruments(room.store, room.clock, tmp_path, lambda: room.desk.sources, losses=losses)
        known: Known = {}
        told: list[str] = []

        async def look() -> list[Alarm]:
            nonlocal known
            measured = await instruments.measure()
            alarms = [one for one in standing(measured.facts, Thresholds()) if one.key.startswith("missed:")]
            known, notices = changes(known, tuple(alarms), room.clock.now())
            told.extend(notice.alarm.sentence for notice in notices)
            return alarms

        await room.shows(USUAL)
        losses.polled([await room.shows(OTHERS), Polled("taken-out", may_have_missed=True)], room.clock.now())
        for _ in range(3):
            (alarm,) = await look()
            losses.polled([Polled("source-1", new=25, may_have_missed=True)], room.clock.now())
            room.clock.advance(MINUTES)
        sentence = "Agency: more came between two polls than its list holds, so some items may be missed."
        assert told == [alarm.sentence] == [sentence]
        assert room.source.url in alarm.next_step
        room.clock.advance(TOLD_FOR)
        assert await look() == []
        assert told == [sentence]


async def _in_parts(source: SourceSpec, response: FeedResponse, known: frozenset[str] = frozenset()) -> Parsed:
    return FEED.parse(response, Hints(known=known))


async def _rows(source: SourceSpec, response: FeedResponse, known: frozenset[str] = frozenset()) -> Parsed | ParseError:
    return LISTING.parse(response, Hints(source.select))


def rss(entries: Sequence[Entry]) -> str:
    items = "".join(
        f"<item><title>{escape(one.title)}</title><link>{one.url}</link><guid>{one.guid}</guid></item>"
        for one in entries
    )
    return f"<rss version='2.0'><channel><title>News</title>{items}</channel></rss>"


def page(entries: Sequence[Entry], further: str = "") -> str:
    rows = "".join(f"<li><a href='{one.url}'>{escape(one.title)}</a></li>" for one in entries)
    more = f"<a rel='next' href='{further}'>Next</a>" if further else ""
    return f"<!doctype html><html><body><main><ul>{rows}</ul>{more}</main></body></html>"
