"""What is remembered of the entries of a list, so that the next poll need neither read nor clean them again.

A list is judged whole: what stands on several items names none of them, and an item that stands unchanged keeps
another version of it from being told. So an entry that was not read again takes part by its draft, without its text.
Such an item can only be one that is known. Where it would be anything else, its text is needed, and the list has to be
read whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.clean import drafts
from bot.core.dates import NOT_GIVEN
from bot.core.intake import Entry, SourceSpec
from bot.core.model import Document, State, Verdict

WHOLE_EVERY = timedelta(hours=24)  # a list is read whole at least so often
UNREAD = "\0not read again"  # stands for the text of an entry that was left out; no text has a NUL in it

_Draft = Document | None


@dataclass(frozen=True, slots=True)
class Listed:
    """What the last committed list of a source held, by what each entry is known by. `read_at`: when it was whole."""

    source: SourceSpec
    read_at: datetime
    drafts: Mapping[str, _Draft]

    def holds(self, source: SourceSpec, now: datetime) -> bool:
        """Tell whether it may stand in for reading: the source is set up as it was, and no day has gone by."""
        return source == self.source and self.read_at <= now < self.read_at + WHOLE_EVERY


@dataclass(frozen=True, slots=True)
class Draft:
    """A list before it is judged: the drafts of all its entries in order, and what is to be remembered of it."""

    documents: tuple[Document, ...]
    listed: Listed | None = None


def drafted(
    source: SourceSpec, entries: Sequence[Entry], spans: Sequence[str], last: Listed | None, now: datetime
) -> Draft:
    """Put a list together from entries that were read and from what is remembered of the others.

    `entries` are those of `spans` that `last` does not hold, and after them those of further pages. Raises `ValueError`
    where they are fewer than that. An entry that came with its article is read once more, since no list says so much.
    """
    made = drafts(source, entries, now)
    kept = last.drafts if last else {}
    unknown = [span for span in spans if span not in kept]
    if len(unknown) > len(made):
        raise ValueError(f"{len(unknown)} entries should have been read, and {len(made)} were")
    read, further = iter(made[: len(unknown)]), made[len(unknown) :]
    in_order = [(span, kept[span] if span in kept else next(read)) for span in spans]
    documents = tuple(draft for draft in (*(draft for _, draft in in_order), *further) if draft)
    if not spans:
        return Draft(documents)
    richer = {span for span, entry in zip(unknown, entries, strict=False) if entry.article}
    remembered = {span: _without_text(draft) for span, draft in in_order if span not in richer and _is_settled(draft)}
    return Draft(documents, Listed(source, last.read_at if last else now, remembered))


def needs_whole(verdicts: Iterable[Verdict]) -> bool:
    """Tell whether an entry that was not read again turned out to be anything but known."""
    return any(one.state is not State.SEEN and one.document.text == UNREAD for one in verdicts)


def _is_settled(draft: _Draft) -> bool:
    """Tell whether the entry would make the same draft at any later time: what lies ahead today does not tomorrow."""
    if draft is None or draft.date_note == NOT_GIVEN:
        return True
    return draft.claimed_at is not None and not draft.date_note and draft.claimed_at < draft.seen_at


def _without_text(draft: _Draft) -> _Draft:
    return replace(draft, text=UNREAD, facts={}) if draft else None
