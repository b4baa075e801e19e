"""A 200 that is not the thing. Pages are written after what such walls are known to say; none is a copy."""

from __future__ import annotations

import pytest

from bot.core.impostors import impostor
from bot.errors import KINDS
from tests.shared_data import shared

LINKS = "".join(f'<li><a href="/news/{number}">Office announces measure {number}</a></li>' for number in range(40))
TEXT = "<p>The Department announced that it extends the designation for eighteen months.</p>" * 40


def page(title: str, body: str = "<p>Please try again.</p>", head: str = "") -> bytes:
    return f"<!DOCTYPE html>\n<html><head><title>{title}</title>{head}</head><body>{body}</body></html>".encode()


WALLS = {
    "challenge": (
        page("Just a moment...", "<h1>news.example</h1><p>Checking the site connection</p>"),
        page("Attention Required! | Cloudflare"),
        page("Challenge Validation", "<script src='/_sec/x.js'></script>" + "<script>var a=1;</script>" * 500),
        page("&nbsp;", "", '<meta http-equiv="refresh" content="5; URL=\'/opa/pr/a?bm-verify=AAQ\'" />'),
        page("Office of News", "<script>window._cf_chl_opt={cvId:'3'}</script><noscript>" + "x " * 900 + "</noscript>"),
        page("news.example", '<iframe src="https://geo.captcha-delivery.com/captcha/"></iframe>'),
        page("news.example", "<div id='px-captcha'></div>"),
        b"<html><head><META NAME='robots'></head><body>Request unsuccessful. Incapsula incident ID: 7-1</body></html>",
        page("Un momento…"),
    ),
    "login": (
        page("Sign in to your account", '<form><input name="u"><input type="password"></form>'),
        page("Intranet", "<form><input id=p type='password' name=p></form>"),
        page("Iniciar sesión | Portal", LINKS),
        page("Login"),
    ),
    "decoy": (
        page("Technical Difficulties"),
        page("We are having technical difficulties", "<h1>Sorry</h1>"),
        page("Department", "<p>We are sorry, this site is currently experiencing technical difficulties.</p>"),
        page("Site Maintenance"),
        page("503 Service Unavailable"),
        page("Technical Difficulties - Department", LINKS + TEXT),
    ),
    "request_access": (
        b"<HTML><BODY><h1>Request Access</h1></BODY></HTML>",
        page("Register :: Request Access", "<p>Due to aggressive automated scraping, access is limited.</p>"),
        page("Access Denied", "<p>You don't have permission to access this on this server.</p>"),
        page("403 Forbidden"),
        page("Register", "<p>Programmatic access to these sites is limited.</p>"),
        page("Access Denied", LINKS + TEXT),
    ),
    "soft_404": (
        page("Page not found | Office", LINKS + TEXT),
        page("404 - Not Found"),
        page("Office | Page Not Found", LINKS),
        page("Página no encontrada"),
        page("Office", "<h1>Page not found</h1>"),
        b"<?xml version='1.0'?>\n" + page("Error 404"),
        b"\xef\xbb\xbf<!-- built -->" + page("Not Found"),
    ),
}
REAL = (
    page("News Releases | Office", LINKS + TEXT),
    page("Login.gov outage delays filings, agency says", LINKS + TEXT),
    page("Access denied: how a memo shut the door on asylum seekers", LINKS + TEXT),
    page("Technical difficulties delay the hearing on fees", LINKS + TEXT),
    page("Court: 404 detainees not found in the system", TEXT),
    page("News", LINKS + TEXT, "<script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'></script>"),
    page("News", LINKS + "<form><input type='password'></form>"),
    page("News", TEXT + "<script src='https://g-recaptcha.example'></script>"),
    page("A memo", "<p>The office issued a memo.</p>"),
    page("x", "y" * 300_000 + "bm-verify"),
    b"<rss version='2.0'><channel><title>Technical Difficulties</title></channel></rss>",
    b'{"title": "Just a moment..."}',
    b"<div class='view-content'><title>Just a moment...</title></div>",
    b"",
)


@pytest.mark.parametrize(("kind", "wall"), [(kind, wall) for kind, walls in WALLS.items() for wall in walls])
def test_a_wall_is_named(kind: str, wall: bytes) -> None:
    found = impostor(wall)
    assert found is not None
    assert found.kind == kind
    assert kind in KINDS
    assert found.sentence


@pytest.mark.parametrize("body", REAL, ids=lambda body: repr(body[:60]))
def test_a_page_that_says_something_is_none(body: bytes) -> None:
    assert impostor(body) is None


def test_no_real_sample_is_taken_for_one() -> None:
    samples = [path for path in shared("samples").rglob("*") if path.is_file()]
    assert samples
    assert [path.name for path in samples if impostor(path.read_bytes())] == []
