"""How many members come, what they do, and how their starts are counted."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any, cast

import pytest

from demo_platform.device import Devices, Outcome
from demo_platform.discovery_client import Directory
from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters
from demo_platform.registry import Registered
from demo_platform.service import Body
from demo_platform.services import SERVICES
from demo_platform.topology import InstanceSpec
from demo_platform.viewers import HEARTBEAT_S, SETTLE_S, Viewers

Jump = Callable[[Coroutine[Any, Any, Any]], Any]
OK = Outcome(True, "none")


class ScriptedDevices(Devices):
    """Answers each route with its outcome; routes that are not named are fine."""

    def __init__(self, **outcomes: Outcome) -> None:
        self.outcomes = outcomes
        self.steps: list[tuple[float, str, str]] = []

    async def step(
        self, route: str, body: Body, *, request_id: str, within_s: float = 3.0
    ) -> Outcome:
        member = request_id.split("-")[1]
        self.steps.append((asyncio.get_running_loop().time(), member, route))
        await asyncio.sleep(0.01)
        return self.outcomes.get(route, OK)


async def watched(
    devices: ScriptedDevices, *, rate: float, for_s: float, regions: str = "2", is_open: bool = True
) -> dict[str, float]:
    """Run the viewers of one region; returns what they counted, series to sum."""
    spec = InstanceSpec(
        "v", "viewers", "viewers-r", "r", "r", "127.0.0.1", 1, 7, (), "", (("regions", regions),)
    )
    directory, meters, knobs = Directory(), Meters({}), Knobs(starts_per_second=rate)
    services = sorted(SERVICES) if is_open else sorted(SERVICES)[1:]
    directory.learn(Registered(name, name, "r", "a", "127.0.0.1", 1, "UP") for name in services)
    viewers = Viewers(spec, knobs, meters, cast("Any", None), directory, devices=devices)
    running = asyncio.create_task(viewers.run())
    await asyncio.sleep(SETTLE_S + for_s)
    running.cancel()
    metrics = json.loads(meters.take(timestamp_ms=0, span_s=1.0))["metrics"]
    return {
        " ".join(value for key, value in sorted(metric["tags"].items()) if "." not in key): (
            metric["value"]
        )
        for metric in metrics
    }


def test_members_come_at_the_regions_share_of_the_rate(jump: Jump) -> None:
    counted = jump(watched(ScriptedDevices(), rate=30.0, for_s=200.0))
    assert counted["viewers.offered"] == pytest.approx(15 * 200, rel=0.05)
    assert counted["none viewers.starts ok"] == pytest.approx(15 * 200, rel=0.05)


def test_the_audience_is_as_large_in_the_first_seconds_as_later(jump: Jump) -> None:
    devices = ScriptedDevices()
    jump(watched(devices, rate=30.0, for_s=200.0))
    beats = [at for at, _, route in devices.steps if route == "heartbeat"]
    began = min(beats)
    early = sum(at < began + 20 for at in beats) / 20
    late = sum(began + 100 <= at < began + 200 for at in beats) / 100
    assert early == pytest.approx(late, rel=0.15)
    assert late == pytest.approx(15 * 4.43, rel=0.1)


def test_a_member_signs_in_looks_presses_play_and_watches(jump: Jump) -> None:
    devices = ScriptedDevices()
    jump(watched(devices, rate=1.0, for_s=100.0))
    by_member: dict[str, list[tuple[float, str]]] = {}
    for at, member, route in devices.steps:
        by_member.setdefault(member, []).append((at, route))
    visits = [steps for steps in by_member.values() if steps[0][1] == "signin"]
    assert visits
    for steps in visits:
        assert [route for _, route in steps[:3]] == ["signin", "home", "play"][: len(steps)]
        beats = [at for at, route in steps if route == "heartbeat"]
        gaps = [later - earlier for earlier, later in pairwise(beats)]
        assert gaps == pytest.approx([HEARTBEAT_S] * len(gaps))


@pytest.mark.parametrize(
    ("outcomes", "series"),
    [
        ({"signin": Outcome(False, "auth")}, "auth viewers.starts failed"),
        ({"play": Outcome(False, "unreachable")}, "unreachable viewers.starts failed"),
        ({"home": Outcome(False, "recs")}, "none viewers.starts ok"),
    ],
)
def test_a_start_is_signing_in_and_playing(
    jump: Jump, outcomes: dict[str, Outcome], series: str
) -> None:
    counted = jump(watched(ScriptedDevices(**outcomes), rate=4.0, for_s=60.0))
    starts = {key: count for key, count in counted.items() if "starts" in key and count}
    assert list(starts) == [series]


def test_counts_heartbeats_that_fail(jump: Jump) -> None:
    devices = ScriptedDevices(heartbeat=Outcome(False, "playback"))
    counted = jump(watched(devices, rate=4.0, for_s=30.0))
    assert counted["viewers.heartbeats failed"] > 0
    assert counted["viewers.heartbeats ok"] == 0


@pytest.mark.parametrize(("rate", "is_open"), [(0.0, True), (30.0, False)])
def test_nobody_comes_without_a_rate_or_while_a_service_is_missing(
    jump: Jump, rate: float, is_open: bool
) -> None:
    counted = jump(watched(ScriptedDevices(), rate=rate, for_s=30.0, is_open=is_open))
    assert not any(counted.values())


def test_has_a_series_for_each_cause_from_the_first_step_on(jump: Jump) -> None:
    counted = jump(watched(ScriptedDevices(), rate=0.0, for_s=1.0))
    causes = {key.split()[0] for key in counted if "starts failed" in key}
    assert causes == {*SERVICES, "unreachable"}
