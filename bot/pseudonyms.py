"""Names for chats and people in logs and in the audit: the same for one calendar month, and no way back without a key.

The key is a file of its own beside the database, for the owner alone. When a month ends it is replaced, so what was
written before can be linked neither to a chat nor to what is written after (security S45). Where the file cannot be
read or written, on a full disk say, a key in memory takes its place until the next month.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from bot.core.model import Chat

KEY_NAME = "pseudonyms.key"

_KEY_BYTES = 32
_DIGEST_BYTES = 4  # of a keyed hash: enough to tell some thousands of chats apart, too few to be an identity


class MonthlyKey:
    """The key of the present month. Call it for the bytes; it looks at the clock each time."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._path = path
        self._now = now
        self._month = ""
        self._key = b""

    def __call__(self) -> bytes:
        month = f"{self._now():%Y-%m}"
        if month != self._month:
            self._month, self._key = month, _read(self._path, month) or _made(self._path, month)
        return self._key


def pseudonym(chat: Chat, key: bytes) -> str:
    """Name a chat, or a person written as one."""
    return f"{chat.platform}~{digest(str(chat), key)}"


def digest(text: str, key: bytes) -> str:
    """Hash with a key: BLAKE2b in its keyed mode is a MAC as HMAC is."""
    return blake2b(text.encode(errors="replace"), key=key[:64], digest_size=_DIGEST_BYTES).hexdigest()


def _read(path: Path, month: str) -> bytes:
    """Return the key of this month; nothing where there is none."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(path.read_text(encoding="ascii"))
        if kept["month"] == month:
            return bytes.fromhex(kept["key"])
    return b""


def _made(path: Path, month: str) -> bytes:
    """Make a key, and put it in the place of the old one where that can be done."""
    key = secrets.token_bytes(_KEY_BYTES)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, json.dumps({"month": month, "key": key.hex()}).encode())
        finally:
            os.close(descriptor)
        fresh.replace(path)
    with contextlib.suppress(OSError):
        fresh.unlink(missing_ok=True)
    return key
