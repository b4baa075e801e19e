"""How the bot is doing, and what operators see and do of the outbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.model import DeliveryState
from bot.core.plan import delivery_id
from tests.builders import a_cursor, a_delivery, a_document, a_source, a_story, a_why, an_alert, some_changes
from tests.fakes.asker import HERE, Asker, a_desk, text_of
from tests.fakes.clock import NOON


async def with_cursors(*cursors, **changes):
    desk = a_desk(**changes)
    await desk.store.register(desk.sources)
    await desk.store.commit([some_changes(cursor=cursor) for cursor in cursors])
    return desk


FINE = {"last_success_at": NOON - timedelta(seconds=40)}
FAILING = {"failures": 3, "last_error": "HTTP 503"}


@pytest.mark.parametrize(
    ("one", "two", "says"),
    [
        ({}, {}, "Starting · 2 sources: 0 ok, 0 failing, 2 not polled yet · no good poll yet"),
        (FINE, {}, "Healthy · 2 sources: 1 ok, 0 failing, 1 not polled yet · last good poll 40 s ago"),
        (FINE, FAILING, "Partly failing · 2 sources: 1 ok, 1 failing, 0 not polled yet · last good poll 40 s ago"),
        (FINE | FAILING, FAILING, "Failing · 2 sources: 0 ok, 2 failing, 0 not polled yet · last good poll 40 s ago"),
    ],
)
async def test_one_line_of_health(one, two, says):
    desk = await with_cursors(a_cursor(1, **one), a_cursor(2, **two))
    assert (await Asker(desk).ask("status")).splitlines()[0] == says


async def test_status_before_anything_is_known():
    shown = await Asker(a_desk(sources=(), not_yet=(("eoir", "EOIR", "pages are not read yet"),))).ask("status")
    assert shown.splitlines() == [
        "Nothing to read · 0 sources: 0 ok, 0 failing, 0 not polled yet, 1 more not read · no good poll yet",
        "Alerts: 0 sent, 0 waiting, 0 maybe, 0 dead, 0 expired",
    ]


async def test_status_counts_deliveries_and_names_rooms():
    desk = a_desk(platforms=lambda: {"telegram": "on", "slack": "stopped: bad token"})
    rows = await with_rows(desk, 8)
    for row, state in zip(rows, DeliveryState, strict=False):
        set_state(desk, row, state)
    desk.clock.set(rows[0].due_at + timedelta(minutes=7))
    _, alerts, *rooms = (await Asker(desk).ask("status")).splitlines()
    assert alerts == "Alerts: 1 sent, 3 waiting (the oldest for 7 min), 1 maybe, 1 dead, 1 expired"
    assert rooms == ["telegram: on", "slack: stopped: bad token"]


async def test_sources_are_listed_with_their_health_in_words():
    new = {"last_success_at": NOON, "last_new_at": NOON - timedelta(hours=3)}
    desk = await with_cursors(
        a_cursor(1, **new),
        a_cursor(2, **FAILING),
        a_cursor(3, **FINE),
        a_cursor(4, **FINE | {"failures": 1, "last_error": "timed out"}),
        sources=tuple(a_source(number) for number in range(1, 6)),
        not_yet=(("eoir", "EOIR memos", "pages are not read yet"),),
    )
    assert (await Asker(desk).ask("sources")).splitlines() == [
        "Newsroom 2 · failing (3 times): HTTP 503; last good poll never",
        "Newsroom 4 · failing (1 time): timed out; last good poll November 24, 2026, 6:59 AM EST",
        "Newsroom 5 · not polled yet",
        "Newsroom 1 · ok, read 0 s ago, last new item 3 h ago",
        "Newsroom 3 · ok, read 40 s ago",
        "EOIR memos · not read: pages are not read yet",
    ]
    assert await Asker(a_desk(sources=())).ask("sources") == "No source is configured."


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(seconds=120), "2 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=1, hours=23), "47 h"),
        (timedelta(days=2), "2 days"),
    ],
)
async def test_lengths_of_time_are_said_in_the_largest_unit_that_fits(ago, said):
    desk = await with_cursors(a_cursor(1, last_success_at=NOON - ago))
    assert f"last good poll {said} ago" in await Asker(desk).ask("status")


# --- the outbox


async def with_rows(desk, count: int):
    """Have alerts of so many stories made for a chat that follows TPS."""
    await Asker(desk).ask("follow tps")
    (subscription,) = await desk.store.subscriptions(HERE)
    rows = []
    for number in range(1, count + 1):
        story = a_story(number, a_document(number, title=f"TPS news {number}"))
        alert = an_alert(story, HERE, why=(a_why(subscription.query_id, subscription.label),))
        row = replace(a_delivery(alert), id=delivery_id(HERE, number, story.lead.id))
        await desk.store.commit([some_changes(story, deliveries=[row])])
        rows.append(row)
    return rows


def set_state(desk, row, state: DeliveryState, **changes) -> None:
    kept = desk.store._rows[row.id]
    kept.delivery = replace(kept.delivery, state=state, **changes)


async def test_the_outbox_lists_what_waits_what_is_unsure_and_what_died():
    operator = Asker(desk := a_desk(), is_operator=True)
    assert "nothing waits" in await operator.ask("outbox")
    rows = await with_rows(desk, 7)
    for row, state in zip(rows, DeliveryState, strict=True):
        set_state(desk, row, state)
    shown = await operator.ask("outbox list")
    assert shown.endswith("5 rows.")
    for row, state in zip(rows, DeliveryState, strict=True):
        assert (row.id in shown) == (state not in {DeliveryState.SENT, DeliveryState.CANCELLED})
    assert "dead  web:local  TPS news" in shown
    await with_rows(desk, 60)
    assert "The oldest 50 are shown." in await operator.ask("outbox list")


async def test_one_row_is_shown_with_what_went_wrong():
    operator = Asker(desk := a_desk(), is_operator=True)
    (row,) = await with_rows(desk, 1)
    assert await operator.ask(f"outbox show {row.id}") == (
        f"{row.id}  pending  web:local\ndue October 5, 2023, 8:00 AM EDT, attempts 0\n#1 TPS news 1"
    )
    set_state(desk, row, DeliveryState.MAYBE, unsure=True, attempt=2, last_error="connection reset")
    shown = await operator.ask(f"outbox show {row.id}")
    assert "attempts 2, may have arrived\nlast error: connection reset\n" in shown


async def test_rows_are_put_back_and_discarded():
    operator = Asker(desk := a_desk(), is_operator=True)
    (row,) = await with_rows(desk, 1)
    assert "will not be sent" in await operator.ask(f"outbox discard {row.id}")
    assert desk.store._rows[row.id].state is DeliveryState.CANCELLED
    assert "goes out again" in await operator.ask(f"outbox retry {row.id}")
    assert desk.store._rows[row.id].state is DeliveryState.PENDING
    for line in ("show nothing", "retry nothing", "discard nothing", f"retry {row.id}"):
        reply = await operator.reply(f"outbox {line}")
        assert "no such row" in text_of(reply)
        assert not reply.ok
    assert "Usage" in await operator.ask("outbox explode")


async def test_a_row_that_cannot_go_again_is_not_put_back_and_the_operator_hears_why():
    operator = Asker(desk := a_desk(), is_operator=True)
    (row,) = await with_rows(desk, 1)
    await desk.store.part(row.chat, "kicked", NOON)
    gone = await operator.reply(f"outbox retry {row.id}")
    await desk.store.wake(row.chat)
    await desk.store.unfollow(row.chat, None, NOON)
    unfollowed = await operator.reply(f"outbox retry {row.id}")
    assert not gone.ok
    assert "cannot be reached" in text_of(gone)
    assert not unfollowed.ok
    assert "has unfollowed" in text_of(unfollowed)
    assert desk.store._rows[row.id].state is DeliveryState.CANCELLED


async def test_a_row_that_was_refused_is_shown_with_its_body_and_how_to_send_it_again():
    operator = Asker(desk := a_desk(), is_operator=True)
    (row,) = await with_rows(desk, 1)
    set_state(desk, row, DeliveryState.DEAD, attempt=2, last_error="can't parse entities", refused="b0d1")
    assert (await operator.ask(f"outbox show {row.id}")).splitlines()[2:] == [
        "last error: can't parse entities",
        "refused message: b0d1",
        "#1 TPS news 1",
        f"to send it again: outbox retry {row.id}",
    ]


async def test_an_operator_pauses_and_resumes_one_platform_or_all():
    operator = Asker(desk := a_desk(platforms=lambda: {"web": "on"}), is_operator=True)
    assert "Paused: telegram. Alerts wait" in await operator.ask("outbox pause telegram")
    assert await operator.ask("outbox pause Telegram") == "That is paused already."
    desk.clock.advance(timedelta(minutes=7))
    assert (await operator.ask("outbox list")).startswith("telegram is paused, for 7 min now.\nThe outbox is empty")
    assert "Paused: slack, web, console." in await operator.ask("outbox pause")
    status = (await operator.ask("status")).splitlines()
    assert status[2:] == [
        "web: on; paused by an operator for 0 s",
        "console: off; paused by an operator for 0 s",
        "slack: off; paused by an operator for 0 s",
        "telegram: off; paused by an operator for 7 min",
    ]
    assert await operator.ask("outbox resume slack") == "Resumed: slack."
    assert await operator.ask("outbox resume") == "Resumed: telegram, web, console."
    assert await operator.ask("outbox resume") == "Nothing of that is paused."
    assert await desk.store.held() == {}


async def test_what_is_no_platform_cannot_be_paused():
    operator = Asker(desk := a_desk(), is_operator=True)
    reply = await operator.reply("outbox pause telgram")
    assert not reply.ok
    assert text_of(reply) == "There is no platform telgram. Those there are: telegram, slack, web, console."
    assert "Usage" in await operator.ask("outbox pause telegram slack")
    assert await desk.store.held() == {}
