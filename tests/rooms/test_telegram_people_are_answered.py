"""What people type and press in Telegram, and what comes back: the real library against the strict server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.core.model import Chat
from bot.core.speech import Call, Choice, Reply, Span
from handlers.telegram import Telegram
from tests.fakes.clock import FakeClock
from tests.fakes.door import FakeDoor, until
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.telegram.members import OTHER_BOT, user_json
from tests.fakes.telegram_stage import Stage, on_stage

ANA, BEN = 7, 8


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with on_stage() as stage:
        yield stage


# --- typing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["/follow tps", "follow tps", "/follow@policybell_bot tps", "/FOLLOW@Policybell_Bot tps"]
)
async def test_in_private_a_line_works_with_a_slash_and_without(stage: Stage, text: str) -> None:
    stage.telegram.world.say(ANA, ANA, text)
    assert await stage.answered(1) == ["You said follow."]
    ana = Chat("telegram", "", "7")
    assert stage.door.calls == [Call("follow", ("tps",), ana, may_change=True, actor="7", in_private=True)]


async def test_in_private_an_unknown_word_is_passed_on_for_a_suggestion(stage: Stage) -> None:
    stage.telegram.world.say(ANA, ANA, "/folow tps")
    assert await stage.answered(1) == ["You said folow."]


async def test_in_a_group_only_commands_for_this_bot_are_heard(stage: Stage) -> None:
    group = stage.telegram.world.add_group(admins=[ANA], members=[BEN])
    for text in ("/latest", "/latest@policybell_bot 3", "/latest@otherbot", "/unknown", "/nonsense@policybell_bot"):
        stage.telegram.world.say(group, ANA, text)
    await stage.quiet()
    assert stage.door.lines == ["latest", "latest 3"]


async def test_plain_words_in_a_group_are_nobody_s_business(stage: Stage) -> None:
    group = stage.telegram.world.add_group(admins=[ANA])
    room = stage.telegram.world.rooms[group]
    spoken = stage.telegram.world.message(room, "latest")  # a bot with privacy mode off hears everything
    stage.telegram.world.push({"message": spoken | {"from": {"id": ANA, "is_bot": False, "first_name": "Ana"}}})
    await stage.quiet()
    assert stage.door.lines == []


async def test_a_topic_of_a_forum_is_a_chat_of_its_own(stage: Stage) -> None:
    group = stage.telegram.world.add_group(admins=[ANA], topics=[5])
    stage.telegram.world.say(group, ANA, "/list", thread=5)
    await stage.answered(1)
    assert stage.door.calls[0].chat == Chat("telegram", "", str(group), "5")
    assert stage.telegram.accepted[0].thread == 5


@pytest.mark.parametrize(
    "more",
    [
        {"from": user_json(OTHER_BOT)},
        {"forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "x"}},
        {"is_automatic_forward": True, "sender_chat": {"id": -5, "type": "channel", "title": "News"}},
    ],
    ids=["another bot", "forwarded words", "a linked channel's post"],
)
async def test_what_no_person_typed_here_is_not_heard(stage: Stage, more: dict[str, object]) -> None:
    group = stage.telegram.world.add_group(admins=[ANA])
    stage.telegram.world.say(group, ANA, "/latest", **more)
    await stage.quiet()
    assert stage.door.lines == []


async def test_edited_messages_and_stickers_are_not_heard(stage: Stage) -> None:
    stage.telegram.world.say(ANA, ANA, "/list")
    stage.telegram.world.edit(ANA, ANA, "/follow tps")
    room = stage.telegram.world.rooms[ANA]
    stage.telegram.world.push({"message": stage.telegram.world.message(room, "") | {"sticker": {}}})
    await stage.quiet()
    assert stage.door.lines == ["list"]


async def test_an_update_that_comes_twice_is_taken_once(stage: Stage) -> None:
    update = stage.telegram.world.say(ANA, ANA, "/follow tps")
    assert update is not None
    await stage.answered(1)
    stage.telegram.world.updates.clear()
    for _ in range(4):
        stage.telegram.world.redeliver(update)
    # Telegram would not hand out confirmed ones again; a local server that lost its memory does.
    stage.telegram.world.updates = [one | {"update_id": one["update_id"]} for one in stage.telegram.world.updates]
    await stage.quiet()
    assert stage.door.lines.count("follow tps") == 1


async def test_an_update_that_nobody_can_read_harms_only_itself(stage: Stage) -> None:
    stage.telegram.world.push({"message": {"message_id": "?", "chat": 5}})
    stage.telegram.world.push({"callback_query": {"id": "1"}})
    stage.telegram.world.say(ANA, ANA, "/list")
    assert await stage.answered(1) == ["You said list."]


async def test_what_waited_while_the_bot_was_away_is_answered() -> None:
    clock = FakeClock()
    async with FakeTelegram(now=lambda: clock.now().timestamp()) as telegram:
        telegram.world.say(ANA, ANA, "/list")
        door = FakeDoor()
        room = Telegram(TOKEN, api_url=telegram.api_url, clock=clock)
        listening = asyncio.create_task(room.listen(door))
        await until(lambda: telegram.accepted)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await room.close()


async def test_a_command_is_confirmed_only_after_it_was_carried_out() -> None:
    clock = FakeClock()
    async with FakeTelegram(now=lambda: clock.now().timestamp()) as telegram:
        telegram.world.say(ANA, ANA, "/list")
        door = FakeDoor()
        door.ready.clear()
        room = Telegram(TOKEN, api_url=telegram.api_url, clock=clock)
        listening = asyncio.create_task(room.listen(door))
        await until(lambda: door.calls)
        listening.cancel()  # as a crash would
        await asyncio.gather(listening, return_exceptions=True)
        assert len(telegram.world.updates) == 1  # it will be handed out again
        await room.close()


# --- pressing -----------------------------------------------------------------------------------------------------


def offers(call: Call) -> Reply:
    if call.verb == "unfollow" and not call.may_change:
        return Reply((Span("Only administrators may do that."),), ok=False)
    return Reply((Span(f"You said {call.verb}."),), (Choice("Stop", "unfollow tps"), Choice("Look", "latest 5")))


async def test_a_press_is_the_line_that_it_stands_for_and_always_answered() -> None:
    async with on_stage(offers) as stage:
        stage.telegram.world.say(ANA, ANA, "/follow tps")
        await stage.answered(1)
        stage.telegram.world.press(stage.telegram.accepted[0].message, "Stop", ANA)
        await stage.answered(2)
        ana = Chat("telegram", "", "7")
        assert stage.door.calls[1] == Call("unfollow", ("tps",), ana, may_change=True, actor="7", in_private=True)
        await until(lambda: stage.telegram.toasts)


async def test_rights_are_those_of_whoever_presses_and_a_refusal_is_shown_to_them_alone() -> None:
    async with on_stage(offers) as stage:
        group = stage.telegram.world.add_group(admins=[ANA], members=[BEN])
        stage.telegram.world.say(group, ANA, "/follow tps")
        await stage.answered(1)
        stage.telegram.world.press(stage.telegram.accepted[0].message, "Stop", BEN)
        await until(lambda: stage.telegram.toasts)
        assert not stage.door.calls[1].may_change
        assert stage.telegram.toasts[0][1].startswith("Only administrators may do that.")
        assert len(stage.telegram.accepted) == 1
        stage.telegram.world.press(stage.telegram.accepted[0].message, "Look", BEN)
        await stage.answered(2)


@pytest.mark.parametrize("data", ["", "2|follow tps", "1|", "{}", "1|nonsense " + "x" * 50])
async def test_data_that_a_modified_client_made_up_is_only_a_line(data: str) -> None:
    async with on_stage(offers) as stage:
        group = stage.telegram.world.add_group(members=[BEN])
        message = stage.telegram.world.message(stage.telegram.world.rooms[group], "old")
        stage.telegram.world.press_data(message, data, BEN)
        await until(lambda: not stage.telegram.world.unanswered)
        assert not any(call.may_change for call in stage.door.calls)


async def test_a_press_on_a_message_that_telegram_no_longer_shows_still_works() -> None:
    async with on_stage(offers) as stage:
        stage.telegram.world.add_private(ANA)
        old = {"message_id": 3, "date": 0, "chat": stage.telegram.world.rooms[ANA].json()}
        stage.telegram.world.press_data(old, "1|latest 5", ANA)
        await stage.answered(1)


# --- coming, going, moving ----------------------------------------------------------------------------------------


async def test_a_group_that_the_bot_is_added_to_is_told_how_to_begin(stage: Stage) -> None:
    group = stage.telegram.world.add_group(admins=[ANA])
    stage.telegram.world.invite(group, ANA)
    await stage.answered(1)
    here = Chat("telegram", "", str(group))
    assert stage.door.calls == [Call("start", (), here, may_change=True, actor=str(ANA))]


async def test_a_group_that_became_a_supergroup_takes_its_settings_along(stage: Stage) -> None:
    group = stage.telegram.world.add_group(kind="group", admins=[ANA])
    new = stage.telegram.world.upgrade_group(group)
    await until(lambda: len(stage.door.moves) == 2)
    move = (Chat("telegram", "", str(group)), Chat("telegram", "", str(new)))
    assert stage.door.moves == [move, move]  # told twice, and moving is idempotent


async def test_an_answer_follows_its_chat(stage: Stage) -> None:
    group = stage.telegram.world.add_group(kind="group", admins=[ANA])
    new = stage.telegram.world.upgrade_group(group, told=False)
    stage.telegram.world.say(group, ANA, "/list")
    await stage.answered(1)
    assert stage.telegram.accepted[0].chat == new
