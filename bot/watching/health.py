"""How the bot is, for machines that ask in detail: states, ages and counts, and nothing about a chat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.core.alarms import Alarm, Waiting
from bot.watching.measuring import Measured


def health(
    measured: Measured, alarms: Sequence[Alarm], platforms: Mapping[str, str], problems: Sequence[str], version: str
) -> dict[str, object]:
    """Write what was measured. Ages are in seconds; None where something has not been yet, or is not known."""
    facts, vitals = measured.facts, measured.vitals
    cursors = {cursor.source_id: cursor for cursor in measured.cursors}
    return {
        "version": version,
        "ready": not problems,
        "problems": list(problems),
        "alarms": [
            {"alarm": alarm.key, "severity": alarm.severity, "age": _age(alarm.since, facts.now)} for alarm in alarms
        ],
        "tick_age": _age(facts.ticked_at, facts.now),
        "platforms": {
            name: {"state": state, **_waiting(vitals.waiting.get(name, Waiting()), facts.now)}
            for name, state in platforms.items()
        },
        "sources": {
            source.id: {
                "failures": source.failures,
                "state": measured.conditions.get(source.id, ""),
                "last_success_age": _age(cursors[source.id].last_success_at, facts.now),
                "last_new_age": _age(cursors[source.id].last_new_at, facts.now),
            }
            for source in facts.sources
        },
        "sources_paused": sorted(measured.paused),
        "deliveries": {state.value: number for state, number in vitals.rows.items()},
        "chats": sum(vitals.chats.values()),
        "filters": sum(vitals.filters.values()),
        "database_bytes": vitals.size,
        "disk_free_bytes": facts.disk_free,
        "backup_age": _age(facts.backup_at, facts.now),
        "clock_ahead": None if facts.clock_ahead is None else facts.clock_ahead.total_seconds(),
        "settings_in_force": not facts.reload_failed,
    }


def _waiting(waiting: Waiting, now: datetime) -> dict[str, object]:
    return {"waiting": waiting.count, "oldest_age": _age(waiting.oldest_at, now)}


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else round((now - at).total_seconds(), 1)
