"""The RSocket side of a service, on a port of its own.

Routes that are `one_way` are taken by fire-and-forget, those that are `streamed` by request/stream:
no more of a list is sent than the caller has asked for (request-n). All are answered to
request/response as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import msgspec
from rsocket.payload import Payload
from rsocket.request_handler import BaseRequestHandler
from rsocket.rsocket_server import RSocketServer
from rsocket.streams.stream_from_async_generator import StreamFromAsyncGenerator
from rsocket.transports.tcp import TransportTCP

from demo_platform.server import Answered, ServiceServer
from demo_platform.service import Service
from demo_platform.sockets import listening
from demo_platform.tracing.tracer import KEPT_HEADER
from demo_platform.wires.codec import JSON
from demo_platform.wires.contract import BadBody
from demo_platform.wires.rsocket_words import ROUTE, Failure, RequestFailed, headers_in

READ_BYTES = 16_384
CLOSE_WITHIN_S = 0.2
Elements = AsyncGenerator[tuple[Payload | None, bool], None]

_KEPT = msgspec.json.encode({KEPT_HEADER: "1"})


async def serve_rsocket(
    server: ServiceServer, service: Service, address: str, port: int, stack: AsyncExitStack
) -> None:
    """Listen until the stack is unwound."""
    connections: set[RSocketServer] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(
            RSocketServer(
                TransportTCP(reader, writer, READ_BYTES),
                handler_factory=lambda: _Handler(server, service, connections.discard),
            )
        )

    listener = await asyncio.start_server(connected, sock=listening(address, port))

    async def stop() -> None:
        listener.close()
        closing = [asyncio.create_task(one.close()) for one in connections]
        if closing:
            await asyncio.wait(closing, timeout=CLOSE_WITHIN_S)

    stack.push_async_callback(stop)


class _Handler(BaseRequestHandler):  # type: ignore[misc]
    """What one connection asks for. gone: told when it has ended."""

    def __init__(self, server: ServiceServer, service: Service, gone: Any) -> None:
        self._server = server
        self._service = service
        self._gone = gone
        self._running: set[asyncio.Task[Any]] = set()

    async def request_response(self, payload: Payload) -> asyncio.Task[Payload]:
        """A route's answer."""
        return self._run(self._respond(payload))

    async def request_fire_and_forget(self, payload: Payload) -> None:
        """Have a route take what nobody waits for an answer to; the server counts how it ended."""
        self._run(self._take(payload))

    async def request_stream(self, payload: Payload) -> StreamFromAsyncGenerator:
        """The list that a route answers with, as it is asked for."""
        return StreamFromAsyncGenerator(lambda: self._elements(payload))

    async def on_close(self, rsocket: Any, exception: Exception | None = None) -> None:
        """The connection has ended."""
        del exception
        self._gone(rsocket)

    async def on_error(self, error_code: Any, payload: Payload) -> None:
        """What the other side says of the connection changes nothing here."""

    def _run(self, running: Any) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(running)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _respond(self, payload: Payload) -> Payload:
        answered = await self._answered(payload)
        metadata = _KEPT if answered.is_kept else None
        return Payload(msgspec.json.encode(answered.body), metadata)

    async def _take(self, payload: Payload) -> None:
        headers = headers_in(payload.metadata)
        if headers.get(ROUTE) in self._service.one_way:
            try:
                body = JSON.decode_request(headers[ROUTE], payload.data)
            except BadBody:
                return  # there is nobody to tell
            await self._server.answer(headers[ROUTE], body, headers)

    async def _elements(
        self, payload: Payload
    ) -> AsyncGenerator[tuple[Payload | None, bool], None]:
        route = headers_in(payload.metadata).get(ROUTE, "")
        if route not in self._service.streamed:
            raise RequestFailed(Failure(404, self._service.name))
        elements = (await self._answered(payload)).body.get(route)
        for element in elements if isinstance(elements, list) else ():
            yield Payload(msgspec.json.encode(element)), False
        yield None, True

    async def _answered(self, payload: Payload) -> Answered:
        """What a route answers. Raises RequestFailed."""
        headers = headers_in(payload.metadata)
        route = headers.get(ROUTE, "")
        if route not in self._service.routes:
            raise RequestFailed(Failure(404, self._service.name))
        try:
            body = JSON.decode_request(route, payload.data or b"{}")
        except BadBody as error:
            raise RequestFailed(Failure(400, self._service.name)) from error
        answered = await self._server.answer(route, body, headers)
        if answered.status != 200:
            raise RequestFailed(Failure(answered.status, answered.cause, answered.is_kept))
        return answered
