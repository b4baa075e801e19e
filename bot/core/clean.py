"""Entry → Document: what a source said becomes what we hold to be true.

A document carries every key by which a later copy of it may be recognized:

    number:N                        the publisher's own document number, the same wherever it is seen
    url:ADDRESS                     the canonical address, unless it is a front page
    guid:SOURCE:ID                  the feed's own id, which means nothing outside its source
    title:HASH                      title, outlet and day
    text:HASH                       the text, where it is long enough to be nobody else's; a shorter one, and that of an
                                    article, with its title and day

What keys prove is for `bot.core.stories` to weigh. One thing is settled here, since it shows only in a whole list:
an address or id that stands on several items of different titles (an index page, a constant) names none of them,
nor do a docket and day under which several files are listed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from urllib.parse import quote, urlsplit

from bot.core.added import is_private
from bot.core.dates import claim
from bot.core.intake import DECISION, Entry, SourceSpec
from bot.core.links import canonical_url, host_of, tidy_url
from bot.core.model import Document
from bot.core.terms import normalize
from bot.core.text import clean_controls, cut

__all__ = ["canonical_url", "clean", "decision_in", "drafts", "keys_of", "named", "number_key", "title_key"]

_TITLE_SIZE = 1_000
_TEXT_SIZE = 60_000
_FACT_SIZE = 1_000
_BORROWED_TITLE_SIZE = 120
_GUID_SIZE = 300
_PLACE_SIZE = 200
# Measured over 130,000 documents: above this, texts that are equal are copies (9 exceptions, all forms of agencies
# with numbers of their own); below it, agencies repeat whole paragraphs under different titles.
_OWN_TEXT = 1_200
_OWN_TEXT_WITH_TITLE = 120
_COMPARED = 6_000  # so much of a text is compared: more makes no copy surer

# The facts whose change makes a revision. Counters and addresses change without meaning anything.
_FACTS_THAT_COUNT = ("type", "action", "effective_on", "comments_close_on", "dates")
_FACTS_THAT_COUNT_WHERE_GIVEN = ("planned_for",)  # of few kinds; those without keep the digests that they have
_KNOWN_BY_ID_KINDS = frozenset({"page"})  # all changes of a page have one address, and often one title
_SCHEDULED_KINDS = frozenset({"federal_register", "public_inspection"})  # these announce days ahead, and are right
_REGISTER_NUMBER = re.compile(
    r"/(?:documents/\d{4}/\d{2}/\d{2}|public-inspection|d)/((?:[A-Z]\d*-)?\d{2,4}-\d{3,6})(?:/|$)"
)
_DECISION_KEY = re.compile(rf"guid:[^:]*:{DECISION}")
_PADDED = re.compile(r"-0+(?=\d)")
_LINK_IN_TEXT = re.compile(r"https?://\S+")
_BLANK_LINES = re.compile(r"\n{3,}")
_WORD = re.compile(r"\w+")


def clean(source: SourceSpec, entries: Sequence[Entry], now: datetime) -> tuple[Document, ...]:
    """Make documents of what a source listed, leaving out entries that say nothing at all."""
    return named([made for made in drafts(source, entries, now) if made])


def drafts(source: SourceSpec, entries: Iterable[Entry], now: datetime) -> tuple[Document | None, ...]:
    """Make a draft of each entry by itself, None of one that says nothing at all; `named` makes documents of them."""
    return tuple(_document(source, entry, now) for entry in entries)


def named(listed: Sequence[Document]) -> tuple[Document, ...]:
    """Give the drafts of one whole list the keys that remain theirs beside one another, and their ids."""
    crowded = _crowded(listed)
    return tuple(_named(document, crowded) for document in listed)


def keys_of(documents: Iterable[Document]) -> frozenset[str]:
    """Gather all keys, to ask what is known of any of them."""
    return frozenset(key for document in documents for key in document.keys)


def title_key(title: str) -> str:
    """Reduce a title to its words, so that spelling, case and punctuation do not make two of one."""
    return " ".join(_WORD.findall(normalize(title))) or title


def decision_in(keys: Iterable[str]) -> str:
    """Find the key that is made of a docket's number and a day; "" where there is none."""
    return next(filter(_DECISION_KEY.match, keys), "")


def number_key(number: str) -> str:
    """Write a document number as its copies agree on it: the Federal Register pads some with zeros, in places."""
    return _PADDED.sub("-", number.upper())


# --- one entry ----------------------------------------------------------------------------------------------------


def _document(source: SourceSpec, entry: Entry, now: datetime) -> Document | None:
    facts = {name: said for name, value in entry.facts.items() if (said := _line(value)[:_FACT_SIZE])}
    outlet = facts.get("outlet") or source.name
    url = tidy_url(entry.url) or tidy_url(entry.guid)  # an id that is a link serves where there is no other
    if source.kind in _KNOWN_BY_ID_KINDS:
        url = _with_place(url, entry.url)
    listed = max(_prose(entry.content), _prose(entry.summary), key=len)
    text = max(listed, _prose(entry.article), key=len)
    title = _title(entry, outlet) or _borrowed_title(listed, url)
    if not title:
        return None
    scheduled = source.kind in _SCHEDULED_KINDS
    when = claim((_line(entry.published), _line(entry.updated)), now, scheduled=scheduled)
    document = Document(
        id="",
        source_id=source.id,
        outlet=outlet,
        standing=source.standing,
        language=source.language,
        url=url,
        title=title,
        text=text,
        seen_at=now,
        keys=(),
        digest=_digest(title, listed, facts),  # of what lists say at every poll: articles are fetched once
        agency=source.agency or facts.get("agencies", ""),
        number=facts.get("document_number") or _number_in(url),
        claimed_at=when.at,
        precision=when.precision,
        date_note=when.note,
        facts=facts,
    )
    keys = tuple(dict.fromkeys((*_keys(document, _line(entry.guid)), *_text_keys(document, listed))))
    if source.kind in _KNOWN_BY_ID_KINDS:
        keys = tuple(key for key in keys if key.startswith("guid:"))
    return replace(document, keys=tuple(_own(source.id, key) for key in keys) if is_private(source.id) else keys)


