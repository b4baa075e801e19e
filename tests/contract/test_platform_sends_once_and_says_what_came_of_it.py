"""What every room promises to `deliver`, whatever its platform: one attempt, one request, one honest outcome."""

from __future__ import annotations

import asyncio
import pkgutil
import socket
from collections.abc import AsyncIterator

import pytest

import handlers
from bot.core.model import Chat, Delivery, Lateness
from bot.core.speech import Mark, Reply, Span
from bot.errors import SendError, TokenError, TryLater, Unreachable
from bot.ports import Platform
from handlers.slack import Slack
from handlers.telegram import Telegram
from tests import builders
from tests.fakes.clock import FakeClock
from tests.fakes.stages import STAGES, Stage

HUGE = {
    "letters": "x" * 60_000,
    "words": "word " * 12_000,
    "emoji": "👩‍👩‍👧‍👦🇺🇸" * 3_000,
    "accents": "e\u0301" * 20_000,
    "Chinese": "移民政策" * 10_000,
    "Arabic": "قرار جديد بشأن اللجوء " * 2_000,
    "markup": "<b>&amp;</i>*_`|~>" * 3_000,
    "signs": "<!channel> <@U1> @everyone /start tg://x " * 1_500,
    "controls": "\x00\u202e\u2066\ud800\ufeff\U000e0041" * 5_000,
    "lines": "\n" * 20_000,
    "nothing": "",
}
LOST = ("dropped before", "dropped after", "garbage", "server error")
TROUBLE = {
    "telegram": (*LOST, "cut answer", "too many", "bad message", "chat gone", "chat moved", "bad token"),
    "slack": (*LOST, "too many", "bad message", "chat gone", "bad token"),
    "web": (),
    "console": (),
}


@pytest.fixture(params=STAGES)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with STAGES[request.param]() as stage:
        yield stage


def test_every_room_is_under_this_contract() -> None:
    assert {module.name for module in pkgutil.iter_modules(handlers.__path__)} == set(STAGES)


async def test_every_kind_of_trouble_is_tried(stage: Stage) -> None:
    assert set(stage.trouble) == set(TROUBLE[stage.room.name])


async def test_a_room_is_named_as_its_chats_are(stage: Stage) -> None:
    room: Platform = stage.room
    assert room.name == stage.chat.platform


@pytest.mark.parametrize("repeat", [False, True])
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("text", HUGE)
async def test_an_alert_of_any_size_is_accepted_with_its_link(
    stage: Stage, text: str, repeat: bool, plain: bool
) -> None:
    words = HUGE[text]
    document = builders.a_document(title=words, text=words, outlet=words, agency=words, facts={"type": words})
    whys = tuple(builders.a_why(number, words[:500]) for number in range(12))
    alert = builders.an_alert(builders.a_story(1, document), stage.chat, why=whys)
    message = stage.room.render(alert, repeat=repeat, plain=plain)
    assert await stage.room.send(stage.chat, message)
    assert document.url in message.text or document.url in repr(message.native)


async def test_rendering_is_pure_and_a_repeat_says_so(stage: Stage) -> None:
    alert = builders.an_alert(chat=stage.chat)
    once = stage.room.render(alert, repeat=False, plain=False)
    assert once == stage.room.render(alert, repeat=False, plain=False)
    again = stage.room.render(alert, repeat=True, plain=False)
    assert (once.silent, again.silent) == (False, True)
    assert "may repeat" in f"{again.text} {again.native}"
    assert "may repeat" not in f"{once.text} {once.native}"
    assert stage.requests() == 0


async def test_one_message_is_one_request_and_has_a_receipt(stage: Stage) -> None:
    message = stage.room.render(builders.an_alert(chat=stage.chat), repeat=False, plain=False)
    receipt = await stage.room.send(stage.chat, message)
    assert isinstance(receipt, str)
    assert receipt
    if stage.trouble:
        assert stage.requests() == len(stage.accepted()) == 1


@pytest.mark.parametrize(
    ("stage", "trouble"), [(room, trouble) for room, known in TROUBLE.items() for trouble in known], indirect=["stage"]
)
async def test_trouble_is_named_after_one_request_and_forgotten_at_the_next(stage: Stage, trouble: str) -> None:
    expected, meet = stage.trouble[trouble]
    message = stage.room.render(builders.an_alert(chat=stage.chat), repeat=False, plain=False)
    meet()
    with pytest.raises((SendError, TokenError)) as caught:
        await stage.room.send(stage.chat, message)
    assert type(caught.value) is expected
    assert stage.requests() == 1  # no library of ours tries again behind our back
    if trouble == "too many":
        assert isinstance(caught.value, TryLater)
        assert caught.value.after is not None
        assert caught.value.after.total_seconds() == 3
    assert await stage.room.send(stage.chat, message)
    assert stage.requests() == 2


