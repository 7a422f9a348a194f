"""A node: replica, coordinator and gossip in one, behind one `handle`.

Everything with a socket is behind `Dial`, time behind the event loop's clock, so that a whole
region can be played on a virtual one.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from demo_platform.widecolumn.cells import deletion, insertion
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.coordinator import Coordinator, Silent
from demo_platform.widecolumn.disk import Disk, DiskFailed
from demo_platform.widecolumn.hints import Hints
from demo_platform.widecolumn.membership import JOINING, NORMAL, Membership, State
from demo_platform.widecolumn.messages import (
    ClientRequest,
    Done,
    Found,
    Get,
    GetRange,
    Gossip,
    Mutate,
    MutateMany,
    Put,
    PutMany,
    Refused,
    Remove,
    Reply,
    Request,
    Scan,
    Stream,
    Streamed,
    decode_request,
)
from demo_platform.widecolumn.refusals import Kind, StoreRefused
from demo_platform.widecolumn.replica import Replica, StoreCapacity
from demo_platform.widecolumn.ring import Place
from demo_platform.widecolumn.sample_data import SEEDED_AT_US
from demo_platform.widecolumn.schema import BadRequest, Columns, table_named
from demo_platform.widecolumn.store import ROWS_MAX

PERIOD_S = 1.0
"""Of gossip, and of whatever else a node does of its own accord."""

GOSSIP_WITHIN_S = 0.5
PAUSED_S = PERIOD_S + 1.0
"""A round that comes so late says that this process stood still, not that the others are down."""

JOIN_WITHIN_S = 3.0
STREAM_WITHIN_S = 2.0
HINTS_A_ROUND = 500
HINT_WITHIN_S = 0.5
COMPACT_EVERY = 10
COMPACT_ROWS = 200
REQUESTS_MAX = 256
AT_US_MAX = 2**62

Endpoint = tuple[str, int]


class Dial(Protocol):
    """How a node reaches another."""

    async def ask(self, endpoint: Endpoint, request: Request, within_s: float) -> Reply:
        """What is said there. Raises Silent."""


class StoreNode:
    """One node of the store.

    places: of all nodes that there should be; find: endpoints of nodes that discovery knows.
    """

    def __init__(
        self,
        own: State,
        disk: Disk,
        dial: Dial,
        *,
        places: Iterable[Place],
        find: Callable[[], Sequence[Endpoint]],
        capacity: Callable[[], StoreCapacity],
        rng: random.Random,
        now: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self.membership = Membership(own, places)
        self.hints = Hints()
        self.replica = Replica(disk, capacity=capacity, now=now, wall_clock=wall_clock)
        self.coordinator = Coordinator(
            self.membership, self, self.hints, rng=rng, now=now, wall_clock=wall_clock
        )
        self.hints_told = 0
        self.streamed = 0
        self.in_flight = 0
        self._dial = dial
        self._find = find
        self._rng = rng
        self.now = now
        self._wall_clock = wall_clock
        self._round = 0
        self._compacted_to = ("", b"", b"")

    async def handle(self, request: Request) -> Reply:
        """Answer whoever asks: a node or a client."""
        match request:
            case Mutate():
                return await self.replica.mutate(request)
            case MutateMany():
                return await self.replica.mutate(*request.mutations)
            case Scan():
                return await self.replica.scan(request)
            case Gossip():
                self.membership.learn(request.states, self.now())
                return Gossip(self.membership.states())
            case Stream():
                return self.replica.stream(request)
            case _:
                return await self._serve(request)

    async def ask(self, name: str, request: Request, within_s: float) -> Reply:
        """What the node of that name says, this one included. Raises Silent."""
        if name == self.membership.own.name:
            return await self.handle(request)
        state = self.membership.state(name)
        if state is None:
            raise Silent
        return await self._dial.ask((state.address, state.port), request, within_s)

    def knows_somebody_in(self, region: str) -> bool:
        """Whether a node of a region is known to be up."""
        now = self.now()
        return any(
            one.region == region and self.membership.is_up(one.name, now)
            for one in self.membership.others()
        )

    async def run(self) -> None:
        """Gossip, join, hand off hints and compact, until cancelled."""
        joining = asyncio.create_task(self._join())
        try:
            last = self.now()
            while True:
                now = self.now()
                if now - last > PAUSED_S:
                    self.membership.forgive(now)
                last = now
                await self._tick()
                await asyncio.sleep(max(0.0, last + PERIOD_S - self.now()))
                if joining.done():
                    joining.result()
        finally:
            joining.cancel()

    async def _serve(self, request: ClientRequest) -> Reply:
        """Coordinate a client's request."""
        if self.in_flight >= REQUESTS_MAX:
            return Refused(Kind.OVERLOADED, f"{REQUESTS_MAX} requests are under way", 0, 0)
        self.in_flight += 1
        try:
            return await self._coordinate(request)
        except StoreRefused as refused:
            self.coordinator.tally.refused[refused.kind] += 1
            return Refused(refused.kind, refused.why, refused.required, refused.received)
        except BadRequest as bad:
            return Refused(Kind.INVALID, str(bad), 0, 0)
        finally:
            self.in_flight -= 1

    async def _coordinate(self, request: ClientRequest) -> Reply:
        match request:
            case Put():
                await self.coordinator.write_all([self._mutation(request)], request.level)
                return Done()
            case PutMany():
                mutations = [self._mutation(one) for one in request.puts]
                await self.coordinator.write_all(mutations, request.level)
                return Done()
            case Remove():
                partition, clustering = _key(request.key, request.table)
                row = deletion(_checked(request.at_us), self._wall_clock())
                mutation = Mutate(request.table, partition, clustering, row)
                await self.coordinator.write_all([mutation], request.level)
                return Done()
            case Get():
                partition, clustering = _key(request.key, request.table)
                where = (request.table, partition)
                return await self._found(where, (clustering, clustering), 1, request.level)
            case GetRange():
                if not 1 <= request.limit <= ROWS_MAX:
                    raise BadRequest(f"a limit must be 1 to {ROWS_MAX}: {request.limit}")
                table = table_named(request.table)
                bounds = table.bounds(request.partition, request.first, request.last)
                where = (table.name, table.partition_key(request.partition))
                return await self._found(where, bounds, request.limit, request.level)

    def _mutation(self, put: Put) -> Mutate:
        """What the replicas are told. Raises BadRequest."""
        table = table_named(put.table)
        partition, clustering, values = table.split(put.columns)
        ttl_s = table.ttl_s if put.ttl_s is None else put.ttl_s
        if not 0 <= ttl_s < 1e10:
            raise BadRequest(f"a time to live must be 0 or more: {ttl_s}")
        expires_s = self._wall_clock() + ttl_s if ttl_s else 0.0
        row = insertion(values, _checked(put.at_us), expires_s)
        return Mutate(table.name, partition, clustering, row)

    async def _found(
        self,
        where: tuple[str, bytes],
        bounds: tuple[bytes, bytes],
        limit: int,
        level: Consistency,
    ) -> Found:
        table = table_named(where[0])
        rows = await self.coordinator.read(where, *bounds, limit, level)
        now_s = self._wall_clock()
        found = [(key, row.live(now_s)) for key, row in rows.items()]
        return Found(
            [table.decoded(where[1], key) | live for key, live in found if live is not None]
        )

    async def _tick(self) -> None:
        self._round += 1
        self.membership.beat()
        await asyncio.gather(*(self._gossip(one) for one in self._partners()))
        for name in self.hints.names():
            if self.membership.is_up(name, self.now()):
                await self._hand_off(name)
        if self._round % COMPACT_EVERY == 0:
            self._compact()

    def _partners(self) -> Iterable[Endpoint]:
        """Whom to gossip with now: in turn, one of the region, one of another, one not yet met."""
        own, others = self.membership.own, self.membership.others()
        for group in (
            [(one.address, one.port) for one in others if one.region == own.region],
            [(one.address, one.port) for one in others if one.region != own.region],
            sorted(set(self._find()) - {(one.address, one.port) for one in [own, *others]}),
        ):
            if group:
                yield group[self._round % len(group)]

    async def _gossip(self, endpoint: Endpoint) -> None:
        try:
            reply = await self._dial.ask(
                endpoint, Gossip(self.membership.states()), GOSSIP_WITHIN_S
            )
        except Silent:
            return
        if isinstance(reply, Gossip):
            self.membership.learn(reply.states, self.now())

    async def _hand_off(self, name: str) -> None:
        """Tell a node that is back what it has missed."""
        for hint in self.hints.first(name, self.now(), HINTS_A_ROUND):
            try:
                reply = await self.ask(name, decode_request(hint.write), HINT_WITHIN_S)
            except Silent:
                return
            if not isinstance(reply, Done):
                return
            self.hints.told(name, 1)
            self.hints_told += 1

    async def _join(self) -> None:
        """Take from the others what this node's place should have, then serve reads."""
        ends_at = self.now() + JOIN_WITHIN_S
        while self.now() < ends_at and not self._knows_enough():
            await asyncio.sleep(PERIOD_S / 5)
        while not await self._stream_from_any():
            await asyncio.sleep(PERIOD_S)
        self.membership.beat(NORMAL)

    def _knows_enough(self) -> bool:
        """Whether somebody has data, or the whole region is as new as this node."""
        others = [
            one for one in self.membership.others() if one.region == self.membership.own.region
        ]
        return len(self._sources()) > 0 or len({one.zone for one in others}) >= 2

    def _sources(self) -> list[State]:
        """Nodes that have data: those of the own region, or else of another."""
        now, region = self.now(), self.membership.own.region
        able = [
            one
            for one in self.membership.others()
            if one.status == NORMAL and self.membership.is_up(one.name, now)
        ]
        return [one for one in able if one.region == region] or able[:1]

    async def _stream_from_any(self) -> bool:
        """Whether one source at least let itself be copied whole, or there is none.

        All of them are copied: what was written to this place and one other only must not be
        missed by asking the third.
        """
        sources = self._sources()
        copied = [await self._stream_from(one) for one in sources]
        return not sources or any(copied)

    async def _stream_from(self, source: State) -> bool:
        after = Stream()
        while True:
            try:
                reply = await self.ask(source.name, after, STREAM_WITHIN_S)
                if not isinstance(reply, Streamed):
                    return False
                for one in reply.rows:
                    self.replica.disk.write((one.table, one.partition, one.clustering), one.row)
            except (Silent, DiskFailed):
                return False
            self.streamed += len(reply.rows)
            if not reply.rows:
                return True
            last = reply.rows[-1]
            after = Stream(last.table, last.partition, last.clustering)
            await asyncio.sleep(0)

    def _compact(self) -> None:
        try:
            after = self.replica.disk.compact(
                self._compacted_to, COMPACT_ROWS, self._wall_clock(), newer_than_us=SEEDED_AT_US
            )
        except DiskFailed:
            self.replica.disk_failures += 1
            return
        self._compacted_to = after or ("", b"", b"")


def new_state(*, name: str, region: str, zone: str, endpoint: Endpoint, started_us: int) -> State:
    """What a node says of itself when it starts."""
    return State(name, region, zone, *endpoint, started_us, 0, JOINING)


def _key(key: Columns, table: str) -> tuple[bytes, bytes]:
    found = table_named(table)
    return found.partition_key(key), found.clustering_key(key)


def _checked(at_us: int) -> int:
    if not SEEDED_AT_US < at_us < AT_US_MAX:
        raise BadRequest(f"a time in microseconds must be {SEEDED_AT_US + 1} to 2^62: {at_us}")
    return at_us
