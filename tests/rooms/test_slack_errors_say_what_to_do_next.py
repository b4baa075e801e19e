"""Every way in which a post can fail, through the real library against the strict server → what to do next."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.core.model import Chat
from bot.errors import BadMessage, ChatGone, MaybeSent, TokenError, TryLater
from handlers.slack.client import Client
from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, Answer, Cut, FakeSlack, Hang

NEWS = Chat("slack", "", "C0NEWS")
HELLO = {"text": "Hello", "unfurl_links": False, "unfurl_media": False, "link_names": False, "parse": "none"}

WORDS = {
    TokenError: """access_denied account_inactive accesslimited app_not_installed deprecated_endpoint ekm_access_denied
        enterprise_is_restricted invalid_auth method_deprecated missing_scope not_allowed_token_type not_authed
        team_access_not_granted team_not_found token_expired token_revoked two_factor_setup_required unknown_method""",
    ChatGone: """cannot_reply_to_message channel_not_found is_archived is_inactive messages_tab_disabled no_permission
        not_in_channel restricted_action restricted_action_read_only_channel restricted_action_thread_only_channel
        restricted_action_non_threadable_channel restricted_action_thread_locked restricted_action_of_tomorrow
        thread_not_found user_not_found""",
    BadMessage: """attachment_payload_limit_exceeded invalid_arg_name invalid_arguments invalid_blocks
        invalid_blocks_format invalid_charset invalid_form_data invalid_json invalid_metadata_format invalid_post_type
        markdown_text_conflict missing_post_type msg_blocks_too_long msg_too_long no_text too_many_attachments
        a_word_of_tomorrow""",
    MaybeSent: "fatal_error internal_error request_timeout service_unavailable",
    TryLater: """external_channel_migrating message_limit_exceeded org_login_required rate_limited ratelimited
        team_added_to_org""",
}

ANSWERS = {
    "429 without a body": (Answer("", status=429, headers={"Retry-After": "7"}), TryLater),
    "429 as a page": (Answer("<html>", status=429, content_type="text/html"), TryLater),
    "500": (Answer('{"ok": false}', status=500), MaybeSent),
    "502 as a page": (Answer("<html>Bad Gateway", status=502, content_type="text/html"), MaybeSent),
    "503 with a word": (Answer('{"ok": false, "error": "service_unavailable"}', status=503), MaybeSent),
    "504 with broken JSON": (Answer('{"ok": fal', status=504), MaybeSent),
    "529, a status nobody knows": (Answer("", status=529, content_type="text/plain"), MaybeSent),
    "400 without a word": (Answer("{}", status=400), BadMessage),
    "413 as a page": (Answer("<html>", status=413, content_type="text/html"), BadMessage),
    "403 with a word about the app": (Answer('{"ok": false, "error": "invalid_auth"}', status=403), TokenError),
    "200 and a page": (Answer("<html>hello", content_type="text/html"), MaybeSent),
    "200 and nothing": (Answer(""), MaybeSent),
    "200 and broken JSON": (Answer('{"ok": tr'), MaybeSent),
    "200 and plain text": (Answer("ok", content_type="text/plain"), MaybeSent),
    "200 and bytes": (Answer("ok", content_type="application/gzip"), MaybeSent),
    "200 and a list": (Answer("[1]"), MaybeSent),
    "200 and a string": (Answer('"ok"'), MaybeSent),
    "200 and a number": (Answer("1"), MaybeSent),
    "200 and null": (Answer("null"), MaybeSent),
    "ok without a ts": (Answer('{"ok": true}'), MaybeSent),
    "ok with a ts that is no text": (Answer('{"ok": true, "ts": 1}'), MaybeSent),
    "neither ok nor a word": (Answer('{"ok": false}'), MaybeSent),
    "a word that is no word": (Answer('{"ok": false, "error": ["x"]}'), MaybeSent),
    "a word that is an attack": (Answer('{"ok": false, "error": "<!channel> xoxb-1"}'), BadMessage),
    "cut before it was accepted": (Cut(), MaybeSent),
    "cut after it was accepted": (Cut(accept=True), MaybeSent),
    "cut in the middle of the answer": (Cut(accept=True, midway=True), MaybeSent),
    "silence": (Hang(), MaybeSent),
}


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


@pytest.fixture
async def client(slack: FakeSlack) -> AsyncIterator[Client]:
    client = Client(api_url=slack.api_url, timeout=0.3)
    yield client
    await client.close()


def test_at_least_forty_bodies_are_known() -> None:
    assert sum(len(words.split()) for words in WORDS.values()) + len(ANSWERS) >= 80


async def test_each_word_means_what_the_table_says(slack: FakeSlack, client: Client) -> None:
    for expected, words in WORDS.items():
        for word in words.split():
            slack.fail_next("chat.postMessage", word)
            with pytest.raises(expected) as raised:
                await client.post(BOT_TOKEN, NEWS, HELLO)
            assert word in str(raised.value) or word == "missing_scope"
    assert slack.accepted == []


@pytest.mark.parametrize("name", ANSWERS)
async def test_each_broken_answer_means_what_the_table_says(slack: FakeSlack, client: Client, name: str) -> None:
    fault, expected = ANSWERS[name]
    slack.fail_next("chat.postMessage", fault)
    with pytest.raises(expected) as raised:
        await client.post(BOT_TOKEN, NEWS, HELLO)
    assert slack.calls["chat.postMessage"] == 1  # no hidden second attempt
    assert len(slack.accepted) == (1 if fault.accept else 0)
    said = str(raised.value)
    assert said
    assert not any(leak in said for leak in ("<!channel>", "xoxb", "Hello", "<html>", "C0NEWS"))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("30", timedelta(seconds=30)),
        ("0", timedelta(0)),
        ("43838", timedelta(seconds=43838)),
        ("99999999999999999999", timedelta(days=1)),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("", None),
    ],
)
async def test_the_wait_that_slack_asks_for_is_passed_on(
    slack: FakeSlack, client: Client, said: str, meant: timedelta | None
) -> None:
    slack.flood(said)
    with pytest.raises(TryLater) as raised:
        await client.post(BOT_TOKEN, NEWS, HELLO)
    assert raised.value.after == meant


async def test_a_refused_connection_and_an_unknown_host_were_certainly_not_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/api/", "http://slack.invalid/api/", "http:///api/"):
        client = Client(api_url=url, timeout=2)
        with pytest.raises(TryLater):
            await client.post(BOT_TOKEN, NEWS, HELLO)
        await client.close()


async def test_a_revoked_token_is_nobodys_chat_s_fault(slack: FakeSlack, client: Client) -> None:
    for word in ("token_revoked", "account_inactive", "invalid_auth"):
        slack.revoke(word)
        for call in (client.post(BOT_TOKEN, NEWS, HELLO), client.identity(BOT_TOKEN)):
            with pytest.raises(TokenError):
                await call
    slack.renew()
    assert await client.post(BOT_TOKEN, NEWS, HELLO)


async def test_each_token_opens_only_its_own_door(slack: FakeSlack) -> None:
    client = Client(api_url=slack.api_url, timeout=2)
    for call in (client.post(APP_TOKEN, NEWS, HELLO), client.identity(APP_TOKEN), client.socket_url(BOT_TOKEN)):
        with pytest.raises(TokenError):
            await call
    await client.close()
