"""What `policybell run` says to whoever started it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot import __version__
from bot.poll import Polled

_NAMED = 3  # failed sources that are named in one line; `sources` in the chat lists them all


@dataclass(frozen=True, slots=True)
class RoomLine:
    """One room in the list: whether it is on, and where it is or what would start it."""

    name: str
    note: str
    on: bool = True


def greeting(data: str, rooms: Sequence[RoomLine], sources: int, not_yet: int, *, sample: bool) -> str:
    """Say what is on, what is off and what would start it."""
    lines = [f"Policybell {__version__}   data: {data}{'   SAMPLE: made-up news of 5 October 2023' if sample else ''}"]
    lines += [f"  {room.name:<10} {'on ' if room.on else 'off'}   {room.note}" for room in rooms]
    waiting = f" ({not_yet} more are not read; `sources` in the chat names them)" if not_yet else ""
    lines.append(f"  Reading {sources} sources{waiting} …")
    return "\n".join(lines)


def first_round(results: Sequence[Polled], *, sample: bool) -> str:
    """Say how the first round of polls went, and what to do where nothing could be reached."""
    failed = [result for result in results if result.error]
    new = sum(result.new for result in results)
    if results and len(failed) == len(results):
        offer = "" if sample else " To look around without a network: make demo"
        return f"  No source could be reached ({failed[0].error}). Each is tried again when it is next due.{offer}"
    named = "; ".join(f"{result.source_id}: {result.error}" for result in failed[:_NAMED])
    more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    trouble = f" · {len(failed)} failed ({named}{more})" if failed else ""
    alerts = sum(result.alerts for result in results)
    first_time = any(result.baseline for result in results)
    news = "items, the baseline: alerts come for what is new" if first_time else f"new items, {alerts} alerts"
    return f"  {len(results) - len(failed)} read{trouble} · {new} {news}"
