"""What an operator asks from a shell: the same words with a running daemon, over its socket, as without one.

A request is a list of words. What changes something or speaks to people goes through the one door that chats use;
what only looks is answered in JSON, and the command line lays it out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from pathlib import Path

from bot.commands import Desk, read_line
from bot.commands.adding import ADDING
from bot.commands.conditions import findings
from bot.commands.steering import STEERS
from bot.control import Answered
from bot.core.added import Added, Refusal, Wanted
from bot.core.alarms import Alarm
from bot.core.chats import read_chat
from bot.core.clean import canonical_url
from bot.core.condition import Condition, Finding
from bot.core.floods import Flood
from bot.core.intake import Cursor, SourceSpec
from bot.core.model import Chat, Delivery, DeliveryState, Story
from bot.core.retention import Ages, cutoffs
from bot.core.speech import Call, Reply
from bot.core.text import clean_controls
from bot.ports import Answer
from bot.ports.oversight import Audited
from bot.upkeep import in_numbers, prune_all
from bot.watching.operators import BY_SHELL

SHELL = Chat("console", "", "local")

_OPEN = tuple(state for state in DeliveryState if state not in {DeliveryState.SENT, DeliveryState.CANCELLED})
_MOST_ROWS = 1_000
_WRONG_USE = 2
_GIVEN_UP = (DeliveryState.MAYBE, DeliveryState.DEAD, DeliveryState.EXPIRED, DeliveryState.CANCELLED)
_UNKNOWN = Answered(
    "This request is unknown here. Is the running daemon of another version? Restart it.", ok=False, exit=_WRONG_USE
)


async def operate(desk: Desk, answer: Answer, argv: Sequence[str]) -> Answered:
    """Answer one request. `answer` is the door to use: the daemon's takes its turn with polling."""
    match argv:
        case ["follow" | "unfollow" as what, chat, *words]:
            return await _in_chat(answer, what, chat, words)
        case ["outbox", "pause" | "resume"] | ["outbox", "retry" | "discard" | "pause" | "resume", _]:
            return _printed(await answer(_typed("outbox", tuple(argv[1:]))))
        case ["sources", what, *rest] if what in ADDING or (what in STEERS and len(rest) == 1):
            return _printed(await answer(_typed("sources", tuple(argv[1:]))))
        case ["say", line]:
            verb, args = read_line(line)
            return _printed(await answer(_typed(verb, args)))
        case ["why", story, chat]:
            return await _why(desk, answer, story, chat)
        case _:
            return await _look(desk, argv)


async def _look(desk: Desk, argv: Sequence[str]) -> Answered:
    match argv:
        case ["alarms" | "audit" as what]:
            alarms = [_alarm(alarm) for alarm in desk.alarms()]
            return _json(alarms if what == "alarms" else [asdict(one) for one in await desk.store.audit(_MOST_ROWS)])
        case ["outbox", *what]:
            return await _outbox(desk, what)
        case ["backup" | "db", *_] | ["sources", "take", *_]:
            return await _tend(desk, argv)
        case ["sources", "list"]:
            return _json(await _sources(desk))
        case ["sources", "show", source_id]:
            source = next((one for one in await _sources(desk) if one["id"] == source_id), None)
            missing = f"There is no source {source_id}. See `policybell sources list`."
            return _json(source) if source else _none(missing)
        case _:
            return _UNKNOWN


async def _take(desk: Desk, pairs: Sequence[str]) -> list[Mapping[str, str]]:
    """Add feeds, given as address and name in turn, for everybody; say what became of each."""
    now, watched = desk.clock.now(), {source.url for source in desk.sources}
    done: list[Mapping[str, str]] = []
    for url, name in zip(pairs[::2], pairs[1::2], strict=True):
        wanted = Wanted("feed", url, name or url)
        added = Refusal.KNOWN if url in watched else await desk.store.add_source(wanted, desk.voice, now)
        done.append({"what": f"{name or url} ({url})", "outcome": "added" if isinstance(added, Added) else added.value})
    await desk.store.note(Audited(now, BY_SHELL, "sources", f"import of {len(done)}", "done"))
    await desk.regathered()
    return done


async def _outbox(desk: Desk, argv: Sequence[str]) -> Answered:
    match argv:
        case ["list"]:
            return _json([_row(row) for row in await desk.store.outbox(_OPEN, _MOST_ROWS)])
        case ["paused"]:
            return _json(await desk.store.held())
        case ["show", row_id]:
            row = await desk.store.delivery(row_id)
            return _json(_row(row)) if row else _none(f"There is no row {row_id}. See `policybell outbox list`.")
        case _:
            return _UNKNOWN


async def _tend(desk: Desk, argv: Sequence[str]) -> Answered:
    match argv:
        case ["sources", "take", *pairs] if len(pairs) % 2 == 0:
            return _json(await _take(desk, pairs))
        case ["backup", file]:
            await desk.store.backup(Path(file))
            return Answered(f"Backed up to {file}.")
        case ["db", "migrate"]:
            return Answered("The schema is up to date.")  # whoever answers has opened it
        case ["db", "vacuum"]:
            await desk.store.vacuum()
            return Answered("The database was written anew, without its empty pages.")
        case ["db", "prune", *seconds] if len(seconds) == len(fields(Ages)) and all(one.isdecimal() for one in seconds):
            ages = Ages(*(timedelta(seconds=int(one)) for one in seconds))
            gone = in_numbers(await prune_all(desk.store, cutoffs(desk.clock.now(), ages)))
            return Answered(", ".join(f"{number} {what}" for what, number in gone.items()) or "Nothing is that old.")
        case _:
            return _UNKNOWN


