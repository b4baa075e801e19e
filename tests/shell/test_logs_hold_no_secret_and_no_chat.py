from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import pairwise

import pytest
import structlog
from structlog.testing import capture_logs

from bot.core.model import Chat
from bot.logs import Redactor
from bot.poll import poll_due
from bot.pseudonyms import pseudonym
from tests.fakes.clock import FakeClock
from tests.fakes.house import ANA, House, Room

TELEGRAM = "7512345678:AAHcanary_telegram-token-0123456789"
SLACK_BOT = "xoxb-1234567890-canaryslackbottoken"
SLACK_APP = "xapp-1-A0CANARY-canaryslackapptoken"
ODD = 'pass"word\\with/odd=signs'
PERSON, GROUP, CHANNEL = "424242424", "-1009988776655", "C0CANARY01"
CANARIES = (TELEGRAM, "AAHcanary", SLACK_BOT, "canaryslack", ODD, "with/odd", PERSON, GROUP, CHANNEL)

# A program that says every canary in every way there is, through our logger and through those of libraries.
PROGRAM = r"""
import asyncio, json, logging, sys, threading, urllib.parse, warnings
import structlog
from bot.core.model import Chat
from bot.logs import set_up

_, form, *canaries = sys.argv
telegram, bot, app, odd, person, group, channel = canaries
set_up(format=form, level="debug", secrets=[telegram, bot, app, odd], chat_key=lambda: b"salt")
log = structlog.get_logger()
chats = [Chat("telegram", "", person), Chat("telegram", "", group, "5"), Chat("slack", "", channel)]

for chat in chats:
    log.debug("chat.seen", chat=chat)
    log.info("chat.listed", chats=(chat,), words=f"{chat}", shown=repr(chat))
structlog.contextvars.bind_contextvars(chat=chats[0])
for canary in canaries:
    log.info("canary.said", value=canary, nested={"a": [canary]}, quoted=urllib.parse.quote(canary, safe=""))
    log.info("canary.key", **{canary: 1})
    log.warning(canary)
    log.info("canary.json", body=json.dumps({"token": canary}))
    for name in ("httpx", "httpcore.http11", "telegram.ext", "slack_bolt.App", "slack_sdk", "aiohttp.web", "asyncio"):
        library = logging.getLogger(name)
        library.setLevel(logging.DEBUG)
        library.debug("request to %s", canary)
        library.error("request to %s failed", canary)
        library.error(f"https://api.telegram.org/bot{canary}/getMe")
    try:
        try:
            raise ValueError(canary)
        except ValueError as cause:
            raise RuntimeError(f"after {canary}") from cause
    except RuntimeError:
        log.exception("canary.failed", why=canary)
        logging.getLogger("library").exception("oh %s", canary)
    warnings.warn(f"careful with {canary}")

    def crash(): raise RuntimeError(canary)
    thread = threading.Thread(target=crash, name=canary)
    thread.start(); thread.join()

    class Bad:
        def __del__(self): raise RuntimeError(canaries[0])
    Bad()

    async def forgotten(): raise RuntimeError(canary)
    async def main():
        asyncio.create_task(forgotten())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    asyncio.run(main())

raise SystemError(" ".join(canaries))
"""


@pytest.fixture(scope="module", params=["json", "console", "auto"])
def said(request: pytest.FixtureRequest) -> tuple[str, str]:
    canaries = [TELEGRAM, SLACK_BOT, SLACK_APP, ODD, PERSON, GROUP, CHANNEL]
    command = [sys.executable, "-c", PROGRAM, request.param, *canaries]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == ""
    return request.param, done.stderr


def test_no_canary_survives_in_any_output(said: tuple[str, str]) -> None:
    _, text = said
    assert [canary for canary in CANARIES if canary in text] == []


def test_something_was_said_all_the_same(said: tuple[str, str]) -> None:
    _, text = said
    for event in ("chat.seen", "canary.said", "canary.failed", "thread.crashed", "error.unraisable", "never retrieved"):
        assert event in text
    assert "process.crashed" in text
    assert "[secret]" in text


def test_without_a_terminal_every_line_is_json(said: tuple[str, str]) -> None:
    form, text = said
    if form == "console":
        return
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) > 100
    assert all({"event", "level", "logger", "timestamp"} <= line.keys() for line in lines)


def test_chatty_libraries_say_nothing_below_warning(said: tuple[str, str]) -> None:
    _, text = said
    shown = [line for line in text.splitlines() if "request to" in line and "failed" not in line]
    assert all("asyncio" in line for line in shown)


