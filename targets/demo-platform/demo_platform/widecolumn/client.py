"""The store as services see it: asks a node of the own zone, then one of another."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.coordinator import Silent
from demo_platform.widecolumn.gauges import ClientMeters
from demo_platform.widecolumn.messages import (
    ClientRequest,
    Found,
    Get,
    GetRange,
    Put,
    PutMany,
    Refused,
    Remove,
    Reply,
)
from demo_platform.widecolumn.node import Dial, Endpoint
from demo_platform.widecolumn.refusals import Kind, StoreRefused
from demo_platform.widecolumn.schema import Columns, Value

COORDINATORS_MAX = 2
"""Nodes that are asked before a request is given up."""

ANSWER_S = 0.15
"""A little longer than a coordinator waits for its replicas."""

REST_S, REST_S_MAX = 1.0, 8.0
"""How long a coordinator that was silent is asked last: doubled each time, until it speaks."""


class MonotonicMicros:
    """A writer's clock: microseconds since the epoch, never twice the same, never backwards."""

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._last = 0

    def __call__(self) -> int:
        """Now, or just after what was said last."""
        self._last = max(self._last + 1, int(self._wall_clock() * 1e6))
        return self._last


@dataclass(frozen=True, slots=True)
class _Rest:
    """Until when a coordinator is asked last, and for how long that is."""

    until: float
    length_s: float


NO_REST = _Rest(0.0, REST_S / 2)


class StoreClient:
    """A WideColumnStore. find: endpoints of coordinators, those to be asked first at the front."""

    def __init__(
        self,
        dial: Dial,
        find: Callable[[], Sequence[Endpoint]],
        *,
        meters: ClientMeters,
        now: Callable[[], float],
        micros: Callable[[], int],
        answer_s: float = ANSWER_S,
    ) -> None:
        self._dial = dial
        self._answer_s = answer_s
        self._find = find
        self._meters = meters
        self._now = now
        self._micros = micros
        self._resting: dict[Endpoint, _Rest] = {}

    async def write(
        self,
        table: str,
        row: Columns,
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
        ttl_s: float | None = None,
        at_us: int | None = None,
    ) -> None:
        """Insert a row or change some of its columns. Raises StoreRefused."""
        at_us = self._micros() if at_us is None else at_us
        await self._ask("write", Put(table, dict(row), level, at_us, ttl_s))

    async def write_all(
        self,
        table: str,
        rows: Sequence[tuple[Columns, int]],
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
    ) -> None:
        """Write several rows, each as of a time of its own. Raises StoreRefused."""
        puts = [Put(table, dict(row), level, at_us) for row, at_us in rows]
        await self._ask("write", PutMany(puts, level))

    async def delete(
        self,
        table: str,
        key: Columns,
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
        at_us: int | None = None,
    ) -> None:
        """Delete a row. Raises StoreRefused."""
        at_us = self._micros() if at_us is None else at_us
        await self._ask("write", Remove(table, dict(key), level, at_us))

    async def read(
        self, table: str, key: Columns, *, level: Consistency = Consistency.LOCAL_QUORUM
    ) -> dict[str, Value] | None:
        """The row with that key. Raises StoreRefused."""
        rows = await self._ask("read", Get(table, dict(key), level))
        return rows[0] if rows else None

    async def read_range(
        self,
        table: str,
        partition: Columns,
        *,
        first: Value | None = None,
        last: Value | None = None,
        limit: int = 100,
        level: Consistency = Consistency.LOCAL_QUORUM,
    ) -> list[dict[str, Value]]:
        """Rows of a partition, in order. Raises StoreRefused."""
        request = GetRange(table, dict(partition), level, limit, first, last)
        return await self._ask("read", request)

    async def _ask(self, verb: str, request: ClientRequest) -> list[dict[str, Value]]:
        began = self._now()
        try:
            reply = await self._reply(request)
        except StoreRefused as refused:
            self._meters.count(verb, request.level, refused.kind)
            raise
        finally:
            self._meters.latency[verb].record(self._now() - began)
        self._meters.count(verb, request.level, None)
        return reply.rows if isinstance(reply, Found) else []

    async def _reply(self, request: ClientRequest) -> Reply:
        """What the first coordinator that speaks says. Raises StoreRefused."""
        found = self._find()
        if self._resting:
            now = self._now()
            found = sorted(found, key=lambda one: self._resting.get(one, NO_REST).until > now)
        asked = found[:COORDINATORS_MAX]
        for endpoint in asked:
            try:
                reply = await self._dial.ask(endpoint, request, self._answer_s)
            except Silent:
                self._rest(endpoint)
                continue
            self._resting.pop(endpoint, None)
            if isinstance(reply, Refused):
                raise StoreRefused(
                    Kind(reply.kind), reply.why, required=reply.required, received=reply.received
                )
            return reply
        why = f"none of {len(asked)} nodes that were asked has answered"
        raise StoreRefused(Kind.NO_COORDINATOR, why)

    def _rest(self, endpoint: Endpoint) -> None:
        """Ask others rather than a coordinator that was silent, for a while."""
        length_s = min(REST_S_MAX, 2 * self._resting.get(endpoint, NO_REST).length_s)
        known = set(self._find())
        self._resting = {one: rest for one, rest in self._resting.items() if one in known}
        self._resting[endpoint] = _Rest(self._now() + length_s, length_s)
