"""The strict server must bite: what a careless client does is refused or noted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, FakeSlack
from tests.fakes.slack.checks import refused_blocks, unmeant, unmeant_in_blocks

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
