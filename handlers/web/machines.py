"""What machines ask of the pages beside `/livez` and `/readyz`: how everything is, and figures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web


def machine_routes(
    health: Callable[[], Awaitable[Mapping[str, object]]],
    metrics: Callable[[], Awaitable[bytes]] | None,
    metrics_type: str,
) -> tuple[web.RouteDef, ...]:
    """Serve `/healthz` as JSON, and `/metrics` where figures are kept, of the given content type."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response(await health())

    async def figures(_request: web.Request) -> web.Response:
        assert metrics is not None
        return web.Response(body=await metrics(), headers={"Content-Type": metrics_type})

    routes = (web.get("/healthz", healthz),)
    return routes if metrics is None else (*routes, web.get("/metrics", figures))
