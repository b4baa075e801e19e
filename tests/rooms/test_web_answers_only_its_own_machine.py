"""Who may talk to the pages, and what the pages tell browsers to leave alone."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from tests.fakes.browser import a_web_room
from tests.fakes.door import FakeDoor

PATHS = ["/", "/chat", "/livez", "/readyz", "/static/style.css", "/static/chat.js", "/nowhere"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "[::2]", "[", "0.0.0.0"]
)
@pytest.mark.parametrize("path", PATHS)
async def test_a_foreign_host_is_refused_everywhere(host, path):
    async with a_web_room(door := FakeDoor()) as (_, browser):
        answered = await browser.get(path, host=host)
    assert answered.status == 403
    assert "127.0.0.1" in answered.text
    assert not door.calls


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9000", "LOCALHOST", "[::1]:8080"])
async def test_the_names_of_this_machine_are_served_on_any_port_so_that_tunnels_work(host):
    async with a_web_room(FakeDoor()) as (_, browser):
        assert (await browser.get("/chat", host=host)).status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://localhost", ""])
async def test_a_form_from_elsewhere_changes_nothing(origin):
    async with a_web_room(door := FakeDoor()) as (_, browser):
        answered = await browser.post("/chat", {"line": "unfollow all yes"}, origin=origin)
    assert answered.status == 403
    assert not door.calls


async def test_a_form_without_origin_needs_the_browsers_word_that_it_is_ours():
    async with a_web_room(door := FakeDoor()) as (_, browser):
        refused = await browser.post("/chat", {"line": "list"}, origin="null", sec_fetch_site="cross-site")
        assert (refused.status, door.calls) == (403, [])
        # Browsers send "null" with a form of ours too, since the pages ask for no referrer.
        allowed = await browser.post("/chat", {"line": "list"}, origin="null", sec_fetch_site="same-origin")
        assert (allowed.status, len(door.calls)) == (303, 1)


async def test_a_stream_is_not_opened_for_another_page():
    async with a_web_room(FakeDoor()) as (_, browser):
        assert (await browser.get("/chat/events", origin="http://evil.example")).status == 403


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_carries_the_policy(path):
    async with a_web_room(FakeDoor()) as (_, browser):
        headers = (await browser.get(path)).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*"} & set(" ".join(policy.values()).split())
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in headers


@pytest.mark.parametrize("path", ["/", "/chat"])
async def test_pages_have_nothing_inline_and_load_nothing_from_elsewhere(path):
    async with a_web_room(FakeDoor()) as (_, browser):
        page = (await browser.get(path)).page
    for tag, attributes in page.elements:
        assert tag != "style"
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        assert tag != "script" or attributes["src"].startswith("/static/")
        for name in ("src", "href", "action"):
            assert not urlsplit(attributes.get(name, "")).netloc


async def said_hello(_request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def test_routes_beside_the_pages_are_for_this_machine_unless_they_are_public():
    routes, public = [web.get("/figures", said_hello)], [web.post("/events/{team}", said_hello)]
    async with a_web_room(FakeDoor(), routes=routes, public_routes=public) as (_, browser):
        assert (await browser.get("/figures")).text == "hello"
        assert (await browser.get("/figures", host="evil.example")).status == 403
        assert (await browser.post("/events/T1", b"", host="bot.example", origin="null")).text == "hello"
        assert (await browser.get("/events/T1", host="bot.example")).status == 403
        assert (await browser.get("/", host="bot.example")).status == 403


@pytest.mark.parametrize(
    "header", ["Forwarded", "X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Host", "X-Real-IP", "Via"]
)
@pytest.mark.parametrize("path", PATHS)
async def test_what_came_through_a_proxy_is_refused_though_it_names_this_machine(path, header):
    async with a_web_room(door := FakeDoor()) as (_, browser):
        answered = await browser.get(path, host="127.0.0.1:8080", **{header: "203.0.113.9"})
    assert answered.status == 403
    assert "through a proxy" in answered.text
    assert not door.calls


@pytest.mark.parametrize(
    ("version", "added"), [("1.0", ""), ("1.1", "X-Forwarded-For: 203.0.113.9\r\n"), ("1.1", "Via: 1.1 edge\r\n")]
)
async def test_a_proxy_that_writes_its_own_host_makes_nobody_an_operator(version, added):
    """What nginx sends without `proxy_set_header Host`: HTTP/1.0, and our own address for a name."""
    public = [web.post("/slack/events", said_hello)]
    async with a_web_room(door := FakeDoor(), public_routes=public) as (_, browser):
        host = browser.url.removeprefix("http://")
        sent = f"Host: {host}\r\n{added}Connection: close\r\nSec-Fetch-Site: same-origin\r\n"
        form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 17\r\n\r\nline=outbox+pause"
        refused = await answer_to(host, f"POST /chat HTTP/{version}\r\n{sent}{form}")
        heard = await answer_to(host, f"POST /slack/events HTTP/{version}\r\n{sent}{form}")
    assert refused.split()[1] == "403"
    assert not door.calls
    assert heard.split()[1] == "200"  # what proves its caller itself is for proxies


async def answer_to(address: str, request: str) -> str:
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request.encode())
    async with asyncio.timeout(10):
        answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_body_too_large_is_refused_and_so_is_one_that_is_no_form():
    async with a_web_room(door := FakeDoor()) as (_, browser):
        assert (await browser.post("/chat", {"line": "x" * 20_000})).status == 413
        json_like = await browser.post("/chat", b'{"line": "help"}', content_type="application/json")
        assert json_like.status == 415
        assert not door.calls
        too_long = await browser.say("x" * 1_001)
        assert "too long" in too_long.text
        assert not door.calls
