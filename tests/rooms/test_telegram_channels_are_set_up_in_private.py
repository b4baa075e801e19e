"""A channel is spoken for from the private chat of somebody who may post in it, and by nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.builders import a_story, an_alert
from tests.fakes.telegram.members import BOT_ID
from tests.fakes.telegram_house import House, at_home, in_telegram

ANA, BEN, EVE = 7, 8, 9
NO_SUCH = "I see no such channel where both you and I may post."


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with at_home() as house:
        for user in (ANA, BEN, EVE):
            house.telegram.world.add_private(user)
        yield house


async def test_whoever_makes_the_bot_a_poster_is_asked_what_the_channel_should_follow(house: House) -> None:
    channel = house.telegram.world.add_channel("news", admins=[ANA])
    house.telegram.world.invite(channel, ANA, "administrator")
    (offer,) = await house.heard(1, ANA)
    assert offer.startswith("Channel ")
    buttons = dict(house.telegram.accepted[-1].buttons)
    assert buttons["Follow TPS"] == f"1|channel {channel} follow tps"
    house.telegram.world.press(house.telegram.accepted[-1].message, "Follow TPS", ANA)
    await house.heard(2, ANA)
    assert await house.follows(channel) == ["TPS"]
    assert await house.follows(ANA) == []
    assert house.texts(channel) == []  # nothing of this is shown to the channel's readers
    assert not any(call.in_private for call, _ in house.book.visits if call.chat.id == str(channel))


@pytest.mark.parametrize("name", ["@news", "@NEWS", "{id}"])
async def test_a_channel_is_named_or_numbered(house: House, name: str) -> None:
    channel = house.telegram.world.add_channel("news", admins=[ANA])
    at = name.format(id=channel)
    for line in (
        f"/channel {at} follow tps venezuela",
        f"channel {at} /follow asylum",
        f"/channel {at} unfollow asylum",
    ):
        house.telegram.world.say(ANA, ANA, line)
        house.wait_a_minute()
    await house.heard(3, ANA)
    assert await house.follows(channel) == ["TPS: venezuela"]


async def test_a_private_channel_is_chosen_by_forwarding_a_post_of_it(house: House) -> None:
    channel = house.telegram.world.add_channel(admins=[ANA])
    origin = {"type": "channel", "date": 1, "message_id": 5, "chat": house.telegram.world.rooms[channel].json()}
    house.telegram.world.say(ANA, ANA, "/forget yes", forward_origin=origin)
    (offer,) = await house.heard(1, ANA)
    assert offer.startswith("Channel ")
    assert f"/channel {channel} follow tps" in offer
    assert [call.verb for call, _ in house.book.visits] == ["topics"]


async def test_what_an_answer_offers_to_type_and_press_is_for_the_channel_too(house: House) -> None:
    channel = house.telegram.world.add_channel("news", admins=[ANA])
    house.telegram.world.say(ANA, ANA, "/channel @news follow tps")
    (said,) = await house.heard(1, ANA)
    assert "/channel @news unfollow tps" in said
    assert all(data.startswith(f"1|channel {channel} ") for _, data in house.telegram.accepted[0].buttons)
    house.telegram.world.press(house.telegram.accepted[0].message, "Unfollow TPS", ANA)
    await house.heard(2, ANA)
    assert await house.follows(channel) == []


@pytest.mark.parametrize("rank", ["editor", "member", "left", "kicked", "unknown"])
async def test_nobody_else_learns_or_changes_anything(house: House, rank: str) -> None:
    channel = house.telegram.world.add_channel("news", admins=[ANA])
    await house.follow(channel)
    if rank != "unknown":
        house.telegram.world.rank(channel, EVE, rank)
    lines = [
        "/channel @news",
        "/channel @news list",
        f"/channel {channel} forget yes",
        "/channel @news unfollow all yes",
    ]
    for number, line in enumerate(lines, start=1):
        house.telegram.world.say(EVE, EVE, line)
        assert (await house.heard(number, EVE))[-1].startswith(NO_SUCH)
        house.wait_a_minute()
    assert house.book.visits == []
    assert house.store.changes == set()


@pytest.mark.parametrize("bot", ["member", "editor", "left", "kicked"])
async def test_where_the_bot_may_not_post_nothing_can_be_chosen(house: House, bot: str) -> None:
    house.telegram.world.add_channel("news", admins=[ANA], bot=bot)
    house.telegram.world.say(ANA, ANA, "/channel @news follow tps")
    (said,) = await house.heard(1, ANA)
    assert said.startswith(NO_SUCH)
    assert "/channel @news" in said


@pytest.mark.parametrize(
    "name", ["@nowhere", "-1009999999999", "@group", "7", "-5", "@", "news", "t.me/news", "@a b", "@ñews"]
)
async def test_what_is_no_channel_of_theirs_is_answered_with_one_sentence(house: House, name: str) -> None:
    group = house.telegram.world.add_group(admins=[ANA])
    house.telegram.world.rooms[group].username = "group"
    house.telegram.world.rank(group, BOT_ID, "administrator")
    house.telegram.world.say(ANA, ANA, f"/channel {name} follow tps")
    assert (await house.heard(1, ANA))[0].startswith(NO_SUCH)
    assert house.book.visits == []


async def test_rights_are_looked_at_again_with_every_line(house: House) -> None:
    channel = house.telegram.world.add_channel("news", admins=[ANA])
    house.telegram.world.say(ANA, ANA, "/channel @news follow tps")
    await house.heard(1, ANA)
    house.telegram.world.rank(channel, ANA, "editor")
    house.wait_a_minute()
    house.telegram.world.press(house.telegram.accepted[0].message, "Unfollow TPS", ANA)
    assert (await house.heard(2, ANA))[1].startswith(NO_SUCH)
    assert await house.follows(channel) == ["TPS"]


@pytest.mark.parametrize("method", ["getChat", "getChatMember"])
@pytest.mark.parametrize("status", [400, 403, 429, 500])
async def test_what_telegram_does_not_tell_is_a_no(house: House, method: str, status: int) -> None:
    house.telegram.world.add_channel("news", admins=[ANA])
    house.telegram.fail_next(status, "{}", method=method)
    house.telegram.world.say(ANA, ANA, "/channel @news follow tps")
    assert (await house.heard(1, ANA))[0].startswith(NO_SUCH)
    assert house.store.changes == set()


async def test_in_a_group_a_channel_is_not_spoken_for(house: House) -> None:
    channel = house.telegram.world.add_channel("news", admins=[ANA])
    group = house.telegram.world.add_group(admins=[ANA])
    house.telegram.world.say(group, ANA, "/channel @news follow tps")
    assert "private chat" in (await house.heard(1, group))[0]
    assert await house.follows(channel) == await house.follows(group) == []


async def test_a_channel_is_not_spoken_for_through_another(house: House) -> None:
    ours, theirs = house.telegram.world.add_channel("ours", admins=[ANA]), house.telegram.world.add_channel("theirs")
    house.telegram.world.say(ANA, ANA, "/channel @ours channel @theirs follow tps")
    await house.heard(1, ANA)
    assert await house.follows(ours) == await house.follows(theirs) == []


async def test_what_is_posted_in_a_channel_is_not_read(house: House) -> None:
    channel = house.telegram.world.add_channel("news", admins=[ANA])
    room = house.telegram.world.rooms[channel]
    posted = house.telegram.world.message(room, "/follow tps") | {"sender_chat": room.json()}
    house.telegram.world.push({"channel_post": posted})  # not asked for, so not handed out
    house.telegram.world.say(ANA, ANA, "/list")
    await house.heard(1, ANA)
    assert [call.verb for call, _ in house.book.visits] == ["list"]
    assert await house.follows(channel) == []


async def test_a_poster_who_never_wrote_to_the_bot_is_left_alone(house: House) -> None:
    channel = house.telegram.world.add_channel("news", admins=[ANA])
    house.telegram.world.rooms[ANA].refusal = (403, "Forbidden: bot can't initiate conversation with a user")
    house.telegram.world.invite(channel, ANA, "administrator")
    house.telegram.world.say(BEN, BEN, "/list")
    await house.heard(1, BEN)
    assert len(house.telegram.accepted) == 1


async def test_a_channel_is_alerted_as_long_as_the_bot_may_post(house: House) -> None:
    channel = house.telegram.world.add_channel("news", admins=[ANA])
    chat = in_telegram(channel)
    await house.follow(channel)
    await house.room.send(chat, house.room.render(an_alert(a_story(1), chat), repeat=False, plain=False))
    assert len(house.texts(channel)) == 1
    house.telegram.world.become(channel, ANA, "editor")
    await house.quiet()
    assert "part" in house.store.changes
    house.telegram.world.become(channel, ANA, "administrator")
    await house.heard(1, ANA)  # and its administrator is offered the choices again
    assert house.telegram.world.rooms[channel].members[BOT_ID] == "administrator"
    assert await house.active() == {chat}
