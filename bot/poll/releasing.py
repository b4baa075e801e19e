"""Letting go of what the flood guard holds: an operator's word or an hour later, as one list for each chat.

Who is told is asked when it is let go, of the queries and subscribers of that time, in line with all deciding. A large
flood goes part by part, and polls decide in between. Its rows are all due at one moment, when the last of them is
surely written: a chat that is told then is told of all in one list.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from bot.core.decide import asked, matched
from bot.core.floods import Flood, let_go
from bot.core.model import Verdict
from bot.core.plan import deliveries_of
from bot.errors import StoreError
from bot.poll.deciding import breathing
from bot.poll.desk import PollDesk

log = structlog.get_logger()

DOCUMENTS_AT_ONCE = 500  # let go by one commit, in line with deciding
ROWS_AT_ONCE = 2_000  # written by one commit: a third of a second on two busy cores
_ROWS_A_SECOND = 2_000  # written at the least; 7,000 on two busy cores
_PART_SECONDS = 0.5  # that a part may wait for polls which are deciding
AGAIN_AFTER = timedelta(minutes=15)  # what could not be let go is tried again


async def release_floods(desk: PollDesk) -> None:
    """Let go of what was held for an hour, or is to be let go by an operator's word. Raises only `StoreError`."""
    for flood in await desk.store.floods():
        now = desk.clock.now()
        if not flood.is_over(now) or desk.broken_floods.get(flood.source_id, now) > now:
            continue
        try:
            await _release(desk, flood, now)
        except StoreError:
            raise
        except Exception:  # a bug that one source's items bring out stops neither polls nor other floods
            desk.broken_floods[flood.source_id] = now + AGAIN_AFTER
            log.exception("flood.broke", source=flood.source_id)


async def _release(desk: PollDesk, flood: Flood, now: datetime) -> None:
    async with desk.one_at_a_time:
        index = await desk.queries.refresh()
    held = await desk.store.held_of(flood.source_id)
    verdicts = await breathing(let_go(asked(one, index), flood, now) for one in held)
    readers = await desk.store.subscribers(matched(verdicts), flood.source_id)
    chats = len({reader.chat for reader in readers})
    size = max(1, min(DOCUMENTS_AT_ONCE, ROWS_AT_ONCE // max(chats, 1)))
    parts = [verdicts[at : at + size] for at in range(0, len(verdicts), size)]
    seconds = len(parts) * _PART_SECONDS + len(verdicts) * chats / _ROWS_A_SECOND if len(parts) > 1 else 0
    due = desk.clock.now() + timedelta(seconds=seconds)
    alerts = sum([await _tell(desk, flood, part, due) for part in parts])
    log.warning("flood.released", source=flood.source_id, items=len(verdicts), alerts=alerts)
    if alerts:
        desk.wake_outbox()


async def _tell(desk: PollDesk, flood: Flood, part: Sequence[Verdict], due: datetime) -> int:
    async with desk.one_at_a_time:
        readers = await desk.store.subscribers(matched(part), flood.source_id)
        deliveries = deliveries_of(part, readers, due)
        await desk.store.end_flood(part, deliveries)
    return len(deliveries)
