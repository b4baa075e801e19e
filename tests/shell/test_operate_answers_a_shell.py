from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.cli.looking import sources
from bot.commands import Desk, answer
from bot.commands.steering import STEERS
from bot.control import SOCKET_NAME, Answered, ControlServer, ask
from bot.core.alarms import Alarm, Severity
from bot.core.chats import read_chat
from bot.core.model import Changes, Chat, Delivery, DeliveryState, Topic, Voice
from bot.core.outcome import Refused
from bot.core.plan import delivery_id
from bot.core.speech import Call, Reply, Span
from bot.operate import SHELL, operate, plain
from bot.ports.oversight import Audited
from bot.store.memory import MemoryStore
from tests.builders import (
    NOW,
    a_chat,
    a_cursor,
    a_document,
    a_source,
    a_story,
    a_verdict,
    a_why,
    an_alert,
    some_changes,
)
from tests.fakes.clock import FakeClock

TOPICS = (Topic("tps", "Temporary Protected Status", 'tps OR "temporary protected status"', ("protected",)),)


@pytest.fixture
async def desk():
    store = MemoryStore()
    sources = (a_source(1), a_source(2), a_source(3))
    await store.register(sources)
    yield Desk(store, TOPICS, sources, (("page-1", "A page", "pages are not read yet"),), Voice(), FakeClock(NOW))
    await store.close()


async def asked(desk: Desk, *argv: str) -> Answered:
    return await operate(desk, partial(answer, desk), argv)


async def data(desk: Desk, *argv: str) -> Any:
    answered = await asked(desk, *argv)
    assert answered.ok, answered
    return json.loads(answered.text)


async def test_following_for_a_chat_is_what_the_chat_would_have_typed(desk: Desk) -> None:
    answered = await asked(desk, "follow", "telegram:-100123", "tps", "venezuela")
    assert answered.exit == 0
    assert "Following" in answered.text
    held = await desk.store.subscriptions(Chat("telegram", "", "-100123"))
    assert [one.query for one in held] == ["topic:tps AND venezuela"]
    assert (await asked(desk, "unfollow", "telegram:-100123", "all", "yes")).exit == 0
    assert await desk.store.subscriptions(Chat("telegram", "", "-100123")) == ()


async def test_a_topic_that_does_not_exist_is_refused_with_a_suggestion(desk: Desk) -> None:
    answered = await asked(desk, "follow", "telegram:1", "tpss")
    assert (answered.ok, answered.exit) == (False, 1)
    assert "Did you mean tps?" in answered.text


@pytest.mark.parametrize(
    ("chat", "sentence"),
    [
        ("telegram", "is not a chat"),
        ("telgram:1", "is not a platform. Those there are: telegram, slack, web, console."),
        ("telegram:@channel", "A Telegram chat is a number"),
    ],
)
async def test_what_is_no_chat_is_wrong_use(desk: Desk, chat: str, sentence: str) -> None:
    for argv in (("follow", chat, "tps"), ("unfollow", chat, "tps"), ("why", "1", chat)):
        answered = await asked(desk, *argv)
        assert (answered.ok, answered.exit) == (False, 2)
        assert sentence in answered.text


@pytest.mark.parametrize("text", ["telegram:-1001234", "telegram:-100#5", "slack:T1/C0123", "slack:C0123", "web:local"])
def test_chats_are_read_as_people_write_them(text: str) -> None:
    assert str(read_chat(text)) == text


async def test_sources_say_how_they_are_doing(desk: Desk) -> None:
    good = a_cursor(1, last_success_at=NOW, next_poll_at=NOW, last_new_at=NOW)
    bad = a_cursor(2, failures=3, last_error="HTTP 503")
    await desk.store.commit([Changes(good), Changes(bad)])
    listed = await data(desk, "sources", "list")
    assert [(row["id"], row["state"], row["why"]) for row in listed] == [
        ("source-1", "ok", ""),
        ("source-2", "failing", "HTTP 503"),
        ("source-3", "not polled", ""),
        ("page-1", "not yet", "pages are not read yet"),
    ]
    shown = await data(desk, "sources", "show", "source-1")
    assert shown == listed[0]
    assert shown["last_success_at"] == NOW.isoformat()
    assert await asked(desk, "sources", "show", "source-9") == Answered(
        "There is no source source-9. See `policybell sources list`.", ok=False, exit=1
    )


