"""What people in Slack say to the bot: one slash command, buttons, and being taken into a channel.

Everything is acknowledged first (Slack waits three seconds) and answered then, to the asker alone. A change is told
to the whole channel, with who made it. A button is a canned line: it may do what typing may do, checked when pressed.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.async_app import AsyncAck
from slack_bolt.authorization import AuthorizeResult

from bot.commands import Who, command_named, read_line
from bot.core.model import Chat
from bot.core.speech import Call, Mark, Reply, Span
from bot.errors import ChatGone, SendError, TokenError
from bot.ports import Door
from handlers.slack.client import Client, library_logger
from handlers.slack.members import Members
from handlers.slack.render import announcement, pages, posted
from handlers.slack.workspaces import Workspace, Workspaces

log = structlog.get_logger()

_TO_ASKER = {"response_type": "ephemeral", "replace_original": False}
_Json = Mapping[str, Any]  # what Slack sends; looked at with care


@dataclass(frozen=True, slots=True)
class Said:
    """One line from one person in one place: typed, or behind a button."""

    line: str
    actor: str
    workspace: Workspace
    channel: str
    response_url: str

    @property
    def chat(self) -> Chat:
        return self.workspace.chat(self.channel)

    @property
    def is_private(self) -> bool:
        """Whether nobody but two sees this place: the ids of such begin with D, and of groups and channels never."""
        return self.channel.startswith("D")


@dataclass(frozen=True, slots=True)
class Inbound:
    """Turns what Slack tells into calls through the door. `post` says something in a chat, in turn with alerts."""

    client: Client
    door: Door
    members: Members
    workspaces: Workspaces
    command: str
    post: Callable[[Chat, _Json], Awaitable[str]]

    def app(self) -> AsyncApp:
        """Build the library's application, which sorts what comes in. It gets no token and makes no call."""

        async def authorize() -> AuthorizeResult:
            # The library wants to know who it is; we look for ourselves, payload by payload.
            return AuthorizeResult(enterprise_id=None, team_id=None, bot_user_id=None)

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
        if workspace := await self._workspace(command):
            line, actor, channel = command.get("text", ""), command["user_id"], command["channel_id"]
            await self._answer(Said(line, actor, workspace, channel, command["response_url"]))

    async def pressed(self, ack: AsyncAck, body: _Json, action: _Json) -> None:
        """Answer a press as if its line had been typed by whoever pressed, where they pressed."""
        await ack()
        match {**body, "value": action.get("value")}:
            case {
                "user": {"id": str(actor)},
                "channel": {"id": str(channel)},
                "response_url": str(url),
                "value": str(line),
            }:
                if workspace := await self._workspace(body):
                    await self._answer(Said(line, actor, workspace, channel, url))
            case _:
                log.warning("slack.press_ignored")

    async def opened(self, ack: AsyncAck) -> None:
        """Say that a press on a link was heard; the link opens by itself."""
        await ack()

    async def joined(self, body: _Json, event: _Json) -> None:
        """Say hello in a channel that the bot was taken into; alerts go on where the channel had some before."""
        workspace = await self._workspace(body)
        if workspace is None or event.get("user") != workspace.bot_user:
            return
        channel, inviter = event["channel"], event.get("inviter")
        may_change = isinstance(inviter, str) and await self.members.may_change(workspace, inviter, channel)
        reply = await self.door.answer(Call("start", (), workspace.chat(channel), may_change=may_change))
        for page in pages(reply):
            await self._post(workspace.chat(channel), posted(page))

    async def turned_out(self, body: _Json) -> None:
        """Look again whether our tokens are good: the app was removed, or one of its tokens was revoked."""
        await self.workspaces.removed(_team(body))

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
        may_change = await self.members.may_change(said.workspace, said.actor, said.channel)
        reply = await self.door.answer(
            Call(verb, args, said.chat, may_change=may_change, actor=said.actor, in_private=said.is_private)
        )
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
            invite = Span(f"/invite @{said.workspace.bot_name}", Mark.CODE)
            warning = Span("I cannot write in this channel yet, so no alert would arrive. Type ")
            await self._tell_asker(said.response_url, Reply((warning, invite, Span("."))))

    async def _post(self, chat: Chat, message: _Json) -> SendError | TokenError | None:
        """Post once, in turn with alerts; what goes wrong is noted and returned."""
        try:
            await self.post(chat, message)
        except (SendError, TokenError) as error:
            log.warning("slack.post_failed", error=str(error))
            return error
        return None

    async def _workspace(self, body: _Json) -> Workspace | None:
        """Find the workspace that something comes from. Who is not served is heard and not answered."""
        workspace = await self.workspaces.heard_from(_team(body))
        if workspace is None:
            log.warning("slack.not_installed")
        return workspace


def _only_asked(line: str, reply: Reply) -> bool:
    """Say whether an answer only asks to confirm: it offers the same line with `yes` behind it."""
    return any(choice.line == f"{line} yes" for choice in reply.choices)


def _team(body: _Json) -> str:
    """Name the workspace whose installation Slack tells of: in shared channels that of the event is another one's."""
    match body:
        case {"authorizations": [{"team_id": str(team)}, *_]} | {"team": {"id": str(team)}} | {"team_id": str(team)}:
            return team
        case _:
            return ""
