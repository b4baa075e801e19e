"""What people in Slack say to the bot: one slash command, buttons, and being taken into a channel.

Everything is acknowledged first (Slack waits three seconds) and answered then, to the asker alone. A change is told
to the whole channel, with who made it. A button is a canned line: it may do what typing may do, checked when pressed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.async_app import AsyncAck
from slack_bolt.authorization import AuthorizeResult

from bot.commands import Who, command_named, read_line
from bot.core.model import Chat
from bot.core.pace import Pace
from bot.core.speech import Call, Mark, Reply, Span
from bot.errors import ChatGone, SendError, TokenError
from bot.ports import Clock, Door
from bot.turn import turn
from handlers.slack.client import Client, Identity, library_logger
from handlers.slack.members import Members
from handlers.slack.render import announcement, pages, posted

log = structlog.get_logger()

_TO_ASKER = {"response_type": "ephemeral", "replace_original": False}
_Json = Mapping[str, Any]  # what Slack sends; looked at with care


@dataclass(frozen=True, slots=True)
class Said:
    """One line from one person: typed, or behind a button."""

    line: str
    actor: str
    chat: Chat
    response_url: str


@dataclass(frozen=True, slots=True)
class Inbound:
    """Turns what Slack tells into calls through the door. `doubt` is called where our tokens may be worthless."""

    client: Client
    door: Door
    members: Members
    me: Identity
    command: str
    pace: Pace
    clock: Clock
    doubt: Callable[[], None]

    def app(self) -> AsyncApp:
        """Build the library's application, which sorts what comes in. It gets no token and makes no call."""
        me = self.me

        async def authorize() -> AuthorizeResult:
            return AuthorizeResult(enterprise_id=None, team_id=me.team, bot_user_id=me.bot_user)

        app = AsyncApp(
            name="policybell",
            client=self.client.anonymous,
            authorize=authorize,
            signing_secret="",
            logger=library_logger(),
        )
        app.command(self.command)(self.typed)
        app.action(re.compile(r"^line:\d+$"))(self.pressed)
        app.action("open")(self.opened)
        app.event("member_joined_channel")(self.joined)
        app.event("app_uninstalled")(self.turned_out)
        app.event("tokens_revoked")(self.turned_out)
        app.error(self.broke)
        return app

    # --- what Slack tells -----------------------------------------------------------------------------------------

    async def typed(self, ack: AsyncAck, command: _Json) -> None:
        """Answer `/policybell …`; alone it asks how things are."""
        await ack()
        chat = _chat(command["channel_id"])
        await self._answer(Said(command.get("text", ""), command["user_id"], chat, command["response_url"]))

    async def pressed(self, ack: AsyncAck, body: _Json, action: _Json) -> None:
        """Answer a press as if its line had been typed by whoever pressed, where they pressed."""
        await ack()
        chat = _chat(body["channel"]["id"])
        await self._answer(Said(action.get("value", ""), body["user"]["id"], chat, body["response_url"]))

    async def opened(self, ack: AsyncAck) -> None:
        """Say that a press on a link was heard; the link opens by itself."""
        await ack()

    async def joined(self, event: _Json) -> None:
        """Say hello in a channel that the bot was taken into; alerts go on where the channel had some before."""
        if event.get("user") != self.me.bot_user:
            return
        chat = _chat(event["channel"])
        inviter = event.get("inviter")
        may_change = isinstance(inviter, str) and await self.members.may_change(inviter)
        reply = await self.door.answer(Call("start", (), chat, may_change=may_change))
        for page in pages(reply):
            await self._post(chat, posted(page))

    async def turned_out(self) -> None:
        """Look again whether our tokens are good: the app was removed, or one of its tokens was revoked."""
        self.doubt()

    async def broke(self, error: Exception, body: _Json) -> None:
        """Say that there is a bug here, under a reference that the log knows."""
        ref = sha256(str(body.get("trigger_id") or body.get("event_id")).encode()).hexdigest()[:4].upper()
        log.error("slack.broke", ref=ref, exc_info=error)
        if url := body.get("response_url"):
            apology = Reply((Span(f"Something went wrong (ref {ref}). It has been logged."),), ok=False)
            await self._tell_asker(url, apology)

    # --- what the bot says ----------------------------------------------------------------------------------------

    async def _answer(self, said: Said) -> None:
        verb, args = read_line(said.line)
        verb = verb or "status"
        command = command_named(verb)
        may_change = await self.members.may_change(said.actor)
        reply = await self.door.answer(Call(verb, args, said.chat, may_change=may_change))
        log.info("slack.answered", verb=command.name if command else "unknown", ok=reply.ok)
        await self._tell_asker(said.response_url, reply)
        line = " ".join((verb, *args))
        if command is not None and command.who is Who.CHANGERS and reply.ok and not _only_asked(line, reply):
            await self._announce(said, line)

    async def _tell_asker(self, response_url: str, reply: Reply) -> None:
        for page in pages(reply):
            if not await self.client.respond(response_url, _TO_ASKER | page):
                return

    async def _announce(self, said: Said, line: str) -> None:
        """Tell the channel who changed what. It is also the proof that alerts can be posted there."""
        refusal = await self._post(said.chat, announcement(said.actor, f"{self.command} {line}"))
        if isinstance(refusal, ChatGone):
            invite = Span(f"/invite @{self.me.bot_name}", Mark.CODE)
            warning = Span("I cannot write in this channel yet, so no alert would arrive. Type ")
            await self._tell_asker(said.response_url, Reply((warning, invite, Span("."))))

    async def _post(self, chat: Chat, message: dict[str, object]) -> SendError | TokenError | None:
        """Post once, in turn with alerts; what goes wrong is noted and returned."""
        try:
            async with turn(self.pace, chat, self.clock):
                await self.client.post(chat, message)
        except (SendError, TokenError) as error:
            log.warning("slack.post_failed", error=str(error))
            return error
        return None


def _only_asked(line: str, reply: Reply) -> bool:
    """Say whether an answer only asks to confirm: it offers the same line with `yes` behind it."""
    return any(choice.line == f"{line} yes" for choice in reply.choices)


def _chat(channel: str) -> Chat:
    return Chat("slack", "", channel)
