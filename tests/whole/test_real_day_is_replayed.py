"""The real day that this product began with: 5 October 2023, 27 feeds, minute by minute on an injected clock.

The data stays outside the project (`../shared/data/samples/seed-event`); without it the test is skipped, saying so.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.attempting import DeliverDesk
from bot.core.agenda import AgendaLimits
from bot.core.clean import canonical_url
from bot.core.index import Index, find, read_page
from bot.core.intake import SourceSpec, Standing
from bot.core.model import Chat, DeliveryState, Voice
from bot.core.query import read_topics
from bot.deliver import Lanes
from bot.fetch import Fetcher, FetchLimits
from bot.gate import Gate
from bot.poll import LiveIndex, PollDesk, poll_due
from bot.reading import ReadingRoom
from bot.store import open_store
from config import load
from tests.fakes.clock import FakeClock
from tests.fakes.feeds import FeedServer
from tests.fakes.news import Item, rss
from tests.fakes.platform import FakePlatform
from tests.shared_data import shared

MINUTE = timedelta(minutes=1)
DEPTH = 40  # items a feed shows at a time
READER = Chat("fake", "", "advocate")


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def as_item(row: dict[str, Any]) -> Item:
    published = datetime.fromisoformat(row["date_published"])
    return Item(row["title"], row["link"], row["summary_excerpt"] or "", published)


async def test_every_report_of_the_event_alerts_and_alerts_are_counted(tmp_path: Path) -> None:
    folder = shared("samples/seed-event")
    labelled = rows(folder / "seed_event_2023-10-05.labelled.jsonl")
    union = {row["link"]: row for row in (*rows(folder / "all_items_major_outlets_2023-10-05.jsonl"), *labelled)}
    by_feed: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(union.values(), key=lambda row: row["date_published"]):
        by_feed[row["feed_url"]].append(row)
    topics = read_topics(load(None, {}).topics)
    clock = FakeClock(datetime(2023, 10, 4, 23, 59, tzinfo=UTC))
    reading = ReadingRoom()
    reading.start()
    store = open_store(f"sqlite:///{tmp_path}/policybell.db")
    async with FeedServer() as server:
        paths = {feed: f"/{number}.xml" for number, feed in enumerate(sorted(by_feed))}
        sources = {
            f"feed-{number}": SourceSpec(
                id=f"feed-{number}",
                kind="feed",
                name=by_feed[feed][0]["outlet"],
                url=server.url(paths[feed]),
                every=15 * MINUTE,
                standing=Standing.NEWS,
            )
            for number, feed in enumerate(sorted(by_feed))
        }
        fetch = Fetcher(
            contact="https://example.org",
            limits=FetchLimits(per_host_delay=timedelta(0)),
            clock=clock,
            gate=Gate(allow_private=True),
        )
        desk = PollDesk(
            store=store,
            fetch=fetch,
            read=reading,
            queries=LiveIndex(store, Index(topics)),
            sources=sources,
            clock=clock,
            jitter=lambda: 0.5,
            limits=AgendaLimits(jitter_share=0.0, backoff_max=timedelta(hours=6), minimum=MINUTE),
        )
        room = FakePlatform(clock)
        lanes = Lanes(DeliverDesk(store, {"fake": room}, clock, lambda: 0.0, lambda *_: None))
        await store.register(tuple(sources.values()))
        await store.follow(READER, Voice(), "topic:tps", "TPS", clock.now())
        await store.follow(READER, Voice(), "topic:removal", "Removal", clock.now())
        for feed, path in paths.items():
            server.publish(path, rss(by_feed[feed][0]["outlet"], []), etag='"0"')
        assert all(not polled.error for polled in await poll_due(desk))

        shown = dict.fromkeys(by_feed, 0)
        failures: list[str] = []
        end = max(datetime.fromisoformat(row["date_published"]) for row in union.values()) + 16 * MINUTE
        while clock.now() < end:
            clock.advance(MINUTE)
            for feed, path in paths.items():
                out = [row for row in by_feed[feed] if datetime.fromisoformat(row["date_published"]) <= clock.now()]
                if len(out) != shown[feed]:
                    shown[feed] = len(out)
                    server.publish(
                        path, rss(out[0]["outlet"], map(as_item, reversed(out[-DEPTH:]))), etag=f'"{len(out)}"'
                    )
            failures += [polled.error for polled in await poll_due(desk) if polled.error]
            await lanes.exhaust()

        assert failures == []
        assert server.violations == []
        sent = await store.history(READER, 1000)
        census = await store.census()
        print(f"\nreal day: {len(union)} items, {census.documents} documents, {len(sent)} alerts")
        assert {state for state, count in census.deliveries.items() if count} == {DeliveryState.SENT}
        assert len(sent) == len(room.accepted)
        alerted = {row.alert.story.number for row in sent}
        known = {story.lead.title: story.number for story in await store.stories(5000)}
        for row in (row for row in labelled if row["label"] == "same_event"):
            page = read_page(row["title"], row["summary_excerpt"] or "")
            assert any(find(topics[topic], page) for topic in ("tps", "removal")), row["title"]
            story = await store.story_with_key(f"url:{canonical_url(row['link'])}")
            assert (story.number if story else known[row["title"]]) in alerted, row["title"]
    await fetch.close()
    await reading.close()
    await store.close()
