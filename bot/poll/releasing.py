"""Letting go of what the flood guard holds: an operator's word or an hour later, as one list for each chat.

Who is told is asked when it is let go, of the queries and subscribers of that time, in line with all deciding.
"""

from __future__ import annotations

import structlog

from bot.core.decide import matched, matched_late
from bot.core.floods import Flood, let_go
from bot.core.plan import deliveries_of
from bot.poll.deciding import breathing
from bot.poll.desk import PollDesk

log = structlog.get_logger()


async def release_floods(desk: PollDesk) -> None:
    """Let go of what was held for an hour, or is to be let go by an operator's word."""
    for flood in await desk.store.floods():
        if flood.is_over(desk.clock.now()):
            await _release(desk, flood)


async def _release(desk: PollDesk, flood: Flood) -> None:
    async with desk.one_at_a_time:
        now = desk.clock.now()
        index = await desk.queries.refresh()
        held = await desk.store.held_of(flood.source_id)
        verdicts = await breathing(let_go(matched_late(one, index), flood, now) for one in held)
        readers = await desk.store.subscribers(matched(verdicts), flood.source_id)
        deliveries = deliveries_of(verdicts, readers, now)
        await desk.store.end_flood(verdicts, deliveries)
    log.warning("flood.released", source=flood.source_id, items=len(verdicts), alerts=len(deliveries))
    if deliveries:
        desk.wake_outbox()
