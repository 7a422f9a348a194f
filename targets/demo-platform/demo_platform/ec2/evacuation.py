"""Evacuating a region, and coming back: steps in order, each done and then seen to have worked.

Away: the regions that stay (the saviors) grow first; then the edge of the region that is left
forwards what still comes to it; then its members are sent elsewhere, a part at a time; then what
is no longer asked is shrunk. Back: the region grows first, then the members return, then the
saviors shrink. A step that does not show its effect in time ends the procedure where it is, and
nothing is taken back unasked: coming back is the way back.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from demo_platform.document import State
from demo_platform.ec2.autoscaler import ERROR_RATIO_MAX, ERRORS, LATE_S, Metrics
from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.faults import AwsFault
from demo_platform.ec2.groups import Group, Process
from demo_platform.errors import DemoError, unknown_name
from demo_platform.knobs import Knobs

SCALED_WITHIN_S = 90.0
SHIFTED_WITHIN_S = 20.0
DRAINED_WITHIN_S = 120.0
"""The longest session of a member, and some."""

LOOK_S = 1.0
PARTS = (0.75, 0.5, 0.25, 0.0)
"""The weight that is left to a region at each part of the shift."""

HEALTHY_STEPS = 3
QUIET_RATIO = 0.02
OFFERED = "name,playback.offered,:eq,:sum,(,nf.region,),:by"
ASKED = "name,edge.requests,:eq,:sum,(,nf.region,),:by"

_log = logging.getLogger(__name__)


class Progress(StrEnum):
    """How a step, or the whole, stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True)
class Step:
    """One step: what it is called, what it does, and what came of it."""

    name: str
    act: Callable[[], Awaitable[str]]
    progress: Progress = Progress.WAITING
    detail: str = ""

    def as_dict(self) -> dict[str, str]:
        """As the control API shows it."""
        return {"step": self.name, "state": self.progress.value, "detail": self.detail}


