"""An instance that only answers and registers: enough for what is said of worlds."""

from __future__ import annotations

import asyncio
import contextlib
import time

import aiohttp
from aiohttp import web

from demo_platform.knobs import Knobs
from demo_platform.topology import InstanceSpec

LEASE_S = 3.0


def run_instance(spec: InstanceSpec, knobs: Knobs) -> None:
    """Serve until killed."""
    asyncio.run(_serve(spec))


async def _serve(spec: InstanceSpec) -> None:
    seen: dict[str, float] = {}

    async def apps(_request: web.Request) -> web.Response:
        now = time.monotonic()
        up = [{"instanceId": key, "status": "UP"} for key, at in seen.items() if now - at < LEASE_S]
        return web.json_response({"applications": {"application": [{"instance": up}]}})

    async def register(request: web.Request) -> web.Response:
        seen[await request.text()] = time.monotonic()
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/eureka/v2/apps", apps), web.post("/register", register)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, *spec.bound(spec.port)).start()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session:
        while True:
            is_registered = await _register(session, spec)
            await asyncio.sleep(1.0 if is_registered else 0.1)


async def _register(session: aiohttp.ClientSession, spec: InstanceSpec) -> bool:
    for _, address, port in spec.discovery:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            await session.post(f"http://{address}:{port}/register", data=spec.id)
            return True
    return False
