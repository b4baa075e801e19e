"""What alerts and answers look like in Telegram, whole: a change of wording or layout shows up here."""

from __future__ import annotations

from datetime import timedelta

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.core.intake import Standing
from bot.core.model import Alert, Hit, Precision, Reason
from bot.core.speech import Choice, Mark, Reply, Span
from handlers.telegram import render
from tests.builders import NOW, a_document, a_story, a_why, an_alert


def hits(text: str, *words: str) -> tuple[Hit, ...]:
    return tuple(Hit("text", text.index(word), text.index(word) + len(word)) for word in words)


def rule() -> Alert:
    """A Federal Register notice with everything its publisher states. Quoted from 88 FR 68130."""
    text = "Through this notice, the Department of Homeland Security announces the extension of TPS for Venezuela."
    document = a_document(
        title="Extension and Redesignation of Venezuela for Temporary Protected Status",
        text=text,
        outlet="Federal Register",
        agency="U.S. Citizenship and Immigration Services",
        url="https://www.federalregister.gov/d/2023-21865?a=1&b=2",
        number="2023-21865",
        precision=Precision.DAY,
        facts={"type": "Notice", "citation": "88 FR 68130", "effective_on": "2023-10-03"},
    )
    found = hits(text, "TPS", "Venezuela")
    return an_alert(a_story(8812, document), why=(a_why(1, "TPS", found), a_why(2, "venezuela", found[1:])))


def press() -> Alert:
    text = "El gobierno anunció el jueves que reanudará los vuelos de deportación directos."
    document = a_document(
        title="Estados Unidos reanudará las deportaciones & “otras medidas” <última hora>",
        text=text,
        outlet="El Diario",
        agency="",
        standing=Standing.NEWS,
        language="es",
        claimed_at=NOW - timedelta(days=3),
        facts={},
    )
    return an_alert(a_story(7, document), why=(a_why(1, "Removal", hits(text, "deportación")),))


def undated() -> Alert:
    document = a_document(
        url="", text="", claimed_at=None, precision=Precision.NONE, date_note="the source gives no date"
    )
    return an_alert(a_story(11, document))


def attack() -> Alert:
    document = a_document(
        title='<a href="tg://user?id=5">@everyone</a> URGENT',
        text="Press /start@evilbot, or t.me/evil, or tg://resolve?domain=evil. \u202eFDP.exe",
        outlet="@durov",
        url="https://uscis.gov.login.evil.example/?q=<b>",
    )
    return an_alert(a_story(13, document), why=(a_why(1, "a filter </b>"),))


def arabic() -> Alert:
    document = a_document(title="قرار جديد بشأن اللجوء", text="أعلنت الوزارة القرار اليوم (TPS).", language="ar")
    return an_alert(a_story(15, document))


def trial() -> Alert:
    return an_alert(reason=Reason.TEST)


ALERTS = (rule, press, undated, attack, arabic, trial)


@pytest.fixture
def as_json(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


def lines(native: dict[str, object]) -> dict[str, object]:
    return native | {"text": str(native["text"]).split("\n")}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.__name__)
def test_an_alert(alert, as_json: SnapshotAssertion) -> None:
    assert lines(dict(render.alert(alert(), repeat=False, plain=False).native)) == as_json


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.__name__)
def test_a_repeated_alert_in_plain_text(alert, as_json: SnapshotAssertion) -> None:
    assert lines(dict(render.alert(alert(), repeat=True, plain=True).native)) == as_json


def test_an_answer_with_buttons(as_json: SnapshotAssertion) -> None:
    spans = (
        Span("This chat follows "),
        Span("TPS", Mark.BOLD),
        Span(".\nThe last alert was "),
        Span("Venezuela & others", url="https://www.uscis.gov/news?a=1&b=2"),
        Span(".\nStop with "),
        Span("/unfollow tps", Mark.CODE),
        Span(" or see "),
        Span("/help", Mark.CODE),
        Span("."),
    )
    choices = (
        Choice("Unfollow TPS", "unfollow tps"),
        Choice("Choose topics", "topics"),
        Choice("Show the last 5", "latest 5"),
    )
    (message,) = render.reply(Reply(spans, choices))
    assert lines(dict(message.native)) == as_json
