"""What people type and press in Telegram, and what comes back: the real library against the strict server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from bot.commands import COMMANDS, Who
from bot.core.model import Chat
from bot.core.speech import Call, Choice, Reply, Span
from bot.errors import TokenError
from handlers.telegram import Telegram
from tests.fakes.clock import FakeClock
from tests.fakes.door import FakeDoor, until
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.telegram.world import OTHER_BOT, user_json

ANA, BEN = 7, 8


@dataclass(slots=True)
class Stage:
    """The bot, listening."""

    telegram: FakeTelegram
    door: FakeDoor
    room: Telegram
    clock: FakeClock
    listening: asyncio.Task[None]

    async def ended(self) -> Exception:
        """Wait until listening ends by itself, and say by what."""
        async with asyncio.timeout(5):
            (error,) = await asyncio.gather(self.listening, return_exceptions=True)
        assert isinstance(error, Exception)
        return error

    async def answered(self, count: int) -> list[str]:
        """Wait for so many messages and give all."""
        await until(lambda: len(self.telegram.accepted) >= count)
        return [message.text for message in self.telegram.accepted]

    async def quiet(self) -> None:
        """Wait until every update was taken: only then does the next poll confirm it."""
        await until(lambda: not self.telegram.world.updates)


@asynccontextmanager
async def on_stage(answer: Callable[[Call], Reply] | None = None, *, ends: bool = False) -> AsyncIterator[Stage]:
    clock = FakeClock()
    async with FakeTelegram(now=lambda: clock.now().timestamp()) as telegram:
        door = FakeDoor(answer)
        room = Telegram(TOKEN, api_url=telegram.api_url, clock=clock)
        listening = asyncio.create_task(room.listen(door))
        yield Stage(telegram, door, room, clock, listening)
        assert ends or not listening.done()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await room.close()


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
    assert stage.door.calls == [Call("follow", ("tps",), Chat("telegram", "", "7"), may_change=True)]


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
        assert stage.door.calls[1] == Call("unfollow", ("tps",), Chat("telegram", "", "7"), may_change=True)
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
    assert stage.door.calls == [Call("start", (), Chat("telegram", "", str(group)), may_change=True)]


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


# --- trouble ------------------------------------------------------------------------------------------------------


async def test_a_command_that_breaks_harms_only_itself() -> None:
    def breaks(call: Call) -> Reply:
        if call.verb == "list":
            raise ZeroDivisionError
        return Reply((Span("fine"),))

    async with on_stage(breaks) as stage:
        stage.telegram.world.say(ANA, ANA, "/list")
        stage.telegram.world.say(ANA, ANA, "/latest")
        assert await stage.answered(1) == ["fine"]


async def test_an_outage_is_waited_out(stage: Stage) -> None:
    await until(lambda: stage.telegram.calls["getUpdates"])
    await stage.telegram.stop()
    await asyncio.sleep(0.02)
    await stage.telegram.start()
    stage.telegram.world.say(ANA, ANA, "/list")
    await stage.answered(1)


@pytest.mark.parametrize("status", [500, 502, 429])
async def test_a_failing_poll_is_repeated_after_a_wait(stage: Stage, status: int) -> None:
    await until(lambda: stage.telegram.calls["getUpdates"])
    before = stage.clock.now()
    stage.telegram.fail_next(status, "oops", method="getUpdates")
    for text in ("/list", "/latest"):
        stage.telegram.world.say(ANA, ANA, text)
        await stage.quiet()
    assert (stage.clock.now() - before).total_seconds() >= 1


async def test_an_answer_that_is_refused_for_its_form_comes_as_plain_text(stage: Stage) -> None:
    stage.telegram.fail_next(400, {"ok": False, "description": "Bad Request: can't parse entities: whatever"})
    stage.telegram.world.say(ANA, ANA, "/list")
    await stage.answered(1)
    assert stage.telegram.accepted[0].raw == "You said list."


async def test_an_answer_that_came_too_early_waits_as_long_as_telegram_says(stage: Stage) -> None:
    stage.telegram.world.add_private(ANA)
    stage.telegram.close_chat(ANA, 17)
    stage.telegram.world.say(ANA, ANA, "/list")
    await stage.answered(1)
    assert stage.telegram.calls["sendMessage"] == 2


async def test_an_answer_that_may_have_arrived_is_not_repeated(stage: Stage) -> None:
    stage.telegram.drop_after_accept()
    stage.telegram.world.say(ANA, ANA, "/list")
    stage.telegram.world.say(BEN, BEN, "/list")
    await stage.answered(2)
    assert [message.chat for message in stage.telegram.accepted] == [ANA, BEN]


async def test_whoever_asks_too_fast_is_answered_within_the_limits_and_no_further(stage: Stage) -> None:
    for _ in range(100):
        stage.telegram.world.say(ANA, ANA, "/list")
    await stage.quiet()
    await stage.answered(10)
    assert len(stage.door.calls) == 100
    assert len(stage.telegram.accepted) < 60


@pytest.mark.parametrize("trouble", ["revoked", "another program", "a webhook set meanwhile"])
async def test_a_token_that_is_not_ours_alone_ends_listening(trouble: str) -> None:
    async with on_stage(ends=True) as stage:
        await until(lambda: stage.telegram.calls["getUpdates"])
        if trouble == "revoked":
            stage.telegram.revoked = True
            stage.telegram.world.say(ANA, ANA, "/list")  # ends the poll that was accepted before
        elif trouble == "another program":
            stage.telegram.conflict()
        else:
            stage.telegram.webhook = "https://elsewhere.example"
            stage.telegram.world.say(ANA, ANA, "/list")
        error = await stage.ended()
        assert isinstance(error, TokenError)
        assert TOKEN not in str(error)


async def test_a_wrong_token_is_found_at_once() -> None:
    async with FakeTelegram() as telegram:
        room = Telegram("1:wrong", api_url=telegram.api_url, clock=FakeClock())
        with pytest.raises(TokenError, match="TELEGRAM__TOKEN"):
            await room.listen(FakeDoor())
        await room.close()


# --- beginning ----------------------------------------------------------------------------------------------------


async def test_the_menu_shows_the_registry_to_those_who_may(stage: Stage) -> None:
    await until(lambda: len(stage.telegram.menus) == 3)
    everybody = {command.name for command in COMMANDS.values() if command.who is Who.EVERYBODY}
    changing = {command.name for command in COMMANDS.values() if command.who is not Who.OPERATORS}
    assert set(stage.telegram.menus["all_group_chats"]) == everybody
    assert set(stage.telegram.menus["default"]) == set(stage.telegram.menus["all_chat_administrators"]) == changing


async def test_a_webhook_of_earlier_days_is_taken_down() -> None:
    async with FakeTelegram() as telegram:
        telegram.webhook = "https://elsewhere.example"
        telegram.world.say(ANA, ANA, "/list")
        room = Telegram(TOKEN, api_url=telegram.api_url, clock=FakeClock())
        listening = asyncio.create_task(room.listen(FakeDoor()))
        await until(lambda: telegram.accepted)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await room.close()


async def test_nothing_secret_is_logged(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.telegram.world.say(ANA + 990_000_000, ANA + 990_000_000, "/list")
    stage.telegram.garbage()
    stage.telegram.fail_next(502, f"body with {TOKEN}", method="getUpdates")
    await stage.quiet()
    await until(lambda: stage.telegram.accepted)
    logged = "".join(capsys.readouterr())
    assert "telegram.listening" in logged
    assert not re.search(rf"{TOKEN}|{ANA + 990_000_000}", logged)
