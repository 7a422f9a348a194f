"""The autoscaler: reads what the store says, and sets the size of the groups that have a policy."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Protocol

from demo_platform.document import State
from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.faults import AwsFault
from demo_platform.ec2.groups import Group, Process
from demo_platform.ec2.metrics_source import NO_GROUP
from demo_platform.ec2.policies import CPU, REQUESTS, Policy
from demo_platform.ec2.tracking import (
    LOW_PERIODS,
    PERIOD_S,
    Limits,
    high_alarm,
    low_alarm,
    tracked,
)
from demo_platform.fleet import Tenant
from demo_platform.settings import TIME_FACTOR

_BY_GROUP = "(,nf.asg,),:by"
_BY_REGION = "(,nf.region,),:by"

QUERIES = {
    CPU: f"name,server.seconds,:eq,:sum,{_BY_GROUP},name,server.slots,:eq,:sum,{_BY_GROUP},:div,"
    "100,:mul",
    REQUESTS: f"name,ipc.server.call,:eq,statistic,count,:eq,:and,:sum,{_BY_GROUP},60,:mul",
}
"""Busy slots in percent, and requests a minute of all of a group's instances together."""

ERRORS = (
    f"name,edge.requests,:eq,status,5xx,:eq,:and,:sum,{_BY_REGION},"
    f"name,edge.requests,:eq,:sum,{_BY_REGION},:div",
    f"name,playback.starts,:eq,ipc.result,failure,:eq,:and,:sum,{_BY_REGION},"
    f"name,playback.starts,:eq,:sum,{_BY_REGION},:div",
)
ERROR_RATIO_MAX = 0.05
"""More errors than this, as the edge or the members see them, and no group shrinks there."""

LATE_S = 1
"""How old the newest step is that every instance can have published."""

_log = logging.getLogger(__name__)


class Metrics(Protocol):
    """Where the autoscaler reads."""

    async def means(self, query: str, *, end_ms: int, steps: int) -> dict[str, float]:
        """Means of a query's lines over the last steps, by group or region."""


class Autoscaler:
    """One world's autoscaler.

    shrinks_during_errors: whether the freeze is switched off. prepare: done before each look.
    """

    def __init__(
        self,
        cloud: Cloud,
        metrics: Metrics,
        *,
        shrinks_during_errors: Callable[[], bool],
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self._cloud = cloud
        self._metrics = metrics
        self._shrinks_during_errors = shrinks_during_errors
        self._prepare = prepare
        self.frozen: dict[str, bool] = {}
        """By region, whether no group shrinks there for now."""

    async def run(self) -> None:
        """Look once a period, for ever; costs nothing while there is no policy."""
        while True:
            await asyncio.sleep(PERIOD_S)
            self._prepare()
            if len(self._cloud.policies):
                await self.look()

    async def look(self) -> None:
        """Read every metric that a policy needs, and let each group follow its policies."""
        policies = [one for one in self._cloud.policies.of() if one.target and one.is_enabled]
        end_ms = (self._cloud.now_ms() // 1000 - LATE_S) * 1000
        queries = {_query_of(policy) for policy in policies} | set(ERRORS)
        answers = await asyncio.gather(
            *(self._metrics.means(query, end_ms=end_ms, steps=round(PERIOD_S)) for query in queries)
        )
        values = dict(zip(queries, answers, strict=True))
        self._freeze([values[query] for query in ERRORS])
        for group in list(self._cloud.estate.groups.values()):
            own = [one for one in policies if one.group == group.name]
            if own:
                self._follow(group, own, values)

    def _freeze(self, errors: list[dict[str, float]]) -> None:
        """No group shrinks where errors are many; nor where nobody can say how many there are."""
        for region in self._cloud.regions:
            ratios = [each[region] for each in errors if region in each]
            self.frozen[region] = not ratios or max(ratios) > ERROR_RATIO_MAX

    def _follow(
        self, group: Group, policies: list[Policy], values: dict[str, dict[str, float]]
    ) -> None:
        members = self._cloud.estate.members(group)
        serving = sum(one.state is State.UP for one in members)
        for policy in policies:
            policy.readings.append(_reading(policy, group, values[_query_of(policy)], serving))
            del policy.readings[:-LOW_PERIODS]
        wanted = max(self._wish(group, one, members, serving) for one in policies)
        may_act = not group.is_suspended(Process.ALARM_NOTIFICATION)
        if wanted == group.desired or not may_act:
            return
        verb = "grow" if wanted > group.desired else "shrink"
        names = ", ".join(policy.name for policy in policies)
        why = f"target tracking ({names}) had the group {verb} from {group.desired} to {wanted}"
        try:
            self._cloud.resize(group, wanted, why=why)
        except AwsFault as fault:
            _log.warning("%s cannot %s: %s", group.name, verb, fault.message)
            return
        now_ms = self._cloud.now_ms()
        group.cools_until_ms = now_ms + int(group.cooldown_s * 1000 / TIME_FACTOR)
        _log.info("%s: %s", group.name, why)

    def _wish(self, group: Group, policy: Policy, members: list[Tenant], serving: int) -> int:
        target = policy.target
        if target is None:
            return group.desired
        policy.high = high_alarm(policy.readings, target.value)
        low_periods = LOW_PERIODS if policy.low_periods is None else policy.low_periods
        policy.low = low_alarm(policy.readings, target.value, periods=low_periods)
        warmup_s = group.warmup_s if policy.warmup_s is None else policy.warmup_s
        now_ms = self._cloud.now_ms()
        warm_ms = now_ms - int(warmup_s * 1000 / TIME_FACTOR)
        is_warming = any(
            one.state is State.STARTING or one.launched_ms > warm_ms for one in members
        )
        is_frozen = self.frozen.get(group.region, True) and not self._shrinks_during_errors()
        return tracked(
            policy.readings,
            target.value,
            Limits(group.desired, group.size_min, group.size_max),
            serving=serving,
            is_warming=is_warming,
            may_shrink=target.may_scale_in and not is_frozen and now_ms >= group.cools_until_ms,
            low_periods=low_periods,
        )


def _query_of(policy: Policy) -> str:
    """The question that a policy asks the store."""
    metric = policy.target.metric if policy.target else ""
    return QUERIES.get(metric, metric)


def _reading(policy: Policy, group: Group, values: dict[str, float], serving: int) -> float | None:
    """The metric for one instance of the group; None when there is no data."""
    value = values.get(group.name, values.get(NO_GROUP))
    target = policy.target
    if value is None or target is None or serving == 0 or not math.isfinite(value):
        return None
    is_total = target.metric == REQUESTS or target.statistic == "Sum"
    return value / serving if is_total else value
