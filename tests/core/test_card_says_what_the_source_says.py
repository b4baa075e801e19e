"""The content of an alert: quoted, dated honestly, explained."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bot.core.card import card
from bot.core.intake import Standing
from bot.core.model import Hit, Precision, Reason, Voice
from bot.core.speech import Card, Mark
from tests.builders import NOW, a_document, a_story, a_why, an_alert, at

TEXT = (
    "WASHINGTON - The department spoke on many things in a first sentence that is left out of the quote.\n\n"
    "A second sentence, which says nothing of interest, stands between it and the one that counts. "
    "The United States will resume direct repatriations of Venezuelan nationals who cross our border unlawfully. "
    + "More text follows, and goes on. "
    * 20
)


def hits(text: str, *words: str, field: str = "text") -> tuple[Hit, ...]:
    return tuple(Hit(field, found.start(), found.end()) for word in words for found in re.finditer(word, text))


def shown(document=None, *, why=None, repeat=False, voice=None, reason=Reason.NEW, **changes) -> Card:
    document = replace(document or a_document(1, text=TEXT), **changes)
    why = why or (a_why(1, "Removal", hits(TEXT, "repatriations")),)
    alert = an_alert(a_story(8812, document), why=why, voice=voice or Voice(), reason=reason)
    return card(alert, repeat=repeat)


def said(spans) -> str:
    """Write spans as one text, bold between stars."""
    return "".join(f"*{span.text}*" if span.mark is Mark.BOLD else span.text for span in spans)


def test_the_quote_begins_with_the_sentence_of_the_first_hit_and_marks_every_hit():
    why = (a_why(1, "Removal", hits(TEXT, "repatriations", "border")), a_why(2, "Venezuela", hits(TEXT, "Venezuelan")))
    quoted = said(shown(why=why).excerpt)
    assert quoted.startswith("… The United States will resume direct *repatriations* of *Venezuelan* nationals")
    assert "cross our *border* unlawfully. More text" in quoted
    assert quoted.endswith("…")


def test_overlapping_hits_are_marked_once():
    both = (*hits(TEXT, "direct repatriations"), *hits(TEXT, "repatriations of Venezuelan"), *hits(TEXT, "direct"))
    assert "resume *direct** repatriations** of Venezuelan* nationals" in said(
        shown(why=(a_why(1, "R", both),)).excerpt
    )


def test_without_a_hit_in_the_text_the_quote_is_its_beginning():
    title = (a_why(1, "Removal", (Hit("title", 0, 10),)),)
    assert said(shown(why=title).excerpt).startswith("WASHINGTON - The department spoke")
    assert shown(why=title, text="").excerpt == ()


def test_white_space_is_folded_and_marks_stay_on_their_words():
    text = "One  two\n\n\tthree   removal\n flights."
    quoted = shown(text=text, why=(a_why(1, "R", hits(text, "removal")),)).excerpt
    assert said(quoted) == "One two three *removal* flights."


def test_a_far_hit_without_a_sentence_before_it_is_led_in_by_whole_words():
    text = "word " * 100 + "removal flights"
    assert said(shown(text=text, why=(a_why(1, "R", hits(text, "removal")),)).excerpt).startswith("… word word")


def test_a_hit_that_the_end_cuts_off_is_not_marked():
    text = (
        "A removal flight leaves. " + "word " * 50 + "an order of removal that goes on beyond the end of what is shown."
    )
    quoted = shown(text=text, why=(a_why(1, "R", hits(text, "removal flight", "order.*shown")),)).excerpt
    assert [span.text for span in quoted if span.mark is Mark.BOLD] == ["removal flight"]
    assert "order of" in said(quoted)


def test_text_without_spaces_is_quoted_from_its_beginning():
    text = "字" * 400 + "ICE" + "字" * 400
    quoted = said(shown(text=text, why=(a_why(1, "R", hits(text, "ICE")),)).excerpt)
    assert quoted == "字" * 295 + "…"


def test_a_short_lead_takes_the_sentence_before_it_along():
    text = "x " * 200 + "ended. Nothing stands here that matters. In the U.S. removal flights begin."
    quoted = said(shown(text=text, why=(a_why(1, "R", hits(text, "removal")),)).excerpt)
    assert quoted == "… Nothing stands here that matters. In the U.S. *removal* flights begin."


def test_only_so_many_words_are_marked_as_every_platform_honors():
    text = "ban " * 70
    marked = [
        span for span in shown(text=text, why=(a_why(1, "R", hits(text, "ban")),)).excerpt if span.mark is Mark.BOLD
    ]
    assert len(marked) == 20


@pytest.mark.parametrize(
    ("changes", "byline"),
    [
        ({}, "*Newsroom 1* · DHS · official source · news release"),
        ({"agency": "", "facts": {}, "standing": Standing.NEWS}, "*Newsroom 1* · news"),
        ({"outlet": "DHS Newsroom", "standing": Standing.ADVOCACY, "facts": {}}, "*DHS Newsroom* · advocacy group"),
        ({"facts": {"type": "Rule"}, "standing": Standing.AGGREGATOR}, "*Newsroom 1* · DHS · aggregator · Rule"),
    ],
)
def test_the_byline_says_who_speaks_and_in_what_kind_of_voice(changes, byline):
    assert said(shown(**changes).byline) == byline


@pytest.mark.parametrize(
    ("changes", "published"),
    [
        ({}, "October 5, 2023, 7:30 AM EDT"),
        ({"claimed_at": at(hours=0.5)}, "October 5, 2023, 8:30 AM EDT"),
        ({"precision": Precision.DAY, "claimed_at": NOW.replace(hour=0)}, "October 5, 2023"),
        ({"claimed_at": None, "precision": Precision.NONE}, "date not given; first seen October 5, 2023, 8:00 AM EDT"),
        (
            {"claimed_at": None, "date_note": "the date given, July 30, 1926, cannot be right"},
            "the date given, July 30, 1926, cannot be right; first seen October 5, 2023, 8:00 AM EDT",
        ),
        (
            {"claimed_at": NOW, "date_note": "the source gives a time that was still to come"},
            "October 5, 2023, 8:00 AM EDT (the source gives a time that was still to come)",
        ),
    ],
)
def test_the_date_is_said_as_exactly_as_it_was_claimed(changes, published):
    assert dict(shown(**changes).facts)["Published"] == published


@pytest.mark.parametrize(
    ("zone", "published"),
    [
        ("America/Los_Angeles", "October 5, 2023, 4:30 AM PDT"),
        ("Europe/Madrid", "October 5, 2023, 1:30 PM CEST"),
        ("Not/AZone", "October 5, 2023, 11:30 AM UTC"),
        ("", "October 5, 2023, 11:30 AM UTC"),
        ("America", "October 5, 2023, 11:30 AM UTC"),
    ],
)
def test_times_are_told_on_the_clock_of_the_chat(zone, published):
    assert dict(shown(voice=Voice(zone=zone)).facts)["Published"] == published


def test_noon_and_midnight_are_written_as_americans_do():
    for hours, words in ((0, "12:00 PM"), (12, "12:00 AM")):
        assert words in dict(shown(voice=Voice(zone="UTC"), claimed_at=at(hours=hours)).facts)["Published"]


def test_what_comes_late_says_when_it_was_first_seen():
    assert dict(shown(claimed_at=at(days=-3)).facts)["First seen"] == "October 5, 2023, 8:00 AM EDT"
    assert "First seen" not in dict(shown().facts)


def test_a_document_has_its_number_and_citation():
    assert dict(shown(number="2023-22176").facts)["Document"] == "2023-22176"
    cited = shown(number="2023-22176", facts={"citation": "88 FR 69214"})
    assert dict(cited.facts)["Document"] == "2023-22176 · 88 FR 69214"
    assert "Document" not in dict(shown().facts)


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"effective_on": "2023-11-01"}, {"Effective": "November 1, 2023"}),
        ({"type": "Rule", "effective_on": "2023-11-01"}, {"Effective": "November 1, 2023"}),
        ({"comments_close_on": "2023-12-04"}, {"Comments due": "December 4, 2023"}),
        ({"type": "Proposed Rule", "effective_on": "2023-11-01"}, {}),
        ({"type": "PRORULE", "effective_on": "2023-11-01", "comments_close_on": "2023-12-04"}, {"Comments due": 1}),
        ({"action": "Notice of proposed rulemaking.", "effective_on": "2023-11-01"}, {}),
        (
            {"type": "Rule", "action": "Final rule; withdrawal of proposed rule", "effective_on": "2023-11-01"},
            {"Effective": 1},
        ),
        ({"effective_on": "upon publication", "comments_close_on": ""}, {}),
        ({"dates": "This rule is effective on November 1, 2023."}, {}),
    ],
)
def test_dates_of_effect_are_shown_only_as_the_publisher_states_them_and_never_of_a_proposal(facts, named):
    told = {name: value for name, value in shown(facts=facts).facts if name in {"Effective", "Comments due"}}
    assert told.keys() == named.keys()
    assert all(value in {1, told[name]} for name, value in named.items())


def test_the_link_names_its_host_in_clear():
    assert shown(url="https://www.uscis.gov/a?b=1").link.text == "Read it at uscis.gov"
    assert shown(url="https://xn--uscs-nza.gov/a").link.text == "Read it at xn--uscs-nza.gov"
    long = shown(url=f"https://www.uscis.gov.{'a' * 60}.evil.example/")
    assert long.link.text == f"Read it at ….gov.{'a' * 60}.evil.example"
    for unusable in ("", "ftp://x.example/", "https://x.example/?" + "&" * 700, "javascript:alert(1)"):
        assert (shown(url=unusable).link.text, shown(url=unusable).link.url) == ("The source gave no usable link", "")


def test_the_footer_says_why_by_name_and_by_the_words_that_matched():
    title = "DHS announces repatriations"
    why = (
        a_why(1, "Removal", (*hits(title, "repatriations", field="title"), *hits(TEXT, "Repatriations|border"))),
        a_why(2, "“my filter”", hits(TEXT, "repatriations")),
        a_why(2, "“my filter”", hits(TEXT, "Venezuelan")),
    )
    footer = said(shown(title=title, why=why).footer)
    assert footer == (
        "Why you got this: *Removal · “my filter”* (“repatriations”, “border”, “Venezuelan”)\n#8812 · not legal advice"
    )


def test_many_reasons_and_words_are_counted_and_not_all_listed():
    why = tuple(
        a_why(n, f"Filter {n}", hits(TEXT, word))
        for n, word in enumerate(["The", "United", "States", "will", "resume"])
    )
    footer = said(shown(why=(*why, *why, a_why(9, "Last", ()))).footer)
    assert footer.startswith("Why you got this: *Filter 0 · Filter 1 · Filter 2 · Filter 3* and 2 more (“")
    assert footer.count("“") == 5
    assert said(shown(why=(a_why(9, "Last", ()),)).footer).startswith("Why you got this: *Last*\n#")


def test_a_repeat_and_a_test_are_marked():
    assert shown().notice == ""
    assert shown(repeat=True).notice == "↻ may repeat"
    assert shown(reason=Reason.TEST, repeat=True).notice == "test message · ↻ may repeat"
