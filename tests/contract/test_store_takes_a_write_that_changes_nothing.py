"""`touch`: a write for its own sake."""

from __future__ import annotations

from bot.ports import Store
from tests.builders import a_source


async def test_a_touch_changes_nothing(store: Store) -> None:
    await store.register([a_source()])
    before = await store.cursors(), await store.census()
    await store.touch()
    assert (await store.cursors(), await store.census()) == before
