"""RSS 0.9x to 2.0, Atom, RDF: what is taken from them, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.intake import Entry
from bot.errors import ParseError
from bot.sources import load
from tests.builders import a_response

FEED = load("feed")
HERE = "https://news.example/feeds/all.xml"


def entries(body: str | bytes, encoding: str = "utf-8", **headers: str) -> tuple[Entry, ...]:
    raw = body.encode(encoding) if isinstance(body, str) else body
    return FEED.parse(
        a_response(raw, url=HERE, headers={name.replace("_", "-"): v for name, v in headers.items()})
    ).entries


def entry(item: str, root: str = "<rss version='2.0'>") -> Entry:
    [only] = entries(f"{root}<channel><item>{item}</item></channel></rss>")
    return only


def atom_entry(inner: str) -> Entry:
    [only] = entries(f"<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='en'><entry>{inner}</entry></feed>")
    return only


RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://news.example/"><title>All</title></channel>
<item rdf:about="https://news.example/1"><title>One</title><link>https://news.example/1?x=1</link>
<dc:date>2023-10-05T12:00:00Z</dc:date><dc:creator>A. Writer</dc:creator><dc:subject>Asylum</dc:subject></item>
</rdf:RDF>"""


ROOTS = (
    "<rss version='0.91'>",
    "<rss version='0.92'>",
    "<rss version='2.0'>",
    "<rss>",
    "<RSS version='2.0'>",
    "\n \n<rss version='2.0'>",
    "\ufeff<rss version='2.0'>",
    "\ufeff \n<?xml version='1.0'?><rss version='2.0'>",
    "\n<?xml version='1.0' encoding='UTF-8'?>\n<!-- made by hand -->\n<rss version='2.0'>",
)


@pytest.mark.parametrize("root", ROOTS)
def test_every_rss_is_read_with_or_without_a_blank_before_it(root: str) -> None:
    read = entries(f"{root}<channel><item><title>One</title></item></channel></{'RSS' if 'RSS' in root else 'rss'}>")
    assert [entry.title for entry in read] == ["One"]


def test_rdf_items_have_their_address_for_an_id() -> None:
    [item] = entries(RDF)
    assert item == Entry(
        guid="https://news.example/1",
        url="https://news.example/1?x=1",
        title="One",
        updated="2023-10-05T12:00:00Z",
        authors=("A. Writer",),
        tags=("Asylum",),
    )


@pytest.mark.parametrize(
    "date",
    ["Thu, 30 Jul 26 15:19:32 -0400", "2026-02-17T17:36:36-0500", "5 de octubre de 2023", "yesterday", "2020-09-30"],
)
def test_dates_stay_as_the_source_wrote_them(date: str) -> None:
    assert entry(f"<pubDate> {date}\n</pubDate>").published == date


def test_a_missing_date_stays_missing() -> None:
    item = entry("<title>One</title>")
    assert (item.published, item.updated) == ("", "")
    assert atom_entry("<updated>2023-10-05</updated>").published == ""


@pytest.mark.parametrize(
    ("item", "guid", "url"),
    [
        ("<guid>12345</guid><link>https://a.example/1</link>", "12345", "https://a.example/1"),
        ("<link>https://a.example/1</link><guid>12345</guid>", "12345", "https://a.example/1"),
        ("<guid>12345</guid>", "12345", ""),
        ("<guid>https://a.example/1</guid>", "https://a.example/1", "https://a.example/1"),
        ("<guid isPermaLink='false'>https://a.example/1</guid>", "https://a.example/1", ""),
        ("<guid isPermaLink='false'></guid><link>/x</link>", "", "https://news.example/x"),
        ("<link>../x?a=1&amp;b=2</link>", "", "https://news.example/x?a=1&b=2"),
        ("<link>  https://a.example/1\n</link>", "", "https://a.example/1"),
        ("<link>http://[</link>", "", ""),
        ("<title>One</title>", "", ""),
    ],
)
def test_ids_are_kept_and_links_made_absolute(item: str, guid: str, url: str) -> None:
    read = entry(item)
    assert (read.guid, read.url) == (guid, url)


