"""Answers that are made to harm whoever reads them: none of them may do more than fail."""

from __future__ import annotations

GOOD = b"<rss version='2.0'><channel><item><title>One</title><link>https://news.example/1</link></item></channel></rss>"


def rss(item: str, doctype: str = "") -> bytes:
    return f"{doctype}<rss version='2.0'><channel><item>{item}</item></channel></rss>".encode()


# 40 to 800 KB each, and minutes of processor time: feedparser looks for e-mail addresses from every letter on,
# compares every category with all before it, and joins attributes one by one.
CPU_BOMBS = {
    "an author of one letter, repeated": rss(f"<author>{'a' * 200_000}</author>"),
    "very many categories": rss("".join(f"<category>{number}</category>" for number in range(30_000))),
    "very many attributes": rss("<x " + " ".join(f"a{number}=''" for number in range(60_000)) + "/>"),
}

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
ENTITY_BOMBS = {
    "billion laughs": rss("<title>&l9;</title>", f'<!DOCTYPE l [<!ENTITY l0 "lol">{LAUGHS}]>'),
    "one long entity, often": rss(f"<title>{'&a;' * 60_000}</title>", f'<!DOCTYPE l [<!ENTITY a "{"x" * 60_000}">]>'),
}
ENTITY_BOMBS["billion laughs in UTF-16"] = (
    "<?xml version='1.0' encoding='utf-16'?>" + ENTITY_BOMBS["billion laughs"].decode()
).encode("utf-16")

HOSTILE = {
    "a token of 8 MB": rss(f"<title>{'x' * 8_000_000}</title>"),
    "20,000 items": rss("</item><item>" * 20_000),
    "an entity of parameters": rss("<title>x</title>", '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>'),
    "a document type of a file": rss("<title>x</title>", '<!DOCTYPE x SYSTEM "file:///etc/passwd">'),
    "a document type of a web server": rss("<title>x</title>", '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'),
    "XInclude": rss("<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file:///etc/passwd' parse='text'/>"),
    "200,000 levels": rss("<a>" * 200_000 + "</a>" * 200_000),
    "an archive that was cut": b"\x1f\x8b\x08\x00" + b"\x00" * 50,
    "NULs": rss("<title>a\0b</title>"),
    "50,000 levels": rss("<a>" * 50_000 + "</a>" * 50_000),
    "50,000 levels of HTML": rss(f"<description>{'&lt;div&gt;' * 50_000}</description>"),
    "open tags": rss(f"<description>{'&lt;a ' * 50_000}</description>"),
    "open comments": rss(f"<description>{'&lt;!--' * 50_000}</description>"),
    "a long number for a character": rss(f"<description>&amp;#{'9' * 10_000};</description>"),
    "an encoding that it is not in": rss("<title>x</title>", "<?xml version='1.0' encoding='utf-16'?>"),
    "UTF-32 that is none": b"\x00\x00\xfe\xff" + GOOD,
    "a strange encoding": rss("<title>x</title>", "<?xml version='1.0' encoding='punycode'?>") + b"a" * 100_000,
    "a file for an entity": rss("<title>&f;</title>", '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'),
    "the name of a file": b"/etc/passwd",
    "half a feed": GOOD[:-30],
}
