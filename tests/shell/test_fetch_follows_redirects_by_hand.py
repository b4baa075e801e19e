"""Redirects: five at most, each judged by the gate, never from https to http, never in a circle."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from yarl import URL

from bot.core.intake import Cursor, FeedResponse
from bot.errors import FetchError
from bot.gate import Gate
from tests.builders import a_source
from tests.fakes.feeds import FeedServer, head
from tests.fakes.fetching import a_fetcher, error_of

SOURCE = a_source()
NOTHING = Cursor(SOURCE.id)


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        server.publish("/end", "<rss/>")
        yield server
    assert server.violations == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_every_kind_of_redirect_is_followed_with_get(server: FeedServer, status: int) -> None:
    server.redirect("/start", "/end", status=status)
    async with a_fetcher() as fetch:
        answer = await fetch(SOURCE, server.url("/start"), NOTHING)
    assert isinstance(answer, FeedResponse)
    assert answer.url == server.url("/end")


@pytest.mark.parametrize(("hops", "is_fine"), [(1, True), (5, True), (6, False), (20, False)])
async def test_five_redirects_are_enough(server: FeedServer, hops: int, is_fine: bool) -> None:
    for hop in range(hops):
        server.redirect(f"/{hop}", f"/{hop + 1}" if hop + 1 < hops else "/end")
    async with a_fetcher() as fetch:
        answer = await fetch(SOURCE, server.url("/0"), NOTHING)
    assert isinstance(answer, FeedResponse) is is_fine
    assert is_fine or str(answer) == "there are more than 5 redirects"
    assert len(server.requests) <= 6


@pytest.mark.parametrize("to", ["/a", "", "#top", "/b"])
async def test_a_circle_is_left_at_once(server: FeedServer, to: str) -> None:
    server.redirect("/a", to or "?")
    server.redirect("/b", "/a")
    async with a_fetcher() as fetch:
        error = error_of(await fetch(SOURCE, server.url("/a"), NOTHING))
    assert str(error) == "the redirects lead back to where they began"
    assert len(server.requests) <= 2


BAD_PLACES = (
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "ftp://127.0.0.1/",
    "javascript:alert(1)",
    "http://user:secret@127.0.0.1/",
    "http://[::1",
    "http://127.0.0.1:99999/",
    "http:\\\\127.0.0.1\\",
    "/\\evil.example",
    "http://evil.example\x01/",
    "\xe9",
)


@pytest.mark.parametrize("to", BAD_PLACES)
async def test_a_redirect_to_no_proper_place_is_an_error(server: FeedServer, to: str) -> None:
    server.redirect("/start", to)
    async with a_fetcher() as fetch:
        error = error_of(await fetch(SOURCE, server.url("/start"), NOTHING))
    assert "secret" not in str(error)
    assert len(server.requests) == 1


async def test_a_redirect_without_a_place_is_an_error(server: FeedServer) -> None:
    server.fail("/start", 301)
    async with a_fetcher() as fetch:
        error = error_of(await fetch(SOURCE, server.url("/start"), NOTHING))
    assert str(error) == "the server redirects without saying where to"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "0x7f.1"])
async def test_a_redirect_into_the_own_network_goes_nowhere(server: FeedServer, host: str) -> None:
    async with FeedServer() as inner:
        server.redirect("/start", inner.url("/secret", host=host))
        gate = Gate(admit=frozenset({("127.0.0.1", server.port)}))
        async with a_fetcher(gate=gate) as fetch:
            error_of(await fetch(SOURCE, server.url("/start"), NOTHING))
        assert server.count("/start") == 1
        assert inner.requests == []


async def test_a_name_that_leads_into_the_own_network_is_told_as_such() -> None:
    async with a_fetcher(gate=Gate()) as fetch:
        error = error_of(await fetch(SOURCE, "http://localhost:8443/feed", NOTHING))
    assert str(error) == "localhost is not at a public internet address"


async def test_protocol_relative_and_relative_places_are_understood(server: FeedServer) -> None:
    server.redirect("/one/start", f"//127.0.0.1:{server.port}/two/middle")
    server.redirect("/two/middle", "../end")
    async with a_fetcher() as fetch:
        assert isinstance(await fetch(SOURCE, server.url("/one/start"), NOTHING), FeedResponse)


async def test_https_never_becomes_http() -> None:
    async with a_fetcher() as fetch:
        with pytest.raises(FetchError, match="from https to http"):
            fetch._next(URL("https://news.example/feed"), "http://news.example/feed")
        assert fetch._next(URL("http://news.example/feed"), "https://news.example/feed")


@pytest.fixture
def unvouched(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS with a certificate for localhost that it signed itself."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("there is no openssl here to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(unvouched: ssl.SSLContext) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(10))
        writer.write(head(200, {"Content-Length": "0"}))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=unvouched)
    async with server, a_fetcher() as fetch:
        port = server.sockets[0].getsockname()[1]
        error = error_of(await fetch(SOURCE, f"https://localhost:{port}/feed", NOTHING))
    assert str(error) == "the certificate of localhost cannot be trusted"
    assert asked == []


class Greeter:
    """A server that notes on which TLS it `agreed`, or says what is wrong, as servers do and asyncio's do not."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self.agreed: list[str | None] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken, given = ssl.MemoryBIO(), ssl.MemoryBIO()
        side = self._tls.wrap_bio(taken, given, server_side=True)
        while data := await reader.read(65_536):
            taken.write(data)
            try:
                side.do_handshake()
                self.agreed.append(side.version())
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                data = b""
            writer.write(given.read())
            if not data or self.agreed:
                break
        writer.close()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=["1.0", "1.1"])
async def test_tls_below_1_2_is_refused(unvouched: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    careless = ssl.create_default_context()
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    for context in (unvouched, careless):
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")  # what OpenSSL itself does not offer any more
    greeter = Greeter(unvouched)
    server = await asyncio.start_server(greeter, "127.0.0.1", 0)
    async with server, a_fetcher() as fetch:
        port = server.sockets[0].getsockname()[1]
        error = error_of(await fetch(SOURCE, f"https://localhost:{port}/feed", NOTHING))
        assert str(error) == "localhost offers no connection that is safe enough (TLS 1.2 or later)"
        assert greeter.agreed == []
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=careless, server_hostname="localhost")
        writer.transport.abort()
    assert len(greeter.agreed) == 1, "the server does speak the old version, to whoever puts up with it"
