"""A filter is shown before it is kept: what it would have found, what it leaves out, and what to do about it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.commands.following import MAX_SUBSCRIPTIONS
from bot.core.model import Voice
from bot.core.speech import Mark
from tests.builders import NOW, a_document, a_story, some_changes
from tests.fakes.asker import HERE, Asker, a_desk, lines_of, text_of
from tests.fakes.clock import FakeClock


async def an_asker(*titles: str, text: str = "Nothing more.") -> Asker:
    asker = Asker(a_desk(clock=FakeClock(NOW)))
    when = NOW - timedelta(days=10)
    for number, title in enumerate(titles, 1):
        document = a_document(number, title=title, text=text, seen_at=when, claimed_at=when)
        await asker.desk.store.commit([some_changes(a_story(number, document))])
    return asker


async def test_a_new_filter_is_shown_before_anything_is_saved():
    asker = await an_asker("Haiti bond", "Haiti fee schedule", "Weather", "Haiti parole", text="On parole.")
    reply = await asker.reply('filter add haiti (bond OR parole) -"fee schedule"')
    said = text_of(reply)
    assert 'haiti AND (bond OR parole) AND NOT "fee schedule"' in said
    assert 'Reads as: any form of "haiti" and ("bond" or "parole"), without the phrase "fee schedule"' in said
    assert "Matched 2 of 4 stories of the last 10 days (about 1 a week)." in said
    assert "1. Haiti parole · Newsroom 1" in said
    assert 'Left out by NOT "fee schedule": 1.' in said
    assert said.endswith('To save it: filter save haiti (bond OR parole) -"fee schedule"')
    assert {"Haiti", "parole"} <= {span.text for span in reply.spans if span.mark is Mark.BOLD}
    assert lines_of(reply) == ['filter save haiti (bond OR parole) -"fee schedule"', "list"]
    assert await asker.followed() == []


async def test_a_saved_filter_has_its_name_and_a_way_back():
    asker = await an_asker("Haiti bond")
    reply = await asker.reply("filter save Bonds of Haiti = haiti bond")
    assert text_of(reply) == "Saved as filter 1 Bonds of Haiti. To undo: filter delete 1"
    assert await asker.followed() == [("haiti AND bond", "Bonds of Haiti")]
    assert "This chat has that query already, as 1 Bonds of Haiti." in await asker.ask("filter save haiti AND bond")
    reply = await asker.reply("filter delete 1")
    back = "filter save Bonds of Haiti = haiti AND bond"
    assert text_of(reply) == f"Deleted filter 1 Bonds of Haiti. To undo: {back}"
    assert await asker.followed() == []
    await asker.ask(back)
    assert await asker.followed() == [("haiti AND bond", "Bonds of Haiti")]
    assert f"To undo: {back}" in await asker.ask("unfollow haiti AND bond")


async def test_a_filter_without_a_name_is_called_what_it_asks():
    asker = await an_asker("Weather")
    await asker.ask("newfilter haiti bond")
    await asker.ask("filter save topic:tps OR bond")
    assert await asker.followed() == [("topic:tps OR bond", "topic:tps OR bond")]
    assert text_of(await asker.reply("delfilter 1")).endswith("To undo: filter save topic:tps OR bond")


async def test_a_changed_filter_takes_the_place_of_the_old_one():
    asker = await an_asker("Haiti bond", "Haiti parole")
    await asker.ask("filter save haiti")
    assert "haiti reads: filter edit 1 haiti" in await asker.ask("filter edit 1")
    reply = await asker.reply("filter edit 1 haiti bond")
    assert "The filter 1 finds 2 now; it would find 1." in text_of(reply)
    assert lines_of(reply) == ["filter replace 1 haiti bond", "list"]
    assert await asker.followed() == [("haiti", "haiti")]
    assert "which was: filter save haiti" in await asker.ask("filter replace 1 haiti bond")
    assert await asker.followed() == [("haiti AND bond", "haiti AND bond")]
    assert "That is what it reads now." in await asker.ask("filter replace 2 haiti bond")
    assert "Which one? Give its number. This chat has 2." in await asker.ask("filter replace 9 haiti")
    assert "the place of" in await asker.ask("filter replace 2 haiti OR parole")


async def test_topics_are_not_filters():
    asker = await an_asker()
    await asker.ask("follow tps")
    assert "Which one? Give its number. This chat has none." in await asker.ask("filter delete 1")
    await asker.desk.store.follow(HERE, Voice(), '"unclosed', "Broken", NOW)  # made by a version whose queries read so
    assert "Deleted filter 2 Broken" in await asker.ask("filter delete 2")


async def test_what_a_query_lacks_is_said():
    asker = await an_asker("Venezuela bond", "Weather")
    said = await asker.ask("filter test venezeula bond")
    assert "Matched none of 2 stories of the last 10 days. That can be right for rare events." in said
    assert "Without venezeula it would match 1." in said
    assert "“venezeula” stands in none of them. Did you mean venezuela?" in said
    assert "“qqq” stands in none of them.\n" in await asker.ask("testfilter qqq")


async def test_what_is_much_is_warned_of_and_what_is_too_much_is_not_saved():
    asker = Asker(a_desk(clock=FakeClock(NOW)))
    stories = [a_story(number, a_document(number, title="Visa")) for number in range(1, 32)]
    await asker.desk.store.commit([some_changes(*stories[:6])])
    assert "That is more than 5 a day" in await asker.ask("filter add visa")
    await asker.desk.store.commit([some_changes(*stories[6:])])
    reply = await asker.reply("filter add visa")
    assert "(31 a day)" in text_of(reply)
    assert (reply.ok, lines_of(reply)) == (False, [])
    assert "That is 31 a day. More than 30 a day are not sent right away" in await asker.ask("filter save visa")
    assert await asker.followed() == []


async def test_a_chat_has_room_for_so_many():
    asker = Asker(a_desk(clock=FakeClock(NOW)))
    for number in range(MAX_SUBSCRIPTIONS):
        await asker.desk.store.follow(HERE, Voice(), f"word{number}", f"{number}", NOW)
    assert "up to 50 things" in await asker.ask("filter save visa")


async def test_anybody_may_search():
    asker = await an_asker(*(f"Haiti bond {number}" for number in range(7)))
    anybody = Asker(asker.desk, may_change=False)
    reply = await anybody.reply("search haiti")
    assert "Matched 7 of 7 stories" in text_of(reply)
    assert text_of(reply).count("Haiti bond") == 5
    assert lines_of(reply) == ["filter save haiti"]
    assert lines_of(await anybody.reply("search weather")) == []
    quoted = text_of(await anybody.reply("search nothing"))
    assert "\nNothing more.\n" in quoted
    assert "\n1. Haiti bond 6" in text_of(await anybody.reply("search NOT weather haiti OR haiti"))
    assert "Only those who may change" in await anybody.ask("filter add haiti")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("filter", "Usage: filter add|test|save|edit|replace|delete. For example: "),
        ("filter haiti", "Usage: filter "),
        ("filter add", "Look for what? For example: "),
        ("search", "Look for what? For example: "),
        ("filter add (haiti", "haiti"),
        ("search topic:tsp", "Did you mean topic:tps?"),
    ],
)
async def test_what_cannot_be_read_is_answered_with_the_next_step(line: str, said: str):
    reply = await Asker(a_desk(clock=FakeClock(NOW))).reply(line)
    assert said in text_of(reply)
    assert not reply.ok


async def test_a_look_ends_where_the_window_does():
    asker = Asker(a_desk(clock=FakeClock(NOW)))
    old = NOW - timedelta(days=40)
    for number in range(1, 45):
        seen = old if number < 43 else NOW
        document = a_document(number, title="Visa", seen_at=seen, claimed_at=None)
        await asker.desk.store.commit([some_changes(a_story(number, document))])
    assert "Matched 2 of 2 stories of the last 1 day" in await asker.ask("search visa")
