"""What a chat follows, in the words that people use for it."""

from __future__ import annotations

import pytest

from bot.core.model import Chat
from bot.core.speech import Mark
from tests.builders import a_document, a_story, some_changes
from tests.fakes.asker import TOPICS, Asker, a_desk, lines_of, text_of


@pytest.mark.parametrize(
    ("line", "followed"),
    [
        ("follow tps", [("topic:tps", "TPS")]),
        ("follow TPS", [("topic:tps", "TPS")]),
        ("seguir tps", [("topic:tps", "TPS")]),
        ("follow topic:tps", [("topic:tps", "TPS")]),
        ("follow deportation", [("topic:removal", "Removal")]),
        ('follow "temporary-protected-status"', [("topic:tps", "TPS")]),
        ("follow tps asylum", [("topic:tps", "TPS"), ("topic:asylum", "Asylum")]),
        ("follow tps deportation removal", [("topic:tps", "TPS"), ("topic:removal", "Removal")]),
        ("follow tps venezuela", [("topic:tps AND venezuela", "TPS: venezuela")]),
        ("follow tps Venezuela asylum", [("topic:tps AND venezuela", "TPS: venezuela"), ("topic:asylum", "Asylum")]),
        ("follow tps AND venezuela", [("topic:tps AND venezuela", "TPS: venezuela")]),
        ("follow topic:tps AND venezuela", [("topic:tps AND venezuela", "TPS: venezuela")]),
        ('follow tps "work permit"', [('topic:tps AND "work permit"', 'TPS: "work permit"')]),
        ("follow tps “work permit” haiti", [('topic:tps AND "work permit" AND haiti', 'TPS: "work permit" AND haiti')]),
        ("follow tps haiti OR venezuela", [("topic:tps AND (haiti OR venezuela)", "TPS: haiti OR venezuela")]),
        ("follow tps (haiti OR venezuela)", [("topic:tps AND (haiti OR venezuela)", "TPS: haiti OR venezuela")]),
        ("follow tps -venezuela", [("topic:tps AND NOT venezuela", "TPS: NOT venezuela")]),
        ("follow tps venez*", [("topic:tps AND venez*", "TPS: venez*")]),
    ],
)
async def test_what_follow_understands(line, followed):
    asker = Asker(a_desk())
    reply = await asker.reply(line)
    assert reply.ok, text_of(reply)
    assert await asker.followed() == followed


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("follow", "Follow what?"),
        ("follow tsp", "Did you mean tps?"),
        ("follow deportatoin", "Did you mean removal?"),
        ("follow haiti", "There is no topic haiti."),
        ("follow haiti tps", "There is no topic haiti."),
        ('follow tps "work permit', "closed"),
        ("follow tps haiti OR", "OR"),
        ("follow tps (haiti", "cannot read the words after tps"),
        ("follow tps haiti) OR (asylum-seekers", "they can only narrow it"),
        ("follow tps " + "word " * 60, "200 characters"),
    ],
)
async def test_what_follow_refuses_and_what_it_says(line, says):
    asker = Asker(a_desk())
    reply = await asker.reply(line)
    assert says in text_of(reply)
    assert not reply.ok
    assert await asker.followed() == []


async def test_a_suggestion_can_be_pressed():
    asker = Asker(a_desk())
    suggestion = lines_of(await asker.reply("follow tsp venezuela"))[0]
    assert suggestion == "follow tps venezuela"
    assert (await asker.reply(suggestion)).ok
    assert lines_of(await asker.reply("follow haiti")) == ["topics"]


async def test_a_word_that_nearly_names_a_topic_is_asked_about():
    shown = await Asker(a_desk()).ask("follow tps asilum")
    assert "TPS: asilum" in shown
    assert "If you meant the topic Asylum: follow asylum" in shown


async def test_the_answer_names_it_shows_an_example_and_how_to_undo():
    desk = a_desk()
    asker = Asker(desk, Chat("telegram", "", "1"))
    first = await asker.reply("/follow tps")
    assert "Nothing stored matches yet" in text_of(first)
    documents = [a_document(number, title=f"TPS news {number}") for number in (1, 2)]
    await desk.store.commit([some_changes(*(a_story(n, document) for n, document in enumerate(documents, 1)))])
    reply = await asker.reply("/follow deportation tps venezuela")
    assert "Nothing stored matches" in text_of(reply)
    reply = await asker.reply("/follow tps asylum")
    assert text_of(reply).startswith("This chat follows TPS already.")
    assert "To undo: /unfollow asylum" in text_of(reply)
    assert "Example, the newest match so far: TPS news 2 · Newsroom 1 · " in text_of(reply)
    assert [span.text for span in reply.spans if span.mark is Mark.BOLD] == ["TPS", "Asylum"]
    assert [span.text for span in reply.spans if span.mark is Mark.ITALIC] == ["Example"]
    assert next(span.url for span in reply.spans if span.url) == documents[1].url
    assert lines_of(reply) == ["unfollow tps", "unfollow asylum", "list", "topics"]


async def test_a_chat_follows_at_most_fifty_things():
    asker = Asker(a_desk())
    for number in range(50):
        assert (await asker.reply(f"follow tps word{number}")).ok
    too_many = await asker.reply("follow asylum")
    assert "up to 50" in text_of(too_many)
    assert not too_many.ok
    assert len(await asker.followed()) == 50
    assert (await asker.reply("follow tps word7")).ok  # it is there already
    await asker.ask("unfollow tps word7")
    assert not (await asker.reply("follow asylum removal")).ok  # one place is not enough for two
    assert (await asker.reply("follow asylum")).ok


