"""Between values and rows: times as ISO-8601 text in UTC, small structures as JSON, text as UTF-8."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from bot.core.delays import Delay
from bot.core.intake import Cursor, Standing, Trouble
from bot.core.model import (
    Alert,
    Chat,
    Delivery,
    DeliveryState,
    Document,
    Fingerprint,
    Hit,
    Mute,
    Precision,
    Reason,
    Story,
    Voice,
    Why,
)

Row = sqlite3.Row
Connection = sqlite3.Connection


def stamp(moment: datetime) -> str:
    """Write a time so that the order of texts is the order of times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"


def stamp_or_null(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def moment_or_none(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def plain(text: str) -> str:
    """Make any text storable: half of a surrogate pair is no text in UTF-8, and SQLite's JSON stops at a NUL.

    JSON that was sent to us can hold both; each becomes one other character, so that offsets stay right.
    """
    if text.isascii() and "\0" not in text:  # nearly all is: ids, addresses, hashes
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


_write_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def as_json(value: object) -> str:
    return plain(_write_json(value))


def as_list(values: Iterable[str | int]) -> str:
    """Write values for `IN (SELECT value FROM json_each(?))`: one prepared statement for any number of them."""
    return as_json([plain(value) if isinstance(value, str) else value for value in values])


def from_header(text: str) -> str:
    """Write a validator so that its bytes survive: HTTP headers may hold bytes that are no UTF-8."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def to_header(stored: str) -> str:
    return stored if stored.isascii() else stored.encode("latin-1").decode("utf-8", "surrogateescape")


def key_of(chat: Chat) -> tuple[str, str, str, str]:
    return plain(chat.platform), plain(chat.workspace), plain(chat.id), plain(chat.thread)


def chat_of(row: Row) -> Chat:
    return Chat(row["platform"], row["workspace"], row["chat"], row["thread"])


def mute_of(row: Row, whose: str = "") -> Mute | None:
    """Read the silence of a chat or a subscription. `whose` stands before its columns where a row has both."""
    since, until = row[f"{whose}muted_since"], row[f"{whose}muted_until"]
    return None if since is None else Mute(moment(since), moment_or_none(until))


def cursor_of(stored: Row) -> Cursor:
    row = dict(zip(stored.keys(), stored, strict=True))  # looking up a Row's fields by name goes through all of them
    return Cursor(
        source_id=row["source_id"],
        validator_url=row["validator_url"],
        etag=to_header(row["etag"]),
        last_modified=to_header(row["last_modified"]),
        body_hash=row["body_hash"],
        next_poll_at=moment_or_none(row["next_poll_at"]),
        failures=row["failures"],
        last_error=row["last_error"],
        last_success_at=moment_or_none(row["last_success_at"]),
        last_new_at=moment_or_none(row["last_new_at"]),
        full_at=moment_or_none(row["full_at"]),
        trouble=Trouble(row["trouble"]),
        trouble_since=moment_or_none(row["trouble_since"]),
        trouble_polls=row["trouble_polls"],
        moved_to=row["moved_to"],
        moved_since=moment_or_none(row["moved_since"]),
        moved_polls=row["moved_polls"],
        retired_at=moment_or_none(row["retired_at"]),
        unseen_recent=tuple(json.loads(row["unseen_recent"])),
        address=row["address"],
        address_instead_of=row["address_instead_of"],
        address_at=moment_or_none(row["address_at"]),
    )


def document_of(row: Row) -> Document:
    return Document(
        id=row["id"],
        source_id=row["source_id"],
        outlet=row["outlet"],
        standing=Standing(row["standing"]),
        language=row["language"],
        url=row["url"],
        title=row["title"],
        text=row["text"],
        seen_at=moment(row["seen_at"]),
        keys=tuple(json.loads(row["keys"])),
        digest=row["digest"],
        agency=row["agency"],
        number=row["number"],
        claimed_at=moment_or_none(row["claimed_at"]),
        precision=Precision(row["precision"]),
        date_note=row["date_note"],
        facts=json.loads(row["facts"]),
    )


def fingerprint_of(row: Row) -> Fingerprint:
    return Fingerprint(
        document_id=row["id"],
        source_id=row["source_id"],
        story=row["story"],
        number=row["number"],
        digest=row["latest_digest"],
        keys=tuple(json.loads(row["keys"])),
        leads=bool(row["leads"]),
        untold=row["untold"],
    )


def documents_by_id(connection: Connection, ids: Iterable[str]) -> dict[str, Document]:
    """Read whole documents."""
    rows = connection.execute(
        """SELECT documents.*, (
            SELECT json_group_array(key) FROM (
                SELECT key FROM document_keys WHERE document_id = documents.id ORDER BY rowid)) AS keys
        FROM documents WHERE id IN (SELECT value FROM json_each(?))""",
        (as_list(ids),),
    )
    return {row["id"]: document_of(row) for row in rows}


def why_json(why: Sequence[Why]) -> str:
    return as_json(
        [
            {
                "query_id": one.query_id,
                "label": one.label,
                "hits": [(hit.field, hit.start, hit.end) for hit in one.hits],
            }
            for one in why
        ]
    )


def why_of(text: str) -> tuple[Why, ...]:
    return tuple(
        Why(one["query_id"], one["label"], tuple(Hit(field, start, end) for field, start, end in one["hits"]))
        for one in json.loads(text)
    )


def deliveries_of(connection: Connection, rows: Sequence[Row]) -> tuple[Delivery, ...]:
    """Make deliveries of rows of `deliveries_with_chat`, in their order. Each quotes the document it was made for."""
    documents = documents_by_id(connection, {row["document_id"] for row in rows})
    return tuple(
        delivery_of(row, Story(row["story"], documents[row["document_id"]], moment(row["first_seen_at"])))
        for row in rows
    )


def delivery_of(row: Row, story: Story) -> Delivery:
    """Make a delivery of a row of `deliveries_with_chat` whose story is at hand."""
    alert = Alert(
        chat=chat_of(row),
        voice=Voice(row["language"], row["zone"]),
        story=story,
        why=why_of(row["why"]),
        reason=Reason(row["reason"]),
        delay=Delay(row["delay"]),
    )
    return Delivery(
        id=row["id"],
        alert=alert,
        due_at=moment(row["due_at"]),
        state=DeliveryState(row["state"]),
        attempt=row["attempt"],
        unsure=bool(row["unsure"]),
        plain=bool(row["plain"]),
        receipt=row["receipt"],
        last_error=row["last_error"],
        refused=row["refused"],
    )
