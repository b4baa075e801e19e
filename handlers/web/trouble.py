"""What a page says when it cannot be made: one sentence, and under which reference the log knows more."""

from __future__ import annotations

import secrets

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.errors import BotError

log = structlog.get_logger()


@web.middleware
async def explain_trouble(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn an error into words. Hang-ups and aiohttp's own answers pass."""
    try:
        return await handler(request)
    except (web.HTTPException, ConnectionError):
        raise
    except BotError as error:
        return web.Response(status=503, text=f"That did not work: {error}\n")
    except Exception:
        ref = secrets.token_hex(2).upper()
        log.exception("page.broke", path=request.path, ref=ref)
        return web.Response(status=500, text=f"Something went wrong (ref {ref}). It has been logged.\n")
