"""What operators do to one source: leave it alone, take it up again, poll it soon; let go of what is held of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from bot.commands.registry import Desk
from bot.commands.wording import bold, echo, plural, refusal, reply
from bot.core.intake import SourceSpec
from bot.core.moves import host_of
from bot.core.speech import Call, Reply

# No source is asked more than once a minute, whoever wants it (reliability R25): nobody remembers when it was asked
# last, so a minute from now is the soonest that is surely right.
SOONEST = timedelta(seconds=60)


async def steer(desk: Desk, call: Call) -> Reply:
    """Carry out `sources WHAT ID`."""
    what, source_id = (*call.args, "")[:2]
    run = STEERS.get(what.lower())
    if run is None or len(call.args) != 2:  # noqa: PLR2004 - a word and an id
        return refusal(f"Usage: sources, or sources {'|'.join(STEERS)} ID.")
    source = next((one for one in desk.sources if one.id == source_id.lower()), None)
    if source is None:
        return refusal("There is no source ", bold(echo(source_id)), ". Sources have ids such as ", *_examples(desk))
    return await run(desk, source)


async def _pause(desk: Desk, source: SourceSpec) -> Reply:
    if not await desk.store.pause_source(source.id, desk.clock.now()):
        return await _why_not(desk, source)
    return reply(bold(source.name), f" is paused: it is not read until `sources resume {source.id}`.")


async def _resume(desk: Desk, source: SourceSpec) -> Reply:
    if not await desk.store.resume_source(source.id):
        return reply(bold(source.name), " was not paused.")
    return reply(bold(source.name), " is read again. What was published meanwhile and still stands there will be sent.")


async def _move(desk: Desk, source: SourceSpec) -> Reply:
    if not (to := await desk.store.move_source(source, desk.clock.now())):
        return refusal(bold(source.name), " redirects nowhere for good.")
    return reply(bold(source.name), f" is read at {host_of(to)} from now on. Another `url` in bot.toml would win.")


async def _poll(desk: Desk, source: SourceSpec) -> Reply:
    if not await desk.store.poll_next(source.id, desk.clock.now() + SOONEST):
        return await _why_not(desk, source)
    return reply(bold(source.name), " is polled within about a minute.")


async def _release(desk: Desk, source: SourceSpec) -> Reply:
    if not (items := await desk.store.release_flood(source.id, desk.clock.now())):
        return _nothing_held(source)
    what = plural(items, "item goes", "items go")
    return reply(f"{what} out within a minute: each chat gets one list of what it follows.")


async def _discard(desk: Desk, source: SourceSpec) -> Reply:
    if not (items := await desk.store.discard_flood(source.id)):
        return _nothing_held(source)
    what = plural(items, "item is", "items are")
    return reply(f"{what} discarded: kept in the archive, and sent to nobody.")


def _nothing_held(source: SourceSpec) -> Reply:
    return refusal("Nothing of ", bold(source.name), " is held back: it went out already, or was discarded.")


async def _why_not(desk: Desk, source: SourceSpec) -> Reply:
    if source.id in await desk.store.paused_sources():
        return refusal(bold(source.name), f" is paused. `sources resume {source.id}` has it read again.")
    return refusal(bold(source.name), " is new to the database. Start the bot once, then ask again.")


STEERS: Mapping[str, Callable[[Desk, SourceSpec], Awaitable[Reply]]] = {
    "move": _move,
    "release": _release,
    "discard": _discard,
    "pause": _pause,
    "resume": _resume,
    "poll": _poll,
}


def _examples(desk: Desk) -> tuple[str, ...]:
    shown = ", ".join(source.id for source in desk.sources[:3])
    return (f"{shown}; the web page and `policybell sources list` have all of them.",)
