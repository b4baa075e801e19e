"""What people may ask, whatever they ask it from. `answer` is the only door."""

from __future__ import annotations

from bot.commands.door import answer, read_line
from bot.commands.offering import is_offer, payload_for
from bot.commands.registry import COMMANDS, Command, Desk, Who, command_named

__all__ = ["COMMANDS", "Command", "Desk", "Who", "answer", "command_named", "is_offer", "payload_for", "read_line"]
