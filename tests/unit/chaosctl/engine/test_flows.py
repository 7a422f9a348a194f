"""What went between the services stays in the run's folder, and never costs a verdict."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from chaosctl.engine.flows import FLOWS_MAX, STEPS_MAX, step_for
from chaosctl.engine.result import RunResult
from chaosctl.engine.run import World
from chaosctl.engine.series import read_series
from chaosctl.errors import StoreSilent
from chaosctl.judge.samples import Span, step_ends
from chaosctl.judge.traffic import NO_TRAFFIC, Flow, Traffic
from chaosctl.judge.verdict import Verdict
from tests.simulated_run import ERRORS, run
from tests.simulated_target import FOREVER, SimulatedWorld


@pytest.fixture
def world(tmp_path: Path) -> SimulatedWorld:
    made = SimulatedWorld(tmp_path)
    made.store.values = {ERRORS: lambda _end, _hit: 0.001}
    return made


def run_with(world: SimulatedWorld, flows: Callable[[Span, int], Traffic]) -> RunResult:
    return run(world, open_world=lambda _say: World(world.target, world.store, flows=flows))


def steady(span: Span, step_ms: int) -> Traffic:
    ends = step_ends(span, step_ms)
    rate = {end: 60 + 1 / 3 for end in ends if end != ends[3]}
    api = Flow("api", "edge", rate, {ends[-1]: 2.0}, open={ends[-1]: 1.0})
    return Traffic((api, Flow("edge", "", rate)), step_ms, registered={ends[0]: 8.0})


def test_flows_are_kept_from_the_baseline_to_the_recovery(world: SimulatedWorld) -> None:
    result = run_with(world, steady)
    assert result.folder is not None
    traffic = read_series(result.folder).traffic
    api, edge = traffic.flows
    assert (api.service, api.caller, edge.caller, traffic.step_ms) == ("api", "edge", "", 1000)
    assert min(api.rate) == result.detail["baseline_span"]["start_ms"] + 1000
    assert max(api.rate) > result.detail["removed_ms"]
    assert list(api.failed.values()) == [2.0]
    assert list(api.open.values()) == [1.0]
    assert list(traffic.registered.values()) == [8.0]
    assert (edge.failed, edge.replaced, edge.open) == ({}, {}, {})
    assert len(edge.rate) == (max(edge.rate) - min(edge.rate)) // 1000  # the gap stays one
    assert set(edge.rate.values()) == {60.3333}


def test_a_store_that_does_not_say_changes_no_verdict(world: SimulatedWorld) -> None:
    def refuse(_span: Span, _step_ms: int) -> Traffic:
        raise StoreSilent("no answer in time", where="store", fix="wait")

    result = run_with(world, refuse)
    assert result.verdict is Verdict.PASSED
    assert result.folder is not None
    assert "no answer in time" in read_series(result.folder).traffic.trouble
    assert any("no answer in time" in note["text"] for note in world.told("note"))


def test_a_store_that_hangs_is_not_waited_for(world: SimulatedWorld) -> None:
    def hang(_span: Span, _step_ms: int) -> Traffic:
        world.time.spend(FOREVER)
        return NO_TRAFFIC

    result = run_with(world, hang)
    assert (result.verdict, result.folder is not None) == (Verdict.PASSED, True)
    assert result.detail["ended_ms"] - world.told("recovery")[0]["at_ms"] < 3500
    assert result.folder is not None
    assert "within 3 s" in read_series(result.folder).traffic.trouble


def test_who_ends_a_run_does_not_wait_for_its_flows(world: SimulatedWorld) -> None:
    asked = []
    world.at_event("confirm", lambda: world.signals.send(signal.SIGINT), after_s=4)
    result = run_with(world, lambda *span: asked.append(span) or NO_TRAFFIC)
    assert (result.verdict, asked) == (Verdict.ABORTED, [])


def test_only_the_busiest_flows_are_kept(world: SimulatedWorld) -> None:
    def many(span: Span, step_ms: int) -> Traffic:
        ends = step_ends(span, step_ms)
        flows = (Flow(f"s{n}", "", dict.fromkeys(ends, float(n))) for n in range(FLOWS_MAX + 5))
        return Traffic(tuple(flows), step_ms)

    result = run_with(world, many)
    assert result.folder is not None
    traffic = read_series(result.folder).traffic
    assert (len(traffic.flows), traffic.left_out) == (FLOWS_MAX, 5)
    assert traffic.flows[0].service == "s5"


@pytest.mark.parametrize("seconds", [1, 599, 600, 601, 7200, 86_400])
def test_a_long_run_has_longer_steps(seconds: int) -> None:
    step_ms = step_for(Span(0, seconds * 1000))
    assert step_ms % 1000 == 0
    assert seconds * 1000 / step_ms <= STEPS_MAX < (seconds * 1000 + 1) / max(1, step_ms - 1000)


def test_series_of_an_earlier_version_have_no_flows(world: SimulatedWorld) -> None:
    result = run_with(world, steady)
    assert result.folder is not None
    path = result.folder / "series.json"
    stored = json.loads(path.read_text())
    del stored["traffic"]
    path.write_text(json.dumps(stored))
    assert read_series(result.folder).traffic == NO_TRAFFIC