async def filled(desk: Desk) -> Delivery:
    """Store one story and one alert of it that waits."""
    chat, story = a_chat(), a_story()
    await desk.store.follow(chat, Voice(), "topic:tps", "TPS", NOW)
    (query,) = (await desk.store.queries_since(0)).added
    alert = an_alert(story, chat, why=(a_why(query.id, "TPS"),))
    row = Delivery(delivery_id(chat, story.number, story.lead.id), alert, NOW)
    await desk.store.commit([some_changes(story, deliveries=[row])])
    return row


async def test_the_outbox_is_listed_shown_discarded_and_retried(desk: Desk) -> None:
    assert await data(desk, "outbox", "list") == []
    row_id = (await filled(desk)).id
    rows = await data(desk, "outbox", "list")
    assert [(row["id"], row["state"]) for row in rows] == [(row_id, "pending")]
    assert await data(desk, "outbox", "show", row_id) == rows[0]
    assert (await asked(desk, "outbox", "discard", row_id)).exit == 0
    assert (await data(desk, "outbox", "show", row_id))["state"] == DeliveryState.CANCELLED
    assert await data(desk, "outbox", "list") == []
    assert (await asked(desk, "outbox", "retry", row_id)).exit == 0
    assert len(await data(desk, "outbox", "list")) == 1
    for verb in ("show", "retry", "discard"):
        answered = await asked(desk, "outbox", verb, "no-such")
        assert (answered.ok, answered.exit) == (False, 1)


async def test_a_retry_that_would_not_be_sent_is_a_failure_in_words(desk: Desk) -> None:
    row = await filled(desk)
    await desk.store.unfollow(row.chat, None, NOW)
    answered = await asked(desk, "outbox", "retry", row.id)
    assert (answered.ok, answered.exit) == (False, 1)
    assert "Not put back" in answered.text
    assert await data(desk, "outbox", "list") == []


async def test_why_names_the_story_its_decisions_and_the_row(desk: Desk) -> None:
    row = await filled(desk)
    by_number = await data(desk, "why", str(row.alert.story.number), str(row.chat))
    assert by_number["story"] == {
        "number": row.alert.story.number,
        "title": row.alert.story.lead.title,
        "url": row.alert.story.lead.url,
    }
    assert by_number["decisions"]
    assert by_number["text"]
    assert by_number["delivery"]["id"] == row.id
    by_url = await data(desk, "why", row.alert.story.lead.url, "console:local")
    assert by_url["story"] == by_number["story"]
    assert by_url["delivery"] is None
    unknown = await asked(desk, "why", "999", "console:local")
    assert (unknown.ok, unknown.exit) == (False, 1)


async def test_a_source_is_paused_from_the_shell_and_shown_so(desk: Desk) -> None:
    assert "is paused" in (await asked(desk, "sources", "pause", "source-1")).text
    assert (await data(desk, "sources", "show", "source-1"))["state"] == "paused"
    assert (await asked(desk, "sources", "pause", "source-1")).exit == 1
    assert (await asked(desk, "sources", "resume", "source-1")).exit == 0
    assert (await data(desk, "sources", "show", "source-1"))["paused_at"] is None
    assert (await asked(desk, "sources", "poll", "source-1")).exit == 0


@pytest.mark.parametrize("word", STEERS)
async def test_every_word_that_steers_a_source_is_known_to_the_shell(desk: Desk, word: str) -> None:
    typed = await answer(desk, Call("sources", (word, "source-9"), SHELL, may_change=True, is_operator=True))
    assert await asked(desk, "sources", word, "source-9") == Answered(plain(typed), ok=False, exit=1)
    assert "There is no source source-9" in plain(typed)


async def test_a_running_bot_and_the_command_line_know_every_word_that_steers(desk: Desk, tmp_path: Path) -> None:
    assert set(STEERS) <= set(sources.commands)
    server = ControlServer(tmp_path / SOCKET_NAME, partial(operate, desk, partial(answer, desk)))
    await server.start()
    for word in STEERS:
        answered = await asyncio.to_thread(ask, tmp_path / SOCKET_NAME, ["sources", word, "source-9"])
        assert answered == await asked(desk, "sources", word, "source-9")
    await server.close()


async def test_a_source_is_read_where_its_redirects_lead_once_the_shell_says_so(desk: Desk) -> None:
    assert "redirects nowhere" in (await asked(desk, "sources", "move", "source-1")).text
    moved = a_cursor(1, last_success_at=NOW, moved_to="https://moved.example/feed", moved_since=NOW, moved_polls=1)
    await desk.store.commit([Changes(moved)])
    told = await asked(desk, "sources", "move", "source-1")
    assert (told.exit, told.text) == (
        0,
        "Newsroom 1 is read at moved.example from now on. Another `url` in bot.toml would win.",
    )


