"""What a list of late alerts says of each: title with link, who, when, its number, and whether it may repeat."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.core.card import late_list
from bot.core.model import Delivery, Lateness, Precision
from bot.core.speech import Span
from bot.core.text import utf16_len
from tests.builders import a_delivery, a_document, a_story, an_alert


def a_late(number: int = 1, *, unsure: bool = False, **document: object) -> Delivery:
    alert = an_alert(a_story(number, a_document(number, **document)))
    return a_delivery(alert, late=Lateness.LATE, unsure=unsure)


def text_of(*late: Delivery) -> str:
    return "".join(span.text for span in late_list(late))


def test_a_list_says_plainly_what_it_is_and_tells_each_alert_in_two_lines() -> None:
    assert text_of(a_late(1), a_late(2, unsure=True)) == (
        "2 late alerts\n"
        "Not sent when it should have been. By title and link only, oldest first:\n"
        "\n"
        "• Department announces measure number 1\n"
        "  Newsroom 1 · October 5, 2023, 7:30 AM EDT · #1\n"
        "\n"
        "• Department announces measure number 2\n"
        "  Newsroom 1 · October 5, 2023, 7:30 AM EDT · #2 · ↻ may repeat\n"
        "\n"
        "Not legal advice"
    )
    assert text_of(a_late(1)).startswith("1 late alert\n")


def test_titles_are_links() -> None:
    links = [span for span in late_list([a_late(1), a_late(2)]) if span.url]
    assert links == [
        Span(f"Department announces measure number {number}", url=f"https://newsroom-1.example/news/{number}")
        for number in (1, 2)
    ]


def test_dates_are_said_as_exactly_as_they_were_claimed() -> None:
    assert " · October 5, 2023 · #1" in text_of(a_late(precision=Precision.DAY))
    assert " · first seen October 5, 2023, 8:00 AM EDT · " in text_of(a_late(claimed_at=None))
    assert " · first seen October 5, 2023, 8:00 AM EDT · " in text_of(a_late(precision=Precision.NONE))


def test_what_has_no_title_or_no_link_that_fits_is_still_named() -> None:
    assert "• Untitled\n" in text_of(a_late(title=" "))
    for url in ("javascript:alert(1)", "https://newsroom.example/" + "&" * 200):
        assert text_of(a_late(url=url)).count("its link does not fit here: why 1") == 1
        assert not any(span.url for span in late_list([a_late(url=url)]))


@given(st.lists(st.tuples(st.text(max_size=400), st.text(max_size=80)), min_size=1, max_size=10))
def test_ten_of_any_alerts_fit_into_a_message_with_room_for_their_hosts(said: list[tuple[str, str]]) -> None:
    late = [a_late(number, unsure=True, title=title, outlet=outlet) for number, (title, outlet) in enumerate(said, 1)]
    assert utf16_len(text_of(*late)) <= 4_096 - 90 * len(said)