@dataclass(slots=True)
class Evacuation:
    """One region's, from the first step away to the last one back.

    before: each group's desired size, and each region's weight, before anything was done.
    """

    region: str
    is_back: bool
    sizes_before: dict[str, int]
    weights_before: dict[str, float]
    steps: list[Step] = field(default_factory=list)
    progress: Progress = Progress.RUNNING
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As the control API shows it."""
        return {
            "region": self.region,
            "direction": "back" if self.is_back else "away",
            "state": self.progress.value,
            "problem": self.problem,
            "steps": [step.as_dict() for step in self.steps],
        }


class NotSeen(Exception):
    """A step has not shown its effect in time."""


class Evacuations:
    """A world's evacuations: at most one at a time."""

    def __init__(self, cloud: Cloud, knobs: Knobs, metrics: Metrics) -> None:
        self._cloud = cloud
        self._knobs = knobs
        self._metrics = metrics
        self.last: Evacuation | None = None

    def begin(self, region: str, *, is_back: bool) -> Evacuation:
        """Plan an evacuation and refuse what cannot work. Raises DemoError; touches nothing."""
        regions = self._cloud.regions
        where = f"region {region}"
        if region not in regions:
            raise unknown_name("region", region, regions, where="evacuation")
        if len(regions) < 2:
            raise DemoError(
                "there is no other region to take over", where=where, fix="use --size normal"
            )
        last = self.last
        if last is not None and last.progress is Progress.RUNNING:
            raise DemoError(
                f"an evacuation of {last.region} is under way",
                where=where,
                fix="wait for its end",
            )
        is_away = last is not None and not (last.is_back and last.progress is Progress.DONE)
        if is_back:
            if last is None or not is_away or last.region != region:
                raise DemoError(
                    "the region has not been evacuated", where=where, fix="evacuate it first"
                )
            self.last = self._back(last)
        else:
            if last is not None and is_away:
                raise DemoError(
                    f"{last.region} is evacuated", where=where, fix=f"bring {last.region} back"
                )
            self.last = self._away(region)
        return self.last

    async def run(self, evacuation: Evacuation) -> None:
        """Take the steps one after the other; the first that fails is the last."""
        for step in evacuation.steps:
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

    def _away(self, region: str) -> Evacuation:
        groups = self._scalable()
        sizes = self._sizes_to_save(region, groups)
        weights = {one: self._knobs.dial(f"weight-{one}") for one in self._cloud.regions}
        planned = Evacuation(
            region,
            is_back=False,
            sizes_before={name: group.desired for name, group in groups.items()},
            weights_before=weights,
        )
        shrunk = {name: group.size_min for name, group in groups.items() if group.region == region}
        planned.steps = [
            Step("scale the saviors", lambda: self._scale(sizes)),
            Step("proxy at the edge", lambda: self._proxy(region, 1.0)),
            Step("shift the members", lambda: self._shift(region, weights[region], PARTS)),
            Step("drain the region", lambda: self._drain(region, shrunk)),
        ]
        return planned

    def _back(self, away: Evacuation) -> Evacuation:
        region, before = away.region, away.sizes_before
        groups = self._cloud.estate.groups
        home = {name: size for name, size in before.items() if groups[name].region == region}
        saviors = {name: size for name, size in before.items() if name not in home}
        weight = away.weights_before[region]
        returned = Evacuation(
            region, is_back=True, sizes_before=before, weights_before=away.weights_before
        )
        parts = tuple(1.0 - part for part in PARTS)
        returned.steps = [
            Step("scale the region", lambda: self._scale(home)),
            Step("bring the members back", lambda: self._shift(region, weight, parts)),
            Step("stop proxying", lambda: self._proxy(region, 0.0)),
            Step("shrink the saviors", lambda: self._scale(saviors)),
        ]
        return returned

    def _scalable(self) -> dict[str, Group]:
        groups = self._cloud.estate.groups
        return {name: group for name, group in groups.items() if not group.is_fixed}

    def _sizes_to_save(self, region: str, groups: Mapping[str, Group]) -> dict[str, int]:
        """What the other regions' groups must grow to. Raises DemoError when they cannot."""
        regions = self._cloud.regions
        leaving = self._knobs.region_share(region, regions)
        if leaving >= 1:
            raise DemoError(
                f"every member is sent to {region}",
                where=f"region {region}",
                fix="give another region a weight, and let it warm up",
            )
        sizes: dict[str, int] = {}
        more: dict[str, int] = {}
        for name, group in groups.items():
            if group.region == region:
                continue
            sizes[name] = max(group.desired, math.ceil(group.desired / (1 - leaving) - 1e-9))
            why = _cannot_grow(group, sizes[name])
            if why:
                raise DemoError(
                    f"the savior cannot scale: {name} {why[0]}", where=f"group {name}", fix=why[1]
                )
            for zone in group.zones:
                each = -(-(sizes[name] - group.desired) // len(group.zones))
                more[zone] = more.get(zone, 0) + each
        missing = self._cloud.shortage(more)
        if missing:
            raise DemoError(
                f"the savior cannot scale: {missing}",
                where=f"region {region}",
                fix="free memory, or evacuate with less traffic and smaller groups",
            )
        return sizes

    async def _scale(self, sizes: Mapping[str, int]) -> str:
        groups = self._cloud.estate.groups
        for name, size in sizes.items():
            why = f"an evacuation set the desired capacity from {groups[name].desired} to {size}"
            if size != groups[name].desired:
                self._cloud.resize(groups[name], size, why=why)

        async def is_scaled() -> str:
            late = [
                name
                for name, size in sizes.items()
                if sum(one.state is State.UP for one in self._cloud.estate.members(groups[name]))
                != size
            ]
            return f"not of their size yet: {', '.join(sorted(late))}" if late else ""

        await _until_seen(is_scaled, SCALED_WITHIN_S)
        return f"{sum(sizes.values())} instances in {len(sizes)} groups serve"

    async def _proxy(self, region: str, share: float) -> str:
        self._knobs.turn(f"proxy-{region}", share)
        await self._until_healthy()
        return f"the edges of {region} are told to forward {share:.0%} of what they are asked"

    async def _shift(self, region: str, weight: float, parts: tuple[float, ...]) -> str:
        """Change the region's weight a part at a time, while members fare well."""
        for part in parts:
            self._knobs.turn(f"weight-{region}", weight * part)
            await self._until_healthy()
        share = self._knobs.region_share(region, self._cloud.regions)

        async def has_arrived() -> str:
            offered = await self._means(OFFERED)
            total = sum(offered.values())
            if not total:
                return "the store has no offered starts"
            is_off = abs(offered.get(region, 0.0) / total - share) > max(QUIET_RATIO, share / 2)
            return f"{offered.get(region, 0.0) / total:.0%} of starts in {region}" if is_off else ""

        await _until_seen(has_arrived, SHIFTED_WITHIN_S)
        return f"{share:.0%} of the members are sent to {region}"

    async def _drain(self, region: str, sizes: Mapping[str, int]) -> str:
        async def is_quiet() -> str:
            asked = await self._means(ASKED)
            total = sum(asked.values())
            if not total:
                return "the store has no requests at the edge"
            ratio = asked.get(region, 0.0) / total
            return f"{ratio:.0%} of requests in {region}" if ratio > QUIET_RATIO else ""

        await _until_seen(is_quiet, DRAINED_WITHIN_S)
        return await self._scale(sizes)

    async def _until_healthy(self) -> None:
        """Wait until for some steps in a row no region has many errors. Raises NotSeen."""
        healthy = 0

        async def is_healthy() -> str:
            nonlocal healthy
            answers = [await self._means(query, steps=1) for query in ERRORS]
            ratios = [ratio for answer in answers for ratio in answer.values()]
            if not ratios:
                healthy = 0
                return "the store does not say how many errors there are"
            healthy = healthy + 1 if max(ratios) <= ERROR_RATIO_MAX else 0
            return "" if healthy >= HEALTHY_STEPS else f"errors at {max(ratios):.0%}"

        await _until_seen(is_healthy, SHIFTED_WITHIN_S)

    async def _means(self, query: str, *, steps: int = 2) -> dict[str, float]:
        end_ms = (self._cloud.now_ms() // 1000 - LATE_S) * 1000
        return await self._metrics.means(query, end_ms=end_ms, steps=steps)


async def _until_seen(look: Callable[[], Awaitable[str]], within_s: float) -> None:
    """Look until there is nothing left to complain of. Raises NotSeen with the last complaint."""
    complaint = ""
    for _ in range(round(within_s / LOOK_S)):
        complaint = await look()
        if not complaint:
            return
        await asyncio.sleep(LOOK_S)
    raise NotSeen(f"not within {within_s:.0f} s: {complaint}")


def _cannot_grow(group: Group, size: int) -> tuple[str, str] | None:
    """Why a group cannot have that size, and what to do about it."""
    if size > group.size_max:
        return f"would need {size} instances and may have {group.size_max}", "raise its MaxSize"
    if size > group.desired and group.is_suspended(Process.LAUNCH):
        return "may not launch anything: Launch is suspended", "resume its processes"
    return None
