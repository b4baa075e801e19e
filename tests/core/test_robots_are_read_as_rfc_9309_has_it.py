"""robots.txt: groups, the longest pattern, escapes, and lines that are no lines; with the examples of RFC 9309."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.robots import SIZE_AT_MOST, read_robots


def may(robots: str | bytes, path: str) -> bool:
    return read_robots(robots.encode() if isinstance(robots, str) else robots).allows(path)


RFC_SECTION_5_1 = """
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("agent", "path", "allowed"),
    [
        ("policybell", "/", True),
        ("policybell", "/a/b.gif", False),
        ("policybell", "/a/b.gif?x", True),
        ("policybell", "/example/page.html", False),
        ("policybell", "/publications/a.html", True),
        ("policybell", "/publications/a.gif", True),  # the longer pattern decides
        ("foobot", "/", False),
        ("foobot", "/example/page.html", True),
        ("foobot", "/example/allowed.gif", True),
        ("foobot", "/example/page.htm", False),
        ("barbot", "/example/page.html", False),
        ("bazbot", "/example/page.html", False),
        ("bazbot", "/a/b.gif", True),
        ("quxbot", "/example/page.html", True),
    ],
)
def test_the_first_example_of_the_rfc_is_read_as_it_says(agent: str, path: str, allowed: bool) -> None:
    assert read_robots(RFC_SECTION_5_1.encode(), agent).allows(path) is allowed


def test_the_longest_match_decides_as_in_the_second_example() -> None:
    robots = read_robots(
        b"User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n", "foobot"
    )
    assert robots.allows("/example/page/other.gif")
    assert not robots.allows("/example/page/disallowed.gif")


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
        ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"),
        ("/foo/bar?baz=https%3A%2F%2Ffoo.bar", "/foo/bar?baz=https://foo.bar"),
        ("/foo/bar/\u30c4", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%E3%83%84", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%e3%83%84", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
        ("/foo/bar/baz", "/foo/bar/%62%61%7a"),
        ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html"),
        ("/path/foo-%24", "/path/foo-$"),
        ("/a$b", "/a$b/c"),
    ],
)
def test_escapes_are_compared_by_what_they_mean(pattern: str, path: str) -> None:
    assert not may(f"User-agent: *\nDisallow: {pattern}", path)


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("/", ["/", "/a"], []),
        ("/fish", ["/fish", "/fish.html", "/fishheads/y", "/fish.php?id=1"], ["/Fish.asp", "/catfish"]),
        ("/fish/", ["/fish/", "/fish/?id=1"], ["/fish", "/fish.html"]),
        ("/fish*", ["/fish", "/fishheads"], ["/Fish"]),
        ("fish", ["/fish"], ["/a/fish"]),
        ("/*.php", ["/a.php", "/folder/a.php?p", "/a.php.html"], ["/", "/windows.PHP"]),
        ("/*.php$", ["/a.php", "/b/a.php"], ["/a.php?p", "/a.php/", "/a.php5"]),
        ("/fish*.php", ["/fish.php", "/fishheads/catfish.php?p"], ["/Fish.PHP"]),
        ("*.rss", ["/feed.rss", "/a/b.rss?x"], ["/rss"]),
        ("/a*b*c$", ["/abc", "/axbxc", "/abcbc"], ["/ab", "/abcd", "/acb"]),
        ("/ab*ba$", ["/abba", "/abxba"], ["/aba"]),
        ("/$", ["/"], ["/a"]),
        ("*", ["/", "/a"], []),
        ("/a%2Fb", ["/a%2fb"], ["/a/b"]),
    ],
)
def test_patterns_fit_what_they_should(pattern: str, fits: list[str], fits_not: list[str]) -> None:
    robots = read_robots(f"User-agent: *\nDisallow: {pattern}".encode())
    assert [path for path in fits if robots.allows(path)] == []
    assert [path for path in fits_not if not robots.allows(path)] == []


