"""Alerts and replies as Telegram messages. Pure.

HTML is the one mode in which feed text cannot break a message: `&`, `<` and `>` are all there is to escape.
What Telegram makes clickable by itself in plain text (@names, /commands, tg: and t.me links) is kept from it;
web addresses stay as they are, since they lead where they say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from html import escape
from itertools import pairwise

from bot.commands import COMMANDS
from bot.core.card import card, late_list
from bot.core.links import host_of
from bot.core.model import Alert, Delivery
from bot.core.speech import Card, Choice, Mark, Message, Reply, Span
from bot.core.text import clean_controls, cut, utf16_len

LIMIT = 4_096  # after parsing. Telegram counts code points, it seems; UTF-16 units are never fewer
_ENTITIES = 90  # of 100 that count
CHOICE = "1|"  # before the line behind a button: of which version it is
CALLBACK_BYTES = 64
_ROW = (3, 30)  # buttons, and characters of their labels
_LABEL = 60
_BUTTONS = 100

_JOINER = "\u2060"  # word joiner: no width, no break, and no name or address goes across it
_CLICKABLE = re.compile(
    r"(?P<address>https?://[a-z0-9.-]+\.(?:com|edu|gov|int|mil|net|org|us)/[\w./?=&%#~:+@-]*)"
    r"|(?<!\w)@(?=\w)|(?<![\w/])/(?=\w)|(?<!http)(?<!https):(?=//)|\b(?:t|telegram)(?=\.(?:me|dog)\b)",
    re.IGNORECASE,
)
_TAGS = {Mark.BOLD: "b", Mark.ITALIC: "i", Mark.QUOTE: "blockquote"}
_NO_PREVIEW = {"is_disabled": True}


def alert(alert: Alert, *, repeat: bool, plain: bool) -> Message:
    """Say an alert. `repeat` marks and silences it; `plain` leaves all formatting out."""
    laid_out = card(alert, repeat=repeat)
    text = _plain_card(laid_out)
    return _message(text, text if plain else _html_card(laid_out), plain=plain, silent=repeat)


def late(rows: Sequence[Delivery]) -> Message:
    """Say late alerts in one list; silent only where all of it may be a repeat."""
    spans = late_list(rows)
    return _message(_words(spans), _line(spans), silent=all(row.unsure for row in rows))


def reply(reply: Reply) -> tuple[Message, ...]:
    """Say an answer in as many messages as it needs; its choices go under the last one."""
    pages = [page for page in _pages(_lines(reply.spans)) if _words(page).strip()]
    messages = [_message(_words(page).strip(), _line(page).strip()) for page in pages]
    rows = _rows(reply.choices)
    if messages and rows:
        last = messages.pop()
        messages.append(Message(last.text, {**last.native, "reply_markup": {"inline_keyboard": rows}}))
    return tuple(messages)


def in_plain(message: Message) -> Message:
    """Give the same message without formatting, for a platform that refused it."""
    native = {**message.native, "text": message.text}
    native.pop("parse_mode", None)
    return Message(message.text, native, message.silent)


def _message(text: str, body: str, *, plain: bool = False, silent: bool = False) -> Message:
    mode = {} if plain else {"parse_mode": "HTML"}
    return Message(text, {"text": body, **mode, "link_preview_options": _NO_PREVIEW}, silent)


# --- alerts -------------------------------------------------------------------------------------------------------


def _html_card(card: Card) -> str:
    head = [_line([Span(card.headline, Mark.BOLD)]), _line([Span(card.notice, Mark.ITALIC)]), _line(card.byline)]
    quoted = _line(card.excerpt)
    facts = [_line([Span(name, Mark.BOLD), Span(f" {value}")]) for name, value in card.facts]
    parts = [_stacked(head), f"<blockquote>{quoted}</blockquote>" if quoted else "", _stacked(facts)]
    return "\n\n".join(filter(None, [*parts, _line([card.link]), _line(card.footer)]))


def _plain_card(card: Card) -> str:
    """Write a card without formatting. The whole address is in it, so other words give way where it is long."""
    head = [_words([Span(card.headline)]), card.notice, _words(card.byline)]
    facts = [_words([Span(f"{name}: {value}")]) for name, value in card.facts]
    above = "\n\n".join(filter(None, [_stacked(head), _words(card.excerpt), _stacked(facts)]))
    below = f"\n\n{_words([card.link])}\n\n{_words(card.footer)}"
    return cut(above, LIMIT - utf16_len(below), utf16_len) + below


def _stacked(lines: Iterable[str]) -> str:
    return "\n".join(filter(None, lines))


# --- spans --------------------------------------------------------------------------------------------------------


def _line(spans: Iterable[Span]) -> str:
    """Write spans as HTML."""
    return "".join(_span(span) for span in _still(spans))


def _words(spans: Iterable[Span]) -> str:
    """Write spans without formatting, addresses behind their labels."""
    return "".join(f"{span.text}: {span.url}" if span.url else span.text for span in _still(spans))


def _still(spans: Iterable[Span]) -> list[Span]:
    """Keep Telegram from making a name, a command or an address of its own out of somebody's words.

    It looks at the whole text, whatever is bold in it: so does this. In code it looks for nothing.
    """
    clean = [_clean(span) for span in spans]
    whole = "".join(span.text for span in clean)
    places = [found.end() for found in _CLICKABLE.finditer(whole) if not found["address"]]
    still, start = [], 0
    for span in clean:
        end = start + len(span.text)
        inside = [place - start for place in places if start < place <= end]
        in_code = span.mark is Mark.CODE and not span.url
        still.append(span if in_code or not inside else replace(span, text=_joined(span.text, inside)))
        start = end
    return still


def _clean(span: Span) -> Span:
    """Drop what deceives; beside a label that does not say where its link leads, say it."""
    text = clean_controls(span.text)
    host = host_of(span.url) if span.url and text.strip() else ""
    beside = "" if host.removeprefix("www.") in text else f" ({host.removeprefix('www.')})"
    return replace(span, text=f"{text}{beside}", url=span.url if host else "")


def _joined(text: str, places: Sequence[int]) -> str:
    return _JOINER.join(text[start:end] for start, end in pairwise((0, *places, len(text))))


def _span(span: Span) -> str:
    if not span.text:
        return ""
    text = escape(span.text, quote=False)
    if span.url:
        return f'<a href="{escape(span.url)}">{text}</a>'
    if span.mark is Mark.CODE:
        # A command without words stays bare: then it can be tapped. Code is copied by a tap.
        return text if span.text.removeprefix("/") in COMMANDS else f"<code>{text}</code>"
    tag = _TAGS.get(span.mark)
    return f"<{tag}>{text}</{tag}>" if tag else text


# --- replies, cut into messages -----------------------------------------------------------------------------------


def _lines(spans: Iterable[Span]) -> Iterator[Span]:
    """Cut spans into lines or less, none of them longer than fits beside its address."""
    for span in spans:
        for number, words in enumerate(clean_controls(span.text).split("\n")):
            if number:
                yield Span("\n")
            if words:
                yield Span(cut(words, LIMIT // 4, utf16_len), span.mark, span.url)


def _pages(lines: Iterable[Span]) -> Iterator[list[Span]]:
    page: list[Span] = []
    size = entities = 0
    for line in lines:
        # Its plain form is the longer one, for the address; what follows may ask for one joiner more.
        more = utf16_len(_words([line])) + (line.text != "\n")
        marked = int(line.mark is not Mark.PLAIN or bool(line.url))
        if page and (size + more > LIMIT or entities + marked > _ENTITIES):
            yield page
            page, size, entities = [], 0, 0
        page.append(line)
        size, entities = size + more, entities + marked
    if page:
        yield page


def _rows(choices: Sequence[Choice]) -> list[list[dict[str, str]]]:
    """Lay out buttons: a press types the line. One whose line Telegram would not take is left out."""
    rows: list[list[dict[str, str]]] = []
    most, width = _ROW
    room = 0
    for choice in choices[:_BUTTONS]:
        data = f"{CHOICE}{choice.line}"
        label = cut(clean_controls(choice.label), _LABEL, utf16_len)
        if clean_controls(data) != data or len(data.encode()) > CALLBACK_BYTES or not label.strip():
            continue
        if not rows or len(rows[-1]) == most or len(label) > room:
            rows.append([])
            room = width
        room -= len(label)
        rows[-1].append({"text": label, "callback_data": data})
    return rows
