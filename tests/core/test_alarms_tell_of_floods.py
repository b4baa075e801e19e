"""Operators are told of each flood once, with a sample and what they can do, and do it by a word."""

from __future__ import annotations

from datetime import timedelta

from bot.core.alarms import Facts, Severity, SourceHealth, Thresholds, changes, in_words, standing
from bot.core.floods import HELD_FOR, Flood
from bot.core.model import Changes
from bot.core.words import time_in_words
from tests.builders import NOW, a_cursor, a_document, a_verdict
from tests.fakes.asker import Asker, a_desk
from tests.fakes.clock import NOON

FLOOD = Flood("ice", NOW, NOW + HELD_FOR, 3_000, ("One", "Two", "Three"))


def facts(*floods: Flood) -> Facts:
    return Facts(NOW, sources=(SourceHealth("ice", "ICE newsroom"),), floods=floods)


def test_a_flood_is_an_alarm_with_a_sample_and_two_buttons() -> None:
    (alarm,) = standing(facts(FLOOD), Thresholds())
    assert (alarm.severity, alarm.since) == (Severity.WARNING, NOW)
    assert alarm.sentence.startswith("ICE newsroom listed 3,000 items at once")
    assert "“One”; “Two”; “Three”" in alarm.sentence
    _, notices = changes({}, (alarm,), NOW)
    reply = in_words(notices)
    assert [(choice.label, choice.line) for choice in reply.choices] == [
        ("Release", "sources release ice"),
        ("Discard", "sources discard ice"),
    ]


def test_a_second_flood_of_the_same_source_is_told_too_and_what_is_over_has_no_buttons() -> None:
    first = standing(facts(FLOOD), Thresholds())
    known, _ = changes({}, first, NOW)
    later = Flood("ice", NOW + timedelta(minutes=20), NOW + timedelta(minutes=80), 50)
    _, notices = changes(known, standing(facts(later), Thresholds()), NOW + timedelta(minutes=20))
    assert len(in_words(notices).choices) == 2
    gone, _ = changes(known, (), NOW + timedelta(minutes=20))
    _, notices = changes(gone, (), NOW + timedelta(minutes=26))
    assert notices
    assert in_words(notices).choices == ()


async def an_operator() -> Asker:
    desk = a_desk()
    await desk.store.register(desk.sources)
    held = a_verdict(a_document(1, seen_at=NOON), matches=(), held=True, because="new, but held back")
    await desk.store.commit([Changes(a_cursor(last_success_at=NOON), (held,))])
    return Asker(desk, may_change=False, is_operator=True)


async def test_everybody_who_asks_is_told_how_much_is_held_and_since_when() -> None:
    asker = await an_operator()
    (flood,) = await asker.desk.store.floods()
    since = time_in_words(flood.since, asker.desk.voice.zone)
    assert f"1 item is held back since {since}" in await asker.ask("sources")


async def test_an_operators_word_releases() -> None:
    asker = await an_operator()
    assert await asker.ask("sources release source-1") == (
        "1 item goes out within a minute: each chat gets one list of what it follows."
    )
    (flood,) = await asker.desk.store.floods()
    assert flood.is_over(NOON)


async def test_an_operators_word_discards_once() -> None:
    asker = await an_operator()
    assert await asker.ask("sources discard source-1") == (
        "1 item is discarded: kept in the archive, and sent to nobody."
    )
    assert await asker.desk.store.floods() == ()
    for word in ("release", "discard"):
        reply = await asker.reply(f"sources {word} source-1")
        assert not reply.ok
        assert "Nothing of Newsroom 1 is held back" in await asker.ask(f"sources {word} source-1")


async def test_nobody_else_may() -> None:
    asker = await an_operator()
    other = Asker(asker.desk, may_change=True, is_operator=False)
    for word in ("release", "discard"):
        assert not (await other.reply(f"sources {word} source-1")).ok
    (flood,) = await asker.desk.store.floods()
    assert not flood.is_over(NOON)
