"""Laws between words: what adds up, what undoes what, and what falls into parts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas import Atlas, Datapoint
from atlas.asl import parse_exprs
from atlas.eval.evaluate import evaluate
from atlas.model import EvalContext
from atlas.store.limits import StoreLimits, TagLimits
from atlas.store.memory import StoreConfig

DAY_MS = 19_000 * 86_400_000
STEP_MS = 60_000
STEPS = 12
SHORT_NAMES = StoreLimits(tags=TagLimits(key_size_min=1, name_size_min=1))
ALL = "name,x,:eq,(,k,),:by"

VALUES = st.one_of(st.just(math.nan), st.integers(-9, 9).map(float))
ROWS = st.lists(
    st.lists(VALUES, min_size=STEPS, max_size=STEPS).filter(lambda r: not all(map(math.isnan, r))),
    min_size=1,
    max_size=5,
)


def answers(rows, program, *, first=0):
    """The lines of a program by label, as lists; NaN as None so that they compare."""
    config = StoreConfig(STEP_MS, max_age_ms=86_400_000, keep_ms=86_400_000, limits=SHORT_NAMES)
    atlas = Atlas(config, now_ms=lambda: DAY_MS)
    for i, row in enumerate(rows):
        tags = {"name": "x", "k": f"{i}", "atlas.dstype": "gauge"}
        points = [
            Datapoint(tags, DAY_MS + step * STEP_MS, value)
            for step, value in enumerate(row)
            if not math.isnan(value)
        ]
        assert atlas.publish(points).accepted_count == len(points)
    context = EvalContext(DAY_MS + first * STEP_MS, DAY_MS + STEPS * STEP_MS, STEP_MS)
    exprs = [styled.expr for styled in parse_exprs(program)]
    return [
        {
            (label, *lines.tags[i].items()): [None if math.isnan(v) else v for v in row]
            for i, (label, row) in enumerate(zip(lines.labels, lines.values.tolist(), strict=True))
        }
        for lines in evaluate(atlas.store, exprs, context)
    ]


def values(lines):
    return list(lines.values())


@given(ROWS, st.integers(1, 5), st.integers(1, 5))
def test_delays_add_up(rows, some, more):
    twice, once = answers(rows, f"{ALL},{some},:delay,{more},:delay,{ALL},{some + more},:delay")
    assert values(twice) == values(once)


@given(ROWS, st.integers(1, 6), st.integers(1, 6), st.sampled_from(["min", "max"]))
def test_windows_of_windows_are_one_window(rows, some, more, word):
    word = f"rolling-{word}"
    program = f"{ALL},{some},:{word},{more},:{word},{ALL},{some + more - 1},:{word}"
    twice, once = answers(rows, program)
    assert values(twice) == values(once)


@given(ROWS)
def test_a_window_as_long_as_the_graph_is_what_there_was_so_far(rows):
    program = f"{ALL},100,:rolling-sum,{ALL},:integral,{ALL},100,:rolling-max,{ALL},:cumulative-max"
    total, integral, highest, maximum = answers(rows, program)
    assert values(total) == values(integral)
    assert values(highest) == values(maximum)


@given(ROWS, st.integers(1, 8))
def test_sums_are_means_of_their_counts(rows, size):
    program = f"{ALL},{size},:rolling-sum,{ALL},{size},1,:rolling-mean"
    sums, means = answers(rows, program)
    for row, total, mean in zip(rows, values(sums), values(means), strict=True):
        for i in range(STEPS):
            count = sum(not math.isnan(v) for v in row[max(0, i + 1 - size) : i + 1])
            if count == 0:
                assert total[i] is None
                assert mean[i] is None
            else:
                assert mean[i] == pytest.approx(total[i] / count, abs=1e-12)


@given(ROWS, st.integers(-9, 9))
def test_a_filter_and_its_opposite_share_out_the_lines(rows, bound):
    program = f"{ALL},{ALL},:stat-max,{bound},:gt,:filter,{ALL},:stat-max,{bound},:le,:filter"
    everything, above, rest = answers(rows, program)
    assert not above.keys() & rest.keys()
    assert {**above, **rest} == everything


@given(ROWS, st.integers(1, 5), st.sampled_from(["max", "avg", "last", "count", "total"]))
def test_the_others_add_up_to_what_is_left(rows, count, statistic):
    program = f"{ALL},:sum,{ALL},{statistic},{count},:topk-others-sum,:sum"
    everything, shared_out = answers(rows, program)
    assert values(everything) == values(shared_out)


@given(ROWS, st.integers(1, 4), st.sampled_from(["topk", "bottomk"]))
def test_the_first_few_are_so_many_lines_unchanged(rows, count, word):
    everything, few = answers(rows, f"{ALL},{ALL},avg,{count},:{word}")
    assert len(few) == min(count, len(everything))
    assert few.items() <= everything.items()


@given(ROWS, st.integers(1, 6), st.sampled_from(["min", "max"]))
def test_a_longer_step_is_consolidated_once(rows, minutes, function):
    word = f"{function},{minutes}m,:consolidate"
    twice, once = answers(rows, f"{ALL},{word},{word},{ALL},{word}")
    assert twice == once


@given(ROWS, st.integers(1, STEPS - 1))
def test_statistics_are_those_of_the_window(rows, first):
    highest, count = answers(rows, f"{ALL},max,:stat,{ALL},count,:stat", first=first)
    shown = [r[first:] for r in rows if not all(map(math.isnan, r[first:]))]
    assert [line[0] for line in values(highest)] == [float(np.nanmax(r)) for r in shown]
    assert [line[0] for line in values(count)] == [
        float(np.count_nonzero(~np.isnan(r))) for r in shown
    ]
