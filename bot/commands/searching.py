"""Asking stored stories what alerts ask new ones: the same parser, the same matcher, the same answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import lru_cache

from bot.commands.registry import Desk
from bot.core.model import Hit, Story, Topic
from bot.core.page import Page, find, read_page
from bot.core.query import Query, QueryError, expand, parse, read_topics

_LOOK_BACK = 500  # newest stories that a question looks through
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
