"""What holds of the gate for all runs."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from chaosctl.judge.accepted import CheckSeen, Observed, RunSeen, accept, level
from chaosctl.judge.gate import (
    RULES,
    Effect,
    Finding,
    Terms,
    gate_exit_code,
    judge_gate,
)
from chaosctl.judge.verdict import UndoState, Verdict, worst

NUMBERS = st.floats(0, 1e6, allow_nan=False)
SCORES = st.floats(0, 100)
KNOWING = st.sampled_from([Verdict.PASSED, Verdict.FAILED])


@st.composite
def runs(draw: st.DrawFn, verdicts: st.SearchStrategy[Verdict] = KNOWING) -> RunSeen:
    return RunSeen(
        run_id=str(draw(st.integers(0, 10**6))),
        verdict=draw(verdicts),
        undo=UndoState.CLEAN,
        score=draw(SCORES),
        recovery_ms=draw(NUMBERS),
        checks={"errors": CheckSeen(draw(NUMBERS), draw(NUMBERS), "below 2%")},
        document="sha256:a",
    )


def findings(before: list[RunSeen], now: list[RunSeen], **terms: object) -> list[Finding]:
    accepted = {"one": accept(Observed("one", before))}
    return judge_gate(accepted, {"one": Observed("one", now)}, Terms(**terms))  # type: ignore[arg-type]


@given(st.lists(runs(), min_size=1, max_size=9))
def test_runs_pass_a_baseline_made_of_themselves(some):
    found = findings(some, some)
    assert gate_exit_code(found) == 0
    assert {one.rule for one in found if one.effect is Effect.WARN} <= {"flaky"}


@given(st.lists(NUMBERS, min_size=1, max_size=9), SCORES, st.floats(-1, 1))
def test_noise_within_the_spread_fails_nothing(recoveries, score, deviations):
    """One run later, anywhere within a spread of the median, is no regression."""
    before = [
        RunSeen(str(n), Verdict.PASSED, UndoState.CLEAN, "", score, r)
        for n, r in enumerate(recoveries)
    ]
    was = level(recoveries)
    assert was is not None
    recovery_ms = was.median + deviations * was.spread
    now = RunSeen("now", Verdict.PASSED, UndoState.CLEAN, "", score, recovery_ms)
    assert gate_exit_code(findings(before, [now])) == 0


@given(st.lists(runs(), min_size=1, max_size=6), st.lists(runs(), min_size=1, max_size=6))
def test_allowing_every_rule_opens_the_gate_but_for_the_undo(before, now):
    allowed = tuple(RULES)
    assert gate_exit_code(findings(before, now, allowed=allowed)) == 0
    left = [*now, RunSeen("left", Verdict.PASSED, UndoState.INCOMPLETE, score=90)]
    assert gate_exit_code(findings(before, left, allowed=allowed)) == 1


@given(st.lists(runs(st.sampled_from(Verdict)), min_size=1, max_size=6))
def test_no_run_that_says_nothing_makes_a_pass(now):
    before = [RunSeen("0", Verdict.PASSED, UndoState.CLEAN, score=90, recovery_ms=1.0)]
    code = gate_exit_code(findings(before, now))
    verdicts = {run.verdict for run in now}
    if verdicts & {Verdict.FAILED, Verdict.ABORTED}:
        assert code == 1
    elif verdicts != {Verdict.PASSED}:
        assert code == 4


@given(st.lists(st.sampled_from(Effect), max_size=8))
def test_a_regression_wins_over_what_cannot_be_told(effects):
    found = [Finding("score", "one", effect, "") for effect in effects]
    codes = {Effect.FAIL: 1, Effect.UNCLEAR: 4, Effect.WARN: 0, Effect.NOTE: 0}
    assert gate_exit_code(found) == worst(codes[effect] for effect in effects)


@given(st.lists(st.floats(-1e9, 1e9) | st.just(math.nan), max_size=9), st.randoms())
def test_a_level_knows_no_order_and_no_gaps(values, chance):
    shuffled = [*values, math.nan]
    chance.shuffle(shuffled)
    assert level(values) == level(shuffled)
    found = level(values)
    assert (found is None) == all(math.isnan(value) for value in values)
    assert found is None or found.spread >= 0