def test_atom_links_are_the_alternate_ones_and_follow_xml_base() -> None:
    links = "<link rel='self' href='/self'/><link rel='enclosure' href='/a.pdf'/><link rel='alternate' href='1'/>"
    assert atom_entry(f"<id>tag:x,2023:1</id>{links}").url == "https://news.example/feeds/1"
    assert atom_entry("<id>tag:x,2023:1</id><link rel='alternate' type='application/pdf' href='/1'/>").url.endswith(
        "/1"
    )
    [based] = entries(
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='https://cdn.example/'>"
        "<entry><title>x</title><link href='2'/></entry></feed>"
    )
    assert based.url == "https://cdn.example/2"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Biden&amp;#8217;s rule", "Biden’s rule"),
        ("AT&amp;amp;T", "AT&T"),
        ("Texas &amp; Florida", "Texas & Florida"),
        ("&lt;b&gt;Breaking&lt;/b&gt;: parole ends", "Breaking: parole ends"),
        ("<![CDATA[“Dual-use” &amp; more]]>", "“Dual-use” & more"),
        ("  Two\n lines ", "Two lines"),
        ("Fee &lt; $100", "Fee < $100"),
    ],
)
def test_rss_titles_are_html_more_often_than_not(written: str, read: str) -> None:
    assert entry(f"<title>{written}</title>").title == read


@pytest.mark.parametrize(
    ("kind", "written", "read"),
    [
        ("text", "How to write &lt;b&gt; &amp;amp;", "How to write <b> &amp;"),
        ("html", "Rule on &lt;i&gt;parole&lt;/i&gt; &amp;amp; more", "Rule on parole & more"),
        (
            "xhtml",
            "<div xmlns='http://www.w3.org/1999/xhtml'>Rule on <i>parole</i> &amp; more</div>",
            "Rule on parole & more",
        ),
    ],
)
def test_atom_says_which_titles_are_html(kind: str, written: str, read: str) -> None:
    assert atom_entry(f"<title type='{kind}'>{written}</title>").title == read


def test_summary_and_full_text_are_plain_with_paragraphs() -> None:
    item = entry(
        "<description>&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;</description>"
        "<content:encoded xmlns:content='http://purl.org/rss/1.0/modules/content/'>"
        "<![CDATA[<h2>Head</h2><p>One <a href='x'>long</a> text.</p><style>p {}</style>]]></content:encoded>"
    )
    assert item.summary == "One.\n\nTwo."
    assert item.content == "Head\n\nOne long text."


def test_full_text_that_is_the_summary_again_is_not_kept_twice() -> None:
    encoded = "<content:encoded xmlns:content='http://purl.org/rss/1.0/modules/content/'>Same</content:encoded>"
    item = entry(encoded)
    assert (item.summary, item.content) == ("Same", "")


def test_the_caption_of_a_picture_is_not_the_text() -> None:
    item = entry(
        "<description>The Secretary spoke.</description><media:content xmlns:media='http://search.yahoo.com/mrss/'>"
        "<media:description>A very long caption of a picture that shows a building in Washington</media:description>"
        "</media:content>"
    )
    assert (item.summary, item.content) == ("The Secretary spoke.", "")


def test_authors_tags_and_outlet_are_taken() -> None:
    item = entry(
        "<author>press@dhs.example (Press Office)</author><category>TPS</category><category>Venezuela</category>"
        "<source url='https://www.post.example'>The Post &amp; Courier</source>"
    )
    assert item.authors == ("Press Office",)
    assert item.tags == ("TPS", "Venezuela")
    assert item.facts == {"outlet": "The Post & Courier"}


@pytest.mark.parametrize(
    ("encoding", "declared", "content_type"),
    [
        ("utf-8", "", "application/rss+xml"),
        ("utf-8", "", "text/xml"),
        ("utf-8", "", "text/xml; charset=ISO-8859-1"),  # a server's default that is not true
        ("utf-8", "iso-8859-1", "application/rss+xml"),  # a program's default that is not true
        ("utf-8", "", ""),
        ("utf-16", "utf-16", "application/xml"),
        ("iso-8859-1", "iso-8859-1", "text/xml"),
        ("iso-8859-1", "", "text/xml; charset=ISO-8859-1"),
        ("windows-1252", "", "application/rss+xml"),
        ("windows-1252", "utf-8", "application/rss+xml; charset=utf-8"),
    ],
)
def test_letters_arrive_whatever_the_encoding_is_said_to_be(encoding: str, declared: str, content_type: str) -> None:
    declaration = f"<?xml version='1.0' encoding='{declared}'?>" if declared else ""
    body = f"{declaration}<rss version='2.0'><channel><item><title>Año señalado</title></item></channel></rss>"
    headers = {"content_type": content_type} if content_type else {}
    assert [item.title for item in entries(body, encoding, **headers)] == ["Año señalado"]


