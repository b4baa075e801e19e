"""What operators ask of the outbox: what waits, what is unsure, what died."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import assert_never

from bot.commands.registry import Desk, Who, command
from bot.commands.wording import bold, echo, plural, refusal, reply
from bot.core.model import PLATFORMS, Delivery, DeliveryState, Retried
from bot.core.speech import Call, Reply, Span
from bot.core.words import span_of_time, time_in_words

_SHOWN = 50
_OPEN = tuple(state for state in DeliveryState if state not in {DeliveryState.SENT, DeliveryState.CANCELLED})


@command(
    "outbox list|show ID|retry ID|discard ID|pause [PLATFORM]|resume [PLATFORM]",
    "alerts that wait, are unsure, or were refused; and stopping all by hand",
    who=Who.OPERATORS,
)
async def outbox(desk: Desk, call: Call) -> Reply:
    match call.args:
        case () | ("list",):
            return await _list(desk)
        case ("show", delivery_id):
            found = await desk.store.delivery(delivery_id)
            return reply(*_lines(desk, found)) if found else _no_such(delivery_id)
        case ("retry", delivery_id):
            return _of_retry(await desk.store.retry(delivery_id, desk.clock.now()), delivery_id)
        case ("discard", delivery_id):
            done = await desk.store.discard(delivery_id, desk.clock.now())
            return reply("Discarded: it will not be sent.") if done else _no_such(delivery_id)
        case ("pause" | "resume" as what, *platforms) if len(platforms) <= 1:
            return await _pause_or_resume(desk, what, platforms)
        case _:
            return refusal(
                "Usage: outbox list, outbox show ID, outbox retry ID, outbox discard ID, outbox pause [PLATFORM], "
                "outbox resume [PLATFORM]."
            )


def _of_retry(what: Retried, delivery_id: str) -> Reply:
    match what:
        case Retried.DONE:
            return reply("Put back: it goes out again.")
        case Retried.UNFOLLOWED:
            return refusal("Not put back: its chat has unfollowed what it was for. `outbox show` names the chat.")
        case Retried.GONE:
            return refusal("Not put back: its chat cannot be reached. It must let the bot in again first.")
        case Retried.NOTHING:
            return _no_such(delivery_id)
        case _:
            assert_never(what)


async def _pause_or_resume(desk: Desk, what: str, platforms: Sequence[str]) -> Reply:
    """Hold one platform or all, or let them go. What is being sent at this moment ends as it does."""
    platforms = [name.lower() for name in platforms]
    if unknown := set(platforms).difference(PLATFORMS):
        known = ", ".join(PLATFORMS)
        return refusal("There is no platform ", bold(echo(min(unknown))), f". Those there are: {known}.")
    meant = platforms or PLATFORMS
    if what == "pause":
        changed = [name for name in meant if await desk.store.hold(name, desk.clock.now())]
        rest = ". Alerts wait, through restarts too, until `outbox resume`. What is being sent now may still arrive."
        return reply("Paused: ", bold(", ".join(changed)), rest) if changed else reply("That is paused already.")
    changed = [name for name in meant if await desk.store.release(name)]
    return reply("Resumed: ", bold(", ".join(changed)), ".") if changed else reply("Nothing of that is paused.")


async def _list(desk: Desk) -> Reply:
    rows = await desk.store.outbox(_OPEN, _SHOWN)
    paused = in_words(await desk.store.held(), desk.clock.now())
    if not rows:
        return reply(*paused, "The outbox is empty: nothing waits, nothing is unsure, nothing was refused.")
    lines = [part for row in rows for part in (bold(row.id), Span(f"  {row.state}  {row.chat}  {_title(row)}\n"))]
    more = f"The oldest {_SHOWN} are shown.\n" if len(rows) == _SHOWN else ""
    return reply(*paused, *lines, more, f"{plural(len(rows), 'row')}.")


def in_words(held: Mapping[str, datetime], now: datetime) -> tuple[str, ...]:
    """Say what an operator has paused: a line for each platform."""
    return tuple(f"{name} is paused, for {span_of_time(now - since)} now.\n" for name, since in held.items())


def _lines(desk: Desk, row: Delivery) -> tuple[str | Span, ...]:
    error = f"\nlast error: {row.last_error}" if row.last_error else ""
    body = f"\nrefused message: {row.refused}" if row.refused else ""
    again = f"\nto send it again: outbox retry {row.id}" if row.state is DeliveryState.DEAD else ""
    due = time_in_words(row.due_at, desk.voice.zone)
    facts = f"  {row.state}  {row.chat}\ndue {due}, attempts {row.attempt}{', may have arrived' if row.unsure else ''}"
    return bold(row.id), facts, error, body, f"\n#{row.alert.story.number} {_title(row)}", again


def _title(row: Delivery) -> str:
    return row.alert.story.lead.title


def _no_such(delivery_id: str) -> Reply:
    return refusal("There is no such row, or nothing is left to do with it: ", bold(echo(delivery_id)), ".")
