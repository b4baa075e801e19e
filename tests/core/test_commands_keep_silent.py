"""Pauses and mutes, as people ask for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.model import Chat, Voice
from bot.core.plan import delivery_id
from tests.builders import a_delivery, a_document, a_story, a_why, an_alert, some_changes
from tests.fakes.asker import HERE, Asker, a_desk, lines_of, text_of
from tests.fakes.clock import NOON, FakeClock
from tests.storing import claim, publish

TELEGRAM = Chat("telegram", "", "1")


async def an_asker(*topics: str, chat: Chat = HERE) -> Asker:
    asker = Asker(a_desk(), chat)
    for topic in topics:
        await asker.ask(f"follow {topic}")
    return asker


def clock_of(asker: Asker) -> FakeClock:
    assert isinstance(asker.desk.clock, FakeClock)
    return asker.desk.clock


async def news(asker: Asker, number: int, *queries: str) -> None:
    await publish(asker.desk.store, a_story(number), *queries, due_at=asker.desk.clock.now())


async def waiting(asker: Asker) -> list[int]:
    """Claim all there is; which stories are told?"""
    return [row.alert.story.number for row in await claim(asker.desk.store, asker.desk.clock.now())]


async def test_a_pause_stops_alerts_at_once_and_resume_says_how_many_matched():
    asker = await an_asker("tps", chat=TELEGRAM)
    await news(asker, 1)
    paused = await asker.reply("/pause")
    assert text_of(paused) == (
        "Paused: no alerts in this chat until somebody types /resume. "
        "What matches meanwhile is not sent later; /missed lists it."
    )
    assert lines_of(paused) == ["resume", "missed"]
    assert await waiting(asker) == []
    clock_of(asker).advance(timedelta(hours=5))
    await news(asker, 2)
    resumed = await asker.reply("/resume")
    assert text_of(resumed) == "Alerts come again. 2 alerts matched meanwhile and were not sent: /missed"
    assert lines_of(resumed) == ["missed"]
    assert await waiting(asker) == []
    await news(asker, 3)
    assert await waiting(asker) == [3]


async def test_a_pause_in_which_nothing_or_one_thing_matched_says_so():
    asker = await an_asker("tps")
    await asker.ask("pause")
    assert await asker.ask("resume") == "Alerts come again. Nothing matched meanwhile."
    await asker.ask("pausar")
    await news(asker, 1)
    assert "1 alert matched meanwhile and was not sent: missed" in await asker.ask("reanudar")


@pytest.mark.parametrize("line", ["pause until monday", "mute until monday"])
async def test_a_silence_with_an_end_names_it_and_ends_by_itself(line):
    asker = await an_asker("tps")
    assert "no alerts in this chat until Mon, Nov 30, 9:00 AM EST. " in await asker.ask(line)
    await news(asker, 1)
    clock_of(asker).advance(timedelta(days=5, hours=23))  # Monday, 6:00 AM in New York
    await news(asker, 2)
    assert await waiting(asker) == []
    assert "This chat is paused until Mon, Nov 30, 9:00 AM EST: resume" in await asker.ask("list")
    clock_of(asker).advance(timedelta(hours=3))
    await news(asker, 3)
    assert await waiting(asker) == [3]
    assert "paused" not in await asker.ask("list")
    resumed = await asker.reply("resume")
    assert text_of(resumed) == "This chat is not paused."
    assert not resumed.ok
    assert len((await asker.ask("missed")).splitlines()) == 3


async def test_the_end_is_told_on_the_chats_own_clock():
    asker = await an_asker("tps")
    await asker.ask("timezone pacific")
    assert "until Mon, Nov 30, 9:00 AM PST" in await asker.ask("mute until monday")
    assert "until Tue, Nov 24, 12:00 PM PST" in await asker.ask("mute 8h")


@pytest.mark.parametrize(
    "line", ["mute tps 24h", "mute 24h tps", "silenciar TPS 24h", "mute for 24h tps", "mute 1 24h"]
)
async def test_one_thing_is_muted_and_the_rest_goes_on(line):
    asker = await an_asker("tps", "asylum")
    muted = await asker.reply(line)
    assert text_of(muted) == (
        "Muted TPS until Wed, Nov 25, 7:00 AM EST. What matches meanwhile is not sent later; missed lists it. "
        "To undo: unmute tps"
    )
    assert lines_of(muted) == ["unmute tps", "missed"]
    await news(asker, 1, "topic:tps")
    await news(asker, 2, "topic:asylum")
    assert await waiting(asker) == [2]
    assert "TPS · muted until Wed, Nov 25, 7:00 AM EST · unfollow tps\n" in await asker.ask("list")
    ended = await asker.reply("unmute tps")
    assert text_of(ended) == "Unmuted TPS. 1 alert matched meanwhile and was not sent: missed"
    assert "muted" not in await asker.ask("list")
    again = await asker.reply("unmute tps")
    assert text_of(again) == "TPS is not muted."
    assert not again.ok


async def test_several_things_are_muted_at_once_and_resume_says_what_stays_muted():
    asker = await an_asker("tps", "asylum", "removal")
    assert "Muted TPS, Asylum until" in await asker.ask("mute tps asylum 7d")
    await asker.ask("pause")
    resumed = await asker.reply("resume")
    assert "Still muted: TPS until Tue, Dec 1, 7:00 AM EST; Asylum until Tue, Dec 1, 7:00 AM EST." in text_of(resumed)
    assert lines_of(resumed) == ["missed", "unmute tps", "unmute asylum"]
    refused = await asker.reply("unmute")  # alone it ends the mute of the whole chat
    assert "This chat is not paused." in text_of(refused)
    assert lines_of(refused) == ["unmute tps", "unmute asylum", "missed"]
    await asker.ask("pause")
    assert "This chat is paused: resume" in await asker.ask("unmute tps")
    assert "Unmuted Asylum, Removal." in await asker.ask("unmute asylum removal")


async def test_a_narrowing_word_may_look_like_a_length():
    asker = await an_asker("tps 24h")
    assert "Muted TPS: 24h until Thu, Nov 26" in await asker.ask("mute tps AND 24h 2d")


@pytest.mark.parametrize(
    ("line", "says", "lines"),
    [
        ("mute", "For how long?", ["mute 8h", "mute 24h", "mute 7d"]),
        ("mute tps", "For how long? For example mute tps 24h", ["mute tps 8h", "mute tps 24h", "mute tps 7d"]),
        ("mute tps tomorrow", "Lengths are written 8h, 2d or until monday", ["list"]),
        ("mute asylum 8h", "does not follow that", ["list"]),
        ("mute nothing 8h", "There is no topic nothing.", ["topics"]),
        ("mute 99 8h", "does not follow that", ["list"]),
        ("unmute asylum", "does not follow that", ["list"]),
        ("mute until 2026-11-01", "That would be Sun, Nov 1, 9:00 AM EST.", []),
        ("mute 400d", "That would be Wed, Dec 29, 2027, 7:00 AM EST.", []),
        ("mute 0h", "within a year", []),
        ("pause tps", "For how long? For example pause until monday", ["pause 8h", "pause 24h", "pause 7d"]),
        ("missed many", "How many?", []),
    ],
)
async def test_what_is_refused_and_what_it_says(line, says, lines):
    asker = await an_asker("tps")
    reply = await asker.reply(line)
    assert says in text_of(reply)
    assert lines_of(reply) == lines
    assert not reply.ok
    assert "muted" not in await asker.ask("list")
    assert "paused" not in await asker.ask("list")


async def test_mute_tps_with_a_word_that_is_no_topic_narrows_as_in_follow():
    asker = await an_asker("tps venezuela")
    assert "Muted TPS: venezuela until" in await asker.ask("mute tps venezuela 24h")


async def test_a_chat_that_follows_nothing_has_nothing_to_pause():
    asker = Asker(a_desk())
    for line in ("pause", "mute 8h"):
        reply = await asker.reply(line)
        assert "This chat follows nothing" in text_of(reply)
        assert lines_of(reply) == ["topics"]
        assert not reply.ok


async def test_a_query_too_long_for_a_button_is_muted_by_its_number():
    asker = Asker(a_desk())
    words = " ".join(f"longword{number}" for number in range(12))
    await asker.ask(f"follow tps {words}")
    asked = await asker.reply("mute 1")
    assert lines_of(asked) == ["mute 1 8h", "mute 1 24h", "mute 1 7d"]
    muted = await asker.reply(lines_of(asked)[0])
    assert lines_of(muted) == ["unmute 1", "missed"]
    assert (await asker.reply("unmute 1")).ok


async def test_what_was_missed_is_listed_newest_first():
    asker = await an_asker("tps")
    assert "Nothing was held back" in await asker.ask("missed")
    await asker.ask("pause")
    for number in range(1, 26):
        story = a_story(number, a_document(number, title=f"TPS news {number}"))
        await publish(asker.desk.store, story, due_at=asker.desk.clock.now())
        clock_of(asker).advance(timedelta(seconds=1))
    shown = await asker.reply("missed")
    lines = text_of(shown).splitlines()
    assert len(lines) == 11
    assert lines[0].startswith("TPS news 25 · Newsroom 1 · ")
    assert lines[-1] == "15 older. These were held back by a pause or a mute and are not sent later."
    assert len((await asker.ask("missed 500")).splitlines()) == 21
    assert len((await asker.ask("missed 0")).splitlines()) == 2
    assert lines_of(shown) == ["latest 5"]
    assert await asker.ask("missed 3") == await Asker(asker.desk, may_change=False).ask("missed 3")


async def test_why_of_what_a_pause_held_back_says_so():
    asker = await an_asker("tps")
    await asker.ask("pause")
    (line,) = await asker.desk.store.subscriptions(HERE)
    story = a_story(1, a_document(1, title="TPS news"))
    alert = an_alert(story, HERE, why=(a_why(line.query_id, line.label),))
    row = replace(a_delivery(alert, due_at=NOON), id=delivery_id(HERE, 1, story.lead.id))
    await asker.desk.store.commit([some_changes(story, deliveries=[row])])
    assert "cancelled before it was sent: the chat wanted silence. It answers:\nTPS on" in await asker.ask("why 1")


async def test_following_and_starting_in_a_pause_say_that_it_is_one():
    asker = await an_asker("tps")
    await asker.ask("pause 2d")
    for line in ("follow asylum", "start", "list"):
        assert "\nThis chat is paused until Thu, Nov 26, 7:00 AM EST: resume" in await asker.ask(line)
    assert lines_of(await asker.reply("list"))[0] == "resume"


async def test_following_again_what_is_muted_says_so():
    asker = await an_asker("tps")
    await asker.ask("mute tps 2d")
    assert "This chat follows TPS already. It is muted until Thu, Nov 26, 7:00 AM EST. To undo" in await asker.ask(
        "follow tps"
    )


async def test_a_silence_without_an_end_is_changed_by_one_that_has_it():
    asker = await an_asker("tps")
    await asker.ask("pause")
    await news(asker, 1)
    await asker.ask("pause 1h")
    clock_of(asker).advance(timedelta(hours=1))
    await news(asker, 2)
    assert await waiting(asker) == [2]


async def test_another_chats_silence_is_its_own():
    desk = a_desk()
    mine, theirs = Asker(desk, TELEGRAM), Asker(desk, Chat("telegram", "", "2"))
    for asker in (mine, theirs):
        await asker.ask("follow tps")
    await mine.ask("pause")
    await news(mine, 1)
    assert await waiting(mine) == [1]
    assert "Nothing was held back" in await theirs.ask("missed")
    assert "paused" not in await theirs.ask("list")
    assert (await desk.store.preferences(theirs.chat)).voice == Voice()
