"""Alert or Reply → what Slack takes. Pure.

Text that is not ours stands only where Slack reads no markup at all: in plain_text objects and rich_text elements.
The one exception is the `text` beside the blocks (notifications, screen readers, the plain form), where `& < >` are
escaped and links are bare, `<https://…>`. So nothing in a message is something that a source could make Slack obey.
Limits: docs.slack.dev/reference/block-kit; 13,200 characters of blocks in all: slackapi/bolt-js#2509.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from urllib.parse import quote

from bot.core.card import card, late_list
from bot.core.model import Alert, Delivery
from bot.core.speech import Card, Choice, Mark, Message, Reply, Span
from bot.core.text import clean_controls, cut, utf16_len

HEADER_SIZE = 150
TEXT_SIZE = 3_900  # escaped; 40,000 are allowed, "best under 4,000"
CONTEXT_SIZE = 2_000  # 3,000 are allowed
BLOCKS_SIZE = 12_000
BUTTON_SIZE = 75
BUTTONS_MOST = 25
PIECE_SIZE = 1_000
LINE_SIZE = 200
PAGES_MOST = 4  # a response_url may be used five times in all

Json = dict[str, object]

# No preview is fetched on our behalf: it would tell who reads what. Names and addresses in a text become no links.
_MANNERS: Json = {"unfurl_links": False, "unfurl_media": False, "link_names": False, "parse": "none"}
_STYLES = {Mark.BOLD: "bold", Mark.ITALIC: "italic", Mark.CODE: "code"}


# --- what is posted -----------------------------------------------------------------------------------------------


def alert_message(alert: Alert, *, repeat: bool, plain: bool) -> Message:
    """Say an alert. `repeat` marks it as one that may have arrived before; `plain` leaves all blocks out."""
    laid_out = card(alert, repeat=repeat)
    text = _notification(laid_out)
    if plain:
        native = _MANNERS | {"text": _plain(laid_out)}
    else:
        native = _MANNERS | {"text": escaped(text), "blocks": _alert_blocks(laid_out)}
    return Message(text=text, native=native, silent=repeat)


def list_message(late: Sequence[Delivery]) -> Message:
    """Say late alerts in one list; silent only where all of it may be a repeat."""
    page = _page(late_list(late))
    return Message(text=str(page["text"]), native=posted(page), silent=all(row.unsure for row in late))


def posted(page: Json) -> Json:
    """Give a page of an answer the manners of a message that everybody in a channel sees."""
    return _MANNERS | page


def announcement(actor: str, line: str) -> Json:
    """Tell a channel who changed what, by the line they typed."""
    shown = cut(clean_controls(line), LINE_SIZE, utf16_len)
    used = _leaves((Span(" used "), Span(shown, Mark.CODE)))
    blocks = [_rich([_part("section", [{"type": "user", "user_id": actor}, *used])])]
    return _MANNERS | {"text": f"<@{actor}> used {escaped(shown)}", "blocks": blocks}


def pages(reply: Reply) -> tuple[Json, ...]:
    """Lay an answer out on as few messages as it needs, none to four; the buttons are under the last."""
    if not reply.spans:
        return ()
    buttons = _buttons(reply.choices)
    room = BLOCKS_SIZE - (_size(buttons) if buttons else 0)
    laid_out = [_page(spans) for spans in _paged(reply.spans, room)]
    if buttons:
        laid_out[-1]["blocks"] = [*_blocks_of(laid_out[-1]), buttons]
    return tuple(laid_out)


# --- alerts -------------------------------------------------------------------------------------------------------


def _notification(alert: Card) -> str:
    return " · ".join(filter(None, (_title(alert), alert.notice)))


def _title(alert: Card) -> str:
    return " ".join(clean_controls(alert.headline).split()) or "Untitled"


def _alert_blocks(alert: Card) -> list[Json]:
    title = _title(alert)
    opening = (Span(f"{alert.notice} · "),) if alert.notice else ()
    body = [
        _part("section", [_leaf(Span(title, Mark.BOLD))]) if utf16_len(title) > HEADER_SIZE else None,
        _part("quote", _leaves(alert.excerpt)),
        _part("section", _leaves(_facts(alert))),
    ]
    header: Json = {"type": "header", "text": _plain_text(title, HEADER_SIZE)}
    blocks = (header, _small(opening + alert.byline), _rich(body), _link(alert.link), _small(alert.footer))
    return [block for block in blocks if block]


def _facts(alert: Card) -> Iterator[Span]:
    for number, (name, value) in enumerate(alert.facts):
        yield Span(f"\n{name}: " if number else f"{name}: ", Mark.BOLD)
        yield Span(value)


def _link(link: Span) -> Json | None:
    """Make the source's address a button; its label names the host."""
    if not link.url:
        return _small((link,))
    label = _plain_text(link.text, BUTTON_SIZE)
    button = {"type": "button", "style": "primary", "text": label, "url": encoded(link.url), "action_id": "open"}
    return {"type": "actions", "elements": [button]}


