"""A pressed button is a line of whoever pressed it, in the chat where it stands, whatever is behind it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest

from bot.commands import COMMANDS
from tests.fakes.door import until
from tests.fakes.telegram_house import CHANGING, OPERATING, House, at_home

ANA, BEN, EVE = 7, 8, 9
MAY_CHANGE = {"creator", "administrator"}
MAY_ASK = {"creator", "administrator", "member"}
RANKS = ["creator", "administrator", "member", "muted", "restricted", "left", "kicked", "unknown"]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with at_home() as house:
        yield house


def message_in(house: House, chat: int, thread: int = 0) -> dict:
    return house.telegram.world.message(house.telegram.world.rooms[chat], "a message of the bot", thread=thread)


async def press(house: House, chat: int, data: str, user: int) -> str:
    """Press what is behind a button; return what only whoever pressed reads."""
    house.telegram.world.press_data(message_in(house, chat), data, user)
    await until(lambda: not house.telegram.world.unanswered)
    await house.quiet()
    return house.telegram.toasts[-1][1]


@pytest.mark.parametrize("rank", RANKS)
async def test_every_changing_line_is_for_administrators_alone(house: House, rank: str) -> None:
    group = house.telegram.world.add_group()
    if rank != "unknown":
        house.telegram.world.rank(group, ANA, rank)
    for name in CHANGING:
        house.wait_a_minute()
        toast = await press(house, group, f"1|{name}", ANA)
        if rank not in MAY_ASK:
            assert toast.startswith("I cannot see that you may do this here.")
        elif rank not in MAY_CHANGE or name in OPERATING:
            assert toast.startswith("Only ")
        else:
            assert not toast.startswith("Only ")
    if rank not in MAY_CHANGE:
        assert house.store.changes == set()
    if rank not in MAY_ASK:
        assert house.book.visits == []


async def test_whoever_only_reads_a_public_group_cannot_make_the_bot_speak_in_it(house: House) -> None:
    group = house.telegram.world.add_group(members=[BEN])
    house.telegram.world.rank(group, EVE, "left")
    await press(house, group, "1|latest 5", EVE)
    assert house.telegram.accepted == []
    await press(house, group, "1|latest 5", BEN)
    await house.heard(1, group)


async def test_a_rank_is_looked_at_again_at_every_press(house: House) -> None:
    group = house.telegram.world.add_group(admins=[ANA])
    await press(house, group, "1|follow tps", ANA)
    assert await house.follows(group) == ["TPS"]
    house.telegram.world.rank(group, ANA, "member")
    house.wait_a_minute()
    toast = await press(house, group, "1|unfollow tps", ANA)
    assert toast.startswith("Only ")
    assert await house.follows(group) == ["TPS"]


@pytest.mark.parametrize("status", [400, 403, 429, 500])
async def test_a_rank_that_cannot_be_learned_is_none(house: House, status: int) -> None:
    group = house.telegram.world.add_group(admins=[ANA])
    house.telegram.fail_next(status, "{}", method="getChatMember")
    assert await press(house, group, "1|follow tps", ANA)
    assert house.store.changes == set()


async def test_an_anonymous_administrator_who_presses_is_asked_to_write(house: House) -> None:
    group = house.telegram.world.add_group()
    house.telegram.world.rank(group, ANA, "member")  # what Telegram tells of one to a bot without rights
    assert "anonymous administrator" in await press(house, group, "1|follow tps", ANA)
    house.telegram.world.say_as_chat(group, group, "/follow tps")
    await house.quiet()
    assert await house.follows(group) == ["TPS"]


async def test_nobody_presses_in_somebody_else_s_private_chat(house: House) -> None:
    house.telegram.world.add_private(ANA)
    house.telegram.world.add_private(EVE)
    assert await press(house, ANA, "1|follow tps", EVE)
    assert house.book.visits == []
    await press(house, ANA, "1|follow tps", ANA)
    assert await house.follows(ANA) == ["TPS"]


async def test_an_old_button_works_as_long_as_it_says_where_it_is(house: House) -> None:
    group, forum = (
        house.telegram.world.add_group(admins=[ANA]),
        house.telegram.world.add_group(admins=[ANA], topics=[5]),
    )
    for chat in (group, forum):
        room = house.telegram.world.rooms[chat]
        house.telegram.world.press_data({"message_id": 3, "date": 0, "chat": room.json()}, "1|follow tps", ANA)
    await until(lambda: not house.telegram.world.unanswered)
    assert await house.follows(group) == ["TPS"]
    assert await house.follows(forum) == []  # in which of its topics, nobody knows
    assert any("too old" in text for _, text in house.telegram.toasts)


async def test_a_press_in_a_topic_is_for_that_topic(house: House) -> None:
    forum = house.telegram.world.add_group(admins=[ANA], topics=[5])
    house.telegram.world.press_data(message_in(house, forum, thread=5), "1|follow tps", ANA)
    await house.heard(1, forum)
    assert await house.follows(forum, "5") == ["TPS"]
    assert house.telegram.accepted[0].thread == 5


async def test_a_subscriber_of_a_channel_presses_in_vain_and_its_readers_see_nothing(house: House) -> None:
    channel = house.telegram.world.add_channel("news", admins=[ANA])
    house.telegram.world.rank(channel, EVE, "member")
    house.telegram.world.rank(channel, BEN, "editor")
    for user in (EVE, BEN):
        assert await press(house, channel, "1|follow tps", user)
        assert await press(house, channel, "1|list", user)
    assert house.book.visits == []
    assert await press(house, channel, "1|follow tps", ANA)
    assert await house.follows(channel) == ["TPS"]
    assert house.telegram.accepted == []


async def test_a_press_that_telegram_has_given_up_is_harmless(house: House) -> None:
    group = house.telegram.world.add_group(admins=[ANA])
    house.telegram.world.press_data(message_in(house, group), "1|follow tps", ANA)
    house.telegram.world.unanswered.clear()  # "query is too old"
    await house.heard(1, group)
    assert await house.follows(group) == ["TPS"]


# --- what a modified client sends in the place of a button --------------------------------------------------------

FORGED = [
    "follow tps",  # no version
    "2|follow tps",
    "1follow tps",
    "|follow tps",
    "1|" + "follow tps " * 9,  # longer than 64 bytes
    "1|follow \N{CYRILLIC SMALL LETTER TE}\N{CYRILLIC SMALL LETTER ER}ѕ" + "é" * 40,
    "1|follow\N{NO-BREAK SPACE}tps\N{RIGHT-TO-LEFT OVERRIDE}",
    "1|\x00\x1b[2Jforget yes\x00",
    "1|1|1|/policybell /forget@policybell_bot yes",
    "1|forget yes\n1|forget yes",
    "1|outbox list",
    '{"verb": "forget", "args": ["yes"]}',
    "1|'; DROP TABLE chats; --",
]


@pytest.mark.parametrize("data", FORGED, ids=repr)
async def test_what_was_never_behind_a_button_gives_a_member_nothing(house: House, data: str) -> None:
    group, other = (house.telegram.world.add_group(admins=[ANA], members=[BEN]) for _ in range(2))
    await house.follow(group)
    await house.follow(other)
    await press(house, group, data, BEN)
    assert house.store.changes == set()
    assert await house.follows(group) == await house.follows(other) == ["TPS"]


@pytest.mark.parametrize(
    "data", ["follow tps", "2|follow tps", "/follow tps", " 1|follow tps", "1|" + "follow tps " * 6]
)
async def test_what_was_never_behind_a_button_is_not_carried_out_for_anybody(house: House, data: str) -> None:
    group = house.telegram.world.add_group(admins=[ANA])
    assert "another version" in await press(house, group, data, ANA)
    assert house.book.visits == []


@pytest.mark.parametrize("aim", ["-1", "telegram:{other}", "{other}", "@news", "#5", "channel {other}"])
async def test_an_administrator_s_forged_press_reaches_no_other_chat(house: House, aim: str) -> None:
    group = house.telegram.world.add_group(admins=[ANA])
    other, channel = house.telegram.world.add_group(), house.telegram.world.add_channel("news", admins=[EVE])
    for chat in (group, other, channel):
        await house.follow(chat)
    at = aim.format(other=other)
    for line in (f"unfollow all yes {at}", f"{at} unfollow all yes", f"forget {at} yes", f"channel {at} forget yes"):
        for chat in (group, ANA):
            house.telegram.world.add_private(ANA)
            await press(house, chat, f"1|{line}", ANA)
    assert await house.follows(other) == await house.follows(channel) == ["TPS"]
    assert {call.chat.id for call, _ in house.book.visits} <= {str(group), str(ANA)}


async def test_a_hundred_made_up_presses_change_nothing_and_are_all_answered(house: House) -> None:
    chance = random.Random(26)
    group = house.telegram.world.add_group(members=[BEN])
    letters = [*"1|/@ \n\t\x00\"'()-*#_é\u202e\U0001f600", *COMMANDS, "tps", "all", "yes", str(group), "policybell"]
    for _ in range(100):
        data = "".join(chance.choice(letters) for _ in range(chance.randrange(1, 12)))
        house.telegram.world.press_data(message_in(house, group), chance.choice(["1|", ""]) + data, BEN)
        house.wait_a_minute()
    await until(lambda: not house.telegram.world.unanswered)
    assert len(house.telegram.toasts) == 100
    assert house.store.changes == set()
