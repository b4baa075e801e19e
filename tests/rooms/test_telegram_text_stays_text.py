"""Whatever a source writes, Telegram shows it as it stands: judged by Telegram's own parser (TDLib)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.card import card
from bot.core.links import host_of
from bot.core.model import Alert, Hit, Why
from bot.core.speech import Choice, Mark, Message, Reply, Span
from bot.core.text import clean_controls
from handlers.telegram import render
from tests import builders
from tests.fakes.telegram import Entity, Formatted, found_in, parse, units

JOINER = "\u2060"
KINDS = {"Bold", "Italic", "Code", "BlockQuote", "TextUrl"}
DEEP_LINK = re.compile(r"(?i)(?:tg|ton|tonsite)://|(?:https?://)?(?:[\w.-]+\.)?(?:t|telegram)\.(?:me|dog)\b")
NEVER_BY_ITSELF = {"Mention", "MentionName", "BotCommand"}
ADDRESS = "https://www.uscis.gov/news/1?a=1&b=2"

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<b>bold</i>",
    "</blockquote><a href='tg://user?id=5'>Ana</a>",
    '"><a href="javascript:alert(1)">x</a>',
    '<a href="https://evil.example">uscis.gov</a>',
    "&lt;b&gt; &amp;amp; &nbsp; &#60;b&#62; &#x3c;",
    "<tg-spoiler>x</tg-spoiler><tg-emoji emoji-id='5'>x</tg-emoji>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">',
    "tg://user?id=5 tg://resolve?domain=x ton://transfer/x",
    "t.me/joinchat/abc https://t.me/+abc telegram.me/x TELEGRAM.DOG/x ana.t.me",
    "@everyone @channel @durov @policybell_bot",
    "/start /follow@policybell_bot and/or 1/2 (/stop)",
    "{0.__class__} {{7*7}} ${7*7} %s %(x)s",
    "a < b && c > d",
    "_*[]()~`>#+-=|{}.!\\",
    "\u202eexe.cod\u202c \u2066x\u2069 \u200b\u200c\u200d\ufeff",
    "\x00\x01\x1f\x7f\ud800\udc00\ud800",
    "\U000e0041\U000e0042 tags",
    "👨‍👩‍👧‍👦🏳️‍🌈🇺🇸" * 40,
    "e\u0301" * 600,
    "قال المتحدث إن القرار ساري المفعول",
    "",
    " \n\n\t ",
)

texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=400),
    st.lists(
        st.sampled_from(
            ["<", ">", "&", "@", "/", "a", "tg:", "://", "t.me", "https://a.gov", " ", "\n", "é", "😀", "b1c", "_"]
        )
    ).map("".join),
    st.builds(lambda text, times: text * times, st.sampled_from(HOSTILE[:18]), st.integers(1, 20)),
)


@st.composite
def alerts(draw: st.DrawFn) -> Alert:
    """An alert in which everything that a source or a reader writes is anything."""
    text = draw(texts)
    places = draw(st.lists(st.integers(0, max(len(text) - 1, 0)), max_size=40))
    hits = tuple(Hit("text", place, min(place + 5, len(text))) for place in places if text)
    document = builders.a_document(
        title=draw(texts),
        text=text,
        outlet=draw(texts),
        agency=draw(texts),
        number=draw(texts),
        date_note=draw(texts),
        url=draw(st.sampled_from([ADDRESS, "https://a.example/" + "x" * 1_900, "javascript:alert(1)", "tg://x", ""])),
        facts={key: draw(texts) for key in ("type", "citation", "effective_on", "comments_close_on")},
    )
    labels = draw(st.lists(texts, min_size=1, max_size=6))
    return builders.an_alert(
        builders.a_story(8812, document), why=tuple(Why(number, label, hits) for number, label in enumerate(labels))
    )


def taken(message: Message) -> Formatted:
    """Read a message as Telegram would, which refuses what breaks a rule."""
    return parse(str(message.native["text"]), str(message.native.get("parse_mode", "")))


def seen(text: str) -> str:
    return text.replace(JOINER, "")


def assert_harmless(shown: Formatted) -> None:
    assert {entity.kind for entity in shown.entities} <= KINDS
    assert len(shown.entities) <= 100
    for label, address in shown.links():
        assert re.match(r"https?://[^/]+\.[^/]+", address)
        assert host_of(address).removeprefix("www.") in shown.text or label
    by_itself = [entity for entity in found_in(shown.text).entities if not in_code(shown, entity)]
    assert not {entity.kind for entity in by_itself} & NEVER_BY_ITSELF
    addresses = [shown.part(entity) for entity in by_itself if entity.kind == "Url"]
    assert not [address for address in addresses if DEEP_LINK.match(address)]


def in_code(shown: Formatted, found: Entity) -> bool:
    """Tell whether something found lies in code, where Telegram lets nothing be clickable."""
    codes = [code for code in shown.entities if code.kind == "Code"]
    return any(code.offset < found.offset + found.length and found.offset < code.offset + code.length for code in codes)


@settings(max_examples=60, deadline=None)
@given(alerts(), st.booleans(), st.booleans())
def test_any_alert_is_accepted_harmless_and_keeps_its_link(alert: Alert, repeat: bool, plain: bool) -> None:
    message = render.alert(alert, repeat=repeat, plain=plain)
    shown = taken(message)
    assert units(message.text) <= render.LIMIT
    if host_of(alert.story.lead.url):
        links = [address for _, address in shown.links()]
        assert (alert.story.lead.url in shown.text) if plain else (links == [alert.story.lead.url])
    if not plain:
        assert_harmless(shown)


@settings(max_examples=100, deadline=None)
@given(alerts(), st.booleans())
def test_what_is_seen_is_what_the_card_says(alert: Alert, repeat: bool) -> None:
    laid_out = card(alert, repeat=repeat)
    said = [
        laid_out.headline,
        laid_out.notice,
        *(span.text for span in laid_out.byline),
        *(span.text for span in laid_out.excerpt),
        *(f"{name} {value}" for name, value in laid_out.facts),
        laid_out.link.text,
        *(span.text for span in laid_out.footer),
    ]
    shown = taken(render.alert(alert, repeat=repeat, plain=False))
    assert "".join(seen(shown.text).split()) == "".join("".join(map(clean_controls, said)).split())


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.builds(
            Span,
            texts,
            st.sampled_from(Mark),
            st.sampled_from(["", "", ADDRESS, "javascript:alert(1)", "tg://user?id=5"]),
        ),
        max_size=120,
    )
)
def test_any_answer_is_accepted_harmless_and_complete(spans: Sequence[Span]) -> None:
    messages = render.reply(Reply(tuple(spans)))
    for message in messages:
        assert_harmless(taken(message))
        assert taken(render.in_plain(message)).text
    if all(units(line) < 1_000 for span in spans for line in span.text.splitlines()):
        said = "".join("".join(clean_controls(span.text) for span in spans).split())
        shown = "".join(re.sub(r" \(uscis\.gov\)", "", seen(taken(message).text)) for message in messages)
        assert "".join(shown.split()) == "".join(said.split())


@pytest.mark.parametrize("text", HOSTILE[:18])
def test_hostile_text_is_shown_literally(text: str) -> None:
    document = builders.a_document(title=text, text=text)
    shown = taken(render.alert(builders.an_alert(builders.a_story(1, document)), repeat=False, plain=False))
    assert " ".join(clean_controls(text).split())[:40] in seen(shown.text)


def test_an_address_in_a_text_stays_an_address() -> None:
    text = "Read https://www.uscis.gov/news or mail press@uscis.gov, see 1/2 and/or 10/5/2023 at 3 p.m."
    document = builders.a_document(text=text)
    shown = taken(render.alert(builders.an_alert(builders.a_story(1, document)), repeat=False, plain=False))
    assert text in shown.text


def test_a_link_says_where_it_leads_unless_its_label_does() -> None:
    shown = taken(render.reply(Reply((Span("Fee rule", url=ADDRESS), Span(" "), Span("uscis.gov", url=ADDRESS))))[0])
    assert shown.text == "Fee rule (uscis.gov) uscis.gov"
    assert shown.links() == [("Fee rule (uscis.gov)", ADDRESS), ("uscis.gov", ADDRESS)]


def test_a_command_without_words_can_be_tapped_and_a_longer_line_copied() -> None:
    shown = taken(render.reply(Reply((Span("/help", Mark.CODE), Span(" "), Span("/follow tps", Mark.CODE))))[0])
    assert shown.parts("Code") == ["/follow tps"]
    assert found_in("/help").parts("BotCommand") == ["/help"]


def test_a_long_list_goes_on_in_the_next_message_with_the_buttons_at_its_end() -> None:
    spans = tuple(Span(f"{number}. A source with a name of its own, read every 15 minutes\n") for number in range(190))
    messages = render.reply(Reply(spans, (Choice("Help", "help"),)))
    assert len(messages) == 3
    assert ["reply_markup" in message.native for message in messages] == [False, False, True]
    assert "".join(taken(message).text for message in messages).count("A source") == 190


@pytest.mark.parametrize("words", ["t.me/evil ana.t.me", "@everyone", "/start"])
@pytest.mark.parametrize("before", ["a" * 1_020, "a" * 2_000, "line\n" * 818 + "aaaa", ""])
def test_where_a_text_is_cut_nothing_becomes_clickable(before: str, words: str) -> None:
    for message in render.reply(Reply((Span(before), Span(words), Span(words)))):
        assert_harmless(taken(message))


def test_more_formatting_than_counts_goes_on_in_the_next_message() -> None:
    messages = render.reply(Reply(tuple(Span(f"{number} ", Mark.BOLD) for number in range(250))))
    assert sum(len(taken(message).entities) for message in messages) == 250
    for message in messages:
        assert_harmless(taken(message))


def test_a_link_is_no_code_whatever_its_mark() -> None:
    for message in render.reply(Reply((Span("@everyone /start", Mark.CODE, ADDRESS),))):
        assert_harmless(taken(message))


@example(
    [Choice("a", "\ud800"), Choice("b", "x\x00"), Choice("\u200b", "help"), Choice("c", "é" * 32), Choice("d", "e")]
)
@given(st.lists(st.builds(Choice, texts, texts), max_size=130))
@settings(max_examples=100, deadline=None)
def test_buttons_keep_telegram_s_limits(choices: list[Choice]) -> None:
    (message,) = render.reply(Reply((Span("Choose"),), tuple(choices)))
    rows = message.native.get("reply_markup", {"inline_keyboard": []})["inline_keyboard"]
    assert all(1 <= len(row) <= 8 for row in rows)
    assert sum(map(len, rows)) <= 100
    for button in (button for row in rows for button in row):
        assert 1 <= len(button["callback_data"].encode()) <= 64
        assert button["callback_data"].startswith("1|")
        assert clean_controls(button["callback_data"]) == button["callback_data"]
        assert 1 <= units(button["text"]) <= 64
        assert button["text"].strip()


def test_a_repeat_is_silent_and_says_so() -> None:
    alert = builders.an_alert()
    once, again = (render.alert(alert, repeat=repeat, plain=False) for repeat in (False, True))
    assert (once.silent, again.silent) == (False, True)
    assert "↻ may repeat" in taken(again).text
    assert "↻ may repeat" not in taken(once).text


def test_no_preview_is_ever_fetched_on_our_behalf() -> None:
    alert = builders.an_alert()
    messages = [
        render.alert(alert, repeat=False, plain=True),
        render.alert(alert, repeat=False, plain=False),
        *render.reply(Reply((Span("x"),))),
    ]
    assert all(message.native["link_preview_options"] == {"is_disabled": True} for message in messages)


@pytest.mark.parametrize("text", ["x" * 60_000, "word " * 12_000, "/a/ @b " * 10_000, "😀" * 30_000, "<&>" * 20_000])
@pytest.mark.parametrize("plain", [True, False])
def test_an_endless_text_fits_and_keeps_its_link(text: str, plain: bool) -> None:
    facts = {"type": text, "citation": text, "effective_on": "2023-10-05", "comments_close_on": "2023-10-05"}
    url = f"https://{'.'.join(['a' * 62] * 3)}.example/{'x' * 1_790}"
    hits = tuple(Hit("text", start, start + 44) for start in range(0, 500, 45))
    long = builders.a_document(
        title=text, text=text, outlet=text, agency=text, number=text, date_note=text, url=url, facts=facts
    )
    whys = tuple(builders.a_why(number, f"{number}{text}", hits) for number in range(50))
    shown = taken(render.alert(builders.an_alert(builders.a_story(1, long), why=whys), repeat=True, plain=plain))
    assert (long.url in shown.text) if plain else shown.links()


def test_plain_text_has_no_parse_mode_and_the_whole_address() -> None:
    long = builders.a_document(url="https://a.example/" + "x" * 1_900, text="word " * 900, title="title " * 60)
    alert = builders.an_alert(
        builders.a_story(1, long), why=tuple(replace(builders.a_why(n), label="l" * 60) for n in range(9))
    )
    message = render.alert(alert, repeat=True, plain=True)
    assert "parse_mode" not in message.native
    assert long.url in taken(message).text
