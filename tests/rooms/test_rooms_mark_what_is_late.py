"""How each room shows that an alert comes late: by itself, and many in one message. Whole, as platforms get it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.core.delays import Delay
from bot.core.model import Alert, Delivery, Lateness, Precision
from bot.core.speech import Message
from handlers.slack import render as slack
from handlers.telegram import render as telegram
from tests.builders import NOW, a_delivery, a_document, a_story, an_alert

Rendering = Callable[[Alert], Message]
ROOMS: dict[str, tuple[Rendering, Callable[[Sequence[Delivery]], Message]]] = {
    "telegram": (lambda alert: telegram.alert(alert, repeat=False, plain=False), telegram.late),
    "slack": (lambda alert: slack.alert_message(alert, repeat=False, plain=False), slack.list_message),
}


def memo(number: int, delay: Delay) -> Alert:
    document = a_document(
        number,
        title=f"Policy Memorandum PM-602-0{number:03}: Hold and Review of Pending Asylum Applications",
        claimed_at=NOW.replace(hour=0) - timedelta(days=12),
        precision=Precision.DAY,
    )
    return an_alert(a_story(number, document), delay=delay)


def rows(count: int, delay: Delay) -> list[Delivery]:
    return [a_delivery(memo(number, delay), late=Lateness.LATE) for number in range(1, count + 1)]


@pytest.fixture
def as_json(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("room", ROOMS)
def test_a_memo_that_was_posted_late(room: str, as_json: SnapshotAssertion) -> None:
    assert dict(ROOMS[room][0](memo(1, Delay.POSTED)).native) == as_json


@pytest.mark.parametrize("room", ROOMS)
def test_seven_memos_that_were_posted_late(room: str, as_json: SnapshotAssertion) -> None:
    assert dict(ROOMS[room][1](rows(7, Delay.POSTED_TOGETHER)).native) == as_json


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("delay", [Delay.POSTED_TOGETHER, Delay.HELD, Delay.MISSED])
def test_three_thousand_fit_into_one_message(room: str, delay: Delay) -> None:
    message = ROOMS[room][1](rows(3_000, delay))
    shown = json.dumps(dict(message.native), ensure_ascii=False)
    assert "3,000 late" in shown
    assert "and 2,990 more" in shown
    assert len(shown) < 13_200
    assert len(message.text) <= 4_096
