"""The web room: a chat page with live alerts, a status page, and what tells machines that we are well."""

from __future__ import annotations

from handlers.web.room import Web

__all__ = ["Web"]
