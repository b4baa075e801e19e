"""Privacy in words, in full, and away."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import answer
from bot.commands.kept import page_of
from bot.core.model import Chat
from bot.core.speech import Call
from handlers.slack import render as slack
from handlers.telegram import render as telegram
from tests.builders import a_story, a_why
from tests.fakes.asker import HERE, Asker, a_desk, lines_of, text_of
from tests.storing import publish

TELEGRAM = Chat("telegram", "", "1")


@pytest.mark.parametrize(
    ("platform", "says"),
    [("telegram", "not end-to-end encrypted: Telegram can read"), ("slack", "Slack and the owners of this workspace"),
     ("web", "stays on the machine"), ("console", "stays on the machine")],
)  # fmt: skip
async def test_the_notice_says_what_is_kept_who_sees_what_and_what_the_law_could_obtain(platform, says):
    reply = await Asker(a_desk(), Chat(platform, "", "1"), may_change=False).reply("privacy")
    shown = text_of(reply)
    assert says in shown
    for word in ("time zone", "follows", "sent when", "Not kept: names", "compel", "backups", "mydata", "forget"):
        assert word in shown
    assert lines_of(reply) == ["mydata", "forget"]


async def test_everything_kept_is_given_as_json():
    asker = Asker(a_desk(), TELEGRAM)
    assert await asker.ask("mydata") == "Nothing is kept about this chat."
    await asker.ask("follow tps venezuela")
    await asker.ask("timezone pacific")
    await asker.ask("mute tps venezuela 24h")
    await publish(asker.desk.store, a_story(1))
    reply = await asker.reply("mydata")
    kept = json.loads(text_of(reply))
    assert [chat["zone"] for chat in kept["chats"]] == ["America/Los_Angeles"]
    assert [query["text"] for query in kept["queries"]] == ["topic:tps AND venezuela"]
    assert kept["subscriptions"][0]["label"] == "TPS: venezuela"
    assert kept["subscriptions"][0]["muted_until"] == "2026-11-25T12:00:00.000000Z"
    assert kept["deliveries"][0]["story"] == 1
    assert lines_of(reply) == ["forget"]


async def test_much_is_given_on_pages_that_are_whole_and_hold_everything():
    asker = Asker(a_desk())
    await asker.ask("follow tps")
    for number in range(1, 41):
        await publish(asker.desk.store, a_story(number))
    whole = await asker.desk.store.kept(HERE)
    reply = await asker.reply("mydata")
    rows: list[object] = []
    for page in range(1, 99):
        shown = json.loads(text_of(reply))
        assert shown["page"] == page
        assert len(text_of(reply)) < 4_000
        rows += shown.get("deliveries", [])
        if page == shown["pages"]:
            break
        assert reply.choices[0].label == f"Next: {page + 1} of {shown['pages']}"
        reply = await asker.reply(lines_of(reply)[0])
    assert rows == json.loads(json.dumps(whole["deliveries"]))
    assert len(rows) == 40
    assert await asker.ask("mydata 99999") == text_of(reply)
    assert await asker.ask("mydata 0") == await asker.ask("mydata")
    assert "Which page?" in await asker.ask("mydata all")


async def test_a_row_too_long_for_a_page_has_one_of_its_own():
    long = {"why": "x" * 5_000}
    assert [page_of({"deliveries": [{"id": 1}, long, {"id": 2}]}, number)[2] for number in (1, 2, 3)] == [3, 3, 3]
    assert page_of({"deliveries": [long]}, 1)[1:] == (1, 1)


async def test_one_chat_is_given_nothing_of_another():
    desk = a_desk()
    mine, theirs = Asker(desk, TELEGRAM), Asker(desk, Chat("telegram", "", "2"))
    await mine.ask("follow tps venezuela")
    await theirs.ask("follow asylum")
    await publish(desk.store, a_story(1))
    assert "venezuela" not in await theirs.ask("mydata")
    assert len(json.loads(await theirs.ask("mydata"))["deliveries"]) == 1
    assert a_why().label not in await theirs.ask("mydata")


async def test_forget_says_what_goes_and_nothing_is_left():
    asker = Asker(a_desk())
    assert "what it follows, its time zone and pauses" in await asker.ask("forget")
    await asker.ask("follow tps asylum")
    await asker.ask("timezone pacific")
    asked = await asker.reply("forget")
    assert "the 2 things it follows, its time zone and pauses, and the list of what it was sent" in text_of(asked)
    assert lines_of(asked) == ["forget yes"]
    assert "deleted" in await asker.ask(lines_of(asked)[0])
    assert await asker.ask("mydata") == "Nothing is kept about this chat."
    assert await asker.desk.store.preferences(HERE) is None


async def test_forget_in_a_topic_speaks_of_the_topic_and_elsewhere_in_a_group_of_all_topics():
    desk = a_desk()
    group, topic = Asker(desk, Chat("telegram", "", "-1")), Asker(desk, Chat("telegram", "", "-1", "7"))
    for asker in (group, topic, Asker(desk, Chat("telegram", "", "-1", "8"))):
        await asker.ask("follow tps")
    asked = await topic.ask("forget")
    assert "kept about this topic:" in asked
    assert "each of them" not in asked
    assert (await topic.ask("forget yes")).startswith("Everything kept about this topic is deleted.")
    assert (await desk.store.census()).chats == 2
    assert "kept about this chat:" in await group.ask("forget")
    assert "If it has topics, the same goes for each of them." in await group.ask("forget")
    assert (await group.ask("forget yes")).startswith("Everything kept about this chat is deleted.")
    assert (await desk.store.census()).chats == 0


async def test_forget_speaks_of_no_topics_where_there_are_none():
    call = Call("forget", (), TELEGRAM, may_change=True, in_private=True)
    assert "topics" not in text_of(await answer(a_desk(), call))
    assert "topics" not in await Asker(a_desk(), Chat("slack", "T1", "C1")).ask("forget")


async def test_a_page_is_one_message_in_every_room():
    asker = Asker(a_desk(), TELEGRAM)
    for line in ("follow tps", "follow asylum", "follow removal haiti"):
        await asker.ask(line)
    for number in range(1, 31):
        await publish(asker.desk.store, a_story(number))
    for number in range(1, 9):
        reply = await asker.reply(f"mydata {number}")
        assert len(telegram.reply(reply)) == len(slack.pages(reply)) == 1
        (message,) = telegram.reply(reply)
        assert json.loads(message.text) == json.loads(text_of(reply))


@given(st.dictionaries(st.text(), st.text() | st.lists(st.integers() | st.text()) | st.none(), max_size=9))
def test_whatever_is_kept_is_laid_out_as_json_that_reads_back(row):
    text, _, _ = page_of({"chats": [row]}, 1)
    assert json.loads(text) == {"chats": [row]}
