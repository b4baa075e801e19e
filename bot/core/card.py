"""Alert → Card: what a message says, before any platform says how.

The source is quoted, never paraphrased; what it does not say is left out or said to be missing.
Every part is bounded, counted in UTF-16 units as the strictest platform counts, so that whatever came in,
a card fits into one message of every room: about 2,500 units in all, of Telegram's 4,096 and Slack's 13,200.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import assert_never

from bot.core.ages import best_date
from bot.core.delays import Delay
from bot.core.intake import Standing
from bot.core.lateness import LIST_SIZE
from bot.core.links import host_of
from bot.core.model import Alert, Delivery, Document, Hit, Precision, Reason, Voice, Why
from bot.core.speech import Card, Mark, Span
from bot.core.text import cut, utf16_len
from bot.core.words import day_in_words, time_in_words, zone_named

HEADLINE_SIZE = 250  # Federal Register titles run to about 200; a Slack header (150) cuts once more
EXCERPT_SIZE = 300
_URL_SIZE = 2_500  # escaped for HTML or mrkdwn; a link is one part of a Slack section, which holds 3,000
_LINE_SIZE = 120
_HOST_SIZE = 80  # more than any one name in a host (63) and its ending
_LABELS_SHOWN = 4
_WORDS_SHOWN = 5
_WORD_SIZE = 40
_LABEL_SIZE = 64  # what a name may have
_BOLD_SHOWN = 20  # of the 100 entities that Telegram honors in one message
_LEAD = 140  # how much text before the first hit is worth showing
_LEAD_WANTED = 25  # less than this, and the sentence before is shown too
_LATE = timedelta(days=1)
_LISTED_TITLE = 140  # ten lines in one message: Telegram's 4,096 hold 400 each, with the host that it shows
_LISTED_OUTLET = 30
_LISTED_URL = 600  # ten in Slack's 13,200

_ISOLATES = "\u2066\u2067\u2068"
_END_OF_ISOLATE = "\u2069"
_CLOSING = 4  # lines are isolated one by one; a text on one line has few of them open

_SPACE = re.compile(r"\s+")
_BREAK = re.compile(r"\n\s*|(?<=[.!?])\s+(?=[A-ZÁÉÍÓÚÑ\"'“‘«¿¡(])")

_STANDING = {
    Standing.OFFICIAL: "official source",
    Standing.NEWS: "news",
    Standing.ADVOCACY: "advocacy group",
    Standing.AGGREGATOR: "aggregator",
}


def card(alert: Alert, *, repeat: bool = False) -> Card:
    """Lay out an alert. `repeat` marks a message that may have arrived before."""
    document = alert.story.lead
    notices = (
        "test message" if alert.reason is Reason.TEST else "",
        _late(alert),
        "↻ may repeat" if repeat else "",
    )
    return Card(
        headline=_line(document.title, HEADLINE_SIZE),
        byline=_byline(document),
        excerpt=excerpt(document.text, [hit for why in alert.why for hit in why.hits if hit.field == "text"]),
        facts=tuple(_facts(document, alert.voice)),
        link=_link(document.url),
        footer=_footer(alert),
        notice=" · ".join(filter(None, notices)),
    )


def _line(text: str, size: int = _LINE_SIZE) -> str:
    """Put a text on one line of at most `size`."""
    return _closed(cut(_SPACE.sub(" ", text).strip(), size - _CLOSING, utf16_len))


def _closed(text: str) -> str:
    """End the isolated runs of right-to-left text that a cut left open, so that they turn nothing after them."""
    still_open = 0
    for character in text:
        still_open = max(0, still_open + (character in _ISOLATES) - (character == _END_OF_ISOLATE))
    return text + _END_OF_ISOLATE * min(still_open, _CLOSING)


def _late(alert: Alert) -> str:
    """Say why an alert comes late, if it does; a message is hardly older than its document was seen."""
    document, seen = alert.story.lead, alert.story.lead.seen_at.astimezone(zone_named(alert.voice.zone))
    match alert.delay:
        case Delay.NONE:
            return ""
        case Delay.POSTED | Delay.POSTED_TOGETHER:
            dated = best_date(document)
            return f"dated {dated.words if dated else 'long ago'}, first seen today, {day_in_words(seen)}"
        case Delay.HELD:
            return "late: held back, since its source listed many old items at once"
        case Delay.MISSED:
            return "late: it came out while its source was not read"
        case _:
            assert_never(alert.delay)


# --- who says it --------------------------------------------------------------------------------------------------


def _byline(document: Document) -> tuple[Span, ...]:
    outlet = _line(document.outlet)
    agency = _line(document.agency)
    kind = _line(document.facts.get("type", ""))
    said = agency if agency.casefold() not in outlet.casefold() else ""
    rest = [part for part in (said, _STANDING[document.standing], kind) if part]
    return (Span(outlet, Mark.BOLD), Span(" · " + " · ".join(rest)))


# --- what it says -------------------------------------------------------------------------------------------------


def excerpt(text: str, hits: Iterable[Hit]) -> tuple[Span, ...]:
    """Quote up to `EXCERPT_SIZE` around the first hits, the hits in bold."""
    within = sorted({(hit.start, hit.end) for hit in hits if 0 <= hit.start < hit.end <= len(text)})
    start = _start(text, within[0][0]) if within else 0
    region = text[start : start + 4 * EXCERPT_SIZE]
    quoted = _SPACE.sub(" ", region)
    opening = "… " if start else ""
    kept = _closed(cut(quoted.strip(), EXCERPT_SIZE - len(opening) - _CLOSING, utf16_len))
    bold = [_place(region, first - start, last - start) for first, last in within[:_BOLD_SHOWN]]
    return _marked(opening, kept, [(first, last) for first, last in bold if kept.startswith(quoted[:last])])


def _start(text: str, hit: int) -> int:
    """Choose where the quote begins: a sentence or a word not far before the hit, never inside a word or address."""
    if hit <= _LEAD:
        return 0
    lead = text[hit - _LEAD : hit]
    sentences = [begin.end() for begin in _BREAK.finditer(lead) if _LEAD - begin.end() >= _LEAD_WANTED]
    begin = sentences[-1:] or [space.end() for space in _SPACE.finditer(lead)][:1]
    return hit - _LEAD + begin[0] if begin else 0


def _place(region: str, first: int, last: int) -> tuple[int, int]:
    """Find where a hit stands once white space is folded."""
    return len(_SPACE.sub(" ", region[:first])), len(_SPACE.sub(" ", region[:last]))


def _marked(opening: str, quoted: str, bold: Iterable[tuple[int, int]]) -> tuple[Span, ...]:
    spans = [Span(opening)]
    done = 0
    for first, last in bold:
        if last > done:  # hits of two queries may overlap
            spans += [Span(quoted[done : max(first, done)]), Span(quoted[max(first, done) : last], Mark.BOLD)]
            done = last
    spans.append(Span(quoted[done:]))
    return tuple(span for span in spans if span.text)


# --- what its publisher states ------------------------------------------------------------------------------------


def _facts(document: Document, voice: Voice) -> Iterable[tuple[str, str]]:
    planned = _stated_day(document, "planned_for")
    yield "Filed" if planned else "Published", _published(document, voice)
    if planned:
        yield "Scheduled", f"to be published on {planned}{_filing(document)}; until then it may be moved or withdrawn"
    if document.claimed_at and document.seen_at - document.claimed_at > _LATE:
        yield "First seen", time_in_words(document.seen_at, voice.zone)
    if document.number:
        citation = _line(document.facts.get("citation", ""))
        yield "Document", " · ".join(filter(None, (_line(document.number), citation)))
    effective = _stated_day(document, "effective_on")
    if effective and not _is_proposal(document):
        yield "Effective", effective
    comments = _stated_day(document, "comments_close_on")
    if comments:
        yield "Comments due", comments


def _published(document: Document, voice: Voice) -> str:
    """Say the claimed date as exactly as it was claimed, or why there is none and when we first saw the item."""
    note = _line(document.date_note)
    if document.claimed_at is None or document.precision is Precision.NONE:
        return f"{note or 'date not given'}; first seen {time_in_words(document.seen_at, voice.zone)}"
    if document.precision is Precision.DAY:
        said = day_in_words(document.claimed_at)  # a day has no zone to be moved to
    else:
        said = time_in_words(document.claimed_at, voice.zone)
    return f"{said} ({note})" if note else said


def _stated_day(document: Document, fact: str) -> str:
    try:
        return day_in_words(date.fromisoformat(document.facts.get(fact, "")))
    except ValueError:
        return ""


def _filing(document: Document) -> str:
    """Say how a document came on public inspection, where that was out of turn."""
    return " (special filing)" if document.facts.get("filing", "").casefold() == "special" else ""


def _is_proposal(document: Document) -> bool:
    """Tell whether the publisher calls it a proposal; it then takes effect on no date."""
    kind = (document.facts.get("type", "") or document.facts.get("action", "")).casefold()
    return "propos" in kind or kind == "prorule"


# --- where to read it, and why it came ----------------------------------------------------------------------------


def _link(url: str) -> Span:
    """Name the host in clear, so that nobody has to guess where a link leads."""
    if not _fits(url, _URL_SIZE):
        return Span("The source gave no usable link")
    return Span(f"Read it at {_owner(host_of(url))}", url=url)


def _fits(url: str, size: int) -> bool:
    """Say whether this is a web address of at most so many characters, escaped."""
    return bool(host_of(url)) and len(url) + len("amp;") * url.count("&") <= size


def _owner(host: str) -> str:
    """Show a host without `www.`; of a long one its end, which names the owner."""
    names = host.removeprefix("www.").split(".")
    shown = [name for at, name in enumerate(names) if at >= len(names) - 2 or len(".".join(names[at:])) <= _HOST_SIZE]
    return ".".join(shown if len(shown) == len(names) else ["…", *shown])


def _footer(alert: Alert) -> tuple[Span, ...]:
    labels = list(dict.fromkeys(_line(why.label, _LABEL_SIZE) for why in alert.why))
    more = f" and {len(labels) - _LABELS_SHOWN} more" if len(labels) > _LABELS_SHOWN else ""
    words = ", ".join(f"“{word}”" for word in _words(alert.story.lead, alert.why))
    return (
        Span("Why you got this: "),
        Span(" · ".join(labels[:_LABELS_SHOWN]), Mark.BOLD),
        Span(f"{more} ({words})\n" if words else f"{more}\n"),
        Span(f"#{alert.story.number} · not legal advice"),
    )


def _words(document: Document, why: Iterable[Why]) -> list[str]:
    """List the first distinct words that matched, as the source writes them."""
    texts = {"title": document.title, "text": document.text}
    said = (_line(texts.get(hit.field, "")[hit.start : hit.end], _WORD_SIZE) for one in why for hit in one.hits)
    return list({word.casefold(): word for word in said if word}.values())[:_WORDS_SHOWN]


# --- late ones, in a list -----------------------------------------------------------------------------------------


# What the lists of each kind begin with: how they name what they count, and why it comes so.
_BEGINNINGS = {
    Delay.NONE: ("late alert", "Not sent when it should have been."),
    Delay.POSTED: ("late alert", "Not sent when it should have been."),
    Delay.POSTED_TOGETHER: ("late document", "Posted by an official source more than a week after its date."),
    Delay.HELD: ("late item", "Held back, since one source listed many old items at once."),
    Delay.MISSED: ("late alert", "It came out while its source was not read."),
}


def late_list(late: Sequence[Delivery]) -> tuple[Span, ...]:
    """Say of alerts that are late what they are: a title with its link, who says it, and when.

    The first `LIST_SIZE` are named, what is more is counted: it can be asked for by its number. Lists follow one
    another, the oldest first; what a flood held is one list, and names the newest, since these may matter still.
    """
    delays = {row.alert.delay for row in late}
    noun, why = _BEGINNINGS[late[0].alert.delay if len(delays) == 1 else Delay.NONE]
    newest_first = delays == {Delay.HELD}
    late = sorted(late, key=_came_out, reverse=True) if newest_first else late
    what = f"1 {noun}" if len(late) == 1 else f"{len(late):,} {noun}s"
    lines = (span for row in late[:LIST_SIZE] for span in _listed(row))
    more = _more(late[LIST_SIZE:])
    note = f"{why} By title and link only, {'newest' if newest_first else 'oldest'} first:"
    return (Span(what, Mark.BOLD), Span(f"\n{note}\n"), *lines, *more, Span("\nNot legal advice"))


def _came_out(row: Delivery) -> datetime:
    return row.alert.story.lead.claimed_at or row.alert.story.lead.seen_at


def _more(late: Sequence[Delivery]) -> Iterable[Span]:
    """Count what a list has no room for, and say how to see it."""
    if late:
        numbers = [row.alert.story.number for row in late]
        between = f"between #{min(numbers)} and #{max(numbers)}"
        yield Span(f"\n… and {len(late):,} more, {between}: why {numbers[0]} shows the first of them.\n")


def _listed(row: Delivery) -> Iterable[Span]:
    document, number = row.alert.story.lead, row.alert.story.number
    url = document.url if _fits(document.url, _LISTED_URL) else ""
    yield Span("\n• ")
    yield Span(_line(document.title, _LISTED_TITLE) or "Untitled", url=url)
    said = (_line(document.outlet, _LISTED_OUTLET), _when(document, row.alert.voice), f"#{number}")
    yield Span("\n  " + " · ".join(filter(None, said)))
    if not url:
        yield Span(f" · its link does not fit here: why {number}")
    if row.unsure:
        yield Span(" · ↻ may repeat")
    yield Span("\n")


def _when(document: Document, voice: Voice) -> str:
    if document.claimed_at is None or document.precision is Precision.NONE:
        return f"first seen {time_in_words(document.seen_at, voice.zone)}"
    if document.precision is Precision.DAY:
        return day_in_words(document.claimed_at)
    return time_in_words(document.claimed_at, voice.zone)
