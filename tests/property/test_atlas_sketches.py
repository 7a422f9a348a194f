"""Estimates from sketches are what their definitions say, one step and one sketch at a time."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from atlas.eval.sketches import estimate_distinct, estimate_percentiles
from atlas.expr.sketch_expr import BUCKET_BOUNDS

COUNTS = st.one_of(st.integers(0, 5).map(float), st.floats(0, 1e12), st.just(math.nan))
SKETCH = st.dictionaries(
    st.integers(0, 275), st.lists(COUNTS, min_size=3, max_size=3), min_size=1, max_size=6
)
PERCENTILES = st.lists(
    st.one_of(st.floats(0, 100), st.sampled_from([0.0, 50.0, 100.0])), max_size=4
)


def plain_percentile(counts: dict[int, float], percentile: float) -> float:
    """Walks all buckets, also those that nothing was counted in."""
    total = sum(counts[i] for i in sorted(counts))
    if not total:
        return math.nan
    reached, before, low = 0.0, 0.0, 0.0
    for i in range(max(k for k, v in counts.items() if v) + 1):
        reached += counts.get(i, 0.0)
        share, high = 100 * reached / total, float(BUCKET_BOUNDS[i])
        if share >= percentile:
            part = (percentile - before) / (share - before) if share > before else 0.0
            return low + part * (high - low)
        before, low = share, high
    return low


def estimated(sketch: dict[int, list[float]], wanted: list[float]) -> np.ndarray:
    buckets = sorted(sketch)
    counts = np.array([[sketch[b] for b in buckets]])
    with np.errstate(all="ignore"):
        return estimate_percentiles(counts, np.array([buckets]), wanted)[0]


@given(SKETCH, PERCENTILES)
def test_percentiles_are_those_of_the_walk_over_buckets(sketch, wanted):
    found = estimated(sketch, wanted)
    for step in range(3):
        counts = {b: 0.0 if math.isnan(v[step]) else v[step] for b, v in sketch.items()}
        expected = [plain_percentile(counts, p) for p in wanted]
        np.testing.assert_allclose(found[:, step], expected, rtol=1e-9)


@given(SKETCH, PERCENTILES)
def test_percentiles_grow_and_stay_within_their_buckets(sketch, wanted):
    found = estimated(sketch, sorted(wanted))
    for step in range(3):
        used = [b for b, v in sketch.items() if v[step] > 0]
        values = found[:, step]
        if not used:
            assert np.isnan(values).all()
            continue
        assert (np.diff(values) >= -1e-9 * np.abs(values[1:])).all()
        assert (values <= BUCKET_BOUNDS[max(used)] * (1 + 1e-9)).all()


@given(st.lists(SKETCH, min_size=1, max_size=4), PERCENTILES)
def test_a_sketch_does_not_see_the_padding_of_longer_ones(sketches, wanted):
    longest = max(map(len, sketches))
    counts = np.zeros((len(sketches), longest, 3))
    buckets = np.zeros((len(sketches), longest), np.int64)
    for i, sketch in enumerate(sketches):
        counts[i, : len(sketch)] = [sketch[b] for b in sorted(sketch)]
        buckets[i, : len(sketch)] = sorted(sketch)
    with np.errstate(all="ignore"):
        together = estimate_percentiles(counts, buckets, wanted)
    for i, sketch in enumerate(sketches):
        np.testing.assert_array_equal(together[i], estimated(sketch, wanted))


RANKS = st.dictionaries(st.integers(0, 63), st.sampled_from([math.nan, 0, 1, 2, 5, 30]), min_size=1)


def plain_distinct(ranks: dict[int, float]) -> float:
    known = {i: rank for i, rank in ranks.items() if not math.isnan(rank)}
    registers = [float(known.get(i, 0)) for i in range(64)]
    empty = registers.count(0.0)
    if empty == 64:
        return math.nan
    estimate = 0.7213 / (1 + 1.079 / 64) * 64**2 / sum(2**-rank for rank in registers)
    return 64 * math.log(64 / empty) if estimate <= 160 and empty else estimate


@given(st.lists(RANKS, min_size=1, max_size=5))
def test_distinct_values_are_those_of_the_definition(sketches):
    ranks = np.array([[rank] for sketch in sketches for rank in sketch.values()])
    starts = np.cumsum([0, *map(len, sketches)])
    with np.errstate(all="ignore"):
        found = estimate_distinct(ranks, starts)[:, 0]
    np.testing.assert_allclose(found, [plain_distinct(sketch) for sketch in sketches])


def test_distinct_values_of_worked_examples():
    ranks = np.array([[1.0]] * 10 + [[2.0]] * 5 + [[5.0]] * 64)
    with np.errstate(all="ignore"):
        found = estimate_distinct(ranks, np.array([0, 15, 79]))[:, 0]
    np.testing.assert_allclose(found, [17.09, 1452.7], rtol=1e-3)
