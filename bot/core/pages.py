"""One page watched for change: what is remembered of it, and what its next version means. Pure.

    known page + sections read now ─► the page to be remembered
                                    + at most one entry that tells what changed, for the way of any other document
                                    or a doubt, where this seems to be another page

A section is the same one where it says the same, else where its heading is the same, else where most words are. One
that is missing is taken for removed when a second poll misses it too. A page that has lost most of its sections at once
is doubted: a login or an apology often comes with status 200. It is believed when it has been so for three days and
its last polls agree, and after a week in any case. A page of few sections is not doubted: one new heading would do it.

A change is told once in a week however often a page goes back and forth. What is not told is not taken in either: what
a page says then is compared with what was told last, until it has gone back or the week is over. So nobody is left with
a version that no longer stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice

from bot.core.difference import alikeness, edits, folded
from bot.core.intake import Doubt, Entry, Section, SourceSpec, WatchedPage
from bot.core.notice import Added, Change, Changed, Removed, notice, rebuilt

AGAIN = timedelta(days=7)  # in which one version of a section is told once
BELIEVED_AFTER = timedelta(days=3)  # a page that lost most of its sections, and whose last polls agree
_BELIEVED_POLLS = 3
BELIEVED_AT_LAST = timedelta(days=7)  # also where each poll shows another version, as of a page with a day in its title
_FEWEST_DOUBTED = 4  # sections; what else could be a login or an apology is known by its words (`bot.core.impostors`)
_MISSED_POLLS = 2  # in a row, before a section is said to be removed
MOST_TEXT = 400_000  # characters of a page's sections: what is watched is kept whole, and compared at each poll
_RENAMED = 0.6  # share of words that a section under another heading has in common with the one it was
_COMPARED_AT_MOST = 60  # sections on either side that lost their partner


@dataclass(frozen=True, slots=True)
class Turned:
    """What a version means. `unsettled`: something waits for the next poll, which has to see the whole page again."""

    page: WatchedPage
    entry: Entry | None = None
    unsettled: bool = False


@dataclass(frozen=True, slots=True)
class Doubted:
    """This seems to be another page; `kind` is a word of `bot.errors.KINDS`. `page` remembers that, if anything."""

    kind: str
    sentence: str
    page: WatchedPage | None = None


def turn(source: SourceSpec, known: WatchedPage | None, entries: Sequence[Entry], now: datetime) -> Turned | Doubted:
    """Compare a page with what is remembered of it. The first version, like one read in a new way, only takes stock."""
    seen = _sections(entries)
    if sum(len(section.title) + len(section.text) for section in seen) > MOST_TEXT:
        sentence = f"the page has more than {MOST_TEXT:,} characters of text: name a smaller part of it"
        return Doubted("parse_limit", sentence)
    asked = _digest(source.url, *(f"{name}={said}" for name, said in sorted(source.select.items())))
    updated = next((entry.updated for entry in entries if entry.updated), "")
    if known is None or known.asked != asked:
        changes = known.changes if known else 0  # counted on: the id of a change never comes again
        return Turned(WatchedPage(source.id, asked, seen, updated, changes))
    pairs = _paired(known.sections, seen)
    lost = len(known.sections) - len(pairs)
    if lost * 2 > len(known.sections) >= _FEWEST_DOUBTED:
        return _doubted(source, known, seen, lost, now)
    turned = _compared(source, replace(known, doubt=None, updated=updated), seen, pairs, now)
    if turned.entry is None or updated == known.updated:
        return turned
    return replace(turned, entry=replace(turned.entry, updated=updated))


def _sections(entries: Iterable[Entry]) -> tuple[Section, ...]:
    found = {entry.guid: Section(entry.guid, entry.title, entry.content, entry.url) for entry in entries}
    return tuple(section for section in found.values() if section.text)


def _digest(*parts: str) -> str:
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


# --- which section is which ---------------------------------------------------------------------------------------


def _paired(known: Sequence[Section], seen: Sequence[Section]) -> dict[Section, Section]:
    """Say for each section seen now which known one it is, if any: the surest likeness first, each once."""
    pairs: dict[Section, Section] = {}
    for sign in (_said, _key):
        taken = set(pairs.values())
        free = {sign(old): old for old in reversed(known) if old not in taken}
        for new in seen:
            if new not in pairs and sign(new) in free:
                pairs[new] = free.pop(sign(new))
    taken = set(pairs.values())
    lost = islice((old for old in known if old not in taken), _COMPARED_AT_MOST)
    found = islice((new for new in seen if new not in pairs), _COMPARED_AT_MOST)
    return pairs | _renamed(tuple(lost), tuple(found))


def _said(section: Section) -> tuple[str, str]:
    return folded(section.title), folded(section.text)


def _key(section: Section) -> str:
    return section.key


def _renamed(lost: Sequence[Section], found: Sequence[Section]) -> dict[Section, Section]:
    """Find sections that stand under another heading than before."""
    texts, others = [folded(old.text) for old in lost], [folded(new.text) for new in found]
    alike = sorted(
        (-alikeness(text, other), at, place) for at, other in enumerate(others) for place, text in enumerate(texts)
    )
    pairs: dict[Section, Section] = {}
    taken: set[int] = set()
    for likeness, at, place in alike:
        if -likeness >= _RENAMED and found[at] not in pairs and place not in taken:
            pairs[found[at]] = lost[place]
            taken.add(place)
    return pairs


# --- another page -------------------------------------------------------------------------------------------------


def _doubted(
    source: SourceSpec, known: WatchedPage, seen: tuple[Section, ...], lost: int, now: datetime
) -> Turned | Doubted:
    version = _digest(*sorted(folded(section.title) for section in seen))
    doubt = _doubt(known.doubt or Doubt(version, now, polls=0), version)
    lasting = now - doubt.since
    if lasting >= BELIEVED_AT_LAST or (lasting >= BELIEVED_AFTER and doubt.polls >= _BELIEVED_POLLS):
        entry = rebuilt(source, [old.title for old in known.sections], [(new.title, new.text) for new in seen])
        page = WatchedPage(source.id, known.asked, seen, changes=known.changes + 1)
        return Turned(page, replace(entry, guid=f"{page.changes}:{version}"))
    sentence = (
        f"{lost} of the page's {len(known.sections)} sections are missing: it was rebuilt, or this is another page"
    )
    return Doubted("most_gone", sentence, replace(known, doubt=doubt))


def _doubt(before: Doubt, version: str) -> Doubt:
    """Count the polls that agree; the page is doubted since the first of them all."""
    return replace(before, version=version, polls=before.polls + 1 if before.version == version else 1)


# --- what changed -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Step:
    """A change of one section: what it is called by, and what is remembered of the section untold and told."""

    change: Change
    version: str
    untold: Section | None
    told: Section | None = None


def _compared(
    source: SourceSpec, known: WatchedPage, seen: Sequence[Section], pairs: Mapping[Section, Section], now: datetime
) -> Turned:
    lately = {version: at for version, at in known.told.items() if now - at < AGAIN}
    changes: list[Change] = []
    told: dict[str, datetime] = {}
    kept: list[Section] = []
    unsettled = False
    for step in _steps(known.sections, seen, pairs):
        if isinstance(step, Section):
            remembered: Section | None = step
            unsettled = unsettled or step.missed > 0
        elif step.version in lately:
            remembered, unsettled = step.untold, True
        else:
            remembered = step.told
            changes.append(step.change)
            told[step.version] = now
        kept += [remembered] if remembered else []
    page = replace(known, sections=tuple(kept), told=lately | told)
    if not changes:
        return Turned(page, unsettled=unsettled)
    page = replace(page, changes=known.changes + 1)
    return Turned(page, replace(notice(source, changes), guid=f"{page.changes}:{_digest(*told)}"), unsettled)


def _steps(
    known: Iterable[Section], seen: Iterable[Section], pairs: Mapping[Section, Section]
) -> Iterator[Section | _Step]:
    """Take all sections one by one: as they are to be remembered, or as a change that may be told."""
    for new in seen:
        yield _step(pairs.get(new), new)
    found = set(pairs.values())
    for old in known:
        if old not in found:
            missed = min(old.missed + 1, _MISSED_POLLS)
            missing = replace(old, missed=missed)
            version = _digest("removed", *_said(old))
            yield missing if missed < _MISSED_POLLS else _Step(Removed(old.title, old.text), version, missing)


def _step(old: Section | None, new: Section) -> Section | _Step:
    version = _digest(*_said(new))
    if old is None:
        return _Step(Added(new.title, new.text, new.url), version, None, new)
    parts, renamed = edits(old.text, new.text), folded(old.title) != folded(new.title)
    if not parts and not renamed:
        return new
    return _Step(Changed(new.title, old.title, parts, renamed, new.url), version, replace(old, missed=0), new)
