"""The web room: a chat page with live alerts, a status page, and what tells machines that we are well."""

from __future__ import annotations

from aiohttp.web import RouteDef

from handlers.web.room import Web

__all__ = ["RouteDef", "Web"]
