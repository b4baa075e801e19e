"""What the flood guard holds, as the memory store keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.core.floods import HELD_FOR, Flood, discarded, held_verdict, sample_of
from bot.core.model import Verdict
from bot.store.memory.archive import Archive


@dataclass(slots=True)
class Held:
    """Since when documents are held and until when, by their ids."""

    archive: Archive
    held: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)

    def hold(self, verdicts: Iterable[Verdict]) -> None:
        for verdict in verdicts:
            if verdict.held:
                seen_at = verdict.document.seen_at
                self.held.setdefault(verdict.document.id, (seen_at, seen_at + HELD_FOR))

    def floods(self) -> tuple[Flood, ...]:
        sources = {self.archive.documents[name].document.source_id for name in self.held}
        return tuple(self._flood(source_id) for source_id in sorted(sources))

    def _flood(self, source_id: str) -> Flood:
        verdicts = self.of(source_id)
        times = [self.held[one.document.id] for one in verdicts]
        sample = sample_of([one.document.title for one in verdicts])
        return Flood(source_id, min(at for at, _ in times), min(until for _, until in times), len(times), sample)

    def of(self, source_id: str) -> tuple[Verdict, ...]:
        found = [self.archive.documents[name] for name in self.held]
        own = [one for one in found if one.document.source_id == source_id]
        own.sort(key=lambda one: (one.story, one.document.id))
        leads = self.archive.leads
        return tuple(
            held_verdict(one.document, one.story, leads[one.story].lead.id, self.archive.because(one.document))
            for one in own
        )

    def release(self, source_id: str, at: datetime) -> int:
        verdicts = self.of(source_id)
        for verdict in verdicts:
            since, until = self.held[verdict.document.id]
            self.held[verdict.document.id] = since, min(until, at)
        return len(verdicts)

    def discard(self, source_id: str) -> int:
        return len(self.end([replace(one, because=discarded(one.because)) for one in self.of(source_id)]))

    def end(self, verdicts: Iterable[Verdict]) -> frozenset[str]:
        """Hold these documents no more; name those that were held until now."""
        ended = {one.document.id: one for one in verdicts if self.held.pop(one.document.id, None) is not None}
        for verdict in ended.values():
            self.archive.decide_anew(verdict)
        return frozenset(ended)
