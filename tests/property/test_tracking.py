"""Target tracking keeps within its limits, decides nothing without data, and adds what is due."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from demo_platform.ec2.policies import Adjustment, AlarmState
from demo_platform.ec2.tracking import (
    HIGH_PERIODS,
    LOW_PERIODS,
    Limits,
    adjusted,
    high_alarm,
    low_alarm,
    tracked,
)

readings = st.lists(st.none() | st.floats(0, 1e4), max_size=LOW_PERIODS)
targets = st.floats(0.1, 1e3)


@st.composite
def limits(draw: st.DrawFn) -> Limits:
    low, size, high = sorted(draw(st.lists(st.integers(0, 60), min_size=3, max_size=3)))
    return Limits(size, low, high)


@given(readings, targets, limits(), st.integers(0, 60), st.booleans(), st.booleans())
def test_size_stays_within_the_limits(
    values: list[float | None],
    target: float,
    within: Limits,
    serving: int,
    is_warming: bool,
    may_shrink: bool,
) -> None:
    size = tracked(
        values, target, within, serving=serving, is_warming=is_warming, may_shrink=may_shrink
    )
    assert within.size_min <= size <= within.size_max
    if is_warming or not may_shrink:
        assert size >= within.desired


@given(targets, limits(), st.integers(0, 60), st.integers(0, LOW_PERIODS))
def test_no_data_decides_nothing(target: float, within: Limits, serving: int, gaps: int) -> None:
    nothing: list[float | None] = [None] * gaps
    size = tracked(nothing, target, within, serving=serving, is_warming=False, may_shrink=True)
    assert size == within.desired
    assert high_alarm(nothing, target) is low_alarm(nothing, target)
    assert high_alarm(nothing, target) is AlarmState.INSUFFICIENT_DATA


@given(st.floats(0, 1e3), targets, st.integers(1, 20))
def test_size_brings_the_metric_to_its_target(value: float, target: float, serving: int) -> None:
    within = Limits(serving, 0, 10**6)
    steady: list[float | None] = [value] * LOW_PERIODS
    size = tracked(steady, target, within, serving=serving, is_warming=False, may_shrink=True)
    if value > target:
        assert size * target >= value * serving * (1 - 1e-5)
        assert (size - 1) * target <= value * serving * (1 + 1e-5)
    elif value >= 0.9 * target:
        assert size == serving


def test_out_is_fast_and_a_gap_breaks_a_row() -> None:
    within = Limits(4, 2, 10)

    def after(values: list[float | None]) -> int:
        return tracked(values, 50.0, within, serving=4, is_warming=False, may_shrink=True)

    assert after([90.0] * (HIGH_PERIODS - 1)) == 4
    assert after([90.0] * HIGH_PERIODS) == 8
    assert after([90.0, None, 90.0]) == 4
    assert after([10.0] * (LOW_PERIODS - 1)) == 4
    assert after([10.0] * LOW_PERIODS) == 2
    assert after([*[10.0] * (LOW_PERIODS - 2), None, 10.0]) == 4


@given(
    st.integers(0, 60),
    st.sampled_from(list(Adjustment)),
    st.integers(-500, 500),
    st.integers(0, 5),
)
def test_adjustment_stays_within_the_limits(
    desired: int, adjustment: Adjustment, change: int, change_min: int
) -> None:
    size = adjusted(desired, adjustment, change, change_min=change_min, size_min=2, size_max=50)
    assert 2 <= size <= 50
    if adjustment is not Adjustment.EXACT and 2 <= desired <= 50 and change:
        assert (size - desired) * change >= 0
