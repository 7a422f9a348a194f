"""Stop conditions, blame and recovery."""

from __future__ import annotations

import math

import pytest

from chaosctl.experiment.model import Check, Comparison, Condition, Limit, NoData, StopCondition
from chaosctl.judge.hypothesis import (
    began_before,
    judge_check,
    judge_stop,
    own_window_ms,
    recovery,
    watch_ms,
)
from chaosctl.judge.samples import Span

Q = "q"


def series(text, start_s=0):
    values = [math.nan if v == "_" else float(v) for v in text.split()]
    return {Q: {(start_s + i + 1) * 1000: v for i, v in enumerate(values)}}


def check(value=0.5, over_ms=0, for_steps=1, **more):
    limit = Limit(value, of_baseline=False, text=str(value))
    return Check("c", Q, Condition(Comparison.AT_LEAST, (limit,), over_ms, for_steps), **more)


def stop(value, for_steps=1, of_baseline=False):
    limit = Limit(value, of_baseline=of_baseline, text=f"{value}")
    return StopCondition(Q, Condition(Comparison.BELOW, (limit,), 0, for_steps), "s")


def fired(condition, text, baseline=None):
    samples = series(text)
    end_ms = len(samples[Q]) * 1000
    return judge_stop(condition, samples, start_ms=2000, end_ms=end_ms, baseline=baseline)


def test_stop_fires_when_it_is_true_for_long_enough():
    state = fired(stop(5, for_steps=3), "9 9 9 4 4 4 9")
    assert state.fired
    assert state.known_ms == 6000


@pytest.mark.parametrize("text", ["9 9 4 4 9 4 4", "4 4 4 9 9", "9 9 _ _ _ _"])
def test_stop_does_not_fire_for_less(text):
    assert not fired(stop(5, for_steps=3), text).fired


def test_stop_compares_with_the_baseline():
    assert fired(stop(0.5, of_baseline=True), "10 10 4", Span(0, 2000)).fired
    assert not fired(stop(0.5, of_baseline=True), "10 10 6", Span(0, 2000)).fired


def test_stop_does_not_fire_without_its_baseline():
    assert not fired(stop(0.5, of_baseline=True), "10 10 0").fired
    assert not fired(stop(0.5, of_baseline=True), "_ _ 0", Span(0, 2000)).fired


@pytest.mark.parametrize(
    ("text", "injected_ms", "breach_ms", "before"),
    [
        ("1 1 0 0 0", 2500, 3000, False),  # the straddling step alone may be the fault's doing
        ("1 0 0 0 0", 2500, 4000, True),
        ("0 1 0 0 0", 2500, 4000, False),  # healed in between
        ("1 0 _ 0 0", 2500, 4000, False),
        ("1 1 0 0 0", 2000, 3000, False),
    ],
)
def test_breach_is_followed_back_over_the_injection(text, injected_ms, breach_ms, before):
    found = began_before(
        check(), series(text), breach_ms=breach_ms, injected_ms=injected_ms, baseline=None
    )
    assert found is before


def test_breach_of_a_window_is_followed_back():
    windowed = check(over_ms=3000)
    args = {"breach_ms": 7000, "injected_ms": 4000, "baseline": None}
    assert began_before(windowed, series("1 1 0 0 0 0 0"), **args)
    assert not began_before(windowed, series("1 1 1 1 0 0 0"), **args)


def recovered(text, *checks, removed_ms=0):
    samples = series(text)
    return recovery(
        checks, samples, removed_ms=removed_ms, now_ms=len(samples[Q]) * 1000, baseline=None
    )


def test_recovery_is_the_start_of_the_first_steady_stretch():
    assert recovered("0 0 1 1 1", check(for_steps=3)) == 2000
    assert recovered("1 1 1", check(for_steps=3)) == 0
    assert recovered("0 1 0 1 1 1", check(for_steps=3)) == 3000


def test_recovery_is_counted_from_the_removal():
    assert recovered("0 0 1 1 1", check(for_steps=2), removed_ms=500) == 1500


def test_recovery_is_none_until_the_own_window_has_passed():
    assert recovered("0 1 1", check(for_steps=3)) is None
    assert recovered("0 0 0", check()) is None
    assert recovered("0 _ _ _", check()) is None
    assert recovered("", check()) is None


def test_recovery_of_a_window_begins_with_a_good_step():
    # The mean of the first three is well above the limit, but the first step is not steady.
    assert recovered("0 1 1 1 1", check(over_ms=3000)) == 1000


def test_recovery_needs_every_check():
    assert recovered("0 0.6 0.8 0.8", check(0.5), check(0.7)) == 2000


def test_recovery_takes_silence_as_the_policy_says():
    allowed = check(for_steps=4)
    assert recovered("1 _ 1 1", allowed) == 0
    assert recovered("1 _ _ _ _ 1 1", check(over_ms=6000)) is None
    assert recovered("1 _ _ _ _ 1 1", check(over_ms=6000, no_data=NoData.IGNORE)) == 0


def test_watch_is_long_enough_to_be_certain():
    checks = [check(over_ms=10_000), check(for_steps=3)]
    assert [own_window_ms(c) for c in checks] == [10_000, 3_000]
    assert watch_ms(checks, 20_000) == 31_000


def test_limit_reads_as_it_was_written():
    limit = Limit(0.5, of_baseline=True, text="50% of baseline")
    one = Check("c", Q, Condition(Comparison.BELOW, (limit,), 5000, 3))
    state = judge_check(one, series("10 10 1"), start_ms=0, end_ms=3000, baseline=Span(0, 2000))
    assert state.limit_text == "below 50% of baseline (5) over 5 s for 3 steps"
