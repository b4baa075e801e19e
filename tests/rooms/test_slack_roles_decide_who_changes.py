"""Every kind of person × every changing command, typed and pressed, through the library and a real front door (S27)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.commands import COMMANDS, Who
from bot.core.model import Chat, Voice
from bot.daemon import FrontDoor
from bot.store.memory import MemoryStore
from handlers.slack import Slack
from tests.fakes.asker import a_desk
from tests.fakes.clock import FakeClock
from tests.fakes.door import until
from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, FakeSlack
from tests.fakes.slack.people import ALLOWED, MEMBERS, PEOPLE, settle
from tests.fakes.slack.tenants import QUICK, tenants
from tests.fakes.slack.world import leaves

NEWS, BESIDE = Chat("slack", "", "C0NEWS"), Chat("slack", "", "C0BESIDE")

# What each changing command is tried with, where the chat follows TPS and is silent until tomorrow.
LINES = {
    "follow": "follow removal",
    "unfollow": "unfollow tps",
    "filter": "filter save haiti bond",
    "pause": "pause 3d",
    "resume": "resume",
    "mute": "mute 8h",
    "unmute": "unmute",
    "timezone": "timezone Europe/Madrid",
    "lang": "lang en",
    "forget": "forget yes",
}
QUIET = {"lang"}  # English is all there is, so that nothing changes even for who may


def test_every_changing_command_is_in_the_matrix() -> None:
    changing = {name for name, command in COMMANDS.items() if command.who is Who.CHANGERS and _is_here(command)}
    assert set(LINES) == changing


def _is_here(command: Any) -> bool:
    return not command.platforms or "slack" in command.platforms


@dataclass
class Stage:
    """A room before the strict server, with a real front door and a store of its own behind it."""

    slack: FakeSlack
    clock: FakeClock
    store: MemoryStore
    room: Slack

    async def begin(self) -> None:
        """Let two channels follow TPS, and the first be silent for a day."""
        now = self.clock.now()
        for chat in (NEWS, BESIDE):
            await self.store.forget(chat)
            await self.store.follow(chat, Voice(), "topic:tps", "TPS", now)
        await self.store.mute(NEWS, None, now + timedelta(days=1), now)

    async def kept(self, chat: Chat) -> tuple[object, ...]:
        held = await self.store.subscriptions(chat)
        return tuple(one.query for one in held), await self.store.preferences(chat), await self.store.census()

    async def say(self, user: str, line: str, *, pressed: bool = False, channel: str = "C0NEWS", **more: Any) -> str:
        """Type or press a line; return the answer."""
        self.clock.advance(timedelta(seconds=10))  # far below what a chat may ask in a minute
        if pressed:
            button = {"type": "button", "action_id": "line:1", "value": f"1|{line}"}
            envelope = await self.slack.press(channel, user, button, **more)
        else:
            envelope = await self.slack.slash(channel, user, line, **more)
        return "".join(leaves((await envelope.answer())["blocks"]))


@contextlib.asynccontextmanager
async def staged(who: str | tuple[str, ...] = "members") -> AsyncIterator[Stage]:
    clock, store = FakeClock(), MemoryStore()
    async with FakeSlack(now=lambda: clock.now().timestamp()) as slack:
        slack.add_channel("C0BESIDE")
        room = Slack(BOT_TOKEN, APP_TOKEN, api_url=slack.api_url, clock=clock, rhythm=QUICK, who=who)
        door = FrontDoor(a_desk(store=store, clock=clock), asyncio.Lock(), lambda: None)
        listening = asyncio.create_task(room.listen(door))
        await until(lambda: room.is_connected)
        yield Stage(slack, clock, store, room)
        listening.cancel()
        await asyncio.wait([listening])
        await room.close()


@pytest.mark.parametrize("pressed", [False, True], ids=["typed", "pressed"])
@pytest.mark.parametrize("who", ALLOWED)
async def test_the_matrix(who: str, *, pressed: bool) -> None:
    tried = 0
    async with staged(who) as stage:
        for kind, user in settle(stage.slack).items():
            for name, line in LINES.items():
                await stage.begin()
                before, beside = await stage.kept(NEWS), await stage.kept(BESIDE)
                said = await stage.say(user, line, pressed=pressed)
                after = await stage.kept(NEWS)
                may = kind in ALLOWED[who]
                assert said.startswith("Only those who may change this chat's settings") is not may, (kind, name, said)
                assert (after != before) is (may and name not in QUIET), (kind, name)
                assert (await stage.kept(BESIDE))[:2] == beside[:2]
                tried += 1
    assert tried == len(PEOPLE) * len(LINES)


async def test_those_who_are_named_may_and_others_not() -> None:
    async with staged(("U0KIND1", "T0HOME/U0KIND3")) as stage:
        people = settle(stage.slack)
        for kind, user in people.items():
            await stage.begin()
            said = await stage.say(user, "follow removal")
            assert said.startswith("Only ") is (kind not in {"guest", "stranger"}), kind


@pytest.mark.parametrize("who", ["members", "admins", ("U0KIND1",)])
async def test_in_a_direct_message_full_members_decide_about_their_own_alerts_alone(who: str | tuple[str, ...]) -> None:
    async with staged(who) as stage:
        for kind, user in settle(stage.slack).items():
            stage.slack.add_channel(f"D{user}")
            await stage.begin()
            before = await stage.kept(NEWS)
            said = await stage.say(user, "follow removal", channel=f"D{user}")
            own = await stage.store.subscriptions(Chat("slack", "", f"D{user}"))
            assert bool(own) is (kind in MEMBERS), (kind, said)
            assert (await stage.kept(NEWS))[:2] == before[:2]


# --- buttons (S26) ------------------------------------------------------------------------------------------------

FORGED = [
    "0|forget yes",
    "2|forget yes",
    "|forget yes",
    "forget\0yes",
    "1|\u202eforget yes",
    '1|"forget" yes',
    "1|sudo forget yes",
]


@pytest.mark.parametrize("value", [*FORGED, "", "x" * 2_000, None, 7, ["1|forget yes"], {"value": "1|forget yes"}])
async def test_a_forged_value_does_nothing_that_typing_it_would_not(value: object) -> None:
    async with staged() as stage:
        await stage.begin()
        before = await stage.kept(NEWS)
        await stage.slack.press("C0NEWS", "U0ANA", {"type": "button", "action_id": "line:1", "value": value})
        await stage.say("U0ANA", "list")
        assert (await stage.kept(NEWS))[:2] == before[:2]


@pytest.mark.parametrize("action_id", ["line:x", "line:", "line:1;forget", "forget", "", "LINE:1"])
async def test_an_action_that_we_never_offered_does_nothing(action_id: str) -> None:
    async with staged() as stage:
        await stage.begin()
        before = await stage.kept(NEWS)
        with contextlib.suppress(AssertionError, TimeoutError):
            button = {"type": "button", "action_id": action_id, "value": "1|forget yes"}
            async with asyncio.timeout(0.1):
                await stage.slack.press("C0NEWS", "U0ANA", button)
        await stage.say("U0ANA", "list")
        assert (await stage.kept(NEWS))[:2] == before[:2]
        stage.slack.sockets._waiting.clear()  # nobody acknowledges what is not ours


async def test_a_button_acts_where_it_is_pressed_however_old_it_is() -> None:
    async with staged() as stage:
        await stage.begin()
        before = await stage.kept(NEWS)
        await stage.say("U0ANA", "unfollow tps", pressed=True, channel="C0BESIDE", on="1500000000.000001")
        assert await stage.store.subscriptions(BESIDE) == ()
        assert (await stage.kept(NEWS))[:2] == before[:2]


async def test_a_button_outlives_its_presser_s_rights_by_a_minute_at_most() -> None:
    async with staged() as stage:
        await stage.begin()
        assert not (await stage.say("U0ANA", "follow removal", pressed=True)).startswith("Only ")
        stage.slack.add_user("U0ANA", guest=True)
        stage.clock.advance(timedelta(seconds=60))
        assert (await stage.say("U0ANA", "unfollow tps", pressed=True)).startswith("Only ")


# --- several workspaces -------------------------------------------------------------------------------------------


async def test_a_workspace_s_people_have_no_rights_in_another(tmp_path: Path) -> None:
    """A shared channel: somebody of T2 types or presses where T1's bot is."""
    async with tenants(tmp_path) as stage:
        for team in ("T1", "T2"):
            await stage.install(team)
        await (await stage.slack.slash("C1", "U2", "forget yes", team="T1")).answer()
        button = {"type": "button", "action_id": "line:1", "value": "1|forget yes"}
        await (await stage.slack.press("C1", "U2", button, team="T1")).answer()
        await (await stage.slack.press("C1", "U2", button, team="T2")).answer()
        assert [(call.chat, call.may_change) for call in stage.door.calls] == [
            (Chat("slack", "T1", "C1"), False),
            (Chat("slack", "T1", "C1"), False),
            (Chat("slack", "T2", "C1"), True),  # a chat of T2's own, whatever T1 has there
        ]


async def test_a_name_on_the_list_is_one_of_one_workspace(tmp_path: Path) -> None:
    async with tenants(tmp_path, who=("T1/U1", "U1")) as stage:
        for team in ("T1", "T2"):
            await stage.install(team)
            await (await stage.slack.slash(f"C{team[1:]}", "U1", "follow tps", team=team)).answer()
        assert [call.may_change for call in stage.door.calls] == [True, False]
