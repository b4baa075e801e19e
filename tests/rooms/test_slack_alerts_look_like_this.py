"""What alerts look like in Slack, whole: a change of wording or layout shows up here."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.core.intake import Standing
from bot.core.model import Alert, Hit, Precision, Reason
from handlers.slack.render import alert_message
from tests.builders import NOW, a_document, a_story, a_why, an_alert


def rule() -> Alert:
    """A Federal Register notice with everything its publisher states, matched twice in its text."""
    title = "Extension and Redesignation of Venezuela for Temporary Protected Status"
    text = f"{title}. Through this notice, the Department of Homeland Security announces that TPS is extended."
    document = a_document(
        title=title,
        text=text,
        outlet="Federal Register",
        agency="U.S. Citizenship and Immigration Services",
        url="https://www.federalregister.gov/d/2023-21865?a=1&b=2",
        number="2023-21865",
        precision=Precision.DAY,
        facts={"type": "Notice", "citation": "88 FR 68130", "effective_on": "2023-10-03"},
    )
    hits = tuple(Hit("text", text.index(word), text.index(word) + len(word)) for word in ("Venezuela", "TPS"))
    return an_alert(a_story(8812, document), why=(a_why(1, "TPS", hits), a_why(2, "venezuela", hits[:1])))


def press() -> Alert:
    title = "Estados Unidos reanudará las deportaciones a Venezuela & “otros países” <última hora>"
    start = title.index("deportaciones")
    document = a_document(
        title=title,
        text="El gobierno anunció el jueves que reanudará los vuelos de deportación.",
        outlet="El Diario",
        agency="",
        standing=Standing.NEWS,
        language="es",
        claimed_at=NOW - timedelta(days=3),
        facts={},
    )
    return an_alert(a_story(7, document), why=(a_why(1, "Removal", (Hit("title", start, start + 13),)),))


def long_title() -> Alert:
    countries = "Venezuela, Haiti, Ukraine, Sudan, Ethiopia, Afghanistan, Somalia, Nepal and Burma"
    title = (
        f"Temporary Protected Status for nationals of {countries}: extension of eighteen months and new registration"
    )
    return an_alert(a_story(9, a_document(title=title, text="")))


def undated() -> Alert:
    document = a_document(url="", claimed_at=None, precision=Precision.NONE, date_note="the source gives no date")
    return an_alert(a_story(11, document))


def attack() -> Alert:
    document = a_document(
        title="<!channel> *URGENT* <https://evil.example|uscis.gov>",
        text="Hello <@U0ANA> &lt;!here&gt; `rm` http://evil.example",
        outlet="<!everyone>",
        url="https://www.uscis.gov/?q=%3C!channel%3E",
    )
    return an_alert(a_story(13, document), why=(a_why(1, "<!subteam^S1>"),))


def trial() -> Alert:
    return an_alert(a_story(1, a_document(seen_at=datetime.fromisoformat("2023-10-05T12:00Z"))), reason=Reason.TEST)


ALERTS = (rule, press, long_title, undated, attack, trial)


@pytest.fixture
def as_json(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.__name__)
def test_an_alert_in_blocks(alert, as_json: SnapshotAssertion) -> None:
    assert alert_message(alert(), repeat=False, plain=False).native == as_json


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.__name__)
def test_a_repeated_alert_as_plain_text(alert, as_json: SnapshotAssertion) -> None:
    assert alert_message(alert(), repeat=True, plain=True).native["text"].splitlines() == as_json
