"""Slack for tests, on loopback: Web API, Socket Mode and signed requests, strict.

It refuses what Slack refuses, notes what it accepted before it answers, and keeps a list of `violations`: what Slack
might let pass today and no good client does. `async with FakeSlack() as slack:` fails the test where there are any.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Self

from aiohttp import web

from tests.fakes.slack.faults import Answer, Cut, Fault, Hang
from tests.fakes.slack.methods import WebApi
from tests.fakes.slack.oauth import OAuth
from tests.fakes.slack.requests import SIGNING_SECRET, Requests
from tests.fakes.slack.sockets import Envelope, Sockets
from tests.fakes.slack.world import APP_TOKEN, BOT_TOKEN, BOT_USER, TEAM, Channel, Posted, World, buttons, person

__all__ = ["APP_TOKEN", "BOT_TOKEN", "BOT_USER", "TEAM", "Answer", "Cut", "Envelope", "FakeSlack", "Hang", "Posted"]

SUBSCRIBED = frozenset({"member_joined_channel", "app_uninstalled", "tokens_revoked"})


class FakeSlack:
    """One workspace with a channel C0NEWS that the bot is in, and a full member U0ANA.

    `now` gives seconds for rate windows (a fake clock can drive them), `window` is Slack's one second, `ack_within`
    its three. `subscribed` are the events the app's manifest asks for: others never reach it.
    """

    bot_token = BOT_TOKEN
    app_token = APP_TOKEN

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.monotonic,
        window: float = 1.0,
        ack_within: float = 3.0,
        subscribed: Collection[str] = SUBSCRIBED,
    ) -> None:
        self.world = World()
        self.sockets = Sockets(self.world, ack_within=ack_within)
        self.oauth = OAuth(self.world, now=now)
        self._web = WebApi(self.world, self.sockets, self.oauth, now=now, window=window)
        self._now = now
        self._ack_within = ack_within
        self._requests: Requests | None = None
        self._subscribed = frozenset(subscribed)
        self._serial = 0
        self.api_url = ""
        self.add_channel("C0NEWS")
        self.add_user("U0ANA")

    # --- life -----------------------------------------------------------------------------------------------------

    @property
    def environ(self) -> dict[str, str]:
        """The variables by which a bot finds this server and may use it."""
        return {
            "POLICYBELL_SLACK__BOT_TOKEN": self.bot_token,
            "POLICYBELL_SLACK__APP_TOKEN": self.app_token,
            "POLICYBELL_SLACK__API_URL": self.api_url,
        }

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, failed: object, *_: object) -> None:
        await self.stop()
        if failed is None:
            assert self.violations == [], self.violations

    async def start(self, port: int = 0) -> None:
        app = web.Application()
        app.add_routes(self._web.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.api_url = f"http://127.0.0.1:{self._port}/api/"

    async def stop(self) -> None:
        self._web.over.set()
        await self.sockets.close()
        await self._runner.cleanup()

    async def restart(self) -> None:
        """Come back on the same port, as after an outage."""
        self._web.over.clear()
        await self.start(self._port)

    def send_to(self, url: str) -> Requests:
        """Send signed requests to this address from now on, instead of envelopes over sockets."""
        self._requests = Requests(self.world, url, secret=SIGNING_SECRET, now=self._now, ack_within=self._ack_within)
        return self._requests

    # --- what was seen --------------------------------------------------------------------------------------------

    @property
    def accepted(self) -> list[Posted]:
        return self.world.accepted

    @property
    def violations(self) -> list[str]:
        return [*self.world.violations, *self.sockets.unacknowledged()]

    @property
    def calls(self) -> Mapping[str, int]:
        """How often each method was called, whatever came of it."""
        return self._web.calls

    async def until_accepted(self, count: int, seconds: float = 20.0) -> list[Posted]:
        """Wait until so many messages were accepted in all."""
        async with asyncio.timeout(seconds):
            while len(self.accepted) < count:
                await asyncio.sleep(0.005)
        return self.accepted

    # --- the workspace --------------------------------------------------------------------------------------------

    def add_channel(self, channel: str, *, member: bool = True, team: str = TEAM) -> None:
        self.world.channels[channel] = Channel(channel, member=member, team=team)

    def archive(self, channel: str) -> None:
        self.world.channels[channel].archived = True

    def restrict(self, channel: str, error: str = "restricted_action") -> None:
        self.world.channels[channel].trouble = error

    def kick(self, channel: str) -> None:
        self.world.channels[channel].member = False

    async def invite(self, channel: str) -> Envelope | None:
        """Take the bot into a channel; Slack tells it."""
        there = self.world.channels[channel]
        there.member = True
        user = self.world.bot_user_of(there.team)
        return await self.event("member_joined_channel", there.team, user=user, channel=channel, channel_type="C")

    def add_user(
        self,
        user: str,
        *,
        guest: bool = False,
        single_channel_guest: bool = False,
        stranger: bool = False,
        team: str = TEAM,
        bot: bool = False,
        deactivated: bool = False,
        admin: bool = False,
        owner: bool = False,
        **fields: Any,
    ) -> str:
        """Add somebody; a full member unless said otherwise."""
        self.world.users[user] = person(
            user,
            team="T0FAR" if stranger else team,
            is_restricted=guest or single_channel_guest,
            is_ultra_restricted=single_channel_guest,
            is_bot=bot,
            deleted=deactivated,
            is_admin=admin,
            is_owner=owner,
            **({"is_stranger": True} if stranger else {}),
            **fields,
        )
        return user

    def remove_user(self, user: str) -> None:
        del self.world.users[user]

    def revoke(self, error: str = "token_revoked", *, token: str = BOT_TOKEN) -> None:
        """Make a token worthless from now on."""
        self.world.tokens[token] = error

    async def uninstall(self, team: str, *order: str, word: str = "account_inactive") -> None:
        """Remove the app from a workspace; Slack tells it in this order."""
        self.end_app(team, word)
        for kind in order or ("app_uninstalled", "tokens_revoked"):
            await self.tell_end(kind, team)

    def end_app(self, team: str, word: str = "account_inactive") -> None:
        """Remove the app from a workspace, and tell nobody yet."""
        for token, owner in self.world.teams.items():
            if owner == team:
                self.world.tokens[token] = word
                self.world.expires.pop(token, None)
        self.oauth.end(team)

    async def tell_end(self, kind: str, team: str) -> None:
        what = {"tokens": {"oauth": [], "bot": [self.world.bot_user_of(team)]}} if kind == "tokens_revoked" else {}
        await self.event(kind, team, **what)

    def renew(self) -> None:
        """Make all tokens good again."""
        self.world.tokens = dict.fromkeys(self.world.tokens, "")

    # --- faults ---------------------------------------------------------------------------------------------------

    def fail_next(self, method: str, fault: Fault | str, **more: Any) -> None:
        """Let the next call of a method fail: with a fault, or with `ok: false` and this error."""
        if isinstance(fault, str):
            fault = Answer(json.dumps({"ok": False, "error": fault}), **more)
        self._web.faults[method].append(fault)

    def flood(self, retry_after: str = "30", method: str = "chat.postMessage") -> None:
        self.fail_next(method, "ratelimited", status=429, headers={"Retry-After": retry_after})

    def drop_before_accept(self, method: str = "chat.postMessage") -> None:
        self.fail_next(method, Cut())

    def drop_after_accept(self, method: str = "chat.postMessage") -> None:
        self.fail_next(method, Cut(accept=True))

    def hang(self, method: str = "chat.postMessage", *, accept: bool = False) -> None:
        self.fail_next(method, Hang(accept=accept))

    def garbage(
        self, method: str = "chat.postMessage", body: str = "<html>oops", content_type: str = "text/html"
    ) -> None:
        self.fail_next(method, Answer(body, content_type=content_type, accept=True))

    # --- people do things -----------------------------------------------------------------------------------------

    async def slash(
        self, channel: str, user: str, text: str, *, command: str = "/policybell", team: str = TEAM
    ) -> Envelope:
        """Type a slash command and wait until the app acknowledged it."""
        return await self._tell(self.command(channel, user, text, command=command, team=team))

    def command(
        self, channel: str, user: str, text: str, *, command: str = "/policybell", team: str = TEAM
    ) -> Envelope:
        """Make what typing a slash command would send, and send nothing."""
        return self._envelope("slash_commands", self._slash(channel, user, text, command, team), actor=user)

    async def press(
        self, channel: str, user: str, action: Mapping[str, Any], *, on: str = "", team: str = TEAM
    ) -> Envelope:
        """Press a button, given as it stands in the blocks; `on` is the message's ts, else it was an ephemeral one."""
        container = {"type": "message", "message_ts": on or "1.1", "channel_id": channel, "is_ephemeral": not on}
        payload = {
            "type": "block_actions",
            "api_app_id": "A0APP",
            "team": {"id": team, "domain": "home"},
            "user": {"id": user, "name": user.lower(), "team_id": team},
            "channel": {"id": channel, "name": "news"},
            "container": container,
            "actions": [{"action_ts": "1.1", "block_id": "b", **action}],
        }
        return await self._tell(self._envelope("interactive", payload, actor=user))

    async def press_label(self, channel: str, user: str, label: str, blocks: object, *, on: str = "") -> Envelope:
        """Press the button with this label in these blocks."""
        action = next(button for button in buttons(blocks) if button["text"]["text"] == label)
        return await self.press(channel, user, action, on=on)

    async def event(self, kind: str, in_team: str = TEAM, *, happened_in: str = "", **event: Any) -> Envelope | None:
        """Let something happen; the app hears of it only where it subscribed.

        `in_team` is the workspace whose installation hears of it; in a shared channel it may have happened in another.
        """
        if kind not in self._subscribed:
            return None
        payload = {
            "type": "event_callback",
            "team_id": happened_in or in_team,
            "api_app_id": "A0APP",
            "event_id": f"Ev{self._next()}",
            "event_time": 1_790_000_000,
            "authorizations": [{"team_id": in_team, "user_id": self.world.bot_user_of(in_team), "is_bot": True}],
            "event": {"type": kind, "event_ts": "1.1", **event},
        }
        return await self._tell(self._envelope("events_api", payload))

    async def mention(self, channel: str, user: str, text: str) -> Envelope | None:
        return await self.event("app_mention", channel=channel, user=user, text=f"<@{BOT_USER}> {text}", ts="1.1")

    async def repeat(self, envelope: Envelope, *, attempt: int, new_id: bool = False) -> Envelope:
        """Tell something again, as Slack does when it believes that the app did not hear."""
        if new_id:
            again = Envelope(self._next(), envelope.kind, envelope.payload, envelope.answers, changed=envelope.changed)
            await self._carrier.tell(again, attempt=attempt)
            return await again.acked()
        acks = envelope.acks
        await self._carrier.tell(envelope, attempt=attempt)
        return await envelope.acked(acks + 1)

    async def disconnect(self, reason: str = "warning") -> None:
        await self.sockets.warn(reason)

    def cut_sockets(self) -> None:
        self.sockets.cut()

    @property
    def _carrier(self) -> Requests | Sockets:
        return self._requests or self.sockets

    async def _tell(self, envelope: Envelope) -> Envelope:
        await self._carrier.tell(envelope)
        return await envelope.acked()

    def _envelope(self, kind: str, payload: dict[str, Any], *, actor: str = "") -> Envelope:
        key = self._next()
        if actor:
            self.world.actors.add(actor)
            payload["response_url"] = self.api_url.removesuffix("api/") + f"respond/{key}"
            payload["trigger_id"] = f"trigger.{key}"
        envelope = self._web.envelopes[key] = Envelope(key, kind, payload)
        return envelope

    def _slash(self, channel: str, user: str, text: str, command: str, team: str) -> dict[str, Any]:
        return {
            "command": command,
            "text": text,
            "channel_id": channel,
            "channel_name": "directmessage" if channel.startswith("D") else "news",
            "user_id": user,
            "user_name": user.lower(),
            "team_id": team,
            "team_domain": "home",
            "api_app_id": "A0APP",
            "is_enterprise_install": "false",
        }

    def _next(self) -> str:
        self._serial += 1
        return f"{self._serial:08x}"
