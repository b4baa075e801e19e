"""The test server refuses what Telegram refuses. A fake that lets things pass proves nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.request import urlopen

import aiohttp
import pytest

from tests.fakes.door import until
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.threads import in_thread


class Caller:
    """Somebody who speaks plain HTTP to the server."""

    def __init__(self, telegram: FakeTelegram, session: aiohttp.ClientSession) -> None:
        self.telegram = telegram
        self.session = session

    async def ask(self, method: str, token: str = TOKEN, **arguments: object) -> tuple[int, str]:
        form = {key: value if isinstance(value, str) else json.dumps(value) for key, value in arguments.items()}
        async with self.session.post(f"{self.telegram.api_url}/bot{token}/{method}", data=form) as answer:
            body = await answer.json()
            return answer.status, body.get("description", "")


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with FakeTelegram() as telegram, aiohttp.ClientSession() as session:
        telegram.world.add_private(7)
        yield Caller(telegram, session)
        telegram.violations.clear()  # these tests provoke them


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        ({"text": "hello"}, "chat_id is empty"),
        ({"chat_id": 5, "text": "hello"}, "chat not found"),
        ({"chat_id": 7}, "message text is empty"),
        ({"chat_id": 7, "text": " \n "}, "text must be non-empty"),
        ({"chat_id": 7, "text": "<b></b>", "parse_mode": "HTML"}, "text must be non-empty"),
        ({"chat_id": 7, "text": "a < b", "parse_mode": "HTML"}, "can't parse entities: Unsupported start tag"),
        ({"chat_id": 7, "text": "<p>a</p>", "parse_mode": "HTML"}, 'Unsupported start tag "p" at byte offset 0'),
        ({"chat_id": 7, "text": "<b>a", "parse_mode": "HTML"}, "Can't find end tag corresponding to start tag"),
        ({"chat_id": 7, "text": "a", "parse_mode": "RTF"}, "unsupported parse_mode"),
        ({"chat_id": 7, "text": "x" * 4_097}, "message is too long"),
        ({"chat_id": 7, "text": "😀" * 2_049}, "message is too long"),
        ({"chat_id": 7, "text": "<b></b>" * 5_000, "parse_mode": "HTML"}, "text is too long"),
        ({"chat_id": 7, "text": "a", "message_thread_id": 5}, "message thread not found"),
        ({"chat_id": 7, "text": "a", "reply_markup": {"inline_keyboard": [[{"text": "a"}]]}}, "BUTTON_DATA_INVALID"),
        (
            {
                "chat_id": 7,
                "text": "a",
                "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "é" * 33}]]},
            },
            "BUTTON_DATA_INVALID",
        ),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_a_bad_message_is_refused_in_telegram_s_words(
    caller: Caller, arguments: dict[str, object], refused: str
) -> None:
    status, said = await caller.ask("sendMessage", **arguments)
    assert status == 400
    assert said.startswith("Bad Request: ")
    assert refused in said
    assert caller.telegram.accepted == []


async def test_what_fits_exactly_is_accepted_whatever_its_markup(caller: Caller) -> None:
    text = f"<b>{'x' * 4_096}</b>"
    assert await caller.ask("sendMessage", chat_id=7, text=text, parse_mode="HTML") == (200, "")


async def test_each_limit_is_enforced_and_breaking_it_noted(caller: Caller) -> None:
    assert (await caller.ask("sendMessage", chat_id=7, text="a"))[0] == 200
    assert await caller.ask("sendMessage", chat_id=7, text="b") == (429, "Too Many Requests: retry after 1")
    assert len(caller.telegram.violations) == 1
    for user in range(100, 129):
        caller.telegram.world.add_private(user)
        assert (await caller.ask("sendMessage", chat_id=user, text="a"))[0] == 200
    caller.telegram.world.add_private(129)
    assert (await caller.ask("sendMessage", chat_id=129, text="a"))[0] == 429


async def test_a_group_s_minute_is_enforced_over_any_window() -> None:
    now = 0.0
    async with FakeTelegram(now=lambda: now) as telegram, aiohttp.ClientSession() as session:
        caller = Caller(telegram, session)
        group = telegram.world.add_group()
        for _ in range(20):
            now += 2.9
            assert (await caller.ask("sendMessage", chat_id=group, text="a"))[0] == 200
        now += 1
        status, said = await caller.ask("sendMessage", chat_id=group, text="b")
        assert (status, said) == (429, "Too Many Requests: retry after 4")
        now = 2.9 + 60
        assert (await caller.ask("sendMessage", chat_id=group, text="c"))[0] == 200
        telegram.violations.clear()


@pytest.mark.parametrize(
    ("method", "token", "status"),
    [("getMe", "1:wrong", 401), ("sendTelegram", TOKEN, 404), ("getMe", TOKEN, 200)],
)
async def test_tokens_and_methods_are_checked(caller: Caller, method: str, token: str, status: int) -> None:
    assert (await caller.ask(method, token))[0] == status


async def test_arguments_that_the_bot_does_not_use_are_noted(caller: Caller) -> None:
    await caller.ask("sendMessage", chat_id=7, text="a", disable_web_page_preview=True)
    assert caller.telegram.violations == ["sendMessage: unknown arguments disable_web_page_preview"]


async def test_a_press_that_nobody_answered_is_a_problem(caller: Caller) -> None:
    message = caller.telegram.world.message(caller.telegram.world.rooms[7], "old")
    query = caller.telegram.world.press_data(message, "1|help", 7)
    assert caller.telegram.problems() == ["a press was never answered: 1|help"]
    assert (await caller.ask("answerCallbackQuery", callback_query_id=query))[0] == 200
    status, said = await caller.ask("answerCallbackQuery", callback_query_id=query)
    assert (status, "query is too old" in said) == (400, True)


@pytest.mark.parametrize(
    ("kind", "bot", "status", "words"),
    [
        ("channel", "administrator", 200, ""),
        ("channel", "editor", 400, "need administrator rights in the channel chat"),
        ("channel", "member", 400, "need administrator rights in the channel chat"),
        ("channel", "left", 403, "bot is not a member of the channel chat"),
        ("channel", "kicked", 403, "bot was kicked from the channel chat"),
        ("supergroup", "member", 200, ""),
        ("supergroup", "muted", 400, "not enough rights to send text messages to the chat"),
        ("supergroup", "left", 403, "bot is not a member of the supergroup chat"),
        ("group", "kicked", 403, "bot was kicked from the group chat"),
    ],
)
async def test_what_the_bot_is_in_a_chat_decides_what_it_may_write(
    caller: Caller, kind: str, bot: str, status: int, words: str
) -> None:
    world = caller.telegram.world
    chat = world.add_channel() if kind == "channel" else world.add_group(kind=kind)
    world.become(chat, 7, bot)
    given, said = await caller.ask("sendMessage", chat_id=chat, text="a")
    assert (given, words in said) == (status, True)


async def test_topics_that_are_closed_or_deleted_take_no_message(caller: Caller) -> None:
    group = caller.telegram.world.add_group(topics=[5, 6])
    caller.telegram.world.close_topic(group, 5)
    caller.telegram.world.delete_topic(group, 6)
    for thread, words in ((5, "TOPIC_CLOSED"), (6, "message thread not found")):
        status, said = await caller.ask("sendMessage", chat_id=group, text="a", message_thread_id=thread)
        assert (status, words in said) == (400, True)


async def test_only_public_chats_have_a_name_and_are_shown_to_any_bot(caller: Caller) -> None:
    world = caller.telegram.world
    shown, hidden = world.add_channel("news", bot="left"), world.add_channel(bot="left")
    assert (await caller.ask("getChat", chat_id="@NEWS"))[0] == (await caller.ask("getChat", chat_id=shown))[0] == 200
    assert (await caller.ask("getChat", chat_id="@nowhere")) == (400, "Bad Request: chat not found")
    assert (await caller.ask("getChat", chat_id=hidden))[0] == 403


async def test_a_channel_s_people_are_shown_to_its_administrators_alone(caller: Caller) -> None:
    for bot, status in (("administrator", 200), ("editor", 200), ("member", 400), ("left", 403)):
        channel = caller.telegram.world.add_channel("news", admins=[7], bot=bot)
        assert (await caller.ask("getChatMember", chat_id=channel, user_id=7))[0] == status


async def test_what_telegram_says_of_a_bot_has_its_sizes(caller: Caller) -> None:
    for method, key, most in (
        ("setMyDescription", "description", 512),
        ("setMyShortDescription", "short_description", 120),
    ):
        assert (await caller.ask(method, **{key: "x" * most}))[0] == 200
        assert (await caller.ask(method, **{key: "x" * (most + 1)}))[0] == 400


async def test_a_second_poller_ends_the_first(caller: Caller) -> None:
    first = asyncio.create_task(caller.ask("getUpdates", timeout=50))
    await until(lambda: caller.telegram.calls["getUpdates"] == 1)
    second = asyncio.create_task(caller.ask("getUpdates", timeout=50))
    status, said = await first
    assert status == 409
    assert said.startswith("Conflict: terminated by other getUpdates request; make sure that only one bot instance")
    caller.telegram.world.say(7, 7, "hello")
    assert await second == (200, "")


async def test_commands_of_the_menu_are_checked(caller: Caller) -> None:
    for name, about in (("Follow", "x"), ("fol-low", "x"), ("follow", ""), ("x" * 33, "x"), ("follow", "x" * 257)):
        commands = [{"command": name, "description": about}]
        assert (await caller.ask("setMyCommands", commands=commands))[0] == 400


def test_it_serves_from_a_thread_while_the_test_blocks() -> None:
    with in_thread(FakeTelegram()) as telegram:
        with urlopen(f"{telegram.api_url}/bot{TOKEN}/getMe", timeout=5) as answer:
            assert json.load(answer)["result"]["username"] == telegram.username
        telegram.world.say(7, 7, "hello")
        with urlopen(f"{telegram.api_url}/bot{TOKEN}/getUpdates", timeout=5) as answer:
            assert json.load(answer)["result"][0]["message"]["text"] == "hello"
