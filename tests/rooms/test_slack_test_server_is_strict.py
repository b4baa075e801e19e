"""The strict server must bite: what a careless client does is refused or noted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, FakeSlack
from tests.fakes.slack.checks import refused_blocks, unmeant, unmeant_in_blocks
from tests.fakes.slack.oauth import CLIENT_ID, CLIENT_SECRET
from tests.fakes.slack.requests import SIGNING_SECRET, sign

HELLO = {"channel": "C0NEWS", "text": "Hello"}
MANNERS = {"unfurl_links": False, "unfurl_media": False, "link_names": False, "parse": "none"}


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    fake = FakeSlack(ack_within=0.05)
    await fake.start()
    yield fake
    await fake.stop()


async def call(slack: FakeSlack, method: str, body: dict, *, token: str = BOT_TOKEN) -> tuple[int, dict]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(slack.api_url + method, json=body) as response,
    ):
        return response.status, await response.json()


async def test_a_second_message_within_a_second_is_refused_and_noted(slack: FakeSlack) -> None:
    slack.add_channel("C0OTHER")
    assert (await call(slack, "chat.postMessage", HELLO | MANNERS))[1]["ok"]
    assert (await call(slack, "chat.postMessage", HELLO | MANNERS | {"channel": "C0OTHER"}))[1]["ok"]
    assert await call(slack, "chat.postMessage", HELLO | MANNERS) == (429, {"ok": False, "error": "ratelimited"})
    assert ["too fast" in violation for violation in slack.violations] == [True]


async def test_a_message_without_manners_is_accepted_and_noted(slack: FakeSlack) -> None:
    assert (await call(slack, "chat.postMessage", HELLO))[1]["ok"]
    assert len(slack.violations) == 4


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"channel": "C0NOWHERE"}, "channel_not_found"),
        ({"text": ""}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"blocks": [{"type": "unheard-of"}]}, "invalid_blocks"),
        ({"blocks": "[]"}, "invalid_blocks_format"),
        ({"as_user": True}, "invalid_arguments"),
        ({"token": BOT_TOKEN}, "invalid_auth"),
    ],
)
async def test_a_bad_message_is_refused(slack: FakeSlack, change: dict, error: str) -> None:
    assert (await call(slack, "chat.postMessage", HELLO | MANNERS | change))[1] == {"ok": False, "error": error}
    assert len(slack.violations) == (0 if error == "channel_not_found" else 1)
    assert slack.accepted == []


async def test_channels_and_tokens_refuse_as_slack_does(slack: FakeSlack) -> None:
    for spoil, error in (
        (lambda: slack.kick("C0NEWS"), "not_in_channel"),
        (lambda: slack.archive("C0NEWS"), "is_archived"),
        (lambda: slack.restrict("C0NEWS"), "restricted_action"),
        (slack.world.granted.clear, "missing_scope"),
        (slack.revoke, "token_revoked"),
    ):
        spoil()
        assert (await call(slack, "chat.postMessage", HELLO | MANNERS))[1]["error"] == error
    assert (await call(slack, "auth.test", {}, token="xoxb-made-up"))[1]["error"] == "invalid_auth"
    assert (await call(slack, "auth.test", {}, token=""))[1]["error"] == "not_authed"
    assert (await call(slack, "auth.test", {}, token=APP_TOKEN))[1]["error"] == "not_allowed_token_type"
    assert slack.violations == []


async def test_an_envelope_nobody_acknowledges_in_time_is_noted(slack: FakeSlack) -> None:
    url = (await call(slack, "apps.connections.open", {}, token=APP_TOKEN))[1]["url"]
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        told = asyncio.create_task(slack.slash("C0NEWS", "U0ANA", "list"))
        envelope_id = (await socket.receive_json())["envelope_id"]
        assert slack.violations == ["slash_commands was never acknowledged"]
        await asyncio.sleep(0.06)
        await socket.send_json({"envelope_id": envelope_id})
        await told
        await socket.send_json({"envelope_id": envelope_id})
        await socket.send_str("hello?")
        await socket.close()
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)
    assert [violation.split()[0] for violation in slack.violations] == ["slash_commands", "acknowledged", "not"]


# --- tokens that are handed out -----------------------------------------------------------------------------------


async def exchange(slack: FakeSlack, form: dict, *, secret: str = CLIENT_SECRET) -> dict:
    headers = {"Authorization": aiohttp.encode_basic_auth(CLIENT_ID, secret)}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(slack.api_url + "oauth.v2.access", data=form) as response,
    ):
        return await response.json()


def allowed(slack: FakeSlack) -> str:
    asked = f"client_id={CLIENT_ID}&scope=chat:write&state=s"
    return slack.oauth.allow(f"https://slack.example/oauth/v2/authorize?{asked}", "T1")["code"]


async def test_a_code_is_good_once_for_ten_minutes_and_for_the_app_alone() -> None:
    seconds = 0.0
    async with FakeSlack(now=lambda: seconds) as slack:
        code = allowed(slack)
        assert (await exchange(slack, {"code": code}, secret="guess"))["error"] == "bad_client_secret"
        assert (await exchange(slack, {"code": "made up"}))["error"] == "invalid_code"
        granted = await exchange(slack, {"code": code})
        assert granted["team"]["id"] == slack.world.teams[granted["access_token"]] == "T1"
        assert (await exchange(slack, {"code": code}))["error"] == "invalid_code"
        late = allowed(slack)
        seconds = 601.0
        assert (await exchange(slack, {"code": late}))["error"] == "code_expired"


async def test_a_token_is_no_use_in_another_workspace_or_after_its_end() -> None:
    seconds = 0.0
    async with FakeSlack(now=lambda: seconds) as slack:
        slack.oauth.rotating = True
        slack.add_channel("C1", team="T1")
        token = (await exchange(slack, {"code": allowed(slack)}))["access_token"]
        assert (await call(slack, "auth.test", {}, token=token))[1]["team_id"] == "T1"
        said = await call(slack, "chat.postMessage", HELLO | MANNERS, token=token)
        assert said[1]["error"] == "channel_not_found"
        seconds = 43_201.0
        assert (await call(slack, "auth.test", {}, token=token))[1]["error"] == "token_expired"


async def test_a_refresh_token_is_good_once_and_a_second_use_is_noted(slack: FakeSlack) -> None:
    slack.oauth.rotating = True
    form = {"grant_type": "refresh_token"}
    first = (await exchange(slack, {"code": allowed(slack)}))["refresh_token"]
    twice = await asyncio.gather(*(exchange(slack, form | {"refresh_token": first}) for _ in range(2)))
    assert sorted(said["ok"] for said in twice) == [False, True]
    assert "at once" in slack.violations[0]
    slack.world.violations.clear()
    assert (await exchange(slack, form | {"refresh_token": first}))["error"] == "invalid_refresh_token"
    assert "its successor had arrived" in slack.violations[-1]
    await exchange(slack, form | {"refresh_token": first, "client_secret": CLIENT_SECRET})
    assert any("outside the Authorization header" in violation for violation in slack.violations)


async def test_a_lost_answer_spends_a_refresh_token_and_asking_again_is_no_violation(slack: FakeSlack) -> None:
    slack.oauth.rotating = True
    first = (await exchange(slack, {"code": allowed(slack)}))["refresh_token"]
    slack.drop_after_accept("oauth.v2.access")
    form = {"grant_type": "refresh_token", "refresh_token": first}
    with pytest.raises(aiohttp.ClientError):
        await exchange(slack, form)
    assert (await exchange(slack, form))["error"] == "invalid_refresh_token"
    assert slack.violations == []


async def test_a_removed_app_s_tokens_are_worthless(slack: FakeSlack) -> None:
    token = (await exchange(slack, {"code": allowed(slack)}))["access_token"]
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(slack.uninstall("T1", "app_uninstalled"), 0.05)  # nobody is there to be told
    assert (await call(slack, "auth.test", {}, token=token))[1]["error"] == "account_inactive"


# --- requests that Slack sends ------------------------------------------------------------------------------------


async def test_a_request_is_signed_and_an_event_that_is_refused_is_told_four_times(slack: FakeSlack) -> None:
    taken: list[tuple[str | None, bytes]] = []

    async def refuse(request: web.Request) -> web.Response:
        body = await request.read()
        timestamp, signature = (request.headers[f"X-Slack-{name}"] for name in ("Request-Timestamp", "Signature"))
        assert signature == sign(SIGNING_SECRET, timestamp, body)
        taken.append((request.headers.get("X-Slack-Retry-Num"), body))
        return web.Response(status=500)

    app = web.Application()
    app.add_routes([web.post("/events", refuse)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.send_to(f"http://127.0.0.1:{runner.addresses[0][1]}/events")
    for told in (slack.invite("C0NEWS"), slack.slash("C0NEWS", "U0ANA", "list")):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told, 0.5)
    await runner.cleanup()
    assert [number for number, _ in taken] == [None, "1", "2", "3", None]
    assert len({body for _, body in taken}) == 2
    assert slack.violations == ["events_api was not acknowledged", "slash_commands was not acknowledged"]


EMPTY = {"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}],
        [{"type": "section", "fields": [{"type": "plain_text", "text": "x" * 2001}]}],
        [{"type": "section"}],
        [{"type": "context", "elements": []}],
        [{"type": "rich_text", "elements": []}],
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}],
            }
        ],
        [{"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "x" * 76}}]}],
        [{"type": "divider"}] * 51,
        [{"type": "section", "text": {"type": "plain_text", "text": "x" * 2800}}] * 5,
    ],
)
def test_blocks_that_slack_refuses_are_refused(blocks: list) -> None:
    assert refused_blocks(blocks)


@pytest.mark.parametrize(
    "text",
    ["<!channel>", "<!here|x>", "<@U1>", "<#C1>", "<!subteam^S1>", "<https://evil.example|label>", "a < b", "a & b",
     "<javascript:x>", "<https://a.example/ b>"],
)  # fmt: skip
def test_text_that_slack_would_obey_is_noted(text: str) -> None:
    assert list(unmeant(text, {"U0ANA"}))
    assert not list(unmeant(text.replace("&", "&amp;").replace("<", "&lt;"), ()))
    assert list(unmeant_in_blocks([{"type": "mrkdwn", "text": text, "verbatim": True}], {"U0ANA"}))


def test_our_own_mentions_and_links_are_meant() -> None:
    assert not list(unmeant("<@U0ANA> said &lt;hi&gt; <https://a.example/?b=1&amp;c=2>", {"U0ANA"}))
    assert list(unmeant_in_blocks([{"type": "broadcast", "range": "channel"}], {"U0ANA"}))
    assert list(unmeant_in_blocks([{"type": "user", "user_id": "U1"}], {"U0ANA"}))
    assert list(unmeant_in_blocks([{"type": "mrkdwn", "text": "x"}], {"U0ANA"}))
