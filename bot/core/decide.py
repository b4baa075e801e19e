"""The pure heart: documents and what is remembered of them in, verdicts with their reasons out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from bot.core.index import Index, read_page
from bot.core.intake import Standing
from bot.core.model import Document, Fingerprint, Past, State, Verdict
from bot.core.stories import Place, differ_in_number, place, stands

_ALIKE = 64  # so many documents with one key are compared; what more of them share is boilerplate


def judge(
    documents: Sequence[Document],
    past: Past,
    index: Index,
    *,
    baseline: bool,
    now: datetime,
    previews: Collection[str] = (),
) -> Iterator[Verdict]:
    """Decide what each document of one poll is, in order of publication, whatever order they came in.

    Documents of the same poll are compared with one another too. What is NEW is asked for matches, and nothing is on a
    `baseline`, the first poll of a source. `previews` are sources that announce documents by little more than their
    title: the official copy that brings the text is asked for matches too, for those whom the title did not reach. So
    is the first official copy of what others showed before, where nobody was told of it.
    """
    memory = _Memory(past, previews)
    memory.expect(documents)
    for document in sorted(documents, key=lambda document: _publication(document, now)):
        told_in = memory.told_in(document)
        yield _with_matches(memory.take(document), index, baseline=baseline, told_in=told_in)


def matched(verdicts: Iterable[Verdict]) -> frozenset[int]:
    """Gather the ids of all queries that matched."""
    return frozenset(match.query_id for verdict in verdicts for match in verdict.matches)


def asked(verdict: Verdict, index: Index) -> Verdict:
    """Ask of a document who wants it now: of a new one, one that waited, or one whose story was not told so far."""
    return replace(verdict, matches=index.matches(read_page(verdict.document.title, verdict.document.text)))


def _publication(document: Document, now: datetime) -> tuple[datetime, str, str, str]:
    """Sort by claimed date; undated items come last. The rest only makes the order of equals certain."""
    return document.claimed_at or now, document.number, document.url, f"{document.id}{document.digest}"


def _with_matches(verdict: Verdict, index: Index, *, baseline: bool, told_in: int | None) -> Verdict:
    if verdict.state is not State.NEW:
        return verdict if baseline or not verdict.told_as else asked(verdict, index)
    if baseline:
        return replace(verdict, because="new on the first poll of its source: recorded, not sent")
    if told_in is not None:
        because = f"new, but its text was seen in #{told_in}: recorded, not sent"
        return replace(verdict, because=because, repeats=True)
    found = asked(verdict, index)
    because = f"new: {verdict.because}" if found.matches else f"new, but no query matches: {verdict.because}"
    return replace(found, because=because)


class _Memory:
    """What is known while one poll is judged: the past, and the documents of this poll so far."""

    def __init__(self, past: Past, previews: Collection[str]) -> None:
        self._previews = previews
        self._announced: dict[int, str] = {}  # story → the document of a preview with which it began
        self._untold: dict[int, str] = {}  # story that nobody was told of → the document with which it began
        self._known: dict[str, Fingerprint] = {}
        self._by_key: dict[str, dict[str, None]] = {}  # key → document ids, in order and once
        self._met: set[str] = set()
        self._last_story = past.last_story
        for fingerprint in sorted(past.fingerprints, key=lambda known: (known.story, known.document_id)):
            self._remember(fingerprint)

    def expect(self, documents: Iterable[Document]) -> None:
        """Note which known items stand unchanged in the list.

        Some lists hold one item several times, in several versions. One of them counts, the same at every poll:
        without this, two versions would revise each other for ever.
        """
        for document in documents:
            self._met.update(known.document_id for known in self._near(document) if stands(document, known))

    def take(self, document: Document) -> Verdict:
        """Judge a document and remember it."""
        found = place(document, self._near(document))
        known = found.known
        if known is None:
            self._last_story += 1
            return self._settle(document, found, self._last_story)
        if found.state is State.ADDITION:
            return self._add(document, found, known.story)
        if found.state is State.SEEN:
            return Verdict(document, State.SEEN, found.because, known.story)
        if known.document_id in self._met:
            return Verdict(document, State.SEEN, f"another version of it counts: {found.because}", known.story)
        keys = tuple(dict.fromkeys((*document.keys, *known.keys)))
        return self._settle(replace(document, id=known.document_id, keys=keys), found, known.story)

    def told_in(self, document: Document) -> int | None:
        """Name the story in which the very words of a document stood before, under whatever link, id and date.

        Only a text that is long enough to be nobody else's proves it, with its title and all else that is said.
        """
        texts = [key for key in document.keys if key.startswith("text:")]
        known = [self._known[name] for key in texts for name in islice(self._by_key.get(key, ()), _ALIKE)]
        alike = [one for one in known if one.digest == document.digest and not differ_in_number(document, one)]
        return min((one.story for one in alike), default=None)

    def _near(self, document: Document) -> list[Fingerprint]:
        """Look up what shares a key with the document, each once."""
        names = (name for key in document.keys for name in islice(self._by_key.get(key, ()), _ALIKE))
        return [self._known[name] for name in dict.fromkeys(names)]

    def _add(self, document: Document, found: Place, story: int) -> Verdict:
        """Add a voice to a story, and name the document that it is told as where it may reach more people."""
        verdict = self._settle(document, found, story)
        if document.standing is not Standing.OFFICIAL:
            return verdict
        announced = "" if document.source_id in self._previews else self._announced.get(story, "")
        if announced:
            because = f"{verdict.because}; announced before by its title alone"
            return replace(verdict, because=because, told_as=announced)
        if begun := self._untold.pop(story, ""):
            because = f"{verdict.because}; nobody was told of it, and this is its first official source"
            return replace(verdict, because=because, told_as=begun)
        return verdict

    def _settle(self, document: Document, found: Place, story: int) -> Verdict:
        self._met.add(document.id)
        leads = found.known is None or (found.known.leads and found.state is State.REVISION)
        self._remember(
            Fingerprint(document.id, document.source_id, story, document.number, document.digest, document.keys, leads)
        )
        return Verdict(document, found.state, found.because, story)

    def _remember(self, fingerprint: Fingerprint) -> None:
        self._known[fingerprint.document_id] = fingerprint
        if fingerprint.leads and fingerprint.source_id in self._previews:
            self._announced[fingerprint.story] = fingerprint.document_id
        if fingerprint.untold:
            self._untold[fingerprint.story] = fingerprint.untold
        for key in fingerprint.keys:
            self._by_key.setdefault(key, {})[fingerprint.document_id] = None
