"""What tests do to a store over and over: follow, publish a story to those who follow, claim."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from bot.core.model import Chat, Delivery, DeliveryState, Story, Voice, Why
from bot.ports import Store
from tests.builders import NOW, a_delivery, a_why, an_alert, some_changes

LEASE = timedelta(minutes=5)
EVERYWHERE = ("telegram", "slack", "web", "console")


@contextmanager
def in_memory_directory() -> Iterator[Path]:
    """A directory whose files need no disk, where the machine has such: what is tested here is not durability."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as directory:
        yield Path(directory)


async def follow(store: Store, chat: Chat, query: str = "topic:tps", now: datetime = NOW) -> bool:
    return await store.follow(chat, Voice(), query, query.removeprefix("topic:").upper(), now)


async def query_ids(store: Store) -> dict[str, int]:
    return {query.text: query.id for query in (await store.queries_since(0)).added}


async def addressed(store: Store, story: Story, *queries: str, due_at: datetime = NOW) -> tuple[Delivery, ...]:
    """Plan as the product does: one delivery for each chat that follows any of these queries (default: any at all)."""
    ids = {number for text, number in (await query_ids(store)).items() if not queries or text in queries}
    reasons: dict[Chat, list[Why]] = {}
    for reader in await store.subscribers(ids):
        reasons.setdefault(reader.chat, []).append(a_why(reader.query_id, reader.label))
    return tuple(a_delivery(an_alert(story, chat, why=tuple(why)), due_at=due_at) for chat, why in reasons.items())


async def publish(store: Store, story: Story, *queries: str, due_at: datetime = NOW) -> tuple[Delivery, ...]:
    """Commit a poll that found a story, with a delivery for everybody who asked for it."""
    deliveries = await addressed(store, story, *queries, due_at=due_at)
    await store.commit((some_changes(story, deliveries=deliveries),))
    return deliveries


async def claim(
    store: Store, now: datetime = NOW, *, limit: int = 100, platforms: Collection[str] = EVERYWHERE
) -> tuple[Delivery, ...]:
    return await store.claim(now, limit=limit, platforms=platforms, lease=LEASE)


async def claim_one(store: Store, now: datetime = NOW) -> Delivery:
    """Claim, when exactly one row must come."""
    (delivery,) = await claim(store, now)
    return delivery


async def state_of(store: Store, delivery: Delivery) -> DeliveryState | None:
    found = await store.delivery(delivery.id)
    return found and found.state
