"""Slash commands, buttons and invitations, through bolt and Socket Mode against the strict server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.model import Chat
from bot.core.speech import Call, Choice, Reply, Span
from bot.errors import TokenError
from handlers.slack import Slack
from handlers.slack.sockets import Rhythm
from tests.fakes.clock import FakeClock
from tests.fakes.door import FakeDoor, until
from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, BOT_USER, Answer, FakeSlack
from tests.fakes.slack.people import ALLOWED, settle
from tests.fakes.slack.world import leaves

NEWS = Chat("slack", "", "C0NEWS")
QUICK = Rhythm(ping=0.05, opening=2.0, absence=0.15)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def slack(clock: FakeClock) -> AsyncIterator[FakeSlack]:
    async with FakeSlack(now=lambda: clock.now().timestamp()) as fake:
        yield fake


@pytest.fixture
def door() -> FakeDoor:
    return FakeDoor()


@contextlib.asynccontextmanager
async def listening(
    slack: FakeSlack, door: FakeDoor, clock: FakeClock, **settings: Any
) -> AsyncIterator[tuple[Slack, asyncio.Task[None]]]:
    room = Slack(BOT_TOKEN, APP_TOKEN, api_url=slack.api_url, clock=clock, rhythm=QUICK, **settings)
    task = asyncio.create_task(room.listen(door))
    try:
        yield room, task
    finally:
        task.cancel()
        await asyncio.wait([task])
        await room.close()


@pytest.fixture
async def room(slack: FakeSlack, door: FakeDoor, clock: FakeClock) -> AsyncIterator[Slack]:
    async with listening(slack, door, clock) as (room, _):
        yield room


def said(answer: object) -> str:
    return "".join(leaves(answer["blocks"]))


# --- lines --------------------------------------------------------------------------------------------------------


async def test_a_slash_command_is_a_line_and_its_answer_is_for_the_asker_alone(slack, door, room) -> None:
    envelope = await slack.slash("C0NEWS", "U0ANA", "  LATEST 5  tps ")
    answer = await envelope.answer()
    assert said(answer) == "You said latest."
    assert answer["response_type"] == "ephemeral"
    assert door.calls == [Call("latest", ("5", "tps"), NEWS, may_change=True, actor="U0ANA")]
    assert slack.accepted == []


async def test_only_a_direct_message_is_private_and_the_asker_is_named_by_id(slack, door, room) -> None:
    for channel in ("D0ANA", "G0TEAM", "C0NEWS"):
        await (await slack.slash(channel, "U0ANA", "status")).answer()
    assert [(call.actor, call.in_private) for call in door.calls] == [
        ("U0ANA", True),
        ("U0ANA", False),
        ("U0ANA", False),
    ]


async def test_the_bare_command_asks_for_the_status(slack, door, room) -> None:
    for text in ("", "   "):
        await (await slack.slash("C0NEWS", "U0ANA", text)).answer()
    assert [call.verb for call in door.calls] == ["status", "status"]


async def test_a_line_is_acknowledged_before_it_is_worked_on(slack, door, room) -> None:
    door.ready.clear()
    envelope = await slack.slash("C0NEWS", "U0ANA", "latest")  # returns when it is acknowledged
    assert envelope.answers == []
    door.ready.set()
    await envelope.answer()


async def test_another_name_for_the_command_is_heard_and_named(slack, door, clock) -> None:
    async with listening(slack, door, clock, command="/bell"):
        await (await slack.slash("C0NEWS", "U0ANA", "follow tps", command="/bell")).answer()
        await until(lambda: len(slack.accepted) == 1)
    assert slack.accepted[0].said == "<@U0ANA>\n used \n/bell follow tps"


async def test_a_direct_message_is_a_chat_of_its_own(slack, door, room) -> None:
    slack.add_channel("D0ANA")
    await (await slack.slash("D0ANA", "U0ANA", "list")).answer()
    assert door.calls[0].chat == Chat("slack", "", "D0ANA")


async def test_a_long_answer_comes_in_several_messages_with_the_buttons_under_the_last(slack, door, room) -> None:
    lines = tuple(Span(f"{number} {'word ' * 60}\n") for number in range(80))
    door.reply = lambda _: Reply(lines, (Choice("Help", "help"),))
    envelope = await slack.slash("C0NEWS", "U0ANA", "sources")
    await envelope.answer(3)
    assert [answer["blocks"][-1]["type"] for answer in envelope.answers] == ["rich_text", "rich_text", "actions"]


async def test_an_answer_that_cannot_be_given_harms_nothing(slack, door, room) -> None:
    slack.fail_next("response_url", Answer("no", status=404))
    await slack.slash("C0NEWS", "U0ANA", "latest")
    slack.drop_before_accept("response_url")
    await slack.slash("C0NEWS", "U0ANA", "latest")
    await (await slack.slash("C0NEWS", "U0ANA", "latest")).answer()
    assert len(door.calls) == 3


async def test_a_bug_is_owned_up_to_with_a_reference(slack, door, room, capsys) -> None:
    door.reply = lambda _: 1 / 0
    envelope = await slack.slash("C0NEWS", "U0ANA", "latest")
    apology = said(await envelope.answer())
    assert apology.startswith("Something went wrong (ref ")
    assert apology.removeprefix("Something went wrong (ref ")[:4] in capsys.readouterr().out
    await slack.invite("C0NEWS")
    door.reply = lambda _: Reply((Span("Yes."),))
    await (await slack.slash("C0NEWS", "U0ANA", "latest")).answer()


# --- changes ------------------------------------------------------------------------------------------------------


async def test_a_change_is_told_to_the_channel_with_who_made_it(slack, door, room) -> None:
    await slack.slash("C0NEWS", "U0ANA", "follow tps <!channel> & co")
    await until(lambda: len(slack.accepted) == 1)
    assert slack.accepted[0].channel == "C0NEWS"
    assert slack.accepted[0].said == "<@U0ANA>\n used \n/policybell follow tps <!channel> & co"
    assert slack.accepted[0].text == "<@U0ANA> used /policybell follow tps &lt;!channel&gt; &amp; co"


async def test_questions_refusals_and_requests_to_confirm_are_not_told_to_the_channel(slack, door, room) -> None:
    refused = Reply((Span("No."),), ok=False)
    asked = Reply((Span("Sure?"),), (Choice("Delete everything", "forget yes"),))
    door.reply = lambda call: {"follow": refused, "forget": asked}.get(call.verb, Reply((Span("Yes."),)))
    for line in ("latest", "follow nonsense", "forget", "forget yes"):
        await (await slack.slash("C0NEWS", "U0ANA", line)).answer()
    await until(lambda: len(slack.accepted) == 1)
    assert slack.accepted[0].said.endswith("/policybell forget yes")


async def test_following_where_the_bot_cannot_write_says_how_to_invite_it(slack, door, room) -> None:
    slack.add_channel("C0FAR", member=False)
    envelope = await slack.slash("C0FAR", "U0ANA", "follow tps")
    assert "/invite @policybell" in said(await envelope.answer(2))


# --- buttons ------------------------------------------------------------------------------------------------------


async def test_a_button_is_its_line_typed_by_whoever_presses_it(slack, door, room) -> None:
    door.reply = lambda _: Reply((Span("Topics"),), (Choice("Follow TPS", "follow tps"), Choice("Help", "help")))
    answer = await (await slack.slash("C0NEWS", "U0ANA", "topics")).answer()
    slack.add_user("U0GUEST", guest=True)
    for user in ("U0ANA", "U0GUEST"):
        await (await slack.press_label("C0NEWS", user, "Follow TPS", answer["blocks"])).answer()
    assert door.calls[1:] == [
        Call("follow", ("tps",), NEWS, may_change=True, actor="U0ANA"),
        Call("follow", ("tps",), NEWS, may_change=False, actor="U0GUEST"),
    ]


@pytest.mark.parametrize("value", ["0|follow tps", "2|follow tps", "", "1|", "1|1|list", "|||"])
async def test_an_old_or_odd_button_goes_through_the_door_like_any_line(slack, door, room, value: str) -> None:
    await (await slack.press("C0NEWS", "U0ANA", {"type": "button", "action_id": "line:1", "value": value})).answer()
    assert len(door.calls) == 1
    assert door.calls[0].verb in {"0|follow", "2|follow", "status", "list", "|||"}


async def test_a_press_on_a_link_is_acknowledged_and_nothing_else(slack, door, room) -> None:
    link = {"type": "button", "action_id": "open", "url": "https://www.uscis.gov/x"}
    await slack.press("C0NEWS", "U0ANA", link, on="1.1")
    assert door.calls == []


# --- who may change -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ALLOWED)
async def test_only_those_whom_the_setting_names_may_change(slack, door, clock, who: str) -> None:
    async with listening(slack, door, clock, who=who):
        for name, user in settle(slack).items():
            await (await slack.slash("C0NEWS", user, "list")).answer()
            assert door.calls[-1].may_change == (name in ALLOWED[who]), name


@pytest.mark.parametrize("missing", ["is_restricted", "is_ultra_restricted", "team_id", "deleted", "is_bot"])
async def test_what_slack_does_not_say_counts_against_somebody(slack, door, room, missing: str) -> None:
    del slack.world.users["U0ANA"][missing]
    await (await slack.slash("C0NEWS", "U0ANA", "list")).answer()
    assert not door.calls[0].may_change


async def test_a_list_of_ids_needs_no_look_up(slack, door, clock) -> None:
    slack.add_user("U0GUEST", guest=True)
    async with listening(slack, door, clock, who=("U0GUEST",)):
        for user in ("U0GUEST", "U0ANA"):
            await (await slack.slash("C0NEWS", user, "list")).answer()
    assert [call.may_change for call in door.calls] == [True, False]
    assert slack.calls["users.info"] == 0


@pytest.mark.parametrize("word", ["user_not_found", "ratelimited", "missing_scope", "fatal_error"])
async def test_who_cannot_be_looked_up_may_ask_but_not_change(slack, door, room, word: str) -> None:
    slack.fail_next("users.info", word)
    for expected in (False, True):
        await (await slack.slash("C0NEWS", "U0ANA", "list")).answer()
        assert door.calls[-1].may_change is expected


async def test_a_lost_right_is_noticed_within_a_minute(slack, door, clock, room) -> None:
    await (await slack.slash("C0NEWS", "U0ANA", "list")).answer()
    slack.add_user("U0ANA", guest=True)
    await clock.sleep(59)
    await (await slack.slash("C0NEWS", "U0ANA", "list")).answer()
    await clock.sleep(2)
    await (await slack.slash("C0NEWS", "U0ANA", "list")).answer()
    assert [call.may_change for call in door.calls] == [True, True, False]
    assert slack.calls["users.info"] == 2


# --- told more than once ------------------------------------------------------------------------------------------


async def test_what_slack_tells_again_takes_effect_once(slack, door, room) -> None:
    command = await slack.slash("C0NEWS", "U0ANA", "follow tps")
    press = await slack.press("C0NEWS", "U0ANA", {"type": "button", "action_id": "line:1", "value": "1|list"})
    joined = await slack.invite("C0NEWS")
    for envelope in (command, press, joined):
        for attempt in (1, 2, 3):
            await slack.repeat(envelope, attempt=attempt)
            await slack.repeat(envelope, attempt=attempt, new_id=True)
    await until(lambda: len(slack.accepted) == 2)
    assert sorted(call.verb for call in door.calls) == ["follow", "list", "start"]


async def test_the_same_line_said_twice_takes_effect_twice(slack, door, room) -> None:
    for _ in range(2):
        await (await slack.slash("C0NEWS", "U0ANA", "latest")).answer()
    assert len(door.calls) == 2


# --- channels and the app itself ----------------------------------------------------------------------------------


async def test_the_bot_says_hello_where_it_is_invited(slack, door, room) -> None:
    slack.kick("C0NEWS")
    await slack.invite("C0NEWS")
    await until(lambda: len(slack.accepted) == 1)
    assert door.calls == [Call("start", (), NEWS, may_change=False)]
    assert slack.accepted[0].said == "You said start."


async def test_somebody_else_s_arrival_is_not_the_bot_s(slack, door, room) -> None:
    await slack.event("member_joined_channel", user="U0ANA", channel="C0NEWS", channel_type="C")
    await (await slack.slash("C0NEWS", "U0ANA", "list")).answer()
    assert [call.verb for call in door.calls] == ["list"]


async def test_an_invitation_by_a_member_wakes_the_channel(slack, door, room) -> None:
    await slack.event("member_joined_channel", user=BOT_USER, channel="C0NEWS", inviter="U0ANA")
    await until(lambda: bool(door.calls))
    assert door.calls[0].may_change


@pytest.mark.parametrize("event", ["app_uninstalled", "tokens_revoked"])
async def test_listening_ends_when_the_app_is_removed(slack, door, clock, event: str) -> None:
    async with listening(slack, door, clock) as (room, task):
        await slack.sockets.until_connected()
        slack.revoke("account_inactive")
        await slack.event(event)
        with pytest.raises(TokenError):
            await asyncio.wait_for(task, 5)
        assert not room.is_connected


async def test_somebody_s_revoked_token_does_not_end_listening(slack, door, room) -> None:
    await slack.event("tokens_revoked", tokens={"oauth": ["U0ANA"]})
    await until(lambda: slack.sockets.opened == 2)
    await (await slack.slash("C0NEWS", "U0ANA", "list")).answer()


@pytest.mark.parametrize("token", [BOT_TOKEN, APP_TOKEN])
async def test_listening_ends_at_once_where_a_token_is_refused(slack, door, clock, token: str) -> None:
    slack.revoke("invalid_auth", token=token)
    async with listening(slack, door, clock) as (_, task):
        with pytest.raises(TokenError):
            await asyncio.wait_for(task, 5)
