"""What Telegram refuses, breaks or takes away while people talk to the bot, and how the bot begins."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from bot.commands import COMMANDS, Who
from bot.core.speech import Call, Reply, Span
from bot.errors import TokenError
from handlers.telegram import Telegram
from tests.fakes.clock import FakeClock
from tests.fakes.door import FakeDoor, until
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.telegram_stage import Stage, on_stage

ANA, BEN = 7, 8


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with on_stage() as stage:
        yield stage


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
    stage.door.reply = lambda _: Reply((Span("You & I."),))
    stage.telegram.fail_next(400, {"ok": False, "description": "Bad Request: can't parse entities: whatever"})
    stage.telegram.world.say(ANA, ANA, "/list")
    await stage.answered(1)
    assert stage.telegram.accepted[0].raw == "You & I."


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
