"""Tokens that expire: renewed before they end, never twice at once, on disk before they are used."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import TryLater
from handlers.slack.tokens_kept import Installation, TokensKept
from tests.fakes.clock import FakeClock
from tests.fakes.door import until
from tests.fakes.slack import FakeSlack
from tests.fakes.slack.tenants import Tenants, chat_of, tenants

HOURS = timedelta(hours=1)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Tenants]:
    async with tenants(tmp_path / "slack") as stage:
        stage.slack.oauth.rotating = True
        for team in ("T1", "T2"):
            await stage.install(team)
        yield stage


def kept(stage: Tenants, team: str = "T1") -> dict[str, str]:
    return json.loads((stage.folder / f"{team}.json").read_text())


class Noted(list[str]):
    """A list that says when something is added."""

    def __init__(self, note: Callable[[], None]) -> None:
        super().__init__()
        self._note = note

    def append(self, item: str) -> None:
        self._note()
        super().append(item)


async def test_a_token_is_renewed_two_hours_before_it_ends_and_not_before(stage: Tenants) -> None:
    first = kept(stage)
    stage.clock.advance(10 * HOURS - timedelta(minutes=1))
    await stage.send("T1")
    assert kept(stage) == first
    stage.clock.advance(timedelta(minutes=1))
    await stage.send("T1")
    second = kept(stage)
    assert (second["token"], second["refresh_token"]) != (first["token"], first["refresh_token"])
    assert second["bot_name"] == first["bot_name"] == "policybell"
    assert {second["token"], second["refresh_token"]} <= set(stage.hidden)
    assert stage.slack.oauth.exchanges == 1


async def test_a_workspace_that_was_silent_for_a_week_is_served_at_once(stage: Tenants) -> None:
    stage.clock.advance(timedelta(days=7))
    await stage.send("T1")
    await (await stage.slack.slash("C2", "U2", "list", team="T2")).answer()
    assert stage.door.calls[-1].may_change
    assert stage.slack.oauth.exchanges == 2


async def test_many_who_want_a_token_at_once_buy_one(stage: Tenants) -> None:
    for number in range(20):
        stage.slack.add_channel(f"C1{number}", team="T1")
    stage.clock.advance(11 * HOURS)
    chats = [chat_of("T1"), *(chat_of(f"T1{number}") for number in range(20))]
    messages = [(type(chat)("slack", "T1", chat.id), stage.alert()) for chat in chats]
    await asyncio.gather(*(stage.room.send(chat, message) for chat, message in messages))
    assert stage.slack.oauth.exchanges == 1  # the strict server notes a refresh token that is used twice, or at once


async def test_a_token_is_on_disk_before_it_is_used(stage: Tenants) -> None:
    stage.clock.advance(11 * HOURS)
    on_disk: list[str] = []
    stage.slack.world.used = Noted(lambda: on_disk.append(kept(stage)["token"]))
    await stage.send("T1")
    assert stage.slack.oauth.exchanges == 1
    assert on_disk == stage.slack.world.used == [kept(stage)["token"]]


async def test_while_slack_is_away_the_old_token_serves_on(stage: Tenants) -> None:
    first = kept(stage)
    stage.clock.advance(11 * HOURS)
    stage.slack.fail_next("oauth.v2.access", "fatal_error")
    await stage.send("T1")
    await stage.send("T1")  # within five minutes nobody asks again
    assert stage.slack.calls["oauth.v2.access"] == 3  # two installations, one attempt
    assert kept(stage) == first
    stage.clock.advance(timedelta(minutes=5))
    await stage.send("T1")
    assert kept(stage) != first


async def test_a_workspace_whose_token_ended_waits_and_no_other_does(stage: Tenants) -> None:
    stage.clock.advance(13 * HOURS)
    stage.slack.fail_next("oauth.v2.access", "fatal_error")
    with pytest.raises(TryLater) as ended:
        await stage.send("T1")
    assert not ended.value.asked
    await stage.send("T2")
    stage.clock.advance(timedelta(minutes=5))
    await stage.send("T1")
    assert stage.door.departures == []


async def test_where_a_token_has_ended_people_may_ask_and_not_change(stage: Tenants) -> None:
    stage.clock.advance(13 * HOURS)
    stage.slack.fail_next("oauth.v2.access", "fatal_error")
    await (await stage.slack.slash("C1", "U1", "list", team="T1")).answer()
    assert not stage.door.calls[0].may_change


async def test_a_token_that_ends_sooner_than_was_said_is_renewed(stage: Tenants) -> None:
    stage.slack.world.expires = dict.fromkeys(stage.slack.world.expires, stage.clock.now().timestamp())
    stage.clock.advance(timedelta(minutes=1))
    with pytest.raises(TryLater):
        await stage.send("T1")
    await stage.send("T1")
    assert stage.slack.oauth.exchanges == 1


# --- stopped in between -------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def restarted(stage: Tenants, folder: Path | None = None) -> AsyncIterator[Tenants]:
    stage.clock.advance(timedelta(seconds=1))  # a room alone does not know what was sent before it began
    async with tenants(folder or stage.folder, slack=stage.slack, clock=stage.clock) as again:
        yield again


async def test_whoever_stops_waiting_does_not_stop_the_purchase(stage: Tenants) -> None:
    first = kept(stage)
    stage.clock.advance(13 * HOURS)
    sending = asyncio.create_task(stage.send("T1"))
    await until(lambda: stage.slack.oauth.under_way)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await until(lambda: kept(stage) != first)
    await stage.send("T1")
    assert stage.slack.oauth.exchanges == 1


async def test_an_orderly_stop_carries_a_purchase_through(tmp_path: Path) -> None:
    async with tenants(tmp_path / "slack") as stage:
        stage.slack.oauth.rotating = True
        await stage.install("T1")
        async with restarted(stage) as again:
            stage.clock.advance(13 * HOURS)
            sending = asyncio.create_task(again.send("T1"))
            await until(lambda: stage.slack.oauth.under_way)
            sending.cancel()
        async with restarted(stage) as third:
            await third.send("T1")
        assert stage.slack.oauth.exchanges == 1


async def test_a_kill_before_slack_took_the_refresh_token_costs_nothing(stage: Tenants, tmp_path: Path) -> None:
    stage.clock.advance(13 * HOURS)
    stage.slack.drop_before_accept("oauth.v2.access")
    with pytest.raises(TryLater):
        await stage.send("T1")
    async with restarted(stage) as again:
        await again.send("T1")


async def test_a_kill_between_slack_s_answer_and_the_disk_leaves_the_old_token_until_it_ends(
    stage: Tenants, tmp_path: Path
) -> None:
    """Then the workspace waits, nothing of it is given up, and installing the app again sets it right."""
    before = tmp_path / "before the kill"
    stage.clock.advance(11 * HOURS)
    stage.slack.drop_after_accept("oauth.v2.access")
    await stage.send("T1")
    shutil.copytree(stage.folder, before)
    async with restarted(stage, before) as again:
        await again.send("T1")  # the refresh token is spent, the token still good
        await again.send("T2")
        stage.clock.advance(2 * HOURS)
        with pytest.raises(TryLater):
            await again.send("T1")
        await again.send("T2")
        assert again.door.departures == []
        assert (await again.install("T1")).status == 200
        await again.send("T1")


async def test_a_kill_between_writing_and_putting_in_place_loses_nothing(stage: Tenants, tmp_path: Path) -> None:
    before = (stage.folder / "T1.json").read_text()
    stage.clock.advance(11 * HOURS)
    await stage.send("T1")
    killed = tmp_path / "killed"
    killed.mkdir()
    (killed / "T1.new").write_text((stage.folder / "T1.json").read_text())
    (killed / "T1.json").write_text(before)
    (killed / "T2.new").write_text('{"team": "T2", "tok')  # killed in the middle of writing
    (killed / "T2.json").write_text((stage.folder / "T2.json").read_text())
    async with restarted(stage, killed) as again:
        stage.clock.advance(11 * HOURS)
        await again.send("T1")
        await again.send("T2")
        assert sorted(file.name for file in killed.iterdir()) == ["T1.json", "T2.json"]


def test_no_file_is_written_outside_the_folder(tmp_path: Path) -> None:
    kept = TokensKept(tmp_path / "slack")
    for team in ("../T1", "T1/../../x", "", ".", "T1\0", "t1", "T" * 40):
        with pytest.raises(ValueError, match="not the id"):
            kept.save(Installation(team, "U1", "xoxb-1"))
        with pytest.raises(ValueError, match="not the id"):
            kept.delete(team)
    assert not list(tmp_path.rglob("*.*"))


async def test_a_broken_file_harms_its_own_workspace_alone(stage: Tenants, tmp_path: Path) -> None:
    for broken in ("", "{}", "[]", '{"team": 7', '{"team": "T1", "expires_at": "soon"}'):
        (stage.folder / "T1.json").write_text(broken)
        async with restarted(stage) as again:
            with pytest.raises(TryLater):
                await again.send("T1")
            await again.send("T2")


async def test_a_disk_that_takes_nothing_loses_no_token_while_the_program_lives(stage: Tenants) -> None:
    stage.clock.advance(11 * HOURS)
    aside = stage.folder.rename(stage.folder.with_name("aside"))
    stage.folder.write_text("in the way")
    await stage.send("T1")
    await stage.send("T1")
    stage.folder.unlink()
    aside.rename(stage.folder)
    await stage.send("T1")
    async with restarted(stage) as again:
        await again.send("T1")
        assert stage.slack.oauth.exchanges == 1


# --- removed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["account_inactive", "token_revoked", "token_expired"])
async def test_a_workspace_that_removes_the_app_after_a_silent_week_is_given_up(stage: Tenants, word: str) -> None:
    stage.clock.advance(timedelta(days=7))
    await stage.slack.uninstall("T1", word=word)
    await until(lambda: stage.door.departures)
    assert [file.name for file in stage.folder.iterdir()] == ["T2.json"]
    await stage.send("T2")


async def test_somebody_s_revoked_token_ends_nothing_after_a_silent_week(stage: Tenants) -> None:
    stage.clock.advance(timedelta(days=7))
    await stage.slack.event("tokens_revoked", "T1", tokens={"oauth": ["U1"]})
    await until(lambda: stage.slack.oauth.exchanges == 1)
    await stage.send("T1")
    assert stage.door.departures == []


async def test_an_app_that_was_installed_without_rotation_goes_on_after_it_was_turned_on(tmp_path: Path) -> None:
    clock = FakeClock()
    async with FakeSlack(now=lambda: clock.now().timestamp()) as slack:
        slack.add_channel("C1", team="T1")
        async with tenants(tmp_path, slack=slack, clock=clock) as stage:
            await stage.install("T1")
            slack.oauth.rotating = True
            clock.advance(timedelta(days=30))
            await stage.send("T1")
            await stage.install("T1")
            clock.advance(timedelta(days=30))
            await stage.send("T1")
