from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.core.retention import Ages, Pruned, cutoffs
from tests.builders import NOW, at

DAYS = st.integers(1, 3650).map(lambda days: timedelta(days=days))


def test_the_usual_ages() -> None:
    old = cutoffs(NOW, Ages())
    assert old.items == at(days=-400)
    assert old.texts == at(days=-60)
    assert old.deliveries == old.audit == at(days=-180)
    assert old.dead_letters == old.chats == old.forgotten == at(days=-30)


def test_who_was_forgotten_is_known_for_longer_than_any_backup_is_kept() -> None:
    assert cutoffs(NOW, Ages(backups=timedelta(days=365))).forgotten == at(days=-366)


@given(DAYS, DAYS, DAYS, DAYS)
def test_an_item_outlives_the_rows_that_quote_it_and_short_ages_hold_for_everything(
    items: timedelta, deliveries: timedelta, chats: timedelta, audit: timedelta
) -> None:
    old = cutoffs(NOW, Ages(items, deliveries, chats, audit))
    assert old.items < old.deliveries <= old.dead_letters
    assert old.texts >= NOW - items
    assert (old.chats, old.audit) == (NOW - chats, NOW - audit)


def test_what_went_adds_up() -> None:
    assert Pruned(1, 2, 3, 4, 5) + Pruned(10, 20, 30, 40, 50) == Pruned(11, 22, 33, 44, 55)
    assert not Pruned().anything
    assert Pruned(audit=1).anything
