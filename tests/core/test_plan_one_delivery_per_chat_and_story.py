"""Fan-out: one delivery per chat and story, computed ids, order of publication, waits after failures."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Chat, Hit, Match, Reader, State, Voice
from bot.core.plan import delivery_id, next_attempt, plan
from tests.builders import NOW, a_chat, a_cursor, a_document, a_verdict

chance = st.floats(0, 1)
chats = st.builds(a_chat, st.integers(1, 3), st.sampled_from(["telegram", "slack"]))
readers = st.lists(
    st.builds(Reader, chats, st.just(Voice()), st.integers(1, 4), st.sampled_from(["TPS", "Removal"])), max_size=12
)
matches = st.lists(
    st.builds(Match, st.integers(1, 5), st.just((Hit("title", 0, 3),))), unique_by=lambda match: match.query_id
)
states = st.sampled_from(list(State))


@st.composite
def verdict_lists(draw):
    def one(story):
        state = draw(states)
        found = tuple(draw(matches)) if state is State.NEW else ()
        return a_verdict(a_document(story), story, state=state, matches=found)

    return tuple(one(story) for story in range(1, draw(st.integers(0, 4)) + 1))


@given(verdict_lists(), readers)
def test_every_reader_with_a_match_is_told_once_and_nobody_else(verdicts, readers):
    changes = plan(a_cursor(), verdicts, readers, NOW)
    told = [(delivery.chat, delivery.alert.story.number) for delivery in changes.deliveries]
    asked = {
        (reader.chat, verdict.story)
        for verdict in verdicts
        for match in verdict.matches
        for reader in readers
        if reader.query_id == match.query_id
    }
    assert len(told) == len(set(told))
    assert set(told) == asked
    ids = [delivery.id for delivery in changes.deliveries]
    assert len(ids) == len(set(ids))


@given(verdict_lists(), readers, st.randoms())
def test_the_same_poll_planned_twice_gives_the_same_deliveries(verdicts, readers, random):
    shuffled = random.sample(readers, len(readers))
    assert plan(a_cursor(), verdicts, readers, NOW) == plan(a_cursor(), verdicts, shuffled, NOW)


@given(verdict_lists(), readers)
def test_an_alert_names_each_subscription_that_it_answers(verdicts, readers):
    for delivery in plan(a_cursor(), verdicts, readers, NOW).deliveries:
        verdict = verdicts[delivery.alert.story.number - 1]
        found = {match.query_id for match in verdict.matches}
        named = {(reader.query_id, reader.label) for reader in readers if reader.chat == delivery.chat}
        expected = sorted((label, query) for query, label in named if query in found)
        assert [(why.label, why.query_id) for why in delivery.alert.why] == expected
        assert all(why.hits for why in delivery.alert.why)


def test_deliveries_keep_the_order_of_the_verdicts_and_are_due_at_once():
    verdicts = [a_verdict(a_document(story), story) for story in (5, 6, 7)]
    changes = plan(a_cursor(), verdicts, [Reader(a_chat(), Voice(), 1, "TPS")], NOW)
    assert [delivery.alert.story.number for delivery in changes.deliveries] == [5, 6, 7]
    assert {delivery.due_at for delivery in changes.deliveries} == {NOW}


def test_seen_documents_write_nothing():
    verdicts = [a_verdict(a_document(n), n, state=state, matches=()) for n, state in enumerate(State, 1)]
    written = plan(a_cursor(etag='"v2"'), verdicts, [], NOW)
    assert [verdict.state for verdict in written.verdicts] == [State.NEW, State.ADDITION, State.REVISION]
    assert written.cursor.etag == '"v2"'


def test_a_delivery_id_follows_from_every_part_of_its_content_and_nothing_else():
    base = (Chat("telegram", "", "12", "3"), 5, "document", 0)
    others = [
        (Chat("slack", "", "12", "3"), 5, "document", 0),
        (Chat("telegram", "1", "2", "3"), 5, "document", 0),
        (Chat("telegram", "", "1", "23"), 5, "document", 0),
        (Chat("telegram", "", "12", "3"), 6, "document", 0),
        (Chat("telegram", "", "12", "3"), 5, "other", 0),
        (Chat("telegram", "", "12", "3"), 5, "document", 1),
    ]
    assert delivery_id(*base) == delivery_id(*base[:3]) == "54b059ca960f0da4dcaa13c694da7510"
    assert len({delivery_id(*one) for one in (base, *others)}) == 7


@given(st.integers(0, 10**6), st.none() | st.timedeltas(timedelta(0), timedelta(days=2)), chance)
def test_a_failed_attempt_waits_at_random_within_a_doubling_span_and_never_less_than_asked(attempt, after, jitter):
    wait = next_attempt(NOW, attempt, after, jitter) - NOW
    assert (after or timedelta(0)) <= wait <= max(after or timedelta(0), timedelta(minutes=15))


def test_spans_double_from_one_second_to_a_quarter_of_an_hour():
    spans = [(next_attempt(NOW, attempt, None, 1.0) - NOW).total_seconds() for attempt in range(1, 13)]
    assert spans == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert next_attempt(NOW, 5, None, 0.0) == NOW


def test_a_platform_that_wants_years_is_asked_again_in_two_days():
    assert next_attempt(NOW, 1, timedelta(days=9999), 1.0) == NOW + timedelta(days=2)
