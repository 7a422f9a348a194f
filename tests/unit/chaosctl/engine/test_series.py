"""The samples of a run stay in its folder, on every way out."""

from __future__ import annotations

import itertools
import json
import math
import signal
from pathlib import Path

import pytest

import chaosctl.engine.run as run_module
from chaosctl.engine.series import read_series
from chaosctl.errors import ChaosctlError
from chaosctl.experiment.model import Comparison, Condition, Limit, StopCondition
from chaosctl.judge.verdict import Verdict
from tests.simulated_run import ERRORS, STARTS, make_experiment, run
from tests.simulated_target import SimulatedWorld

HALF = Condition(Comparison.BELOW, (Limit(0.5, True, "50% of baseline"),), for_steps=3)
STOP = StopCondition(STARTS, HALF, name="viewers give up")


@pytest.fixture
def world(tmp_path: Path) -> SimulatedWorld:
    made = SimulatedWorld(tmp_path)
    made.store.values = {
        STARTS: lambda end, _hit: 0.99 + (end // 1000 % 2) / 100,
        ERRORS: lambda _end, hit: 0.004 if hit else 0.001,
    }
    return made


def test_series_hold_every_phase_and_the_limits_as_numbers(world: SimulatedWorld) -> None:
    result = run(world, make_experiment(stop=(STOP,)))
    assert result.folder is not None
    series = read_series(result.folder)
    errors, stop = series.lines[1], series.lines[2]
    assert [line.name for line in series.lines] == [
        "starts succeed", "errors stay rare", "viewers give up"
    ]  # fmt: skip
    assert (errors.limits, errors.comparison, errors.for_steps) == ((0.02,), "below", 3)
    assert stop.is_stop
    assert stop.limits == (pytest.approx(stop.usual / 2),)
    assert (stop.low, stop.high) == (0.99, 1.0)
    ends = sorted(series.of(errors))
    detail = result.detail
    assert ends[0] < detail["baseline_span"]["start_ms"] < detail["injected_ms"]
    assert detail["removed_ms"] < ends[-1]
    assert all(later - earlier == 1000 for earlier, later in itertools.pairwise(ends))
    at_fault = [v for end, v in series.of(errors).items()
                if detail["injected_ms"] + 1000 < end < detail["removing_ms"]]  # fmt: skip
    assert set(at_fault) == {0.004}
    assert series.baseline is not None
    assert series.is_whole


def test_gaps_stay_gaps(world: SimulatedWorld) -> None:
    world.store.values[ERRORS] = lambda end, _hit: math.nan if end // 1000 % 5 == 0 else 0.001
    result = run(world)
    assert result.folder is not None
    series = read_series(result.folder)
    errors = series.of(series.lines[1])
    assert all(end // 1000 % 5 for end in errors)
    stored = json.loads((result.folder / "series.json").read_text())["series"][ERRORS]["values"]
    assert None in stored


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_series_are_kept_when_a_signal_ends_the_run(world: SimulatedWorld, number: int) -> None:
    world.at_event("confirm", lambda: world.signals.send(number), after_s=4)
    result = run(world)
    assert result.verdict is Verdict.ABORTED
    assert result.folder is not None
    series = read_series(result.folder)
    assert series.is_whole
    assert max(series.of(series.lines[0])) > result.detail["confirmed_ms"]


def test_series_of_a_run_that_never_broke_anything_have_its_warm_up(world: SimulatedWorld) -> None:
    world.store.values[ERRORS] = lambda _end, _hit: 0.5
    result = run(world)
    assert result.verdict is Verdict.NOT_STARTED
    assert result.folder is not None
    assert set(read_series(result.folder).of(read_series(result.folder).lines[1]).values()) == {0.5}


def test_series_of_a_bug_are_kept(world: SimulatedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(run_module, "measure_recovery", broken)
    with pytest.raises(AssertionError):
        run(world)
    (folder,) = world.context.runs_dir.iterdir()
    assert read_series(folder).is_whole


def test_series_of_a_killed_run_come_from_its_journal(world: SimulatedWorld) -> None:
    result = run(world)
    folder = result.folder
    assert folder is not None
    whole = read_series(folder)
    # As it stood when the baseline was known: the fault's steps are in the journal only.
    path = folder / "series.json"
    stored = json.loads(path.read_text())
    baseline_end_ms = result.detail["baseline_span"]["end_ms"]
    for packed in stored["series"].values():
        del packed["values"][(baseline_end_ms - packed["start_ms"]) // 1000 + 1 :]
    path.write_text(json.dumps(stored | {"is_whole": False}))
    again = read_series(folder)
    assert not again.is_whole
    for line in whole.lines:
        settled = {end: v for end, v in whole.of(line).items() if end <= max(again.of(line))}
        assert again.of(line) == settled
        assert max(again.of(line)) > result.detail["removed_ms"]


def test_series_are_on_disk_before_the_fault_goes_in(world: SimulatedWorld) -> None:
    seen: list[bool] = []
    world.at_event("inject", lambda: None)

    def look(event: dict[str, object]) -> None:
        if event["event"] == "inject":
            (folder,) = world.context.runs_dir.iterdir()
            seen.append(read_series(folder).is_whole)

    before = world.listen
    world.listen = lambda event: (before(event), look(dict(event)))[0]  # type: ignore[method-assign]
    run(world)
    assert seen == [False]


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "cannot be read"), ('{"schema": "chaosctl/series/v9"}', "has schema|have schema"),
     ("[]", "have schema None")],
)  # fmt: skip
def test_series_that_cannot_be_read_say_why(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "series.json").write_text(text)
    with pytest.raises(ChaosctlError, match=said):
        read_series(tmp_path)
    with pytest.raises(ChaosctlError, match="kept no samples"):
        read_series(tmp_path / "other")
