"""Laws of the judge that hold for any data."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from chaosctl.experiment.model import (
    Check,
    Comparison,
    Condition,
    Limit,
    NoData,
    Population,
)
from chaosctl.judge.hypothesis import judge_check, recovery
from chaosctl.judge.samples import Span, mean, step_ends
from chaosctl.judge.verdict import Outcome, merge

VALUES = st.lists(
    st.one_of(st.just(math.nan), st.floats(0, 1), st.sampled_from([math.inf, -math.inf])),
    max_size=30,
)
CONDITIONS = st.builds(
    lambda comparison, limit, over, steps: Condition(
        comparison, (Limit(limit, of_baseline=False, text="x"),), over * 1000, steps
    ),
    st.sampled_from([Comparison(c) for c in ("at-least", "at-most", "above", "below")]),
    st.floats(0, 1),
    st.integers(0, 5),
    st.integers(1, 4),
)
CHECKS = st.builds(
    lambda hold, policy: Check("c", "q", hold, policy), CONDITIONS, st.sampled_from(NoData)
)
OUTCOMES = st.lists(st.sampled_from(Outcome), max_size=5)


def samples(values):
    return {"q": {(i + 1) * 1000: v for i, v in enumerate(values)}}


def judged(check, values):
    return judge_check(check, samples(values), start_ms=0, end_ms=len(values) * 1000, baseline=None)


@given(CHECKS, VALUES)
def test_pass_needs_data_and_a_margin_that_is_not_negative(check, values):
    state = judged(check, values)
    if state.outcome is Outcome.PASS:
        assert state.windows >= check.hold.for_steps
        assert state.margin >= -1e-9


@given(CHECKS, VALUES)
def test_breach_has_a_margin_that_is_not_positive(check, values):
    state = judged(check, values)
    if state.first_breach_ms is not None:
        assert state.outcome is Outcome.FAIL
        assert state.margin <= 1e-9
        assert state.first_breach_ms <= state.breach_known_ms


@given(CHECKS, VALUES, VALUES)
def test_breach_once_known_stays(check, values, more):
    if judged(check, values).first_breach_ms is not None:
        later = judged(check, values + more)
        assert later.first_breach_ms == judged(check, values).first_breach_ms


@given(CHECKS, st.integers(0, 20))
def test_silence_never_passes(check, count):
    assert judged(check, [math.nan] * count).outcome is not Outcome.PASS
    assert (
        judge_check(check, {}, start_ms=0, end_ms=9000, baseline=None).outcome is not Outcome.PASS
    )


BESIDES = st.one_of(
    st.builds(
        lambda offset: Condition(Comparison.AT_MOST, (Limit(1.0, True, "x", offset=offset),)),
        st.floats(-1, 1),
    ),
    st.just(Condition(Comparison.WITHIN, (Limit(math.nan, False, "forecast"),))),
    st.builds(
        lambda worse: Condition(Comparison.COMPARE, (), population=Population("other", worse)),
        st.sampled_from(["higher", "lower", "either"]),
    ),
)


@given(BESIDES, st.sampled_from(NoData), VALUES, st.integers(0, 20))
def test_silence_never_passes_whatever_it_is_held_against(hold, policy, before, count):
    values = [*before, *[math.nan] * count]
    both = {"q": samples(values)["q"], "other": samples(values)["q"]}
    state = judge_check(
        Check("c", "q", hold, policy),
        both,
        start_ms=len(before) * 1000,
        end_ms=len(values) * 1000,
        baseline=Span(0, len(before) * 1000),
    )
    assert state.outcome is not Outcome.PASS


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_population_is_not_worse_than_itself(values):
    both = {"q": samples(values)["q"], "other": samples(values)["q"]}
    hold = Condition(Comparison.COMPARE, (), population=Population("other"))
    end_ms = len(values) * 1000
    state = judge_check(Check("c", "q", hold), both, start_ms=0, end_ms=end_ms, baseline=None)
    assert state.outcome is not Outcome.FAIL


@given(CHECKS, VALUES, VALUES)
def test_recovery_once_found_stays(check, values, more):
    def found(all_values):
        now_ms = len(all_values) * 1000
        return recovery([check], samples(all_values), removed_ms=0, now_ms=now_ms, baseline=None)

    if found(values) is not None:
        assert found(values + more) == found(values)


@given(OUTCOMES, OUTCOMES, OUTCOMES)
def test_merge_is_a_lattice(a, b, c):
    assert merge([*a, *b]) == merge([*b, *a])
    assert merge([*a, *a]) == merge(a)
    if a and b and c:
        assert merge([merge([*a, *b]), *c]) == merge([*a, merge([*b, *c])])


@given(VALUES)
def test_mean_lies_within_its_values(values):
    finite = [v for v in values if math.isfinite(v)]
    series = samples(finite)["q"]
    found = mean(series, range(1000, len(finite) * 1000 + 1, 1000))
    assert math.isnan(found) if not finite else min(finite) - 1e-9 <= found <= max(finite) + 1e-9


@given(st.integers(0, 10**6), st.integers(0, 10**5))
def test_steps_lie_wholly_inside_their_span(start_ms, length_ms):
    from chaosctl.judge.samples import Span

    span = Span(start_ms, start_ms + length_ms)
    ends = list(step_ends(span))
    assert all(end - 1000 >= span.start_ms and end <= span.end_ms for end in ends)
    assert len(ends) >= length_ms // 1000 - 1
