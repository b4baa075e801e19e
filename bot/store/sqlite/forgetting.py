"""Who was forgotten, in a form that says nothing without its key: so that an older backup brings nobody back.

A chat's number alone is quickly guessed from a plain hash (there are some ten thousand million). The key is a file of
its own beside the database, made when it is first needed, and in no backup.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from bot.core.model import Chat
from bot.errors import StoreError
from bot.store.sqlite.rows import Connection, key_of

KEY_NAME = "forgotten.key"
_KEY_BYTES = 32


class Names:
    """Hashes of chats' names under the key of one data directory."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / KEY_NAME
        self._key = b""

    def hash_of(self, chat: Chat) -> str:
        """Hash a chat's name; the key is read, or made, the first time."""
        self._key = self._key or self._read_or_make()
        return blake2b("\0".join(key_of(chat)).encode(), key=self._key, digest_size=16).hexdigest()

    def _read_or_make(self) -> bytes:
        try:
            if not self._file.exists():
                self._make()
            return self._file.read_bytes()[:_KEY_BYTES].ljust(_KEY_BYTES, b"\0")
        except OSError as error:
            raise StoreError(f"The key {self._file} cannot be read or made: {error.strerror}.") from error

    def _make(self) -> None:
        part = self._file.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(os.urandom(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._file)


def remember(connection: Connection, hashes: Iterable[str]) -> None:
    """Note who was forgotten, in the same transaction. Who was so before is dated anew: the last time counts."""
    connection.executemany(
        "INSERT INTO forgotten (hash) VALUES (?) ON CONFLICT (hash) DO UPDATE SET forgotten_at = NULL",
        [(one,) for one in hashes],
    )


def forgotten_in(connection: Connection) -> frozenset[str]:
    """Read who was forgotten; of a database from before that was noted, nobody."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'forgotten'").fetchone() is None:
        return frozenset()
    return frozenset(row[0] for row in connection.execute("SELECT hash FROM forgotten"))
