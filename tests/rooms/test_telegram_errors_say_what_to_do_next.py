"""Recorded answers of the Bot API, and what each means, driven through the real library over real sockets.

Texts: tdlib/telegram-bot-api, Client.cpp and ClientManager.cpp; those in capitals are MTProto's own, passed on.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from traceback import format_exception

import pytest

from bot.core.model import Chat
from bot.core.speech import Message
from bot.errors import BadMessage, ChatGone, ChatMoved, MaybeSent, SendError, TokenError, TryLater
from handlers.telegram.client import Client
from tests.fakes.telegram import TOKEN, FakeTelegram, Fault, Kind, answer, refusal

HELLO = Message("hello", {"text": "<b>hello</b>", "parse_mode": "HTML"})
ANA = Chat("telegram", "", "7")
FORUM_TOPIC = Chat("telegram", "", "-1001", "5")


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as telegram:
        telegram.world.add_private(7)
        yield telegram


@pytest.fixture
async def client(telegram: FakeTelegram) -> AsyncIterator[Client]:
    client = Client(TOKEN, telegram.api_url, answer_seconds=0.3)
    yield client
    await client.close()


def bad(words: str) -> Fault:
    return refusal(400, f"Bad Request: {words}")


REFUSALS: list[tuple[Fault, type[SendError | TokenError]]] = [
    # the message itself
    (bad('can\'t parse entities: Unsupported start tag "p" at byte offset 0'), BadMessage),
    (bad("can't parse entities: Can't find end tag corresponding to start tag \"b\""), BadMessage),
    (bad("message text is empty"), BadMessage),
    (bad("text must be non-empty"), BadMessage),
    (bad("message is too long"), BadMessage),
    (bad("text is too long"), BadMessage),
    (bad("unsupported parse_mode"), BadMessage),
    (bad("BUTTON_DATA_INVALID"), BadMessage),
    (bad("BUTTON_URL_INVALID"), BadMessage),
    (bad("inline keyboard button URL 'http://localhost/' is invalid: Wrong HTTP URL"), BadMessage),
    (bad("ENTITY_BOUNDS_INVALID"), BadMessage),
    (bad("reply markup is too long"), BadMessage),
    (bad("something that nobody has seen before"), BadMessage),
    (answer(400, ""), BadMessage),
    (answer(400, "[]"), BadMessage),
    (refusal(402, "PAYMENT_REQUIRED"), BadMessage),
    (refusal(405, "Method Not Allowed"), BadMessage),
    (refusal(413, "Request Entity Too Large"), BadMessage),
    (answer(413, "<html>413</html>"), BadMessage),
    (refusal(418, "I'm a teapot"), BadMessage),
    # the chat
    (refusal(403, "Forbidden: bot was blocked by the user"), ChatGone),
    (refusal(403, "Forbidden: user is deactivated"), ChatGone),
    (refusal(403, "Forbidden: bot can't initiate conversation with a user"), ChatGone),
    (refusal(403, "Forbidden: bot can't send messages to bots"), ChatGone),
    (refusal(403, "Forbidden: bot was kicked from the group chat"), ChatGone),
    (refusal(403, "Forbidden: bot was kicked from the supergroup chat"), ChatGone),
    (refusal(403, "Forbidden: bot was kicked from the channel chat"), ChatGone),
    (refusal(403, "Forbidden: bot is not a member of the supergroup chat"), ChatGone),
    (refusal(403, "Forbidden: the group chat was deleted"), ChatGone),
    (bad("chat not found"), ChatGone),
    (bad("private chat not found"), ChatGone),
    (bad("PEER_ID_INVALID"), ChatGone),
    (bad("CHAT_WRITE_FORBIDDEN"), ChatGone),
    (bad("CHAT_RESTRICTED"), ChatGone),
    (bad("CHAT_ADMIN_REQUIRED"), ChatGone),
    (bad("CHANNEL_PRIVATE"), ChatGone),
    (bad("USER_BANNED_IN_CHANNEL"), ChatGone),
    (bad("TOPIC_CLOSED"), ChatGone),
    (bad("have no rights to send a message"), ChatGone),
    (bad("not enough rights to send text messages to the chat"), ChatGone),
    (bad("need administrator rights in the channel chat"), ChatGone),
    (bad("message thread not found"), ChatGone),  # nothing was said of a thread
    (refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-1009), ChatMoved),
    # all of it
    (refusal(401, "Unauthorized"), TokenError),
    (refusal(401, "Unauthorized: invalid token specified"), TokenError),
    (refusal(404, "Not Found"), TokenError),
    (answer(404, "<html>404</html>"), TokenError),
    (refusal(409, "Conflict: terminated by setWebhook request"), TokenError),
    # not now
    (refusal(429, "Too Many Requests: retry after 5", retry_after=5), TryLater),
    (refusal(429, "Too Many Requests: retry after 43838", retry_after=43838), TryLater),
    (refusal(429, "Too Many Requests"), TryLater),
    (answer(429, "slow down"), TryLater),
    (answer(302, ""), TryLater),
    # nobody knows
    (refusal(500, "Internal Server Error: sent message was immediately deleted and can't be returned"), MaybeSent),
    (refusal(500, "Internal Server Error: Request aborted"), MaybeSent),
    (refusal(502, "Bad Gateway"), MaybeSent),
    (answer(502, "<html><center>nginx</center></html>"), MaybeSent),
    (answer(503, ""), MaybeSent),
    (answer(504, "<html>504</html>"), MaybeSent),
    (answer(520, "unknown"), MaybeSent),
    (answer(200, "<html>a login page</html>"), MaybeSent),
    (answer(200, ""), MaybeSent),
    (answer(200, "[]"), MaybeSent),
    (answer(200, '{"ok":true}'), MaybeSent),
    (answer(200, '{"ok":true,"result":true}'), MaybeSent),
    (answer(200, '{"ok":true,"result":{"message_id":1}}'), MaybeSent),
    (answer(200, b'{"ok":true,"result":"\xff'.decode("latin-1")), MaybeSent),
]


@pytest.mark.parametrize(("fault", "meant"), REFUSALS, ids=lambda value: str(getattr(value, "body", value))[:90])
async def test_each_recorded_answer_has_one_meaning(
    telegram: FakeTelegram, client: Client, fault: Fault, meant: type[SendError | TokenError]
) -> None:
    telegram.plan("sendMessage", fault)
    with pytest.raises((SendError, TokenError)) as caught:
        await client.send(ANA, HELLO)
    assert type(caught.value) is meant
    assert telegram.calls["sendMessage"] == 1  # no library of ours repeats a request
    assert TOKEN not in "".join(format_exception(caught.value))


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(REFUSALS) >= 40


@pytest.mark.parametrize(
    ("kind", "accepted"),
    [(Kind.DROP_BEFORE, 0), (Kind.DROP_AFTER, 1), (Kind.CUT, 1), (Kind.GARBAGE, 1), (Kind.HANG, 1)],
)
async def test_a_lost_answer_means_that_nobody_knows(
    telegram: FakeTelegram, client: Client, kind: Kind, accepted: int
) -> None:
    telegram.plan("sendMessage", Fault(kind))
    with pytest.raises(MaybeSent):
        await client.send(ANA, HELLO)
    assert telegram.calls["sendMessage"] == 1
    assert len(telegram.accepted) == accepted


async def test_a_server_that_cannot_be_reached_took_nothing(telegram: FakeTelegram, client: Client) -> None:
    await telegram.stop()
    with pytest.raises(TryLater, match="could not be reached"):
        await client.send(ANA, HELLO)
    await telegram.start()
    assert await client.send(ANA, HELLO)


async def test_the_platform_s_wish_is_passed_on(telegram: FakeTelegram, client: Client) -> None:
    telegram.plan("sendMessage", refusal(429, "Too Many Requests: retry after 43838", retry_after=43838))
    with pytest.raises(TryLater) as caught:
        await client.send(ANA, HELLO)
    assert caught.value.after == timedelta(seconds=43838)


async def test_a_chat_that_moved_says_where_to(telegram: FakeTelegram, client: Client) -> None:
    group = telegram.world.add_group(kind="group")
    new = telegram.world.upgrade_group(group, told=False)
    with pytest.raises(ChatMoved) as caught:
        await client.send(Chat("telegram", "", str(group)), HELLO)
    assert caught.value.to == Chat("telegram", "", str(new))


async def test_a_lost_topic_of_a_forum_moves_to_the_forum_itself(telegram: FakeTelegram, client: Client) -> None:
    group = telegram.world.add_group(topics=[5])
    await client.send(Chat("telegram", "", str(group), "5"), HELLO)
    assert telegram.accepted[-1].thread == 5
    telegram.world.rooms[group].topics.clear()
    with pytest.raises(ChatMoved) as caught:
        await client.send(Chat("telegram", "", str(group), "5"), HELLO)
    assert caught.value.to == Chat("telegram", "", str(group))


async def test_a_chat_that_cannot_exist_is_gone_without_a_request(telegram: FakeTelegram, client: Client) -> None:
    for written in ("ana", "12three", ""):
        with pytest.raises(ChatGone):
            await client.send(Chat("telegram", "", written), HELLO)
    assert telegram.calls["sendMessage"] == 0


async def test_a_sentence_repeats_no_body_that_is_not_telegram_s(telegram: FakeTelegram, client: Client) -> None:
    telegram.fail_next(502, "<html>chat 7 and the text of a message</html>")
    telegram.fail_next(502, json.dumps({"description": "x" * 5_000}))
    for _ in range(2):
        with pytest.raises(MaybeSent) as caught:
            await client.send(ANA, HELLO)
        assert "html" not in str(caught.value)
        assert len(str(caught.value)) <= 200


async def test_a_repeat_makes_no_sound(telegram: FakeTelegram, client: Client) -> None:
    await client.send(ANA, replace(HELLO, silent=True))
    assert telegram.accepted[-1].silent
    telegram.world.add_private(8)
    await client.send(Chat("telegram", "", "8"), HELLO)
    assert not telegram.accepted[-1].silent


async def test_no_proxy_is_used_that_nobody_configured_here(telegram: FakeTelegram) -> None:
    """In a process of its own, whose environment names proxies at which nobody listens."""
    dead = "http://127.0.0.1:9"
    script = (
        "import asyncio, sys; from handlers.telegram.client import Client; "
        "print(asyncio.run(Client(sys.argv[1], sys.argv[2]).me()).username)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        TOKEN,
        telegram.api_url,
        env={"PATH": os.environ["PATH"], "HTTP_PROXY": dead, "http_proxy": dead, "ALL_PROXY": dead},
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert said.decode().strip() == telegram.username
