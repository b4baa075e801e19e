"""A forum topic is a chat of its own: alerts go where they were asked for, and nowhere is a lost topic's alert lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from bot.attempting import DeliverDesk
from bot.core.model import DeliveryState
from bot.deliver import Lanes
from bot.ports import Platform
from bot.store import open_store
from tests.builders import a_source, a_story
from tests.fakes.door import until
from tests.fakes.telegram_house import House, at_home, in_telegram
from tests.storing import in_memory_directory, publish

ANA, TOPIC, OTHER = 7, 5, 6
LOST = "The topic that alerts went to is closed or deleted"


@pytest.fixture(params=["memory", "sqlite"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    with in_memory_directory() as directory:
        store = open_store("memory:" if request.param == "memory" else f"sqlite:///{directory}/policybell.db")
        await store.register([a_source()])
        async with at_home(store) as house:
            yield house
        await store.close()


def stop(name: str, why: str) -> None:
    raise AssertionError(f"{name} was stopped: {why}")


async def deliver(house: House, *stories: int) -> None:
    """Publish stories to all who follow TPS, and send what is due."""
    store = house.store.inner
    for number in stories:
        await publish(store, a_story(number), due_at=house.clock.now())
    rooms: dict[str, Platform] = {"telegram": house.room}
    await Lanes(DeliverDesk(store, rooms, house.clock, lambda: 1.0, stop)).exhaust()


def said(house: House) -> Sequence[tuple[int, str]]:
    return [(message.thread, message.text) for message in house.telegram.accepted]


async def test_each_topic_and_the_general_one_follow_their_own_things(house: House) -> None:
    forum = house.telegram.world.add_group(admins=[ANA], topics=[TOPIC, OTHER])
    house.telegram.world.say(forum, ANA, "/follow tps", thread=TOPIC)
    house.telegram.world.say(forum, ANA, "/follow tps")
    house.telegram.world.say(forum, ANA, "/list", thread=OTHER)
    await house.heard(3, forum)
    assert [await house.follows(forum, thread) for thread in ("", "5", "6")] == [["TPS"], ["TPS"], []]
    assert sorted(thread for thread, _ in said(house)) == [0, TOPIC, OTHER]  # answered where they asked
    house.telegram.accepted.clear()
    await deliver(house, 1)
    assert sorted((message.chat, message.thread) for message in house.telegram.accepted) == [(forum, 0), (forum, TOPIC)]


async def test_the_limits_of_a_group_hold_for_all_its_topics_together(house: House) -> None:
    topics = list(range(2, 26))
    forum = house.telegram.world.add_group(admins=[ANA], topics=topics)
    for thread in topics:
        await house.follow(forum, thread=str(thread))
    await deliver(house, 1)  # the strict server counts 20 a minute for the group, whatever the topic
    assert sorted(message.thread for message in house.telegram.accepted) == topics


async def test_a_group_that_must_wait_waits_in_all_its_topics(house: House) -> None:
    forum, elsewhere = house.telegram.world.add_group(topics=[TOPIC, OTHER]), house.telegram.world.add_group()
    for chat, thread in ((forum, ""), (forum, "5"), (forum, "6"), (elsewhere, "")):
        await house.follow(chat, thread=thread)
    house.telegram.close_chat(forum, 90)  # one more message before that is a violation
    await deliver(house, 1)
    assert [message.chat for message in house.telegram.accepted].count(forum) == 3
    assert house.telegram.accepted[0].chat == elsewhere


@pytest.mark.parametrize("how", ["deleted", "closed", "no forum any more"])
async def test_a_lost_topic_s_alerts_go_to_the_group_which_is_told_once(house: House, how: str) -> None:
    forum = house.telegram.world.add_group(admins=[ANA], topics=[TOPIC, OTHER])
    await house.follow(forum, thread="5")
    await house.follow(forum, "topic:asylum", "Asylum", thread="5")
    await house.follow(forum, thread="6")
    match how:
        case "deleted":
            house.telegram.world.delete_topic(forum, TOPIC)
        case "closed":
            house.telegram.world.close_topic(forum, TOPIC)
        case _:
            house.telegram.world.rooms[forum].is_forum = False
            house.telegram.world.delete_topic(forum, TOPIC)
    await deliver(house, 1, 2)
    await until(lambda: len(house.telegram.accepted) == 5)
    in_general = [text for thread, text in said(house) if thread == 0]
    assert [text.startswith(LOST) for text in in_general].count(True) == 1
    assert len(in_general) == 3
    assert [thread for thread, _ in said(house)].count(OTHER) == 2
    assert [await house.follows(forum, thread) for thread in ("", "5")] == [["TPS", "Asylum"]] * 2  # one chat now
    await deliver(house, 3)
    assert len(house.telegram.accepted) == 7
    states = [row.state for row in await house.store.inner.outbox(list(DeliveryState), 99)]
    assert states == [DeliveryState.SENT] * 6


async def test_a_topic_chosen_anew_is_a_chat_of_its_own_again(house: House) -> None:
    forum = house.telegram.world.add_group(admins=[ANA], topics=[TOPIC, OTHER])
    await house.follow(forum, thread="5")
    house.telegram.world.delete_topic(forum, TOPIC)
    await deliver(house, 1)
    house.telegram.world.say(forum, ANA, "/follow tps", thread=OTHER)
    house.telegram.world.say(forum, ANA, "/unfollow all yes")
    await house.quiet()
    await until(lambda: len(house.telegram.accepted) == 4)
    house.telegram.accepted.clear()
    await deliver(house, 2)
    assert [(message.chat, message.thread) for message in house.telegram.accepted] == [(forum, OTHER)]


async def test_a_group_whose_general_topic_is_closed_too_rests(house: House) -> None:
    forum = house.telegram.world.add_group(admins=[ANA], topics=[TOPIC])
    await house.follow(forum, thread="5")
    house.telegram.world.close_topic(forum, TOPIC)
    house.telegram.world.close_topic(forum, 0)
    await deliver(house, 1)
    assert house.telegram.accepted == []
    assert await house.active() == set()
    (row,) = await house.store.inner.outbox(list(DeliveryState), 9)
    assert (row.state, row.chat) == (DeliveryState.CANCELLED, in_telegram(forum))


async def test_an_answer_in_a_topic_that_is_gone_meanwhile_is_given_in_the_group(house: House) -> None:
    forum = house.telegram.world.add_group(admins=[ANA], topics=[TOPIC])
    house.telegram.world.delete_topic(forum, TOPIC)
    house.telegram.world.say(forum, ANA, "/list", thread=TOPIC)
    (answer,) = await house.heard(1, forum)
    assert not answer.startswith(LOST)  # no alert was lost
    assert house.telegram.accepted[0].thread == 0
