"""A deployment comes out beside what serves, and goes again without anybody being missed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

import pytest

from demo_platform.ec2 import deployments, group_keeper, steps
from demo_platform.ec2.changes import Lease
from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.deployments import TOKEN_TAG, Deployments, Order
from demo_platform.errors import DemoError
from demo_platform.fleet import Tenant
from tests.memory_fleet import KILLED, Scene

RECS, NEW = "recs-us-east-1", "recs-us-east-1-v001"
LEASE = Lease("r-1", 60.0)


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "LOOK_S", 0.001)
    monkeypatch.setattr(group_keeper, "FORGOTTEN_S", 0.025)
    monkeypatch.setattr(group_keeper, "GRACE_S", 0.015)
    monkeypatch.setattr(deployments, "BACK_WITHIN_S", 0.05)
    monkeypatch.setattr("demo_platform.scaling.REPLACE_AFTER_S", 0.0075)


class Stage:
    """A small platform, and a store that knows who is asked: whoever is in service, or nobody."""

    def __init__(self, *, room: str = "") -> None:
        self.scene = Scene()
        self.is_silent = False
        regions = ("us-east-1",)
        estate, keeper = self.scene.estate, self.scene.keeper
        self.cloud = Cloud(estate, keeper, regions, lambda: self.scene.now_ms, lambda _more: room)
        self.deployments = Deployments(self.cloud, self, self.scene.spawn)
        self.before = set(self.scene.fleet.tenants)
        self.told: list[tuple[str, set[str]]] = []
        """What discovery was told, in order: who is in service or out of it."""
        self._tell = self.scene.fleet.set_in_service
        self.scene.fleet.set_in_service = self._note  # type: ignore[method-assign]

    async def _note(self, tenants: Iterable[Tenant], *, is_in_service: bool) -> list[Tenant]:
        chosen = list(tenants)
        self.told.append(("in" if is_in_service else "out", {one.spec.id for one in chosen}))
        return await self._tell(chosen, is_in_service=is_in_service)

    async def means(self, query: str, *, end_ms: int, steps: int) -> dict[str, float]:
        del query, end_ms, steps
        out = self.scene.fleet.out_of_service
        ids = [one.spec.id for one in self.scene.fleet.everybody()]
        return {} if self.is_silent else {id_: 5.0 for id_ in ids if id_ not in out}

    def ids(self, group: str) -> tuple[str, ...]:
        return tuple(one.spec.id for one in self.scene.estate.members(self.groups[group]))

    @property
    def groups(self) -> Mapping[str, Any]:
        return self.scene.estate.groups

    @property
    def out(self) -> set[str]:
        return self.scene.fleet.out_of_service

    async def done(self, token: str = LEASE.token) -> None:
        states = ("done", "failed")
        await self.scene.until(lambda: self.deployments.as_dict()[token]["state"] in states)

    async def gone(self) -> None:
        await self.scene.until(lambda: not self.deployments.as_dict())

    def assert_as_before(self) -> None:
        assert NEW not in self.groups
        assert set(self.scene.fleet.tenants) == self.before
        assert not set(self.ids(RECS)) & self.out


def told(story: Coroutine[Any, Any, Any]) -> None:
    asyncio.run(story)


def test_a_build_comes_out_in_a_group_of_its_own_and_goes() -> None:
    async def story() -> None:
        stage = Stage()
        stage.deployments.begin(Order(RECS, "slow", 3), LEASE)
        await stage.done()
        group = stage.groups[NEW]
        assert group.tags == {TOKEN_TAG: "r-1"}
        assert dict(group.labels) == {"version": "v001", "build": "slow"}
        new = [one.spec for one in stage.scene.estate.members(group)]
        assert sorted(one.zone[-1] for one in new) == ["a", "b", "c"]
        assert {dict(one.labels)["build"] for one in new} == {"slow"}
        assert stage.out == set()
        stage.deployments.begin(Order(RECS, "slow", 3), LEASE)
        assert len(stage.ids(NEW)) == 3, "begun once"
        stage.deployments.take_back("r-1")
        stage.deployments.take_back("r-1")
        await stage.gone()
        stage.assert_as_before()

    told(story())


def test_the_old_are_disabled_once_the_new_are_asked_and_enabled_before_those_go() -> None:
    async def story() -> None:
        stage = Stage()
        old = stage.ids(RECS)
        stage.is_silent = True
        stage.deployments.begin(Order(RECS, "wrong", 2, old[:2]), LEASE)
        await stage.scene.until(lambda: len(stage.ids(NEW)) == 2)
        await asyncio.sleep(0.03)
        assert not stage.out, "nobody knows yet that the new ones are asked"
        stage.is_silent = False
        await stage.done()
        assert stage.out == set(old[:2])
        assert stage.ids(RECS) == old, "none of them has been ended"
        new = set(stage.ids(NEW))
        stage.deployments.take_back("r-1")
        await stage.gone()
        assert stage.told[:2] == [("out", set(old[:2])), ("in", set(old[:2]))]
        assert set().union(*(ids for _, ids in stage.told[2:])) == new
        stage.assert_as_before()

    told(story())


def test_nobody_is_ended_while_discovery_does_not_hear_who_serves_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        monkeypatch.setattr(deployments, "AGAIN_S", 0.005)
        stage = Stage()
        stage.deployments.begin(Order(RECS, "slow", 3, stage.ids(RECS)), LEASE)
        await stage.done()
        stage.scene.fleet.is_deaf = True
        stage.deployments.take_back("r-1")
        await stage.scene.until(lambda: len([one for one in stage.told if one[0] == "in"]) > 3)
        assert len(stage.ids(NEW)) == 3
        assert stage.deployments.as_dict()["r-1"]["state"] == "ending"
        stage.scene.fleet.is_deaf = False
        await stage.gone()
        stage.assert_as_before()

    told(story())


def test_without_a_store_it_goes_all_the_same() -> None:
    async def story() -> None:
        stage = Stage()
        stage.deployments.begin(Order(RECS, "slow", 3, stage.ids(RECS)), LEASE)
        await stage.done()
        stage.is_silent = True
        stage.deployments.take_back("r-1")
        await stage.gone()
        stage.assert_as_before()

    told(story())


def test_it_goes_when_its_lease_ends() -> None:
    async def story() -> None:
        stage = Stage()
        stage.deployments.begin(Order(RECS, "leaky", 3, stage.ids(RECS)), Lease("r-1", 0.2))
        await stage.done()
        assert stage.out
        await stage.gone()
        stage.assert_as_before()

    told(story())


def test_it_goes_before_it_has_come_out() -> None:
    async def story() -> None:
        stage = Stage()
        stage.scene.fleet.comes_up = False
        stage.deployments.begin(Order(RECS, "slow", 3), LEASE)
        stage.deployments.take_back("r-1")
        await stage.gone()
        stage.assert_as_before()

    told(story())


def test_what_was_taken_back_before_it_began_does_not_begin() -> None:
    async def story() -> None:
        stage = Stage()
        stage.deployments.take_back("r-1")
        with pytest.raises(DemoError, match="lease has ended"):
            stage.deployments.begin(Order(RECS, "slow", 3), LEASE)
        stage.assert_as_before()

    told(story())


def test_who_dies_of_the_new_is_replaced_by_the_same_build() -> None:
    async def story() -> None:
        stage = Stage()
        stage.deployments.begin(Order(RECS, "leaky", 3), LEASE)
        await stage.done()
        victim = stage.scene.estate.members(stage.groups[NEW])[0]
        stage.scene.keeper.died(victim, KILLED)
        await stage.scene.until(lambda: victim.spec.id not in stage.ids(NEW))
        members = stage.scene.estate.members(stage.groups[NEW])
        assert {dict(one.spec.labels)["build"] for one in members} == {"leaky"}
        stage.deployments.take_back("r-1")
        await stage.gone()
        stage.assert_as_before()

    told(story())


def test_what_somebody_else_has_done_is_left_to_them() -> None:
    async def story() -> None:
        stage = Stage()
        old = stage.ids(RECS)
        stage.groups[RECS].takes_traffic = False
        stage.out.update(old)
        stage.deployments.begin(Order(RECS, "slow", 3, old), LEASE)
        await stage.done()
        assert stage.deployments.as_dict()["r-1"]["disabled"] == []
        stage.groups[NEW].tags[TOKEN_TAG] = "theirs"
        stage.deployments.take_back("r-1")
        await stage.gone()
        assert stage.out >= set(old)
        assert len(stage.ids(NEW)) == 3

    told(story())


def test_nobody_is_disabled_for_a_group_that_somebody_has_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        stage = Stage()
        stage.is_silent = True
        monkeypatch.setattr(deployments, "SERVING_WITHIN_S", 0.3)
        stage.deployments.begin(Order(RECS, "slow", 3, stage.ids(RECS)), LEASE)
        await stage.scene.until(lambda: len(stage.ids(NEW)) == 3)
        stage.cloud.delete_group(stage.groups[NEW], why="somebody wanted it")
        stage.is_silent = False
        await stage.done()
        assert stage.deployments.as_dict()["r-1"]["state"] == "failed"
        assert not set(stage.ids(RECS)) & stage.out
        stage.deployments.take_back("r-1")
        await stage.gone()
        stage.assert_as_before()

    told(story())


def test_two_deployments_have_numbers_of_their_own() -> None:
    async def story() -> None:
        stage = Stage()
        stage.deployments.begin(Order(RECS, "slow", 1), LEASE)
        stage.deployments.begin(Order(RECS, "wrong", 1), Lease("r-2", 60.0))
        assert {"recs-us-east-1-v001", "recs-us-east-1-v002"} <= set(stage.groups)
        stage.deployments.take_back("r-1")
        await stage.scene.until(lambda: NEW not in stage.groups)
        assert "recs-us-east-1-v002" in stage.groups
        assert stage.cloud.next_name(RECS) == "recs-us-east-1-v003"

    told(story())


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (Order("rec-us-east-1", "slow", 3), "unknown group"),
        (Order(RECS, "slwo", 3), "unknown build"),
        (Order("edge-us-east-1", "slow", 3), "no other build of edge"),
        (Order("eureka-us-east-1", "slow", 3), "no other build of eureka"),
        (Order(RECS, "slow", 0), "cannot have 0 instances"),
        (Order(RECS, "slow", 13), "cannot have 13 instances"),
    ],
)
def test_what_cannot_be_deployed_is_refused(order: Order, says: str) -> None:
    async def story() -> None:
        stage = Stage()
        with pytest.raises(DemoError, match=says):
            stage.deployments.begin(order, LEASE)
        stage.assert_as_before()

    told(story())


def test_what_there_is_no_room_for_is_refused() -> None:
    async def story() -> None:
        stage = Stage(room="not enough")
        with pytest.raises(DemoError, match="not enough"):
            stage.deployments.begin(Order(RECS, "slow", 3), LEASE)
        stage.assert_as_before()

    told(story())