async def test_what_is_held_of_a_source_is_settled_from_the_shell(desk: Desk) -> None:
    for word in ("release", "discard"):
        assert (await asked(desk, "sources", word, "source-1")).exit == 1
    held = a_verdict(a_document(1), matches=(), held=True)
    await desk.store.commit([Changes(a_cursor(last_success_at=NOW), (held,))])
    (flood,) = await desk.store.floods()
    shown = await data(desk, "sources", "show", "source-1")
    assert (shown["state"], shown["held"], shown["held_since"]) == ("held", 1, flood.since.isoformat())
    assert "1 item is held back since" in shown["sentence"]
    for word in ("release", "discard"):
        assert (await asked(desk, "sources", word, "source-1")).text.startswith("1 item ")
    assert await desk.store.floods() == ()
    shown = await data(desk, "sources", "show", "source-1")
    assert (shown["state"], shown["held"], shown["held_since"]) == ("ok", 0, None)


async def test_alarms_are_data(desk: Desk) -> None:
    assert await data(desk, "alarms") == []
    disk = Alarm("disk", Severity.URGENT, "The disk is nearly full.", "Make room.", since=NOW)
    (shown,) = await data(replace(desk, alarms=lambda: (disk,)), "alarms")
    assert (shown["severity"], shown["since"]) == ("urgent", NOW.isoformat())


async def test_what_operators_did_is_data_the_latest_first(desk: Desk) -> None:
    assert await data(desk, "audit") == []
    for number in range(2):
        await desk.store.note(Audited(NOW, "shell", "sources", f"pause source-{number}", "done"))
    assert [row["args"] for row in await data(desk, "audit")] == ["pause source-1", "pause source-0"]


async def test_a_talk_is_a_chat_like_any_other(desk: Desk) -> None:
    assert "Following" in (await asked(desk, "say", "/follow tps")).text
    assert (await asked(desk, "say", "nonsense")).ok is False


@pytest.mark.parametrize("argv", [(), ("dance",), ("outbox",), ("sources", "dance", "x"), ("follow",)])
async def test_an_unknown_request_is_wrong_use(desk: Desk, argv: tuple[str, ...]) -> None:
    answered = await asked(desk, *argv)
    assert (answered.ok, answered.exit) == (False, 2)


def test_replies_are_plain_text_without_control_characters() -> None:
    reply = Reply((Span("a\x1b[31m "), Span("title\x07", url="https://example.org/"), Span("\n")))
    assert plain(reply) == "a[31m title <https://example.org/>"


async def test_deliveries_are_paused_and_resumed(desk: Desk) -> None:
    assert await data(desk, "outbox", "paused") == {}
    assert "Paused: telegram" in (await asked(desk, "outbox", "pause", "telegram")).text
    assert await data(desk, "outbox", "paused") == {"telegram": NOW.isoformat()}
    assert (await asked(desk, "outbox", "pause", "nothing")).exit == 1
    assert (await asked(desk, "outbox", "resume")).exit == 0
    assert (await asked(desk, "outbox", "pause")).exit == 0
    assert len(await data(desk, "outbox", "paused")) == 4
    assert (await asked(desk, "outbox", "explode")).exit == 2


async def test_a_dead_row_is_shown_with_its_reason_its_body_and_how_to_send_it_again(desk: Desk) -> None:
    row = await filled(desk)
    for reason in ("bad markup", "bad text"):
        (claimed,) = await desk.store.claim(NOW, limit=1, platforms=["telegram"], lease=timedelta(minutes=5))
        await desk.store.settle(claimed, Refused(NOW, reason, f"hash of {reason}"), NOW)
    shown = await data(desk, "outbox", "show", row.id)
    assert (shown["state"], shown["last_error"]) == ("dead", "bad text")
    assert shown["refused_body"] == "hash of bad text"
    assert shown["to_send_again"] == f"policybell outbox retry {row.id}"


async def test_why_finds_the_row_of_a_chat_that_has_moved(desk: Desk) -> None:
    row = await filled(desk)
    await desk.store.move(row.chat, a_chat(9), NOW)
    for chat in (row.chat, a_chat(9)):
        assert (await data(desk, "why", "1", str(chat)))["delivery"]["id"] == row.id
