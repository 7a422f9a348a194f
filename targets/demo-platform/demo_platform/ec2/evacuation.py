"""Evacuating a region, and coming back: steps in order, each done and then seen to have worked.

Away: the regions that stay (the saviors) grow first, where they would be too busy; then the edge of
the region that is left forwards what comes to it; then its members are sent elsewhere, a part at a
time; then what is no longer asked is shrunk. With the switch `shift-before-scaling` the saviors
grow only once the members have been moved. Back: the region grows first, then the members return,
then the saviors shrink. A step that does not show its effect in time ends the procedure where it
is, and nothing is taken back unasked: coming back is the way back. Who evacuates with a lease can
have everything taken back at once, and has it when the lease ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace

from demo_platform.document import State
from demo_platform.ec2.autoscaler import ERROR_RATIO_MAX, ERRORS, LATE_S, QUERIES, Metrics
from demo_platform.ec2.changes import FOR_GOOD, Changes, Lease
from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.faults import AwsFault
from demo_platform.ec2.groups import Group
from demo_platform.ec2.growth import more_by_zone, sizes_needed
from demo_platform.ec2.policies import CPU
from demo_platform.ec2.steps import Evacuation, NotSeen, Progress, Step, until_seen
from demo_platform.errors import DemoError, unknown_name
from demo_platform.fragility import scales_first
from demo_platform.knobs import Knobs

SCALED_WITHIN_S = 90.0
SHIFTED_WITHIN_S = 20.0
DRAINED_WITHIN_S = 120.0
"""The longest session of a member, and some."""

AGAIN_S = 5.0
PARTS = (0.75, 0.5, 0.25, 0.0)
"""The weight that is left to a region at each part of the shift."""

STEP_MS = 1000
BUSY_STEPS = 3
HEALTHY_STEPS = 2
QUIET_RATIO = 0.02
TOKENS_KEPT = 64
BUSY = (QUERIES[CPU], "name,zuul.utilisation,:eq,:avg,(,nf.asg,),:by,100,:mul")
"""In percent: of slots, and for edges of the requests that they take at once."""

OFFERED = "name,playback.offered,:eq,:sum,(,nf.region,),:by"
ASKED = "name,edge.requests,:eq,:sum,(,nf.region,),:by"
ASKED_BY_NODE = (
    "name,ipc.server.call,:eq,statistic,count,:eq,:and,nf.asg,(,{},),:in,:and,:sum,(,nf.node,),:by"
)

_log = logging.getLogger(__name__)


class Evacuations:
    """A world's evacuations: at most one at a time."""

    def __init__(self, cloud: Cloud, knobs: Knobs, metrics: Metrics) -> None:
        self._cloud = cloud
        self._knobs = knobs
        self._metrics = metrics
        self._running: asyncio.Task[None] | None = None
        self._ended: deque[str] = deque(maxlen=TOKENS_KEPT)
        self.last: Evacuation | None = None

    async def begin(
        self, region: str, *, is_back: bool, lease: Lease = FOR_GOOD
    ) -> Evacuation | None:
        """Plan an evacuation and refuse what cannot work. Raises DemoError; touches nothing.

        None: what that lease is for has begun before.
        """
        regions = self._cloud.regions
        if region not in regions:
            raise unknown_name("region", region, regions, where="evacuation")
        if len(regions) < 2:
            raise DemoError(
                "there is no other region to take over",
                where=f"region {region}",
                fix="use --size normal",
            )
        busy = {} if is_back else await self._busy()
        if lease.token and self.last is not None and self.last.lease.token == lease.token:
            return None
        self._refuse_second(region, is_back=is_back, lease=lease)
        last = self.last
        self.last = self._back(last) if is_back and last else self._away(region, busy, lease)
        return self.last

    def _refuse_second(self, region: str, *, is_back: bool, lease: Lease) -> None:
        """One region at a time, away and then back. Raises DemoError."""
        where, last = f"region {region}", self.last
        if last is not None and last.progress is Progress.RUNNING:
            raise DemoError(
                f"an evacuation of {last.region} is under way",
                where=where,
                fix="wait for its end",
            )
        if lease.token in self._ended:
            raise DemoError("this lease has ended", where=where, fix="take another one")
        is_away = last is not None and not (last.is_back and last.progress is Progress.DONE)
        if is_back and (last is None or not is_away or last.region != region):
            raise DemoError(
                "the region has not been evacuated", where=where, fix="evacuate it first"
            )
        if not is_back and last is not None and is_away:
            raise DemoError(
                f"{last.region} is evacuated", where=where, fix=f"bring {last.region} back"
            )

    def take_back(self, token: str) -> None:
        """Everything as it was before the evacuation of that lease, at once.

        Nothing is done where it was taken back before, or never begun; it will not begin then.
        Raises DemoError when a group cannot have its size again.
        """
        if token not in self._ended:
            self._ended.append(token)
        last = self.last
        if last is None or last.lease.token != token:
            return
        if self._running is not None:
            self._running.cancel()
        if last.progress is Progress.RUNNING:
            last.progress, last.problem = Progress.FAILED, "it was taken back"
        last.changes.take_back()
        self.last = None
        _log.info("evacuation of %s: taken back", last.region)

    async def expire(self, lease: Lease) -> None:
        """Take back what is left when a lease ends."""
        await asyncio.sleep(lease.for_s)
        while True:
            try:
                self.take_back(lease.token)
            except DemoError as error:
                _log.warning("the lease %s has ended: %s", lease.token, error)
                await asyncio.sleep(AGAIN_S)
            else:
                return

    async def run(self, evacuation: Evacuation) -> None:
        """Take the steps one after the other; the first that fails is the last."""
        self._running = own = asyncio.current_task()
        try:
            await self._take_steps(evacuation)
        finally:
            if self._running is own:
                self._running = None

    async def _take_steps(self, evacuation: Evacuation) -> None:
        for step in evacuation.steps:
            if evacuation.progress is not Progress.RUNNING:
                return
            step.progress = Progress.RUNNING
            _log.info("evacuation of %s: %s", evacuation.region, step.name)
            try:
                step.detail = await step.act()
            except (NotSeen, AwsFault) as error:
                what = error.message if isinstance(error, AwsFault) else str(error)
                step.progress = evacuation.progress = Progress.FAILED
                step.detail = what
                evacuation.problem = f"{step.name}: {what}"
                _log.warning("evacuation of %s: %s", evacuation.region, evacuation.problem)
                return
            step.progress = Progress.DONE
        evacuation.progress = Progress.DONE

    def _away(self, region: str, busy: Mapping[str, float], lease: Lease) -> Evacuation:
        groups = self._scalable()
        sizes = self._sizes_to_save(region, groups, busy)
        weight = self._knobs.dial(f"weight-{region}")
        changes = Changes(self._cloud, self._knobs)
        before = {name: group.desired for name, group in groups.items()}
        planned = Evacuation(
            region,
            is_back=False,
            sizes_before=before,
            weight_before=weight,
            changes=changes,
            lease=lease,
        )
        shrunk = {name: group.size_min for name, group in groups.items() if group.region == region}
        scale = Step("scale the saviors", lambda: self._grow(changes, sizes))
        move = [
            Step("proxy at the edge", lambda: self._proxy(changes, region, 1.0)),
            Step("shift the members", lambda: self._shift(changes, region, weight, PARTS)),
        ]
        drain = Step("drain the region", lambda: self._drain(changes, region, shrunk))
        is_first = scales_first(self._knobs)
        planned.steps = [scale, *move, drain] if is_first else [*move, scale, drain]
        return planned

    def _back(self, away: Evacuation) -> Evacuation:
        region, before = away.region, away.sizes_before
        groups = self._cloud.estate.groups
        home = {name: size for name, size in before.items() if groups[name].region == region}
        saviors = {name: size for name, size in before.items() if name not in home}
        weight, changes = away.weight_before, away.changes
        returned = replace(away, is_back=True, steps=[], progress=Progress.RUNNING, problem="")
        parts = tuple(1.0 - part for part in PARTS)
        returned.steps = [
            Step("scale the region", lambda: self._scale(changes, home)),
            Step("bring the members back", lambda: self._shift(changes, region, weight, parts)),
            Step("stop proxying", lambda: self._proxy(changes, region, 0.0)),
            Step("shrink the saviors", lambda: self._scale(changes, saviors)),
        ]
        return returned

    def _scalable(self) -> dict[str, Group]:
        """Those of the platform itself: a version that is tried out comes and goes."""
        groups = self._cloud.estate.groups
        return {name: one for name, one in groups.items() if one.is_usual and not one.is_fixed}

    async def _busy(self) -> dict[str, float]:
        """Share of each group's room that was taken of late, by its name."""
        answers = [await self._means(query, steps=BUSY_STEPS) for query in BUSY]
        return {name: value / 100 for answer in answers for name, value in answer.items()}

    def _sizes_to_save(
        self, region: str, groups: Mapping[str, Group], busy: Mapping[str, float]
    ) -> dict[str, int]:
        """What the other regions' groups must have. Raises DemoError when they cannot."""
        leaving = self._knobs.region_share(region, self._cloud.regions)
        if leaving >= 1:
            raise DemoError(
                f"every member is sent to {region}",
                where=f"region {region}",
                fix="give another region a weight, and let it warm up",
            )
        saviors = [group for group in groups.values() if group.region != region]
        sizes = sizes_needed(saviors, busy, leaving)
        missing = self._cloud.shortage(more_by_zone(saviors, sizes))
        if missing:
            raise DemoError(
                f"the savior cannot scale: {missing}",
                where=f"region {region}",
                fix="free memory, or evacuate with less traffic and smaller groups",
            )
        return sizes

    async def _grow(self, changes: Changes, sizes: Mapping[str, int]) -> str:
        """Have the groups grow, and see that what is new is asked something."""
        groups = self._cloud.estate.groups
        grown = [name for name, size in sizes.items() if size > groups[name].desired]
        what = await self._scale(changes, sizes)
        if grown:
            await until_seen(lambda: self._not_asked(grown), SCALED_WITHIN_S)
        return what

    async def _not_asked(self, names: Iterable[str]) -> str:
        """Which instances of these groups are asked nothing."""
        asked = await self._means(ASKED_BY_NODE.format(",".join(names)), steps=1)
        estate = self._cloud.estate
        members = [one for name in names for one in estate.members(estate.groups[name])]
        idle = [one.spec.id for one in members if not asked.get(one.spec.id)]
        return f"not asked anything yet: {', '.join(sorted(idle))}" if idle else ""

    async def _scale(self, changes: Changes, sizes: Mapping[str, int]) -> str:
        groups = self._cloud.estate.groups
        for name, size in sizes.items():
            changes.resize(name, size)

        async def is_scaled() -> str:
            late = [
                name
                for name, size in sizes.items()
                if sum(one.state is State.UP for one in self._cloud.estate.members(groups[name]))
                != size
            ]
            return f"not of their size yet: {', '.join(sorted(late))}" if late else ""

        await until_seen(is_scaled, SCALED_WITHIN_S)
        return f"{sum(sizes.values())} instances in {len(sizes)} groups serve"

    async def _proxy(self, changes: Changes, region: str, share: float) -> str:
        changes.turn(f"proxy-{region}", share)
        await self._until_healthy()
        return f"the edges of {region} forward {share:.0%} of what they are asked"

    async def _shift(
        self, changes: Changes, region: str, weight: float, parts: tuple[float, ...]
    ) -> str:
        """Change the region's weight a part at a time, while members fare well."""
        for part in parts:
            changes.turn(f"weight-{region}", weight * part)
            await self._until_healthy()
        share = self._knobs.region_share(region, self._cloud.regions)

        async def has_arrived() -> str:
            offered = await self._means(OFFERED)
            total = sum(offered.values())
            if not total:
                return "the store has no offered starts"
            is_off = abs(offered.get(region, 0.0) / total - share) > max(QUIET_RATIO, share / 2)
            return f"{offered.get(region, 0.0) / total:.0%} of starts in {region}" if is_off else ""

        await until_seen(has_arrived, SHIFTED_WITHIN_S)
        return f"{share:.0%} of the members are sent to {region}"

    async def _drain(self, changes: Changes, region: str, sizes: Mapping[str, int]) -> str:
        async def is_quiet() -> str:
            asked = await self._means(ASKED)
            total = sum(asked.values())
            if not total:
                return "the store has no requests at the edge"
            ratio = asked.get(region, 0.0) / total
            return f"{ratio:.0%} of requests in {region}" if ratio > QUIET_RATIO else ""

        await until_seen(is_quiet, DRAINED_WITHIN_S)
        return await self._scale(changes, sizes)

    async def _until_healthy(self) -> None:
        """Wait until, in steps that began after now, no region had many errors. Raises NotSeen."""
        began_ms = self._cloud.now_ms()

        async def is_healthy() -> str:
            if self._newest_ms() - HEALTHY_STEPS * STEP_MS < began_ms:
                return "there is no data of it yet"
            answers = [await self._means(query, steps=HEALTHY_STEPS) for query in ERRORS]
            ratios = [ratio for answer in answers for ratio in answer.values()]
            if not ratios:
                return "the store does not say how many errors there are"
            return f"errors at {max(ratios):.0%}" if max(ratios) > ERROR_RATIO_MAX else ""

        await until_seen(is_healthy, SHIFTED_WITHIN_S)

    def _newest_ms(self) -> int:
        """When the newest step ended that every instance can have published."""
        return (self._cloud.now_ms() // STEP_MS - LATE_S) * STEP_MS

    async def _means(self, query: str, *, steps: int = 2) -> dict[str, float]:
        return await self._metrics.means(query, end_ms=self._newest_ms(), steps=steps)
