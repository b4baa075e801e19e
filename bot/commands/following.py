"""What a chat follows: choosing, dropping, listing."""

from __future__ import annotations

from collections.abc import Iterable

from bot.commands.naming import Wish, chosen, line_again, line_for, line_with, wishes
from bot.commands.registry import Desk, Who, command
from bot.commands.searching import matching
from bot.commands.wording import bold, italic, paused_note, plural, refusal, reply, state_in_words, story_line, typed
from bot.core.model import Subscription
from bot.core.speech import Call, Choice, Reply, Span

MAX_SUBSCRIPTIONS = 50  # a chat


@command("topics", "the topics there are, and which ones this chat follows", who=Who.EVERYBODY, aliases=("temas",))
async def topics(desk: Desk, call: Call) -> Reply:
    followed = {subscription.query for subscription in await desk.store.subscriptions(call.chat)}
    parts: list[str | Span] = ["Topics:"]
    choices = []
    for topic in desk.topics:
        follows = f"topic:{topic.id}" in followed
        parts += ["\n", bold(topic.name), f" · {topic.id}", " · followed" if follows else ""]
        verb, label = ("unfollow", "Unfollow") if follows else ("follow", "Follow")
        choices.append(Choice(f"{label} {topic.name}", f"{verb} {topic.id}"))
    return reply(
        *parts, "\nA word after a topic narrows it: ", typed(desk, call, "follow tps venezuela"), choices=choices
    )


@command(
    "follow TOPIC… [WORD…]",
    "be told when something new matches a topic; a word after a topic narrows it",
    who=Who.CHANGERS,
    aliases=("seguir",),
)
async def follow(desk: Desk, call: Call) -> Reply:
    if not call.args:
        return refusal("Follow what? For example: ", typed(desk, call, "follow tps"), choices=[_PICK])
    wanted = wishes(desk, call)
    had = {subscription.query: subscription.mute for subscription in await desk.store.subscriptions(call.chat)}
    if len(had.keys() | {wish.query for wish in wanted}) > MAX_SUBSCRIPTIONS:
        return refusal(
            f"A chat may follow up to {MAX_SUBSCRIPTIONS} things. Unfollow something first.", choices=[_LIST]
        )
    parts: list[str | Span] = []
    for wish in wanted:
        added = await desk.store.follow(call.chat, desk.voice, wish.query, wish.label, desk.clock.now())
        parts += ["Following " if added else "This chat follows ", bold(wish.label), "." if added else " already."]
        muted = state_in_words(desk, had.get(wish.query), " It is muted")
        parts += [f"{muted}." if muted else ""]
        parts += [" To undo: ", typed(desk, call, f"unfollow {line_for(wish.query)}"), "\n", *_doubt(desk, call, wish)]
    parts += [*await _example(desk, wanted), *await paused_note(desk, call)]
    return reply(*parts, choices=_after_follow(await desk.store.subscriptions(call.chat), wanted))


@command("unfollow TOPIC|all|QUERY", "stop being told", who=Who.CHANGERS, aliases=("dejar",))
async def unfollow(desk: Desk, call: Call) -> Reply:
    held = await desk.store.subscriptions(call.chat)
    match call.args:
        case ():
            return refusal("Unfollow what?\n", *_lines(desk, call, held), choices=_unfollow_choices(held))
        case ("all", *_) if not held:
            return reply("This chat follows nothing.", choices=[_PICK])
        case ("all",):
            count = plural(len(held), "subscription")
            confirm = Choice("Unfollow everything", "unfollow all yes")
            return reply(f"This drops all {count} of this chat. To confirm: ", typed(desk, call, confirm.line),
                         choices=[confirm])  # fmt: skip
        case ("all", "yes"):
            dropped = await desk.store.unfollow(call.chat, None, desk.clock.now())
            return reply(f"Stopped following everything ({len(dropped)}).", choices=[_PICK])
        case _:
            return await _drop(desk, call, held)


@command("list", "what this chat follows", who=Who.EVERYBODY, aliases=("filters", "lista"))
async def list_subscriptions(desk: Desk, call: Call) -> Reply:
    held = await desk.store.subscriptions(call.chat)
    if not held:
        start = typed(desk, call, "follow tps")
        return reply("This chat follows nothing yet. To start: ", start, choices=[_PICK])
    head = f"This chat follows {plural(len(held), 'thing')}:\n"
    paused = await paused_note(desk, call)
    choices = [_RESUME, *_unfollow_choices(held)] if paused else _unfollow_choices(held)
    return reply(head, *_lines(desk, call, held), *paused, choices=choices)


_PICK = Choice("Choose topics", "topics")
_LIST = Choice("What this chat follows", "list")
_RESUME = Choice("Resume", "resume")


async def _drop(desk: Desk, call: Call, held: tuple[Subscription, ...]) -> Reply:
    meant = chosen(desk, call, held)
    if not meant:
        return refusal("This chat does not follow that. ", *_lines(desk, call, held), choices=_unfollow_choices(held))
    parts: list[str | Span] = []
    for subscription in meant:
        await desk.store.unfollow(call.chat, subscription.query, desk.clock.now())
        parts += ["Stopped following ", bold(subscription.label), ". To undo: "]
        parts += [typed(desk, call, line_again(subscription)), "\n"]
    return reply(*parts, choices=[Choice("Undo", line_again(one)) for one in meant[:1]])


def _lines(desk: Desk, call: Call, held: Iterable[Subscription]) -> Iterable[str | Span]:
    for subscription in held:
        silent = state_in_words(desk, subscription.mute, " · muted")
        yield from (
            bold(subscription.label),
            silent,
            " · ",
            typed(desk, call, line_with("unfollow", subscription)),
            "\n",
        )


def _unfollow_choices(held: Iterable[Subscription]) -> list[Choice]:
    return [Choice(f"Unfollow {one.label}", line_with("unfollow", one)) for one in held]


def _doubt(desk: Desk, call: Call, wish: Wish) -> Iterable[str | Span]:
    """Say what a narrowing word does where it looks like a mistyped topic."""
    if wish.doubt is not None:
        yield f"The words narrow {wish.topic.name}. If you meant the topic {wish.doubt.name}: "
        yield from (typed(desk, call, f"follow {wish.doubt.id}"), "\n")


async def _example(desk: Desk, wanted: tuple[Wish, ...]) -> tuple[str | Span, ...]:
    async for story in matching(desk, *(wish.query for wish in wanted)):
        return italic("Example"), ", the newest match so far: ", *story_line(story, desk.voice)
    return ("Nothing stored matches yet; you hear from me when something new does.",)


def _after_follow(held: Iterable[Subscription], wanted: tuple[Wish, ...]) -> list[Choice]:
    queries = {wish.query for wish in wanted}
    return [*_unfollow_choices(one for one in held if one.query in queries), _LIST, _PICK]
