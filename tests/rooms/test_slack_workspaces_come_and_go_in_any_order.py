"""Random walks of installing, removing, late news of removals, silence and alerts: no workspace touches another."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.model import Alert, Chat
from bot.errors import SendError
from tests.fakes.door import FakeDoor, until
from tests.fakes.slack.tenants import Tenants, tenants

TEAMS = ("T1", "T2")
STEPS = 14
WALKS = 16
EVENTS = ["app_uninstalled", "tokens_revoked"]


class Noting(FakeDoor):
    """A door that remembers of each workspace whether it last left or returned."""

    def __init__(self, alerts: Sequence[Alert] = ()) -> None:
        super().__init__(alerts=alerts)
        self.is_here: dict[str, bool] = {}

    async def left(self, chat: Chat, why: str) -> None:
        await super().left(chat, why)
        self.is_here[chat.workspace] = False

    async def returned(self, chat: Chat) -> None:
        await super().returned(chat)
        self.is_here[chat.workspace] = True


class Walk:
    """What the world is, beside what the room makes of it."""

    def __init__(self, stage: Tenants, chance: random.Random) -> None:
        self.stage = stage
        self.chance = chance
        self.installed: set[str] = set()
        self.news: list[tuple[str, str]] = []  # of removals, on its way

    async def step(self) -> None:
        team = self.chance.choice(TEAMS)
        match self.chance.choice(["install", "remove", "tell", "tell", "send", "send", "wait"]):
            case "install":
                assert (await self.stage.install(team)).status == 200
                self.installed.add(team)
            case "remove" if team in self.installed:
                word = self.chance.choice(["account_inactive", "token_revoked", "invalid_auth"])
                self.stage.slack.end_app(team, word)
                self.installed.discard(team)
                self.news += [(kind, team) for kind in self.chance.sample(EVENTS, 2)]
            case "tell" if self.news:
                await self.tell()
            case "send":
                await self.send(team)
            case "wait":
                self.stage.clock.advance(timedelta(hours=self.chance.choice([1, 11, 13])))

    async def tell(self) -> None:
        """Let a piece of news arrive, whichever comes first."""
        kind, team = self.news.pop(self.chance.randrange(len(self.news)))
        asked = self.stage.slack.calls.get("auth.test", 0)
        is_known = (self.stage.folder / f"{team}.json").exists()
        await self.stage.slack.tell_end(kind, team)
        if is_known:
            await until(lambda: self.stage.slack.calls["auth.test"] > asked)
            await until(lambda: team in self.installed or not self.stage.door.is_here[team])

    async def send(self, team: str) -> None:
        """An alert arrives exactly where the app is installed."""
        try:
            await self.stage.send(team)
        except SendError:
            assert team not in self.installed
        else:
            assert team in self.installed

    async def end(self) -> None:
        """Let all news arrive; then files, chats and alerts are those of the workspaces that have the app."""
        while self.news:
            await self.tell()
        self.stage.clock.advance(timedelta(minutes=6))
        for team in TEAMS:
            await self.send(team)
        assert {file.stem for file in self.stage.folder.glob("*")} == self.installed
        assert {team for team, here in self.stage.door.is_here.items() if here} == self.installed


@pytest.mark.parametrize("seed", range(WALKS))
async def test_a_walk(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    async with tenants(tmp_path / "slack", http=bool(seed % 2), door=Noting()) as stage:
        stage.slack.oauth.rotating = chance.random() < 0.5
        walk = Walk(stage, chance)
        for _ in range(STEPS):
            await walk.step()
        await walk.end()
