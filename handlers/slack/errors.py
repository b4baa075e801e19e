"""What Slack and its library say went wrong → what to do next (`bot.errors`).

Slack answers `ok: false` with HTTP 200, so the word in the body decides, and the status where there is none.
The words are those of the method page of chat.postMessage (docs.slack.dev/reference/methods/chat.postMessage) and
the errors common to all methods. Sentences name that word and nothing else of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.errors import BadMessage, ChatGone, MaybeSent, SendError, TokenError, TryLater, Unreachable

# Everything that a call through slack_sdk on aiohttp was seen to raise. The last three come from answers that are
# not what they claim to be: bytes that are no text, and JSON that is no object.
FAILURES = (SlackClientError, aiohttp.ClientError, OSError, ValueError, AttributeError, TypeError)

LONGEST_WAIT = timedelta(days=1)  # a Retry-After beyond it is taken for a slip

# The whole app is refused, whatever the chat: never blame chats for it.
_APP_REFUSED = frozenset(
    {
        "access_denied",
        "account_inactive",
        "accesslimited",
        "app_not_installed",
        "deprecated_endpoint",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "invalid_auth",
        "method_deprecated",
        "missing_scope",
        "not_allowed_token_type",
        "not_authed",
        "team_access_not_granted",
        "team_not_found",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
        "unknown_method",
    }
)

# This conversation cannot be written to. `no_permission` is Slack's word for "not a member of the conversation".
_CHAT_REFUSED = frozenset(
    {
        "cannot_dm_bot",
        "cannot_reply_to_message",
        "channel_not_found",
        "channel_type_not_supported",
        "is_archived",
        "is_inactive",
        "messages_tab_disabled",
        "no_permission",
        "not_in_channel",
        "thread_not_found",
        "user_disabled",
        "user_not_found",
        "user_not_in_channel",
    }
)

# Refused before anything was done, and not for good: rates, and workspaces on their way into an organization.
_NOT_NOW = frozenset(
    {
        "external_channel_migrating",
        "message_limit_exceeded",
        "org_login_required",
        "rate_limited",
        "ratelimited",
        "team_added_to_org",
    }
)

# "It's possible some aspect of the operation succeeded before the error was raised."
_MAYBE_DONE = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})


def meaning(error: Exception) -> SendError | TokenError:
    """Say what a failed call means. Only one of `FAILURES` may be asked about."""
    match error:
        case SlackApiError():
            return _refusal(error)
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError() | aiohttp.InvalidURL():
            return Unreachable("Slack could not be reached")
        case aiohttp.ClientError() | OSError():
            return MaybeSent("the connection to Slack was lost before it answered")
        case _:
            return MaybeSent("Slack's answer could not be read")


def unreadable() -> MaybeSent:
    """Say that an answer claims success without saying what was done."""
    return MaybeSent("Slack's answer could not be read")


def _refusal(error: SlackApiError) -> SendError | TokenError:
    # Where a body is no JSON, slack_sdk puts aiohttp's response in place of its own: other names for the same things.
    status = int(getattr(error.response, "status_code", 0) or getattr(error.response, "status", 0))
    data = getattr(error.response, "data", None)
    said = data.get("error") if isinstance(data, Mapping) else None
    word = said if isinstance(said, str) else ""
    if status == HTTPStatus.TOO_MANY_REQUESTS or word in _NOT_NOW:
        return TryLater(f"Slack says to wait ({word or status})", after=_wait(error.response.headers))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return MaybeSent(f"Slack had an error of its own (HTTP {status})")
    if word:
        return _for_word(word)
    if status >= HTTPStatus.BAD_REQUEST:
        return BadMessage(f"Slack refused the message (HTTP {status})")
    return unreadable()


def _for_word(word: str) -> SendError | TokenError:
    said = word if re.fullmatch(r"[a-z0-9_]{1,64}", word) else "an unknown word"
    if word == "missing_scope":
        sentence = "Slack misses a permission. Reinstall the app with `policybell slack manifest`."
        return TokenError(sentence, word=word)
    if word in _APP_REFUSED:
        return TokenError(f"Slack does not accept the app any more ({said}). Give it a new token.", word=word)
    if word in _CHAT_REFUSED or word.startswith("restricted_action"):
        return ChatGone(f"Slack does not let the bot write there ({said})")
    if word in _MAYBE_DONE:
        return MaybeSent(f"Slack had an error of its own ({said})")
    return BadMessage(f"Slack refused the message ({said})")


def _wait(headers: Mapping[str, str]) -> timedelta | None:
    """Read Retry-After: whole seconds; None where it says nothing sensible."""
    said = headers.get("Retry-After", "").strip()
    return min(timedelta(seconds=int(said[:9])), LONGEST_WAIT) if said.isdecimal() and said.isascii() else None
