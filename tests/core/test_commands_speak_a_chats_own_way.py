"""A chat's time zone and language."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest

from bot.core.model import Chat, Preferences, Voice
from tests.builders import a_document, a_story, some_changes
from tests.fakes.asker import HERE, Asker, a_desk, lines_of, text_of


@pytest.mark.parametrize(
    ("line", "zone", "now"),
    [
        ("timezone America/New_York", "America/New_York", "7:00 AM EST"),
        ("timezone america/los_angeles", "America/Los_Angeles", "4:00 AM PST"),
        ("timezone Pacific", "America/Los_Angeles", "4:00 AM PST"),
        ("timezone eastern", "America/New_York", "7:00 AM EST"),
        ("timezone EST", "America/New_York", "7:00 AM EST"),  # not tzdata's EST, which has no summer
        ("timezone MST", "America/Denver", "5:00 AM MST"),
        ("timezone arizona", "America/Phoenix", "5:00 AM MST"),
        ("timezone new york", "America/New_York", "7:00 AM EST"),
        ("timezone puerto rico", "America/Puerto_Rico", "8:00 AM AST"),
        ("tz madrid", "Europe/Madrid", "1:00 PM CET"),
        ("zona mexico city", "America/Mexico_City", "6:00 AM CST"),
        ("timezone utc", "UTC", "12:00 PM UTC"),
        ("timezone GMT", "UTC", "12:00 PM UTC"),
    ],
)
async def test_what_people_call_a_zone(line, zone, now):
    asker = Asker(a_desk())
    reply = await asker.reply(line)
    assert f"Time zone: {zone}, now {now}." in text_of(reply)
    assert await asker.desk.store.preferences(HERE) == Preferences(Voice("en", zone))
    assert lines_of(reply) == ([] if zone == "America/New_York" else ["timezone America/New_York"])


@pytest.mark.parametrize("start", ["A", "E", "P"])
async def test_every_official_zone_is_understood(start):
    asker = Asker(a_desk())
    for zone in (name for name in available_timezones() if "/" in name and name.startswith(start)):
        if not zone.startswith("Etc/"):
            assert f"Time zone: {zone}," in await asker.ask(f"timezone {zone.lower()}")


async def test_times_follow_the_zone():
    desk = a_desk()
    await desk.store.commit([some_changes(a_story(1, a_document(1, title="TPS news")))])
    mine, theirs = Asker(desk), Asker(desk, Chat("telegram", "", "2"))
    await mine.ask("timezone pacific")
    assert "October 5, 2023, 5:00 AM PDT" in await mine.ask("latest")
    assert "October 5, 2023, 8:00 AM EDT" in await theirs.ask("latest")
    assert "America/Los_Angeles" in await mine.ask("start")


async def test_a_zone_is_kept_through_following_and_goes_along_with_alerts():
    asker = Asker(a_desk())
    await asker.ask("timezone hawaii")
    await asker.ask("follow tps")
    ids = [query.id for query in (await asker.desk.store.queries_since(0)).added]
    (reader,) = await asker.desk.store.subscribers(ids)
    assert reader.voice.zone == "Pacific/Honolulu"


async def test_alone_it_says_which_zone_and_offers_the_four():
    asker = Asker(a_desk())
    reply = await asker.reply("timezone")
    assert text_of(reply).startswith("Times here are shown in the zone America/New_York, now 7:00 AM EST.")
    assert [line.rpartition("/")[2] for line in lines_of(reply)] == ["New_York", "Chicago", "Denver", "Los_Angeles"]
    assert not reply.ok  # nothing was changed, so no channel is told of a change
    assert await asker.desk.store.preferences(HERE) is None


async def test_an_unknown_zone_gets_a_suggestion_and_changes_nothing():
    asker = Asker(a_desk())
    reply = await asker.reply("timezone America/New_Yrok")
    assert "I know no time zone America/New_Yrok. Did you mean America/New_York?" in text_of(reply)
    assert lines_of(reply)[0] == "timezone America/New_York"
    assert not reply.ok
    lost = await asker.reply("timezone qqqqqq")
    assert "I know no time zone qqqqqq." in text_of(lost)
    assert len(lost.choices) == 4
    assert await asker.desk.store.preferences(HERE) is None


async def test_undo_brings_the_old_zone_back():
    asker = Asker(a_desk())
    reply = await asker.reply("timezone pacific")
    await asker.ask(lines_of(reply)[0])
    assert await asker.desk.store.preferences(HERE) == Preferences(Voice())


async def test_english_is_spoken_and_spanish_is_not_there_yet():
    asker = Asker(a_desk())
    assert await asker.ask("lang en") == "Language: English."
    for line in ("lang es", "idioma español"):
        reply = await asker.reply(line)
        assert "Spanish is not there yet" in text_of(reply)
        assert "Nothing was changed." in text_of(reply)
        assert not reply.ok
    for line in ("lang", "lang fr"):
        assert "This bot speaks English." in await asker.ask(line)
    assert await asker.desk.store.preferences(HERE) == Preferences(Voice())
