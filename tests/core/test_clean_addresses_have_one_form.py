"""Two forms of an address: one to open, one that all its copies agree on."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.links import MAX_URL, canonical_url, host_of, tidy_url

ONE_PAGE = [
    "https://www.example.com/news/a?id=7&lang=en",
    "http://www.example.com/news/a?id=7&lang=en",
    "HTTPS://WWW.EXAMPLE.COM:443/news/a?id=7&lang=en",
    "http://example.com:80/news/a/?lang=en&id=7",
    "https://example.com./news/a?id=7&lang=en",
    "https://example.com/news/%61?id=7&amp;lang=en",
    "https://example.com/news/a?id=7&#038;lang=en&",
    "https://example.com/news/a?id=7&lang=en#comments",
    "https://example.com/news/a?id=7&lang=en#:~:text=some%20words",
    "https://example.com/news/a?utm_source=x&id=7&fbclid=IwAR0&lang=en&gclid=1&at_medium=RSS&at_campaign=K",
    "https://example.com/news/a?traffic_source=rss&id=7&lang=en&ref=rss&mod=rss_Technology&WT.mc_id=3",
    "https://amp.example.com/news/a?id=7&lang=en",
    "https://www.example.com/news/a/amp/?id=7&lang=en",
    "https://www.example.com/amp/news/a?id=7&lang=en",
    "https://example.com/news/a.amp?id=7&lang=en",
    "https://example.com/news/a?id=7&lang=en&outputType=amp",
    "https://www.google.com/amp/s/www.example.com/news/a?id=7&lang=en",
    "https://example-com.cdn.ampproject.org/c/s/example.com/news/a?id=7&lang=en",
    "  https://www.example.com/news/a?id=7&lang=en\n",
]

OTHER_PAGES = [
    "https://example.com/news/b?id=7&lang=en",
    "https://example.com/news/A?id=7&lang=en",
    "https://example.com/news/a?id=8&lang=en",
    "https://news.example.com/news/a?id=7&lang=en",
    "https://example.com:8443/news/a?id=7&lang=en",
    "https://example.com/news/a?id=7&lang=en#/chapter/2",
    "https://example.com/news/a?id=7&lang=en&attachment_id=3",
    "https://example.com/news/a?id=7&lang=en&ref=4711",
    "https://example.com/news/a%2Fb?id=7&lang=en",
]

UNUSABLE = [
    "",
    "news/a",
    "//example.com/a",
    "javascript:alert(1)",
    "mailto:a@example.com",
    "tg://resolve?domain=x",
    "ftp://example.com/a",
    "https://",
    "https:///a",
    "https://uscis.gov@evil.example/",
    "https://user:secret@example.com/",
    "https://exa mple.com/",
    "https://example.com:99999/",
    "https://example.com:port/",
    "https://[::1]/",
    "https://[broken/",
    "https://-.example/",
    "https://example..com/",
    "https://" + "a" * 64 + ".example/",
    "https://" + ".".join(["a" * 50] * 6) + "/",
    "https://\ud800.example/",
    "https://example.com/\ud800",
    "https://example.com/" + "a" * MAX_URL,
]


def test_all_ways_to_write_one_address_have_one_canonical_form():
    assert {canonical_url(url) for url in ONE_PAGE} == {"https://example.com/news/a?id=7&lang=en"}


@pytest.mark.parametrize("url", OTHER_PAGES)
def test_another_page_is_never_taken_for_it(url):
    assert canonical_url(url)
    assert canonical_url(url) != canonical_url(ONE_PAGE[0])


@pytest.mark.parametrize("url", UNUSABLE)
def test_what_a_message_may_not_carry_is_no_address(url):
    assert (tidy_url(url), canonical_url(url)) == ("", "")


def test_people_get_the_address_as_given_without_trackers():
    assert tidy_url("http://www.Example.com/a/?b=2&utm_source=rss&a=1#part") == "http://www.example.com/a/?b=2&a=1"


def test_entries_of_a_live_page_stay_apart():
    page = "https://news.example/live/2025/06/16/us/updates"
    assert canonical_url(f"{page}#one") != canonical_url(f"{page}#two")
    assert canonical_url(f"{page}#:~:text=one") == canonical_url(page)


def test_hosts_are_shown_in_punycode():
    assert host_of("https://uscıs.gov/a") == "xn--uscs-nza.gov"
    assert tidy_url("https://ещё.example/путь") == "https://xn--e1a4bya.example/%D0%BF%D1%83%D1%82%D1%8C"


def test_a_front_host_is_left_where_nothing_else_names_the_owner():
    assert canonical_url("https://amp.com/x") == "https://amp.com/x"
    assert canonical_url("https://www.com/x") == "https://www.com/x"


ADDRESSES = st.one_of(
    st.sampled_from(ONE_PAGE + OTHER_PAGES + UNUSABLE),
    st.text(max_size=60),
    st.builds(
        "{}://{}{}".format,
        st.sampled_from(["http", "https", "HTTP", "ftp"]),
        st.sampled_from(["a.example", "www.amp.b.example", "www.google.com", "x.cdn.ampproject.org", "é.example:81"]),
        st.text(alphabet="/amp.%41f?&=;utm_sref#!:@[]<>|\"'\\ é☃\ud800", max_size=40),
    ),
)


@given(ADDRESSES)
@example("https://www.google.com/amp/s/www.google.com/amp/s/amp.example.org/amp/amp/x/amp//")
def test_forms_are_stable_safe_and_agree(url):
    tidy, canonical = tidy_url(url), canonical_url(url)
    assert tidy_url(tidy) == tidy
    assert canonical_url(canonical) == canonical
    assert canonical_url(tidy) == canonical
    assert bool(tidy) == bool(canonical)
    if tidy:
        assert urlsplit(tidy).scheme in {"http", "https"}
        assert host_of(tidy) == urlsplit(tidy).hostname
        assert tidy.isascii()
        assert not set(tidy) & set('<>|"\\^`{} \t\n')
        assert len(tidy) <= MAX_URL
