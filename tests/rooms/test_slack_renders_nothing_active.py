"""What Slack is sent: within every limit, with its link, and with nothing in it that a source could make Slack obey."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.intake import Standing
from bot.core.model import Hit, Precision
from bot.core.speech import Choice, Mark, Message, Reply, Span
from bot.core.text import clean_controls
from handlers.slack.render import alert_message, announcement, encoded, escaped, pages
from tests.builders import a_document, a_story, a_why, an_alert
from tests.fakes.slack.checks import TEXT_BEST, refused_blocks, sequences, unmeant, unmeant_in_blocks
from tests.fakes.slack.world import buttons, leaves

ATTACKS = (
    "<!channel>", "<!here|here>", "<!everyone>", "<!subteam^S1>", "<@U1>", "<@U1|ana>", "<#C1|general>",
    "<!date^1^{date}|x>", "<https://evil.example|uscis.gov>", "&lt;!channel&gt;", "&amp;lt;", "@here #general",
    "*bold* _it_ ~no~ `code`", "> quote", "```", ":tada:", "http://evil.example", "a&b<c>d",
    "\u202egnp.exe", "\x00\x07",
)  # fmt: skip
said = st.lists(st.sampled_from(ATTACKS) | st.text(max_size=60), max_size=8).map(" ".join)
long = st.builds(lambda text, times: text * times, said, st.integers(1, 80))
# As core.links leaves them: absolute, http(s), ASCII; here also with what it would have encoded.
urls = st.text(st.sampled_from("abz09/?&=#%41<>|'()~:@!$*,;[]+-._ \u00e9"), max_size=300).map(
    lambda rest: f"https://www.uscis.gov/{rest}"
)


@st.composite
def alerts(draw: st.DrawFn) -> Any:
    text = draw(long)
    ends = draw(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 40)), max_size=4))
    document = a_document(
        title=draw(said | long),
        text=text,
        url=draw(urls),
        outlet=draw(said),
        agency=draw(said),
        standing=draw(st.sampled_from(Standing)),
        precision=draw(st.sampled_from(Precision)),
        number=draw(said),
        date_note=draw(said),
        facts={"type": draw(said), "citation": draw(said), "effective_on": "2027-02-02"},
    )
    hits = tuple(Hit("text", start, start + size) for start, size in ends if start + size <= len(text))
    return an_alert(a_story(lead=document), why=(a_why(label=draw(said), hits=hits), a_why(2, draw(said))))


def assert_harmless(native: Any, people: tuple[str, ...] = ()) -> None:
    """Hold every rule that the strict server holds, and the manners of one message."""
    assert native["text"]
    assert len(native["text"]) <= TEXT_BEST
    assert list(unmeant(native["text"], people)) == []
    if "blocks" in native:
        assert refused_blocks(native["blocks"]) is None
        assert list(unmeant_in_blocks(native["blocks"], people)) == []
    json.dumps(native).encode("ascii")


def assert_mannerly(message: Message) -> None:
    assert message.native["unfurl_links"] is False
    assert message.native["unfurl_media"] is False
    assert message.native["link_names"] is False
    assert message.native["parse"] == "none"


@settings(max_examples=60, deadline=None)
@given(alerts(), st.booleans())
def test_an_alert_is_harmless_and_keeps_its_link(alert: Any, repeat: bool) -> None:
    url = encoded(alert.story.lead.url)
    rich = alert_message(alert, repeat=repeat, plain=False)
    plain = alert_message(alert, repeat=repeat, plain=True)
    for message in (rich, plain):
        assert_harmless(message.native)
        assert_mannerly(message)
        assert ("↻ may repeat" in message.text) == repeat
        assert message.silent == repeat
    if len(escaped(alert.story.lead.url)) <= 2_000:  # what a card takes for a usable address
        assert [button["url"] for button in buttons(rich.native["blocks"])] == [url]
        assert sequences(plain.native["text"]) == [url.replace("&", "&amp;")]
    assert "blocks" not in plain.native


marks = st.sampled_from(Mark)
spans = st.builds(Span, said | long, marks, st.just("") | urls)
choices = st.builds(Choice, said.filter(str.strip), st.text(min_size=1, max_size=60))


@settings(max_examples=60, deadline=None)
@given(st.builds(Reply, st.lists(spans, max_size=30).map(tuple), st.lists(choices, max_size=30).map(tuple)))
@example(Reply(()))
@example(Reply((Span("\n"), Span(""), Span("\x00")), (Choice("\x00", "help"),)))
@example(Reply(tuple(Span("😀<&>" * 500) for _ in range(60)), tuple(Choice("x" * 99, "y" * 60) for _ in range(30))))
def test_an_answer_is_harmless_and_nothing_of_it_is_lost_silently(reply: Reply) -> None:
    laid_out = pages(reply)
    if not reply.spans:
        assert laid_out == ()
        return
    assert 1 <= len(laid_out) <= 4
    for page in laid_out:
        if page["blocks"]:
            assert_harmless(page)
    shown = "".join(leaf["text"] for page in laid_out for leaf in leaves_of(page["blocks"]))
    whole = "".join(clean_controls(span.text) for span in reply.spans)
    assert shown == whole or shown.endswith("… and more than fits here.")
    assert [button["value"] for button in buttons(laid_out[-1]["blocks"])] == [
        f"1|{choice.line}" for choice in reply.choices[:25]
    ]


def leaves_of(blocks: Any) -> list[Any]:
    return [
        leaf
        for block in blocks
        if block["type"] == "rich_text"
        for part in block["elements"]
        for leaf in part["elements"]
    ]


@settings(max_examples=40, deadline=None)
@given(long)
def test_the_announcement_of_a_change_mentions_its_maker_and_nobody_else(line: str) -> None:
    message = announcement("U0ANA", line)
    assert_harmless(message, ("U0ANA",))
    assert sequences(str(message["text"])) == ["@U0ANA"]
    assert "<@U0ANA>" in leaves(message["blocks"])


def test_text_is_escaped_once() -> None:
    assert escaped("AT&T <b> &amp; &lt;") == "AT&amp;T &lt;b&gt; &amp;amp; &amp;lt;"


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://www.uscis.gov/a?b=1&c=%20d#e", "https://www.uscis.gov/a?b=1&c=%20d#e"),
        ("https://www.uscis.gov/<!channel>|x", "https://www.uscis.gov/%3C!channel%3E%7Cx"),
        ("https://www.uscis.gov/é x", "https://www.uscis.gov/%C3%A9%20x"),
    ],
)
def test_an_address_cannot_end_early(url: str, written: str) -> None:
    assert encoded(url) == written


def test_a_long_title_is_cut_in_the_header_and_whole_below() -> None:
    title = " ".join(["Extension and Redesignation of Venezuela"] * 6)
    blocks = alert_message(an_alert(a_story(lead=a_document(title=title))), repeat=False, plain=False).native["blocks"]
    assert blocks[0]["text"]["text"].endswith("…")
    assert title in leaves(blocks)


def test_an_item_without_a_usable_address_says_so() -> None:
    for url in ("", "javascript:alert(1)", f"https://www.uscis.gov/{'x' * 3000}"):
        native = alert_message(an_alert(a_story(lead=a_document(url=url))), repeat=False, plain=False).native
        assert_harmless(native)
        assert buttons(native["blocks"]) == []
