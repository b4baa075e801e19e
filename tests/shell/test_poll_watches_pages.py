"""A page over loopback, polled, compared and told: what followers of it get, and what they do not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from html import escape
from pathlib import Path

import pytest

from bot.core.agenda import AgendaLimits
from bot.core.index import Index
from bot.core.intake import FeedResponse, Parsed, SourceSpec, Trouble
from bot.core.model import Chat, DeliveryState, Document, Voice
from bot.core.query import parse
from bot.errors import ParseError
from bot.poll import LiveIndex, PollDesk, Polled, poll_due
from bot.ports import Store
from bot.reading.job import read as read_in_child
from bot.reading.wire import decode_end, decode_entry
from bot.store import open_store
from bot.store.memory import MemoryStore
from tests.builders import a_source
from tests.fakes.clock import FakeClock
from tests.fakes.feeds import FeedServer
from tests.fakes.fetching import a_fetcher
from tests.shared_data import shared

CHAT = Chat("fake", "", "1")
VERSIONS = "samples/spanish/infoconsular_migracion_page_versions.json"


def status_page(venezuela: str = "August 7, 2025", *, appeal: bool = True, nonce: int = 1, extra: str = "") -> str:
    """Write a page as immigration offices lay theirs out: a table of countries, notes, a menu, a counter."""
    section = "<h2>How to appeal</h2><p>Write to the office within 30 days.</p>" if appeal else ""
    return f"""<!DOCTYPE html><html lang="en"><head><title>Temporary Protected Status</title>
