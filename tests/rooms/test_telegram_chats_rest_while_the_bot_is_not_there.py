"""Telegram tells where the bot may write (`my_chat_member`): a chat rests before a message to it fails, and wakes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.core.model import DeliveryState
from tests.builders import NOW, a_story
from tests.fakes.telegram_house import House, at_home, in_telegram
from tests.storing import publish

ANA, BEN = 7, 8


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with at_home() as house:
        house.telegram.world.add_private(ANA)
        yield house


async def states(house: House) -> list[DeliveryState]:
    return [row.state for row in await house.store.inner.outbox(list(DeliveryState), 9)]


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel", "private"])
@pytest.mark.parametrize("lost", ["kicked", "left", "muted"])
async def test_a_chat_that_the_bot_may_not_write_to_rests_and_what_waits_is_cancelled(
    house: House, kind: str, lost: str
) -> None:
    world = house.telegram.world
    shared = {"channel": lambda: world.add_channel(admins=[ANA]), "private": lambda: ANA}
    chat = shared.get(kind, lambda: world.add_group(kind=kind, admins=[ANA]))()
    lost = {"private": "kicked", "channel": lost.replace("muted", "editor")}.get(kind, lost)
    await house.follow(chat)
    await publish(house.store.inner, a_story(1))
    world.become(chat, ANA, lost)
    await house.quiet()
    assert await house.active() == set()
    assert await states(house) == [DeliveryState.CANCELLED]
    world.become(chat, ANA, "administrator" if kind == "channel" else "member")
    await house.quiet()
    assert await house.active() == {in_telegram(chat)}
    assert house.telegram.calls["sendMessage"] == len(house.telegram.accepted)  # no message was tried in vain


async def test_a_forum_rests_with_its_topics_and_wakes_with_them(house: House) -> None:
    group = house.telegram.world.add_group(admins=[ANA], topics=[5, 6])
    for thread in ("", "5", "6"):
        await house.follow(group, thread=thread)
    house.telegram.world.become(group, ANA, "kicked")
    await house.quiet()
    assert await house.active() == set()
    house.telegram.world.become(group, BEN, "member")
    await house.quiet()
    assert await house.active() == {in_telegram(group, thread) for thread in ("", "5", "6")}


async def test_a_promotion_or_other_rights_change_nothing(house: House) -> None:
    group = house.telegram.world.add_group(admins=[ANA])
    for status in ("administrator", "member", "administrator"):
        house.telegram.world.become(group, ANA, status)
    await house.quiet()
    assert house.store.changes == set()
    assert house.telegram.accepted == []


async def test_a_group_is_greeted_once_and_told_who_may_choose(house: House) -> None:
    group = house.telegram.world.add_group(admins=[ANA])
    house.telegram.world.invite(group, ANA)
    (said,) = await house.heard(1, group)
    assert "Nothing is sent until you choose." in said
    assert "its administrators choose what is sent" in said
    assert len(said) < 600
    house.telegram.world.say(group, ANA, "/start@policybell_bot true")  # what the link that adds a bot writes there
    house.telegram.world.become(group, ANA, "kicked")
    house.telegram.world.become(group, ANA, "member")
    await house.quiet()
    house.telegram.world.say(group, ANA, "/list")
    assert len(await house.heard(2, group)) == 2
    house.wait_a_minute()
    house.telegram.world.say(group, ANA, "/start")
    await house.heard(3, group)


async def test_a_link_that_adds_the_bot_and_names_a_topic_offers_it(house: House) -> None:
    group = house.telegram.world.add_group(admins=[ANA])
    house.telegram.world.invite(group, ANA)
    house.telegram.world.say(group, ANA, "/start@policybell_bot t_tps")
    await house.heard(2, group)
    assert ("Follow TPS", "1|follow tps") in house.telegram.accepted[-1].buttons
    assert await house.follows(group) == []


async def test_a_member_who_adds_the_bot_is_greeted_without_rights(house: House) -> None:
    group = house.telegram.world.add_group(admins=[ANA], members=[BEN])
    house.telegram.world.invite(group, BEN)
    await house.heard(1, group)
    assert [call.may_change for call, _ in house.book.visits] == [False]


async def test_whoever_lets_the_bot_back_in_is_not_told_twice(house: House) -> None:
    await house.follow(ANA)
    house.telegram.world.become(ANA, ANA, "kicked")
    house.telegram.world.become(ANA, ANA, "member")
    house.telegram.world.say(ANA, ANA, "/start")  # as Telegram's own button writes
    await house.heard(1, ANA)
    assert len(house.telegram.accepted) == 1
    assert "follows TPS" in house.telegram.accepted[0].text


async def test_a_group_that_became_a_supergroup_was_not_left(house: House) -> None:
    old = house.telegram.world.add_group(kind="group", admins=[ANA])
    await house.follow(old)
    await publish(house.store.inner, a_story(1))
    new = house.telegram.world.upgrade_group(old, told=False)
    house.telegram.world.become(old, ANA, "left")
    await house.quiet()
    assert await house.active() == {in_telegram(new)}
    assert await states(house) == [DeliveryState.PENDING]
    house.telegram.world.become(old, ANA, "kicked")  # and once more, now that it is known
    await house.quiet()
    assert await house.active() == {in_telegram(new)}


@pytest.mark.parametrize("status", [500, 429])
async def test_a_group_of_which_telegram_does_not_say_whether_it_moved_was_not_left(house: House, status: int) -> None:
    old = house.telegram.world.add_group(kind="group", admins=[ANA])
    await house.follow(old)
    await publish(house.store.inner, a_story(1))
    new = house.telegram.world.upgrade_group(old, told=False)
    house.telegram.fail_next(status, "not now", method="getChat")
    house.telegram.world.become(old, ANA, "left")
    await house.quiet()
    assert house.telegram.calls["getChat"] == 1
    assert await house.active() == {in_telegram(old)}
    await house.store.inner.move(in_telegram(old), in_telegram(new), NOW)  # the service message
    assert await house.active() == {in_telegram(new)}
    assert await states(house) == [DeliveryState.PENDING]


async def test_a_change_that_is_told_twice_changes_once(house: House) -> None:
    group = house.telegram.world.add_group(admins=[ANA])
    update = house.telegram.world.invite(group, ANA)
    await house.heard(1, group)
    house.telegram.world.redeliver(update)
    house.telegram.world.updates = [dict(one) for one in house.telegram.world.updates]
    await house.quiet()
    assert len(house.telegram.accepted) == 1
