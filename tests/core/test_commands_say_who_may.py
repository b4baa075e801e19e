"""Every command says who may use it, and that is who may."""

from __future__ import annotations

import pytest

from bot.commands import COMMANDS, Who, command_named
from bot.commands.registry import command
from bot.core.model import Chat
from tests.fakes.asker import Asker, a_desk, lines_of, text_of

OF_THE_CHATS = [
    *("start", "help", "topics", "follow", "unfollow", "list", "filter", "search"),
    *("pause", "resume", "mute", "unmute", "missed"),
    *("latest", "why", "timezone", "lang", "privacy", "mydata", "forget", "status", "sources"),
]
ACTORS = {
    "anybody": (False, False),
    "changer": (True, False),
    "operator": (False, True),
    "operator who may change": (True, True),
}
MAY = {
    Who.EVERYBODY: set(ACTORS),
    Who.CHANGERS: set(ACTORS) - {"anybody"},
    Who.OPERATORS: {"operator", "operator who may change"},
}


def test_the_registry_has_what_is_promised_in_the_order_of_help():
    assert [name for name, known in COMMANDS.items() if known.is_on("web")] == [*OF_THE_CHATS, "alarms", "outbox"]
    assert [name for name, known in COMMANDS.items() if not known.is_on("web")] == ["channel"]
    changing = {name for name, known in COMMANDS.items() if known.who is Who.CHANGERS}
    assert changing == {
        *("follow", "unfollow", "filter", "pause", "resume", "mute", "unmute", "timezone", "lang", "forget"),
    }
    assert {name for name, known in COMMANDS.items() if known.who is Who.OPERATORS} == {"alarms", "outbox"}


def test_a_command_that_does_not_say_who_may_cannot_exist():
    with pytest.raises(TypeError, match="who"):
        command("danger", "does things")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="admin"):
        command("danger", "does things", who="admin")(None)  # type: ignore[arg-type]
    assert "danger" not in COMMANDS


@pytest.mark.parametrize("aliases", [("list",), ("temas",)])
def test_two_commands_cannot_share_a_word(aliases):
    with pytest.raises(ValueError, match="two commands"):
        command("fresh", "is new", who=Who.EVERYBODY, aliases=aliases)(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="two commands"):
        command("list", "is old", who=Who.EVERYBODY)(None)  # type: ignore[arg-type]
    assert "fresh" not in COMMANDS


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("by_alias", [False, True])
async def test_who_may_do_what(name, actor, by_alias):
    known = COMMANDS[name]
    may_change, is_operator = ACTORS[actor]
    asker = Asker(a_desk(), may_change=may_change, is_operator=is_operator)
    reply = await asker.reply(known.aliases[0] if by_alias and known.aliases else name)
    refused = text_of(reply).startswith("Only ")
    assert refused == (actor not in MAY[known.who])
    assert not (refused and reply.ok)


@pytest.mark.parametrize("line", ["follow tps", "unfollow all yes", "forget yes"])
async def test_a_refused_line_changes_nothing(line):
    desk = a_desk()
    await Asker(desk).ask("follow asylum")
    before = await Asker(desk).followed()
    await Asker(desk, may_change=False).ask(line)
    assert await Asker(desk).followed() == before


@pytest.mark.parametrize(
    ("platform", "who"),
    [("telegram", "administrators"), ("slack", "full members"), ("web", "those who may change this chat's settings")],
)
async def test_a_refusal_says_who_may(platform, who):
    refusal = await Asker(a_desk(), Chat(platform, "", "1"), may_change=False).ask("follow tps")
    assert who in refusal
    assert "follow" in refusal
    assert "operators" in await Asker(a_desk()).ask("outbox list")


async def test_an_unknown_verb_gets_a_suggestion():
    asker = Asker(a_desk())
    reply = await asker.reply("folow tps venezuela")
    assert text_of(reply) == "I do not know folow. Did you mean follow?"
    assert lines_of(reply)[0] == "follow tps venezuela"
    assert not reply.ok
    assert "Did you mean /follow?" in await Asker(a_desk(), Chat("telegram", "", "1")).ask("/folow")
    assert "Did you mean /policybell follow?" in await Asker(a_desk(), Chat("slack", "", "C1")).ask("folow")
    lost = await asker.reply("zzzzzz")
    assert "help" in text_of(lost)
    assert lines_of(lost) == ["help"]


