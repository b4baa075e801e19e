"""What people ask of the past: what was new, and why something came or did not."""

from __future__ import annotations

from collections.abc import Iterable

from bot.commands.naming import topic_named, unknown_topic
from bot.commands.registry import Desk, Who, command
from bot.commands.searching import hits_of, matching, page_of, words_of
from bot.commands.wording import bold, echo, refusal, reply, story_line, typed
from bot.core.added import is_private
from bot.core.links import canonical_url
from bot.core.model import Delivery, DeliveryState, Hit, Story, Topic
from bot.core.speech import Call, Choice, Reply, Span

_DEFAULT_LATEST, _MAX_LATEST = 5, 20
_LOOK_BACK = 200  # alerts of a chat that are looked through

_BECAME = {
    DeliveryState.PENDING: "An alert waits to be sent to this chat.",
    DeliveryState.SENDING: "An alert is being sent to this chat right now.",
    DeliveryState.SENT: "An alert was sent to this chat.",
    DeliveryState.MAYBE: "An alert was sent to this chat; whether it arrived was never confirmed.",
    DeliveryState.DEAD: "An alert was made for this chat, and the platform refused it.",
    DeliveryState.EXPIRED: "An alert was made for this chat, and could not be sent in time.",
    DeliveryState.CANCELLED: "An alert was made for this chat, and cancelled before it was sent.",
}


@command("latest [N] [TOPIC]", "the newest stories, of all topics or of one", who=Who.EVERYBODY)
async def latest(desk: Desk, call: Call) -> Reply:
    count, chosen = _DEFAULT_LATEST, list[Topic]()
    for word in call.args:
        if word.isdecimal():
            count = min(max(int(word), 1), _MAX_LATEST)
        elif topic := topic_named(desk, word):
            chosen.append(topic)
        else:
            raise unknown_topic(desk, call, word)
    parts: list[str | Span] = []
    async for story in matching(desk, *(f"topic:{topic.id}" for topic in chosen or desk.topics)):
        parts += [*story_line(story, desk.voice), "\n"]
        count -= 1
        if not count:
            break
    about = " and ".join(topic.name for topic in chosen) or "any topic"
    follow = [Choice(f"Follow {topic.name}", f"follow {topic.id}") for topic in chosen]
    return reply(*(parts or [f"Nothing stored matches {about} yet."]), choices=follow or [_TOPICS])


@command("why ALERT|URL", "why an alert came, or what became of an address", who=Who.EVERYBODY)
async def why(desk: Desk, call: Call) -> Reply:
    match call.args:
        case (word,):
            pass
        case _:
            example = typed(desk, call, "why 8812")
            return refusal("Why what? Give an alert's number or an address, for example ", example)
    number = word.removeprefix("#")
    if number.isdecimal() and number.isascii():
        story = await desk.store.story(int(number)) if len(number) < _NUMBER_DIGITS else None
        unknown = f"I know no alert #{echo(number)}."
    else:
        url = canonical_url(word)
        if not url:
            return refusal(bold(echo(word)), " is neither an alert's number nor a web address.")
        story = await desk.store.story_with_key(f"url:{url}")
        unknown = "I have not seen that address in any source."
    if story is None or await _is_anothers(desk, call, story):
        return refusal(unknown, choices=[Choice("What is read", "sources")])
    return await _explain(desk, call, story)


async def _is_anothers(desk: Desk, call: Call, story: Story) -> bool:
    """Say whether a story is of a source that another chat added for itself: this one has never been told of it."""
    if call.is_operator or not is_private(story.lead.source_id):
        return False
    return await desk.store.told(call.chat, story.number) is None


_TOPICS = Choice("Choose topics", "topics")
_NUMBER_DIGITS = 18  # a story's number fits in 64 bits


async def _explain(desk: Desk, call: Call, story: Story) -> Reply:
    parts = [*story_line(story, desk.voice), Span("\n")]
    for decision in await desk.store.decisions(story.number):
        parts += [Span(f"Decided: {decision}\n")]
    if delivery := await desk.store.told(call.chat, story.number):
        return reply(*parts, *_told(delivery))
    page = page_of(story)
    held = [
        (one.label, hits)
        for one in await desk.store.subscriptions(call.chat)
        if (hits := hits_of(desk, one.query, page)) is not None
    ]
    if held:
        return reply(
            *parts, "No alert was made for this chat. What it follows now does match:\n", *_matched(story, held)
        )
    return _unfollowed(desk, story, parts)


def _told(delivery: Delivery) -> Iterable[str | Span]:
    answers = "It answers:" if delivery.alert.why else "What it answered is not followed here any more."
    became = _BECAME[delivery.state]
    if delivery.state is DeliveryState.EXPIRED and delivery.receipt:
        became = "An alert for this chat came late, by title and link in a list."
    if delivery.state is DeliveryState.CANCELLED and delivery.last_error:
        became = f"{became.removesuffix('.')}: {delivery.last_error}."
    yield f"{became} {answers}\n"
    yield from _matched(delivery.alert.story, [(why.label, why.hits) for why in delivery.alert.why])


def _matched(story: Story, found: Iterable[tuple[str, tuple[Hit, ...]]]) -> Iterable[str | Span]:
    for label, hits in found:
        words = ", ".join(f"“{word}”" for word in words_of(story, hits))
        yield from (bold(label), f" on {words}\n" if words else "\n")


def _unfollowed(desk: Desk, story: Story, parts: list[Span]) -> Reply:
    """Say which topics a story matches that the chat does not follow."""
    page = page_of(story)
    found = [(topic, hits) for topic in desk.topics if (hits := hits_of(desk, f"topic:{topic.id}", page)) is not None]
    if not found:
        return reply(*parts, "It matches nothing this chat follows, and no topic.")
    rows = _matched(story, [(topic.name, hits) for topic, hits in found])
    choices = [Choice(f"Follow {topic.name}", f"follow {topic.id}") for topic, _ in found]
    return reply(*parts, "It matches nothing this chat follows. It does match:\n", *rows, choices=choices)
