"""What every kind of source keeps to. A new kind is asked the moment its module exists, and fails without samples."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bot.core.intake import NO_HINTS, Entry, Hints, Parsed
from bot.errors import KINDS, ParseError
from bot.reading.job import read
from bot.reading.wire import decode_end, decode_entry
from bot.sources import known_kinds, load
from tests.builders import a_response

RSS = b"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Newsroom</title>
<item><title>Secretary extends protection for Syria &amp;amp; Yemen</title><link>https://news.example/1</link>
<guid isPermaLink="false">id-1</guid><pubDate>Thu, 05 Oct 23 08:00:00 -0400</pubDate><category>TPS</category>
<description>&lt;p&gt;The &lt;b&gt;Secretary&lt;/b&gt; said so.&lt;/p&gt;&lt;p&gt;Today.&lt;/p&gt;</description>
<content:encoded><![CDATA[<p>The Secretary of Homeland Security said.</p><script>x()</script>]]></content:encoded>
</item></channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Register</title><entry><id>tag:register.example,2023:7</id>
<title type="html">Rule on &lt;i&gt;parole&lt;/i&gt;</title><link href="/rules/7"/>
<updated>2023-10-05T12:00:00Z</updated>
<author><name>A. Writer</name></author><summary>Short &lt;not a tag&gt;</summary></entry></feed>"""
JSON_FEED = b"""{"version": "https://jsonfeed.org/version/1.1", "title": "Newsroom", "items": [{"id": "id-1",
"url": "https://news.example/1", "title": "Secretary extends protection", "date_published": "2023-10-05T08:00:00-04:00",
"content_html": "<p>The <b>Secretary</b> said so.</p>", "authors": [{"name": "A. Writer"}], "tags": ["TPS"]}]}"""
REGISTER = b"""{"count": 1, "total_pages": 1, "results": [{"document_number": "2023-22222", "type": "Notice",
"title": "Extension of the Designation", "abstract": "The Secretary extends.", "action": "Notice of extension.",
"html_url": "https://www.federalregister.gov/documents/2023/10/05/2023-22222/x", "publication_date": "2023-10-05",
"dates": "Effective October 5.", "page_views": {"count": 3}, "agencies": [{"name": "Homeland Security"}]}]}"""

FILINGS = b"""{"count": 1, "results": [{"document_number": "2023-22222", "type": "Notice", "filing_type": "regular",
"title": "Extension of the Designation", "filed_at": "2023-10-04T08:45:00.000-04:00", "publication_date": "2023-10-05",
"html_url": "https://www.federalregister.gov/public-inspection/2023-22222/x", "page_views": {"count": 3},
"agencies": [{"name": "Homeland Security"}], "toc_subject": "Designations"}], "special_filings_updated_at": null}"""

COURT = b"""<?xml version="1.0" encoding="ISO-8859-1"?>
<rss version="2.0"><channel><title>District of Columbia - Recent Entries</title>
<item><title>1:23-cv-03333 SMITH v. JONES</title><link>https://ecf.dcd.uscourts.gov/cgi-bin/DktRpt.pl?1</link>
<description>[Complaint]</description><guid>1</guid><pubDate>Thu, 05 Oct 2023 11:00:00 GMT</pubDate></item>
<item><title>1:23-cv-02222 CARE &#x26; SHELTER v. SECRETARY</title>
<link>https://ecf.dcd.uscourts.gov/cgi-bin/DktRpt.pl?2</link>
<description>[Order on Motion to Stay] (&#x3C;a href=&#x22;https://ecf.dcd.uscourts.gov/doc1/9&#x22;&#x3E;45&#x3C;/a&#x3E;)</description>
<guid isPermaLink="true">https://ecf.dcd.uscourts.gov/cgi-bin/DktRpt.pl?2</guid>
<pubDate>Thu, 05 Oct 2023 11:00:00 GMT</pubDate></item>
</channel></rss>"""

OPINIONS = b"""{"count": 1, "next": null, "results": [{"cluster_id": 7, "absolute_url": "/opinion/7/care-v-secretary/",
"caseName": "Care v. Secretary", "court": "Court of Appeals for the D.C. Circuit", "docketNumber": "23-5222",
"dateFiled": "2023-10-05", "opinions": [{"snippet": "The stay is granted."}]}]}"""
DOCKETS = b"""{"data": [{"type": "documents", "id": "USCIS-2023-0010-0001", "attributes": {"agencyId": "USCIS",
"documentType": "Notice", "frDocNum": "2023-22222", "title": "Extension of the Designation", "withdrawn": false,
"postedDate": "2023-10-05T04:00:00Z", "commentEndDate": null, "docketId": "USCIS-2023-0010"}}], "meta": {}}"""
BILLS = b"""{"bills": [{"congress": 118, "type": "HR", "number": "2", "title": "Secure the Border Act of 2023",
"latestAction": {"actionDate": "2023-10-05", "text": "Passed House."}, "updateDate": "2023-10-06"}],
"pagination": {"count": 1}}"""

