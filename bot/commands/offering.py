"""What a link to the bot carries (`/start t_tps`): a topic that is offered, since a link must not change a chat."""

from __future__ import annotations

from collections.abc import Sequence

from bot.commands.naming import topic_named
from bot.commands.registry import Desk
from bot.core.model import Topic
from bot.core.speech import Choice

_TOPIC = "t_"


def payload_for(topic: Topic) -> str:
    """Write what a link carries to offer a topic."""
    return f"{_TOPIC}{topic.id}"


def is_offer(args: Sequence[str]) -> bool:
    """Say whether the words after `start` came from a link that offers something."""
    return any(word.startswith(_TOPIC) for word in args)


def offered(desk: Desk, args: Sequence[str]) -> list[Choice]:
    """Offer the topics that a link carries; what it carries else is nothing."""
    topics = (topic_named(desk, word.removeprefix(_TOPIC)) for word in args)
    return [Choice(f"Follow {topic.name}", f"follow {topic.id}") for topic in topics if topic]
