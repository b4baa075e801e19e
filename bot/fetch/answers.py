"""What a server says in headers, and in what its body is packed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol, cast

from isal import isal_zlib
from yarl import URL

from bot.core.intake import Cursor
from bot.errors import FetchError

RETRY_AFTER_AT_MOST = timedelta(hours=24)
UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")

_SECONDS = re.compile(r"[+-]?[0-9]{1,12}")
_WINDOW_BITS = {"gzip": 31, "deflate": 15}
_BARE_WINDOW_BITS = -15
_DEFLATE_METHOD = 8  # the low four bits of a zlib header
_DAMAGED = cast("type[Exception]", isal_zlib.error)  # its stub calls it an instance


class _Stream(Protocol):
    """What `isal_zlib.decompressobj` returns."""

    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Unpacker:
    """One content encoding, unpacked piece by piece; complains where the end is missing or the checksum is wrong."""

    def __init__(self, encoding: str) -> None:
        self._name = encoding.strip().lower()
        if self._name not in {"", "identity", *_WINDOW_BITS}:
            raise FetchError(f"the answer is packed in a way that we did not ask for: {self._name[:40]!r}", status=200)
        self._stream: _Stream | None = None

    def unpack(self, chunk: bytes, at_most: int) -> bytes:
        """Unpack a piece into at most about `at_most` bytes; what lies beyond is not looked at."""
        if self._name not in _WINDOW_BITS:
            return chunk
        if self._stream is None:
            # "deflate" should have a zlib header, but some servers send it bare.
            bare = self._name == "deflate" and chunk[0] & 0xF != _DEFLATE_METHOD
            self._stream = isal_zlib.decompressobj(_BARE_WINDOW_BITS if bare else _WINDOW_BITS[self._name])
        try:
            plain = self._stream.decompress(chunk, at_most)
        except _DAMAGED as error:
            raise FetchError("the packed answer is damaged", status=200) from error
        if self._stream.unused_data:
            raise FetchError("the packed answer goes on after its end", status=200)
        return plain

    def finish(self) -> None:
        """Complain if the stream has not come to its end."""
        if self._stream is not None and not self._stream.eof:
            raise FetchError("the packed answer was cut short", status=200)


def retry_after(value: str, now: datetime) -> timedelta | None:
    """Read a Retry-After header, seconds or a date, as a time between 0 and 24 hours; None where it is neither."""
    if _SECONDS.fullmatch(value.strip()):
        wish = timedelta(seconds=min(int(value), RETRY_AFTER_AT_MOST.total_seconds()))
    else:
        try:
            date = parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        wish = (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
    return min(max(wish, timedelta(0)), RETRY_AFTER_AT_MOST)


def validators(cursor: Cursor, url: URL) -> dict[str, str]:
    """Say which validators may go to this very address."""
    if cursor.validator_url != str(url):
        return {}
    named = {"If-None-Match": cursor.etag, "If-Modified-Since": cursor.last_modified}
    return {name: value for name, value in named.items() if value and not UNSENDABLE.search(value)}


def plain(headers: Mapping[str, str]) -> dict[str, str]:
    """Lower-case names. A value that could not be sent back byte for byte (not UTF-8) is left out."""
    return {name.lower(): value for name, value in headers.items() if not UNSENDABLE.search(value)}
