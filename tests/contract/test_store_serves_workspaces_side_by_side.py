"""Workspaces share the lanes of a platform: one with much to send takes few of them, and nobody waits behind it."""

from __future__ import annotations

from collections import Counter

from bot.core.model import Chat, Delivery
from bot.core.outcome import Sent
from bot.ports import Store
from bot.store.rules import LANES_OF_WORKSPACE
from tests.builders import NOW, a_chat, a_story, at
from tests.storing import claim, follow, publish

LANES = 16


async def ask_for(store: Store, workspace: str, channels: int, story: int, due: float = 0) -> tuple[Delivery, ...]:
    """Let so many channels follow a topic of their workspace's own, and publish something for them."""
    for number in range(channels):
        await follow(store, Chat("slack", workspace, f"C{number}"), f"topic:{workspace}")
    return await publish(store, a_story(story), f"topic:{workspace}", due_at=at(seconds=due))


def of(rows: tuple[Delivery, ...]) -> list[str]:
    return [row.chat.workspace for row in rows]


async def test_a_workspace_with_much_to_send_leaves_lanes_to_others(store: Store) -> None:
    many = await ask_for(store, "T1", 20, 1, due=-9)
    (other,) = await ask_for(store, "T2", 1, 2, due=-1)
    claimed = await claim(store, limit=LANES)
    assert [row.id for row in claimed] == [row.id for row in (*many[:LANES_OF_WORKSPACE], other)]
    assert await claim(store, limit=LANES) == ()


async def test_what_ends_makes_room_for_the_next_of_its_workspace(store: Store) -> None:
    many = await ask_for(store, "T1", 20, 1)
    first, *_ = await claim(store, limit=LANES)
    await store.settle(first, Sent("r", at(seconds=1)), NOW)
    assert [row.id for row in await claim(store, limit=LANES)] == [many[LANES_OF_WORKSPACE].id]


async def test_each_workspace_gets_one_lane_before_any_gets_a_second(store: Store) -> None:
    for number in range(1, 6):
        await ask_for(store, f"T{number}", 9, number, due=number - 9)
    assert Counter(of(await claim(store, limit=7))) == {"T1": 3, "T2": 1, "T3": 1, "T4": 1, "T5": 1}


async def test_a_workspace_that_comes_late_gets_the_next_lane_that_is_free(store: Store) -> None:
    for number in range(1, 5):
        await ask_for(store, f"T{number}", 9, number, due=-9)
    claimed = await claim(store, limit=LANES)
    assert Counter(of(claimed)) == dict.fromkeys(("T1", "T2", "T3", "T4"), LANES_OF_WORKSPACE)
    await ask_for(store, "T5", 9, 5)
    await store.settle(claimed[0], Sent("r", at(seconds=1)), NOW)
    assert of(await claim(store, limit=1)) == ["T5"]


async def test_chats_without_a_workspace_take_every_lane_that_there_is(store: Store) -> None:
    for number in range(20):
        await follow(store, a_chat(number, platform="telegram"))
        await follow(store, a_chat(number, platform="slack"))
    await publish(store, a_story(1))
    for platform in ("telegram", "slack"):
        assert len(await claim(store, limit=LANES, platforms=[platform])) == LANES


async def test_what_is_under_way_elsewhere_counts_for_no_workspace(store: Store) -> None:
    for number in range(LANES_OF_WORKSPACE):
        await follow(store, Chat("telegram", "T1", str(number)))
    await publish(store, a_story(1))
    assert len(await claim(store, platforms=["telegram"])) == LANES_OF_WORKSPACE
    await ask_for(store, "T1", 1, 2)
    assert of(await claim(store, platforms=["slack"])) == ["T1"]
