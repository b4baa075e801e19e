"""Sending: one request for one attempt, in turn with everything else that is said in the channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.core.model import Chat
from bot.core.speech import Message
from bot.errors import ChatGone, MaybeSent, TokenError, TryLater
from handlers.slack import Slack
from handlers.slack.sockets import Rhythm
from tests.builders import a_document, a_story, an_alert
from tests.fakes.clock import FakeClock
from tests.fakes.door import FakeDoor, until
from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, FakeSlack

NEWS = Chat("slack", "", "C0NEWS")
QUICK = Rhythm(ping=0.05, opening=1.0, absence=0.15)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def slack(clock: FakeClock) -> AsyncIterator[FakeSlack]:
    async with FakeSlack(now=lambda: clock.now().timestamp()) as fake:
        yield fake


@pytest.fixture
async def room(slack: FakeSlack, clock: FakeClock) -> AsyncIterator[Slack]:
    room = Slack(BOT_TOKEN, APP_TOKEN, api_url=slack.api_url, clock=clock, timeout=0.3, rhythm=QUICK)
    yield room
    await room.close()


def message(room: Slack, number: int = 1) -> Message:
    return room.render(an_alert(a_story(lead=a_document(number))), repeat=False, plain=False)


async def test_the_receipt_names_the_message(slack: FakeSlack, room: Slack) -> None:
    receipt = await room.send(NEWS, message(room))
    assert [posted.ts for posted in slack.accepted] == [receipt]
    assert slack.accepted[0].text == "Department announces measure number 1"
    assert "https://newsroom-1.example/news/1" in slack.accepted[0].said


async def test_a_thread_is_answered_in_its_thread(slack: FakeSlack, room: Slack) -> None:
    await room.send(Chat("slack", "", "C0NEWS", "1700000000.000100"), message(room))
    await room.send(NEWS, message(room, 2))
    assert [posted.arguments.get("thread_ts") for posted in slack.accepted] == ["1700000000.000100", None]


async def test_many_messages_keep_every_limit_over_any_window(slack: FakeSlack, room: Slack, clock: FakeClock) -> None:
    """The server notes as a violation what comes within a second of another in its channel."""
    chats = [Chat("slack", "", f"C{number}") for number in range(12)]
    for chat in chats:
        slack.add_channel(chat.id)
    started = clock.now()
    await asyncio.gather(*(room.send(chat, message(room, number)) for chat in chats for number in range(3)))
    times = sorted(posted.at for posted in slack.accepted)
    assert len(times) == 36
    assert all(later - earlier >= 1 for earlier, later in zip(times, times[4:], strict=False))
    assert clock.now() - started <= timedelta(seconds=12)


@pytest.mark.parametrize("loss", ["drop_before_accept", "drop_after_accept", "hang", "garbage"])
async def test_a_lost_answer_is_not_hidden_by_a_second_post(slack: FakeSlack, room: Slack, loss: str) -> None:
    """Slack's library left to itself posts twice."""
    getattr(slack, loss)()
    with pytest.raises(MaybeSent):
        await room.send(NEWS, message(room))
    assert slack.calls["chat.postMessage"] == 1
    await room.send(NEWS, message(room))
    assert slack.calls["chat.postMessage"] == 2


async def test_a_flood_refusal_is_passed_on(slack: FakeSlack, room: Slack) -> None:
    slack.flood("43838")
    with pytest.raises(TryLater) as raised:
        await room.send(NEWS, message(room))
    assert raised.value.after == timedelta(seconds=43838)


async def test_a_channel_that_is_gone_is_named_as_gone(slack: FakeSlack, room: Slack) -> None:
    slack.archive("C0NEWS")
    for chat in (NEWS, Chat("slack", "", "C0NOWHERE")):
        with pytest.raises(ChatGone):
            await room.send(chat, message(room))


async def test_a_post_refused_for_its_token_ends_listening_too(slack: FakeSlack, room: Slack) -> None:
    """Otherwise the room would be out of use for sending, and nobody would ever look whether it is good again."""
    listening = asyncio.create_task(room.listen(FakeDoor()))
    await until(lambda: room.is_connected)
    slack.world.granted.clear()
    with pytest.raises(TokenError, match="slack manifest"):
        await room.send(NEWS, message(room))
    with pytest.raises(TokenError, match="slack manifest"):
        await asyncio.wait_for(listening, 5)
    slack.world.granted.add("chat:write")
    again = asyncio.create_task(room.listen(FakeDoor()))
    await until(lambda: room.is_connected)
    await room.send(NEWS, message(room))
    again.cancel()
    await asyncio.wait([again])