def _with_place(url: str, said: str) -> str:
    """Keep the place on a watched page that an address leads to."""
    place = quote(said.partition("#")[2], safe="%-._~")[:_PLACE_SIZE]
    return f"{url}#{place}" if url and place else url


def _line(text: str) -> str:
    return " ".join(clean_controls(text).split())


def _prose(text: str) -> str:
    """Fold white space, keeping paragraphs."""
    lines = (" ".join(line.split()) for line in clean_controls(text[:_TEXT_SIZE]).split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def _title(entry: Entry, outlet: str) -> str:
    """Take the title, without the outlet's name that aggregators hang on to it."""
    title = _line(entry.title[:_TITLE_SIZE])
    tail = f" - {outlet}".casefold()
    return title[: -len(tail)].rstrip() if title.casefold().endswith(tail) else title


def _borrowed_title(text: str, url: str) -> str:
    """Name an item without a title by how its text begins, or by where it stands."""
    begins = cut(" ".join(text[: 2 * _BORROWED_TITLE_SIZE].split()), _BORROWED_TITLE_SIZE, len)
    return begins or (f"Untitled item at {host_of(url)}" if url else "")


def _number_in(url: str) -> str:
    """Read the document number out of a Federal Register address; other feeds of the same document lack the field."""
    found = _REGISTER_NUMBER.search(urlsplit(url).path) if host_of(url).endswith("federalregister.gov") else None
    return found[1] if found else ""


# --- keys ---------------------------------------------------------------------------------------------------------


def _keys(document: Document, guid: str) -> Iterable[str]:
    if document.number:
        yield f"number:{number_key(document.number)}"
    address = canonical_url(document.url)
    if address and not _is_front_page(address):
        yield f"url:{address}"
    if guid:
        yield f"guid:{document.source_id}:{_guid_key(guid)}"
    yield f"title:{_hash(title_key(document.title), title_key(document.outlet), _day_of(document))}"


def _text_keys(document: Document, listed: str) -> Iterable[str]:
    """Name what a list says, and its article's text, which by itself proves nothing: two may be one consent page."""
    for text in dict.fromkeys((listed, document.text)):
        words = " ".join(_WORD.findall(text[:_COMPARED].casefold()))
        if len(words) >= _OWN_TEXT and text == listed:
            yield f"text:{_hash(words)}"
        elif len(words) >= _OWN_TEXT_WITH_TITLE:
            yield f"text:{_hash(words, title_key(document.title), _day_of(document))}"


def _day_of(document: Document) -> str:
    """Name the day that goes into keys; one that is not believed says nothing."""
    return document.claimed_at.date().isoformat() if document.claimed_at and not document.date_note else "undated"


def _own(source_id: str, key: str) -> str:
    """Make a key one source's own: what a chat's private source says is compared with nothing that others read."""
    kind, _, rest = key.partition(":")
    return f"{kind}:{source_id}|{rest}"


def _is_front_page(address: str) -> bool:
    parts = urlsplit(address)
    return not (parts.path or parts.query or parts.fragment)


def _guid_key(guid: str) -> str:
    """Write an id as its feed's versions agree on it: systems rebuild ids with https, or escape them once more."""
    plain = guid.replace("&amp;", "&")
    key = f"https://{plain.removeprefix('http://')}" if plain.startswith("http://") else plain
    return key if len(key) <= _GUID_SIZE else _hash(key)


def _crowded(documents: Iterable[Document]) -> frozenset[str]:
    """Find addresses and ids that stand on items of different titles in one list, or decisions of several files."""
    bearers: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        for key in document.keys:
            if key.startswith(("url:", "guid:")):
                bearers[key].append(document)
    shared = {key: bearing for key, bearing in bearers.items() if len(bearing) > 1}
    return frozenset(key for key, bearing in shared.items() if _names_several(key, bearing))


def _names_several(key: str, bearing: Iterable[Document]) -> bool:
    titles = {title_key(title) for title in {document.title for document in bearing}}
    files = {document.url for document in bearing} if decision_in((key,)) else ()
    return len(titles) > 1 or len(files) > 1


def _named(document: Document, crowded: frozenset[str]) -> Document:
    """Give a document its id, which follows from what identifies it and not from its place in the list."""
    keys = tuple(key for key in document.keys if key not in crowded)
    return replace(document, id=_hash(document.source_id, *keys), keys=keys)


def _digest(title: str, text: str, facts: Mapping[str, str]) -> str:
    """Sum up what is said, blind to white space and to trackers in links."""
    counted = [facts.get(name, "") for name in _FACTS_THAT_COUNT]
    said = (title, text, *counted, *(facts[name] for name in _FACTS_THAT_COUNT_WHERE_GIVEN if name in facts))
    return _hash(*(_LINK_IN_TEXT.sub(lambda link: canonical_url(link[0]), " ".join(part.split())) for part in said))


def _hash(*parts: str) -> str:
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
