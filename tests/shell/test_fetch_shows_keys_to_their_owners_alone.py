"""A key goes to the host of its own interface over https, in a header, and appears nowhere else."""

from __future__ import annotations

import pytest
from yarl import URL

from bot.core.intake import Cursor, FeedResponse
from bot.errors import FetchError
from bot.fetch import Fetcher, FetchLimits
from bot.fetch.keys import Keys
from bot.gate import Gate
from config import load
from tests.builders import a_source
from tests.fakes.clock import FakeClock
from tests.fakes.feeds import Asked, FeedServer
from tests.fakes.fetching import CONTACT, a_fetcher

KEY = "canary-7f3a9"
ALL = dict.fromkeys(("courtlistener", "regulations", "congress"), KEY)
OWN = {
    "courtlistener": ("https://www.courtlistener.com/api/rest/v4/search/?type=o", {"Authorization": f"Token {KEY}"}),
    "regulations": ("https://api.regulations.gov/v4/documents", {"X-Api-Key": KEY}),
    "congress": ("https://api.congress.gov/v3/bill/119?format=json", {"X-Api-Key": KEY}),
}


@pytest.mark.parametrize("kind", OWN)
def test_the_interface_itself_is_shown_its_key(kind: str) -> None:
    url, headers = OWN[kind]
    assert Keys(ALL).headers(a_source(kind=kind, url=url), URL(url)) == headers
    assert Keys({}).headers(a_source(kind=kind, url=url), URL(url)) == {}


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize(
    "url",
    [
        "http://{host}/v4/documents",
        "https://{host}:8443/v4/documents",
        "https://{host}.evil.example/v4",
        "https://evil.example/{host}",
        "https://sub.{host}/v4",
        "https://127.0.0.1/v4",
        "http://localhost/v4",
    ],
)
def test_nobody_else_is_shown_a_key_whatever_address_a_source_has(kind: str, url: str) -> None:
    there = url.format(host=URL(OWN[kind][0]).host)
    assert Keys(ALL).headers(a_source(kind=kind, url=there), URL(there)) == {}
    other = a_source(kind="feed", url=OWN[kind][0])
    assert Keys(ALL, on_loopback=True).headers(other, URL(OWN[kind][0])) == {}


def fetcher(clock: FakeClock) -> Fetcher:
    limits = FetchLimits(per_host_delay=FetchLimits().per_host_delay * 0)
    return Fetcher(contact=CONTACT, limits=limits, clock=clock, gate=Gate(allow_private=True), keys=ALL)


def shown(asked: Asked) -> bool:
    return any(KEY in value for value in asked.headers.values())


async def test_a_stand_in_on_this_machine_gets_it_in_a_header_and_a_redirect_elsewhere_does_not() -> None:
    fetch = fetcher(FakeClock())
    async with FeedServer() as own, FeedServer() as other:
        own.redirect("/moved", other.url("/caught"))
        own.redirect("/renamed", own.url("/list"))
        own.publish("/list", "{}", etag='"1"')
        other.publish("/caught", "{}")
        for path in ("/moved", "/renamed"):
            source = a_source(kind="congress", url=own.url(path))
            assert isinstance(await fetch(source, source.url, Cursor(source.id)), FeedResponse)
        assert shown(own.last("/moved"))
        assert shown(own.last("/list"))
        assert not any(shown(asked) or KEY in asked.path for asked in other.requests)
        assert not any(KEY in asked.path for asked in own.requests)
    await fetch.close()


async def test_a_refused_key_is_told_without_the_key() -> None:
    fetch = fetcher(FakeClock())
    async with FeedServer() as server:
        server.fail("/list", 403)
        source = a_source(kind="regulations", url=server.url("/list"))
        error = await fetch(source, source.url, Cursor(source.id))
        assert isinstance(error, FetchError)
        assert (error.status, KEY in str(error) + repr(error)) == (403, False)
    await fetch.close()
    assert KEY not in repr(Keys(ALL))


async def test_other_kinds_are_asked_without_any_key() -> None:
    async with FeedServer() as server, a_fetcher() as fetch:
        server.publish("/list", "{}")
        source = a_source(kind="regulations", url=server.url("/list"))
        await fetch(source, source.url, Cursor(source.id))
        assert not shown(server.last("/list"))


def test_keys_come_from_the_environment_and_a_source_without_one_waits_and_says_so() -> None:
    chosen = {"POLICYBELL_CATALOGUE__ENABLED": "congress-laws,regulations-gov"}
    settings = load(None, {**chosen, "POLICYBELL_KEYS__CONGRESS": KEY})
    assert [spec.id for spec in settings.source_specs()] == ["congress-laws"]
    [(waiting, _, why)] = settings.not_yet_sources()
    assert (waiting, why) == ("regulations-gov", "it needs a key: set POLICYBELL_KEYS__REGULATIONS")
    assert KEY in settings.secrets()
    assert KEY not in repr(settings)
