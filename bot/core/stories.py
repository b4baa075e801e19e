"""Is this document something new? Exact copies only: the same thing seen again, or told by somebody else.

A copy in its own source is the item itself, unchanged (SEEN) or edited (REVISION); in another source it is one more
voice of the same story (ADDITION). A false merge silences a change of policy, a miss repeats one: when the evidence
contradicts itself, the document is NEW. A docket's number and a day are a court's own word for what it decided: they
hold against another name or title of its file, and for what is different behind one link.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.core.clean import decision_in, number_key, title_key
from bot.core.model import Document, Fingerprint, State

# Kinds of keys, the most telling first, and how the reason is put into words.
_WORDS = {"number": "document number", "guid": "id", "url": "link", "title": "title and day", "text": "text"}
_KINDS = tuple(_WORDS)
_TELLING_TITLE = 4  # words; "Opinion" or "Live updates" of one outlet and day are not one item


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document belongs, why, and what it is a copy of, if anything."""

    state: State
    because: str
    known: Fingerprint | None = None


def place(document: Document, fingerprints: Iterable[Fingerprint]) -> Place:
    """Compare a document with what we remember that shares a key with it. The order of memories does not matter."""
    alike = [(known, kind) for known in fingerprints if (kind := _sameness(document, known))]
    if not alike:
        return Place(State.NEW, "nothing that we know has its number, link, id, title or text")
    known, kind = min(alike, key=lambda pair: _rank(document, *pair))
    if known.source_id != document.source_id:
        because = f"an exact copy of what {known.source_id} told in #{known.story}: same {_WORDS[kind]}"
        return Place(State.ADDITION, because, known)
    if known.digest == document.digest:
        return Place(State.SEEN, f"known since #{known.story}: same {_WORDS[kind]}, unchanged", known)
    return Place(State.REVISION, f"an edited version of #{known.story}: same {_WORDS[kind]}, changed content", known)


def stands(document: Document, known: Fingerprint) -> bool:
    """Tell whether the document is this very item of its source, unchanged."""
    own = known.source_id == document.source_id and known.digest == document.digest
    return own and bool(_sameness(document, known))


def differ_in_number(document: Document, known: Fingerprint) -> bool:
    """Tell whether two documents have different numbers: agencies repeat titles and whole paragraphs, but not these."""
    return bool(document.number and known.number) and number_key(document.number) != number_key(known.number)


def _differ_in_decision(document: Document, known: Fingerprint) -> bool:
    here, there = decision_in(document.keys), decision_in(known.keys)
    return document.source_id == known.source_id and bool(here and there) and here != there


def _rank(document: Document, known: Fingerprint, kind: str) -> tuple[object, ...]:
    """Prefer the item itself to another's copy, unchanged to changed, strong evidence to weak, whole, old to new."""
    return (
        known.source_id != document.source_id,
        known.digest != document.digest,
        _KINDS.index(kind),
        not set(document.keys).issubset(known.keys),
        known.story,
        known.document_id,
    )


def _sameness(document: Document, known: Fingerprint) -> str:
    """Name the kind of key that proves both to be the same thing; "" where nothing does."""
    if differ_in_number(document, known) or _differ_in_decision(document, known):
        return ""
    shared = {key.partition(":")[0] for key in document.keys if key in known.keys}
    proves = _proves_own if document.source_id == known.source_id else _proves_copy
    return next((kind for kind in _KINDS if kind in shared and proves(kind, shared, document, known)), "")


def _proves_copy(kind: str, _shared: set[str], document: Document, _known: Fingerprint) -> bool:
    """Weigh a key shared with another source's document."""
    return kind != "title" or len(title_key(document.title).split()) >= _TELLING_TITLE


def _proves_own(kind: str, shared: set[str], document: Document, known: Fingerprint) -> bool:
    """Weigh a key shared within one source, where ids change daily in some feeds and are used again in others."""
    told_alike = document.digest == known.digest or not shared.isdisjoint({"title", "text"})
    match kind:
        case "number":
            return True
        case "guid":
            return told_alike or bool(decision_in(document.keys)) or _may_stand_together(document, known)
        case "url":
            return told_alike or not _differ("guid", document, known)
        case "title":
            return "text" in shared or _stand_alike(document, known)
        case _:  # one text under two titles is an agency's boilerplate
            return False


def _stand_alike(document: Document, known: Fingerprint) -> bool:
    """Tell whether two items of one title and day may be one, going by where they stand."""
    if _key(document.keys, "url") and _key(known.keys, "url"):
        return _may_stand_together(document, known)
    return document.digest == known.digest or not _differ("guid", document, known)


def _may_stand_together(document: Document, known: Fingerprint) -> bool:
    """Tell whether the addresses, if both are known, are of one page; a site that moved keeps its paths."""
    here, there = _key(document.keys, "url"), _key(known.keys, "url")
    return not (here and there) or _page(here) == _page(there)


def _differ(kind: str, document: Document, known: Fingerprint) -> bool:
    here, there = _key(document.keys, kind), _key(known.keys, kind)
    return bool(here and there) and here != there


def _key(keys: Iterable[str], kind: str) -> str:
    return next((key for key in keys if key.startswith(f"{kind}:")), "")


def _page(key: str) -> tuple[str, str, str]:
    parts = urlsplit(key.partition(":")[2])
    return parts.path, parts.query, parts.fragment
