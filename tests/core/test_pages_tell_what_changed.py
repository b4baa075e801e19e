"""A watched page: what of its next version is told, what is not, and what is remembered."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.clean import clean
from bot.core.days import days_in
from bot.core.difference import edits, folded
from bot.core.intake import Entry, WatchedPage
from bot.core.pages import MOST_TEXT, Doubted, Turned, turn
from tests.builders import NOW, a_source, at

PAGE = a_source(kind="page", name="Protected status page", url="https://agency.example/status")
TABLE = (
    "Haiti | Designated: August 3, 2023 | Until: February 3, 2025\n"
    "Venezuela | Designated: March 9, 2021 | Until: August 7, 2025"
)
WORDS = st.sampled_from(
    ["asylum", "parole", "until", "May", "5,", "2025", "fee", "rises.", "The", "court", "stays", "|", "“it”", "7%", "x"]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=30).map(" ".join)
VERSIONS = st.dictionaries(st.sampled_from("abcdefg"), TEXTS, max_size=6)


def a_version(updated: str = "", **sections: str) -> tuple[Entry, ...]:
    return tuple(
        Entry(guid=name, url=f"{PAGE.url}#{name}", title=name.capitalize(), content=text, updated=updated)
        for name, text in sections.items()
    )


BASE = {"countries": TABLE, "apply": "Send the form. Pay the fee.", "work": "A permit is asked for.", "travel": "Ask."}


def looked(known: WatchedPage | None, now: datetime = NOW, updated: str = "", **sections: str) -> Turned:
    turned = turn(PAGE, known, a_version(updated, **sections), now)
    assert isinstance(turned, Turned), turned
    return turned


def doubted(known: WatchedPage | None, now: datetime = NOW, **sections: str) -> Doubted:
    turned = turn(PAGE, known, a_version(**sections), now)
    assert isinstance(turned, Doubted), turned
    return turned


def without(name: str) -> dict[str, str]:
    return {key: text for key, text in BASE.items() if key != name}


STOCK = looked(None, **BASE).page


def test_the_first_version_only_takes_stock() -> None:
    assert looked(None, **BASE) == Turned(STOCK)
    assert looked(STOCK, **BASE) == Turned(STOCK)


def test_a_moved_date_is_told_with_its_country_the_old_date_and_the_new() -> None:
    entry = looked(STOCK, **BASE | {"countries": TABLE.replace("August 7, 2025", "October 3, 2026")}).entry
    assert entry is not None
    assert entry.title == "Protected status page: “Venezuela” changed"
    assert entry.url == "https://agency.example/status#countries"
    assert entry.facts == {"type": "page change: date moved"}
    first, second = entry.content.split("\n\n")
    assert first == "Countries, Venezuela: the date August 7, 2025 is now October 3, 2026."
    assert "Until: August 7, 2025” is now “" in second
    assert "Haiti" not in entry.content


def test_what_nobody_would_call_a_change_is_none() -> None:
    other = {
        "travel": "ASK .",
        "work": "A permit   is\n\nasked for.",
        "countries": "\n".join(reversed(TABLE.split("\n"))),
        "apply": "Pay the fee. Send the “form”.",
    }
    assert looked(STOCK, **other).entry is None
    linked = looked(STOCK, **BASE | {"travel": "See https://a.example/b?utm_source=x"}, now=at(hours=1)).page
    assert looked(linked, **BASE | {"travel": "See https://a.example/b?utm_source=y"}).entry is None


def test_new_sections_sentences_and_headings_are_told() -> None:
    changed = {key: text for key, text in BASE.items() if key != "work"} | {
        "apply": "Send the form. Pay the fee. Bring a photo along.",
        "employment": BASE["work"],
        "court": "A judge stays the end.",
    }
    entry = looked(STOCK, **changed).entry
    assert entry is not None
    assert entry.title == "Protected status page: “Court” added, “Apply” changed, and 1 more"
    assert entry.url == PAGE.url
    assert entry.content.split("\n\n") == [
        "New section “Court”: A judge stays the end.",
        "Apply: it now says “Bring a photo along.”.",
        "Section “Work” is now called “Employment”.",
    ]
    assert entry.facts["type"] == "page change: section added, text changed, heading changed"
    gone = looked(STOCK, **BASE | {"apply": "Send the form."}).entry
    assert gone is not None
    assert gone.content == "Apply: it no longer says “Pay the fee.”."


def test_a_section_missing_once_is_no_removal_and_missing_twice_is_one() -> None:
    once = looked(STOCK, **without("travel"))
    assert once.entry is None
    assert once.unsettled
    back = looked(once.page, **BASE)
    assert back == Turned(STOCK)
    twice = looked(once.page, **without("travel"))
    assert twice.entry is not None
    assert not twice.unsettled
    assert twice.entry.title == "Protected status page: “Travel” removed"
    assert twice.entry.content == "Section “Travel” was removed. It said: “Ask.”"
    assert twice.entry.url == PAGE.url
    assert looked(twice.page, **without("travel")).entry is None


def test_a_page_without_most_of_its_sections_is_doubted_and_believed_when_it_lasts() -> None:
    login = {"login": "Name and password, please."}
    first = doubted(STOCK, **login)
    assert first.kind == "most_gone"
    assert first.page is not None
    assert first.page.sections == STOCK.sections
    assert looked(first.page, **BASE) == Turned(STOCK)
    again = doubted(first.page, at(days=2), **login)
    other = doubted(again.page, at(days=4), apology="We have difficulties.")
    assert other.page is not None
    assert other.page.doubt is not None
    assert other.page.doubt.polls == 1
    believed = looked(again.page, at(days=4), **login).entry
    assert believed is not None
    assert believed.title == "Protected status page: page rebuilt"
    assert "“Countries”" in believed.content
    assert "Name and password" in believed.content


def test_a_doubted_page_is_believed_in_a_week_though_no_two_polls_agree() -> None:
    page, days = STOCK, 0.0
    while isinstance(turned := turn(PAGE, page, a_version(**{f"day{days}": "News."}), at(days=days)), Doubted):
        assert turned.page is not None
        page, days = turned.page, days + 0.5
    assert days == 7
    assert turned.entry is not None
    assert turned.entry.title == "Protected status page: page rebuilt"
    assert turned.page.doubt is None


def test_a_doubted_page_is_believed_when_its_last_polls_agree_whatever_it_showed_before() -> None:
    page = STOCK
    for hours, name in ((0, "maintenance"), (60, "queue"), (72, "news"), (73, "news")):
        turned = doubted(page, at(hours=hours), **{name: "Something else."})
        assert turned.page is not None
        page = turned.page
    assert looked(page, at(hours=74), news="Something else.").entry is not None


def test_a_page_of_few_sections_is_never_doubted() -> None:
    few = without("travel")
    small = looked(None, **few).page
    told = looked(small, alert="A court stays the end. Permits remain valid.").entry
    assert told is not None
    assert "A court stays the end" in told.content
    assert doubted(STOCK, alert="A court stays the end.").kind == "most_gone"


def test_a_change_has_an_id_of_its_own_also_after_the_page_was_read_in_another_way() -> None:
    changed = BASE | {"travel": "Ask first."}
    first = looked(STOCK, **changed)
    other = replace(PAGE, select={"drop": ".menu"})
    stock = turn(other, looked(first.page, at(days=20), **BASE).page, a_version(**BASE), at(days=20))
    assert isinstance(stock, Turned)
    again = turn(other, stock.page, a_version(**changed), at(days=21))
    assert isinstance(again, Turned)
    assert first.entry is not None
    assert again.entry is not None
    [one], [two] = clean(PAGE, [first.entry], NOW), clean(other, [again.entry], NOW)
    assert set(one.keys).isdisjoint(two.keys)


def test_what_goes_back_and_forth_is_told_once_a_week_and_the_last_word_is_told_in_the_end() -> None:
    a, b = BASE, BASE | {"travel": "Ask first."}
    page, told = STOCK, []
    for hour in range(48):
        turned = looked(page, at(hours=hour), **(b if hour % 2 == 0 else a))
        page, told = turned.page, told + ([hour] if turned.entry else [])
    assert told == [0, 1]
    assert looked(page, at(hours=50), **b).unsettled
    late = looked(page, at(days=8), **b)
    assert late.entry is not None
    assert not late.unsettled


def test_sections_that_come_and_go_are_held_to_the_same_week() -> None:
    page = STOCK
    told = []
    for poll in range(24):
        turned = looked(page, at(hours=poll), **(BASE if poll // 3 % 2 else without("travel")))
        page, told = turned.page, told + ([poll] if turned.entry else [])
    assert told == [1, 3]


def test_a_page_read_in_another_way_is_taken_stock_of_anew() -> None:
    source = replace(PAGE, select={"region": "#body"})
    turned = turn(source, STOCK, a_version(wholly="different"), NOW)
    assert isinstance(turned, Turned)
    assert turned.entry is None


def test_the_pages_own_date_is_claimed_where_it_moved() -> None:
    dated = looked(None, updated="2023-09-01", **BASE).page
    changed = BASE | {"travel": "Ask first."}
    same = looked(dated, updated="2023-09-01", **changed).entry
    moved = looked(dated, updated="2023-10-04", **changed).entry
    assert same is not None
    assert moved is not None
    assert (same.updated, moved.updated) == ("", "2023-10-04")


def test_a_page_too_large_to_be_kept_is_a_failure() -> None:
    assert doubted(None, all="x" * MOST_TEXT).kind == "parse_limit"


def test_every_change_is_a_document_of_its_own() -> None:
    first = looked(STOCK, **BASE | {"travel": "Ask first."})
    second = looked(first.page, at(days=1), **BASE | {"travel": "Ask your lawyer first."})
    assert first.entry is not None
    assert second.entry is not None
    [one], [two] = clean(PAGE, [first.entry], NOW), clean(PAGE, [second.entry], NOW)
    assert one.title == two.title
    assert set(one.keys).isdisjoint(two.keys)
    assert one.date_note == "date not given"
    assert (one.url, one.number) == ("https://agency.example/status#travel", "")


def test_a_long_list_of_changes_is_counted_and_a_spanish_page_told_in_spanish() -> None:
    old = "\n".join(f"Zona{number} | El {number % 28 + 1} de marzo del 2024" for number in range(90))
    new = old.replace("2024", "2025")
    spanish = replace(PAGE, language="es")
    known = turn(spanish, None, a_version(lista=old, otra="Igual."), NOW)
    assert isinstance(known, Turned)
    turned = turn(spanish, known.page, a_version(lista=new, otra="Igual."), NOW)
    assert isinstance(turned, Turned)
    assert turned.entry is not None
    assert turned.entry.title.endswith(": cambió “Lista”")
    lines = turned.entry.content.split("\n\n")
    assert lines[0] == "Lista, Zona0: la fecha 1 de marzo del 2024 ahora es 1 de marzo del 2025."
    assert lines[-1] == "Más cambios en la página: 120."


def test_days_are_found_in_either_language_and_in_numbers() -> None:
    text = (
        "From Sept. 10, 2025 or 5 May 2024, el 1.º de mayo, 3 de enero de 2026, 2 de abrigo de 2020, 13/2/2024, 2/30/24"
    )
    assert [day.on.isoformat() for day in days_in(text)] == ["2025-09-10", "2024-05-05", "2026-01-03", "2024-02-13"]


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert edits(text, text) == ()
    assert edits(text, text.upper()) == ()


@given(TEXTS, TEXTS)
def test_whatever_differs_in_words_is_told_in_bounds(old: str, new: str) -> None:
    told = edits(old, new)
    if sorted(folded(old).split()) != sorted(folded(new).split()):
        assert told
    assert sum(len(edit.before) + len(edit.after) for edit in told) <= 2 * (len(old) + len(new)) + 20 * len(told)


@settings(max_examples=40)
@given(st.lists(VERSIONS, max_size=6))
def test_versions_in_any_order_never_raise_and_standing_still_says_nothing_for_long(
    versions: list[dict[str, str]],
) -> None:
    page: WatchedPage | None = None
    now = NOW
    for version in versions:
        for _ in range(2):
            now += timedelta(hours=1)
            turned = turn(PAGE, page, a_version(**version), now)
            page = turned.page or page
    for _ in range(6):
        now += timedelta(days=8)
        turned = turn(PAGE, page, a_version(**(versions or [{}])[-1]), now)
        page = turned.page or page
    assert isinstance(turned, Turned)
    assert turned.entry is None
    assert not turned.unsettled
