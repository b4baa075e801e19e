"""What operators ask of the outbox: what waits, what is unsure, what died."""

from __future__ import annotations

from bot.commands.registry import Desk, Who, command
from bot.commands.wording import bold, echo, plural, refusal, reply
from bot.core.model import Delivery, DeliveryState
from bot.core.speech import Call, Reply, Span
from bot.core.words import time_in_words

_SHOWN = 50
_OPEN = tuple(state for state in DeliveryState if state not in {DeliveryState.SENT, DeliveryState.CANCELLED})


@command("outbox list|show ID|retry ID|discard ID", "alerts that wait, are unsure, or were refused", who=Who.OPERATORS)
async def outbox(desk: Desk, call: Call) -> Reply:
    match call.args:
        case () | ("list",):
            return await _list(desk)
        case ("show", delivery_id):
            found = await desk.store.delivery(delivery_id)
            return reply(*_lines(desk, found)) if found else _no_such(delivery_id)
        case ("retry", delivery_id):
            done = await desk.store.retry(delivery_id, desk.clock.now())
            return reply("Put back: it goes out again.") if done else _no_such(delivery_id)
        case ("discard", delivery_id):
            done = await desk.store.discard(delivery_id, desk.clock.now())
            return reply("Discarded: it will not be sent.") if done else _no_such(delivery_id)
        case _:
            return refusal("Usage: outbox list, outbox show ID, outbox retry ID, outbox discard ID.")


async def _list(desk: Desk) -> Reply:
    rows = await desk.store.outbox(_OPEN, _SHOWN)
    if not rows:
        return reply("The outbox is empty: nothing waits, nothing is unsure, nothing was refused.")
    lines = [part for row in rows for part in (bold(row.id), Span(f"  {row.state}  {row.chat}  {_title(row)}\n"))]
    more = f"The oldest {_SHOWN} are shown.\n" if len(rows) == _SHOWN else ""
    return reply(*lines, more, f"{plural(len(rows), 'row')}.")


def _lines(desk: Desk, row: Delivery) -> tuple[str | Span, ...]:
    error = f"\nlast error: {row.last_error}" if row.last_error else ""
    due = time_in_words(row.due_at, desk.voice.zone)
    facts = f"  {row.state}  {row.chat}\ndue {due}, attempts {row.attempt}{', may have arrived' if row.unsure else ''}"
    return bold(row.id), facts, error, f"\n#{row.alert.story.number} {_title(row)}"


def _title(row: Delivery) -> str:
    return row.alert.story.lead.title


def _no_such(delivery_id: str) -> Reply:
    return refusal("There is no such row, or nothing is left to do with it: ", bold(echo(delivery_id)), ".")
