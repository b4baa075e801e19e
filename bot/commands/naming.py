"""What people mean by the words after `follow`: topics, and words that narrow the topic before them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from bot.commands.registry import Declined, Desk
from bot.commands.wording import bold, echo, fits, refusal
from bot.core.model import Subscription, Topic
from bot.core.query import All, QueryError, TopicRef, parse, show
from bot.core.speech import Call, Choice
from bot.core.syntax import ADMITTED
from bot.core.text import cut
from bot.core.tree import all_of

_NARROWING_CHARS = 200
_LABEL_CHARS = 64
_MISTYPED = 0.75  # how like a topic a narrowing word must be before it is asked about: "asilum", not "visit"


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing to follow. `doubt` is a topic that a narrowing word nearly names."""

    topic: Topic
    query: str
    label: str
    doubt: Topic | None = None


def topic_named(desk: Desk, word: str) -> Topic | None:
    """Find a topic by its id, an alias or its name, in any case; `topic:tps` is `tps`."""
    wanted = _plain(word)
    return next((topic for topic in desk.topics if wanted in _names(topic)), None)


def near_topic(desk: Desk, word: str, likeness: float = 0.6) -> Topic | None:
    """Find the topic whose id, alias or name looks most like a word. `likeness` 1 is equal, 0 nothing in common."""
    names = {name: topic for topic in desk.topics for name in _names(topic)}
    close = get_close_matches(_plain(word), names, n=1, cutoff=likeness)
    return names[close[0]] if close else None


def wishes(desk: Desk, call: Call) -> tuple[Wish, ...]:
    """Read `TOPIC… [WORD…]`; decline with a suggestion where it cannot be read."""
    groups: list[tuple[Topic, list[str]]] = []
    for word in call.args:
        if topic := topic_named(desk, word):
            groups.append((topic, []))
        elif groups:
            groups[-1][1].append(word)
        else:
            raise unknown_topic(desk, call, word)
    return tuple(dict.fromkeys(_wish(desk, topic, words) for topic, words in groups))


def unknown_topic(desk: Desk, call: Call, word: str) -> Declined:
    """Say that a word is no topic, and which one is meant perhaps."""
    topics = Choice("Show topics", "topics")
    near = near_topic(desk, word)
    if near is None:
        return Declined(refusal("There is no topic ", bold(echo(word)), ".", choices=[topics]))
    line = " ".join((call.verb, near.id, *(arg for arg in call.args if arg != word)))
    question = "There is no topic ", bold(echo(word)), ". Did you mean ", bold(near.id), "?"
    return Declined(refusal(*question, choices=[Choice(line, line), topics]))


def is_topic(query: str) -> bool:
    """Say whether a stored query is what `follow` makes: a topic, alone or narrowed; any other is a filter."""
    try:
        tree = parse(query, limits=ADMITTED)
    except QueryError:
        return False
    return isinstance(tree.parts[0] if isinstance(tree, All) else tree, TopicRef)


def line_again(subscription: Subscription) -> str:
    """Write the line that brings a dropped subscription back."""
    if is_topic(subscription.query):
        return f"follow {line_for(subscription.query)}"
    named = f"{subscription.label} = " if subscription.label != subscription.query else ""
    return f"filter save {named}{subscription.query}"


def line_for(query: str) -> str:
    """Write a stored query as people type it after `follow`: `tps AND venezuela`."""
    return query.removeprefix("topic:")


def chosen(desk: Desk, call: Call, held: tuple[Subscription, ...]) -> tuple[Subscription, ...]:
    """Find the subscriptions meant: by number, by query, by what `follow` would have made of the words."""
    if all(word.isdecimal() for word in call.args):
        return tuple(one for one in held if str(one.id) in call.args)
    try:
        text = show(parse(" ".join(call.args)))
    except QueryError:
        text = ""
    if exact := tuple(one for one in held if one.query == text):
        return exact
    wanted = {wish.query for wish in wishes(desk, call)}
    return tuple(one for one in held if one.query in wanted)


def line_with(verb: str, subscription: Subscription, *more: str) -> str:
    """Write a line about a subscription; by its number where the query is too long for a button."""
    line = " ".join((verb, line_for(subscription.query), *more))
    return line if fits(line) else " ".join((verb, str(subscription.id), *more))


def _names(topic: Topic) -> Iterable[str]:
    return (name.casefold() for name in (topic.id, *topic.aliases, topic.name))


def _plain(word: str) -> str:
    return word.strip('"').casefold().removeprefix("topic:")


def _wish(desk: Desk, topic: Topic, words: list[str]) -> Wish:
    narrowing = " ".join(words[1:] if words[:1] == ["AND"] else words)
    if not narrowing:
        return Wish(topic, show(TopicRef(topic.id)), topic.name)
    if len(narrowing) > _NARROWING_CHARS:
        raise Declined(refusal(f"The words that narrow a topic may have {_NARROWING_CHARS} characters in all."))
    try:
        query = parse(f"topic:{topic.id} AND ({narrowing})")
    except QueryError as error:
        raise Declined(refusal(f"I cannot read the words after {topic.id}. {error.sentence} {error.hint}")) from error
    match query:
        case All((_, *rest)):
            label = cut(f"{topic.name}: {show(all_of(rest))}", _LABEL_CHARS, len)
        case _:  # brackets that close more than they opened
            raise Declined(refusal(f"I cannot read the words after {topic.id}: they can only narrow it."))
    doubt = next((near for word in words if (near := near_topic(desk, word, _MISTYPED))), None)
    return Wish(topic, show(query), label, doubt)
