"""One try by gRPC, and how it ended in the same few words as by HTTP.

A channel is one connection to one instance. It is given up after a call that nobody answered, as
HTTP's connections are: behind it may be a link that was cut, whose packets come again much later
than the instance does.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import grpc
from grpc import aio

from demo_platform.balancer import Peer
from demo_platform.service import CAUSE_HEADER
from demo_platform.topology import RPC_PORT_OFFSET
from demo_platform.tracing.tracer import KEPT_HEADER
from demo_platform.transport import CONNECT_TIMEOUT_S, Ending, Reply
from demo_platform.wires.contract import CONTRACTS

CHANNELS_MAX = 64
CLOSE_WITHIN_S = 2.0
_CONNECT_MS = int(CONNECT_TIMEOUT_S * 1000)
_OPTIONS = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.min_reconnect_backoff_ms", _CONNECT_MS),
    ("grpc.use_local_subchannel_pool", 1),
)
_HTTP_ONLY = "Content-Type"


class GrpcTransport:
    """The channels of one process. `post` does what transport.post does."""

    def __init__(self) -> None:
        self._channels: OrderedDict[str, aio.Channel] = OrderedDict()
        self._calls: dict[tuple[str, str], Any] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def post(
        self, peer: Peer, route: str, *, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> Reply:
        """Send a request and wait for its answer for `timeout_s` seconds."""
        target = f"ipv4:{peer.address}:{peer.port + RPC_PORT_OFFSET}"
        channel = self._channel(target)
        metadata = [(name, value) for name, value in headers.items() if name != _HTTP_ONLY]
        call = self._method(channel, target, peer.service, route)(
            body, timeout=timeout_s, metadata=metadata
        )
        try:
            answer = await call
            is_kept = KEPT_HEADER in await call.trailing_metadata()
            return Reply(Ending.ANSWERED, answer, "", 200, is_kept)
        except aio.AioRpcError as error:
            reply = _reply(error, is_connected=_is_connected(channel))
            if reply.ending in (Ending.TIMED_OUT, Ending.UNREACHABLE):
                self._give_up(target, channel)
            return reply

    async def close(self) -> None:
        """Close every channel."""
        for target, channel in list(self._channels.items()):
            self._give_up(target, channel, grace_s=0.0)
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _channel(self, target: str) -> aio.Channel:
        known = self._channels.get(target)
        if known is not None:
            return known
        channel = self._channels[target] = aio.insecure_channel(target, options=_OPTIONS)
        if len(self._channels) > CHANNELS_MAX:
            self._give_up(*next(iter(self._channels.items())))
        return channel

    def _method(self, channel: aio.Channel, target: str, service: str, route: str) -> Any:
        method = self._calls.get((target, route))
        if method is None:
            path = CONTRACTS[service].methods[route]
            method = self._calls[target, route] = channel.unary_unary(path)
        return method

    def _give_up(
        self, target: str, channel: aio.Channel, *, grace_s: float = CLOSE_WITHIN_S
    ) -> None:
        """Let calls under way end, and have the next one connect anew."""
        if target not in self._channels or self._channels[target] is not channel:
            return
        del self._channels[target]
        self._calls = {key: call for key, call in self._calls.items() if key[0] != target}
        closing = asyncio.get_running_loop().create_task(channel.close(grace_s))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def _is_connected(channel: aio.Channel) -> bool:
    return channel.get_state() is grpc.ChannelConnectivity.READY


def _reply(error: aio.AioRpcError, *, is_connected: bool) -> Reply:
    trailing = dict(error.trailing_metadata() or ())
    cause = str(trailing.get(CAUSE_HEADER, ""))
    is_kept = KEPT_HEADER in trailing
    match error.code():
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return Reply(Ending.SHED, b"", cause, 503, is_kept)
        case grpc.StatusCode.UNAVAILABLE:
            return Reply(Ending.UNREACHABLE)
        case grpc.StatusCode.DEADLINE_EXCEEDED | grpc.StatusCode.CANCELLED if not cause:
            return Reply(Ending.TIMED_OUT if is_connected else Ending.UNREACHABLE)
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return Reply(Ending.FAILED, b"", cause, 504, is_kept)
    return Reply(Ending.FAILED, b"", cause, 502, is_kept)
