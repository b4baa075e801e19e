"""Adding and dropping sources: operators for everybody, a chat for itself alone where the settings let it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from bot.commands.registry import Desk
from bot.commands.wording import bold, echo, plural, refusal, reply, typed
from bot.core.added import A_CHAT_AT_MOST, Added, Refusal, Wanted, is_private
from bot.core.intake import SourceSpec
from bot.core.speech import Call, Choice, Reply, Span
from bot.errors import SourceError

_URL_SIZE = 2_000
_NAME_SIZE = 100
_WHY_NOT = {
    Refusal.KNOWN: "It is there already.",
    Refusal.FULL: f"A chat may have {A_CHAT_AT_MOST} sources of its own. Drop one first.",
    Refusal.HOSTS: "The chats of this bot read as many sites as it can ask politely. Ask its operators for this one.",
    Refusal.CROWDED: "The chats of this bot read as much of that site as it can ask politely. Ask its operators.",
}


async def add_or_drop(desk: Desk, call: Call) -> Reply:
    """Carry out `sources add URL [NAME]` or `sources drop ID`."""
    if not (call.is_operator or (desk.from_chats and call.may_change)):
        whose = "those who may change this chat's settings" if desk.from_chats else "its operators"
        return refusal(f"Here only {whose} may add and drop sources. Ask them for the one you miss.")
    what, *words = call.args
    if not words:
        return refusal("Write the address of a feed or a page, for example ", typed(desk, call, _EXAMPLE))
    return await ADDING[what.lower()](desk, call, words)


async def seen_here(desk: Desk, call: Call) -> tuple[SourceSpec, ...]:
    """Leave out what other chats added for themselves; operators see all."""
    if call.is_operator or not any(is_private(source.id) for source in desk.sources):
        return desk.sources
    own = {one.id for one in await desk.store.added_sources() if one.chat == call.chat}
    return tuple(source for source in desk.sources if not is_private(source.id) or source.id in own)


_EXAMPLE = "sources add https://example.org/news"


async def _add(desk: Desk, call: Call, words: list[str]) -> Reply:
    url, *name = words
    if why := _no_address(url):
        return refusal(why)
    if desk.discover is None:
        return refusal("Nobody can ask the network just now. Start the bot, then ask again.")
    found = await desk.discover(url)
    if isinstance(found, SourceError):
        return refusal(bold(echo(url)), f" cannot be read: {found}.")
    if len(found) > 1:
        return _choose(desk, call, [(offer.url, offer.title) for offer in found])
    title = " ".join(name)[:_NAME_SIZE] if call.is_operator else ""
    return await _added(desk, call, found[0].url, title)


def _no_address(url: str) -> str:
    """Say why this is no address that may be added; the gate looks at it again before anything is dialed."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "That is not a web address."
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(url) > _URL_SIZE or not url.isascii():
        return "A web address begins with https:// or http://, for example https://example.org/news."
    if parts.username is not None or parts.password is not None:
        return "The address holds a user name or a password, which a source may not."
    return ""


def _choose(desk: Desk, call: Call, offers: list[tuple[str, str]]) -> Reply:
    parts: list[str | Span] = ["There are several feeds. Which one?"]
    for url, title in offers:
        parts += ["\n", bold(echo(title) or "Untitled"), " · ", typed(desk, call, f"sources add {url}")]
    choices = [Choice(f"Add {echo(title) or url}", f"sources add {url}") for url, title in offers]
    return reply(*parts, choices=choices)


async def _added(desk: Desk, call: Call, url: str, name: str) -> Reply:
    chat = None if call.is_operator else call.chat
    wanted = Wanted("feed", url, name or urlsplit(url).hostname or url, chat)
    match await desk.store.add_source(wanted, desk.voice, desk.clock.now()):
        case Added() as added:
            await desk.regathered()
        case refused:
            return refusal(_WHY_NOT[refused])
    told = "everybody who follows what it tells of" if chat is None else "this chat alone, of what it follows"
    return reply(
        bold(added.name),
        f" is read from now on ({url}), for {told}. What stands there now is taken stock of, and not sent. To undo: ",
        typed(desk, call, f"sources drop {added.id}"),
    )


async def _drop(desk: Desk, call: Call, words: list[str]) -> Reply:
    known = [one for one in await desk.store.added_sources() if call.is_operator or one.chat == call.chat]
    dropped = next((one for one in known if one.id == words[0].lower()), None)
    if dropped is None:
        return refusal("There is no source ", bold(echo(words[0])), " that was added here. ", *_listed(known))
    await desk.store.drop_source(dropped.id)
    await desk.regathered()
    return reply(bold(dropped.name), " is not read any more.")


def _listed(known: list[Added]) -> list[str]:
    """Name what was added by its ids."""
    if not known:
        return ["Nothing was."]
    return [f"{plural(len(known), 'source')}: ", ", ".join(f"{one.id} ({one.name})" for one in known)]


ADDING: Mapping[str, Callable[[Desk, Call, list[str]], Awaitable[Reply]]] = {"add": _add, "drop": _drop}
