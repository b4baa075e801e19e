"""Polling: what is due is fetched, read, decided and committed. The door is `poll_due`."""

from __future__ import annotations

from bot.poll.backfill import Backfill
from bot.poll.desk import POLL_SECONDS, LiveIndex, PollDesk, Polled
from bot.poll.gather import PAGES_AT_MOST
from bot.poll.rounds import poll_due, poll_one

__all__ = ["PAGES_AT_MOST", "POLL_SECONDS", "Backfill", "LiveIndex", "PollDesk", "Polled", "poll_due", "poll_one"]
