"""What is kept about a chat: in words, in full, and how to have it deleted."""

from __future__ import annotations

from bot.commands.kept import page_of
from bot.commands.registry import Desk, Who, command
from bot.commands.wording import bold, plural, refusal, reply, typed
from bot.core.speech import Call, Choice, Mark, Reply, Span

_MINE = Choice("What is kept here", "mydata")
_FORGET = Choice("Delete it", "forget")

_KEPT = (
    "the platform, this chat's number there and since when it is known, its language and time zone, "
    "what it follows, its pauses, and which alerts it was sent when"
)
_NOT_KEPT = (
    "names, user names, phone numbers, the words people write (but for the filters they set), lists of members, "
    "network addresses, and who pressed what"
)
_PLATFORM = {
    "telegram": "Chats with a Telegram bot are not end-to-end encrypted: Telegram can read what is written here, "
    "and knows who is in this chat. In a channel that only carries a topic, this bot never learns who reads.",
    "slack": "Slack is not end-to-end encrypted: Slack and the owners of this workspace can read what is written here, "
    "and know who is in this channel.",
}
_LAW = (
    "Whoever can compel the operator of this bot could obtain what is kept, and nothing else. "
    "What was deleted is left in the operator's backups until those are deleted too, by default after 7 days."
)
_TOPICS = {"telegram": " If it has topics, the same goes for each of them."}
_HERE = "This chat stays on the machine that runs the bot."


@command("privacy", "what is kept, and who can see what", who=Who.EVERYBODY)
async def privacy(desk: Desk, call: Call) -> Reply:
    parts = (bold("Kept: "), f"{_KEPT}.\n", bold("Not kept: "), f"{_NOT_KEPT}.\n")
    platform = (bold("The platform: "), f"{_PLATFORM.get(call.chat.platform, _HERE)}\n")
    law = (bold("The law: "), f"{_LAW}\n")
    ways = ("Everything kept about this chat: ", typed(desk, call, "mydata"), " · to delete it: ")
    return reply(*parts, *platform, *law, *ways, typed(desk, call, "forget"), choices=[_MINE, _FORGET])


@command("mydata [PAGE]", "everything kept about this chat, as JSON", who=Who.EVERYBODY)
async def mydata(desk: Desk, call: Call) -> Reply:
    word = next(iter(call.args), "1")
    if not (word.isascii() and word.isdecimal()):
        return refusal("Which page? For example ", typed(desk, call, "mydata 2"))
    kept = await desk.store.kept(call.chat)
    if not kept:
        return reply("Nothing is kept about this chat.")
    text, page, pages = page_of(kept, int(word))
    following = [Choice(f"Next: {page + 1} of {pages}", f"mydata {page + 1}")] if page < pages else []
    return reply(Span(text, Mark.CODE), choices=[*following, _FORGET])


@command("forget [yes]", "delete everything kept about this chat", who=Who.CHANGERS)
async def forget(desk: Desk, call: Call) -> Reply:
    if call.args != ("yes",):
        return await _confirm(desk, call)
    await desk.store.forget(call.chat)
    gone = f"Everything kept about {_place(call)} is deleted. Nothing will be sent here any more"
    return reply(f"{gone}, but for what is on its way this very moment.")


async def _confirm(desk: Desk, call: Call) -> Reply:
    confirm = Choice("Delete everything", "forget yes")
    held = await desk.store.subscriptions(call.chat)
    follows = f"the {plural(len(held), 'thing')} it follows" if held else "what it follows"
    what = f"{follows}, its time zone and pauses, and the list of what it was sent"
    topics = "" if call.in_private or call.chat.thread else _TOPICS.get(call.chat.platform, "")
    parts = [f"This deletes everything kept about {_place(call)}: {what}.{topics} It cannot be undone. To confirm: "]
    return reply(*parts, typed(desk, call, confirm.line), choices=[confirm])


def _place(call: Call) -> str:
    return "this topic" if call.chat.thread else "this chat"
