"""The window of blocks, and the bounds that are kept by refusing."""

from __future__ import annotations

import numpy as np
import pytest

from atlas import Atlas, BadData, Datapoint
from atlas.store.limits import StoreLimits
from atlas.store.memory import StoreConfig

NOW_MS = 1_641_600_000_000
MINUTE_MS = 60_000


class Clock:
    def __init__(self):
        self.now_ms = NOW_MS

    def __call__(self):
        return self.now_ms


def store(clock, **limits):
    config = StoreConfig(1000, MINUTE_MS, 3 * MINUTE_MS, StoreLimits(**limits))
    return Atlas(config, now_ms=clock)


def point(time_ms, value=1.0, **tags):
    return Datapoint({"name": "cpu", "atlas.dstype": "gauge", **tags}, time_ms, value)


def values(atlas, start_ms, end_ms, program="name,cpu,:eq"):
    (line,) = atlas.fetch(program, start_ms, end_ms, 1000)
    return line.points()


def test_point_can_be_read_at_once():
    atlas = store(Clock())
    atlas.publish([point(NOW_MS, 3.0)])
    assert values(atlas, NOW_MS - 1000, NOW_MS) == {NOW_MS: 3.0}


def test_late_point_is_written_to_its_own_block():
    atlas = store(Clock())
    atlas.publish([point(NOW_MS, 3.0)])
    atlas.publish([point(NOW_MS - 59_000, 2.0)])
    assert values(atlas, NOW_MS - MINUTE_MS, NOW_MS) == {NOW_MS - 59_000: 2.0, NOW_MS: 3.0}


def test_point_is_refused_beyond_the_age_limit():
    atlas = store(Clock())
    late = atlas.publish([point(NOW_MS - 60_001)])
    early = atlas.publish([point(NOW_MS + 60_001)])
    assert late.reasons[0].startswith("data is too old: now = ")
    assert early.reasons[0].startswith("data is from future: now = ")
    assert atlas.tags() == []


def test_blocks_leave_with_time_and_silent_series_with_them():
    clock = Clock()
    atlas = store(clock)
    atlas.publish([point(NOW_MS, node="i-1"), point(NOW_MS, node="i-2")])
    clock.now_ms += 2 * MINUTE_MS
    atlas.publish([point(clock.now_ms, node="i-2")])
    assert atlas.tags("node") == ["i-1", "i-2"]
    clock.now_ms += 2 * MINUTE_MS
    atlas.publish([point(clock.now_ms, node="i-2")])
    assert atlas.tags("node") == ["i-2"]
    assert atlas.store.stats().block_count == 2
    assert values(atlas, NOW_MS - 1000, NOW_MS) == {}


def test_row_of_a_silent_series_holds_nothing_of_it():
    clock = Clock()
    atlas = store(clock)
    atlas.publish([point(NOW_MS, 9.0, node="i-1")])
    generation = atlas.store.generation
    clock.now_ms += 3 * MINUTE_MS
    atlas.publish([point(clock.now_ms, 2.0, node="i-2")])
    clock.now_ms += MINUTE_MS
    atlas.publish([point(clock.now_ms, 2.0, node="i-2")])
    assert atlas.store.generation > generation
    start_ms = clock.now_ms - 6 * MINUTE_MS
    found = values(atlas, start_ms, clock.now_ms)
    assert found == {clock.now_ms - MINUTE_MS: 2.0, clock.now_ms: 2.0}


def test_counter_survives_between_its_first_two_samples():
    clock = Clock()
    atlas = store(clock)
    counter = {"name": "bytes", "atlas.dstype": "counter"}
    atlas.publish([Datapoint(counter, NOW_MS, 10.0), point(NOW_MS - 59_000)])
    clock.now_ms += 3 * MINUTE_MS
    atlas.publish([point(clock.now_ms)])
    assert "bytes" in atlas.tags("name")


def test_new_series_are_refused_when_there_is_no_room_and_known_ones_are_not():
    atlas = store(Clock(), series_count_max=2)
    result = atlas.publish([point(NOW_MS, node=f"i-{i}") for i in range(4)])
    assert (result.accepted_count, result.refused_count) == (2, 2)
    assert result.reasons[0].startswith("too many series: 3 > 2; raise --max-series")
    assert atlas.publish([point(NOW_MS, 5.0, node="i-1")]).refused_count == 0
    assert atlas.store.stats().refused == {"series": 2}


