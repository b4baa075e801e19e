"""What a URL shows by itself, before any name is looked up."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.gate import Gate

FINE = (
    "https://www.uscis.gov/news/rss-feed/22984",
    "http://www.uscis.gov:8080/feed.xml?a=1&b=%20#top",
    "https://españa.example/rss",
    "https://NEWS.example:8443/a b",
    "https://news.example./feed",
    "http://8.8.8.8/feed",
    "http://[2606:4700::1111]/feed",
)
REFUSED = (
    "",
    "feed.xml",
    "//news.example/feed",
    "file:///etc/passwd",
    "gopher://news.example/",
    "ftp://news.example/",
    "javascript:alert(1)",
    "http:///feed",
    "http://news.example:22/",
    "http://news.example:0/",
    "http://news.example:99999/",
    "http://user@news.example/",
    "http://user:secret@news.example/",
    "http://@news.example/",
    "http://news.example\\@127.0.0.1/",
    "http://news.example\\.evil.example/",
    "http://news.exa\tmple/",
    "http://news.example/\r\nHost: evil.example",
    "http://news.example/\x00",
    "http://news.example/\ud800",
    "http://ne ws.example/",
    "http://news%2eexample/",
    "http://news.example%00.evil.example/",
    "http://①②⑦.⓪.⓪.①/",
    "http://[::1",
    "http://[::1]x/",
    "http://xn--a/",
    "http://127.0.0.1/",
    "http://[::ffff:127.0.0.1]/",
    "http://[fe80::1%25eth0]/",
    f"http://{'a' * 254}/",
)


@pytest.mark.parametrize("url", FINE)
def test_an_ordinary_address_is_fine(url: str) -> None:
    assert Gate().check_url(url) is None


@pytest.mark.parametrize("url", REFUSED)
def test_an_odd_address_is_refused_in_a_sentence(url: str) -> None:
    sentence = Gate().check_url(url)
    assert sentence is not None
    assert sentence == sentence.strip(". ")
    assert "secret" not in sentence


def test_private_addresses_and_ports_can_be_allowed_but_nothing_else() -> None:
    gate = Gate(allow_private=True)
    assert gate.check_url("http://127.0.0.1:9105/feed") is None
    assert gate.check_url("file:///etc/passwd") is not None
    assert gate.check_url("http://user@127.0.0.1:9105/feed") is not None


def test_an_admitted_pair_lifts_the_port_rule_for_itself_alone() -> None:
    gate = Gate(admit=frozenset({("127.0.0.1", 8123)}))
    assert gate.check_url("http://127.0.0.1:8123/before/dhs.xml") is None
    assert gate.check_url("http://127.0.0.1:8124/before/dhs.xml") is not None
    assert gate.check_url("http://127.0.0.1/") is not None


@given(st.text(alphabet=":/?#[]@!.%\\-_~abcd019\t\n é①。ⅷ"))
def test_what_passes_names_one_host_to_every_reader(rest: str) -> None:
    url = f"http://{rest}"
    if Gate(allow_private=True).check_url(url) is None:
        parsed = URL(url)
        assert (urlsplit(url).hostname or "").lower() in {parsed.host, parsed.raw_host}
        assert URL(str(parsed)) == parsed
