"""A client's connection to one node: many operations under way, none waited for longer than 20 ms.

Operations are written as they come and answered in order. One that is not answered in time is given
up by its caller, but its place in the order is kept. A node that leaves operations unanswered is
*stalled*: from then on each one fails at once, until the node speaks again or its connection is
given up. A new connection counts once the node has answered on it: a process that hangs still lets
everybody connect.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import cast

from demo_platform.evcache.replies import Broken, Expect, Reply, ReplyReader


@dataclass(frozen=True, slots=True)
class ConnectionRule:
    """Limits of a connection, in seconds.

    queue_max: operations under way at once; one more fails at once.
    stalled_s: a node that owes an answer for longer is not asked; give_up_s: and then cut off.
    """

    timeout_s: float = 0.020
    queue_max: int = 128
    stalled_s: float = 0.1
    give_up_s: float = 1.0
    connect_s: float = 0.3
    rest_s: float = 0.1
    rest_s_max: float = 1.0


class Failure(Enum):
    """Why an operation has no reply."""

    TIMED_OUT = "timed-out"
    UNREACHABLE = "failed"
    FAST_FAIL = "fast-fail"


Result = Reply | Failure


class _State(Enum):
    IDLE = "idle"
    CONNECTING = "connecting"
    OPEN = "open"
    CLOSED = "closed"


class _Operation:
    __slots__ = ("asked_at", "expects", "future")

    def __init__(self, future: asyncio.Future[Result], expects: Expect, asked_at: float) -> None:
        self.future = future
        self.expects = expects
        self.asked_at = asked_at


class _Wire(asyncio.Protocol):
    """One TCP connection; one that was let go of is not heard any more."""

    def __init__(self, owner: NodeConnection) -> None:
        self._owner = owner
        self._reader = ReplyReader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self._owner.lost(self)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            self._owner.heard(self, self._reader)
        except Broken:
            self._owner.lost(self)

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class NodeConnection:
    """One node, connected to when it is first asked, and again when that is worth a try."""

    def __init__(self, address: str, port: int, rule: ConnectionRule) -> None:
        self.address = address
        self.port = port
        self._rule = rule
        self._loop = asyncio.get_running_loop()
        self._state = _State.IDLE
        self._wire: _Wire | None = None
        self._under_way: deque[_Operation] = deque()
        self._waiting: list[tuple[bytes, _Operation]] = []
        self._sweeping: asyncio.TimerHandle | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._failures = 0
        self._rests_until = 0.0

    @property
    def name(self) -> str:
        """As the ring knows it."""
        return f"{self.address}:{self.port}"

    def ask(self, request: bytes, expects: Expect) -> asyncio.Future[Result]:
        """Send a request; the future always has a result, within the time-out."""
        now = self._loop.time()
        future: asyncio.Future[Result] = self._loop.create_future()
        operation = _Operation(future, expects, now)
        if self._wire is not None and self._state is _State.OPEN and not self._is_stalled(now):
            self._under_way.append(operation)
            self._wire.write(request)
        elif self._may_wait(now):
            self._waiting.append((request, operation))
        else:
            future.set_result(Failure.FAST_FAIL)
            return future
        if self._sweeping is None:
            self._sweeping = self._loop.call_at(now + self._rule.timeout_s, self._sweep)
        return future

    def close(self) -> None:
        """Hang up for good."""
        self._state = _State.CLOSED
        if self._connecting is not None:
            self._connecting.cancel()
        self._drop(Failure.UNREACHABLE)

    def heard(self, wire: _Wire, reader: ReplyReader) -> None:
        """Hand out what can be read. Raises Broken."""
        if wire is not self._wire:
            return
        while self._under_way:
            reply = reader.next(self._under_way[0].expects)
            if reply is None:
                return
            future = self._under_way.popleft().future
            if not future.done():
                future.set_result(reply)
        if not reader.is_empty:
            raise Broken("an answer that nobody has asked for")

    def lost(self, wire: _Wire) -> None:
        """The wire is cut, or what comes over it is nonsense."""
        if wire is self._wire:
            self._lose()

    def _is_stalled(self, now: float) -> bool:
        if not self._under_way:
            return False
        return (
            len(self._under_way) >= self._rule.queue_max
            or now - self._under_way[0].asked_at > self._rule.stalled_s
        )

    def _may_wait(self, now: float) -> bool:
        """Whether an operation may wait for the connection; begins to connect if that is due."""
        if self._state is _State.IDLE and now >= self._rests_until:
            self._state = _State.CONNECTING
            self._connecting = self._loop.create_task(self._connect())
        return (
            self._state is _State.CONNECTING
            and not self._failures
            and len(self._waiting) < self._rule.queue_max
        )

    async def _connect(self) -> None:
        wire = self._wire = _Wire(self)
        try:
            async with asyncio.timeout(self._rule.connect_s):
                await self._loop.create_connection(lambda: wire, self.address, self.port)
                await self._prove(wire)
        except (OSError, TimeoutError):
            self.lost(wire)
            wire.abort()
            return
        self._failures = 0
        self._state = _State.OPEN
        waiting, self._waiting = self._waiting, []
        for request, operation in waiting:
            if not operation.future.done():
                self._under_way.append(operation)
                wire.write(request)

    async def _prove(self, wire: _Wire) -> None:
        """Have the node say something. Raises ConnectionError when it says nonsense or leaves."""
        future: asyncio.Future[Result] = self._loop.create_future()
        self._under_way.append(_Operation(future, Expect.LINE, self._loop.time()))
        wire.write(b"version\r\n")
        reply = await future
        if not (isinstance(reply, bytes) and reply.startswith(b"VERSION ")):
            raise ConnectionError(f"{self.name} answers {reply!r}")

    def _lose(self) -> None:
        """Let go of the connection and stay away from the node for a while."""
        rest_s = min(self._rule.rest_s_max, self._rule.rest_s * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        self._rests_until = self._loop.time() + rest_s
        if self._state is not _State.CLOSED:
            self._state = _State.IDLE
        self._drop(Failure.UNREACHABLE)

    def _drop(self, failure: Failure) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.abort()
        operations = [*self._under_way, *(operation for _, operation in self._waiting)]
        self._under_way.clear()
        self._waiting.clear()
        for operation in operations:
            if not operation.future.done():
                operation.future.set_result(failure)

    def _sweep(self) -> None:
        """Give up what is overdue, and come again when the next one would be."""
        self._sweeping = None
        now = self._loop.time()
        owes = self._under_way if self._state is _State.OPEN else ()
        if owes and now - owes[0].asked_at > self._rule.give_up_s:
            self._lose()
        self._waiting = [one for one in self._waiting if not one[1].future.done()]
        next_at = self._give_up(now)
        if next_at is not None:
            self._sweeping = self._loop.call_at(next_at, self._sweep)

    def _give_up(self, now: float) -> float | None:
        """When to look again; None when nobody is owed an answer."""
        timeout_s = self._rule.timeout_s
        next_at: float | None = None
        for operation in (*self._under_way, *(one for _, one in self._waiting)):
            if operation.future.done():
                continue
            overdue_at = operation.asked_at + timeout_s
            if overdue_at <= now:
                operation.future.set_result(Failure.TIMED_OUT)
            elif next_at is None or overdue_at < next_at:
                next_at = overdue_at
        if next_at is None and self._under_way:
            next_at = now + self._rule.stalled_s
        return next_at
