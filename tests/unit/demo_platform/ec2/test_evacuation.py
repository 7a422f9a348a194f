"""A region is left step by step, and everything is as it was once that is taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

import pytest

from demo_platform.ec2 import evacuation, steps
from demo_platform.ec2.autoscaler import ERRORS
from demo_platform.ec2.changes import FOR_GOOD, Lease
from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.evacuation import ASKED, BUSY, OFFERED, Evacuations
from demo_platform.ec2.groups import Process
from demo_platform.ec2.steps import Evacuation, Progress
from demo_platform.errors import DemoError
from demo_platform.fleet import Tenant
from demo_platform.knobs import Knobs
from demo_platform.topology import REGIONS
from tests.memory_fleet import Scene

EAST, WEST = REGIONS
PLAYBACK = f"playback-{WEST}"
API = f"api-{EAST}"
MINE = Lease("mine", 60.0)


class Store:
    """Says what the scene is like: members are where the dials send them."""

    def __init__(self, scene: Scene, knobs: Knobs) -> None:
        self.scene, self.knobs = scene, knobs
        self.busy: dict[str, float] = dict.fromkeys(scene.estate.groups, 10.0)
        self.errors: float | None = 0.0
        self.idle: set[str] = set()

    async def means(self, query: str, *, end_ms: int, steps: int) -> dict[str, float]:
        del end_ms, steps
        if query in BUSY:
            return self.busy if query == BUSY[0] else {}
        if query in ERRORS:
            return {} if self.errors is None else dict.fromkeys(REGIONS, self.errors)
        if query in (OFFERED, ASKED):
            return {region: self.knobs.region_share(region, REGIONS) for region in REGIONS}
        assert query.startswith(
            "name,ipc.server.call,:eq,statistic,count,:eq,:and,nf.asg,(,playback-us-west-2,),:in"
        )
        tenants = self.scene.fleet.tenants.values()
        return {one.spec.id: 3.0 for one in tenants if one.spec.id not in self.idle}


class Stage:
    """Two regions whose clock goes on with every look; must be made inside a running loop."""

    def __init__(self, *switches: str, room: str = "") -> None:
        self.scene = Scene("normal")
        self.knobs = Knobs()
        for name in switches:
            self.knobs.set(name, True)
        self.store = Store(self.scene, self.knobs)
        self.room = room
        self.cloud = Cloud(
            self.scene.estate, self.scene.keeper, REGIONS, self._now_ms, lambda _more: self.room
        )
        self.evacuations = Evacuations(self.cloud, self.knobs, self.store)
        self.order: list[str] = []

    def _now_ms(self) -> int:
        self.scene.now_ms += 500
        return self.scene.now_ms

    def sizes(self) -> dict[str, int]:
        return {name: group.desired for name, group in self.scene.estate.groups.items()}

    def state(self) -> tuple[Mapping[str, float], Mapping[str, int]]:
        """All that an evacuation may change."""
        return self.knobs.dials(), self.sizes()

    async def grow(self, name: str, size: int) -> None:
        """Have a group be of another size before anything begins."""
        self.scene.estate.groups[name].desired = size
        self.scene.keeper.reconcile()
        await asyncio.sleep(0.01)

    async def begin(self, lease: Lease = FOR_GOOD, *, is_back: bool = False) -> Evacuation:
        begun = await self.evacuations.begin(EAST, is_back=is_back, lease=lease)
        assert begun is not None
        return begun

    async def go(self, lease: Lease = FOR_GOOD, *, is_back: bool = False) -> Evacuation:
        """An evacuation to its end."""
        begun = await self.begin(lease, is_back=is_back)
        await self.evacuations.run(begun)
        return begun


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "LOOK_S", 0.001)
    monkeypatch.setattr(evacuation, "SHIFTED_WITHIN_S", 0.05)
    monkeypatch.setattr(evacuation, "SCALED_WITHIN_S", 0.5)


def told(story: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(story)


def test_goes_away_and_comes_back_to_what_was() -> None:
    async def story() -> None:
        stage = Stage()
        before = stage.state()
        stage.store.busy[PLAYBACK] = 43.0
        away = await stage.go()
        assert away.progress is Progress.DONE, away.problem
        assert [step.name for step in away.steps] == [
            *("scale the saviors", "proxy at the edge", "shift the members", "drain the region")
        ]
        assert stage.knobs.dial(f"proxy-{EAST}") == 1.0
        assert stage.knobs.dial(f"weight-{EAST}") == 0.0
        assert {n: s for n, s in stage.sizes().items() if s != before[1][n]} == {PLAYBACK: 6}
        back = await stage.go(is_back=True)
        assert back.progress is Progress.DONE, back.problem
        assert stage.state() == before

    told(story())


@pytest.mark.parametrize(
    ("switches", "first", "size_at_proxy"),
    [((), "scale the saviors", 9), (("shift-before-scaling",), "proxy at the edge", 3)],
)
def test_scales_before_anybody_is_moved_unless_that_is_switched(
    switches: tuple[str, ...], first: str, size_at_proxy: int
) -> None:
    async def story() -> None:
        stage = Stage(*switches)
        stage.store.busy[PLAYBACK] = 85.0
        sizes_at: list[int] = []
        turn = stage.knobs.turn

        def note(name: str, value: float) -> None:
            if name == f"proxy-{EAST}":
                members = stage.scene.estate.members(stage.scene.estate.groups[PLAYBACK])
                sizes_at.append(len(members))
            turn(name, value)

        stage.evacuations._knobs = Watched(stage.knobs, note)  # type: ignore[assignment]
        done = await stage.go()
        assert done.progress is Progress.DONE, done.problem
        assert done.steps[0].name == first
        assert sizes_at == [size_at_proxy]
        assert stage.sizes()[PLAYBACK] == 9

    told(story())


class Watched:
    """Knobs whose turning is noted."""

    def __init__(self, knobs: Knobs, turn: Any) -> None:
        self._knobs = knobs
        self.turn = turn

    def __getattr__(self, name: str) -> Any:
        return getattr(self._knobs, name)


def test_flawed_one_stays_where_members_fare_badly_and_never_scales() -> None:
    async def story() -> None:
        stage = Stage("shift-before-scaling")
        stage.store.busy[PLAYBACK] = 85.0
        stage.store.errors = 0.4
        failed = await stage.go()
        assert (failed.progress, "errors at 40%" in failed.problem) == (Progress.FAILED, True)
        assert [step.progress.value for step in failed.steps] == ["failed", *["waiting"] * 3]
        assert stage.sizes()[PLAYBACK] == 3

    told(story())


def test_waits_until_what_is_new_is_asked_something() -> None:
    async def story() -> None:
        stage = Stage()
        stage.store.busy[PLAYBACK] = 85.0
        fleet = stage.scene.fleet
        up = fleet.on_up

        def arrives(tenant: Tenant) -> None:
            stage.store.idle.add(tenant.spec.id)
            up(tenant)

        fleet.on_up = arrives
        begun = await stage.begin()
        running = asyncio.create_task(stage.evacuations.run(begun))
        await asyncio.sleep(0.1)
        assert (len(stage.store.idle), begun.steps[0].progress) == (6, Progress.RUNNING)
        assert stage.knobs.dial(f"proxy-{EAST}") == 0.0
        stage.store.idle.clear()
        await running
        assert begun.progress is Progress.DONE, begun.problem

    told(story())


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.2])
def test_is_taken_back_at_once_wherever_it_is(seconds: float) -> None:
    async def story() -> None:
        stage = Stage()
        before = stage.state()
        stage.store.busy[PLAYBACK] = 85.0
        stage.store.errors = 0.4
        begun = await stage.begin(MINE)
        running = asyncio.create_task(stage.evacuations.run(begun))
        await asyncio.sleep(seconds)
        for _ in range(2):
            stage.evacuations.take_back("another's")
            stage.evacuations.take_back(MINE.token)
            assert stage.state() == before
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.sleep(0.05)
        assert stage.state() == before
        assert stage.evacuations.last is None

    told(story())


def test_taken_back_after_it_was_drained_and_again_possible() -> None:
    async def story() -> None:
        stage = Stage()
        await stage.grow(API, 6)
        before = stage.state()
        assert (await stage.go(MINE)).progress is Progress.DONE
        assert stage.sizes()[API] == 3
        stage.evacuations.take_back(MINE.token)
        assert stage.state() == before
        assert (await stage.go(Lease("next", 60.0))).progress is Progress.DONE

    told(story())


def test_what_somebody_else_has_changed_since_is_theirs() -> None:
    async def story() -> None:
        stage = Stage()
        stage.store.busy[PLAYBACK] = 43.0
        await stage.go(MINE)
        stage.knobs.turn(f"weight-{EAST}", 2.0)
        stage.cloud.resize(stage.scene.estate.groups[PLAYBACK], 7, why="an operator's")
        stage.evacuations.take_back(MINE.token)
        assert stage.knobs.dial(f"weight-{EAST}") == 2.0
        assert stage.knobs.dial(f"proxy-{EAST}") == 0.0
        assert stage.sizes()[PLAYBACK] == 7

    told(story())


def test_a_group_that_cannot_grow_back_is_told_and_tried_again() -> None:
    async def story() -> None:
        stage = Stage()
        await stage.grow(API, 6)
        before = stage.state()
        await stage.go(MINE)
        stage.room = "no memory"
        with pytest.raises(DemoError, match=f"{API} stays at 3"):
            stage.evacuations.take_back(MINE.token)
        assert stage.knobs.dials() == before[0]
        stage.room = ""
        stage.evacuations.take_back(MINE.token)
        assert stage.state() == before

    told(story())


def test_a_lease_ends_by_itself() -> None:
    async def story() -> None:
        stage = Stage()
        before = stage.state()
        short = Lease("short", 0.2)
        begun = await stage.begin(short)
        running = asyncio.create_task(stage.evacuations.run(begun))
        await stage.evacuations.expire(short)
        await asyncio.gather(running, return_exceptions=True)
        assert stage.state() == before

    told(story())


def test_a_lease_begins_once_and_not_after_its_end() -> None:
    async def story() -> None:
        stage = Stage()
        await stage.begin(MINE)
        assert await stage.evacuations.begin(EAST, is_back=False, lease=MINE) is None
        stage.evacuations.take_back(MINE.token)
        with pytest.raises(DemoError, match="this lease has ended"):
            await stage.begin(MINE)

    told(story())


def refused(stage: Stage) -> str:
    """Why an evacuation does not begin; nothing is changed then."""
    before = stage.state()
    with pytest.raises(DemoError) as caught:
        asyncio.run(stage.begin())
    assert stage.state() == before
    assert caught.value.fix
    return caught.value.what


def test_is_refused_where_the_savior_cannot_do_it() -> None:
    async def made(room: str = "") -> Stage:
        return Stage(room=room)

    stage = told(made())
    stage.store.busy[PLAYBACK] = 140.0
    assert refused(stage) == (
        f"the savior cannot scale: {PLAYBACK} would need 10 instances and may have 9"
    )
    stage = told(made())
    stage.store.busy[PLAYBACK] = 85.0
    stage.scene.estate.groups[PLAYBACK].suspended[Process.LAUNCH] = "test"
    assert "Launch is suspended" in refused(stage)
    stage = told(made("no memory at all"))
    assert refused(stage) == "the savior cannot scale: no memory at all"
    stage = told(made())
    del stage.store.busy[PLAYBACK]
    assert refused(stage) == f"the store does not say how busy {PLAYBACK} is"
    stage = told(made())
    stage.knobs.turn(f"weight-{WEST}", 0.0)
    assert refused(stage) == f"every member is sent to {EAST}"
