"""A keeper of groups replaces, launches, drains and rebalances, unless told not to."""

from __future__ import annotations

import asyncio

import pytest

from demo_platform.document import State
from demo_platform.ec2 import group_keeper
from demo_platform.ec2.groups import Process
from demo_platform.fleet import Fate
from tests.memory_fleet import KILLED, Scene

API = "api-us-east-1"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits of a real platform, a hundred times faster."""
    monkeypatch.setattr(group_keeper, "FORGOTTEN_S", 0.025)
    monkeypatch.setattr(group_keeper, "GRACE_S", 0.015)
    monkeypatch.setattr("demo_platform.scaling.REPLACE_AFTER_S", 0.0075)


def api_in(scene: Scene, zone: str, index: int = 0) -> str:
    return scene.fleet.tenants[f"api/{zone}/{index}"].spec.id


def test_killed_instance_is_replaced_in_its_place() -> None:
    async def story() -> None:
        scene = Scene()
        first = scene.fleet.tenants["api/us-east-1b/0"]
        scene.keeper.died(first, KILLED)
        assert scene.zones(API) == ["a", "c"]
        await scene.until(lambda: scene.zones(API) == ["a", "b", "c"])
        assert api_in(scene, "us-east-1b") != first.spec.id
        await scene.until(lambda: scene.fleet.parted == [first.spec.id])
        (launch,) = scene.estate.activities.of(API)
        assert first.spec.id in launch.cause
        assert [one.spec.id for _, one in scene.estate.terminated] == [first.spec.id]

    asyncio.run(story())


@pytest.mark.parametrize(
    "process", [Process.LAUNCH, Process.REPLACE_UNHEALTHY, Process.HEALTH_CHECK]
)
def test_nothing_is_replaced_while_that_is_suspended(process: Process) -> None:
    async def story() -> None:
        scene = Scene()
        group = scene.estate.groups[API]
        group.suspended[process] = "test"
        scene.keeper.died(scene.fleet.tenants["api/us-east-1b/0"], KILLED)
        await asyncio.sleep(0.1)
        assert scene.zones(API) == ["a", "c"]
        group.suspended.clear()
        scene.keeper.wake()
        await scene.until(lambda: scene.zones(API) == ["a", "b", "c"])

    asyncio.run(story())


def test_group_grows_at_once_and_shrinks_by_draining() -> None:
    async def story() -> None:
        scene = Scene()
        group = scene.estate.groups[API]
        group.desired = 7
        await scene.until(lambda: scene.zones(API) == list("aaabbcc"))
        newest = scene.fleet.tenants["api/us-east-1a/2"]
        group.desired = 3
        scene.keeper.reconcile()
        assert newest.state is State.DRAINING
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert newest.spec.id in scene.fleet.out_of_service
        assert newest.spec.id in scene.fleet.leaving
        assert scene.zones(API) == list("abc")
        await scene.until(lambda: not scene.fleet.leaving)
        assert newest.state is State.DEAD
        group.desired = 7
        await scene.until(lambda: scene.zones(API) == list("aaabbcc"))
        assert scene.fleet.tenants["api/us-east-1a/2"].spec.id != newest.spec.id

    asyncio.run(story())


def test_dead_in_a_suspended_place_is_what_a_smaller_group_gives_up() -> None:
    async def story() -> None:
        scene = Scene()
        scene.estate.suspensions.suspend("test", [(API, zone) for zone in ZONES[:1]])
        scene.keeper.died(scene.fleet.tenants["api/us-east-1a/0"], KILLED)
        scene.estate.groups[API].desired = 2
        scene.keeper.reconcile()
        assert "api/us-east-1a/0" not in scene.fleet.tenants
        scene.estate.suspensions.release("test")
        scene.keeper.wake()
        await asyncio.sleep(0.05)
        assert scene.zones(API) == ["b", "c"]

    asyncio.run(story())


def test_zone_that_a_group_leaves_is_emptied_one_by_one() -> None:
    async def story() -> None:
        scene = Scene()
        scene.estate.groups[API].zones = ZONES[1:]
        await scene.until(lambda: scene.zones(API) == ["b", "b", "c"])
        assert scene.estate.groups[API].desired == 3

    asyncio.run(story())


def test_rebooted_instance_keeps_its_id_and_nothing_replaces_it() -> None:
    async def story() -> None:
        scene = Scene()
        tenant = scene.fleet.tenants["api/us-east-1b/0"]
        before = tenant.process
        scene.keeper.end(tenant, Fate.RESTARTED)
        await scene.until(lambda: tenant.process != before and tenant.state is State.UP)
        await asyncio.sleep(0.05)
        assert scene.fleet.tenants["api/us-east-1b/0"] is tenant
        assert tenant.fate is Fate.REPLACED

    asyncio.run(story())


def test_stopped_member_is_replaced_and_one_in_standby_is_not() -> None:
    async def story() -> None:
        scene = Scene()
        stopped = scene.fleet.tenants["api/us-east-1a/0"]
        scene.keeper.end(stopped, Fate.STOPPED)
        await scene.until(lambda: api_in(scene, "us-east-1a") != stopped.spec.id)
        aside = scene.fleet.tenants["api/us-east-1b/0"]
        aside.in_standby = True
        scene.estate.groups[API].desired = 2
        scene.keeper.end(aside, Fate.STOPPED)
        await scene.until(lambda: aside.state is State.STOPPED)
        await asyncio.sleep(0.05)
        assert scene.fleet.tenants["api/us-east-1b/0"] is aside
        scene.keeper.start_again(aside)
        await scene.until(lambda: aside.state is State.UP)

    asyncio.run(story())


def test_instance_deaf_to_the_end_is_killed() -> None:
    async def story() -> None:
        scene = Scene()
        tenant = scene.fleet.tenants["api/us-east-1a/0"]
        heard: list[int] = []
        really = scene.fleet.signal

        def deaf(one: object, number: int) -> None:
            heard.append(int(number))
            if number == 9:
                really(tenant, number)  # type: ignore[arg-type]

        scene.fleet.signal = deaf  # type: ignore[method-assign,assignment]
        scene.keeper.end(tenant, Fate.REPLACED)
        await scene.until(lambda: api_in(scene, "us-east-1a") != tenant.spec.id)
        assert heard == [15, 9]

    asyncio.run(story())


def test_newcomer_of_a_group_without_traffic_is_out_of_service() -> None:
    async def story() -> None:
        scene = Scene()
        group = scene.estate.groups[API]
        group.takes_traffic = False
        group.desired = 4
        await scene.until(lambda: len(scene.zones(API)) == 4)
        newcomer = api_in(scene, "us-east-1a", 1)
        await scene.until(lambda: scene.fleet.out_of_service == {newcomer})

    asyncio.run(story())


def test_what_is_known_by_its_place_has_a_fixed_group() -> None:
    scene = Scene()
    fixed = {one.service for one in scene.estate.groups.values() if one.is_fixed}
    assert fixed == {"cassandra", "dns", "eureka", "evcache"}
