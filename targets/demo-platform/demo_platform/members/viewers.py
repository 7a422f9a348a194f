"""Who comes when: the load generator of a region.

Arrivals are an open loop: members come at random moments at the offered rate, however the platform
fares, so that a slow platform does not slow its own load. Starts are counted here, where the
members are, when they end.

A region does not begin empty: as many members are watching as the rate would have brought, so the
load is the same in the first second as an hour later.
"""

from __future__ import annotations

import asyncio
import math
import random

from demo_platform.eureka.directory import Directory
from demo_platform.knobs import Knobs
from demo_platform.members.counts import Counts
from demo_platform.members.device import Device, Devices
from demo_platform.members.intent import SESSION_S, Intents
from demo_platform.members.visit import HEARTBEAT_S, WITHIN_S, Stage, Step, Visit
from demo_platform.metrics import Meters
from demo_platform.services import SERVICES
from demo_platform.topology import InstanceSpec

SETTLE_S = 1.5
POLL_S = 0.1
STALL_S = 1.0
REGIONS_LABEL = "regions"


class Viewers:
    """The members of one region."""

    def __init__(
        self,
        spec: InstanceSpec,
        knobs: Knobs,
        meters: Meters,
        directory: Directory,
        devices: Devices,
    ) -> None:
        self._region = spec.region
        self._regions = dict(spec.labels).get(REGIONS_LABEL, spec.region).split(",")
        self._knobs = knobs
        self._directory = directory
        self._rng = random.Random(f"{spec.seed}/{spec.region}")  # noqa: S311 - traffic, no secret
        self._devices = devices
        self._intents = Intents(self._rng, knobs)
        self._routes = frozenset(SERVICES["edge"].routes)
        self._counts = Counts(meters)
        self._now = asyncio.get_running_loop().time
        self._members: set[asyncio.Task[None]] = set()
        self._name = spec.id

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
        """Of the region, now: by its weight, the ramp and the time of day."""
        knobs, now_s = self._knobs, self._now()
        share = knobs.region_share(self._region, self._regions)
        swing = diurnal(now_s, knobs.dial("diurnal-ratio"), knobs.dial("diurnal-period-s"))
        return knobs.offered_at(now_s) * share * swing

    def _spawn_start(self) -> None:
        visit = Visit(self._intents.draw(), self._routes)
        self._counts.offered.add()
        self._spawn(visit, visit.arrive(self._now()))

    def _spawn_watching(self) -> None:
        """A member who pressed play before we began."""
        visit = Visit(self._intents.draw(), self._routes)
        self._spawn(visit, visit.resume(self._now(), first_s=self._rng.random() * HEARTBEAT_S))

    def _spawn(self, visit: Visit, step: Step | None) -> None:
        task = asyncio.create_task(self._live(visit, step))
        self._members.add(task)
        task.add_done_callback(self._gone)

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._members.discard(task)
        if not task.cancelled():
            task.result()

    async def _live(self, visit: Visit, step: Step | None) -> None:
        """A visit from one of its steps to its end."""
        intent, counts, was_streaming = visit.intent, self._counts, False
        device = Device(intent.member, intent.cohort)
        try:
            while step is not None:
                if visit.is_streaming is not was_streaming:
                    was_streaming = visit.is_streaming
                    counts.streams += 1
                wait_s = step.at_s - self._now()
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                stage, began_s = step.stage, self._now()
                answer = await self._devices.step(
                    device,
                    stage,
                    step.body,
                    request_id=f"{self._name}-{intent.number}-{stage}",
                    within_s=WITHIN_S[stage],
                )
                if stage is Stage.SIGNIN and answer.outcome.is_ok:
                    device.keep_token(answer.body)
                counts.step_ended(stage, intent.cohort, answer, self._now() - began_s)
                step = visit.after(self._now(), is_ok=answer.outcome.is_ok)
        finally:
            counts.streams -= was_streaming


def diurnal(now_s: float, ratio: float, period_s: float) -> float:
    """By how much more or less than on average members come: up by `ratio` in the evening.

    >>> [round(diurnal(now_s, 0.5, 100.0), 3) for now_s in (0.0, 25.0, 75.0)]
    [1.0, 1.5, 0.5]
    """
    return 1 + ratio * math.sin(2 * math.pi * now_s / period_s)
