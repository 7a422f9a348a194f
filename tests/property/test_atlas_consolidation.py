"""Steps joined into longer ones, and lines into groups: as defined, and sums of groups are sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas import Atlas, Datapoint
from atlas.asl import parse_exprs
from atlas.eval.by_series import is_joined_first, joined_first
from atlas.eval.evaluate import evaluate
from atlas.expr.data_expr import AGGREGATES, CONSOLIDATIONS
from atlas.model import EvalContext
from atlas.store.memory import StoreConfig
from atlas.store.runs import Groups

MULTIPLE, STEPS = 3, 2
SLOTS = MULTIPLE * STEPS
VALUES = st.one_of(st.none(), st.integers(-9, 9).map(float))
SERIES = st.lists(VALUES, min_size=SLOTS, max_size=SLOTS)
MIXED = [(f, how) for f in AGGREGATES for how in CONSOLIDATIONS if is_joined_first(f, how)]
COMBINED = {"sum": sum, "count": sum, "min": min, "max": max}
DAY_MS = 19_000 * 86_400_000


def plain(series: list[list[float | None]], function: str, how: str, is_gauge: bool) -> list[float]:
    """Each series joined by itself, then all combined; means are taken of what is combined."""
    lines = []
    for step in range(STEPS):
        at = range(step * MULTIPLE, (step + 1) * MULTIPLE)
        joined = []
        for values in series:
            kept = [1.0 if function == "count" else values[i] for i in at if values[i] is not None]
            if kept:
                joined.append({"min": min, "max": max}.get(how, sum)(kept))
        slots = sum(any(values[i] is not None for values in series) for i in at)
        value = COMBINED[function](joined) if joined else math.nan
        lines.append(
            value / (slots if is_gauge else MULTIPLE) if how == "avg" and joined else value
        )
    return lines


@pytest.mark.parametrize(("function", "how"), MIXED)
@given(
    st.lists(st.lists(SERIES, min_size=1, max_size=4), min_size=1, max_size=4),
    st.booleans(),
    st.integers(1, 20),
)
def test_series_are_joined_before_they_are_combined(function, how, grouped, is_gauge, at_once):
    flat = [values for group in grouped for values in group]
    has_all = np.array([[value is not None for value in values] for values in flat])
    values_all = np.array([[value or 0.0 for value in values] for values in flat])
    starts = np.cumsum([0, *map(len, grouped)])
    groups = Groups(np.arange(len(flat), dtype=np.int32), starts)
    found = joined_first(
        lambda some: (values_all[some.rows], has_all[some.rows]),
        groups,
        function=function,
        how=how,
        multiple=MULTIPLE,
        is_gauge=np.full(len(grouped), is_gauge),
        rows_at_once=at_once,
    )
    np.testing.assert_allclose(found, [plain(g, function, how, is_gauge) for g in grouped])


LABELLED = st.dictionaries(
    st.tuples(st.sampled_from("xyz"), st.sampled_from("123")), SERIES, min_size=1, max_size=9
)


def filled(series) -> Atlas:
    config = StoreConfig(60_000, max_age_ms=86_400_000, keep_ms=86_400_000)
    atlas = Atlas(config, now_ms=lambda: DAY_MS)
    points = [
        Datapoint(tags | {"atlas.dstype": "gauge"}, DAY_MS + i * 60_000, value)
        for (k, n), values in series.items()
        for tags in [{"name": "aa", "kk": k, "node": n}]
        for i, value in enumerate(values)
        if value is not None
    ]
    assert atlas.publish(points).accepted_count == len(points)
    return atlas


def line_of(atlas: Atlas, program: str, step_ms: int = 60_000) -> np.ndarray:
    context = EvalContext(DAY_MS, DAY_MS + SLOTS * 60_000, step_ms)
    (lines,) = evaluate(atlas.store, [parse_exprs(program)[0].expr], context)
    assert lines.count == 1
    return lines.values[0]


@given(LABELLED)
def test_an_aggregate_of_groups_is_the_aggregate_of_all(series):
    atlas = filled(series)
    for function in ("sum", "min", "max"):
        whole = line_of(atlas, f"name,aa,:eq,:{function}")
        groups = f"name,aa,:eq,:{function},(,kk,),:by,:{function}"
        np.testing.assert_array_equal(line_of(atlas, groups), whole)
        levels = f"name,aa,:eq,:{function},(,kk,node,),:by,:{function},(,kk,),:by,:{function}"
        np.testing.assert_array_equal(line_of(atlas, levels), whole)
    counted = line_of(atlas, "name,aa,:eq,:count,(,kk,),:by,:sum")
    np.testing.assert_array_equal(counted, line_of(atlas, "name,aa,:eq,:count"))
    lines = line_of(atlas, "name,aa,:eq,(,kk,node,),:by,:count")
    np.testing.assert_array_equal(lines, counted)
    mean = line_of(atlas, "name,aa,:eq,(,kk,node,),:by,:avg")
    np.testing.assert_array_equal(mean, line_of(atlas, "name,aa,:eq,:avg"))


@given(LABELLED, st.integers(0, 3))
def test_shifted_data_is_that_of_before(series, minutes):
    atlas = filled(series)
    plainly = line_of(atlas, "name,aa,:eq,:sum")
    shifted = line_of(atlas, f"name,aa,:eq,:sum,{minutes}m,:offset")
    np.testing.assert_array_equal(shifted[minutes:], plainly[: SLOTS - minutes])
    assert np.isnan(shifted[:minutes]).all()