async def test_commands_of_operators_are_suggested_to_operators_only():
    assert "outbox" not in await Asker(a_desk()).ask("outbx")
    assert "outbox" in await Asker(a_desk(), is_operator=True).ask("outbx")


async def test_a_menu_of_another_version_says_so():
    reply = await Asker(a_desk()).reply("0|follow tps")
    assert text_of(reply) == "This menu is from an earlier version."
    assert "topics" in lines_of(reply)


async def test_help_lists_what_the_caller_may_know_of():
    shown = await Asker(a_desk()).ask("help")
    for_operators = {known.usage for known in COMMANDS.values() if known.who is Who.OPERATORS or not known.is_on("web")}
    assert {known.usage for known in COMMANDS.values() if known.usage in shown} == {
        known.usage for known in COMMANDS.values()
    } - for_operators
    assert "outbox" not in shown
    assert COMMANDS["outbox"].usage in await Asker(a_desk(), is_operator=True).ask("help")
    assert await Asker(a_desk()).ask("") == shown


@pytest.mark.parametrize("name", OF_THE_CHATS)
async def test_help_on_one_command_says_how_and_who(name):
    shown = await Asker(a_desk()).ask(f"help {name}")
    known = COMMANDS[name]
    assert shown.startswith(known.usage)
    assert known.help in shown
    assert known.who in shown
    assert all(alias in shown for alias in known.aliases)
    assert await Asker(a_desk()).ask(f"help /{name.upper()}") == shown


async def test_a_command_that_a_platform_does_not_have_is_unknown_there():
    for line in ("channel", "help channel"):
        assert not (await Asker(a_desk()).reply(line)).ok
        assert (await Asker(a_desk(), Chat("telegram", "", "7")).reply(line)).ok
    assert "/channel" in await Asker(a_desk(), Chat("telegram", "", "7")).ask("help")


async def test_help_on_what_is_no_command_for_the_caller():
    for line in ("help outbox", "help nothing"):
        reply = await Asker(a_desk()).reply(line)
        assert not reply.ok
        assert lines_of(reply) == ["help"]
    assert (await Asker(a_desk(), is_operator=True).reply("help outbox")).ok


def test_an_alias_is_the_command():
    assert command_named("seguir") is COMMANDS["follow"]
    assert command_named("nothing") is None


async def test_the_first_words_say_what_it_is_and_how_to_begin():
    telegram = Chat("telegram", "", "5")
    desk = a_desk()
    first = await Asker(desk, telegram).reply("/start")
    assert "2 US government and news sources" in text_of(first)
    assert "Nothing is sent until you choose." in text_of(first)
    assert "/follow tps" in text_of(first)
    assert "America/New_York" in text_of(first)
    assert lines_of(first) == ["topics", "latest 5"]
    await Asker(desk, telegram).ask("/follow tps")
    assert "This chat follows TPS." in await Asker(desk, telegram).ask("/start")


async def test_a_link_may_offer_a_topic_and_cannot_follow_it():
    desk = a_desk()
    reply = await Asker(desk).reply("/start t_deportation")
    assert lines_of(reply)[0] == "follow removal"
    assert await Asker(desk).followed() == []
    assert lines_of(await Asker(desk).reply("/start t_nothing")) == ["topics", "latest 5"]


async def test_start_wakes_a_chat_for_those_who_may_change_it():
    desk = a_desk()
    asker = Asker(desk)
    await asker.ask("follow tps")
    desk.store._people.home(asker.chat).gone = True
    assert "Welcome back" not in await Asker(desk, may_change=False).ask("start")
    assert (await asker.ask("start")).startswith("Welcome back. ")
    assert "Welcome back" not in await asker.ask("start")