def plain(reply: Reply) -> str:
    """Write a reply for a shell: text, with addresses behind what they belong to."""
    spans = (f"{span.text} <{span.url}>" if span.url else span.text for span in reply.spans)
    return clean_controls("".join(spans)).strip()


def _typed(verb: str, args: tuple[str, ...], chat: Chat = SHELL) -> Call:
    """Make the call of somebody who has the shell: they may do everything, for any chat."""
    return Call(verb, args, chat, may_change=True, is_operator=True, actor=BY_SHELL)


async def _in_chat(answer: Answer, verb: str, chat: str, words: Sequence[str]) -> Answered:
    try:
        call = _typed(verb, tuple(words), read_chat(chat))
    except ValueError as error:
        return Answered(str(error), ok=False, exit=_WRONG_USE)
    return _printed(await answer(call))


async def _why(desk: Desk, answer: Answer, what: str, chat: str) -> Answered:
    try:
        asked = read_chat(chat)
    except ValueError as error:
        return Answered(str(error), ok=False, exit=_WRONG_USE)
    reply = await answer(_typed("why", (what,), asked))
    if not reply.ok:
        return _none(plain(reply))
    story = await _story(desk, what)
    row = await desk.store.told(asked, story.number) if story else None
    return _json(
        {
            "text": plain(reply),
            "story": story and {"number": story.number, "title": story.lead.title, "url": story.lead.url},
            "decisions": list(await desk.store.decisions(story.number)) if story else [],
            "delivery": row and _row(row),
        }
    )


async def _story(desk: Desk, what: str) -> Story | None:
    number = what.removeprefix("#")
    if number.isdecimal():
        return await desk.store.story(int(number))
    return await desk.store.story_with_key(f"url:{canonical_url(what)}")


async def _sources(desk: Desk) -> list[Mapping[str, object]]:
    cursors = {cursor.source_id: cursor for cursor in await desk.store.cursors()}
    paused, floods = await desk.store.paused_sources(), {flood.source_id: flood for flood in await desk.store.floods()}
    waiting = [
        {"id": source_id, "name": name, "state": "not yet", "why": why, "url": "", "kind": ""}
        for source_id, name, why in desk.not_yet
    ]
    found = await findings(desk)
    known = [
        _source(source, how, cursors.get(source.id), paused.get(source.id), floods.get(source.id))
        for source, how in found
    ]
    return [*known, *waiting]


def _source(
    source: SourceSpec, found: Finding, cursor: Cursor | None, paused_at: datetime | None, flood: Flood | None
) -> Mapping[str, object]:
    known = cursor or Cursor(source.id)
    return {
        "id": source.id,
        "name": source.name,
        "state": "not polled" if found.condition is Condition.NOT_YET else found.condition.value,
        "why": known.last_error or (found.words if found.condition in _TOLD else ""),
        "sentence": found.sentence,
        "elsewhere": found.elsewhere,
        "next_step": found.next_step,
        "url": source.url,
        "kind": source.kind,
        "every_seconds": int(source.every.total_seconds()),
        "standing": source.standing,
        "agency": source.agency,
        "language": source.language,
        "failures": known.failures,
        "paused_at": paused_at,
        "held": flood.items if flood else 0,
        "held_since": flood and flood.since,
        "next_poll_at": known.next_poll_at,
        "last_success_at": known.last_success_at,
        "last_new_at": known.last_new_at,
    }


# "why" has a server's own words, where there are any; these conditions come without
_TOLD = frozenset({Condition.LATE, Condition.GONE, Condition.HELD})


def _alarm(alarm: Alarm) -> Mapping[str, object]:
    return {
        "key": alarm.key,
        "severity": alarm.severity,
        "sentence": alarm.sentence,
        "next_step": alarm.next_step,
        "since": alarm.since,
    }


def _row(row: Delivery) -> Mapping[str, object]:
    return {
        "id": row.id,
        "state": row.state,
        "chat": str(row.chat),
        "alert": row.alert.story.number,
        "title": row.alert.story.lead.title,
        "url": row.alert.story.lead.url,
        "due_at": row.due_at,
        "attempts": row.attempt,
        "may_have_arrived": row.unsure,
        "receipt": row.receipt,
        "last_error": row.last_error,
        "refused_body": row.refused,
        "to_send_again": f"policybell outbox retry {row.id}" if row.state in _GIVEN_UP else "",
    }


def _printed(reply: Reply) -> Answered:
    return Answered(plain(reply), ok=reply.ok, exit=0 if reply.ok else 1)


def _none(sentence: str) -> Answered:
    return Answered(sentence, ok=False, exit=1)


def _json(value: object) -> Answered:
    return Answered(json.dumps(value, default=_in_json, ensure_ascii=False))


def _in_json(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
