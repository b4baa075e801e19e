"""A workspace that removes the app takes its chats along, and no other's; they are back when it installs it again."""

from __future__ import annotations

from dataclasses import replace

from bot.core.model import Chat, DeliveryState
from bot.ports import Store
from tests.builders import NOW, a_story
from tests.storing import claim, follow, publish, query_ids

HERE = Chat("slack", "T1", "")
NEWS, THREAD, LAW = (replace(HERE, id="C1"), replace(HERE, id="C1", thread="5.5"), replace(HERE, id="C2"))
ELSEWHERE = (Chat("slack", "T2", "C1"), Chat("slack", "", "C1"), Chat("telegram", "", "T1"))


async def active(store: Store) -> set[Chat]:
    return {reader.chat for reader in await store.subscribers((await query_ids(store)).values())}


async def settled_in(store: Store) -> None:
    for chat in (NEWS, THREAD, LAW, *ELSEWHERE):
        await follow(store, chat)


async def test_a_workspace_leaves_whole_and_alone(store: Store) -> None:
    await settled_in(store)
    await publish(store, a_story(1))
    await store.part(HERE, "the app was removed", NOW)
    assert await active(store) == set(ELSEWHERE)
    cancelled = await store.outbox([DeliveryState.CANCELLED], 9)
    assert {row.chat for row in cancelled} == {NEWS, THREAD, LAW}
    assert {row.last_error for row in cancelled} == {"the app was removed"}
    await publish(store, a_story(2))
    assert {row.chat for row in await claim(store)} == set(ELSEWHERE)


async def test_a_workspace_comes_back_whole_with_what_it_followed(store: Store) -> None:
    await settled_in(store)
    await store.part(HERE, "the app was removed", NOW)
    assert await store.wake(HERE)
    assert not await store.wake(HERE)
    assert await active(store) == {NEWS, THREAD, LAW, *ELSEWHERE}
    assert len(await store.subscriptions(LAW)) == 1


async def test_no_workspace_is_none_and_not_all(store: Store) -> None:
    await settled_in(store)
    await store.part(Chat("slack", "", ""), "nothing", NOW)
    assert len(await active(store)) == 6
    assert not await store.wake(Chat("slack", "", ""))
