"""A feed of which some entries are left out is read to the letter as the whole of it."""

from __future__ import annotations

import random
from itertools import product

import pytest

from bot.core.intake import Hints, Parsed
from bot.errors import ParseError
from bot.sources import load
from tests.builders import a_response
from tests.shared_data import shared

FEED = load("feed")
ATOM = "xmlns='http://www.w3.org/2005/Atom'"


def read(body: bytes, known: frozenset[str] = frozenset(), **changes: object) -> Parsed:
    return FEED.parse(a_response(body, **changes), Hints(known=known))


def agrees(body: bytes, tries: int = 12, **changes: object) -> int:
    """Read a feed with several choices of entries left out; return how many entries were told apart."""
    whole = read(body, **changes)
    for seed in range(tries if whole.spans else 0):
        dice = random.Random(seed)
        known = frozenset(dice.sample(whole.spans, dice.randint(1, len(whole.spans))))
        rest = read(body, known, **changes)
        expected = [one for one, name in zip(whole.entries, whole.spans, strict=True) if name not in known]
        assert (list(rest.entries), rest.spans) == (expected, whole.spans)
    return len(whole.spans)


def test_real_feeds_are_read_alike_in_parts() -> None:
    paths = [*shared("samples/raw-feeds").iterdir(), *shared("samples/api-shapes").glob("*.xml")]
    assert all(agrees(path.read_bytes(), 5) for path in paths)
    assert len(paths) >= 12


HEADS = {
    "RSS": b"<rss version='2.0'><channel><title>T</title><link>https://t.example/</link>%s</channel></rss>",
    "RSS with a base": b"<rss version='2.0'><channel xml:base='https://t.example/a/'>%s</channel></rss>",
    "RSS with namespaces": b"<rss version='2.0' xmlns:c='http://purl.org/rss/1.0/modules/content/' "
    b"xmlns:dc='http://purl.org/dc/elements/1.1/'><channel>%s<image><url>x</url><title>y</title></image>"
    b"</channel></rss>",
    "RDF": b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>"
    b"<channel rdf:about='https://t.example/'><items><rdf:Seq><rdf:li resource='x'/></rdf:Seq></items></channel>%s"
    b"</rdf:RDF>",
    "Atom": f"<feed {ATOM}><title>T</title><author><name>F</name></author>%s</feed>".encode(),
    "Atom with a base": f"<feed {ATOM} xml:base='/deep/' xml:lang='es'>%s<title>T</title></feed>".encode(),
    "Atom with a prefix": b"<a:feed xmlns:a='http://www.w3.org/2005/Atom'>%s</a:feed>",
}
FIELDS = (
    b"<title>&lt;b&gt;One&lt;/b&gt; &amp;amp; two</title><link>/1</link>",
    b"<title type='html'><![CDATA[<i>Two</i>]]></title><link href='2.html'/><id>tag:2</id>",
    b"<guid>3</guid><pubDate>Thu, 05 Oct 2023 08:00:00 GMT</pubDate>",
    b"<guid isPermaLink='false'>4</guid><author>a@b.example (Ann)</author><category>x</category>",
    b"<description>&lt;p&gt;A&lt;/p&gt;</description><source url='https://o.example/'>Outlet</source>",
    b"<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>X <svg/>y</p></div></content>",
    b"<summary type='text'>&lt;not a tag&gt;</summary><updated>2023-10-05T12:00:00Z</updated>",
    b"<image><title>picture</title></image><textInput><title>t</title></textInput><title>After</title>",
    b"<title/><description/><unknown a='b'/><unknown>c</unknown>",
    b"<title>\xc3\xa9t\xc3\xa9</title>",
)


@pytest.mark.parametrize("name", HEADS)
def test_made_up_feeds_are_read_alike_in_parts(name: str) -> None:
    dice = random.Random(name)
    pieces = [one + two for one, two in product(FIELDS, FIELDS)]
    told_apart = 0
    for _ in range(8):
        chosen = [b"<%s>%s</%s>" % (tag, dice.choice(pieces), tag) for tag in [b"item", b"entry"] * 4]
        told_apart += agrees(HEADS[name] % b"\n<x>between</x>\n".join(chosen), 4)
    assert told_apart or name == "Atom with a prefix"


def test_an_encoding_is_that_of_the_whole_whatever_is_left_out() -> None:
    body = HEADS["RSS"] % b"<item><title>plain</title></item><item><title>\xc3\xa9</title></item>"
    for said in ("", "text/xml", "application/rss+xml; charset=iso-8859-1"):
        assert agrees(body, 8, headers={"content-type": said}) == 2


GOOD = b"<item><title>One</title></item>"
WHOLE = {
    "markup that is not sound": HEADS["RSS"] % (GOOD + b"<item><title>a & b</title></item>"),
    "an entry in a namespace of its own": HEADS["RSS with namespaces"] % (GOOD + b"<c:item><title>x</title></c:item>"),
    "another encoding": HEADS["RSS"] % (GOOD + b"<item><title>\xe9</title></item>"),
    "an entry in an entry": HEADS["RSS"] % b"<item><title>a</title><item><title>b</title></item></item>",
    "a base that reaches beyond its entry": HEADS["RSS"] % (b"<item xml:base='https://b.example/'/>" + GOOD),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_cannot_be_taken_apart_is_read_whole_each_time(name: str) -> None:
    whole = read(WHOLE[name])
    assert whole.spans == ()
    known = frozenset(read(HEADS["RSS"] % GOOD).spans)
    assert read(WHOLE[name], known) == whole


def test_a_list_that_went_bad_is_read_whole_or_not_at_all() -> None:
    known = frozenset(read(HEADS["RSS"] % GOOD).spans)
    bad = HEADS["RSS"] % (GOOD + b"<item><title>a & b</title></item>")
    assert [entry.title for entry in read(bad, known).entries] == ["One", "a & b"]
    for cut in (bad[:-20], (HEADS["RSS"] % GOOD)[:-20]):
        with pytest.raises(ParseError, match="cut off"):
            read(cut, known)


def test_a_list_without_news_is_read_too() -> None:
    body = HEADS["RSS"] % (GOOD * 3)
    spans = read(body).spans
    assert len(set(spans)) == 1
    assert read(body, frozenset(spans)) == Parsed((), spans=spans)
