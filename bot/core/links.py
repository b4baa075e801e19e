"""Addresses of items: one form to open, one form to compare.

`tidy_url` is what people get: the address as given, without what only tracks them.
`canonical_url` is what copies of one page agree on; it need not open.
Both answer "" where there is no address that a message may carry.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

MAX_URL = 2_000  # a Slack link is one part of a 3,000-character section
_MAX_HOST = 253
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_DEFAULT_PORT = {"http": 80, "https": 443}

# Parameters that name the way to a page, not the page. Seen in feeds, or documented by those who add them.
_TRACKERS = re.compile(
    r"(?:utm|at|ns|pk|mtm|hsa|oly|mkt|vero|guce|wt\.mc|__twitter)_\w+|wt\.nav|_hsenc|_hsmi|mc_[ce]id"
    r"|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid|guccounter|bxid|cndid|esrc|gwh|gwt"
    r"|ref_src|ref_url|rref|cmp|cmpid|intcmp|icid|intcid|ncid|ocid|xtor|maca|ito|smid|smtyp|emc|spm|traffic_source"
    r"|sr_share|taid|feedname|feedtype|linkid|trk|hpid|hpt|srnd|clicksource|pgtype|contentplacement|contentcollection"
    r"|amp",
    re.ASCII,
)
# These are part of an address unless their value says that it came out of a feed or a front page.
_SOMETIMES = frozenset({"ref", "source", "src", "from", "partner", "mod", "cid", "outputtype", "output"})
_FEED_VALUE = re.compile(r"(?:rss|atom|feed|homepage|hp|clicksource|amp)(?:[_.-].*)?", re.ASCII)

_LIVE_PAGE = re.compile(r"/live(?:blog|-news|-updates)?/|/live-blog", re.ASCII)
_AMP_CACHE = re.compile(r"https?://(?:(?:www\.)?google\.[a-z.]+/amp|[a-z0-9-]+\.cdn\.ampproject\.org/[cvi])/(s/)?")
_AMP_PATH = re.compile(r"^(?:/+amp)+(?=/+.)|(?:/+amp|\.amp)+(?=/*$|\.html$)")
_FRONT_HOST = re.compile(r"^(?:(?:www|amp)\.)+(?=[^.]+\.)")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_AMPERSAND = re.compile(r"&(?:amp|#0*38);", re.IGNORECASE)
_INVISIBLE = re.compile(r"[\x00-\x20\x7f]+")


def tidy_url(url: str) -> str:
    """Write an address as it should be opened: absolute http(s), plain ASCII, no trackers."""
    parts = _split(url)
    if parts is None:
        return ""
    tidy = urlunsplit(parts._replace(query=_kept_query(parts.query), fragment=_kept_fragment(parts)))
    return tidy if len(tidy) <= MAX_URL else ""


def canonical_url(url: str) -> str:
    """Write an address as its copies agree on it: also without http, `www.`, AMP, order of parameters, last slash."""
    tidy = tidy_url(url)
    while cached := _AMP_CACHE.match(tidy):
        tidy = tidy_url(f"https://{tidy[cached.end() :]}")
    parts = _split(tidy)
    if parts is None:
        return ""
    host = _FRONT_HOST.sub("", parts.netloc, count=1)
    path = _AMP_PATH.sub("", parts.path).rstrip("/")
    query = "&".join(sorted(parts.query.split("&")))
    return urlunsplit(("https", host, path, query, parts.fragment))


def host_of(url: str) -> str:
    """Name the host of an address, in ASCII (punycode); "" where the address cannot be opened."""
    parts = _split(url)
    return (parts.hostname or "") if parts else ""


def _split(url: str) -> SplitResult | None:
    """Take an address apart, host and escapes in one form; None where it is no web address of a public form."""
    try:
        parts = urlsplit(_AMPERSAND.sub("&", _INVISIBLE.sub(" ", url).strip()))
        host = _ascii_host(parts.hostname or "")
        port = parts.port
        # A name before the host (https://uscis.gov@evil.example) serves only to deceive.
        if parts.scheme not in _DEFAULT_PORT or not host or "@" in parts.netloc:
            return None
        place = host if port in {None, _DEFAULT_PORT[parts.scheme]} else f"{host}:{port}"
        path, query, fragment = (_escaped(part) for part in (parts.path or "/", parts.query, parts.fragment))
    except ValueError:  # not an address, a port that is none, half a character
        return None
    return SplitResult(parts.scheme, place, path, query, fragment)


def _ascii_host(host: str) -> str:
    if len(host) > _MAX_HOST:  # before IDNA, which is quadratic
        return ""
    host = host.rstrip(".")
    ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    return ascii_host if _HOST.fullmatch(ascii_host) else ""


def _escaped(part: str) -> str:
    """Bring percent-encoding into one form: unreserved characters bare, all else that needs it in capital hex."""
    whole = _BROKEN_ESCAPE.sub("%25", part)
    return quote(_ESCAPE.sub(_unescaped, whole), safe="%/?:@!$&'()*+,;=~")


def _unescaped(escape: re.Match[str]) -> str:
    character = chr(int(escape[0][1:], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0].upper()


def _kept_query(query: str) -> str:
    return "&".join(pair for pair in query.split("&") if pair and not _tracks(pair))


def _tracks(pair: str) -> bool:
    name, _, value = pair.casefold().partition("=")
    return bool(_TRACKERS.fullmatch(name)) or (name in _SOMETIMES and bool(_FEED_VALUE.fullmatch(value)))


def _kept_fragment(parts: SplitResult) -> str:
    """Keep what chooses the page (`#/…`, `#!…`) or the entry of a live page; drop what only scrolls or tracks."""
    fragment = parts.fragment
    if fragment.startswith(":~:"):
        return ""
    return fragment if fragment.startswith(("/", "!")) or _LIVE_PAGE.search(parts.path) else ""
