"""When a check is judged in a run, and what it decides by then; recovery apart from it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from chaosctl.engine.plan import check_in_words
from chaosctl.experiment.model import (
    ALL_PHASES,
    Check,
    Comparison,
    Condition,
    Limit,
    Phase,
    Population,
)
from chaosctl.judge.verdict import Verdict
from tests.simulated_run import ERRORS, STARTS, assert_clean, make_experiment, run
from tests.simulated_target import EPOCH_MS, SimulatedWorld

WELL = Condition(Comparison.AT_LEAST, (Limit(0.9, False, "90%"),))
ALWAYS = Check("always well", STARTS, WELL)
OTHER = "other"
MODES = {
    "before": (Phase.BEFORE,),
    "during": (Phase.DURING,),
    "after": (Phase.AFTER,),
    "edge": (Phase.BEFORE, Phase.AFTER),
    "on-fault": (Phase.ON_FAULT,),
    "continuous": ALL_PHASES,
}


@pytest.fixture
def world(tmp_path: Path) -> SimulatedWorld:
    made = SimulatedWorld(tmp_path)
    made.store.values = {
        STARTS: lambda _end, _hit: 1.0,
        ERRORS: lambda _end, _hit: 0.001,
        OTHER: lambda _end, _hit: 1.0,
    }
    return made


def run_with(world, *checks, **changes):
    return run(world, make_experiment(hypothesis=(ALWAYS, *checks), **changes))


def other(mode: str, **changes) -> Check:
    return replace(Check("the other", OTHER, WELL, phases=MODES[mode]), **changes)


def bad_when(world, phase: str):
    """The other query is bad before the fault, while it is in, or after it."""

    def value(end_ms: int, is_hit: bool) -> float:
        hits = world.target.hits
        now = "during" if is_hit else "before" if not hits or end_ms <= hits[0][0] else "after"
        return 0.0 if now == phase else 1.0

    world.store.values[OTHER] = value


JUDGED = {
    "before": {"before"},
    "during": {"during"},
    "on-fault": {"during"},
    "after": {"after"},
    "edge": {"before", "after"},
    "continuous": {"before", "during", "after"},
}
OF_PHASE = {
    "before": Verdict.NOT_STARTED,
    "during": Verdict.FAILED,
    "after": Verdict.FAILED,
}


@pytest.mark.parametrize("bad", ["before", "during", "after"])
@pytest.mark.parametrize("mode", MODES)
def test_check_decides_in_the_phases_in_which_it_is_judged(world, mode, bad):
    bad_when(world, bad)
    result = run_with(world, other(mode))
    wanted = OF_PHASE[bad] if bad in JUDGED[mode] else Verdict.PASSED
    assert result.verdict is wanted, result.reason
    if wanted is not Verdict.PASSED:
        assert "the other" in result.reason
    assert_clean(world, result)


@pytest.mark.parametrize("mode", MODES)
def test_silence_decides_in_the_phases_in_which_a_check_is_judged(world, mode):
    hits = world.target.hits
    world.store.values[OTHER] = lambda end, _hit: float("nan") if hits and end > hits[0][0] else 1.0
    result = run_with(world, other(mode))
    wanted = Verdict.PASSED if mode == "before" else Verdict.INCONCLUSIVE
    assert result.verdict is wanted, result.reason


def test_grace_forgives_what_comes_with_the_injection(world):
    def value(end_ms, is_hit):
        return 0.0 if is_hit and end_ms < world.target.hits[0][0] + 4000 else 1.0

    world.store.values[OTHER] = value
    assert run_with(world, other("continuous", grace_ms=5000)).verdict is Verdict.PASSED


def test_grace_forgives_nothing_that_lasts(world):
    world.store.values[OTHER] = lambda _end, is_hit: 0.0 if is_hit else 1.0
    result = run_with(world, other("continuous", grace_ms=5000))
    assert result.verdict is Verdict.FAILED
    first_ms = next(c["first_breach_ms"] for c in result.detail["checks"] if c["name"] != "a")
    assert first_ms is None or first_ms >= result.detail["injected_ms"] + 5000


def test_score_has_a_check_only_for_the_time_in_which_it_is_judged(world):
    bad_when(world, "during")
    result = run_with(world, other("edge"), replace(other("before"), name="only before"))
    assert result.verdict is Verdict.PASSED, result.reason
    parts = {check["name"]: check for check in result.detail["checks"]}
    assert parts["the other"]["score"] == pytest.approx(100.0, abs=30)  # a step between may be bad
    assert parts["only before"]["weight"] == 0
    assert result.detail["score"] > 80
    assert result.detail["judged"] == {
        "before": "pass", "during": "pass", "after": "pass", "recovery": "pass"
    }  # fmt: skip


def test_recovery_is_judged_apart_from_the_hypothesis(world):
    def value(end_ms, is_hit):
        out_ms = world.target.hits[0][1] if world.target.hits else float("inf")
        return 0.0 if out_ms <= end_ms < out_ms + 12_000 else 1.0

    world.store.values[OTHER] = value
    result = run_with(world, other("continuous"), recovery_ms=5000)
    assert result.verdict is Verdict.FAILED
    judged = result.detail["judged"]
    assert (judged["before"], judged["during"], judged["recovery"]) == ("pass", "pass", "fail")
    assert "not steady again within 5 s" in result.reason or "only after" in result.reason


def test_recovery_is_not_asked_where_no_check_is_judged_after(world):
    checks = (replace(ALWAYS, phases=MODES["before"]), other("during"))
    result = run(world, make_experiment(hypothesis=checks))
    assert result.verdict is Verdict.PASSED, result.reason
    assert (result.detail["recovery_ms"], result.detail["judged"]["recovery"]) == (None, None)
    assert world.told("recovery") == []


def population(**changes) -> Check:
    hold = Condition(Comparison.COMPARE, (), population=Population("control", "higher", **changes))
    return Check("canary", "canary", hold, phases=(Phase.DURING,))


def wave(end_ms: int) -> float:
    return float((end_ms // 1000 * 7) % 5)


def test_populations_are_compared_over_the_fault(world):
    world.store.values |= {
        "control": lambda end, _hit: 100 + wave(end),
        "canary": lambda end, is_hit: (120 if is_hit else 100) + wave(end + 3000),
    }
    result = run_with(world, population(tolerance=5.0))
    assert result.verdict is Verdict.FAILED
    assert "canary: " in result.reason
    assert "not higher by more than 5 than 'control'" in result.reason
    assert run_with(world, population(tolerance=50.0)).verdict is Verdict.PASSED


def test_population_that_was_worse_before_is_not_blamed_on_the_fault(world):
    world.store.values |= {
        "control": lambda end, _hit: 100 + wave(end),
        "canary": lambda end, _hit: 120 + wave(end + 3000),
    }
    result = run_with(world, population(tolerance=5.0))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "began before the fault" in result.reason


@pytest.mark.parametrize("is_odd", [False, True])
def test_forecast_from_the_baseline_is_what_is_expected(world, is_odd):
    def value(end_ms, is_hit):
        usual = 100 + (end_ms - EPOCH_MS) / 1000 + wave(end_ms)
        return usual - 50 if is_odd and is_hit else usual

    world.store.values[OTHER] = value
    hold = Condition(Comparison.WITHIN, (Limit(float("nan"), False, "forecast"),), for_steps=3)
    result = run_with(world, Check("as expected", OTHER, hold), baseline_ms=240_000)
    assert result.verdict is (Verdict.FAILED if is_odd else Verdict.PASSED), result.reason
    assert result.folder is not None
    json.loads((result.folder / "result.json").read_text())


def test_check_in_words_says_when_it_is_judged():
    assert check_in_words(ALWAYS) == "always well at least 90%"
    assert check_in_words(other("edge", grace_ms=2000)) == (
        "the other at least 90%, before and after, after 2 s of grace"
    )
    assert check_in_words(population(tolerance_ratio=0.1)) == (
        "canary not higher by more than 10% than 'control', during"
    )
