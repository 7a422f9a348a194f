"""The members of a region and what they do: sign in, look at the home page, press play, watch.

Arrivals are an open loop: members come at random moments at the offered rate, however the platform
fares, so that a slow platform does not slow its own load. A *start* succeeds when the member is
signed in and the stream plays; the home page is asked for, but a member who does not get it can
still press play. Starts are counted here, where the members are, when they end.

A region does not begin empty: as many members are watching as the rate would have brought, so the
load is the same in the first second as an hour later.
"""

from __future__ import annotations

import asyncio
import random

import aiohttp

from demo_platform.device import STEP_S, UNREACHABLE, Devices, Outcome
from demo_platform.discovery_client import Directory
from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters
from demo_platform.pool import Pool
from demo_platform.services import SERVICES
from demo_platform.topology import InstanceSpec

SESSION_S = 20.0
SESSION_S_MAX = 80.0
HEARTBEAT_S = 4.0
HOME_WITHIN_S = 1.5
SETTLE_S = 1.5
POLL_S = 0.1
STALL_S = 1.0
REGIONS_LABEL = "regions"
NO_ZONE = ""

TITLES = 1000


class Viewers:
    """The load generator of one region."""

    def __init__(
        self,
        spec: InstanceSpec,
        knobs: Knobs,
        meters: Meters,
        session: aiohttp.ClientSession,
        directory: Directory,
        *,
        devices: Devices | None = None,
    ) -> None:
        self._regions = int(dict(spec.labels).get(REGIONS_LABEL, "1"))
        self._knobs = knobs
        self._directory = directory
        self._rng = random.Random(f"{spec.seed}/{spec.region}")  # noqa: S311 - traffic, no secret
        pool = Pool(session, directory, own_zone=NO_ZONE, rng=self._rng)
        self._devices = devices or Devices(pool, knobs, self._rng)
        self._now = asyncio.get_running_loop().time
        self._members: set[asyncio.Task[None]] = set()
        self._name = spec.id
        self._arrived = 0
        self._offered = meters.counter("viewers.offered")
        self._starts = {
            Outcome(is_ok, cause): meters.counter(
                "viewers.starts", outcome="ok" if is_ok else "failed", cause=cause
            )
            for is_ok, cause in [(True, "none")]
            + [(False, cause) for cause in (*sorted(SERVICES), UNREACHABLE)]
        }
        self._heartbeats = {
            is_ok: meters.counter("viewers.heartbeats", outcome="ok" if is_ok else "failed")
            for is_ok in (True, False)
        }

    async def run(self) -> None:
        """Let members come, for ever."""
        await self._until_open()
        for _ in range(round(self._rate() * SESSION_S)):
            self._spawn_watching()
        arrives_at = self._now()
        while True:
            rate = self._rate()
            if rate <= 0:
                await asyncio.sleep(POLL_S)
                arrives_at = self._now()
                continue
            # A gap is drawn in short pieces, so that a new rate is felt at once; exponential gaps
            # have no memory, so the pieces add up to the same process.
            gap_s = self._rng.expovariate(rate)
            arrives_at += min(gap_s, POLL_S)
            await asyncio.sleep(arrives_at - self._now())
            if self._now() - arrives_at > STALL_S:
                arrives_at = self._now()
            if gap_s <= POLL_S:
                self._spawn_start()

    async def _until_open(self) -> None:
        """Wait until every service is there, and has had the time to know the others."""
        while not all(self._directory.peers(service) for service in SERVICES):
            await asyncio.sleep(POLL_S)
        await asyncio.sleep(SETTLE_S)

    def _rate(self) -> float:
        return self._knobs.starts_per_second / self._regions

    def _spawn_start(self) -> None:
        self._arrived += 1
        self._spawn(asyncio.create_task(self._visit(self._arrived)))

    def _spawn_watching(self) -> None:
        """A member who pressed play before we began."""
        self._arrived += 1
        first_s = self._rng.random() * HEARTBEAT_S
        self._spawn(asyncio.create_task(self._watch(self._arrived, first_s)))

    def _spawn(self, task: asyncio.Task[None]) -> None:
        self._members.add(task)
        task.add_done_callback(self._gone)

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._members.discard(task)
        if not task.cancelled():
            task.result()

    async def _visit(self, member: int) -> None:
        """A member from sign-in to the end of the session."""
        self._offered.add()
        started = await self._start(member)
        # A device that reached no service it knows of has reached nobody.
        self._starts.get(started, self._starts[Outcome(False, UNREACHABLE)]).add()
        if started.is_ok:
            await self._watch(member, HEARTBEAT_S)

    async def _start(self, member: int) -> Outcome:
        """Sign in, home, play; the outcome is that of the step that decided."""
        body = {"member": member, "title": int(self._rng.random() * TITLES)}
        signed_in = await self._step("signin", body, member)
        if not signed_in.is_ok:
            return signed_in
        await self._step("home", body, member, within_s=HOME_WITHIN_S)
        return await self._step("play", body, member)

    async def _watch(self, member: int, first_s: float) -> None:
        """Send a sign of life every few seconds until the member has seen enough."""
        length_s = min(SESSION_S_MAX, self._rng.expovariate(1 / SESSION_S))
        position_s = first_s
        beat_at = self._now() + first_s
        while position_s <= length_s:
            await asyncio.sleep(beat_at - self._now())
            beaten = await self._step("heartbeat", {"position_s": int(position_s)}, member)
            self._heartbeats[beaten.is_ok].add()
            position_s += HEARTBEAT_S
            beat_at += HEARTBEAT_S

    async def _step(
        self, route: str, body: dict[str, int], member: int, *, within_s: float = STEP_S
    ) -> Outcome:
        return await self._devices.step(
            route, body, request_id=f"{self._name}-{member}-{route}", within_s=within_s
        )
