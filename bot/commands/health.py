"""How the bot is doing: one line, and source by source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from bot.commands.adding import ADDING, add_or_drop, seen_here
from bot.commands.conditions import Found, counted, findings, listed, unwatchable, verdict
from bot.commands.registry import Desk, Who, command
from bot.commands.steering import STEERS, steer
from bot.commands.wording import bold, plural, reply
from bot.core.intake import Cursor
from bot.core.model import DeliveryState
from bot.core.speech import Call, Reply, Span
from bot.core.words import span_of_time
from bot.ports import Census


@command("status", "how this bot is doing", who=Who.EVERYBODY)
async def status(desk: Desk, call: Call) -> Reply:
    desk = replace(desk, sources=await seen_here(desk, call))
    found, cursors = await findings(desk), await desk.store.cursors()
    census = await desk.store.census()
    now = desk.clock.now()
    rooms = _rooms(desk, await desk.store.held(), now)
    health = _health(desk, found, cursors, now)
    return reply(*health, "\n", _deliveries(census, now), *rooms, *unwatchable(found), *_alarms(desk, call))


@command(
    "sources [add URL|drop ID|pause|resume|poll|move|release|discard ID]",
    "what is read, and how each source is doing; operators may add one, pause it, or settle what is held of it",
    who=Who.EVERYBODY,
    steers=tuple(STEERS),
    noted=tuple(ADDING),
)
async def sources(desk: Desk, call: Call) -> Reply:
    if call.args and call.args[0].lower() in ADDING:
        return await add_or_drop(desk, call)
    if call.args:
        return await steer(desk, call)
    here = replace(desk, sources=await seen_here(desk, call))
    parts = list(listed(await findings(here), for_operator=call.is_operator))
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


def _health(desk: Desk, found: Found, cursors: Iterable[Cursor], now: datetime) -> Iterable[str | Span]:
    wanted = {source.id for source in desk.sources}
    polled = [one.last_success_at for one in cursors if one.last_success_at and one.source_id in wanted]
    yield bold(verdict(found))
    yield f" · {counted(found)}"
    if desk.not_yet:
        yield f", {len(desk.not_yet)} more not read"
    yield f" · last good poll {span_of_time(now - max(polled))} ago" if polled else " · no good poll yet"


def _deliveries(census: Census, now: datetime) -> str:
    count = census.deliveries.get
    waiting = count(DeliveryState.PENDING, 0) + count(DeliveryState.SENDING, 0)
    oldest = f" (the oldest for {span_of_time(now - census.oldest_pending_at)})" if census.oldest_pending_at else ""
    unhappy = ", ".join(
        f"{count(state, 0)} {state}" for state in (DeliveryState.MAYBE, DeliveryState.DEAD, DeliveryState.EXPIRED)
    )
    return f"Alerts: {count(DeliveryState.SENT, 0)} sent, {waiting} waiting{oldest}, {unhappy}"
