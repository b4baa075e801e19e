"""Who may talk to the pages: browsers that were sent here by nobody else.

The pages need no password on loopback, so the browser's own word is what protects them: `Host` must be a name of
this machine (a foreign name that points here is DNS rebinding), `Origin` must be this very address, and a form must
have come from our own page. Ports are not compared with ours, so that an `ssh -L` tunnel works.

Where a platform calls us, a proxy stands before this very port, and one that writes a `Host` of its own makes strangers
look like this machine. So nothing is answered that shows a proxy on its way. This notices the usual ones and cannot
notice all: the proxy must pass on `Host`.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler, Middleware

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PROXIED = ("forwarded", "via", "x-forwarded-", "x-real-ip")  # beginnings of what proxies add


def refuse_strangers(public: Collection[str]) -> Middleware:
    """Let through what a browser on this machine asks of its own will, and whatever asks for the paths in `public`."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        is_public = resource is not None and resource.canonical in public
        if not is_public and (why := _stranger(request)):
            return web.Response(status=403, text=f"{why}\n")
        return await handler(request)

    return guard


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Say to every answer's reader: run nothing but ours, tell nobody, keep nothing."""
    response.headers.update(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.pop("Server", None)


def _stranger(request: web.Request) -> str:
    """Say why a request is refused, or nothing."""
    if _came_by_proxy(request):
        return "This page is for its own machine, and this request came through a proxy."
    if _hostname(f"//{request.headers.get('Host', '')}") not in _LOOPBACK:
        return "This page answers only to names of its own machine, such as 127.0.0.1."
    origin = request.headers.get("Origin")
    if origin in {None, "null"}:  # a form under `Referrer-Policy: no-referrer` says "null"
        ours = request.method in {"GET", "HEAD"} or request.headers.get("Sec-Fetch-Site") == "same-origin"
    else:
        ours = origin in {f"http://{request.headers['Host']}", f"https://{request.headers['Host']}"}
    return "" if ours else "Another page sent this request. Open this page itself and try again."


def _came_by_proxy(request: web.Request) -> bool:
    """Notice a proxy by what it adds, or by its HTTP/1.0: nginx speaks that to us by default, and no browser does."""
    return request.version < HttpVersion11 or any(name.lower().startswith(_PROXIED) for name in request.headers)


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
