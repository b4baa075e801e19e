"""HTTP mode (S23): what Slack did not sign, signed long ago, or was seen before has no effect and breaks nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.model import Chat
from bot.core.speech import Call
from bot.errors import TokenError
from handlers.slack import signed as signing
from handlers.slack.requests import Requests
from handlers.slack.signed import MOST_REMEMBERED, Signatures
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.door import until
from tests.fakes.slack import BOT_TOKEN
from tests.fakes.slack.proxied import Scene, running
from tests.fakes.slack.requests import SIGNING_SECRET, Request, sign
from tests.fakes.slack.sockets import Envelope

NEWS = Chat("slack", "", "C0NEWS")
CAP = 256 * 1024


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with running(FakeClock()) as scene:
        yield scene


# --- the good ones ------------------------------------------------------------------------------------------------


async def test_people_are_answered_as_over_a_socket(scene: Scene) -> None:
    answer = await (await scene.slack.slash("C0NEWS", "U0ANA", "follow tps")).answer()
    assert answer["response_type"] == "ephemeral"
    await until(lambda: len(scene.slack.accepted) == 1)
    assert scene.slack.accepted[0].said == "<@U0ANA>\n used \n/policybell follow tps"
    await (
        await scene.slack.press("C0NEWS", "U0ANA", {"type": "button", "action_id": "line:1", "value": "1|list"})
    ).answer()
    await scene.slack.invite("C0NEWS")
    await until(lambda: len(scene.door.calls) == 3)
    assert scene.door.calls == [
        Call("follow", ("tps",), NEWS, may_change=True, actor="U0ANA"),
        Call("list", (), NEWS, may_change=True, actor="U0ANA"),
        Call("start", (), NEWS, may_change=False),
    ]


async def test_a_line_is_acknowledged_before_it_is_worked_on(scene: Scene) -> None:
    scene.door.ready.clear()
    envelope = await scene.slack.slash("C0NEWS", "U0ANA", "latest")  # returns once it was answered with 200
    assert envelope.acked_after is not None
    assert envelope.acked_after < 3
    assert envelope.answers == []
    scene.door.ready.set()
    await envelope.answer()


async def test_the_address_is_verified_by_its_challenge(scene: Scene) -> None:
    envelope = Envelope("x", "events_api", {"type": "url_verification", "challenge": "3eZbrw1a", "token": "old"})
    assert await scene.requests.send(scene.requests.signed(envelope)) == (200, "3eZbrw1a")
    unsigned = replace(scene.requests.signed(envelope), headers={"Content-Type": "application/json"})
    assert (await scene.requests.send(unsigned))[0] == 401


async def test_a_clock_that_differs_by_five_minutes_is_borne(scene: Scene) -> None:
    scene.clock.advance(timedelta(minutes=10))
    now = scene.clock.now().timestamp()
    for number, offset in enumerate((-300, -299, 0, 299, 300)):
        assert await scene.status(scene.command(f"follow {number}", at=now + offset)) == 200
    await until(lambda: len(scene.door.calls) == 5)


# --- the bad ones -------------------------------------------------------------------------------------------------


def forged(good: Request, **headers: str | None) -> Request:
    changed = {**good.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return replace(good, headers={name: value for name, value in changed.items() if value is not None})


BAD: dict[str, dict[str, str | None]] = {
    "no signature": {"X_Slack_Signature": None},
    "empty signature": {"X_Slack_Signature": ""},
    "bad signature": {"X_Slack_Signature": "v0=" + "0" * 64},
    "another version": {"X_Slack_Signature": "v1=" + "0" * 64},
    "short signature": {"X_Slack_Signature": "v0=0"},
    "non-ASCII signature": {"X_Slack_Signature": "v0=é" + "0" * 63},
    "full-width digits": {"X_Slack_Signature": "v0=" + "０" * 64},
    "no timestamp": {"X_Slack_Request_Timestamp": None},
    "empty timestamp": {"X_Slack_Request_Timestamp": ""},
    "a word for a timestamp": {"X_Slack_Request_Timestamp": "abc"},
    "Arabic digits": {"X_Slack_Request_Timestamp": "١٧٩٥٥٢٥٢٠٠"},
    "a negative timestamp": {"X_Slack_Request_Timestamp": "-1"},
    "a fraction": {"X_Slack_Request_Timestamp": "1795525200.0"},
    "a timestamp beyond all time": {"X_Slack_Request_Timestamp": "9" * 400},
    "not a number": {"X_Slack_Request_Timestamp": "nan"},
    "neither": {"X_Slack_Request_Timestamp": None, "X_Slack_Signature": None},
}


@pytest.mark.parametrize("name", BAD)
async def test_what_slack_did_not_sign_is_refused_and_breaks_nothing(scene: Scene, name: str) -> None:
    assert await scene.status(forged(scene.command(), **BAD[name])) == 401
    assert scene.door.calls == []


@pytest.mark.parametrize("offset", [-301, 301, -3600, 86400])
async def test_what_was_signed_long_ago_or_in_the_future_is_refused(scene: Scene, offset: int) -> None:
    scene.clock.advance(timedelta(days=1))
    assert await scene.status(scene.command(at=scene.clock.now().timestamp() + offset)) == 401
    assert scene.door.calls == []


async def test_what_was_signed_for_another_body_secret_or_moment_is_refused(scene: Scene) -> None:
    good = scene.command()
    timestamp = good.headers["X-Slack-Request-Timestamp"]
    assert await scene.status(replace(good, body=good.body.replace(b"follow", b"forget"))) == 401
    assert await scene.status(forged(good, X_Slack_Signature=sign("guess", timestamp, good.body))) == 401
    assert await scene.status(forged(good, X_Slack_Signature=sign("", timestamp, good.body))) == 401
    assert await scene.status(forged(good, X_Slack_Request_Timestamp=str(int(timestamp) + 1))) == 401
    assert scene.door.calls == []


async def test_a_doubled_header_is_refused(scene: Scene) -> None:
    good = scene.command()
    head = "".join(f"{name}: {value}\r\n" for name, value in good.headers.items())
    head += f"X-Slack-Signature: {good.headers['X-Slack-Signature']}\r\nContent-Length: {len(good.body)}\r\n"
    assert await raw(scene, head.encode() + b"\r\n" + good.body) == 401
    assert scene.door.calls == []


async def test_bytes_that_are_no_text_in_a_header_are_refused(scene: Scene) -> None:
    good = scene.command()
    head = f"Host: x\r\nContent-Length: {len(good.body)}\r\nX-Slack-Request-Timestamp: 1\r\n".encode()
    assert await raw(scene, head + b"X-Slack-Signature: v0=\xff\xfe\xe9\r\n\r\n" + good.body) == 401


async def raw(scene: Scene, rest: bytes) -> int:
    port = urlsplit(scene.web.open()).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /slack/events HTTP/1.1\r\n" + rest)
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status


@pytest.mark.parametrize("size", [CAP - 1, CAP, CAP + 1, 4 * CAP])
async def test_a_body_has_a_cap(scene: Scene, size: int) -> None:
    timestamp = str(int(scene.clock.now().timestamp()))
    body = json.dumps({"type": "url_verification", "challenge": "x"}).encode().ljust(size)
    headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": sign(SIGNING_SECRET, timestamp, body)}
    status = await scene.status(Request(body, {**headers, "Content-Type": "application/json"}))
    assert status == (200 if size <= CAP else 413)


async def test_a_compressed_body_is_not_unpacked(scene: Scene) -> None:
    assert await scene.status(forged(scene.command(), Content_Encoding="deflate")) == 415


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"7", b"[" * 100_000, b'"x"', b"payload=["])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
async def test_signed_nonsense_breaks_nothing(scene: Scene, body: bytes, content_type: str) -> None:
    timestamp = str(int(scene.clock.now().timestamp()))
    headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": sign(SIGNING_SECRET, timestamp, body)}
    assert await scene.status(Request(body, {**headers, "Content-Type": content_type})) in {200, 400}
    assert scene.door.calls == []


@pytest.mark.parametrize(
    "payload", [{"type": "block_actions"}, {"type": "event_callback"}, {"command": 7}, {"type": []}, {"ssl_check": "1"}]
)
async def test_signed_payloads_of_odd_shape_break_nothing(scene: Scene, payload: dict[str, object]) -> None:
    kind = "slash_commands" if "ssl_check" in payload else "events_api"
    assert await scene.status(scene.requests.signed(Envelope("x", kind, payload))) in {200, 503}
    assert await scene.status(scene.command()) == 200


async def test_what_nobody_here_answers_is_acknowledged_with_nothing(scene: Scene) -> None:
    for payload in ({"type": "event_callback", "event": {"type": "reaction_added"}}, {"type": "shortcut"}):
        request = scene.requests.signed(Envelope("x", "events_api", payload))
        assert await scene.requests.send(request) == (200, "")


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    app = web.Application()
    app.add_routes(Requests(SIGNING_SECRET, clock=FakeClock(), read_seconds=0.05).routes())
    runner = web.AppRunner(app, lingering_time=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    writer.write(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nslow")
    assert b" 408 " in await reader.readline()
    writer.close()
    await runner.cleanup()


# --- again --------------------------------------------------------------------------------------------------------


async def test_a_replay_is_ignored_for_as_long_as_it_would_be_fresh(scene: Scene) -> None:
    good = scene.command(at=scene.clock.now().timestamp() + 300)  # signed by a clock that is ahead
    assert await scene.status(good) == 200
    for _ in range(7):
        assert await scene.status(good) == 200
        scene.clock.advance(timedelta(seconds=99))
    assert await scene.status(good) == 401
    assert len(scene.door.calls) == 1


async def test_a_replay_after_a_restart_is_refused() -> None:
    clock = FakeClock()
    async with running(clock) as scene:
        good = scene.command()
        assert await scene.status(good) == 200
        await until(lambda: len(scene.door.calls) == 1)
    clock.advance(timedelta(seconds=2))
    async with running(clock) as scene:
        assert await scene.status(good) == 401
        assert scene.door.calls == []


async def test_an_event_told_four_times_takes_effect_once(scene: Scene) -> None:
    joined = await scene.slack.invite("C0NEWS")
    for attempt in (1, 2, 3):
        scene.clock.advance(timedelta(minutes=attempt))
        assert await scene.status(scene.requests.signed(joined, attempt)) == 200
    await until(lambda: len(scene.slack.accepted) == 1)
    assert [call.verb for call in scene.door.calls] == ["start"]


async def test_a_command_and_a_press_told_four_times_take_effect_once(scene: Scene) -> None:
    command = await scene.slack.slash("C0NEWS", "U0ANA", "follow tps")
    button = {"type": "button", "action_id": "line:1", "value": "1|list"}
    press = await scene.slack.press("C0NEWS", "U0ANA", button)
    for envelope in (command, press):
        for attempt in (1, 2, 3):
            scene.clock.advance(timedelta(minutes=attempt))
            assert await scene.status(scene.requests.signed(envelope, attempt)) == 200
    await press.answer()
    assert [call.verb for call in scene.door.calls] == ["follow", "list"]


async def test_an_event_that_comes_before_the_bot_listens_is_told_again_until_it_does() -> None:
    clock = FakeClock()
    async with running(clock) as scene:
        scene.listening.cancel()
        await until(lambda: not scene.room.is_connected)
        joined = scene.requests.signed(Envelope("x", "events_api", event()))
        assert await scene.status(joined) == 503
        again = asyncio.create_task(scene.room.listen(scene.door))
        await until(lambda: scene.room.is_connected)
        clock.advance(timedelta(seconds=5))
        assert await scene.status(scene.requests.signed(Envelope("x", "events_api", event()), 1)) == 200
        await until(lambda: len(scene.door.calls) == 1)
        again.cancel()
        await asyncio.wait([again])


def event() -> dict[str, object]:
    happened = {"type": "member_joined_channel", "user": "U0BOT", "channel": "C0NEWS"}
    return {"type": "event_callback", "event_id": "Ev1", "team_id": "T0HOME", "event": happened}


@pytest.mark.parametrize("event", ["app_uninstalled", "tokens_revoked"])
async def test_listening_ends_when_the_app_is_removed(scene: Scene, event: str) -> None:
    scene.slack.revoke("account_inactive")
    await scene.slack.event(event)
    with pytest.raises(TokenError):
        await asyncio.wait_for(scene.listening, 5)
    assert await scene.status(scene.command()) == 503


@settings(max_examples=300, deadline=None)
@given(
    timestamp=st.text(max_size=20) | st.integers().map(str), claimed=st.text(max_size=80), body=st.binary(max_size=50)
)
def test_whatever_stands_in_the_headers_is_refused_without_an_error(timestamp: str, claimed: str, body: bytes) -> None:
    signatures = Signatures(SIGNING_SECRET, NOON)
    now = str(int(NOON.timestamp()))
    for at, claim in ((timestamp, claimed), (now, claimed), (now, f"v0={claimed}"), (now, sign("", now, body))):
        assert not signatures.good(at, claim, body, NOON)
    assert signatures.good(now, sign(SIGNING_SECRET, now, body), body, NOON)


def test_memory_of_signatures_is_bounded_and_keeps_ten_minutes() -> None:
    signatures = Signatures("secret", NOON)
    claims = [f"v0={number:064x}" for number in range(2_000)]
    assert not any(signatures.replayed(claim, NOON) for claim in claims)
    assert all(signatures.replayed(claim, NOON + timedelta(seconds=599)) for claim in claims)
    assert not signatures.replayed("v0=" + "f" * 64, NOON + timedelta(seconds=600))
    assert len(signatures._seen) == 1
    assert MOST_REMEMBERED * 32 < 10_000_000
    assert signing.REMEMBERED >= 2 * signing.FRESH


# --- who else may knock -------------------------------------------------------------------------------------------


async def test_a_foreign_host_is_served_on_this_route_only(scene: Scene) -> None:
    assert await scene.status(scene.command()) == 200  # sent for bell.example.org, as a proxy passes it on
    for path, expected in (("/chat", 403), ("/", 403), ("/livez", 403)):
        assert await get(scene, path) == expected


async def get(scene: Scene, path: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(scene.web.open()).port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: bell.example.org\r\n\r\n".encode())
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status


async def test_no_secret_is_logged(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    await scene.slack.slash("C0NEWS", "U0ANA", "follow tps")
    await scene.status(forged(scene.command(), X_Slack_Signature="v0=" + "0" * 64))
    said = "".join(capsys.readouterr())
    assert "slack.request_refused" in said
    for secret in (SIGNING_SECRET, BOT_TOKEN, "v0=", "C0NEWS", "U0ANA"):
        assert secret not in said
