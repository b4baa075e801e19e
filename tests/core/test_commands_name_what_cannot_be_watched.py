"""What `sources` and `status` say of many sources: troubles first, the well ones in a line, the other door to each."""

from __future__ import annotations

from datetime import timedelta

from bot.core.habit import Habit
from bot.core.intake import Trouble
from tests.builders import a_cursor, a_source, some_changes
from tests.fakes.asker import Asker, a_desk
from tests.fakes.clock import NOON

DAY = timedelta(days=1)
REFUSED = {
    "failures": 4,
    "last_error": "HTTP 403",
    "trouble": Trouble.REFUSED,
    "trouble_polls": 4,
    "trouble_since": NOON - DAY,
}
FINE = {"last_success_at": NOON}
SILENT = Habit(gap=DAY, longest=2 * DAY, last_at=NOON - 5 * DAY, measured_at=NOON - DAY)


async def desk_of(count: int, habits=None, **known):
    """Set up so many sources; `known` has what is remembered of some by number, `a2` for the second."""
    sources = tuple(
        a_source(number, elsewhere="the Federal Register" if number % 2 else "") for number in range(1, count + 1)
    )

    async def usual():
        return habits or {}

    desk = a_desk(sources=sources, habits=usual)
    await desk.store.register(sources)
    cursors = [a_cursor(number, **known.get(f"a{number}", FINE)) for number in range(1, count + 1)]
    await desk.store.commit([some_changes(cursor=cursor) for cursor in cursors])
    return desk


async def test_of_many_sources_those_that_are_well_share_a_line():
    desk = await desk_of(33, a3=REFUSED, a5={}, a4={"retired_at": NOON})
    lines = (await Asker(desk).ask("sources")).splitlines()
    assert lines[0] == (
        "Newsroom 3 · refused from this network (4 times): HTTP 403; last good poll never; "
        "the same news appears in the Federal Register"
    )
    assert lines[1].startswith("Newsroom 4 · gone: its site says that it will not come back")
    assert lines[2] == "Newsroom 5 · not polled yet"
    assert lines[3].startswith("30 sources ok: Newsroom 1; Newsroom 2; Newsroom 6; ")
    assert len(lines) == 4
    assert len("\n".join(lines)) < 4096  # one message of Telegram


async def test_operators_are_shown_the_ids_they_steer_by():
    desk = await desk_of(20, a3=REFUSED)
    lines = (await Asker(desk, is_operator=True).ask("sources")).splitlines()
    assert lines[0].startswith("Newsroom 3 (source-3) · refused")
    assert lines[1].startswith("19 sources ok: source-1; source-2; source-4")


async def test_where_none_is_well_no_line_is_made_for_them():
    desk = await desk_of(13, **{f"a{number}": REFUSED for number in range(1, 14)})
    assert "ok" not in await Asker(desk).ask("sources")


async def test_status_names_what_cannot_be_watched_and_the_other_door():
    desk = await desk_of(4, a2=REFUSED, a3=REFUSED)
    shown = (await Asker(desk).ask("status")).splitlines()
    assert shown[0].startswith("Partly failing · 4 sources: 2 ok, 0 failing, 0 not polled yet, 2 refused")
    assert "Cannot be watched: Newsroom 2; Newsroom 3 (see the Federal Register)" in shown


async def test_a_source_that_is_silent_for_too_long_is_called_late_everywhere():
    desk = await desk_of(2, habits={"source-1": SILENT})
    assert (await Asker(desk).ask("status")).startswith(
        "Partly late · 2 sources: 1 ok, 0 failing, 0 not polled yet, 1 late"
    )
    assert (await Asker(desk).ask("sources")).startswith("Newsroom 1 · late: read, and nothing new for 5 days")