async def test_a_query_too_long_for_a_button_is_dropped_by_its_number():
    asker = Asker(a_desk())
    words = " ".join(f"longword{number}" for number in range(12))
    reply = await asker.reply(f"follow tps {words}")
    (query, label), *_ = await asker.followed()
    assert len(label) <= 64
    assert label.endswith("…")
    (subscription,) = await asker.desk.store.subscriptions(asker.chat)
    assert lines_of(reply)[0] == f"unfollow {subscription.id}"
    listed = await asker.reply("list")
    assert lines_of(listed) == [f"unfollow {subscription.id}"]
    await asker.ask("follow asylum")
    dropped = await asker.reply(f"unfollow {subscription.id}")
    assert f"Stopped following {label}." in text_of(dropped)
    assert f"To undo: follow {query.removeprefix('topic:')}" in text_of(dropped)
    assert await asker.followed() == [("topic:asylum", "Asylum")]


@pytest.mark.parametrize(("letters", "by_number"), [(45, False), (46, True)])
async def test_a_button_takes_62_bytes_and_the_room_adds_two(letters, by_number):
    asker = Asker(a_desk())
    line = lines_of(await asker.reply(f"follow tps {'x' * letters}"))[0]
    assert line == ("unfollow 1" if by_number else f"unfollow tps AND {'x' * letters}")


@pytest.mark.parametrize(
    "line",
    ["unfollow tps venezuela", "unfollow topic:tps AND venezuela", "unfollow tps AND venezuela", "dejar tps Venezuela"],
)
async def test_unfollow_understands_what_follow_does(line):
    asker = Asker(a_desk())
    await asker.ask("follow tps venezuela asylum")
    reply = await asker.reply(line)
    assert reply.ok
    assert await asker.followed() == [("topic:asylum", "Asylum")]
    undo = lines_of(reply)[0]
    assert (await asker.reply(undo)).ok
    assert ("topic:tps AND venezuela", "TPS: venezuela") in await asker.followed()


async def test_several_are_dropped_at_once():
    asker = Asker(a_desk())
    await asker.ask("follow tps asylum removal")
    assert "Stopped following TPS." in await asker.ask("unfollow tps deportation")
    assert await asker.followed() == [("topic:asylum", "Asylum")]


@pytest.mark.parametrize("line", ["unfollow tps", "unfollow 99", "unfollow (", "unfollow asylum haiti"])
async def test_what_is_not_followed_cannot_be_dropped(line):
    asker = Asker(a_desk())
    await asker.ask("follow tps venezuela")
    reply = await asker.reply(line)
    assert not reply.ok
    assert len(await asker.followed()) == 1


async def test_a_wrong_word_in_unfollow_gets_a_suggestion():
    asker = Asker(a_desk())
    await asker.ask("follow tps")
    assert lines_of(await asker.reply("unfollow tsp"))[0] == "unfollow tps"


async def test_unfollow_alone_shows_what_there_is():
    asker = Asker(a_desk())
    await asker.ask("follow tps")
    reply = await asker.reply("unfollow")
    assert lines_of(reply) == ["unfollow tps"]
    assert not reply.ok


async def test_unfollowing_everything_asks_first():
    asker = Asker(a_desk())
    await asker.ask("follow tps asylum")
    asked = await asker.reply("unfollow all")
    assert "2 subscriptions" in text_of(asked)
    assert len(await asker.followed()) == 2
    await asker.ask(lines_of(asked)[0])
    assert await asker.followed() == []


async def test_forgetting_asks_first_and_then_deletes_everything():
    asker = Asker(a_desk())
    await asker.ask("follow tps")
    for line in ("forget", "forget no", "forget yes please"):
        asked = await asker.reply(line)
        assert lines_of(asked) == ["forget yes"]
        assert len(await asker.followed()) == 1
    assert "deleted" in await asker.ask("forget yes")
    assert await asker.followed() == []
    assert "follows nothing" in await asker.ask("list")


async def test_the_list_names_each_with_the_line_that_drops_it():
    asker = Asker(a_desk(), Chat("slack", "", "C1"))
    empty = await asker.reply("list")
    assert "/policybell follow tps" in text_of(empty)
    await asker.ask("follow tps venezuela asylum")
    shown = await asker.reply("filters")
    assert "follows 2 things" in text_of(shown)
    assert "TPS: venezuela · /policybell unfollow tps AND venezuela\n" in text_of(shown)
    assert lines_of(shown) == ["unfollow tps AND venezuela", "unfollow asylum"]


async def test_topics_are_shown_with_what_pressing_them_does():
    asker = Asker(a_desk())
    await asker.ask("follow asylum")
    shown = await asker.reply("topics")
    assert all(topic.name in text_of(shown) and topic.id in text_of(shown) for topic in TOPICS)
    assert text_of(shown).count("followed") == 1
    assert lines_of(shown) == ["follow tps", "follow removal", "unfollow asylum", "follow visas"]
    assert len((await Asker(a_desk(topics=())).reply("topics")).choices) == 0


async def test_where_nothing_is_followed_nothing_is_dropped():
    reply = await Asker(a_desk()).reply("unfollow all")
    assert text_of(reply) == "This chat follows nothing."
    assert lines_of(reply) == ["topics"]
