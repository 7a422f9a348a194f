"""The score: how long checks held, by their weights."""

from __future__ import annotations

import math

import pytest

from chaosctl.experiment.model import Check, Comparison, Condition, Limit
from chaosctl.judge.hypothesis import judge_check
from chaosctl.judge.samples import Span
from chaosctl.judge.score import score_checks, total_score

STEP_MS = 1000
HOLD = Condition(Comparison.AT_LEAST, (Limit(0.9, False, "90%"),), for_steps=3)


def scored(values_of, weights=None, fault_steps=20):
    """Checks over so many steps of fault; what comes after is recovery."""
    weights = weights or dict.fromkeys(values_of, 2.0)
    checks = [Check(name, name, HOLD, weight=weights[name]) for name in values_of]
    samples = {
        name: {(i + 1) * STEP_MS: v for i, v in enumerate(values) if v is not None}
        for name, values in values_of.items()
    }
    states = [
        judge_check(check, samples, start_ms=0, end_ms=fault_steps * STEP_MS, baseline=None)
        for check in checks
    ]
    steps = max(map(len, values_of.values()))
    spans = [[Span(0, steps * STEP_MS)] for _ in checks]
    return score_checks(checks, states, samples, spans, None)


def test_what_always_holds_scores_a_hundred():
    parts = scored({"a": [1.0] * 20})
    assert (parts[0].held, parts[0].score, total_score(parts)) == (1.0, 100.0, 100.0)


def test_short_breaches_that_do_not_count_cost_the_time_they_take():
    parts = scored({"a": [1.0] * 18 + [0.5] * 2})
    assert parts[0].score == pytest.approx(90.0)


@pytest.mark.parametrize(("bad_steps", "score"), [(3, 49.0), (15, 25.0), (20, 0.0)])
def test_what_failed_scores_49_at_most(bad_steps, score):
    parts = scored({"a": [0.5] * bad_steps + [1.0] * (20 - bad_steps)})
    assert parts[0].score == pytest.approx(score)


def test_time_of_recovery_counts():
    parts = scored({"a": [1.0] * 20 + [0.5] * 5 + [1.0] * 15})
    assert parts[0].score == pytest.approx(100 * 35 / 40)


def test_weights_count():
    values = {"a": [1.0] * 20, "b": [0.5] * 20}
    assert total_score(scored(values, {"a": 3.0, "b": 1.0})) == pytest.approx(75.0)
    assert total_score(scored(values, {"a": 1.0, "b": 3.0})) == pytest.approx(25.0)


def test_what_cannot_be_told_makes_the_score_unknown():
    parts = scored({"a": [1.0] * 20, "b": [None] * 20})
    assert math.isnan(parts[1].held)
    assert math.isnan(total_score(parts))
    assert parts[0].score == 100.0
    assert math.isnan(total_score(()))


def test_gaps_that_are_too_long_are_unknown_though_the_rest_held():
    parts = scored({"a": [1.0] * 8 + [None] * 8 + [1.0] * 4})
    assert parts[0].held == 1.0
    assert math.isnan(parts[0].score)


def test_check_counts_for_the_time_only_in_which_it_is_judged():
    check = Check("a", "a", HOLD)
    samples = {"a": {(i + 1) * STEP_MS: 1.0 if i < 5 or i >= 15 else 0.5 for i in range(20)}}
    state = judge_check(check, samples, start_ms=15_000, end_ms=20_000, baseline=None)
    (part,) = score_checks([check], [state], samples, [[Span(15_000, 20_000)]], None)
    assert (part.held, part.score) == (1.0, 100.0)
    twice = [[Span(0, 10_000), Span(15_000, 20_000)]]
    (part,) = score_checks([check], [state], samples, twice, None)
    assert part.held == pytest.approx(10 / 15)


def test_check_that_is_not_judged_after_the_injection_counts_for_nothing():
    checks = [Check("a", "a", HOLD), Check("b", "b", HOLD, weight=3.0)]
    samples = {"a": {(i + 1) * STEP_MS: 1.0 for i in range(20)}, "b": {}}
    states = [judge_check(c, samples, start_ms=0, end_ms=20_000, baseline=None) for c in checks]
    parts = score_checks(checks, states, samples, [[Span(0, 20_000)], []], None)
    assert parts[1].weight == 0
    assert total_score(parts) == 100.0
    assert math.isnan(total_score(parts[1:]))
