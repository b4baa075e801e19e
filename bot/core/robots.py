"""robots.txt as RFC 9309 has it, with `Crawl-delay`, which that leaves to others.

The longest pattern that fits decides, and of two equally long ones the friendlier. Patterns are matched piece by piece
from the left, never as regular expressions: a site can make us work no longer than its own lines are long.
The text is bytes read as Latin-1, so that what is not ASCII is percent-encoded byte by byte, as it is in addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from string import ascii_letters, digits

AGENT = "policybell"
SIZE_AT_MOST = 500 * 1024  # bytes; RFC 9309 section 2.5 asks for at least so much
CRAWL_DELAY_AT_MOST = timedelta(minutes=10)  # the longest seen on a source of ours is 7 minutes (GAO)

_ANYBODY = "*"
_OWN_PATH = "/robots.txt"
_LINE_ENDS = re.compile(r"[\r\n]+")
_TOKEN = re.compile(r"[A-Za-z_-]+")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_TO_ESCAPE = re.compile(r"[^\x21-\x7e]")
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_UNRESERVED = frozenset(ascii_letters + digits + "-._~")
_PLAIN_IN_QUERY = frozenset(":/")  # escaped there or not, they mean the same


@dataclass(frozen=True, slots=True)
class Rule:
    """What one line says of the paths that fit `pattern`, in which `*` is anything and a last `$` the end."""

    pattern: str
    allows: bool


@dataclass(frozen=True, slots=True)
class Robots:
    """What a site asks of us. `rules` are in the order in which they decide: the first that fits."""

    rules: tuple[Rule, ...] = ()
    crawl_delay: timedelta = timedelta(0)

    def allows(self, path: str) -> bool:
        """Say whether a path, with its query, may be asked for. The file itself always may."""
        if path == _OWN_PATH:
            return True
        asked = _normal(path).replace("*", "%2A").replace("$", "%24")
        return next((rule.allows for rule in self.rules if _fits(rule.pattern, asked)), True)


@dataclass(slots=True)
class _Group:
    rules: list[Rule] = field(default_factory=list)
    crawl_delay: timedelta = timedelta(0)


def read_robots(body: bytes, agent: str = AGENT) -> Robots:
    """Read what a site asks of `agent` (lower case), or of anybody where it does not name it. No line is an error."""
    groups: dict[str, _Group] = {}
    named: set[str] = set()
    naming = False
    for key, value in _lines(body):
        if key == "user-agent":
            named = {*(named if naming else ()), _agent_of(value)}
            naming = True
            groups.setdefault(_agent_of(value), _Group())
            continue
        # Lines of other kinds, Crawl-delay among them, do not end a list of names (RFC 9309 section 2.2.4).
        naming = naming and key not in {"allow", "disallow"}
        for group in (groups[name] for name in named & {agent, _ANYBODY}):
            _note(group, key, value)
    ours = groups.get(agent) or groups.get(_ANYBODY) or _Group()
    return Robots(tuple(sorted(ours.rules, key=lambda rule: (-len(rule.pattern), not rule.allows))), ours.crawl_delay)


def _lines(body: bytes) -> Iterator[tuple[str, str]]:
    text = body[:SIZE_AT_MOST].removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    if len(body) > SIZE_AT_MOST:
        text = text[: max(text.rfind("\n"), text.rfind("\r"), 0)]  # half a line says something else
    for line in _LINE_ENDS.split(text):
        key, colon, value = line.partition("#")[0].partition(":")
        if colon:
            yield key.strip(" \t").lower(), value.strip(" \t")


def _agent_of(value: str) -> str:
    """Read a name up to its version; other names start with ours at most by chance, and are not ours."""
    if value.startswith(_ANYBODY):
        return _ANYBODY
    token = _TOKEN.match(value)
    return token[0].lower() if token else ""


def _note(group: _Group, key: str, value: str) -> None:
    if key in {"allow", "disallow"} and value:
        group.rules.append(Rule(_pattern(value), allows=key == "allow"))
    if key == "crawl-delay" and _SECONDS.fullmatch(value):
        seconds = timedelta(seconds=float(value))
        group.crawl_delay = min(max(group.crawl_delay, seconds), CRAWL_DELAY_AT_MOST)


def _pattern(value: str) -> str:
    """Bring a pattern into the one form; what does not start at the root is meant to."""
    rooted = value if value.startswith(("/", "*")) else f"/{value}"
    body, end = (rooted[:-1], "$") if rooted.endswith("$") else (rooted, "")
    return _normal(body).replace("$", "%24") + end


def _normal(path: str) -> str:
    """Write what may be written in several ways in one: escapes where they are needed, in capital letters."""
    if path.isascii() and path.isprintable() and "%" not in path and " " not in path:
        return path
    before, mark, query = path.partition("?")
    return _unescaped(before, _UNRESERVED) + mark + _unescaped(query, _UNRESERVED | _PLAIN_IN_QUERY)


def _unescaped(text: str, plain: frozenset[str]) -> str:
    def one(escape: re.Match[str]) -> str:
        character = chr(int(escape[1], 16))
        return character if character in plain else escape[0].upper()

    return _TO_ESCAPE.sub(lambda found: f"%{ord(found[0]):02X}", _ESCAPE.sub(one, text))


def _fits(pattern: str, path: str) -> bool:
    """Match from the left, each piece between asterisks as early as it goes: if that fails, nothing fits."""
    to_the_end = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    if not rest:
        return not to_the_end or at == len(path)
    *middle, last = rest
    for piece in middle:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    if to_the_end:
        return len(path) - len(last) >= at and path.endswith(last)
    return path.find(last, at) >= 0
