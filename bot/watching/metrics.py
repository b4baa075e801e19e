"""Figures for monitoring systems, in Prometheus's format. The only module that knows its library.

Names follow its rules: a prefix, base units, `_total` on counters. Labels are bounded: sources that are configured,
platforms, commands that exist, and words from short lists; never a chat, a person or a query. Every figure is fed
where its outcome is known once: after a poll, a settled delivery, an answered command, a look at everything.
"""

from __future__ import annotations

import platform as python
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from bot import __version__
from bot.core.alarms import Alarm, Severity, Waiting
from bot.core.intake import SourceSpec
from bot.core.model import Delivery, DeliveryState, Document, Precision, State
from bot.poll import Polled
from bot.watching.measuring import Measured

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

COUNTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "policybell_source_polls_total": ("Polls of a source, by what came.", ("source", "outcome")),
    "policybell_source_may_have_missed_total": ("Polls that found all of a list new: some may be missed.", ("source",)),
    "policybell_items_total": ("Items read, by what they were to us.", ("result",)),
    "policybell_alerts_total": ("Alerts that were decided on.", ("severity",)),
    "policybell_deliveries_total": ("Attempts to deliver an alert, by what came of it.", ("platform", "outcome")),
    "policybell_commands_total": ("Commands answered, by how it went.", ("platform", "command", "outcome")),
}
GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "policybell_build_info": ("Always 1; what runs is in its labels.", ("version", "python")),
    "policybell_source_last_success_timestamp_seconds": ("When a source was last read well; 0: never.", ("source",)),
    "policybell_source_consecutive_failures": ("Polls of a source that failed in a row.", ("source",)),
    "policybell_source_interval_seconds": ("How often a source is to be read.", ("source", "standing")),
    "policybell_outbox_pending": ("Alerts that wait.", ("platform",)),
    "policybell_outbox_oldest_age_seconds": ("For how long the oldest that could go has been waiting.", ("platform",)),
    "policybell_outbox_rows": (
        "Deliveries that are not done with, by state; untold: expired in no list.",
        ("state",),
    ),
    "policybell_platform_connected": ("1 where a platform may be used.", ("platform",)),
    "policybell_chats": ("Chats that are known.", ("platform", "state")),
    "policybell_filters": ("What chats follow, counted.", ("platform",)),
    "policybell_alarms": ("Alarms that stand.", ("severity",)),
    "policybell_event_loop_lag_seconds": ("How late the event loop was when last looked at.", ()),
    "policybell_tick_last_timestamp_seconds": ("When polling last ticked; 0: not yet.", ()),
    "policybell_db_size_bytes": ("The size of the database.", ()),
    "policybell_disk_free_bytes": ("What is free on the disk of the database.", ()),
    "policybell_backup_last_success_timestamp_seconds": ("When the last good backup was made; 0: none known.", ()),
    "policybell_config_last_reload_successful": ("1 where the settings on disk are those in force.", ()),
    "policybell_config_last_reload_timestamp_seconds": ("When the settings were last read anew; 0: never.", ()),
}
_WAITS = (1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 21_600, 86_400)
HISTOGRAMS: Mapping[str, tuple[str, tuple[str, ...], tuple[float, ...]]] = {
    "policybell_source_poll_duration_seconds": (
        "How long a poll took.",
        ("source",),
        (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60, 120),
    ),
    "policybell_match_duration_seconds": (
        "How long the items of one poll were judged.",
        (),
        (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
    ),
    "policybell_delivery_latency_seconds": (
        "From first seeing an item to its message being accepted.",
        ("platform",),
        _WAITS,
    ),
    "policybell_alert_age_seconds": (
        "From the time that a source gave an item to its message being accepted; items dated by the day are left out.",
        ("standing",),
        _WAITS,
    ),
}

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each counter, of which nobody here makes anything

_Labels = TypeVar("_Labels", tuple[str], tuple[str, str])
_REFUSED = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS,
    }
)
_RESULTS = {State.NEW: "new", State.SEEN: "duplicate", State.ADDITION: "joined", State.REVISION: "revised"}
_UNRATED = "unrated"  # alerts have no severity yet


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is looked at when figures are asked for, beside what was counted."""

    measured: Measured
    sources: Mapping[str, SourceSpec] = field(default_factory=dict)
    connected: Mapping[str, bool] = field(default_factory=dict)
    alarms: Sequence[Alarm] = ()
    settings_in_force: bool = True
    settings_read_at: datetime | None = None


class Metrics:
    """All figures, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)  # memory, processor time, open files: what a small server runs out of
        self._counters = {name: Counter(name, *row, registry=registry) for name, row in COUNTERS.items()}
        self._gauges = {name: Gauge(name, *row, registry=registry) for name, row in GAUGES.items()}
        self._histograms = {
            name: Histogram(name, about, labels, buckets=buckets, registry=registry)
            for name, (about, labels, buckets) in HISTOGRAMS.items()
        }
        self._gauges["policybell_build_info"].labels(__version__, python.python_version()).set(1)

    # what happens

    def polled(self, results: Sequence[Polled]) -> None:
        """Count a round of polls."""
        for one in results:
            self._count("policybell_source_polls_total", one.source_id, _poll_outcome(one))
            self._histograms["policybell_source_poll_duration_seconds"].labels(one.source_id).observe(one.seconds)
            if one.may_have_missed:
                self._count("policybell_source_may_have_missed_total", one.source_id)
            for state, number in one.items.items():
                self._count("policybell_items_total", _RESULTS[state], by=number)
            if one.items:
                self._histograms["policybell_match_duration_seconds"].observe(one.judging_seconds)
            if one.alerts:
                self._count("policybell_alerts_total", _UNRATED, by=one.alerts)

    def settled(self, delivery: Delivery, state: DeliveryState, now: datetime) -> None:
        """Count an attempt, for each alert in its message."""
        name = delivery.chat.platform
        again = state in {DeliveryState.PENDING, DeliveryState.SENDING}
        for row in (delivery, *delivery.also):
            self._count("policybell_deliveries_total", name, "retry" if again else state.value)
            if state is DeliveryState.SENT:
                waited = (now - row.alert.story.first_seen_at).total_seconds()
                self._histograms["policybell_delivery_latency_seconds"].labels(name).observe(max(waited, 0.0))
                self._note_age(row.alert.story.lead, now)

    def _note_age(self, lead: Document, now: datetime) -> None:
        if lead.claimed_at is not None and lead.precision is Precision.TIME:
            age = (now - lead.claimed_at).total_seconds()
            self._histograms["policybell_alert_age_seconds"].labels(lead.standing.value).observe(max(age, 0.0))

    def expired(self, number: int) -> None:
        """Count alerts that were given up for their age; nobody asked for which platform they were."""
        self._count("policybell_deliveries_total", "any", DeliveryState.EXPIRED.value, by=number)

    def heard(self, platform: str, command: str, outcome: str) -> None:
        """Count an answered command."""
        self._count("policybell_commands_total", platform, command, outcome)

    def lagged(self, seconds: float) -> None:
        """Note how late the event loop was."""
        self._gauges["policybell_event_loop_lag_seconds"].set(seconds)

    # what is

    def render(self, picture: Picture) -> bytes:
        """Write all figures, as things stand."""
        self._note_sources(picture)
        self._note_platforms(picture)
        facts, vitals = picture.measured.facts, picture.measured.vitals
        rows = {(state.value,): number for state, number in vitals.rows.items()}
        self._labeled("policybell_outbox_rows", rows | {("untold",): vitals.untold})
        standing = [alarm.severity for alarm in picture.alarms]
        self._labeled("policybell_alarms", {(one.value,): standing.count(one) for one in Severity})
        self._set("policybell_tick_last_timestamp_seconds", _stamp(facts.ticked_at))
        self._set("policybell_db_size_bytes", vitals.size)
        self._set("policybell_disk_free_bytes", facts.disk_free or 0)
        self._set("policybell_backup_last_success_timestamp_seconds", _stamp(facts.backup_at))
        self._set("policybell_config_last_reload_successful", picture.settings_in_force)
        self._set("policybell_config_last_reload_timestamp_seconds", _stamp(picture.settings_read_at))
        return generate_latest(self._registry)

    def _note_sources(self, picture: Picture) -> None:
        cursors = [
            cursor
            for cursor in picture.measured.cursors
            if cursor.source_id in picture.sources and cursor.source_id not in picture.measured.paused
        ]
        good = {(one.source_id,): _stamp(one.last_success_at) for one in cursors}
        self._labeled("policybell_source_last_success_timestamp_seconds", good)
        self._labeled("policybell_source_consecutive_failures", {(one.source_id,): one.failures for one in cursors})
        specs = [picture.sources[one.source_id] for one in cursors]
        every = {(one.id, one.standing.value): one.every.total_seconds() for one in specs}
        self._labeled("policybell_source_interval_seconds", every)

    def _note_platforms(self, picture: Picture) -> None:
        facts, vitals = picture.measured.facts, picture.measured.vitals
        waiting = {name: vitals.waiting.get(name, Waiting()) for name in {*picture.connected, *vitals.waiting}}
        self._labeled("policybell_platform_connected", {(name,): on for name, on in picture.connected.items()})
        self._labeled("policybell_outbox_pending", {(name,): one.count for name, one in waiting.items()})
        ages = {(name,): (facts.now - (one.oldest_at or facts.now)).total_seconds() for name, one in waiting.items()}
        self._labeled("policybell_outbox_oldest_age_seconds", ages)
        self._labeled("policybell_chats", vitals.chats)
        self._labeled("policybell_filters", {(name,): number for name, number in vitals.filters.items()})

    def _count(self, name: str, *labels: str, by: int = 1) -> None:
        self._counters[name].labels(*labels).inc(by)

    def _set(self, name: str, value: float) -> None:
        self._gauges[name].set(value)

    def _labeled(self, name: str, values: Mapping[_Labels, float]) -> None:
        """Set a figure for these labels, and for no others any more."""
        self._gauges[name].clear()
        for labels, value in values.items():
            self._gauges[name].labels(*labels).set(value)


def _poll_outcome(polled: Polled) -> str:
    if polled.error:
        return "blocked" if polled.status in _REFUSED else "error"
    return "new" if polled.new else "unchanged"


def _stamp(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0
