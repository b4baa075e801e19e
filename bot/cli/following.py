"""Subscriptions from the shell."""

from __future__ import annotations

from pathlib import Path

import click

from bot.cli.asking import ask_bot, show, with_config

_with_chat = click.option("--chat", required=True, metavar="CHAT", help="PLATFORM:ID, such as telegram:-1001234.")
_with_words = click.argument("words", nargs=-1, required=True, metavar="TOPIC [WORD]...")


@click.command()
@_with_chat
@_with_words
@with_config
def follow(chat: str, words: tuple[str, ...], config: Path | None) -> int:
    """Let a chat follow a topic.

    A word after a topic that is no topic itself narrows it: `follow --chat slack:C0123 tps venezuela`.
    """
    return show(ask_bot(config, ["follow", chat, *words]))


@click.command()
@_with_chat
@_with_words
@with_config
def unfollow(chat: str, words: tuple[str, ...], config: Path | None) -> int:
    """Let a chat stop following a topic.

    `all yes` in the place of a topic drops everything that the chat follows.
    """
    return show(ask_bot(config, ["unfollow", chat, *words]))
