"""The gRPC side of a service, on a port of its own: its methods, health and reflection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import grpc
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from demo_platform.errors import DemoError
from demo_platform.resilience.deadline import DEADLINE_HEADER, header_for
from demo_platform.server import Answered, ServiceServer
from demo_platform.service import CAUSE_HEADER
from demo_platform.tracing.tracer import KEPT_HEADER
from demo_platform.wires.contract import CONTRACTS, BadBody, Contract

SHUTDOWN_S = 0.2
_OPTIONS = (("grpc.so_reuseport", 0),)
_STATUS = {
    502: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.RESOURCE_EXHAUSTED,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}

Handler = Callable[[bytes, Any], Awaitable[bytes]]


async def serve_grpc(
    server: ServiceServer, service: str, address: str, port: int, stack: AsyncExitStack
) -> None:
    """Listen until the stack is unwound; then say so to who asks for our health, and end."""
    contract = CONTRACTS[service]
    listening = aio.server(options=_OPTIONS)
    methods = {path: _method(server, contract, route) for route, path in contract.methods.items()}
    listening.add_generic_rpc_handlers((_Methods(methods),))
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, listening)
    names = (contract.full_name, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, listening)
    for name in ("", contract.full_name):
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    try:
        listening.add_insecure_port(f"{address}:{port}")
        await listening.start()
    except RuntimeError as error:
        raise DemoError(
            f"cannot listen on {address}:{port}: {error}",
            where=f"{service} (gRPC)",
            fix="stop what listens there: `ss -ltnp` shows it",
        ) from error

    async def stop() -> None:
        await servicer.enter_graceful_shutdown()
        await listening.stop(SHUTDOWN_S)

    stack.push_async_callback(stop)


class _Methods(grpc.GenericRpcHandler):  # type: ignore[misc]
    """The methods of one contract, by path."""

    def __init__(self, methods: dict[str, Any]) -> None:
        self._methods = methods

    def service(self, handler_call_details: Any) -> Any:
        """The method that was called, if it is one of ours."""
        return self._methods.get(handler_call_details.method)


def _method(server: ServiceServer, contract: Contract, route: str) -> Any:
    async def handle(data: bytes, context: Any) -> bytes:
        try:
            body = contract.decode_request(route, data)
        except BadBody as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        headers = dict(context.invocation_metadata() or ())
        left_s = context.time_remaining()
        if DEADLINE_HEADER not in headers and left_s is not None:
            headers[DEADLINE_HEADER] = header_for(left_s)
        answered = await server.answer(route, body, headers)
        _set_trailing(context, answered)
        if answered.status != 200:
            context.set_code(_STATUS.get(answered.status, grpc.StatusCode.INTERNAL))
            context.set_details(f"{answered.cause} failed")
            return b""
        return contract.encode_reply(route, answered.body)

    return grpc.unary_unary_rpc_method_handler(handle)


def _set_trailing(context: Any, answered: Answered) -> None:
    trailing = []
    if answered.is_kept:
        trailing.append((KEPT_HEADER, "1"))
    if answered.cause:
        trailing.append((CAUSE_HEADER, answered.cause))
    if trailing:
        context.set_trailing_metadata(tuple(trailing))