def test_a_chat_has_one_pseudonym_for_one_salt() -> None:
    chats = [
        Chat("telegram", "", "1"),
        Chat("telegram", "", "2"),
        Chat("slack", "", "1"),
        Chat("telegram", "", "1", "5"),
    ]
    names = [pseudonym(chat, b"salt") for chat in chats]
    assert names == [pseudonym(chat, b"salt") for chat in chats]
    assert len({*names, *(pseudonym(chat, b"other") for chat in chats)}) == 8
    assert all(re.fullmatch(r"(telegram|slack)~[0-9a-f]{8}", name) for name in names)


def test_a_chat_seen_once_is_known_when_a_library_writes_its_bare_id() -> None:
    redactor = Redactor((), lambda: b"salt")
    chat = Chat("telegram", "", PERSON)
    assert redactor.redact(f"user {PERSON}") == f"user {PERSON}"
    redactor.name_chats(None, "", {"chat": chat})
    assert redactor.redact(f"user {PERSON} left") == f"user {pseudonym(chat, b'salt')} left"


def test_innocent_text_is_left_alone() -> None:
    text = (
        "2026-11-24T05:46:51Z poll.done source=fr-uscis new=3 C1-2023-19312 2025-12224 CANCELLED https://www.uscis.gov/"
        ' telegram: on, took 0.25 s, size 5242880, "web:local" 88 FR 12345'
    )
    assert Redactor({"abc"}, bytes).redact(text) == text


def test_a_token_that_nobody_told_of_is_taken_out_by_its_shape() -> None:
    other = TELEGRAM.replace("canary", "other1")
    said = f"https://api.telegram.org/bot{other}/getMe {SLACK_BOT} {SLACK_APP}"
    assert Redactor((), bytes).redact(said) == "https://api.telegram.org/bot[secret]/getMe [secret] [secret]"


def test_a_secret_that_comes_later_is_taken_out_from_then_on() -> None:
    redactor = Redactor({"abcdef"}, bytes)
    redactor.hide('late "secret"')
    redactor.hide("short")
    assert redactor.redact('abcdef late "secret" short') == "[secret] [secret] short"
    assert redactor.redact('{"token": "late \\"secret\\""}') == '{"token": "[secret]"}'
    for number in range(1_000):
        redactor.hide(f"later-{number}")
    assert redactor.redact('abcdef later-0 later-999 late "secret"') == '[secret] [secret] [secret] late "secret"'


def test_slack_tokens_that_expire_are_known_by_their_shape() -> None:
    said = "xoxe.xoxb-1-MS0yLTM0NTY3ODkw xoxe-1-My0xLTM0NTY3ODkw"
    assert Redactor((), bytes).redact(said) == "[secret] [secret]"


def test_a_secret_inside_a_longer_secret_leaves_no_rest() -> None:
    redactor = Redactor({"abcdef", "abcdefghi"}, bytes)
    assert redactor.redact("abcdefghi abcdef") == "[secret] [secret]"


def test_only_so_many_chats_are_remembered() -> None:
    redactor = Redactor((), bytes)
    for number in range(10_050):
        redactor.name_chats(None, "", {"chat": Chat("telegram", "", str(500_000 + number))})
    texts = [redactor.redact(str(500_000 + number)) for number in (0, 49, 50, 10_049)]
    assert [text.startswith("telegram~") for text in texts] == [False, False, True, True]
    assert all(a != b for a, b in pairwise(texts))


def test_with_a_new_key_nothing_can_be_linked_to_what_was_written_before() -> None:
    keys = [b"november"]
    redactor = Redactor((), lambda: keys[-1])
    redactor.name_chats(None, "", {"chat": Chat("telegram", "", PERSON)})
    before = redactor.redact(f"{PERSON} telegram:{GROUP}").split()
    keys.append(b"december")
    after = redactor.redact(f"{PERSON} telegram:{GROUP}").split()
    assert all(one.startswith(("telegram~", "chat~")) for one in (*before, *after))
    assert not set(before) & set(after)


async def test_lines_of_polls_and_deliveries_say_what_they_are_about() -> None:
    """Whoever writes them: what a library says of a message names the story, the platform and the chat too."""
    clock = FakeClock()
    house = House(room := Room(clock), clock=clock)
    room.platform.fail_next(ZeroDivisionError())  # told by `delivery.broke`, which does not name them itself
    await house.post(7)
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        await house.store.register(tuple(house.bot.polling.sources.values()))
        await poll_due(house.bot.polling)
        await house.lanes.claim()
        await house.lanes.drain(5)
    lines = {line["event"]: line for line in logs}
    assert lines["poll.failed"]["source"] == "source-1"
    assert "chat" not in lines["poll.failed"]
    broke = lines["delivery.broke"]
    assert (broke["chat"], broke["platform"], broke["story"]) == (ANA, "fake", 7)
    assert Redactor((), bytes).name_chats(None, "", dict(broke))["chat"].startswith("fake~")
