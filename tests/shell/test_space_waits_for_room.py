"""A full disk: the ballast goes first, nothing new is begun, nothing is lost, and all goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.model import DeliveryState
from bot.errors import DiskFull
from bot.space import BALLAST_BYTES, BALLAST_NAME, LOOK_SECONDS, Space
from bot.store.sqlite.store import SqliteStore
from tests.builders import a_chat, a_document, a_source, a_story, some_changes
from tests.fakes.clock import FakeClock
from tests.storing import claim, follow, in_memory_directory, publish, state_of

LONG = "long " * 20_000


@pytest.fixture
async def directory() -> AsyncIterator[Path]:
    with in_memory_directory() as opened:
        yield opened


async def fill(store: SqliteStore, pages: int = 1) -> None:
    """Let the database grow no further (1 page: no further than it is)."""
    await store.writer.aside(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchone())


async def quiet() -> None:
    for _ in range(20):
        await asyncio.sleep(0.005)


async def test_the_ballast_is_made_private_and_thrown_off_once(directory: Path) -> None:
    space, clock = Space(directory), FakeClock()
    keeping = asyncio.create_task(space.keep(clock, unexpected, lambda: None))
    ballast = directory / BALLAST_NAME
    while not ballast.exists():
        await asyncio.sleep(0.001)
    assert ballast.stat().st_size == BALLAST_BYTES
    assert ballast.stat().st_blocks * 512 >= BALLAST_BYTES, "a file of holes frees nothing"
    assert ballast.stat().st_mode & 0o777 == 0o600
    assert space.give()
    assert not ballast.exists()
    assert not space.give()
    assert space.is_full
    keeping.cancel()


async def unexpected() -> None:
    raise AssertionError("nobody asked")


async def test_the_change_that_found_no_room_is_made_in_that_of_the_ballast(directory: Path) -> None:
    asked: list[bool] = []

    def make_room() -> bool:
        asked.append(True)
        store.writer._db.execute("PRAGMA max_page_count = 100000").fetchone()  # asked on the writer's own thread
        return True

    store = SqliteStore(directory / "policybell.db", make_room)
    await store.register((a_source(1),))
    await fill(store)
    await store.commit((some_changes(a_story(1, a_document(1, text=LONG))),))
    assert asked == [True]
    assert (await store.census()).documents == 1
    await store.close()


async def test_what_waits_for_room_goes_on_within_a_minute_of_it(directory: Path) -> None:
    space, clock = Space(directory), FakeClock()
    full = True
    proved: list[float] = []
    went_on = asyncio.Event()

    async def prove() -> None:
        proved.append(clock.monotonic())
        if full:
            raise DiskFull("full")

    keeping = asyncio.create_task(space.keep(clock, prove, went_on.set))
    space.give()
    waiting = asyncio.create_task(space.room())
    while len(proved) < 3:
        await asyncio.sleep(0.001)
    assert not waiting.done()
    full = False
    made = clock.monotonic()
    await asyncio.wait_for(waiting, 5)
    assert clock.monotonic() - made <= 60
    assert went_on.is_set()
    assert not space.is_full
    assert (directory / BALLAST_NAME).exists(), "the ballast is there for the next time"
    assert proved[1] - proved[0] == LOOK_SECONDS
    keeping.cancel()


async def test_no_send_whose_mark_could_not_be_written_and_none_lost(directory: Path) -> None:
    """The contract of a full disk, without root: the file may not grow."""
    store = SqliteStore(directory / "policybell.db")
    await follow(store, a_chat(1))
    deliveries = await publish(store, a_story(1))
    before = await store.writer.aside(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    await fill(store)
    lost = some_changes(a_story(2, a_document(2, text=LONG)))
    with pytest.raises(DiskFull):
        await store.commit((lost,))
    claimed = await claim(store)  # marking needs no page more here; where it does, it is refused like the rest
    assert await state_of(store, deliveries[0]) is DeliveryState.SENDING
    assert [row.id for row in claimed] == [deliveries[0].id]
    assert (await store.census()).documents == 1
    await fill(store, before + 1000)
    await store.commit((lost,))
    assert (await store.census()).documents == 2
    await store.close()


async def test_a_lasting_change_is_made_as_soon_as_there_is_room() -> None:
    space = Space()
    tries = 0

    async def change() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise DiskFull("full")

    lasting = asyncio.create_task(space.lasting(change))
    await quiet()
    assert (tries, lasting.done(), space.is_full) == (1, False, True)
    clock = FakeClock()
    keeping = asyncio.create_task(space.keep(clock, nothing, lambda: None))
    await asyncio.wait_for(lasting, 5)
    assert tries == 2
    keeping.cancel()


async def nothing() -> None:
    """Succeed."""
