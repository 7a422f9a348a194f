"""The autoscaler follows what the store says, and freezes while errors are many or unknown."""

from __future__ import annotations

import asyncio

import pytest

from demo_platform.ec2.autoscaler import ERRORS, QUERIES, Autoscaler
from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.eager_scaling import EagerScaling
from demo_platform.ec2.groups import Process
from demo_platform.ec2.policies import CPU, Kind, Policy, Target
from demo_platform.ec2.tracking import HIGH_PERIODS, LOW_PERIODS
from tests.memory_fleet import Scene

API = "api-us-east-1"
REGION = "us-east-1"


class Said:
    """What a store would say."""

    def __init__(self, cpu: float | None, errors: float | None = 0.0) -> None:
        self.cpu, self.errors = cpu, errors

    async def means(self, query: str, *, end_ms: int, steps: int) -> dict[str, float]:
        del end_ms, steps
        if query in ERRORS:
            return {} if self.errors is None else {REGION: self.errors}
        assert query == QUERIES[CPU]
        return {} if self.cpu is None else {API: self.cpu}


class Stage:
    """A platform with a policy for one group, whose instances have long been up."""

    def __init__(
        self, said: Said, *, desired: int = 3, shrinks_during_errors: bool = False
    ) -> None:
        self.scene = Scene()
        self.group = self.scene.estate.groups[API]
        self.group.desired = desired
        self.scene.keeper.reconcile()
        self.cloud = Cloud(
            self.scene.estate,
            self.scene.keeper,
            (REGION,),
            lambda: self.scene.now_ms,
            lambda _more: "",
        )
        self.policy = Policy(API, "cpu", Kind.TARGET_TRACKING, target=Target(CPU, 50.0))
        self.cloud.policies.put(self.policy)
        self.autoscaler = Autoscaler(
            self.cloud, said, shrinks_during_errors=lambda: shrinks_during_errors
        )

    async def look(self, times: int) -> int:
        """The group's size after so many periods."""
        await asyncio.sleep(0)
        for tenant in self.scene.estate.members(self.group):
            tenant.launched_ms = 0
        for _ in range(times):
            await self.autoscaler.look()
            self.scene.now_ms += 2000
        return self.group.desired


def size_after(said: Said, times: int, **options: bool | int) -> int:
    async def story() -> int:
        return await Stage(said, **options).look(times)  # type: ignore[arg-type]

    return asyncio.run(story())


def test_group_grows_after_three_periods_above_the_target() -> None:
    assert size_after(Said(90.0), HIGH_PERIODS - 1) == 3
    assert size_after(Said(90.0), HIGH_PERIODS) == 6


@pytest.mark.parametrize(
    ("errors", "switch", "size"),
    [(0.0, False, 3), (0.2, False, 6), (None, False, 6), (0.2, True, 3)],
    ids=["healthy", "errors", "nobody can say", "freeze off"],
)
def test_group_shrinks_only_where_errors_are_rare(
    errors: float | None, switch: bool, size: int
) -> None:
    said = Said(5.0, errors)
    assert size_after(said, LOW_PERIODS, desired=6, shrinks_during_errors=switch) == size


def test_no_data_and_suspended_alarms_change_nothing() -> None:
    assert size_after(Said(None), LOW_PERIODS, desired=6) == 6

    async def story() -> None:
        stage = Stage(Said(90.0))
        stage.group.suspended[Process.ALARM_NOTIFICATION] = "test"
        assert await stage.look(HIGH_PERIODS) == 3

    asyncio.run(story())


def test_group_that_has_just_grown_does_not_shrink() -> None:
    async def story() -> None:
        said = Said(90.0)
        stage = Stage(said)
        assert await stage.look(HIGH_PERIODS) == 6
        assert stage.group.cools_until_ms > stage.scene.now_ms
        said.cpu = 5.0
        stage.group.cools_until_ms = stage.scene.now_ms + 10**6
        assert await stage.look(LOW_PERIODS + 1) == 6

    asyncio.run(story())


class Eager:
    """A platform whose switch `eager-scaling` can be turned, and what its store says."""

    def __init__(self, cpu: float) -> None:
        self.is_on = False
        self.said = Said(cpu)
        self.stage = Stage(self.said)
        self.stage.cloud.policies.remove(self.stage.policy)
        self.scaling = EagerScaling(self.stage.cloud, is_on=lambda: self.is_on, service="api")

    async def turn(self, is_on: bool) -> None:
        self.is_on = is_on
        self.scaling.follow_switch()
        self.scaling.follow_switch()


def test_eager_group_shrinks_to_one_after_three_low_periods_and_is_given_back() -> None:
    async def story() -> list[int]:
        eager = Eager(5.0)
        limits = eager.stage.group.size_min, eager.stage.group.size_max
        sizes = [await eager.stage.look(LOW_PERIODS)]
        await eager.turn(True)
        sizes.append(await eager.stage.look(HIGH_PERIODS - 1))
        sizes.append(await eager.stage.look(1))
        await eager.turn(False)
        assert len(eager.stage.cloud.policies) == 0
        assert (eager.stage.group.size_min, eager.stage.group.size_max) == limits
        return [*sizes, eager.stage.group.desired]

    assert asyncio.run(story()) == [3, 3, 1, 3]


@pytest.mark.parametrize("cpu", [35.0, 43.0, 85.0, 100.0])
def test_eager_group_keeps_its_size_while_somebody_comes(cpu: float) -> None:
    async def story() -> int:
        eager = Eager(cpu)
        await eager.turn(True)
        return await eager.stage.look(LOW_PERIODS)

    assert asyncio.run(story()) == 3
