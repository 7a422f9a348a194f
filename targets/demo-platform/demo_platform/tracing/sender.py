"""Sends a process' spans to the collector: in batches, as datagrams of a unix socket.

No fault of the network touches such a socket, and a collector that is away or behind costs the
spans of a batch, which are counted, and never a wait.
"""

from __future__ import annotations

import asyncio
import random
import socket
from contextlib import AsyncExitStack

from demo_platform.topology import InstanceSpec
from demo_platform.tracing.ring import ZONE_TAG
from demo_platform.tracing.span import Endpoint, ZipkinSpan, encode_span
from demo_platform.tracing.tracer import NO_TRACER, Tracer

FLUSH_S = 1.0
BATCH_BYTES_MAX = 32 * 1024


class SpanSender:
    """One process' way to the collector's socket; `dropped` counts spans that did not go."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._is_connected = False
        self._loop = asyncio.get_running_loop()
        self._spans: list[bytes] = []
        self._size_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self.dropped = 0

    def report(self, span: ZipkinSpan) -> None:
        """Send a span with the next batch, which leaves within FLUSH_S or when it is full."""
        encoded = encode_span(span)
        if self._size_bytes + len(encoded) > BATCH_BYTES_MAX:
            self.flush()
        self._spans.append(encoded)
        self._size_bytes += len(encoded) + 1
        if self._timer is None:
            self._timer = self._loop.call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Send what has been gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        spans, self._spans, self._size_bytes = self._spans, [], 0
        if not spans:
            return
        try:
            if not self._is_connected:
                self._socket.connect(self._path)
                self._is_connected = True
            self._socket.send(b"[" + b",".join(spans) + b"]")
        except OSError as error:
            # A full queue is a collector that is behind; anything else, one that is not there.
            self._is_connected = isinstance(error, BlockingIOError)
            self.dropped += len(spans)

    def close(self) -> None:
        """Send the rest, and be done."""
        self.flush()
        self._socket.close()


def tracer_of(spec: InstanceSpec, stack: AsyncExitStack) -> Tracer:
    """The tracer of an instance, which sends what it keeps until the stack is unwound."""
    if not spec.trace_socket:
        return NO_TRACER
    sender = SpanSender(spec.trace_socket)
    stack.callback(sender.close)
    return Tracer(
        Endpoint(spec.service, spec.address, port=spec.port),
        sender.report,
        random.Random(f"{spec.seed}/{spec.id}/traces"),  # noqa: S311 - names spans, no secret
        common_tags={"nf.node": spec.id, ZONE_TAG: spec.zone},
    )
