"""A way in for browsers: a world's Turbine streams and its spans on a loopback port of the host.

The world's network is its own, and its control API is a unix socket that can do more than tell.
This serves the paths that dashboards read and to which spans are sent, and nothing else.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
from aiohttp import web

from demo_platform.errors import DemoError
from demo_platform.hystrix.turbine_stream import TURBINE_PATH
from demo_platform.tracing.collector import PREFIX as SPANS_PREFIX

HOST = "127.0.0.1"


async def serve_streams(control: Path, port: int) -> None:
    """Serve until SIGINT or SIGTERM. Raises DemoError when there is no world, or no port."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    connector = aiohttp.UnixConnector(str(control))
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=2.0, sock_read=5.0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        await _check_world(session, control)
        app = web.Application()
        relay = _Relay(session)
        app.router.add_get(TURBINE_PATH, relay.handle)
        app.router.add_get(f"{SPANS_PREFIX}/{{tail:.*}}", relay.handle)
        app.router.add_post(f"{SPANS_PREFIX}/spans", relay.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, port).start()
            sys.stdout.write(f"http://{HOST}:{port}{TURBINE_PATH}?cluster=api\n")
            sys.stdout.flush()
            await stop.wait()
        except OSError as error:
            raise DemoError(
                f"cannot listen on {HOST}:{port}: {os.strerror(error.errno or 0)}",
                where="streams",
                fix="choose another --port",
            ) from error
        finally:
            await runner.cleanup()


async def _check_world(session: aiohttp.ClientSession, control: Path) -> None:
    try:
        async with session.get("http://world/v1/platform") as response:
            await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise DemoError(
            "no world answers there", where=str(control.parent), fix="start one: `up --dir …`"
        ) from error


class _Relay:
    """Passes requests and answers on, byte for byte."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        url = "http://world" + str(request.rel_url)
        try:
            asking = self._session.request(request.method, url, data=await request.read() or None)
            async with asking as answer:
                response = web.StreamResponse(
                    status=answer.status, headers={"Content-Type": answer.content_type}
                )
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return web.Response(status=502, text="the world does not answer\n")
        return response