<script nonce="{nonce}">track({nonce})</script></head><body><nav><a href="/?s={nonce}">Menu {nonce}</a></nav>
<main><h1>Temporary Protected Status</h1><p>Who may stay&nbsp;here, and until when.</p>{extra}
<div class="visits">Visitors: {nonce}</div><h2 id="countries">Countries</h2>
<table><thead><tr><th>Country</th><th>Designated</th><th>Ends</th></tr></thead><tbody>
<tr><td>Haiti</td><td>August 3, 2023</td><td>February 3, 2026</td></tr>
<tr><td><a href="/venezuela?utm_source={nonce}">Venezuela</a></td><td>March 9, 2021</td><td>{venezuela}</td></tr>
</tbody></table><h2>How to apply</h2><p>Send the form.</p>{section}
<p>Last Reviewed/Updated: 10/0{nonce % 9 + 1}/2023</p></main><footer>{nonce}</footer></body></html>"""


async def read(_source: SourceSpec, response: FeedResponse, *_known: object) -> Parsed | ParseError:
    *entries, last, _ = read_in_child(_source.kind, response, _source.hints).split(b"\n")
    end = decode_end(last)
    return end if isinstance(end, ParseError) else Parsed(tuple(map(decode_entry, entries)), end)


class House:
    def __init__(self, server: FeedServer, desk: PollDesk, clock: FakeClock) -> None:
        self.server, self.desk, self.clock = server, desk, clock
        self.etags = 0

    async def poll(self, body: str | None = None) -> Polled:
        """Poll once; without a body, the page stays as it is and the server may say so."""
        if body is not None:
            self.etags += 1
            self.server.publish("/page", body, etag=f'"v{self.etags}"', content_type="text/html; charset=utf-8")
        self.clock.advance(timedelta(hours=7))
        [polled] = await poll_due(self.desk)
        return polled

    async def told(self) -> list[Document]:
        rows = await self.desk.store.outbox(tuple(DeliveryState), 100)
        return [row.alert.story.lead for row in rows]


async def a_house(store: Store, server: FeedServer, language: str = "en") -> AsyncIterator[House]:
    clock = FakeClock()
    index = Index({"tps": parse("venezuela OR venezolanos OR appeal")})
    async with a_fetcher(clock=clock) as fetch:
        source = a_source(
            id="page",
            kind="page",
            name="USCIS page on Temporary Protected Status",
            url=server.url("/page"),
            language=language,
            select={"drop": ".visits"},
        )
        limits = AgendaLimits(0.0, timedelta(hours=6), timedelta(minutes=1))
        desk = PollDesk(store, fetch, read, LiveIndex(store, index), {source.id: source}, clock, lambda: 0.0, limits)
        await store.register((source,))
        await store.follow(CHAT, Voice(), "topic:tps", "TPS", clock.now())
        yield House(server, desk, clock)


@pytest.fixture(params=["memory", "sqlite"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    store: Store = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path / 'a.db'}")
    async with FeedServer() as server:
        language = "es" if "spanish" in request.node.name else "en"
        async for house in a_house(store, server, language):
            yield house
    await store.close()


async def test_a_moved_date_reaches_followers_with_country_old_date_and_new(house: House) -> None:
    assert (await house.poll(status_page())).baseline
    assert await house.told() == []
    await house.poll(status_page("October 3, 2026", nonce=2))
    [document] = await house.told()
    assert document.title == "USCIS page on Temporary Protected Status: “Venezuela” changed"
    assert document.url.endswith("/page#countries")
    assert document.text.startswith("Countries, Venezuela: the date August 7, 2025 is now October 3, 2026.")
    assert "Haiti" not in document.text
    polled = await house.poll(status_page("October 3, 2026", nonce=3))
    assert (polled.new, polled.error) == (0, "")


async def test_noise_of_the_page_tells_nothing(house: House) -> None:
    for nonce in range(1, 6):
        polled = await house.poll(status_page(nonce=nonce))
        assert (polled.new, polled.error) == (0, "")
    assert await house.told() == []


async def test_a_section_gone_once_and_back_tells_nothing_and_gone_twice_is_removed(house: House) -> None:
    for appeal in (True, False, True):
        assert (await house.poll(status_page(appeal=appeal))).new == 0
    assert (await house.poll(status_page(appeal=False))).new == 0
    assert (await house.poll()).new == 1  # the server could say "unchanged": it is not asked whether it was
    [document] = await house.told()
    assert document.title == "USCIS page on Temporary Protected Status: “How to appeal” removed"
    assert "within 30 days" in document.text
    assert (await house.poll()).new == 0


async def test_another_page_is_a_failure_with_a_name_and_loses_nothing(house: House) -> None:
    await house.poll(status_page())
    login = "<html><head><title>A</title></head><body><main><h1>Planned work</h1><p>Soon.</p></main></body></html>"
    for _ in range(2):
        polled = await house.poll(login)
        assert "sections are missing" in polled.error
    [cursor] = await house.desk.store.cursors()
    assert cursor.trouble is Trouble.BROKEN
    assert (await house.poll(status_page())).error == ""
    remembered = await house.desk.store.page("page")
    assert remembered is not None
    assert remembered.doubt is None
    assert await house.told() == []


async def test_the_spanish_pages_versions_are_told_and_cosmetic_ones_are_not(house: House) -> None:
    versions = sorted(json.loads(shared(VERSIONS).read_text("utf-8")), key=lambda version: version["date"])
    news = []
    for version in versions:
        sections = "".join(
            f"<h2>{escape(one['titulo'])}</h2><p>{escape(one['texto'])}</p><a href='{escape(one['enlace'])}'>Más</a>"
            for one in version["sections"]
        )
        page = f"<html><head><title>Migración</title></head><body><main>{sections}</main></body></html>"
        polled = await house.poll(page)
        news.append("failed" if polled.error else polled.new)
    # without sections; the first with some; nothing new; reworded; new; new; renamed and new; twice nothing but a
    # capital letter; new; renamed
    assert news == ["failed", "failed", 0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 1]
    told = [document.text for document in await house.told()]
    assert all("“" in text for text in told)
    assert any("ahora se llama" in text for text in told)
    assert any("Sección nueva" in text for text in told)
