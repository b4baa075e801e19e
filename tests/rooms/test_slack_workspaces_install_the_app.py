"""OAuth for several workspaces: who may install, whose tokens are used where, and what ends with whom."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from bot.core.model import Chat
from bot.core.speech import Call
from bot.errors import ChatGone, TokenError, TryLater
from handlers.slack.manifest import BOT_SCOPES
from tests.fakes.door import until
from tests.fakes.slack import APP_TOKEN
from tests.fakes.slack.oauth import CLIENT_ID, CLIENT_SECRET
from tests.fakes.slack.tenants import Tenants, chat_of, tenants


@pytest.fixture(params=["socket", "http"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Tenants]:
    async with tenants(tmp_path / "slack", http=request.param == "http") as stage:
        yield stage


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Tenants]:
    """A stage in socket mode, where the mode makes no difference."""
    async with tenants(tmp_path / "slack") as stage:
        yield stage


# --- installing ---------------------------------------------------------------------------------------------------


async def test_a_workspace_installs_the_app_and_is_served(stage: Tenants) -> None:
    done = await stage.install("T1")
    assert done.status == 200
    assert "/invite @policybell" in done.text
    await (await stage.slack.slash("C1", "U1", "follow tps", team="T1")).answer()
    assert stage.door.calls == [Call("follow", ("tps",), Chat("slack", "T1", "C1"), may_change=True, actor="U1")]
    await stage.send("T1")
    await stage.slack.until_accepted(2)  # the announcement and the alert
    assert {posted.channel for posted in stage.slack.accepted} == {"C1"}


async def test_slack_is_asked_for_the_scopes_of_the_manifest_and_nothing_else(one: Tenants) -> None:
    sent = await one.get("/slack/install")
    assert sent.status == 302
    parts = urlsplit(sent.location)
    assert sent.location.startswith(one.slack.api_url.removesuffix("api/") + "oauth/v2/authorize?")
    asked = dict(parse_qsl(parts.query))
    assert asked.keys() == {"client_id", "scope", "state"}
    assert asked["client_id"] == CLIENT_ID
    assert tuple(asked["scope"].split(",")) == BOT_SCOPES
    cookie = dict(sent.cookie)
    assert len(cookie.pop("value")) >= 32
    assert cookie == {
        "path": "/slack/oauth", "max-age": "600", "secure": "True", "httponly": "True", "samesite": "Lax"
    }  # fmt: skip


async def test_a_state_is_good_once_for_ten_minutes_and_for_its_browser_alone(one: Tenants) -> None:
    sent, other = await one.get("/slack/install"), await one.get("/slack/install")
    back = one.slack.oauth.allow(sent.location, "T1")
    mine, theirs = sent.cookie["value"], other.cookie["value"]
    for cookie, query in (
        ("", back),
        (theirs, back),
        (mine, {**back, "state": ""}),
        (mine, {**back, "state": "1." + back["state"].partition(".")[2]}),
        (mine, {**back, "state": back["state"][:-1]}),
        (mine, {**back, "state": "٣." + "x" * 400}),
        (mine, {"code": back["code"]}),
        (mine, {**back, "code": "x" * 2_000}),
        ("x" * 2_000, back),
    ):
        assert (await one.get("/slack/oauth", cookie=cookie, **query)).status == 400
    assert (await one.get("/slack/oauth", cookie=mine, **back)).status == 200
    again = one.slack.oauth.allow(sent.location, "T1")
    assert (await one.get("/slack/oauth", cookie=mine, **again)).status == 400
    late = one.slack.oauth.allow(other.location, "T1")
    one.clock.advance(timedelta(minutes=10))
    assert (await one.get("/slack/oauth", cookie=theirs, **late)).status == 400
    assert one.slack.calls["oauth.v2.access"] == 1


async def test_a_state_of_an_earlier_start_is_not_good_any_more(tmp_path: Path) -> None:
    async with tenants(tmp_path / "slack") as stage:
        sent = await stage.get("/slack/install")
        back = stage.slack.oauth.allow(sent.location, "T1")
        async with tenants(tmp_path / "slack", slack=stage.slack, clock=stage.clock) as again:
            assert (await again.get("/slack/oauth", cookie=sent.cookie["value"], **back)).status == 400


async def test_who_says_no_at_slack_installs_nothing(one: Tenants) -> None:
    sent = await one.get("/slack/install")
    state = dict(parse_qsl(urlsplit(sent.location).query))["state"]
    said = await one.get("/slack/oauth", cookie=sent.cookie["value"], state=state, error="access_denied")
    assert (said.status, one.slack.calls.get("oauth.v2.access", 0)) == (400, 0)
    assert "nothing was installed" in said.text


@pytest.mark.parametrize("trouble", ["code_already_used", "bad_client_secret", "fatal_error", "ratelimited"])
async def test_what_slack_does_not_confirm_is_not_installed(one: Tenants, trouble: str) -> None:
    one.slack.fail_next("oauth.v2.access", trouble)
    said = await one.install("T1")
    assert said.status == 502
    assert not list(one.folder.glob("*"))
    assert (await one.install("T1")).status == 200


async def test_an_organization_is_told_to_choose_a_workspace(one: Tenants) -> None:
    whole = {
        "ok": True,
        "access_token": "xoxb-org-wide",
        "bot_user_id": "U1",
        "team": None,
        "is_enterprise_install": True,
    }
    one.slack.garbage("oauth.v2.access", json.dumps(whole), "application/json")
    said = await one.install("T1")
    assert said.status == 400
    assert "one workspace at a time" in said.text
    assert not list(one.folder.glob("*"))


# --- tokens at rest -----------------------------------------------------------------------------------------------


async def test_tokens_lie_in_a_private_file_and_are_hidden_from_logs(one: Tenants, capsys) -> None:
    await one.install("T1")
    await one.send("T1")
    (file,) = one.folder.iterdir()
    assert file.name == "T1.json"
    assert (file.stat().st_mode & 0o777, one.folder.stat().st_mode & 0o777) == (0o600, 0o700)
    token = json.loads(file.read_text())["token"]
    assert token in one.hidden
    assert one.slack.world.teams[token] == "T1"
    output = "".join(capsys.readouterr())
    assert not [secret for secret in (token, CLIENT_SECRET, APP_TOKEN, "code-") if secret in output]
    assert token not in repr(one.room._workspaces.__dict__)


async def test_installations_are_there_after_a_restart(tmp_path: Path) -> None:
    async with tenants(tmp_path / "slack") as stage:
        await stage.install("T1")
        async with tenants(tmp_path / "slack", slack=stage.slack, clock=stage.clock) as again:
            await again.send("T1")
            assert again.hidden


async def test_files_that_others_could_read_are_closed_and_told_of(tmp_path: Path, capsys) -> None:
    folder = tmp_path / "slack"
    async with tenants(folder) as stage:
        await stage.install("T1")
        folder.chmod(0o755)
        (folder / "T1.json").chmod(0o644)
        async with tenants(folder, slack=stage.slack, clock=stage.clock) as again:
            assert ((folder / "T1.json").stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
            await again.send("T1")
    assert "slack.tokens_were_open" in capsys.readouterr().out


# --- one room, many workspaces ------------------------------------------------------------------------------------


async def test_each_workspace_is_spoken_to_with_its_own_token_and_hears_only_its_own(stage: Tenants) -> None:
    await stage.install("T1")
    await stage.install("T2")
    for team in ("T1", "T2"):
        number = team[1:]
        await (await stage.slack.slash(f"C{number}", f"U{number}", "list", team=team)).answer()
        await stage.send(team)  # the strict server refuses a channel to another workspace's token
    assert [call.chat for call in stage.door.calls] == [chat_of("T1"), chat_of("T2")]
    with pytest.raises(ChatGone):
        await stage.room.send(Chat("slack", "T1", "C2"), stage.alert())


async def test_the_bot_says_hello_as_itself_in_each_workspace(stage: Tenants) -> None:
    await stage.install("T1")
    await stage.install("T2")
    await stage.slack.invite("C2")
    await until(lambda: len(stage.slack.accepted) == 1)
    assert stage.door.calls == [Call("start", (), chat_of("T2"), may_change=False)]


async def test_who_is_not_installed_is_not_answered_and_harms_nobody(stage: Tenants) -> None:
    await stage.install("T1")
    await stage.slack.slash("C2", "U2", "follow tps", team="T2")
    await stage.slack.invite("C2")
    await stage.slack.press("C2", "U2", {"type": "button", "action_id": "line:1", "value": "1|list"}, team="T2")
    await (await stage.slack.slash("C1", "U1", "list", team="T1")).answer()
    assert [call.chat for call in stage.door.calls] == [chat_of("T1")]
    with pytest.raises(TryLater) as stranger:
        await stage.send("T2")
    assert not stranger.value.asked
    with pytest.raises(TryLater):
        await stage.room.send(Chat("slack", "", "C1"), stage.alert())


async def test_what_happens_in_a_shared_channel_belongs_to_the_installation_that_hears_of_it(stage: Tenants) -> None:
    await stage.install("T1")
    joined = {"user": stage.slack.world.bot_user_of("T1"), "channel": "C1", "channel_type": "C"}
    await stage.slack.event("member_joined_channel", "T1", happened_in="T2", **joined)
    await until(lambda: stage.door.calls)
    assert stage.door.calls[0].chat == chat_of("T1")


async def test_limits_hold_in_each_workspace_by_itself(one: Tenants) -> None:
    for team in ("T1", "T2"):
        await one.install(team)
        for number in range(4):
            one.slack.add_channel(f"C{team}{number}", team=team)
    chats = [Chat("slack", team, f"C{team}{number}") for team in ("T1", "T2") for number in range(4)]
    started = one.clock.now()
    await asyncio.gather(*(one.room.send(chat, one.alert()) for chat in chats))
    assert one.clock.now() - started < timedelta(seconds=1)  # eight at once: four a second in each of two workspaces
    await asyncio.gather(*(one.room.send(chat, one.alert()) for chat in chats))
    assert one.clock.now() - started >= timedelta(seconds=1)


# --- a token that is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["invalid_auth", "missing_scope", "ekm_access_denied", "not_allowed_token_type"])
async def test_a_refused_token_stops_its_workspace_and_no_other(stage: Tenants, word: str) -> None:
    await stage.install("T1")
    await stage.install("T2")
    stage.slack.fail_next("chat.postMessage", word)
    with pytest.raises(TryLater) as refused:
        await stage.send("T1")
    assert refused.value.after == timedelta(minutes=5)
    assert refused.value.asked
    with pytest.raises(TryLater) as resting:
        await stage.send("T1")
    assert stage.slack.calls["chat.postMessage"] == 1  # a workspace at rest is not asked
    assert not resting.value.asked
    assert timedelta(0) < resting.value.after <= timedelta(minutes=5)
    await stage.send("T2")
    assert stage.room.is_connected
    assert stage.door.departures == []
    stage.clock.advance(timedelta(minutes=5))
    await stage.send("T1")


@pytest.mark.parametrize("word", ["invalid_auth", "token_revoked", "token_expired"])
async def test_a_refusal_of_an_earlier_token_says_nothing_of_the_present_one(one: Tenants, word: str) -> None:
    """It was on its way while the workspace installed the app anew, or while its token was renewed."""
    await one.install("T1")
    meaning = await one.room._workspaces.refused("T1", "xoxb-earlier", TokenError("refused", word=word))
    assert type(meaning) is TryLater
    await one.send("T1")
    assert one.slack.calls["auth.test"] == 1
    assert one.door.departures == []


async def test_the_app_s_own_token_stops_the_room(one: Tenants) -> None:
    one.slack.revoke("invalid_auth", token=APP_TOKEN)
    with pytest.raises(TokenError):
        await one.room.listen(one.door)


# --- removed ------------------------------------------------------------------------------------------------------

ORDERS = [
    ("app_uninstalled", "tokens_revoked"),
    ("tokens_revoked", "app_uninstalled"),
    ("app_uninstalled",),
    ("tokens_revoked",),
]


@pytest.mark.parametrize("order", ORDERS, ids="+".join)
@pytest.mark.parametrize("word", ["account_inactive", "token_revoked", "invalid_auth"])
async def test_a_removed_app_takes_its_workspace_along_and_no_other(stage: Tenants, order, word: str) -> None:
    await stage.install("T1")
    await stage.install("T2")
    await stage.slack.uninstall("T1", *order, word=word)
    await until(lambda: stage.door.departures)
    assert stage.door.departures == [(Chat("slack", "T1", ""), "the app was removed from this workspace")]
    assert [file.name for file in stage.folder.iterdir()] == ["T2.json"]
    with pytest.raises(TryLater):
        await stage.send("T1")
    await stage.send("T2")
    assert (await stage.install("T1")).status == 200
    assert stage.door.returns[-1] == Chat("slack", "T1", "")
    await stage.send("T1")


async def test_news_of_a_removal_that_comes_after_the_next_installation_ends_nothing(stage: Tenants) -> None:
    await stage.install("T1")
    await stage.slack.uninstall("T1", "app_uninstalled")
    await until(lambda: stage.door.departures)
    await stage.install("T1")
    revoked = {"oauth": [], "bot": [stage.slack.world.bot_user_of("T1")]}
    await stage.slack.event("tokens_revoked", "T1", tokens=revoked)
    await until(lambda: stage.slack.calls["auth.test"] == 4)  # after each installation, and for each piece of news
    await stage.send("T1")
    assert len(stage.door.departures) == 1


async def test_a_removal_that_nobody_told_is_noticed_at_the_next_alert(one: Tenants) -> None:
    await one.install("T1")
    one.slack.revoke("account_inactive", token=next(t for t, team in one.slack.world.teams.items() if team == "T1"))
    with pytest.raises(ChatGone):
        await one.send("T1")
    assert one.door.departures == [(Chat("slack", "T1", ""), "the app was removed from this workspace")]
    assert not list(one.folder.glob("*"))


async def test_where_slack_cannot_be_asked_an_installation_is_kept(one: Tenants) -> None:
    await one.install("T1")
    one.slack.fail_next("auth.test", "fatal_error")
    await one.slack.event("app_uninstalled", "T1")
    await until(lambda: one.slack.calls["auth.test"] == 2)
    await one.send("T1")
    assert one.door.departures == []


async def test_somebody_s_revoked_token_ends_nothing(one: Tenants) -> None:
    await one.install("T1")
    await one.slack.event("tokens_revoked", "T1", tokens={"oauth": ["U1"]})
    await until(lambda: one.slack.calls["auth.test"] == 2)
    await one.send("T1")
    assert one.door.departures == []