def _small(spans: Iterable[Span]) -> Json | None:
    """Set spans in small gray type, without marks: a context block has no rich text."""
    text = "".join(span.text for span in spans)
    return {"type": "context", "elements": [_plain_text(text, CONTEXT_SIZE)]} if text.strip() else None


def _plain(alert: Card) -> str:
    """Write an alert as one text: all that is in the blocks, in the same order, the link as a bare address."""
    facts = "\n".join(f"{name}: {value}" for name, value in alert.facts)
    above = [_notification(alert), _joined(alert.byline), _joined(alert.excerpt), facts]
    link = f"<{encoded(alert.link.url).replace('&', '&amp;')}>" if alert.link.url else escaped(alert.link.text)
    below = [link, escaped(clean_controls(_joined(alert.footer)))]
    room = TEXT_SIZE - sum(map(len, below))
    fitting = cut(clean_controls("\n".join(filter(None, above))), room, _escaped_size)
    return "\n".join((escaped(fitting), *below))


def _joined(spans: Iterable[Span]) -> str:
    return "".join(span.text for span in spans)


# --- answers ------------------------------------------------------------------------------------------------------


def _page(spans: Iterable[Span]) -> Json:
    """Make one message of spans; quotes become parts of their own."""
    kept = tuple(spans)
    parts = [
        _part("quote" if quoted else "section", _leaves(run))
        for quoted, run in groupby(kept, key=lambda span: span.mark is Mark.QUOTE)
    ]
    text = cut(clean_controls(_joined(kept)).strip(), TEXT_SIZE, _escaped_size)
    block = _rich(parts)
    return {"text": escaped(text) or "Policybell", "blocks": [block] if block else []}


def _paged(spans: Iterable[Span], room: int) -> list[list[Span]]:
    """Fill messages with spans, broken between lines where one does not fit whole."""
    filled: list[list[Span]] = [[]]
    left = room
    for piece in _pieces(spans):
        needed = _size(_leaf(piece)) + 2
        if needed > left and filled[-1]:
            filled.append([])
            left = room
        filled[-1].append(piece)
        left -= needed
    if len(filled) > PAGES_MOST:
        return [*filled[: PAGES_MOST - 1], [*filled[PAGES_MOST - 1][:-1], Span("\n… and more than fits here.")]]
    return filled


def _pieces(spans: Iterable[Span]) -> Iterator[Span]:
    for span in spans:
        for line in clean_controls(span.text).splitlines(keepends=True):
            for start in range(0, len(line), PIECE_SIZE):
                yield replace(span, text=line[start : start + PIECE_SIZE])


def _buttons(choices: Iterable[Choice]) -> Json | None:
    buttons: list[Json] = [
        {
            "type": "button",
            "text": _plain_text(choice.label, BUTTON_SIZE),
            "action_id": f"line:{number}",
            "value": f"1|{choice.line}",
        }
        for number, choice in enumerate(choices, start=1)
    ]
    return {"type": "actions", "elements": buttons[:BUTTONS_MOST]} if buttons else None


# --- Block Kit ----------------------------------------------------------------------------------------------------


def escaped(text: str) -> str:
    """Take the meaning from the three characters that Slack reads in a text; for text that is not escaped yet."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def encoded(url: str) -> str:
    """Percent-encode what would end an address in Slack's markup; an address in order stays as it is."""
    return quote(url, safe="%/:?#[]@!$&'()*+,;=~")


def _escaped_size(text: str) -> int:
    return len(escaped(text))


def _plain_text(text: str, size: int) -> Json:
    return {"type": "plain_text", "text": cut(clean_controls(text).strip(), size, utf16_len) or "…"}


def _leaves(spans: Iterable[Span]) -> list[Json]:
    return [_leaf(span) for span in spans if clean_controls(span.text)]


def _leaf(span: Span) -> Json:
    leaf: Json = {"type": "text", "text": clean_controls(span.text)}
    if span.url:
        leaf = {"type": "link", "url": encoded(span.url), "text": clean_controls(span.text)}
    return leaf | ({"style": {_STYLES[span.mark]: True}} if span.mark in _STYLES else {})


def _part(kind: str, leaves: list[Json]) -> Json | None:
    return {"type": f"rich_text_{kind}", "elements": leaves} if leaves else None


def _rich(parts: Iterable[Json | None]) -> Json | None:
    kept = [part for part in parts if part]
    return {"type": "rich_text", "elements": kept} if kept else None


def _blocks_of(page: Mapping[str, object]) -> list[object]:
    blocks = page["blocks"]
    return list(blocks) if isinstance(blocks, list) else []


def _size(block: object) -> int:
    return len(json.dumps(block, ensure_ascii=False))
