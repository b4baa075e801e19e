"""How the bot is doing: one line, and source by source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from bot.commands.registry import Desk, Who, command
from bot.commands.steering import STEERS, steer
from bot.commands.wording import bold, plural, reply
from bot.core.intake import Cursor
from bot.core.model import DeliveryState
from bot.core.speech import Call, Reply, Span
from bot.core.words import span_of_time, time_in_words
from bot.ports import Census


@command("status", "how this bot is doing", who=Who.EVERYBODY)
async def status(desk: Desk, call: Call) -> Reply:
    cursors = await _cursors(desk)
    census = await desk.store.census()
    now = desk.clock.now()
    rooms = _rooms(desk, await desk.store.held(), now)
    return reply(*_health(desk, cursors, now), "\n", _deliveries(census, now), *rooms, *_alarms(desk, call))


@command(
    "sources [pause|resume|poll|move|release|discard ID]",
    "what is read, and how each source is doing; operators may pause one, poll it soon, or settle what is held of it",
    who=Who.EVERYBODY,
    steers=tuple(STEERS),
)
async def sources(desk: Desk, call: Call) -> Reply:
    if call.args:
        return await steer(desk, call)
    cursors, paused = await _cursors(desk), await desk.store.paused_sources()
    now = desk.clock.now()
    parts: list[str | Span] = []
    for source in desk.sources:
        state = _state(desk, cursors.get(source.id), now)
        if source.id in paused:
            state = f"paused by an operator {span_of_time(now - paused[source.id])} ago"
        shown_id = f" ({source.id})" if call.is_operator else ""
        parts += [bold(source.name), f"{shown_id} · {state}\n"]
    for _, name, because in desk.not_yet:
        parts += [bold(name), f" · not read: {because}\n"]
    return reply(*(parts or ["No source is configured."]))


@command("alarms", "what needs an operator now, and what to do about it", who=Who.OPERATORS)
async def alarms(desk: Desk, _call: Call) -> Reply:
    now = desk.clock.now()
    parts: list[str | Span] = []
    for alarm in desk.alarms():
        since = f" (for {span_of_time(now - alarm.since)})" if alarm.since else ""
        parts += [bold(alarm.severity.capitalize()), f" · {alarm.sentence}{since}\n{alarm.next_step}\n"]
    return reply(*(parts or ["No alarm: everything that is measured is as it should be."]))


def _alarms(desk: Desk, call: Call) -> Iterable[str]:
    """Say what stands: to operators in full, to others how much it is."""
    standing = desk.alarms()
    if not standing:
        return
    if call.is_operator:
        yield from (f"\nAlarm: {alarm.sentence}" for alarm in standing)
    else:
        yield f"\n{plural(len(standing), 'alarm')}: the operators of this bot know."


def _rooms(desk: Desk, held: Mapping[str, datetime], now: datetime) -> Iterable[str]:
    """Say how each room is, and which platforms an operator has paused, whether they are on or not."""
    states = desk.platforms()
    for name in dict.fromkeys((*states, *held)):
        paused = f"; paused by an operator for {span_of_time(now - held[name])}" if name in held else ""
        yield f"\n{name}: {states.get(name, 'off')}{paused}"


async def _cursors(desk: Desk) -> Mapping[str, Cursor]:
    return {cursor.source_id: cursor for cursor in await desk.store.cursors()}


def _health(desk: Desk, cursors: Mapping[str, Cursor], now: datetime) -> Iterable[str | Span]:
    known = [cursors[source.id] for source in desk.sources if source.id in cursors]
    failing = sum(1 for cursor in known if cursor.failures)
    polled = [cursor.last_success_at for cursor in known if cursor.last_success_at]
    fine = sum(1 for cursor in known if cursor.last_success_at and not cursor.failures)
    unpolled = len(desk.sources) - failing - fine
    yield bold(_verdict(len(desk.sources), failing, fine))
    yield f" · {plural(len(desk.sources), 'source')}: {fine} ok, {failing} failing, {unpolled} not polled yet"
    if desk.not_yet:
        yield f", {len(desk.not_yet)} more not read"
    yield f" · last good poll {span_of_time(now - max(polled))} ago" if polled else " · no good poll yet"


def _verdict(total: int, failing: int, fine: int) -> str:
    if not total:
        return "Nothing to read"
    if failing:
        return "Partly failing" if fine else "Failing"
    return "Healthy" if fine else "Starting"


def _deliveries(census: Census, now: datetime) -> str:
    count = census.deliveries.get
    waiting = count(DeliveryState.PENDING, 0) + count(DeliveryState.SENDING, 0)
    oldest = f" (the oldest for {span_of_time(now - census.oldest_pending_at)})" if census.oldest_pending_at else ""
    unhappy = ", ".join(
        f"{count(state, 0)} {state}" for state in (DeliveryState.MAYBE, DeliveryState.DEAD, DeliveryState.EXPIRED)
    )
    return f"Alerts: {count(DeliveryState.SENT, 0)} sent, {waiting} waiting{oldest}, {unhappy}"


def _state(desk: Desk, cursor: Cursor | None, now: datetime) -> str:
    good = cursor.last_success_at if cursor else None
    if cursor and cursor.failures:
        since = time_in_words(good, desk.voice.zone) if good else "never"
        return f"failing ({plural(cursor.failures, 'time')}): {cursor.last_error}; last good poll {since}"
    if cursor is None or good is None:
        return "not polled yet"
    new = f", last new item {span_of_time(now - cursor.last_new_at)} ago" if cursor.last_new_at else ""
    return f"ok, read {span_of_time(now - good)} ago{new}"
