"""`/turbine.stream?cluster=NAME`: listens to every instance of a cluster while somebody asks.

Whom to listen to is asked of discovery again and again, so that instances may come and go. One
that says nothing for SILENT_S is left out of the sum until it speaks again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing

import aiohttp
import msgspec
from aiohttp import web

from demo_platform.http_message import HttpResponse, HttpStream
from demo_platform.hystrix.frames import Frame
from demo_platform.hystrix.stream import STREAM_PATH, Listeners
from demo_platform.hystrix.turbine import Cluster

TURBINE_PATH = "/turbine.stream"
LOOK_S = 1.0
SILENT_S = 2.0
WRITE_WITHIN_S = 5.0
DATA = b"data:"

Addresses = Mapping[str, str]
"""Of instances, by id: http://host:port."""


class Turbine:
    """The clusters that somebody listens to.

    find: the instances of a cluster that discovery knows; None when there is no such cluster.
    """

    def __init__(self, find: Callable[[str], Addresses | None]) -> None:
        self._find = find
        self._collectors: dict[str, _Collector] = {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer GET /turbine.stream."""
        name = request.query.get("cluster", "")
        if self._find(name) is None:
            text = f"no cluster {name!r}: ask for ?cluster= and the name of a service\n"
            return web.Response(status=404, text=text)
        collector = self._collectors.get(name)
        if collector is None:
            collector = self._collectors[name] = _Collector(lambda: self._find(name) or {})
        return await collector.serve(request)


class _Collector:
    """Hears all instances of a cluster for as long as anybody hears it."""

    def __init__(self, find: Callable[[], Addresses]) -> None:
        self._find = find
        self._cluster = Cluster()
        self._listeners = Listeners()
        self._listening = 0
        self._looking: asyncio.Task[None] | None = None

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        self._listening += 1
        try:
            return await _sent(request, self._listeners.listen(request.query, self._frames))
        finally:
            self._listening -= 1
            if not self._listening:
                self._looking.cancel()
                self._looking = None

    def _frames(self) -> Iterable[Frame]:
        return self._cluster.frames(wall_ms=int(time.time() * 1000))

    async def _look(self) -> None:
        """Keep one ear at each instance that discovery knows."""
        ears: dict[str, asyncio.Task[None]] = {}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=LOOK_S, sock_read=SILENT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            try:
                while True:
                    found = self._find()
                    for gone in ears.keys() - found.keys():
                        ears.pop(gone).cancel()
                    for instance_id, base in found.items():
                        if instance_id not in ears or ears[instance_id].done():
                            hearing = self._hear(session, instance_id, base)
                            ears[instance_id] = asyncio.create_task(hearing)
                    await asyncio.sleep(LOOK_S)
            finally:
                for ear in ears.values():
                    ear.cancel()
                await asyncio.gather(*ears.values(), return_exceptions=True)

    async def _hear(self, session: aiohttp.ClientSession, instance_id: str, base: str) -> None:
        """Note an instance's frames until it falls silent."""
        try:
            async with session.get(f"{base}{STREAM_PATH}") as response:
                if response.status != 200:
                    return
                async for line in response.content:
                    if line.startswith(DATA):
                        frame = msgspec.json.decode(line[len(DATA) :], type=Frame)
                        self._cluster.note(instance_id, frame)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError):
            return  # away, silent, or no stream of ours: tried again at the next look
        finally:
            self._cluster.forget(instance_id)


async def _sent(request: web.BaseRequest, answer: HttpResponse | HttpStream) -> web.StreamResponse:
    """An answer, sent by the general server that people's ways in have."""
    if isinstance(answer, HttpResponse):
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
    response = web.StreamResponse(headers=answer.headers)
    await response.prepare(request)
    try:
        async with aclosing(answer.chunks) as chunks:
            async for chunk in chunks:
                async with asyncio.timeout(WRITE_WITHIN_S):
                    await response.write(chunk)
    except (ConnectionError, TimeoutError):
        return response  # it went away, or has stopped reading
    return response
