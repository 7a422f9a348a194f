"""Every class of facts, and the verdict it gives. Each rule also against the rule below it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from chaosctl.judge.decide import Facts, decide
from chaosctl.judge.verdict import Outcome, Verdict

P, F, U = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN
GOOD = Facts(
    baseline=P,
    confirmed=True,
    during=P,
    after=P,
    removed=True,
    recovery_ms=1500,
    recovery_within_ms=20_000,
)
BROKEN = replace(GOOD, during=F, broken="starts: 0.4 (limit at least 97%)")
UNTOUCHED = Facts(recovery_within_ms=20_000)


@pytest.mark.parametrize(
    ("facts", "verdict", "reason"),
    [
        (GOOD, "passed", "held before and during the fault, and again 1.5 s after it"),
        (BROKEN, "failed", "starts: 0.4"),
        (replace(UNTOUCHED, invalid="no target"), "invalid", "no target"),
        (replace(UNTOUCHED, refused="locked"), "not-started", "locked"),
        (replace(UNTOUCHED, ended_by="SIGINT"), "aborted", "ended by SIGINT"),
        (replace(GOOD, clock="set by an hour"), "inconclusive", "set by an hour"),
        (replace(UNTOUCHED, clock="set by an hour"), "inconclusive", "set by an hour"),
        (replace(BROKEN, clock="set"), "inconclusive", "set; by then starts: 0.4"),
        (replace(GOOD, clock="set", ended_by="SIGINT"), "aborted", "ended by SIGINT"),
        (replace(UNTOUCHED, baseline=F), "not-started", "baseline not healthy"),
        (replace(UNTOUCHED, baseline=U, baseline_text="no data"), "not-started", "no data"),
        (UNTOUCHED, "not-started", "baseline not healthy"),
        (replace(UNTOUCHED, baseline=P), "inconclusive", "not seen at the target"),
        (replace(GOOD, injection_error="EPERM"), "inconclusive", "injection failed: EPERM"),
        (replace(GOOD, confirmed=False), "inconclusive", "not seen at the target"),
        (replace(GOOD, confirmed=None), "inconclusive", "not seen at the target"),
        (replace(BROKEN, confirmed=False), "inconclusive", "not seen at the target"),
        (replace(GOOD, stop="starts: 3"), "aborted", "stop condition: starts: 3"),
        (replace(BROKEN, stop="starts: 3"), "failed", "ended early by stop condition starts: 3"),
        (replace(BROKEN, ended_by="SIGTERM"), "aborted", "by then starts: 0.4"),
        (replace(BROKEN, breach_was_before=True), "inconclusive", "began before the fault"),
        (replace(GOOD, during=U, silent="a: no data"), "inconclusive", "a: no data during"),
        (replace(GOOD, during=None), "inconclusive", "too little data during"),
        (replace(GOOD, after=U, recovery_ms=None), "inconclusive", "too little data after"),
        (replace(GOOD, after=None, recovery_ms=None), "inconclusive", "after the fault"),
        (replace(GOOD, after=F, recovery_ms=None), "failed", "not steady again within 20 s"),
        (replace(GOOD, recovery_ms=20_001), "failed", "only after 20.0 s"),
        (replace(GOOD, recovery_ms=20_000), "passed", "again 20.0 s after it"),
        (replace(GOOD, recovery_ms=None), "inconclusive", "recovery was not measured"),
        (replace(GOOD, removed=False), "inconclusive", "not seen to be gone"),
        (replace(GOOD, removed=None), "inconclusive", "not seen to be gone"),
        (replace(GOOD, removed=False, after=F), "inconclusive", "not seen to be gone"),
        (replace(BROKEN, after=U), "failed", "starts: 0.4"),
        (replace(GOOD, during=U, after=F, recovery_ms=None), "failed", "not steady again"),
        (replace(GOOD, stopped="stopped"), "inconclusive", "stopped: the hypothesis held until"),
        (replace(GOOD, stopped="stopped", during=U), "inconclusive", "stopped: too little data"),
        (replace(BROKEN, stopped="stopped"), "failed", "starts: 0.4 (limit at least 97%); the"),
        (replace(GOOD, stopped="stopped", recovery_ms=20_001), "failed", "; the fault was stopped"),
        (replace(GOOD, stopped="stopped", confirmed=None), "inconclusive", "not seen"),
        (replace(GOOD, stopped="stopped", ended_by="SIGINT"), "aborted", "ended by SIGINT"),
    ],
)
def test_facts_give_verdict_and_reason(facts, verdict, reason):
    decision = decide(facts)
    assert decision.verdict == verdict
    assert reason in decision.reason


ALL = [
    Facts(
        invalid=invalid,
        refused=refused,
        ended_by=ended_by,
        baseline=baseline,
        confirmed=confirmed,
        stop=stop,
        stopped=stopped,
        breach_was_before=before,
        during=during,
        after=after,
        removed=removed,
        recovery_ms=recovery_ms,
        recovery_within_ms=20_000,
    )
    for invalid, refused, ended_by, baseline, confirmed, stop, stopped, before, during, after,
    removed, recovery_ms in itertools.product(
        ("", "x"), ("", "x"), ("", "SIGINT"), (P, F, U, None), (True, False, None), ("", "x"),
        ("", "x"), (False, True), (P, F, U, None), (P, F, U, None), (True, False, None),
        (None, 1, 30_000),
    )
]  # fmt: skip


def test_every_combination_has_a_verdict_with_a_reason():
    for facts in ALL:
        assert decide(facts).reason


def test_passed_is_given_for_nothing_less_than_everything():
    passed = [facts for facts in ALL if decide(facts).verdict is Verdict.PASSED]
    assert {(f.baseline, f.confirmed, f.during, f.after, f.removed) for f in passed} == {
        (P, True, P, P, True)
    }
    assert {f.recovery_ms for f in passed} == {1}
    assert not any(f.invalid or f.refused or f.ended_by or f.stop or f.stopped for f in passed)


def test_failed_is_given_only_for_a_fault_that_was_seen():
    failed = [facts for facts in ALL if decide(facts).verdict is Verdict.FAILED]
    assert failed
    assert all(f.confirmed and f.baseline is P for f in failed)