DAY_MS = 24 * 60 * MINUTE_MS


def test_one_wrong_reading_of_the_clock_costs_nothing():
    clock = Clock()
    atlas = store(clock)
    rate = {"name": "rate"}
    atlas.publish([point(NOW_MS, 3.0), Datapoint(rate, NOW_MS, 1.0)])
    clock.now_ms += DAY_MS
    atlas.publish([point(clock.now_ms, 5.0), Datapoint(rate, clock.now_ms, 5.0)])
    clock.now_ms -= DAY_MS - 1000
    # Off the boundary, where a rate needs to know its last sample, and not that from tomorrow.
    late = [Datapoint(rate, NOW_MS + at, 2.0) for at in (500, 1500, 2500)]
    assert atlas.publish([point(NOW_MS + 1000, 4.0), *late]).refused_count == 0
    assert values(atlas, NOW_MS - 1000, NOW_MS + 1000) == {NOW_MS: 3.0, NOW_MS + 1000: 4.0}
    found = values(atlas, NOW_MS, NOW_MS + 2000, "name,rate,:eq")
    assert found == {NOW_MS + 1000: 2.0, NOW_MS + 2000: 2.0}


def test_clock_that_stays_ahead_is_believed_after_a_step():
    clock = Clock()
    atlas = store(clock)
    atlas.publish([point(NOW_MS, node="i-1")])
    for ahead_ms in (DAY_MS, DAY_MS + 1000):
        clock.now_ms = NOW_MS + ahead_ms
        atlas.publish([point(clock.now_ms, node="i-2")])
    assert atlas.tags("node") == ["i-2"]
    assert values(atlas, NOW_MS - 1000, NOW_MS) == {}


def test_clock_that_goes_back_a_day_finds_room():
    clock = Clock()
    atlas = store(clock)
    counter = {"name": "bytes", "atlas.dstype": "counter"}
    for step in range(3):
        clock.now_ms = NOW_MS + step * 1000
        atlas.publish([point(clock.now_ms), Datapoint(counter, clock.now_ms, 10.0 * step)])
    for step in range(3):
        clock.now_ms = NOW_MS - DAY_MS + step * 1000
        atlas.publish([point(clock.now_ms, 2.0), Datapoint(counter, clock.now_ms, 5.0 * step)])
    assert values(atlas, clock.now_ms - 3000, clock.now_ms) == {
        clock.now_ms - 2000: 2.0,
        clock.now_ms - 1000: 2.0,
        clock.now_ms: 2.0,
    }
    found = values(atlas, clock.now_ms - 3000, clock.now_ms, "name,bytes,:eq")
    assert found == {clock.now_ms - 1000: 5.0, clock.now_ms: 5.0}


def test_same_series_twice_in_a_batch_keeps_its_order():
    atlas = store(Clock())
    total = {"name": "jobs", "atlas.dstype": "sum"}
    atlas.publish([Datapoint(total, NOW_MS, 1.0), point(NOW_MS), Datapoint(total, NOW_MS, 2.0)])
    assert values(atlas, NOW_MS - 1000, NOW_MS, "name,jobs,:eq") == {NOW_MS: 3.0}


def test_growing_store_keeps_what_it_has():
    atlas = store(Clock())
    for start in range(0, 4000, 500):
        atlas.publish([point(NOW_MS, float(i), node=f"i-{i}") for i in range(start, start + 500)])
    assert values(atlas, NOW_MS - 1000, NOW_MS) == {NOW_MS: float(np.arange(4000).sum())}


@pytest.mark.parametrize(
    ("step_ms", "max_age_ms", "keep_ms", "what"),
    [(500, 0, 1000, "step must be whole seconds"), (1000, 2000, 1000, "is kept for 1000 ms only")],
)
def test_impossible_settings_are_refused(step_ms, max_age_ms, keep_ms, what):
    with pytest.raises(BadData, match=what):
        StoreConfig(step_ms, max_age_ms, keep_ms)


def test_cache_larger_than_the_memory_is_refused():
    limits = StoreLimits(bytes_max=1000, batch_cache_bytes_max=1000)
    with pytest.raises(BadData, match="memory of 1000 bytes is no more than the cache of batches"):
        StoreConfig(limits=limits)
