"""Asking stored stories what alerts ask new ones: the same parser, the same matcher, the same answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from functools import lru_cache

from bot.commands.registry import Desk
from bot.commands.wording import story_line
from bot.core.card import excerpt
from bot.core.model import Hit, Story, Topic, Voice
from bot.core.page import Page, find, read_page
from bot.core.preview import WINDOW, Preview, Sample, Survey
from bot.core.query import Query, QueryError, expand, parse, read_topics
from bot.core.speech import Span

_LOOK_BACK = 500  # newest stories that a question looks through
_SURVEYED = 2_000  # newest stories that a preview asks: about a second on a small machine
_BREATH = 20  # stories between two pauses for the event loop


@lru_cache(maxsize=4)
def topic_trees(topics: tuple[Topic, ...]) -> Mapping[str, Query]:
    """Parse the topics' queries, once for one set of topics."""
    return read_topics(topics)


def tree(desk: Desk, text: str) -> Query | None:
    """Read a stored query; None where it no longer reads, for example because its topic is gone."""
    try:
        return expand(parse(text), topic_trees(desk.topics))
    except QueryError:
        return None


def page_of(story: Story) -> Page:
    """Make a story ready to be asked."""
    return read_page(story.lead.title, story.lead.text)


def hits_of(desk: Desk, text: str, page: Page) -> tuple[Hit, ...] | None:
    """Find a stored query in a story's page; None where it does not match."""
    query = tree(desk, text)
    return None if query is None else find(query, page)


async def matching(desk: Desk, *texts: str) -> AsyncIterator[Story]:
    """Yield the newest stories that any of these queries matches, newest first."""
    queries = [query for text in texts if (query := tree(desk, text)) is not None]
    for count, story in enumerate(await desk.store.stories(_LOOK_BACK), start=1):
        page = page_of(story)
        if any(find(query, page) is not None for query in queries):
            yield story
        if count % _BREATH == 0:
            await desk.clock.sleep(0)


def words_of(story: Story, hits: tuple[Hit, ...]) -> tuple[str, ...]:
    """Give the words of a story that hits point at, each once, in order."""
    fields = {"title": story.lead.title, "text": story.lead.text}
    return tuple(dict.fromkeys(fields[hit.field][hit.start : hit.end] for hit in hits))


async def survey(desk: Desk, *queries: Query, samples: int = 3) -> list[Preview]:
    """Ask the newest stored stories of the last 30 days, each once; show the first few that match each query.

    Raise `QueryError` where a query names a topic that is none.
    """
    now = desk.clock.now()
    asked = [Survey(query, topic_trees(desk.topics), now) for query in queries]
    found: list[list[Sample]] = [[] for _ in queries]
    read = 0
    before: int | None = None
    while read < _SURVEYED and (part := await desk.store.stories(_BREATH, before)):
        for story in part:
            page = page_of(story)
            for one, shown in zip(asked, found, strict=True):
                hits = one.look(story, page)
                if hits is not None and len(shown) < samples:
                    shown.append(Sample(story, hits))
        read, before = read + len(part), part[-1].number
        if part[-1].first_seen_at < now - WINDOW:
            break
        await desk.clock.sleep(0)
    return [one.preview(tuple(shown)) for one, shown in zip(asked, found, strict=True)]


def marked(sample: Sample, voice: Voice) -> tuple[Span, ...]:
    """Name a story on one line, the words that matched in bold; where they stand in its text alone, quote it."""
    lead = sample.story.lead
    title, rest = story_line(sample.story, voice)
    in_title = [hit for hit in sample.hits if hit.field == "title"]
    in_text = [hit for hit in sample.hits if hit.field == "text"]
    if in_title:
        return *(replace(span, url=lead.url) for span in excerpt(lead.title, in_title)), rest
    return title, rest, *((Span("\n"), *excerpt(lead.text, in_text)) if in_text else ())
