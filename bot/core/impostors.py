"""A page that came with status 200 and is not what was asked for: a challenge, a login, an apology, a closed door.

Each is told by what such pages cannot do without: a title that is a formula, or a mark of the machinery behind it on
a page that says next to nothing. A news page that merely writes of logins or of difficulties has a title of its own
and much to say, so it passes. Only HTML is looked at; what else is no use, the parsers find.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bot.core.plain import plain


class Impostor(NamedTuple):
    """What came instead: `kind` is one of `bot.errors.KINDS`, `sentence` is for people."""

    kind: str
    sentence: str


_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b",
    re.IGNORECASE | re.DOTALL,
)
_NAMES = re.compile(r"<(title|h1)\b[^>]*>(.{0,300}?)</\1\s*>", re.IGNORECASE | re.DOTALL)
# Of a page: so much is looked at. The heads of real pages carry up to 100 KB of scripts before anything is said.
_LOOKED_AT = 250_000
_WORDS_OF_A_WALL = 1_200  # characters of text; the longest wall among those seen has 900, the shortest news page 2,000
_ROWS_OF_LINKS = 25  # a wall has a few links, if any; a real page has a menu

_SENTENCES = {
    "challenge": "the site asks for proof that a person reads it",
    "login": "the site asks to log in",
    "decoy": "the site answers with a page that excuses itself",
    "request_access": "the site says that programs from this network are not wanted",
    "soft_404": "the site says that there is no such page, though with status 200",
}
# What the title, or the first heading, of such a page is: the whole of it, or how it begins.
_FORMULAS = {
    "challenge": r"just a moment\b|attention required!|challenge validation|checking your browser|bot verification"
    r"|verify(?:ing)? (?:that )?you are (?:a )?human|are you a robot|human verification|security check(?:$| required)"
    r"|ddos-guard|one moment, please|please wait\W*$|un momento|verificaci[oó]n de seguridad|vercel security checkpoint"
    r"|performing security verification|pardon our interruption",
    "request_access": r"(?:[\w ]+\W+)?request access$|access (?:to this page has been )?denied|access restricted$"
    r"|(?:403\W+)?forbidden\b|you have been blocked|sorry, you have been blocked|acceso denegado|unauthorized activity",
    "decoy": r"(?:[\w .,'’]+\W+)?(?:we(?:['’]re| are) (?:experiencing|having) )?technical difficulties|site maintenance"
    r"|(?:scheduled |under |down for )maintenance|service (?:temporarily )?unavailable|temporarily unavailable"
    r"|(?:50[0234]\W+)(?:service|bad gateway|internal|gateway)|en mantenimiento|we(?:['’]ll| will) be (?:right )?back",
    "login": r"(?:please )?(?:sign|log)[ -]?in\b(?! to vote)|login\b|authentication required|iniciar sesi[oó]n"
    r"|single sign-?on",
    "soft_404": r"(?:error )?404\b|(?:[\w ]{0,40}\W+)?(?:page|file|content|document)"
    r" (?:was |could )?not (?:be )?found\b"
    r"|not found$|(?:[\w ]{0,40}\W+)?p[aá]gina no (?:se ha )?encontrada|oops\W+(?:that|this|the) page",
}
_BEGINS = {kind: re.compile(formula, re.IGNORECASE) for kind, formula in _FORMULAS.items()}
_SITE = r"\W*(?:\s(?:[|–—·-]|::)\s[\w .&]{0,60})?"  # " | Name of the site"
_IS = {kind: re.compile(f"(?:{formula}){_SITE}", re.IGNORECASE) for kind, formula in _FORMULAS.items()}
# Marks of the machinery. Cloudflare puts its scripts into good pages, too, so a mark counts only on a bare page.
_MARKS = {
    "challenge": r"bm-verify|_cf_chl_|cf-challenge|cf-turnstile|challenge-platform/h/|_Incapsula_Resource"
    r"|incapsula incident|sec-if-cpt|sec-cpt|awswaf|captcha-delivery\.com|px-captcha|_pxAppId|g-recaptcha|h-captcha"
    r"|__ddg|kpsdk|enable javascript and cookies to continue",
    "request_access": r"aggressive automated scraping|programmatic access to (?:these|this) sites? is limited"
    r"|you don['’]t have permission to access|errors\.edgesuite\.net|the requested url was rejected"
    r"|request access to (?:this|the) (?:site|page)|request unblock",
    "decoy": r"experiencing technical difficulties|temporarily down for maintenance|is currently unavailable"
    r"|currently undergoing maintenance",
    "login": r"""<input[^>]{0,300}type\s*=\s*["']?password""",
}
_SIGNS = {kind: re.compile(mark, re.IGNORECASE) for kind, mark in _MARKS.items()}
_LINK = re.compile(r"<a\s", re.IGNORECASE)
_HIDDEN = re.compile(r"<(script|style|noscript)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)


def impostor(body: bytes) -> Impostor | None:
    """Tell what came instead of the thing; None where it may be the thing, or is no web page at all."""
    if not _PAGE.match(body, 0, 5_000):
        return None
    page = body[:_LOOKED_AT].decode("utf-8", "replace")
    kind = next(_kinds(page, bare=len(body) <= _LOOKED_AT and _is_bare(page)), "")
    return Impostor(kind, _SENTENCES[kind]) if kind else None


def _kinds(page: str, *, bare: bool) -> Iterator[str]:
    """Name what a page may be, the surest first. A page that says much must be called so, and no more than that."""
    names = [" ".join(plain(name).split()) for _, name in _NAMES.findall(page)[:3]]
    if not bare:
        yield from (kind for kind, formula in _IS.items() if any(map(formula.fullmatch, names[:1])))
        return
    yield from (kind for kind, formula in _BEGINS.items() if any(map(formula.match, names)))
    yield from (kind for kind, sign in _SIGNS.items() if sign.search(page))


def _is_bare(page: str) -> bool:
    """Tell whether a page says next to nothing, and leads nowhere."""
    if len(_LINK.findall(page)) > _ROWS_OF_LINKS:
        return False
    return len(plain(_HIDDEN.sub(" ", page))) <= _WORDS_OF_A_WALL
