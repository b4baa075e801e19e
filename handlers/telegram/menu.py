"""What Telegram shows of the bot before anybody wrote to it: the menu of commands, and what the bot is for.

All for show: whatever a menu leaves out can be typed, and rights are looked at then.
"""

from __future__ import annotations

from collections.abc import Iterator

from telegram import (
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeDefault,
)

from bot.commands import COMMANDS, Who
from handlers.telegram.client import Client

Menu = list[tuple[str, str]]

ABOUT = (
    "Policybell reads US government and news sources and alerts you when immigration policy changes: TPS, asylum, "
    "DACA, parole, visas, detention and more.\n\n"
    "Press Start and choose topics, or add me to a group or a channel.\n\n"
    "I keep this chat's number, what it follows and what it was sent; /forget deletes it. "
    "Chats with bots are not end-to-end encrypted. Information, not legal advice."
)
SHORT = "Alerts when US immigration policy changes. Information, not legal advice."


def menus() -> Iterator[tuple[BotCommandScope, Menu]]:
    """Give each scope its menu: members of groups are shown what everybody may use."""
    shown = [command for command in COMMANDS.values() if command.who is not Who.OPERATORS and command.is_on("telegram")]
    everything = [(command.name, command.help) for command in shown]
    asking = [(command.name, command.help) for command in shown if command.who is Who.EVERYBODY]
    yield BotCommandScopeDefault(), everything
    yield BotCommandScopeAllGroupChats(), asking
    yield BotCommandScopeAllChatAdministrators(), everything


async def show_menus(client: Client) -> None:
    """Let Telegram show the commands there are."""
    for scope, menu in menus():
        await client.set_menu(menu, scope)
