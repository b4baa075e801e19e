from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.model import Chat
from bot.pseudonyms import KEY_NAME, MonthlyKey, pseudonym
from tests.fakes.clock import NOON, FakeClock


def key_in(folder: Path, clock: FakeClock) -> MonthlyKey:
    return MonthlyKey(folder / KEY_NAME, clock.now)


def test_the_key_outlives_a_restart_and_not_its_month(tmp_path: Path) -> None:
    clock = FakeClock(NOON)
    first = key_in(tmp_path, clock)
    kept = first()
    assert len(kept) == 32
    assert key_in(tmp_path, clock)() == kept
    clock.advance(timedelta(days=7))  # December
    assert first() != kept
    assert first() == key_in(tmp_path, clock)()
    assert kept.hex() not in (tmp_path / KEY_NAME).read_text()


def test_the_key_is_for_the_owner_alone_and_leaves_no_litter(tmp_path: Path) -> None:
    key_in(tmp_path / "data", FakeClock())()
    (file,) = (tmp_path / "data").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"month": "2026-11", "key": "zz"}', "\N{SNOWMAN}"])
def test_a_damaged_key_is_replaced(tmp_path: Path, damage: str) -> None:
    (tmp_path / KEY_NAME).write_text(damage)
    key = key_in(tmp_path, FakeClock())()
    assert key_in(tmp_path, FakeClock())() == key


def test_where_nothing_can_be_written_the_key_stays_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    key = key_in(tmp_path / "file", FakeClock())
    assert len(key()) == 32
    assert key() == key()


def test_a_name_tells_the_platform_and_nothing_else() -> None:
    chats = [Chat("telegram", "", "501884223"), Chat("slack", "T1", "U123"), Chat("slack", "T2", "U123")]
    names = {pseudonym(chat, b"key") for chat in chats}
    assert len(names) == 3
    assert not any(chat.id in name for name in names for chat in chats)
