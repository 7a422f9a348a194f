"""A packed block answers what the same block answers that is not packed."""

from __future__ import annotations

import math
import sys
from unittest.mock import patch

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from atlas.asl import parse_exprs
from atlas.eval.evaluate import evaluate
from atlas.eval.reduce import present_in, reduce_block, refold_sums
from atlas.ingest.samples import Samples, publish_samples
from atlas.model import EvalContext
from atlas.store.block import Block
from atlas.store.memory import MemoryStore, StoreConfig
from atlas.store.pack import pack_rows
from atlas.store.runs import Groups

EXTREMES = (
    *(0.0, -0.0, math.inf, -math.inf, 1 / 3),
    *(sys.float_info.max, -sys.float_info.max, sys.float_info.min, 5e-324, -1e-310),
    *(2.0**53, 2.0**53 + 2, -(2.0**31), 2.0**31 - 1, 2.0**32, 65535.0, 65536.0, 255.0, 256.0),
)
NUMBERS = st.one_of(
    st.sampled_from(EXTREMES),
    st.floats(allow_nan=False),
    st.integers(-300, 300).map(float),
    st.integers(0, 10**6).map(lambda n: n / 100),
    st.integers(0, 10**4).map(lambda n: n / 60),
)


@st.composite
def rows(draw):
    """One row: numbers of one sort, or of any, and then as many gaps as may be; NaN is a gap."""
    pool = draw(
        st.one_of(
            NUMBERS.map(lambda number: [number]),
            st.lists(st.sampled_from(EXTREMES), min_size=1, max_size=4),
            st.lists(NUMBERS, min_size=1, max_size=30),
            st.lists(st.integers(0, 70_000).map(lambda n: n / 100), min_size=5, max_size=60),
            st.lists(st.integers(0, 200).map(lambda n: n / 60), min_size=5, max_size=60),
        )
    )
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    values = rng.choice(np.array(pool), 60)
    values[rng.random(60) < draw(st.sampled_from([0.0, 0.0, 0.9]))] = 0.0
    values[rng.random(60) < draw(st.sampled_from([0.0, 0.0, 0.1, 0.95, 1.0]))] = math.nan
    return values


def block_of(values):
    block = Block(len(values) + 3)
    for column in range(60):
        at = np.flatnonzero(~np.isnan(values[:, column])).astype(np.int32)
        block.put(at, column, values[at, column])
    return block


def packed(block):
    block.pack(pack_rows(block.view(), 60.0, lambda: None))
    return block


def bits(values):
    return np.ascontiguousarray(values).view(np.int64)


@given(
    st.lists(rows(), min_size=1, max_size=25).map(np.array),
    st.lists(st.integers(0, 24), max_size=4),
    st.integers(0, 59),
    st.integers(1, 60),
)
@example(np.full((2, 60), -0.0), [1], 0, 60)
@example(np.array([[math.inf] * 60, [-math.inf] * 60, [1.0] * 60]), [], 5, 20)
def test_every_aggregate_of_packed_rows_is_that_of_the_rows(values, cuts, begin, width):
    plain, small = block_of(values).view(), packed(block_of(values)).view()
    order = np.random.default_rng(0).permutation(len(values) + 3).astype(np.int32)
    starts = np.unique([0, len(order), *(c for c in cuts if c < len(order))])
    groups, columns = Groups(order, starts), slice(begin, min(60, begin + width))
    np.testing.assert_array_equal(
        bits(small.read(order, columns)), bits(plain.read(order, columns))
    )
    np.testing.assert_array_equal(
        present_in(small, groups, columns), present_in(plain, groups, columns)
    )
    with np.errstate(all="ignore"):
        for function in ("count", "min", "max"):
            found, expected = (
                reduce_block(function, view, groups, columns, lambda: None)
                for view in (small, plain)
            )
            np.testing.assert_array_equal(found, expected)
        found, expected = (sums(view, groups, columns) for view in (small, plain))
        np.testing.assert_array_equal(bits(found), bits(expected))
        with patch("atlas.store.view.DECODED_ROWS_MAX", 0):  # so that these are many
            found = sums(small, groups, columns)
        size = reduce_block("sum", block_of(np.abs(values)).view(), groups, columns, lambda: None)
        is_known = np.isfinite(expected)
        np.testing.assert_array_equal(found[~is_known], expected[~is_known])
        error = np.abs(found[is_known] - expected[is_known])
        assert (error <= 1e-15 * len(order) * size[is_known]).all()


def sums(view, groups, columns):
    found = reduce_block("sum", view, groups, columns, lambda: None)
    has = present_in(view, groups, columns)
    refold_sums(found, has, view, groups, columns, ordered=np.sort)
    return found


@given(
    st.lists(rows(), min_size=1, max_size=12).map(np.array),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 59), NUMBERS), max_size=6),
    st.sampled_from(["put", "put_max", "put_sum"]),
)
def test_late_values_of_packed_rows_are_as_those_of_open_ones(values, late, how):
    plain, small = block_of(values), packed(block_of(values))
    with np.errstate(all="ignore"):
        for number, (row, column, value) in enumerate(late):
            at = np.array([row % len(values)], np.int32)
            for block in (plain, small):
                getattr(block, how)(at, column, np.array([value]))
            if number == 2:
                packed(small)
    every = np.arange(len(values), dtype=np.int32)
    np.testing.assert_array_equal(small.present, plain.present)
    np.testing.assert_array_equal(bits(small.view().read(every)), bits(plain.view().read(every)))


NOW_MS = 1_641_600_000_000
PROGRAMS = [
    f"name,a,:re,:{how}{by}"
    for how in ("sum", "count", "min", "max")
    for by in ("", ",(,zone,),:by", ",(,node,),:by")
]
POINTS = st.lists(
    st.tuples(st.sampled_from("xy"), st.integers(0, 5), st.integers(0, 119), st.integers(-9, 99)),
    max_size=40,
)


@given(POINTS, POINTS, st.sampled_from([1, 2, 7, 60]))
def test_store_that_packs_answers_as_one_that_does_not(early, late, width):
    config = StoreConfig(step_ms=1000, max_age_ms=300_000, keep_ms=600_000)
    stores = [MemoryStore(config), MemoryStore(config)]
    for points in (early, late):
        for store in stores:
            publish(store, points)
        assert stores[0].pack(NOW_MS + 200_000) <= 2
    exprs = [styled.expr for program in PROGRAMS for styled in parse_exprs(program)]
    step_ms = width * 1000
    window = EvalContext(NOW_MS - 119 // width * step_ms, NOW_MS + step_ms, step_ms)
    for found, expected in zip(*(evaluate(s, exprs, window) for s in stores), strict=True):
        assert found.labels == expected.labels
        np.testing.assert_array_equal(found.values, expected.values)


def publish(store, points):
    if not points:
        return
    tags = [{"name": f"a{n % 2}", "zone": z, "node": str(n)} for z, n, _, _ in points]
    times = np.array([NOW_MS - (119 - at) * 1000 for _, _, at, _ in points])
    values = np.array([value / 4 for *_, value in points])
    assert not publish_samples(store, Samples(tags, times, values), NOW_MS).refused_count