@pytest.mark.parametrize(
    "text",
    [
        "User-agent: *\nDisallow: /a\nAllow: /a",
        "User-agent: *\nAllow: /a\nDisallow: /a",
        "User-agent: *\nDisallow:",
        "Disallow: /",
        "User-agent: policybell-news\nDisallow: /",
        "User-agent: Policy\nDisallow: /",
        "User-agent: \nDisallow: /",
        "User-agent: *\nDisallow: /\n\nUser-agent: Policybell\nDisallow:",
        "User-agent: *\nDisallow / \n/a\n: /",
        "User-agent: *\n# Disallow: /\n",
        "<html><body>User-agents are welcome</body></html>",
        "",
        "\x00\xff\xfe",
    ],
)
def test_what_forbids_nothing_forbids_nothing(text: str) -> None:
    assert may(text.encode("latin-1"), "/a")


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfUser-agent: *\nDisallow: /",
        b"USER-AGENT:*\r\nDISALLOW:/",
        b"user-agent : *\rdisallow :  /  # everything",
        b"User-agent: Policybell/2.0 (anything)\nDisallow: /",
        b"User-agent: POLICYBELL\nDisallow: /",
        b"User-agent: * and all\nDisallow: /",
        b"User-agent: other\nUser-agent: policybell\nDisallow: /",
        b"User-agent: other\nSitemap: https://a.example/s.xml\nUser-agent: policybell\nDisallow: /",
        b"User-agent: policybell\nCrawl-delay: 5\nUser-agent: other\nDisallow: /",
        b"User-agent: policybell\nAllow: /b\n\nUser-agent: x\nDisallow: /q\n\nUser-agent: policybell\nDisallow: /",
        b"User-agent: *\n\n\nDisallow: /",
        b"User-agent: *\nUnknown: thing\nDisallow: /",
    ],
)
def test_what_forbids_everything_is_read_in_any_dress(text: bytes) -> None:
    assert not may(text, "/a")
    assert may(text, "/robots.txt")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("User-agent: *\nCrawl-delay: 420", 420),
        ("User-agent: *\nDisallow: /x\nCrawl-delay: 10", 10),
        ("User-agent: *\nCrawl-delay: 0.5", 0.5),
        ("User-agent: *\nCrawl-delay: 86400", 600),
        ("User-agent: *\nCrawl-delay: 5\nCrawl-delay: 3", 5),
        ("User-agent: *\nCrawl-delay: 99\n\nUser-agent: policybell\nCrawl-delay: 1", 1),
        ("User-agent: other\nCrawl-delay: 30\nUser-agent: *\nDisallow: /x", 0),
        *((f"User-agent: *\nCrawl-delay: {odd}", 0) for odd in ("-5", "soon", "", "1e9", "inf", "nan", "٣")),
    ],
)
def test_a_crawl_delay_is_ours_and_within_reason(text: str, seconds: float) -> None:
    assert read_robots(text.encode()).crawl_delay == timedelta(seconds=seconds)


def test_only_so_much_is_read_and_no_half_line_counts() -> None:
    filler = b"# " + b"x" * (SIZE_AT_MOST - 40) + b"\n"
    assert not may(b"User-agent: *\nDisallow: /a\n" + filler, "/a")
    assert may(b"User-agent: *\n" + filler + b"x" * 40 + b"\nDisallow: /a\n", "/a")
    start = b"User-agent: *\nDisallow: /"
    assert may(b"#" * (SIZE_AT_MOST - len(start) - 1) + b"\n" + start + b"only/this\n", "/a")


def test_patterns_made_to_be_slow_are_not() -> None:
    path = "/" + "a" * 4_000
    hostile = b"User-agent: *\n" + b"".join(b"Disallow: /%bb\n" % (b"*a" * n) for n in range(1, 600))
    robots = read_robots(hostile)
    began = time.process_time()
    assert robots.allows(path)
    assert time.process_time() - began < 2  # a regular expression would not come back


@given(st.binary(max_size=300), st.text(max_size=40))
def test_any_bytes_are_read_and_any_path_is_judged(body: bytes, path: str) -> None:
    robots = read_robots(b"User-agent: *\nDisallow: " + body)
    assert robots.allows("/" + path) in {True, False}


@given(st.text("ab*$/", max_size=8), st.text("ab/", max_size=8))
def test_matching_is_what_a_plain_definition_says(pattern: str, path: str) -> None:
    """The definition: a star is any run of characters, a last `$` the end; tried by brute force."""

    def fits(pattern: str, path: str) -> bool:
        if not pattern:
            return True
        if pattern == "$":
            return not path
        if pattern[0] == "*":
            return any(fits(pattern[1:], path[start:]) for start in range(len(path) + 1))
        return bool(path) and pattern[0] == path[0] and fits(pattern[1:], path[1:])

    body, end = (pattern[:-1], "$") if pattern.endswith("$") else (pattern, "")
    rooted = "/" + body.replace("$", "") + end
    assert may(f"User-agent: *\nDisallow: {rooted}", "/" + path) is not fits(rooted, "/" + path)
