"""Whatever a feed, a source or a person writes comes out of the pages as text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Chat
from bot.core.speech import Choice, Mark, Reply, Span
from handlers.web import Web
from handlers.web.view import exchange_item, lines, web_url
from tests.builders import a_document, a_story, a_why, an_alert
from tests.fakes.browser import Page, a_web_room
from tests.fakes.door import FakeDoor

CHAT = Chat("web", "", "local")
ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "</title></li></ol><iframe srcdoc='<script>alert(1)</script>'>",
    '<math><mi//xlink:href="data:x,<script>alert(1)</script>">',
    "{{7*7}} ${7*7} {0.__class__}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!--><script>alert(1)</script-->",
    "\u202eevil\u2066\x00<b>",
]
SPOKEN = {
    "p",
    "li",
    "article",
    "h2",
    "strong",
    "em",
    "code",
    "q",
    "blockquote",
    "dl",
    "dt",
    "dd",
    "div",
    "span",
    "a",
    "form",
    "button",
}


def room() -> Web:
    return Web("127.0.0.1", 0, clock=None, ready=None)


def page_of(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page


def is_inert(page: Page) -> bool:
    return all(
        tag in SPOKEN
        and not [name for name in attributes if name.startswith("on") or name in {"style", "srcdoc", "formaction"}]
        and attributes.get("href", "https:").startswith(("http:", "https:"))
        and (tag != "a" or {"noreferrer", "noopener"} <= set(attributes["rel"].split()))
        for tag, attributes in page.elements
    )


def hostile_alert(text: str, url: str = "https://newsroom.example/1"):
    document = a_document(1, title=text, text=text, outlet=text, agency=text, url=url, date_note=text)
    document = replace(document, number=text, facts={"type": text, "citation": text})
    return an_alert(a_story(1, document), CHAT, why=(a_why(label=text),))


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_in_every_field_of_an_alert_is_inert(attack):
    html = str(room().render(hostile_alert(attack), repeat=False, plain=False).native["html"])
    assert is_inert(page_of(html))
    assert "49" not in html
    assert not {"\u202e", "\u2066", "\x00"} & set(html)


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("<>\"'&{}`=/ "), max_size=80))
def test_any_text_is_inert(text):
    html = str(room().render(hostile_alert(text), repeat=False, plain=False).native["html"])
    assert is_inert(page_of(html))
    reply = Reply((Span(text), Span(text, Mark.CODE, url=text)), (Choice(text, text),))
    assert is_inert(page_of(exchange_item("x1-1", text, reply)))


@pytest.mark.parametrize("attack", ATTACKS)
async def test_what_people_type_is_shown_as_typed(attack):
    async with a_web_room(FakeDoor()) as (_, browser):
        await browser.say(attack)
        page = (await browser.get("/chat")).page
    assert "alert(1)" not in "".join(str(attributes) for tag, attributes in page.elements if tag != "button")
    assert not [1 for tag, _ in page.elements if tag in {"svg", "iframe", "math"}]
    assert len(page.all("script")) == 1


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", " javascript:x", "//evil.example", "tg://user?id=1", "http://[", ""],
)
def test_only_web_addresses_become_links(url):
    assert web_url(url) == ""
    reply = Reply((Span("here", url=url),))
    assert not page_of(exchange_item("x1-1", "list", reply)).all("a")


def test_a_web_address_becomes_a_link_that_tells_nobody():
    page = page_of(exchange_item("x1-1", "list", Reply((Span("here", url='https://a.example/?q="><b>'),))))
    (link,) = page.all("a")
    assert link["href"] == 'https://a.example/?q="><b>'
    assert {"noreferrer", "noopener"} <= set(link["rel"].split())


def test_marks_become_elements_and_line_breaks_paragraphs():
    spans = (Span("a\n\nb "), Span("c", Mark.BOLD), Span("d", Mark.ITALIC), Span("e", Mark.CODE), Span("f", Mark.QUOTE))
    assert [[span.text for span in line] for line in lines(spans)] == [["a"], ["b ", "c", "d", "e", "f"]]
    html = exchange_item("x1-1", "list", Reply(spans))
    assert "b <strong>c</strong><em>d</em><code>e</code><q>f</q>" in html
    assert "refused" not in html
    assert "refused" in exchange_item("x1-1", "list", Reply(spans, ok=False))


def test_a_repeat_is_marked_and_silent_and_an_alert_keeps_its_receipt():
    alert = an_alert(a_story(5, a_document(5)), CHAT)
    first = room().render(alert, repeat=False, plain=False)
    again = room().render(alert, repeat=True, plain=True)
    assert "may repeat" in str(again.native["html"])
    assert "may repeat" not in str(first.native["html"])
    assert (first.silent, again.silent) == (False, True)
    assert first.native["id"] == again.native["id"] == "a5"
