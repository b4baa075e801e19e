"""A connection that looks well and is not: the watch finds it out by its beats, and a new one takes its place."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
import structlog

from handlers.slack.client import Client
from handlers.slack.inbound import Inbound
from handlers.slack.listening import Listening
from handlers.slack.members import Members
from handlers.slack.sockets import STEADY, Rhythm, Socket, Watch
from handlers.slack.workspaces import OneWorkspace
from tests.fakes.clock import FakeClock
from tests.fakes.door import FakeDoor, until
from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, FakeSlack

# --- the watch, on beats alone ------------------------------------------------------------------------------------

HOURS = 3600 / STEADY.ping


@dataclass
class Seen:
    """What a watch is shown, beat by beat; healthy unless said otherwise."""

    watch: Watch
    beat: int = 0

    def beats(self, count: int, *, connected: bool = True, pongs: bool = True, undispatched: int = 0) -> str:
        """Show so many beats; return what was said of the last, having made sure that nothing was before."""
        said = ""
        for _ in range(count):
            assert said == ""
            self.beat += pongs
            said = self.watch.look(connected=connected, texts=1, pong=float(self.beat), undispatched=undispatched)
        return said


@pytest.fixture
def seen() -> Seen:
    return Seen(Watch(STEADY))


def test_a_healthy_connection_is_left_alone_for_hours(seen: Seen) -> None:
    assert seen.beats(round(5.5 * HOURS)) == ""


def test_one_that_slack_never_ended_is_replaced_after_six_hours(seen: Seen) -> None:
    assert seen.beats(round(6 * HOURS)) == "too old"


def test_one_whose_pings_are_not_answered_is_replaced_after_four(seen: Seen) -> None:
    assert seen.beats(100) == ""
    assert seen.beats(4, pongs=False) == "silent"


def test_a_late_answer_counts(seen: Seen) -> None:
    for _ in range(20):
        assert seen.beats(3, pongs=False) == ""
        assert seen.beats(1) == ""


def test_any_text_is_a_sign_of_life(seen: Seen) -> None:
    looks = [seen.watch.look(connected=True, texts=n, pong=None, undispatched=0) for n in range(1, 50)]
    assert set(looks) == {""}


def test_pongs_that_the_library_makes_up_are_none(seen: Seen) -> None:
    """It sets the time of the first ping as if that had been answered, and clears it when it connects anew."""
    made_up = [None, 1.0, 1.0, None, 2.0]
    assert [seen.watch.look(connected=True, texts=0, pong=pong, undispatched=0) for pong in made_up][3] == "silent"


def test_one_that_stays_away_is_replaced_after_twelve_seconds(seen: Seen) -> None:
    assert seen.beats(2, connected=False) == ""
    assert seen.beats(1) == ""
    assert seen.beats(3, connected=False) == "away"


def test_one_that_hands_nothing_on_is_replaced_after_ten_seconds(seen: Seen) -> None:
    assert seen.beats(1, undispatched=1) == ""
    assert seen.beats(1) == ""
    assert seen.beats(2, undispatched=1) == "dispatches nothing"


# --- a whole connection, whose beats the test gives ---------------------------------------------------------------

QUICK = Rhythm(ping=0.05, opening=0.3, absence=0.15, silence=0.2, dispatch=0.1)


class Metronome:
    """Beats when it is told to."""

    def __init__(self) -> None:
        self._waiting: asyncio.Future[None] | None = None

    async def __call__(self, _seconds: float) -> None:
        self._waiting = asyncio.get_running_loop().create_future()
        await self._waiting

    async def beat(self) -> None:
        """Give one beat, and wait until the watch has looked and waits again, or has ended."""
        await until(lambda: self._waiting is not None)
        waiting, self._waiting = self._waiting, None
        assert waiting is not None
        if not waiting.done():
            waiting.set_result(None)
        for _ in range(20):
            await asyncio.sleep(0)


@dataclass
class Line:
    slack: FakeSlack
    socket: Socket
    door: FakeDoor
    metronome: Metronome

    async def ask(self) -> None:
        await (await self.slack.slash("C0NEWS", "U0ANA", "latest")).answer()

    @property
    def library(self):
        return self.socket._handler.client


@contextlib.asynccontextmanager
async def connected(rhythm: Rhythm = QUICK) -> AsyncIterator[Line]:
    async with FakeSlack() as slack:
        clock, metronome, door = FakeClock(), Metronome(), FakeDoor()
        client = Client(api_url=slack.api_url, timeout=2.0)
        socket = Socket(client, APP_TOKEN, rhythm=rhythm, beat=metronome)
        listening = Listening(socket, clock)
        home = OneWorkspace(client, BOT_TOKEN, listening.doubt)

        async def look_up(_workspace: object, user: str) -> object:
            return await client.user(BOT_TOKEN, user)

        async def post(chat, message) -> str:
            return await client.post(BOT_TOKEN, chat, message)

        members = Members("members", look_up=look_up, clock=clock)
        inbound = Inbound(client, door, members, home, "/policybell", post)
        running = asyncio.create_task(listening.run(inbound.app(), home.prove))
        await until(lambda: listening.alive)
        yield Line(slack, socket, door, metronome)
        running.cancel()
        await asyncio.wait([running])
        await client.close()


async def test_a_connection_that_lives_is_kept() -> None:
    async with connected() as line:
        handler = line.socket._handler
        for _ in range(20):
            before = line.library.last_ping_pong_time
            await until(lambda before=before: line.library.last_ping_pong_time != before)
            await line.metronome.beat()
        assert line.socket._handler is handler
        await line.ask()


async def test_one_that_slack_does_not_answer_on_is_replaced_and_people_are_heard_again() -> None:
    with structlog.testing.capture_logs() as logs:
        async with connected() as line:
            await line.ask()
            line.slack.sockets.silent = True
            while not (lost := [entry for entry in logs if entry["event"] == "slack.connection_lost"]):
                await line.metronome.beat()
            assert lost[0]["why"] in {"silent", "away"}
            await until(lambda: any(entry["event"] == "slack.not_connected" for entry in logs))
            line.slack.sockets.silent = False
            await line.ask()
            assert len(line.door.calls) == 2


async def test_a_connection_without_a_greeting_is_none() -> None:
    with structlog.testing.capture_logs() as logs:
        async with connected() as line:
            line.slack.sockets.greets = False
            line.slack.cut_sockets()
            line.socket._handler.client.auto_reconnect_enabled = False
            while not [entry for entry in logs if entry["event"] == "slack.connection_lost"]:
                await line.metronome.beat()
            await until(lambda: any(entry["event"] == "slack.not_connected" for entry in logs))
            line.slack.sockets.greets = True
            await line.ask()


async def test_one_that_hands_nothing_on_is_replaced_and_what_it_kept_is_told_again() -> None:
    with structlog.testing.capture_logs() as logs:
        async with connected(replace(QUICK, silence=60.0)) as line:
            line.library.message_processor.cancel()
            kept = line.slack.command("C0NEWS", "U0ANA", "follow tps")
            await line.slack.sockets.tell(kept)
            await until(lambda: line.socket._signs.arrived == 1)
            assert line.socket.alive  # by all that the library says
            while not (lost := [entry for entry in logs if entry["event"] == "slack.connection_lost"]):
                await line.metronome.beat()
            assert lost[0]["why"] == "dispatches nothing"
            await until(lambda: line.slack.sockets.opened == 2 and line.socket.alive)
            await kept.acked()
            await kept.answer()
            assert len(line.door.calls) == 1


async def test_one_whose_session_was_closed_under_it_is_replaced() -> None:
    async with connected() as line:
        await line.library.aiohttp_client_session.close()
        line.slack.cut_sockets()
        for _ in range(6):
            await line.metronome.beat()
            await asyncio.sleep(0.02)
        await until(lambda: line.socket.alive)
        await line.ask()


async def test_one_that_is_too_old_is_replaced() -> None:
    async with connected(replace(QUICK, lifetime=0.5, silence=60.0)) as line:
        handler = line.socket._handler
        for _ in range(10):
            await line.metronome.beat()
        await until(lambda: line.socket.alive and line.socket._handler is not handler)
        await line.ask()
