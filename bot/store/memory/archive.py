"""Documents, their stories and why they were taken as they were."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from bot.core.added import is_private
from bot.core.intake import Standing
from bot.core.model import Delivery, Document, Fingerprint, Past, State, Story, Verdict
from bot.errors import StoreError


@dataclass(slots=True)
class _Known:
    """A document as first seen, with what later versions added."""

    document: Document
    story: int
    latest_digest: str
    told: bool = False
    pruned: int = 0

    def fingerprint(self, *, leads: bool, untold: str) -> Fingerprint:
        return Fingerprint(
            document_id=self.document.id,
            source_id=self.document.source_id,
            story=self.story,
            number=self.document.number,
            digest=self.latest_digest,
            keys=self.document.keys,
            leads=leads,
            untold=untold,
        )


@dataclass(slots=True)
class Archive:
    """All that was read."""

    documents: dict[str, _Known] = field(default_factory=dict)
    leads: dict[int, Story] = field(default_factory=dict)
    reasons: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def check(self, verdicts: Iterable[Verdict], deliveries: Iterable[Delivery]) -> None:
        """Refuse, before anything is written, what would break a rule: a number given twice, a story unknown."""
        known, numbers = set(self.documents), set(self.leads)
        for verdict in verdicts:
            if verdict.document.id in known:
                continue
            if (verdict.state is State.NEW) == (verdict.story in numbers):
                raise StoreError(f"Story {verdict.story} is not what a verdict takes it for; nothing was saved.")
            known.add(verdict.document.id)
            numbers.add(verdict.story)
        stories = [delivery.alert.story for delivery in deliveries]
        if any(story.number not in numbers or story.lead.id not in known for story in stories):
            raise StoreError("A delivery tells of a story that is not known; nothing was saved.")

    def learn(self, verdict: Verdict) -> None:
        """Take a document in, or a revision of it. What is there already stays as it is."""
        document, known = verdict.document, self.documents.get(verdict.document.id)
        if known is None:
            self.documents[document.id] = _Known(document, verdict.story, document.digest)
            if verdict.state is State.NEW:
                self.leads[verdict.story] = Story(verdict.story, document, document.seen_at)
        elif verdict.state is State.REVISION:
            keys = tuple(dict.fromkeys(known.document.keys + document.keys))
            known.document = replace(known.document, keys=keys)
            known.latest_digest = document.digest
        else:
            return
        self.reasons.setdefault((document.id, document.digest), (verdict.story, verdict.because))

    def because(self, document: Document) -> str:
        """Say why a document was taken as it was, when it was first seen."""
        return self.reasons[document.id, document.digest][1]

    def decide_anew(self, verdict: Verdict) -> None:
        self.reasons[verdict.document.id, verdict.document.digest] = verdict.story, verdict.because

    def tell(self, document_id: str) -> None:
        """Note that somebody is told of a document."""
        self.documents[document_id].told = True

    def empty(self, before: datetime, limit: int, *, of_everything: bool) -> int:
        """Take from old documents all but what a copy is recognized by; or the text of what nobody was told of."""
        found = [
            one
            for one in self.documents.values()
            if one.document.seen_at < before and (one.pruned < 2 if of_everything else not (one.told or one.pruned))  # noqa: PLR2004
        ][:limit]
        for one in found:
            one.document, one.pruned = replace(one.document, text=""), 1
            if of_everything:
                one.document, one.pruned = replace(one.document, facts={}), 2
                self.reasons = {key: why for key, why in self.reasons.items() if key[0] != one.document.id}
        return len(found)

    def earliest_claim(self, source_id: str) -> datetime | None:
        claims = (one.document.claimed_at for one in self.documents.values() if one.document.source_id == source_id)
        return min(filter(None, claims), default=None)

    def past(self, keys: Collection[str]) -> Past:
        wanted = set(keys)
        found = [one for one in self.documents.values() if not wanted.isdisjoint(one.document.keys)]
        found.sort(key=lambda one: (one.document.seen_at, one.document.id))
        voices = self.documents.values()
        told = {one.story for one in voices if one.told or one.document.standing is Standing.OFFICIAL}
        return Past(tuple(self._fingerprint(one, told) for one in found), max(self.leads, default=0))

    def stories(self, limit: int, before: int | None) -> tuple[Story, ...]:
        numbers = sorted((number for number in self.leads if before is None or number < before), reverse=True)
        newest = (self.leads[number] for number in numbers)
        return tuple(self._told(one) for one in islice((s for s in newest if not is_private(s.lead.source_id)), limit))

    def story(self, number: int) -> Story | None:
        return self._told(self.leads[number]) if number in self.leads else None

    def story_with_key(self, key: str) -> Story | None:
        numbers = [one.story for one in self.documents.values() if key in one.document.keys]
        return self.story(max(numbers)) if numbers else None

    def decisions(self, story: int) -> tuple[str, ...]:
        return tuple(because for number, because in self.reasons.values() if number == story)

    def _fingerprint(self, known: _Known, told: Collection[int]) -> Fingerprint:
        lead = self.leads[known.story].lead.id
        return known.fingerprint(leads=lead == known.document.id, untold="" if known.story in told else lead)

    def _told(self, story: Story) -> Story:
        return replace(story, lead=self.documents[story.lead.id].document)