async def test_messages_that_come_at_once_keep_the_limits(stage: Stage) -> None:
    stories = [builders.a_story(number) for number in range(1, 6)]
    messages = [stage.room.render(builders.an_alert(story, stage.chat), repeat=False, plain=False) for story in stories]
    await asyncio.gather(*(stage.room.send(stage.chat, message) for message in messages))
    if stage.trouble:
        assert stage.requests() == len(stage.accepted()) == 5  # the strict servers assert that none came too early


async def test_what_is_told_beside_the_outbox_arrives_whole(stage: Stage) -> None:
    said = Reply((Span("EOIR memos", Mark.BOLD), Span(" fails.\nNext: look at "), Span("/sources", Mark.CODE)))
    await stage.room.tell(stage.chat, said)
    if stage.trouble:
        assert stage.requests() == len(stage.accepted()) == 1
    if stage.room.name != "web":  # whose pages tell it: tests/rooms
        assert "EOIR memos fails.\nNext: look at" in "".join(stage.accepted())


@pytest.mark.parametrize(
    ("stage", "trouble"), [(room, trouble) for room, known in TROUBLE.items() for trouble in known], indirect=["stage"]
)
async def test_trouble_while_telling_is_named_after_one_request(stage: Stage, trouble: str) -> None:
    expected, meet = stage.trouble[trouble]
    meet()
    with pytest.raises((SendError, TokenError)) as caught:
        await stage.room.tell(stage.chat, Reply((Span("The disk is nearly full."),)))
    assert type(caught.value) is expected
    assert stage.requests() == 1


async def test_alerts_and_what_is_told_keep_the_limits_together(stage: Stage) -> None:
    message = stage.room.render(builders.an_alert(chat=stage.chat), repeat=False, plain=False)
    told = [stage.room.tell(stage.chat, Reply((Span(f"notice {number}"),))) for number in range(3)]
    await asyncio.gather(*told, stage.room.send(stage.chat, message))
    if stage.trouble:
        assert stage.requests() == len(stage.accepted()) == 4


async def test_closing_twice_does_no_harm(stage: Stage) -> None:
    await stage.room.close()


def late_rows(stage: Stage, words: str, count: int = 10, url: str = "") -> tuple[Delivery, ...]:
    rows = []
    for number in range(1, count + 1):
        changes = {"url": url + str(number)} if url else {}
        document = builders.a_document(number, title=words, outlet=words, **changes)
        alert = builders.an_alert(builders.a_story(10**9 + number, document), stage.chat)
        rows.append(builders.a_delivery(alert, late=Lateness.LATE, unsure=number % 2 == 0))
    return tuple(rows)


@pytest.mark.parametrize("text", HUGE)
async def test_a_list_of_ten_alerts_of_any_size_is_accepted_as_one_message_with_every_link(
    stage: Stage, text: str
) -> None:
    rows = late_rows(stage, HUGE[text], url="https://newsroom.example/" + "x" * 500)
    message = stage.room.render_list(rows)
    assert await stage.room.send(stage.chat, message)
    if stage.trouble:
        assert stage.requests() == len(stage.accepted()) == 1
    said = f"{message.text} {message.native!r}"
    assert all(row.alert.story.lead.url in said for row in rows)
    assert all(f"#{row.alert.story.number}" in said for row in rows)


async def test_a_list_names_an_alert_whose_link_is_too_long_for_it(stage: Stage) -> None:
    (row,) = late_rows(stage, "News", 1, url="https://newsroom.example/" + "&" * 300)
    message = stage.room.render_list((row,))
    assert await stage.room.send(stage.chat, message)
    said = f"{message.text} {message.native!r}"
    assert row.alert.story.lead.url not in said
    assert f"why {row.alert.story.number}" in said


async def test_a_list_says_what_it_is_and_which_of_it_may_repeat(stage: Stage) -> None:
    rows = late_rows(stage, "News", 3)
    message = stage.room.render_list(rows)
    assert message == stage.room.render_list(rows)
    said = str(message.native.get("html") or message.text)
    assert "3 late alerts" in said
    assert said.count("may repeat") == 1
    assert not message.silent
    assert stage.requests() == 0


async def test_a_probe_disturbs_nobody(stage: Stage) -> None:
    await stage.room.probe()
    assert (stage.requests(), stage.accepted()) == (0, [])


@pytest.mark.parametrize("name", ["telegram", "slack"])
async def test_a_platform_that_refuses_connections_is_unreachable_whatever_is_asked(name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        rooms: dict[str, Platform] = {
            "telegram": Telegram("7:token", api_url=url, clock=FakeClock()),
            "slack": Slack("xoxb-1", "xapp-1", api_url=f"{url}/api/", clock=FakeClock()),
        }
        room = rooms[name]
        alert = builders.an_alert(chat=Chat(name, "", "7"))
        with pytest.raises(Unreachable):
            await room.probe()
        with pytest.raises(Unreachable):
            await room.send(alert.chat, room.render(alert, repeat=False, plain=False))
        for one in rooms.values():
            await one.close()