def test_letters_beyond_latin_arrive_too() -> None:
    for charset in ("iso-8859-1", "windows-1252", "us-ascii"):
        body = f"<?xml version='1.0' encoding='{charset}'?><rss><channel><item><title>It’s — año</title></item>"
        [item] = entries(body + "</channel></rss>", content_type=f"text/xml; charset={charset}")
        assert item.title == "It’s — año"


def test_an_answer_that_names_a_file_opens_none(tmp_path: Path) -> None:
    file = tmp_path / "feed.xml"
    file.write_text("<rss version='2.0'><channel><item><title>Secret</title></item></channel></rss>")
    with pytest.raises(ParseError, match="neither RSS nor Atom"):
        entries(str(file))


def test_bad_markup_in_a_whole_feed_is_forgiven() -> None:
    read = entries(
        "<rss version='2.0'><channel><item><title>Rock & roll &nbsp; <b>bold</title></item>"
        "<item><title>Two</title></item></channel></rss>\n<!-- cached -->"
    )
    assert [item.title for item in read][1] == "Two"


def test_a_feed_that_is_not_closed_is_not_used_even_if_its_first_items_are_whole() -> None:
    items = "".join(f"<item><title>{number}</title></item>" for number in range(5))
    for cut in (f"<rss version='2.0'><channel>{items}", f"<rss version='2.0'><channel>{items}</channel></rs"):
        with pytest.raises(ParseError, match="cut off") as caught:
            entries(cut)
        assert caught.value.kind == "broken"


def test_the_end_of_a_feed_that_stands_in_its_middle_is_no_end() -> None:
    with pytest.raises(ParseError, match="cut off"):
        entries("<rss version='2.0'><channel><item><title>a & b</title></item></rss><item><title>One</ti")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "the answer is empty"),
        (" \n", "the answer is empty"),
        ("<!DOCTYPE html><html></html>", "the answer is a web page, not a feed"),
        ("\n<HTML lang='en'><title>Just a moment...</title></HTML>", "the answer is a web page, not a feed"),
        ('{"items": []}', "the answer is JSON, not a feed"),
        ("Service unavailable", "the answer is neither RSS nor Atom"),
        ("<sitemap/>", "the answer is neither RSS nor Atom"),
    ],
)
def test_what_is_no_feed_is_named(body: str, why: str) -> None:
    with pytest.raises(ParseError) as caught:
        entries(body)
    assert (str(caught.value), caught.value.kind) == (why, "not_a_feed")


def test_entities_that_spare_typing_are_fine_and_those_that_multiply_are_not() -> None:
    feed = "<!DOCTYPE rss [{}]>\n<rss version='2.0'><channel><item><title>&a;</title></item></channel></rss>"
    assert len(entries(feed.format("<!ENTITY a 'x'>"))) == 1
    assert len(entries(feed.format("<!ENTITY a '&#160;'>"))) == 1
    for bomb in (
        "<!ENTITY b 'x'><!ENTITY a '&b;&b;'>",
        f"<!ENTITY a '{'x' * 1001}'>",
        "<!ENTITY % p 'x'><!ENTITY a '%p;'>",
    ):
        with pytest.raises(ParseError) as caught:
            entries(feed.format(bomb))
        assert caught.value.kind == "parse_limit"


def test_elements_with_unlucky_names_do_no_harm() -> None:
    item = entry(
        "<title>One</title><title_detail a='b'/><authors a='b'/><tags a='b'/><links a='b'/><source a='b'/><id a='b'/>"
        "<summary a='b'/><published a='b'/><content a='b'/>"
    )
    assert item.title == "One"
