"""Laws of the edge's limits, whatever the load."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_platform.zuul.adaptive_limit import AdaptiveLimit, LimitRule
from demo_platform.zuul.rate_limit import KEYS_MAX, Buckets, retry_after
from demo_platform.zuul.shedding import SCORE_MAX, Priority, score, threshold

BUSY = st.floats(0, 2)
START = st.floats(0, 0.99)
IDS = st.text(max_size=20)


@given(BUSY, BUSY, START)
def test_a_busier_edge_never_sheds_less(one: float, other: float, start: float) -> None:
    low, high = sorted((one, other))
    assert threshold(high, start=start) <= threshold(low, start=start)


@given(BUSY, START)
def test_nobody_is_shed_up_to_the_start_and_everybody_at_the_limit(
    busy: float, start: float
) -> None:
    limit = threshold(busy, start=start)
    assert 0 <= limit <= SCORE_MAX
    assert (limit == SCORE_MAX) or busy > start
    assert (limit == 0) or busy < 1


@given(IDS, IDS, BUSY, START)
def test_no_request_is_kept_where_a_more_important_one_is_shed(
    one: str, other: str, busy: float, start: float
) -> None:
    limit = threshold(busy, start=start)
    for important, less in zip(Priority, list(Priority)[1:], strict=False):
        assert score(important, one) < score(less, other)
        assert 1 <= score(important, one) <= score(less, other) <= SCORE_MAX
        assert score(less, other) > limit or score(important, one) <= limit


@pytest.mark.parametrize(("overload", "priority"), [(0.35, 95), (0.8, 50), (0.95, 14)])
def test_the_threshold_falls_as_netflix_published(overload: float, priority: int) -> None:
    assert threshold(overload, start=0.0) == pytest.approx(priority, abs=2)


@given(st.integers(1, 50), st.floats(0, 5), st.lists(st.floats(0, 1.5), min_size=1, max_size=60))
def test_no_more_than_the_burst_and_the_rate_come_through(
    per_second: int, burst_s: float, gaps_s: list[float]
) -> None:
    buckets = Buckets(per_second=per_second, burst_s=burst_s)
    burst = max(1.0, per_second * burst_s)
    now, taken = 0.0, 0
    for gap_s in gaps_s:
        now += gap_s
        taken += buckets.take("k", now) == 0
        assert taken <= burst + per_second * now + 1e-6


@given(st.integers(1, 50), st.integers(1, 80))
def test_who_waits_as_long_as_he_is_told_comes_through(per_second: int, asked: int) -> None:
    buckets = Buckets(per_second=per_second, burst_s=1.0)
    for _ in range(asked):
        wait_s = buckets.take("k", 0.0)
    wait_s = buckets.take("k", 0.0)
    if wait_s:
        assert buckets.take("k", int(retry_after(wait_s))) == 0
        assert buckets.take("other", 0.0) == 0


def test_buckets_are_bounded() -> None:
    buckets = Buckets(per_second=1, burst_s=1)
    for key in range(KEYS_MAX + 10):
        buckets.take(key, 0.0)
    assert len(buckets) == KEYS_MAX


CALLS = st.lists(st.tuples(st.floats(0, 5), st.integers(0, 300)), max_size=60)


def _after(calls: list[tuple[float, int]]) -> tuple[AdaptiveLimit, float]:
    limit, now = AdaptiveLimit(LimitRule()), 0.0
    for took_s, in_flight in calls:
        for _ in range(10):
            now += 0.11
            limit.note(took_s, in_flight=in_flight, now=now)
    return limit, now


@given(CALLS)
def test_the_limit_stays_between_its_bounds(calls: list[tuple[float, int]]) -> None:
    assert 20 <= _after(calls)[0].limit <= 128


@given(CALLS, st.floats(0.001, 5), st.floats(0.001, 5))
def test_slower_calls_never_leave_a_higher_limit(
    calls: list[tuple[float, int]], one_s: float, other_s: float
) -> None:
    quick_s, slow_s = sorted((one_s, other_s))
    quick, slow = _after([*calls, (quick_s, 200)])[0], _after([*calls, (slow_s, 200)])[0]
    assert slow.limit <= quick.limit + 1e-9


def test_an_origin_that_gets_slow_is_asked_less_and_one_that_recovers_more() -> None:
    steady = _after([(0.05, 60)] * 20)[0].limit
    slow = _after([(0.05, 60)] * 20 + [(0.5, 200)] * 10)[0].limit
    again = _after([(0.05, 60)] * 20 + [(0.5, 200)] * 10 + [(0.05, 200)] * 60)[0].limit
    assert slow < steady / 2
    assert again > slow * 2


def test_a_limit_that_is_not_used_is_not_moved() -> None:
    assert _after([(0.05, 3)] * 20 + [(2.0, 5)] * 20)[0].limit == LimitRule().first
