"""How many members come, what they do, and how their starts are counted."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from demo_platform.eureka.directory import Directory
from demo_platform.eureka.listing import Registered
from demo_platform.knobs import Knobs
from demo_platform.members.device import OK, Answer, Device, Devices, Outcome
from demo_platform.members.viewers import SETTLE_S, Viewers
from demo_platform.members.visit import HEARTBEAT_S
from demo_platform.metrics import Meters
from demo_platform.resilience.fallback import popular_titles
from demo_platform.service import Body, Node, Request
from demo_platform.services import SERVICES, api
from demo_platform.topology import InstanceSpec
from tests.metric_lines import metrics_of

Jump = Callable[[Coroutine[Any, Any, Any]], Any]
NONE: Mapping[str, Outcome] = MappingProxyType({})
EAST = "us-east-1"
REGIONS_TEXT = "us-east-1,us-west-2"


class ScriptedDevices(Devices):
    """Answers each route with its outcome; routes that are not named are fine."""

    def __init__(
        self, outcomes: Mapping[str, Outcome] = NONE, *, tries: int = 1, home: bytes = b"{}"
    ) -> None:
        self.outcomes = outcomes
        self.answers = {"home": home}
        self.tries = tries
        self.bodies: list[Body] = []
        self.steps: list[tuple[float, str, str]] = []

    async def step(
        self, device: Device, route: str, body: Body, *, request_id: str, within_s: float
    ) -> Answer:
        number = request_id.split("-")[1]
        self.steps.append((asyncio.get_running_loop().time(), number, str(route)))
        self.bodies.append(dict(body))
        await asyncio.sleep(0.01)
        return Answer(self.outcomes.get(route, OK), self.answers.get(route, b"{}"), self.tries)


async def watched(
    devices: ScriptedDevices,
    *,
    rate: float,
    for_s: float,
    is_open: bool = True,
    dials: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, float]:
    """Run the viewers of one region; returns what they counted, series to sum."""
    spec = InstanceSpec(
        "v", "viewers", "v-e", EAST, EAST, "127.0.0.1", 1, 7, (), "", (("regions", REGIONS_TEXT),)
    )
    directory, meters, knobs = Directory(), Meters({}), Knobs(starts_per_second=rate)
    for name, value in dials.items():
        knobs.turn(name, value)
    services = sorted(SERVICES) if is_open else sorted(SERVICES)[1:]
    directory.learn(Registered(name, name, "r", "a", "127.0.0.1", 1, "UP") for name in services)
    viewers = Viewers(spec, knobs, meters, directory, devices)
    running = asyncio.create_task(viewers.run())
    await asyncio.sleep(SETTLE_S + for_s)
    running.cancel()
    counted: dict[str, float] = defaultdict(float)
    for metric in metrics_of(meters):
        words = sorted(
            (key.rpartition(".")[2], value)
            for key, value in metric["tags"].items()
            if not key.startswith("nf.")
        )
        # Of a timer, how many values it sent.
        is_value = metric["tags"].get("statistic") == "value"
        counted[" ".join(value for _, value in words)] += 1 if is_value else metric["value"]
    return counted


def starts_of(counted: dict[str, float], cohort: str = "") -> dict[str, float]:
    """Starts by cause, of a cohort or of all."""
    by_cause: Counter[str] = Counter()
    for key, count in counted.items():
        words = key.split()
        if words[2:3] == ["playback.starts"] and count and cohort in {"", words[1]}:
            assert (words[0] == "none") is (words[3] == "success")
            by_cause[words[0]] += int(count)
    return dict(by_cause)


def test_members_come_at_the_regions_share_of_the_rate(jump: Jump) -> None:
    counted = jump(watched(ScriptedDevices(), rate=30.0, for_s=200.0))
    assert counted["playback.offered"] == pytest.approx(15 * 200, rel=0.05)
    assert starts_of(counted) == {"none": pytest.approx(15 * 200, rel=0.05)}


@pytest.mark.parametrize(
    ("dials", "times"),
    [({"weight-us-east-1": 3.0}, 1.5), ({"weight-us-east-1": 0.0}, 0.0), ({"diurnal-ratio": 1}, 1)],
)
def test_the_share_follows_the_regions_weight(
    jump: Jump, dials: dict[str, float], times: float
) -> None:
    counted = jump(watched(ScriptedDevices(), rate=30.0, for_s=300.0, dials=dials))
    assert counted["playback.offered"] == pytest.approx(15 * 300 * times, rel=0.05)


def test_the_audience_is_as_large_in_the_first_seconds_as_later(jump: Jump) -> None:
    devices = ScriptedDevices()
    jump(watched(devices, rate=30.0, for_s=200.0))
    beats = [at for at, _, route in devices.steps if route == "heartbeat"]
    began = min(beats)
    early = sum(at < began + 20 for at in beats) / 20
    late = sum(began + 100 <= at < began + 200 for at in beats) / 100
    assert early == pytest.approx(late, rel=0.15)
    assert late == pytest.approx(15 * 2.03, rel=0.1)


def test_a_member_signs_in_looks_presses_play_and_watches(jump: Jump) -> None:
    devices = ScriptedDevices()
    jump(watched(devices, rate=1.0, for_s=100.0))
    by_member: dict[str, list[tuple[float, str]]] = {}
    for at, member, route in devices.steps:
        by_member.setdefault(member, []).append((at, route))
    visits = [steps for steps in by_member.values() if steps[0][1] == "signin"]
    assert visits
    for steps in visits:
        routes = [route for _, route in steps]
        assert routes[:2] == ["signin", "home"][: len(steps)]
        assert "heartbeat" not in routes or routes.index("heartbeat") == routes.index("play") + 1
        beats = [at for at, route in steps if route == "heartbeat"]
        gaps = [later - earlier for earlier, later in pairwise(beats)]
        assert gaps == pytest.approx([HEARTBEAT_S] * len(gaps))


@pytest.mark.parametrize(
    ("route", "outcome", "cause", "stage"),
    [
        ("signin", Outcome(False, "auth"), "auth", "signin"),
        ("signin", Outcome(False, "unreachable"), "unreachable", "connect"),
        ("play", Outcome(False, "unreachable"), "unreachable", "play"),
        ("play", Outcome(False, "no such service"), "unreachable", "play"),
        ("home", Outcome(False, "recs"), "none", "home"),
        ("heartbeat", Outcome(False, "playback"), "none", "heartbeat"),
    ],
)
def test_a_start_is_signing_in_and_playing(
    jump: Jump, route: str, outcome: Outcome, cause: str, stage: str
) -> None:
    counted = jump(watched(ScriptedDevices({route: outcome}), rate=4.0, for_s=60.0))
    assert list(starts_of(counted)) == [cause]
    errors = {key.split()[-1]: n for key, n in counted.items() if "viewers.errors" in key and n}
    assert list(errors) == [stage]


def test_counts_heartbeats_that_fail(jump: Jump) -> None:
    devices = ScriptedDevices({"heartbeat": Outcome(False, "playback")})
    counted = jump(watched(devices, rate=4.0, for_s=30.0))
    assert counted["playback.heartbeats failure"] > 0
    assert counted["playback.heartbeats success"] == 0


@pytest.mark.parametrize(("rate", "is_open"), [(0.0, True), (30.0, False)])
def test_nobody_comes_without_a_rate_or_while_a_service_is_missing(
    jump: Jump, rate: float, is_open: bool
) -> None:
    counted = jump(watched(ScriptedDevices(), rate=rate, for_s=30.0, is_open=is_open))
    assert not any(counted.values())


def test_has_a_series_for_each_cause_from_the_first_step_on(jump: Jump) -> None:
    counted = jump(watched(ScriptedDevices(), rate=0.0, for_s=1.0))
    failed = {tuple(key.split()[:2]) for key in counted if "starts failure" in key}
    causes = {*SERVICES, "dns", "unreachable"}
    assert failed == {(one, in_) for one in causes for in_ in ("none", "control", "experiment")}


def test_control_and_experiment_are_of_equal_size(jump: Jump) -> None:
    dials = {"cohort-ratio": 0.25}
    counted = jump(watched(ScriptedDevices(), rate=30.0, for_s=300.0, dials=dials))
    control, experiment, others = (
        starts_of(counted, cohort)["none"] for cohort in ("control", "experiment", "none")
    )
    assert control == pytest.approx(experiment, rel=0.1)
    assert control + experiment == pytest.approx(others, rel=0.1)


@pytest.mark.parametrize(
    ("recs", "rows"),
    [({"rows": [{"name": "for you", "titles": [3]}]}, "own"), (popular_titles(), "popular")],
)
def test_tells_a_members_own_rows_from_those_for_everybody(
    jump: Jump, recs: Body, rows: str
) -> None:
    """What the api makes of the recommendations, or of their fallback."""

    class Answers:
        async def call(self, service: str, route: str, body: Body, request: Request) -> Body:
            return recs if service == "recs" else {"rows": []}

    async def home() -> bytes:
        request = Request("home", {}, 0.0, "r")
        return msgspec.json.encode(await api.home(request, Node("n", "z", Answers())))

    counted = jump(watched(ScriptedDevices(home=jump(home())), rate=4.0, for_s=60.0))
    assert {key: n > 0 for key, n in counted.items() if "viewers.home" in key} == {
        f"viewers.home {each}": each == rows for each in ("own", "popular")
    }


def test_counts_retries_delays_and_running_streams(jump: Jump) -> None:
    devices = ScriptedDevices(tries=3)
    counted = jump(watched(devices, rate=30.0, for_s=200.0))
    assert counted["viewers.retries"] == pytest.approx(2 * len(devices.steps), rel=0.01)
    assert counted["viewers.streams"] == pytest.approx(15 * 20, rel=0.2)
    delays = [n for key, n in counted.items() if "viewers.startDelay" in key]
    assert sum(delays) == starts_of(counted)["none"]


def test_the_same_seed_brings_the_same_members(jump: Jump) -> None:
    """At the same moments, with the same wishes: also where the platform fares quite otherwise."""
    first, again = ScriptedDevices(), ScriptedDevices()
    other = ScriptedDevices({"signin": Outcome(False, "auth")})
    for devices in (first, again, other):
        jump(watched(devices, rate=10.0, for_s=60.0))
    assert (first.steps, first.bodies) == (again.steps, again.bodies)

    def arrivals(of: ScriptedDevices) -> list[tuple[object, ...]]:
        steps = zip(of.steps, of.bodies, strict=True)
        return [(*step, body) for step, body in steps if step[2] == "signin"]

    assert arrivals(first)
    assert arrivals(first) == arrivals(other)
