"""A query that cannot be used is refused in one sentence, with its place and something to write instead."""

from __future__ import annotations

import pytest

from bot.core.query import QueryError, parse, point_at
from bot.core.syntax import ADMITTED

EXAMPLE = 'For example: tps AND (haiti OR venezuela) -"fee schedule"'


def refusal(text: str) -> QueryError:
    with pytest.raises(QueryError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "position", "sentence", "hint"),
    [
        ('tps AND "fee schedule', 8, "The quote opened at position 9 is not closed.", 'Try: tps AND "fee schedule"'),
        ("tps AND “fee", 8, "The quote opened at position 9 is not closed.", 'Try: tps AND "fee"'),
        ("tps (haiti", 10, 'A ")" is missing at the end.', "Try: tps (haiti)"),
        ("tps haiti)", 9, 'This ")" closes nothing.', "Try: tps haiti"),
        (") tps", 0, 'This ")" closes nothing.', "Try: tps"),
        ("tps ()", 5, "There is nothing between these brackets.", "Try: tps"),
        ("tps (", 5, 'Something must follow "(".', "Try: tps"),
        ("tps (OR haiti)", 5, "This bracket starts with OR.", "Try: tps ( haiti)"),
        ("tps AND", 7, "Something must follow AND.", "Try: tps"),
        ("tps AND  ", 7, "Something must follow AND.", "Try: tps"),
        ("tps or", 6, "Something must follow OR.", "Try: tps"),
        ("tps &", 5, 'Something must follow "&".', "Try: tps"),
        ("tps NOT", 7, "Something must follow NOT.", "Try: tps"),
        ("tps AND OR haiti", 8, "Something must follow AND.", "Try: tps OR haiti"),
        ("(tps -(haiti AND))", 16, "Something must follow AND.", "Try: (tps -(haiti ))"),
        ("title:", 6, 'Something must follow "title:".', EXAMPLE),
        ("OR tps", 0, "The query starts with OR.", "Try: tps"),
        ("and tps", 0, "The query starts with AND.", "Try: tps"),
        ("| tps", 0, 'The query starts with "|".', "Try: tps"),
        ("titel:asylum", 0, 'There is no field "titel:". Did you mean title:?', EXAMPLE),
        ("agency:uscis", 0, 'There is no field "agency:". There are title: and topic:.', EXAMPLE),
        ("topic: tps", 0, "Write topic: and the topic's name together, for example topic:tps.", EXAMPLE),
        ("title:(tps OR title:x)", 0, "A field or a topic cannot stand inside title:.", EXAMPLE),
        ("title:(topic:tps)", 0, "A field or a topic cannot stand inside title:.", EXAMPLE),
        ("-tps", 0, "This would match everything. Add at least one word to look for.", EXAMPLE),
        ("tps OR NOT haiti", 0, "This would match everything. Add at least one word to look for.", EXAMPLE),
        ("NOT topic:tps", 0, "This would match everything. Add at least one word to look for.", EXAMPLE),
        ("NOT title:tps", 0, "This would match everything. Add at least one word to look for.", EXAMPLE),
        ("", 0, "The query is empty.", EXAMPLE),
        (" \n ", 0, "The query is empty.", EXAMPLE),
        ('tps "—"', 4, "There is no word between these quotes.", EXAMPLE),
        ("tps – haiti", 4, 'A "-" must touch the word that it leaves out.', "Try: tps -haiti"),
        ("tps --haiti", 4, 'A "-" must touch the word that it leaves out.', EXAMPLE),
        ('"tps"-haiti', 5, 'A "-" must touch the word that it leaves out.', 'Try: "tps" -haiti'),
        ("tps, haiti", 3, "A comma is not part of the language.", "Try: tps OR haiti"),
        ("*port", 0, 'A "*" can only end one plain word.', "Try: port"),
        ("de*port", 2, 'A "*" can only end one plain word.', "Try: de port"),
        ("h-1b*", 4, 'A "*" can only end one plain word.', "Try: h-1b"),
        ("de*", 0, 'At least 3 letters must stand before "*".', EXAMPLE),
        ('"mass deport*"', 12, 'A "*" inside quotes is not understood.', 'Try: "mass deport"'),
        ("tps w/5 haiti", 5, 'The sign "/" is not part of the language.', 'Try: tps "w/5" haiti'),
        ("# perm", 0, 'A "#" must stand before one plain word.', "Try: perm"),
        ("tps #h-1b", 4, 'A "#" must stand before one plain word.', "Try: tps h-1b"),
        ("#perm*", 0, 'A "#" must stand before one plain word.', "Try: perm*"),
        ("#a\u200bb-c", 0, 'A "#" must stand before one plain word.', "Try: a\u200bb-c"),
        ("tps BUT NOT", 11, "Something must follow BUT NOT.", "Try: tps"),
        ("tps %", 5, 'Something must follow "%".', "Try: tps"),
        ("% haiti", 0, 'The query starts with "%".', "Try: haiti"),
        ("tps (BUT NOT haiti)", 5, "This bracket starts with BUT NOT.", "Try: tps ( haiti)"),
        ("-tps BUT NOT haiti", 0, "This would match everything. Add at least one word to look for.", EXAMPLE),
    ],
)
def test_each_mistake_has_its_sentence(text: str, position: int, sentence: str, hint: str) -> None:
    error = refusal(text)
    assert (error.position, error.sentence, error.hint) == (position, sentence, hint)
    assert str(error) == sentence


def test_letters_that_multiply_are_no_word_to_look_for() -> None:
    assert refusal("İ" * 40).sentence.endswith("is not a word that can be looked for.")


def test_size_is_limited_where_people_type() -> None:
    assert refusal("x" * 1_001).sentence == "The query has 1,001 characters; 1,000 are allowed."
    assert (
        refusal(" ".join(f"w{n}" for n in range(41))).sentence == "The query has 41 words and phrases; 40 are allowed."
    )
    parse(" ".join(f"w{n}" for n in range(40)))
    deep = f"{'(a OR b ' * 11}{')' * 11}"
    assert refusal(deep).position == 80
    assert refusal(deep).sentence == "Brackets are nested too deep; 10 levels are allowed."


def test_redundant_brackets_count_and_quoted_ones_do_not() -> None:
    assert refusal(f"{'(' * 11}tps{')' * 11}").position == 10
    parse(f"{'(' * 10}tps{')' * 10}")
    parse(f'tps "{"(" * 11} smile"')


def test_what_is_shown_must_keep_the_limits_too() -> None:
    # AND and brackets are added where the canonical text is written: it is what gets stored and edited later.
    words = " ".join(f"{'w' * 21}{n}" for n in range(40))
    assert len(words) <= 1_000
    assert refusal(words).sentence.startswith("Written out, the query has 1,")
    nested = "a"
    for _ in range(10):
        nested = f"(b {nested} | c)"  # one bracket typed, two shown
    assert refusal(nested).sentence == "Brackets are nested too deep; 10 levels are allowed."


def test_what_was_admitted_once_is_not_measured_again() -> None:
    parse(" OR ".join(f"word{n}" for n in range(1_000)), limits=ADMITTED)


def test_a_caret_stands_under_the_place() -> None:
    text = "tps AND (haiti"
    assert point_at(refusal(text), text) == "tps AND (haiti\n              ^"
    long = f"{'tps ' * 30}, haiti"
    shown, caret = point_at(refusal(long), long).split("\n")
    assert len(shown) <= 60
    assert shown[caret.index("^")] == ","


def test_a_users_words_are_repeated_in_part_only() -> None:
    assert len(refusal(f"{'x' * 500}:tps").sentence) < 120
