"""Whatever is asked, in whatever order: every choice fits a button and works, and chats do not touch each other."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands import COMMANDS, read_line
from bot.core.model import Chat
from bot.core.speech import Reply
from tests.builders import a_document, a_story, some_changes
from tests.fakes.asker import TOPICS, Asker, a_desk, text_of

WORDS = st.sampled_from(
    [topic.id for topic in TOPICS]
    + ["deportation", "venezuela", "haiti", "tsp", "asilum", '"work permit"', '"open', "OR", "AND", "-x", "(", ")"]
    + ["8h", "2d", "until", "monday", "pacific", "America/New_Yrok", "es"]
    + ["all", "yes", "1", "2", "#1", "99", "https://newsroom-1.example/news/1", "t_tps", "x" * 61, "ñandú" * 5, "∞"]
)
VERBS = st.sampled_from([*COMMANDS, "folow", "seguir", "?", "", "0|list", "ünfollow"])
LINES = st.builds(lambda verb, words: " ".join((verb, *words)), VERBS, st.lists(WORDS, max_size=4))
HOSTILE = st.builds(lambda verb, text: f"{verb} {text}", VERBS, st.text(max_size=80))


async def stocked():
    desk = a_desk()
    titles = ["TPS for Venezuela", "Asylum rule", "Weather"]
    await desk.store.commit([some_changes(*(a_story(n, a_document(n, title=t)) for n, t in enumerate(titles, 1)))])
    return desk


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES | HOSTILE, max_size=6))
async def test_every_choice_fits_a_button_and_can_be_pressed(lines):
    asker = Asker(await stocked(), is_operator=True)
    for line in lines:
        reply = await asker.reply(line)
        assert text_of(reply).strip()
        for choice in reply.choices:
            assert len(f"1|{choice.line}".encode()) <= 64
            assert choice.label.strip()
            assert "\n" not in choice.line
        if reply.ok and reply.choices and read_line(line)[0] != "forget":
            pressed = await asker.reply(f"1|{reply.choices[0].line}")
            assert "I do not know" not in text_of(pressed)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), LINES), max_size=12))
async def test_what_one_chat_does_another_never_sees(turns):
    mine, theirs = Chat("telegram", "", "1"), Chat("telegram", "", "2")
    shared, alone = await stocked(), await stocked()
    for is_mine, line in turns:
        if not is_mine:
            await Asker(shared, theirs).reply(line)
            continue
        together = await Asker(shared, mine).reply(line)
        assert without_numbers(together) == without_numbers(await Asker(alone, mine).reply(line))
    assert await Asker(shared, mine).followed() == await Asker(alone, mine).followed()


def without_numbers(reply: Reply) -> str:
    """The numbers of subscriptions are counted over all chats."""
    return "".join(letter for letter in text_of(reply) if not letter.isdecimal())


async def test_what_people_typed_comes_back_short_and_clean():
    asker = Asker(a_desk())
    for line in (f"{'y' * 500}", f"follow {'y' * 500}", f"help {'y' * 500}", "fol\x1b[2Jlow", "follow a\u202eb"):
        shown = await asker.ask(line)
        assert len(shown) < 200
        assert not {"\x1b", "\u202e"} & set(shown)