NEWS_ROOM = b"""<!DOCTYPE html>
<html lang="en"><head><title>News</title></head><body><nav><a href="/about">About</a></nav><ul>
<li><time datetime="2023-10-05">Oct. 5</time> <h3><a href="/news/extends">Secretary extends protection</a></h3></li>
<li><h3><a href="/news/2023/10/04/parole">Rule on <i>parole</i></a></h3></li></ul></body></html>"""
PAPER = b"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">
<url><loc>https://paper.example/article/1</loc><n:news><n:publication><n:name>Paper</n:name><n:language>en</n:language>
</n:publication><n:publication_date>2023-10-05T08:00:00-04:00</n:publication_date>
<n:title>Secretary extends protection for Syria &amp; Yemen</n:title></n:news></url></urlset>"""
WATCHED = b"""<!DOCTYPE html>
<html lang="en"><head><title>Protected status</title></head><body><main><h1>Protected status</h1>
<p>What it is &amp; whom it covers.</p><h2 id="now">Countries now</h2><table><tr><th>Country</th><th>Until</th></tr>
<tr><td>Venezuela</td><td>August 7, 2025</td></tr></table><p>Last Reviewed/Updated: October 5, 2023</p></main></body>
</html>"""
HINTS: dict[str, Hints] = {"docket": Hints(only={"1:23-cv-2222": "Care & Shelter v. Secretary"})}
SAMPLES: dict[str, tuple[bytes, ...]] = {
    "docket": (COURT,),
    "courtlistener": (OPINIONS,),
    "regulations": (DOCKETS,),
    "congress": (BILLS,),
    "feed": (RSS, ATOM, JSON_FEED),
    "federal_register": (REGISTER,),
    "listing": (NEWS_ROOM,),
    "sitemap": (PAPER,),
    "page": (WATCHED,),
    "public_inspection": (FILINGS,),
}
NOTHING_NEW: dict[str, tuple[bytes, ...]] = {
    "listing": (),  # a news room without any news was rebuilt
    "page": (),  # what is watched says something
    "sitemap": (),  # and a paper prints something in two days
    "feed": (
        b"<rss version='2.0'><channel/></rss>",
        b"<feed xmlns='http://www.w3.org/2005/Atom'/>",
        b'{"version": "https://jsonfeed.org/version/1", "items": []}',
    ),
    "federal_register": (b'{"count": 0}', b'{"count": 0, "results": []}', b'{"count": 0, "total_pages": 0}'),
    "public_inspection": (b'{"count": 0}', b'{"count": 0, "results": []}'),
    "docket": (COURT.replace(b"02222", b"04444"),),  # in a court there is always something in some case
    "courtlistener": (b'{"count": 0, "results": []}',),
    "regulations": (b'{"data": []}',),
    "congress": (b'{"bills": []}', b'{"CRSReports": [], "pagination": {"count": 0}}'),
}
RUBBISH = (
    b"",
    b" \n",
    b"\x00" * 1000,
    b"Not found",
    b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>",
    b"<?xml version='1.0'?>\n<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' ''><html><body/></html>",
    b"<HTML><BODY>Request Access</BODY></HTML>",
    b"{}",
    b"[]",
    b'{"error": "no"}',
    b'"count"',
    b'{"count": "many"}',
    b'{"count": 5}',
    b"<xml/>",
    b"<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'/>",
    b"[" * 50_000,
    b'{"count":' * 50_000,
    bytes(range(256)) * 20,
)


def outcome(kind: str, body: bytes) -> Parsed | ParseError:
    """Read as the child process does: whatever happens is a value."""
    *entries, last, rest = read(kind, a_response(body), HINTS.get(kind, NO_HINTS)).split(b"\n")
    assert rest == b""
    end = decode_end(last)
    return end if isinstance(end, ParseError) else Parsed(tuple(map(decode_entry, entries)), end)


def test_every_kind_has_samples_here() -> None:
    assert set(SAMPLES) == set(NOTHING_NEW) == set(known_kinds())


def test_an_unknown_kind_names_the_known_ones() -> None:
    for kind in ("fede", "", "feed.x", "../feed", "os"):
        with pytest.raises(ValueError, match=r"the known ones are \w+, .*federal_register, feed"):
            load(kind)


@pytest.mark.parametrize("kind", known_kinds())
def test_its_samples_have_all_that_an_item_needs(kind: str) -> None:
    for sample in SAMPLES[kind]:
        parsed = outcome(kind, sample)
        assert isinstance(parsed, Parsed)
        for entry in parsed.entries:
            assert entry.title
            assert entry.url.startswith("https://")
            assert entry.guid
            assert entry.published or entry.updated
            assert "<" not in entry.title + entry.content
        assert parsed.entries


@pytest.mark.parametrize("kind", known_kinds())
def test_reading_twice_says_the_same(kind: str) -> None:
    for sample in SAMPLES[kind]:
        later = a_response(sample, fetched_at=datetime(2030, 1, 1, tzinfo=UTC))
        assert load(kind).parse(a_response(sample)) == load(kind).parse(later)


@pytest.mark.parametrize("kind", known_kinds())
def test_an_empty_list_is_fine(kind: str) -> None:
    for body in NOTHING_NEW[kind]:
        assert outcome(kind, body) == Parsed(())


@pytest.mark.parametrize("kind", known_kinds())
@pytest.mark.parametrize("body", RUBBISH, ids=lambda body: repr(body[:30]))
def test_rubbish_is_an_error_and_never_an_empty_day(kind: str, body: bytes) -> None:
    error = outcome(kind, body)
    assert isinstance(error, ParseError)
    assert error.kind in KINDS
    assert str(error)
    assert "Traceback" not in str(error)


@pytest.mark.parametrize("kind", known_kinds())
def test_a_body_cut_anywhere_is_not_used(kind: str) -> None:
    for sample in SAMPLES[kind]:
        for end in range(0, len(sample) - 1, 7):
            assert isinstance(outcome(kind, sample[:end]), ParseError), sample[:end]


@pytest.mark.parametrize("kind", known_kinds())
def test_mutants_end_as_a_value(kind: str) -> None:
    kinds = [type(outcome(kind, mutant)) for sample in SAMPLES[kind] for mutant in mutants(sample, 200)]
    assert {Parsed, ParseError} == set(kinds)


PIECES = (
    b"&#x110000;",
    b"&#xD800;",
    b"&#999999999999;",
    b"&bogus;",
    b"\x00",
    b"\xff\xfe",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"<item>",
    b"</item>",
    b"<title xmlns='x'>",
    b"<entry xml:base='http://['>",
    b"<link href='http://[::1'/>",
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
    b" encoding='\x00'",
    b"<category term='a'/>",
    b"<authors a='b'/>",
    b"<links a='b'/>",
    b"<source url='x'>",
    b"<content type='xhtml'>",
    b"<media:description xmlns:media='http://search.yahoo.com/mrss/'>",
    b"\\ud800",
    b"null",
    b'"results": {},',
    b'"page": [[[',
    b"1e999",
)


def mutants(sample: bytes, count: int) -> Iterator[bytes]:
    """Cut, repeat, overwrite and spike a sample, the same way in every run."""
    for number in range(count):
        dice = hashlib.shake_128(sample + str(number).encode()).digest(64)
        at, to = (int.from_bytes(dice[i : i + 4], "big") % len(sample) for i in (0, 4))
        at, to = min(at, to), max(at, to)
        piece = PIECES[dice[8] % len(PIECES)]
        yield (
            sample[:at] + piece + sample[at:],
            sample[:at] + piece + sample[min(to, at + 40) :],
            sample[:at] + sample[min(to, at + 40) :],
            sample[:to] + sample[at:to] + sample[to:],
            sample[:at] + dice[16:48] + sample[at + 32 :],
            sample[:at] + bytes([sample[at] ^ 1 << dice[9] % 8]) + sample[at + 1 :],
        )[number % 6]


def test_entries_are_bounded_and_can_be_stored() -> None:
    long = b"<rss version='2.0'><channel><item><title>%b</title><guid>%b</guid></item></channel></rss>"
    parsed = outcome("feed", long % (b"x" * 1_000_000, b"y" * 1_000_000))
    assert isinstance(parsed, Parsed)
    [entry] = parsed.entries
    assert len(entry.title) <= 4_000
    assert len(entry.guid) <= 2_000
    register = REGISTER.replace(b"2023-22222", rb"2023-2\ud8002\u0000222").replace(b"The Secretary", rb"\ud800\u0000")
    parsed = outcome("federal_register", register)
    assert isinstance(parsed, Parsed)
    for text in texts(parsed.entries[0]):
        assert text.encode()
        assert "\0" not in text


def texts(entry: Entry) -> tuple[str, ...]:
    return (entry.guid, entry.url, entry.title, entry.summary, entry.content, *entry.tags, *entry.facts.values())


def test_more_entries_than_any_source_has_are_refused() -> None:
    items = b"<item><title>a</title></item>" * 5_001
    error = outcome("feed", b"<rss version='2.0'><channel>" + items + b"</channel></rss>")
    assert isinstance(error, ParseError)
    assert (error.kind, str(error)) == ("parse_limit", "there are more than 5,000 entries")
