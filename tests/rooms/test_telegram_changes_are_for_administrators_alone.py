"""Nine kinds of senders, every command that changes something: the real commands behind the room.

The commands come from the registry: whoever adds one that changes something has it covered here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.commands import COMMANDS
from tests.fakes.telegram.members import ANONYMOUS_ADMIN
from tests.fakes.telegram.senders import CHANNEL, SENDERS, USER
from tests.fakes.telegram_house import CHANGING, OPERATING, House, at_home, in_telegram

BEFORE = "an administrator until a minute ago"
ROLES = [*(role for role in SENDERS if role != "somebody who left"), BEFORE]
MAY = {"the owner", "an administrator", "an anonymous administrator"}
UNHEARD = {role for role, (_, expected) in SENDERS.items() if expected is None}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with at_home() as house:
        yield house


async def say(house: House, role: str, group: int, text: str) -> None:
    """Let somebody of this role write in a group that follows TPS."""
    if role != BEFORE:
        SENDERS[role][0](house.telegram, group, text)
        return
    SENDERS["an administrator"][0](house.telegram, group, "/list")
    await house.quiet()
    assert house.book.visits[-1][0].may_change
    house.wait_a_minute()
    SENDERS["a member"][0](house.telegram, group, text)


async def refused(house: House, role: str, text: str) -> bool | None:
    """Say whether a line was refused, with nothing asked of the store; None: it was not even heard."""
    group = house.telegram.world.add_group()
    await house.follow(group)
    await house.quiet()
    await say(house, role, group, text)
    await house.quiet()
    lines = [(call, reply) for call, reply in house.book.visits if call.chat.id == str(group) and call.verb != "list"]
    if not lines:
        return None
    ((call, reply),) = lines
    no = not reply.ok and "".join(span.text for span in reply.spans).startswith("Only ")
    assert call.may_change == (role in MAY)
    return no


def test_there_are_nine_roles_and_enough_commands() -> None:
    print(f"telegram_roles_by_changing_commands {len(ROLES)} x {len(CHANGING)} = {len(ROLES) * len(CHANGING)}")
    assert len(ROLES) == 9
    assert {"follow", "unfollow", "forget", "outbox"} <= set(CHANGING)


@pytest.mark.parametrize("role", ROLES)
async def test_every_changing_command_is_for_administrators_alone(house: House, role: str) -> None:
    was_refused = {name: await refused(house, role, f"/{name}") for name in CHANGING}
    if role in MAY:
        assert was_refused == {name: name in OPERATING for name in CHANGING}
    else:
        assert was_refused == dict.fromkeys(CHANGING, None if role in UNHEARD else True)


@pytest.mark.parametrize("role", [role for role in ROLES if role not in MAY])
async def test_nobody_else_gets_anything_changed_by_any_command(house: House, role: str) -> None:
    lines = [*COMMANDS, "follow asylum", "unfollow all yes", "forget yes", "start t_asylum"]
    for line in lines:
        group = house.telegram.world.add_group()
        await house.follow(group)
        SENDERS["a member" if role == BEFORE else role][0](house.telegram, group, f"/{line}")
        await house.quiet()
        assert await house.follows(group) == ["TPS"]
    assert house.store.changes == set()


@pytest.mark.parametrize("role", sorted(MAY))
async def test_administrators_change_their_group(house: House, role: str) -> None:
    group = house.telegram.world.add_group()
    await say(house, role, group, "/follow tps")
    await house.quiet()
    assert await house.follows(group) == ["TPS"]
    house.wait_a_minute()
    await say(house, role, group, "/unfollow all yes")
    await house.quiet()
    assert await house.follows(group) == []


@pytest.mark.parametrize("status", [400, 403, 429, 500, 502])
async def test_an_owner_whose_rank_cannot_be_learned_changes_nothing(house: House, status: int) -> None:
    for name in CHANGING:
        house.telegram.fail_next(status, "{}", method="getChatMember")
        group = house.telegram.world.add_group()
        SENDERS["the owner"][0](house.telegram, group, f"/{name}")
        await house.quiet()
        assert house.answers()[-1].startswith("Only ")
    assert house.store.changes == set()


@pytest.mark.parametrize(
    "sender",
    [
        {"from": {"id": ANONYMOUS_ADMIN, "is_bot": True, "first_name": "Group"}},
        {
            "from": {"id": ANONYMOUS_ADMIN, "is_bot": True, "first_name": "Group"},
            "sender_chat": {"id": CHANNEL, "type": "channel", "title": "Elsewhere"},
        },
        {
            "sender_chat": {"id": 0, "type": "supergroup", "title": "Here"},
            "from": {"id": USER, "is_bot": False, "first_name": "Ana"},
        },
        {"sender_chat": {"id": 0, "type": "supergroup", "title": "Here"}},
        {"via_bot": {"id": 5, "is_bot": True, "first_name": "Inline"}},
    ],
    ids=["the number alone", "the number and a channel", "the group's name alone", "nobody", "through another bot"],
)
async def test_half_an_anonymous_administrator_is_none(house: House, sender: dict[str, object]) -> None:
    group = house.telegram.world.add_group()
    house.telegram.world.rank(group, USER, "member")
    in_its_name = {"sender_chat": {**sender["sender_chat"], "id": group}} if "Here" in str(sender) else {}
    message = house.telegram.world.message(house.telegram.world.rooms[group], "/follow tps")
    house.telegram.world.push({"message": message | sender | in_its_name})
    await house.quiet()
    assert await house.follows(group) == []
    assert house.store.changes == set()


async def test_what_another_bot_wrote_for_an_administrator_to_send_is_not_heard(house: House) -> None:
    group = house.telegram.world.add_group(admins=[USER])
    through = {"id": 5, "is_bot": True, "first_name": "Inline"}
    house.telegram.world.say(group, USER, "/unfollow all yes", via_bot=through)
    house.telegram.world.say(USER, USER, "/forget yes", via_bot=through)
    await house.quiet()
    assert house.book.visits == []


async def test_a_topic_has_the_administrators_of_its_group(house: House) -> None:
    group = house.telegram.world.add_group(admins=[USER], topics=[5, 6])
    house.telegram.world.say(group, USER, "/follow tps", thread=5)
    house.telegram.world.say(group, USER, "/follow asylum")
    await house.quiet()
    house.telegram.world.rank(group, USER, "member", told=True)
    house.telegram.world.say(group, USER, "/follow visas", thread=6)
    await house.quiet()
    assert [await house.follows(group, thread) for thread in ("5", "", "6")] == [["TPS"], ["Asylum"], []]


async def test_a_member_s_start_does_not_wake_what_a_removal_put_to_rest(house: House) -> None:
    group = house.telegram.world.add_group(admins=[USER], members=[8])
    await house.follow(group)
    await house.store.inner.part(in_telegram(group), "removed", house.clock.now())
    house.telegram.world.say(group, 8, "/start")
    await house.quiet()
    assert not (await house.heard(1, group))[0].startswith("Welcome back")
    house.telegram.world.say(group, USER, "/start")
    assert (await house.heard(2, group))[1].startswith("Welcome back")


@pytest.mark.parametrize("chat", [{"type": "supergroup", "is_direct_messages": True}, {"type": "newfangled"}])
async def test_nothing_is_said_where_it_is_not_clear_who_listens(house: House, chat: dict[str, object]) -> None:
    group = house.telegram.world.add_group(admins=[USER])
    room = house.telegram.world.rooms[group].json() | chat
    message = house.telegram.world.message(house.telegram.world.rooms[group], "/list") | {"chat": room}
    house.telegram.world.push({"message": message | {"from": {"id": USER, "is_bot": False, "first_name": "Ana"}}})
    house.telegram.world.press_data(message, "1|list", USER)
    await house.quiet()
    assert house.book.visits == []
    assert house.telegram.accepted == []


async def test_telegram_is_asked_of_one_who_hammers_no_more_often_than_a_chat_may_command(house: House) -> None:
    group = house.telegram.world.add_group(admins=[8], members=[USER])
    for _ in range(60):
        house.telegram.world.say(group, USER, "/follow tps")
    house.telegram.world.say(group, 8, "/list")
    await house.quiet()
    assert house.telegram.calls["getChatMember"] <= 21
    assert house.store.changes == set()


async def test_channels_are_looked_up_no_more_often_than_a_person_may_command(house: House) -> None:
    house.telegram.world.add_channel("news", admins=[8])
    for _ in range(60):
        house.telegram.world.say(USER, USER, "/channel @news list")
    await house.quiet()
    assert house.telegram.calls["getChat"] <= 20
    house.wait_a_minute()
    house.telegram.world.say(8, 8, "/channel @news follow tps")
    await house.heard(1, 8)
