"""Windows that nobody turns but those who look at them."""

from __future__ import annotations

import pytest

from demo_platform.hystrix.rolling import RollingCounts, RollingLatencies, RollingMax, Turning


def test_a_bucket_counts_once_it_has_ended() -> None:
    counts = RollingCounts(1, window_ms=1000, buckets=10, now_ms=5000)
    counts.open[0] += 3
    counts.turn(5099)
    assert counts.sums == [0]
    counts.turn(5100)
    assert counts.sums == [3]


@pytest.mark.parametrize(("now_ms", "seen"), [(6099, 3), (6100, 0), (9_999_999, 0)])
def test_a_bucket_counts_until_it_has_left_the_window(now_ms: int, seen: int) -> None:
    counts = RollingCounts(1, window_ms=1000, buckets=10, now_ms=5000)
    counts.open[0] += 3
    counts.turn(now_ms)
    assert counts.sums == [seen]


def test_turning_late_is_as_good_as_turning_in_time() -> None:
    diligent, lazy = (RollingCounts(1, window_ms=50, buckets=5, now_ms=0) for _ in range(2))
    for now_ms in range(200):
        if now_ms % 7 == 0:
            for counts in (diligent, lazy):
                counts.turn(now_ms)
                counts.open[0] += 1
        diligent.turn(now_ms)
        if now_ms % 41 == 0:
            lazy.turn(now_ms)
            assert lazy.sums == diligent.sums


def test_buckets_end_where_they_would_have_with_a_timer() -> None:
    turning = Turning(bucket_ms=100, now_ms=30)
    assert [turning.ended(now_ms) for now_ms in (129, 130, 131, 455, 529, 530)] == [
        0,
        1,
        0,
        3,
        0,
        1,
    ]


def test_the_largest_is_forgotten_with_its_bucket() -> None:
    most = RollingMax(window_ms=30, buckets=3, now_ms=0)
    most.note(4)
    most.turn(10)
    most.note(2)
    most.turn(39)
    assert most.largest == 4
    most.turn(40)
    assert most.largest == 2


def test_latencies_are_those_of_the_buckets_that_have_ended() -> None:
    latencies = RollingLatencies(window_ms=20, buckets=2, now_ms=0)
    for latency_ms in (5, 5, 7):
        latencies.add(latency_ms)
    assert latencies.latest == {}
    latencies.turn(10)
    latencies.add(9)
    latencies.turn(20)
    assert latencies.latest == {5: 2, 7: 1, 9: 1}
    latencies.turn(30)
    assert latencies.latest == {9: 1}
    latencies.turn(10_000)
    assert latencies.latest == {}
