"""A node as coordinator: asks the replicas of a row, and says what their answers add up to.

A request that needs more replicas than are known to be up is refused at once. Otherwise as many
replicas as needed are asked, and when that takes long, one more. What a replica misses of a write
is kept for it as a hint; replicas that differ in what they answer to a read are repaired before it
is answered. Sockets are behind `Network`, time behind the event loop.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from demo_platform.widecolumn.answers import Answers, by_region
from demo_platform.widecolumn.cells import NO_ROW, Row, digest, merge
from demo_platform.widecolumn.consistency import ANYWHERE, Consistency, Need, need_of
from demo_platform.widecolumn.hints import Hints
from demo_platform.widecolumn.membership import Membership
from demo_platform.widecolumn.messages import (
    Digest,
    Done,
    Mutate,
    MutateMany,
    Reply,
    Request,
    Scan,
    Scanned,
    encode,
)
from demo_platform.widecolumn.refusals import Kind, StoreRefused
from demo_platform.widecolumn.replica import OVERLOADED
from demo_platform.widecolumn.ring import Place
from demo_platform.widecolumn.store import ROWS_MAX

READ_S = 0.12
WRITE_S = 0.12
SPECULATE_S = 0.06
"""How long the first replicas of a read may take before one more is asked."""

Rows = dict[bytes, Row]


class Silent(Exception):
    """No reply: out of reach, or out of time."""


class Network(Protocol):
    """How a coordinator reaches replicas, its own among them."""

    async def ask(self, name: str, request: Request, within_s: float) -> Reply:
        """What the node of that name says. Raises Silent."""


@dataclass(slots=True)
class Tally:
    """What a coordinator has done since it started."""

    speculated: int = 0
    mismatches: int = 0
    repaired: int = 0
    hinted: int = 0
    refused: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))


class Coordinator:
    """One node's way of asking all."""

    def __init__(
        self,
        membership: Membership,
        network: Network,
        hints: Hints,
        *,
        rng: random.Random,
        now: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self.tally = Tally()
        self._membership = membership
        self._network = network
        self._hints = hints
        self._rng = rng
        self._now = now
        self._wall_clock = wall_clock
        self._strays: set[asyncio.Task[None]] = set()

    async def write_all(self, mutations: Iterable[Mutate], level: Consistency) -> None:
        """Have rows merged by their replicas, those of the same at once. Raises StoreRefused."""
        together: dict[tuple[Place, ...], list[Mutate]] = {}
        for one in mutations:
            replicas = self._membership.ring.replicas(one.partition)
            together.setdefault(replicas, []).append(one)
        await asyncio.gather(*(self._write(*one, level) for one in together.items()))

    async def _write(
        self, replicas: tuple[Place, ...], mutations: list[Mutate], level: Consistency
    ) -> None:
        need = self._need(level, replicas)
        now = self._now()
        up = [one for one in replicas if self._membership.is_up(one.name, now)]
        if not need.is_met(by_region(up)):
            raise _unavailable(need, up, level)
        answers = Answers(need)
        answers.asked.update(up)
        for place in replicas:
            if place in up:
                self._spawn(self._write_to(place, mutations, answers))
            else:
                self._hint(place, mutations)
        ends_at = now + WRITE_S
        while not answers.is_enough:
            if answers.is_hopeless([]):
                raise _failure(Kind.WRITE_FAILURE, answers)
            if not await answers.change(ends_at - self._now()):
                raise _timeout(Kind.WRITE_TIMEOUT, answers)

    async def read(
        self,
        partition: tuple[str, bytes],
        first: bytes,
        last: bytes,
        limit: int,
        level: Consistency,
    ) -> Rows:
        """Live rows between two clustering keys, in order. Raises StoreRefused."""
        ends_at = self._now() + READ_S
        asked = limit
        while True:
            scan = Scan(*partition, first, last, asked)
            rows, is_whole = await self._read_once(scan, level, ends_at)
            wall_s = self._wall_clock()
            alive = {key: row for key, row in rows.items() if row.live(wall_s) is not None}
            # Rows that another replica knows to be dead may have left too few of the others'.
            if is_whole or len(alive) >= limit or asked >= ROWS_MAX:
                return dict(list(alive.items())[:limit])
            asked = min(ROWS_MAX, asked * 4)

    async def _read_once(self, scan: Scan, level: Consistency, ends_at: float) -> tuple[Rows, bool]:
        replicas = self._membership.ring.replicas(scan.partition)
        need = self._need(level, replicas)
        answers = await self._gather(scan, need, self._candidates(replicas, need, level), ends_at)
        if _agree(answers):
            rows, is_whole = _rows_of(answers)
            return dict(rows), is_whole
        self.tally.mismatches += 1
        return await self._reconcile(scan, answers, ends_at)

    def _candidates(
        self, replicas: tuple[Place, ...], need: Need, level: Consistency
    ) -> list[Place]:
        """Replicas that can be read from, those to be asked first at the front."""
        own, now = self._membership.own, self._now()
        up = [one for one in replicas if self._membership.serves_reads(one.name, now)]
        if need.region is not None:
            up = [one for one in up if one.region == need.region]
        if not need.is_met(by_region(up)):
            raise _unavailable(need, up, level)
        return sorted(
            up,
            key=lambda one: (one.name != own.name, one.region != own.region, self._rng.random()),
        )

    async def _gather(
        self, scan: Scan, need: Need, candidates: list[Place], ends_at: float
    ) -> Answers:
        """Enough answers to a scan, the first replica's with rows. Raises StoreRefused."""
        answers = Answers(need, wants_data=True)
        first = _first(candidates, need)
        spares = [one for one in candidates if one not in first]
        for place in first:
            is_digest = place is not first[0]
            self._ask(place, _as_digest(scan) if is_digest else scan, answers, ends_at)
        speculates_at, is_late = self._now() + SPECULATE_S, False
        while not answers.is_enough:
            if answers.is_hopeless(spares):
                raise _failure(Kind.READ_FAILURE, answers)
            if spares and (is_late or answers.outstanding < need.required):
                speculates_at, is_late = ends_at, False
                self.tally.speculated += 1
                self._ask(spares.pop(0), scan, answers, ends_at)
                continue
            until = min(ends_at, speculates_at) if spares else ends_at
            if not await answers.change(until - self._now()):
                if until >= ends_at:
                    raise _timeout(Kind.READ_TIMEOUT, answers)
                is_late = True
        return answers

    async def _reconcile(self, scan: Scan, answers: Answers, ends_at: float) -> tuple[Rows, bool]:
        """Full answers of those that differ, merged, and told to whom they are news."""
        places = list(answers.good)
        full = Answers(answers.need, wants_data=True)
        for place in places:
            self._ask(place, scan, full, ends_at)
        while not full.is_enough or len(full.good) + len(full.failed) < len(places):
            if full.is_hopeless([]):
                raise _failure(Kind.READ_FAILURE, full)
            if not await full.change(ends_at - self._now()):
                if full.is_enough:
                    break
                raise _timeout(Kind.READ_TIMEOUT, full)
        found = {p: one for p, one in full.good.items() if isinstance(one, Scanned)}
        merged, is_whole = _merged(list(found.values()))
        repairs = [
            self._repair(place, scan, key, row)
            for place, one in found.items()
            for key, row in _missing(merged, dict(one.rows))
        ]
        await asyncio.gather(*repairs)
        return merged, is_whole

    async def _repair(self, place: Place, scan: Scan, key: bytes, row: Row) -> None:
        mutation = Mutate(scan.table, scan.partition, key, row)
        try:
            reply = await self._network.ask(place.name, mutation, WRITE_S)
        except Silent:
            return  # it is read, and found to differ, again
        self.tally.repaired += isinstance(reply, Done)

    def _ask(self, place: Place, scan: Scan, answers: Answers, ends_at: float) -> None:
        answers.asked.add(place)
        self._spawn(self._scan(place, scan, answers, ends_at - self._now()))

    async def _scan(self, place: Place, scan: Scan, answers: Answers, within_s: float) -> None:
        try:
            answers.add(place, await self._network.ask(place.name, scan, within_s))
        except Silent:
            answers.add(place, None)

    async def _write_to(self, place: Place, mutations: list[Mutate], answers: Answers) -> None:
        request = MutateMany(mutations) if len(mutations) > 1 else mutations[0]
        try:
            reply: Reply | None = await self._network.ask(place.name, request, WRITE_S)
        except Silent:
            reply = None
        if not isinstance(reply, Done) and place.name != self._membership.own.name:
            self._hint(place, mutations)
        answers.add(place, reply)

    def _hint(self, place: Place, mutations: list[Mutate]) -> None:
        for one in mutations:
            self.tally.hinted += self._hints.add(place.name, encode(one), self._now())

    def _need(self, level: Consistency, replicas: tuple[Place, ...]) -> Need:
        return need_of(level, by_region(list(replicas)), self._membership.own.region)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._strays.add(task)
        task.add_done_callback(self._strays.discard)


def _first(candidates: list[Place], need: Need) -> list[Place]:
    """As few candidates as will do, those to be asked first."""
    chosen: list[Place] = []
    for region, count in need.parts:
        chosen += [one for one in candidates if region in {ANYWHERE, one.region}][:count]
    return chosen


def _as_digest(scan: Scan) -> Scan:
    return Scan(scan.table, scan.partition, scan.first, scan.last, scan.limit, is_digest=True)


def _agree(answers: Answers) -> bool:
    if len(answers.good) == 1:
        return True
    digests = {
        one.digest if isinstance(one, Digest) else digest(one.rows)
        for one in answers.good.values()
        if isinstance(one, Digest | Scanned)
    }
    return len(digests) == 1


def _rows_of(answers: Answers) -> tuple[list[tuple[bytes, Row]], bool]:
    one = next(one for one in answers.good.values() if isinstance(one, Scanned))
    return one.rows, one.is_whole


def _merged(found: list[Scanned]) -> tuple[Rows, bool]:
    """Rows as all replicas together know them, up to where the shortest answer ends."""
    ends = [one.rows[-1][0] for one in found if not one.is_whole and one.rows]
    versions: dict[bytes, list[Row]] = {}
    for one in found:
        for key, row in one.rows:
            if not ends or key <= min(ends):
                versions.setdefault(key, []).append(row)
    return {key: merge(versions[key]) for key in sorted(versions)}, not ends


def _missing(merged: Rows, known: Rows) -> list[tuple[bytes, Row]]:
    """Rows that one replica does not know as they are."""
    return [
        (key, row)
        for key, row in merged.items()
        if digest([(key, known.get(key, NO_ROW))]) != digest([(key, row)])
    ]


def _unavailable(need: Need, up: list[Place], level: Consistency) -> StoreRefused:
    alive = need.counted(by_region(up))
    why = f"{level} needs {need.required} replicas and {alive} are up"
    return StoreRefused(Kind.UNAVAILABLE, why, required=need.required, received=alive)


def _timeout(kind: Kind, answers: Answers) -> StoreRefused:
    required, received = answers.need.required, answers.received
    why = f"{received} of {required} replicas have answered in time"
    if kind is Kind.READ_TIMEOUT and received >= required:
        why += ", none of them with data"
    return StoreRefused(kind, why, required=required, received=received)


def _failure(kind: Kind, answers: Answers) -> StoreRefused:
    reasons = sorted(set(answers.failed.values()))
    if reasons == [OVERLOADED]:
        kind = Kind.OVERLOADED
    why = f"{len(answers.failed)} replicas cannot: {', '.join(reasons)}"
    required, received = answers.need.required, answers.received
    return StoreRefused(kind, why, required=required, received=received)
