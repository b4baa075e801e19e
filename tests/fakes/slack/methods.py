"""The Web API side: tokens, scopes, rates, channels, blocks; one-shot faults; the addresses that answers go to."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from tests.fakes.slack import checks
from tests.fakes.slack.faults import Fault, act
from tests.fakes.slack.oauth import OAuth, OAuthRefusal
from tests.fakes.slack.sockets import Envelope, Sockets
from tests.fakes.slack.world import BOT_ID, SCOPES, Posted, World

WORKSPACE_MINUTE = 300  # "several hundred messages per minute": docs.slack.dev/reference/methods/chat.postMessage
RESPONSES_MOST = 5  # uses of one response_url, within 30 minutes

_POST_ARGUMENTS = {
    "channel", "text", "blocks", "thread_ts", "reply_broadcast", "unfurl_links", "unfurl_media",
    "link_names", "parse", "mrkdwn", "metadata",
}  # fmt: skip
_WANTED = {"unfurl_links": False, "unfurl_media": False, "link_names": False, "parse": "none"}
_Json = dict[str, Any]
_REFRESHED = web.RequestKey("refreshed", str)


class Refusal(Exception):
    """An answer with `ok: false`. `wrong` says what the client did that no good client does."""

    def __init__(self, code: str, wrong: str = "", *, status: int = 200, retry_after: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.wrong = wrong
        self.status = status
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}


class WebApi:
    """The methods the bot uses. `now` gives seconds for the rate windows; `window` is Slack's one second."""

    def __init__(
        self, world: World, sockets: Sockets, oauth: OAuth, *, now: Callable[[], float], window: float
    ) -> None:
        self._world = world
        self._oauth = oauth
        self._sockets = sockets
        self._now = now
        self._window = window
        self._posted_at: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._uses: Counter[str] = Counter()
        self._serial = 0
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.calls: Counter[str] = Counter()
        self.envelopes: dict[str, Envelope] = {}
        self.over = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/{method}", self._call),
            web.get("/api/{method}", self._call),
            web.get("/link", self._sockets.serve),
            web.post("/respond/{envelope}", self._respond),
        ]

    # --- one call -------------------------------------------------------------------------------------------------

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        self.calls[method] += 1
        fault = self.faults[method].popleft() if self.faults[method] else None
        if fault is not None and not fault.accept:
            return await act(fault, request, self.over)
        try:
            answer = {"ok": True} | await self._carry_out(method, request)
        except Refusal as refusal:
            if refusal.wrong:
                self._world.violations.append(f"{method}: {refusal.wrong}")
            return web.json_response(
                {"ok": False, "error": refusal.code}, status=refusal.status, headers=refusal.headers
            )
        if fault is not None:
            return await act(fault, request, self.over)
        self._oauth.delivered |= {request.get(_REFRESHED, "")} - {""}
        return web.json_response(answer)

    async def _carry_out(self, method: str, request: web.Request) -> _Json:
        arguments = await self._arguments(request)
        if method == "api.test":
            return {"args": arguments}
        if method == "oauth.v2.access":
            return await self._exchange(request, arguments)
        kind = "xapp-" if method == "apps.connections.open" else "xoxb-"
        token = request.headers.get("Authorization", "").removeprefix("Bearer").strip()
        if refusal := self._world.refusal_of(token, kind, self._now()):
            raise Refusal(refusal)
        if SCOPES.get(method, "") not in {"", *self._world.granted}:
            raise Refusal("missing_scope")
        team = self._world.teams.get(token, "")
        match method:
            case "auth.test":
                return self._identity(team)
            case "apps.connections.open":
                return {"url": f"ws://{request.host}/link?ticket={self._sockets.ticket()}&app_id=A0APP"}
            case "users.info":
                return {"user": self._user(arguments)}
            case "chat.postMessage":
                return self._post(token, team, arguments)
            case _:
                raise Refusal("unknown_method", "no such method")

    async def _exchange(self, request: web.Request, arguments: _Json) -> _Json:
        """Hand out tokens; secrets belong into the Authorization header, and one exchange of a token at a time."""
        if "client_secret" in arguments or "client_secret" in request.query_string:
            self._world.violations.append("oauth.v2.access: the client secret outside the Authorization header")
        said = request.headers.get("Authorization", "")
        login, _, password = b64decode(said.removeprefix("Basic ")).decode().partition(":")
        used = str(arguments.get("refresh_token", ""))
        if used and used in self._oauth.under_way:
            self._world.violations.append("oauth.v2.access: a refresh token used twice at once")
        request[_REFRESHED] = used
        self._oauth.under_way.add(used)
        try:
            await asyncio.sleep(0.01)  # time for a careless client to ask again
            return self._oauth.exchange(arguments, login, password)
        except OAuthRefusal as refusal:
            raise Refusal(str(refusal)) from None
        finally:
            self._oauth.under_way.discard(used)

    async def _arguments(self, request: web.Request) -> _Json:
        """Read a JSON or form body, or the address; a token belongs into neither."""
        arguments: _Json = dict(request.query)
        if request.content_type == "application/json":
            arguments |= await request.json()
        elif request.can_read_body:
            arguments |= dict(await request.post())
        if "token" in arguments:
            raise Refusal("invalid_auth", "a token outside the Authorization header")
        return arguments

    def _identity(self, team: str) -> _Json:
        return {
            "url": "https://home.slack.example/",
            "team": "Home",
            "team_id": team,
            "user": "policybell",
            "user_id": self._world.bot_user_of(team),
            "bot_id": BOT_ID,
            "is_enterprise_install": False,
        }

    def _user(self, arguments: _Json) -> _Json:
        user = self._world.users.get(arguments.get("user", ""))
        if user is None:
            raise Refusal("user_not_found")
        return user

    # --- posting --------------------------------------------------------------------------------------------------

    def _post(self, token: str, team: str, arguments: _Json) -> _Json:
        channel_id = str(arguments.get("channel", ""))
        channel = self._world.channels.get(channel_id)
        if channel is None or channel.team != team:
            raise Refusal("channel_not_found")
        if refusal := channel.refusal():
            raise Refusal(refusal)
        self._check_message(arguments)
        if unknown := set(arguments) - _POST_ARGUMENTS:
            raise Refusal("invalid_arguments", f"unknown arguments {sorted(unknown)}")
        for flag, wanted in _WANTED.items():
            if arguments.get(flag) != wanted:
                self._world.violations.append(f"chat.postMessage: {flag} is {arguments.get(flag)!r}")
        self._keep_rate(team, channel_id)
        self._world.used.append(token)
        return self._accept(channel_id, arguments)

    def _check_message(self, arguments: Mapping[str, Any]) -> None:
        text, blocks = arguments.get("text"), arguments.get("blocks")
        if not text:
            if not blocks:
                raise Refusal("no_text", "neither text nor blocks")
            self._world.violations.append("blocks without text beside them")
        if text and len(text) > checks.TEXT_MOST:
            raise Refusal("msg_too_long", f"text of {len(text)} characters")
        if text and len(text) > checks.TEXT_BEST:
            self._world.violations.append(f"text of {len(text)} characters, best under {checks.TEXT_BEST}")
        if blocks is not None and (refused := checks.refused_blocks(blocks)):
            raise Refusal(refused[0], f"{refused[1]} in {json.dumps(blocks)[:300]}")
        self._world.violations.extend(checks.unmeant(str(text or ""), self._world.actors))
        self._world.violations.extend(checks.unmeant_in_blocks(blocks, self._world.actors))

    def _keep_rate(self, team: str, channel: str) -> None:
        """Hold the limits over any window: one a second for a channel, some hundred a minute for the workspace."""
        now = self._now()
        for key, count, window in ((channel, 1, self._window), ("", WORKSPACE_MINUTE, 60 * self._window)):
            recent = self._posted_at[team, key]
            while recent and recent[0] <= now - window:
                recent.popleft()
            if len(recent) >= count:
                where = f"a channel ({now - recent[-1]:.3f} s apart)" if key else "the workspace"
                raise Refusal("ratelimited", f"too fast for {where}", status=429, retry_after=1)
        for key in (channel, ""):
            self._posted_at[team, key].append(now)

    def _accept(self, channel: str, arguments: _Json) -> _Json:
        self._serial += 1
        ts = f"{1_790_000_000 + self._serial}.{self._serial:06}"
        blocks = tuple(arguments.get("blocks") or ())
        posted = Posted(channel, str(arguments.get("text", "")), blocks, ts, self._now(), arguments)
        self._world.accepted.append(posted)
        return {"channel": channel, "ts": ts, "message": {"type": "message", "ts": ts, "text": posted.text}}

    # --- answers to people ----------------------------------------------------------------------------------------

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        key = request.match_info["envelope"]
        envelope = self.envelopes.get(key)
        self.calls["response_url"] += 1
        self._uses[key] += 1
        fault = self.faults["response_url"].popleft() if self.faults["response_url"] else None
        if fault is not None:
            return await act(fault, request, self.over)
        if envelope is None or self._uses[key] > RESPONSES_MOST:
            self._world.violations.append("response_url used too often or unknown")
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        said = await request.json()
        try:
            self._check_message(said)
        except Refusal as refusal:
            self._world.violations.append(f"response_url: {refusal.wrong}")
            return web.json_response({"ok": False, "error": refusal.code}, status=400)
        if said.get("response_type") != "ephemeral" or said.get("replace_original") is not False:
            self._world.violations.append("an answer that others see, or that replaces a message")
        envelope.answers.append(said)
        envelope.changed.set()
        return web.Response(text="ok")
