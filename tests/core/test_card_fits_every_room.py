"""Whatever came in, a card is small enough for one message of every room, and whole in all its parts."""

from __future__ import annotations

from dataclasses import fields

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.card import EXCERPT_SIZE, HEADLINE_SIZE, card
from bot.core.intake import Standing
from bot.core.links import host_of
from bot.core.model import Alert, Chat, Document, Hit, Precision, Reason, Story, Voice, Why
from bot.core.speech import Card
from bot.core.text import clean_controls, utf16_len
from tests.builders import NOW, at

TELEGRAM = 4_096
SLACK = 13_200

PIECES = st.sampled_from(
    [
        "The United States will resume removals. ",
        "Temporary Protected Status ",
        "👩‍👩‍👧‍👦",
        "🇺🇸",
        "e\u0301",
        "日本語のニュース",
        "العربية ",
        "\u202eevil\u202c",
        "https://example.gov/a/very/long/address?with=parameters&and=more ",
        "\n\n",
        "&<>",
        "x" * 90,
        " ",
    ]
)
# Up to 60,000 characters, built from few choices so that shrinking stays quick.
LONG = st.tuples(st.lists(PIECES, max_size=8), st.integers(1, 700)).map(lambda made: "".join(made[0]) * made[1])
TEXTS = st.one_of(st.text(max_size=400), LONG.map(lambda text: text[:60_000])).map(clean_controls)
ADDRESSES = st.one_of(
    st.just(""),
    st.text(max_size=30),
    st.sampled_from(["https://www.uscis.gov/newsroom", "https://a.example/" + "&" * 1500, "https://x/" + "a" * 9000]),
    st.lists(st.sampled_from(["a" * 63, "b", "uscis"]), min_size=2, max_size=4).map(
        lambda names: f"http://{'.'.join(names)}"
    ),
)
FACTS = st.dictionaries(
    st.sampled_from(["type", "action", "citation", "effective_on", "comments_close_on", "outlet"]),
    st.one_of(TEXTS, st.sampled_from(["Proposed Rule", "Rule", "2023-11-01", "2023-13-01"])),
)
HITS = st.builds(
    lambda field, start, size: Hit(field, start, start + size),
    st.sampled_from(["title", "text", "other"]),
    st.integers(-5, 60_000) | st.integers(0, 400),
    st.integers(-2, 40),
)
WHYS = st.lists(st.builds(Why, st.integers(1, 9), TEXTS, st.lists(HITS, max_size=30).map(tuple)), max_size=8)


@st.composite
def documents(draw):
    precision = draw(st.sampled_from(list(Precision)))
    return Document(
        id="d",
        source_id="s",
        outlet=draw(TEXTS),
        standing=draw(st.sampled_from(list(Standing))),
        language="en",
        url=draw(ADDRESSES),
        title=draw(TEXTS),
        text=draw(TEXTS),
        seen_at=NOW,
        keys=(),
        digest="",
        agency=draw(TEXTS),
        number=draw(st.just("") | TEXTS),
        claimed_at=draw(st.sampled_from([None, NOW, at(days=-9)])),
        precision=precision,
        date_note=draw(st.just("") | TEXTS),
        facts=draw(FACTS),
    )


ALERTS = st.builds(
    Alert,
    st.just(Chat("telegram", "", "1")),
    st.builds(Voice, st.just("en"), st.sampled_from(["America/New_York", "Asia/Kathmandu", "Nowhere", "../etc", ""])),
    st.builds(Story, st.integers(1, 10**9), documents(), st.just(NOW)),
    WHYS.map(tuple),
    st.sampled_from(list(Reason)),
)


def parts(shown: Card) -> list[str]:
    """Everything that a room would print, as plain strings."""
    spans = (*shown.byline, *shown.excerpt, shown.link, *shown.footer)
    return [shown.headline, shown.notice, *(span.text for span in spans), *(f"{a}: {b}\n" for a, b in shown.facts)]


@settings(max_examples=60)
@given(ALERTS, st.booleans())
def test_a_card_fits_into_one_message_whatever_came_in(alert, repeat):
    shown = card(alert, repeat=repeat)
    total = sum(map(utf16_len, parts(shown)))
    assert total < TELEGRAM - 500
    assert total + len(shown.link.url) + 4 * shown.link.url.count("&") < SLACK
    assert utf16_len(shown.headline) <= HEADLINE_SIZE
    assert utf16_len("".join(span.text for span in shown.excerpt)) <= EXCERPT_SIZE
    assert "\n" not in shown.headline
    assert all(getattr(shown, field.name) is not None for field in fields(shown))


@settings(max_examples=60)
@given(ALERTS)
def test_no_part_leaves_a_run_of_right_to_left_text_open(alert):
    shown = card(alert)
    for text in (shown.headline, "".join(span.text for span in shown.excerpt), *parts(shown)[-4:]):
        depth = 0
        for character in text:
            depth = max(0, depth + (character in "\u2066\u2067\u2068") - (character == "\u2069"))
        assert depth == 0


@settings(max_examples=60)
@given(ALERTS)
def test_the_link_leads_where_its_words_say(alert):
    link = card(alert).link
    if link.url:
        shown = link.text.removeprefix("Read it at ").removeprefix("….")
        assert link.url == alert.story.lead.url
        assert host_of(link.url).endswith(shown)
        assert "." in shown or shown == host_of(link.url).removeprefix("www.")
    else:
        assert link.text == "The source gave no usable link"


@settings(max_examples=60)
@given(ALERTS)
def test_the_excerpt_is_the_source_word_for_word(alert):
    quoted = "".join(span.text for span in card(alert).excerpt)
    words = quoted.removeprefix("… ").rstrip("\u2069").removesuffix("…").rstrip("\u2069").split()
    assert " ".join(words) in " ".join(alert.story.lead.text.split())
