"""Followed addresses survive polls that are under way; sources that are gone rest until they are revived."""

from __future__ import annotations

from dataclasses import replace

from bot.core.intake import Cursor, Trouble
from bot.core.model import Changes
from bot.core.moves import in_place
from bot.ports import Store
from tests.builders import NOW, a_source, at

NEW = "https://elsewhere.example.com/feed"
SOURCE = a_source()
GONE = Cursor(SOURCE.id, next_poll_at=NOW, trouble=Trouble.GONE, trouble_since=NOW, trouble_polls=3, retired_at=NOW)


async def known(store: Store) -> Cursor:
    (cursor,) = await store.cursors()
    return cursor


async def test_a_source_is_moved_where_its_redirects_lead(store: Store) -> None:
    await store.register([SOURCE])
    assert await store.move_source(SOURCE, NOW) == ""
    before = Cursor(SOURCE.id, moved_to=NEW, moved_since=NOW, moved_polls=5, etag='"v1"')
    await store.commit([Changes(before)])
    assert await store.move_source(SOURCE, at(hours=1)) == NEW
    cursor = await known(store)
    assert in_place(SOURCE, cursor).url == NEW
    assert (cursor.address_at, cursor.moved_to, cursor.moved_since, cursor.moved_polls) == (at(hours=1), "", None, 0)
    assert cursor.etag == '"v1"'
    assert await store.move_source(SOURCE, at(hours=2)) == ""
    assert await store.move_source(a_source(9), NOW) == ""


async def test_a_poll_that_began_before_does_not_move_it_back(store: Store) -> None:
    await store.register([SOURCE])
    before = Cursor(SOURCE.id, moved_to=NEW, moved_since=NOW, moved_polls=5)
    await store.commit([Changes(before)])
    await store.move_source(SOURCE, NOW)
    await store.commit([Changes(replace(before, next_poll_at=at(hours=1)))])
    assert in_place(SOURCE, await known(store)).url == NEW
    again = replace(await known(store), address=NEW + "/2", address_at=at(hours=3))
    await store.commit([Changes(again)])
    assert await known(store) == again


async def test_what_is_gone_is_not_due_until_it_is_revived(store: Store) -> None:
    await store.register([SOURCE])
    await store.commit([Changes(GONE)])
    assert await store.due(at(days=9)) == ()
    await store.register([SOURCE])
    assert await store.due(at(days=9)) == ()
    assert await store.resume_source(SOURCE.id)
    assert not await store.resume_source(SOURCE.id)
    (cursor,) = await store.due(NOW)
    assert cursor == Cursor(SOURCE.id)


async def test_what_is_gone_is_asked_again_at_a_new_address(store: Store) -> None:
    await store.register([SOURCE])
    await store.commit([Changes(GONE)])
    await store.register([replace(SOURCE, url=NEW)])
    assert [cursor.retired_at for cursor in await store.due(NOW)] == [None]
