"""Comparison against plain enumeration; decisions as data; edges."""

from __future__ import annotations

import itertools
import math
import statistics
from pathlib import Path

import numpy as np
import pytest
import yaml

from atlas.analysis.compare import PAIRS_MAX, Difference, compare, decide
from atlas.errors import BadData, LimitExceeded

DATA = Path(__file__).parents[3] / "data" / "analysis" / "decisions.yaml"
CASES = yaml.safe_load(DATA.read_text(encoding="utf-8"))


def wins(control, experiment):
    return sum((y > x) + 0.5 * (y == x) for x in control for y in experiment)


def plain_p(control, experiment):
    """The share of all ways to deal the values into two hands that are as extreme, doubled."""
    pooled = [*control, *experiment]
    found = wins(control, experiment)
    dealt = []
    for chosen in itertools.combinations(range(len(pooled)), len(control)):
        rest = [pooled[i] for i in range(len(pooled)) if i not in chosen]
        dealt.append(wins([pooled[i] for i in chosen], rest))
    low = sum(u <= found for u in dealt) / len(dealt)
    high = sum(u >= found for u in dealt) / len(dealt)
    return min(1, 2 * min(low, high))


@pytest.mark.parametrize("sizes", [(3, 4), (4, 4), (5, 4), (2, 6)])
@pytest.mark.parametrize("has_ties", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_small_samples_are_exact(sizes, has_ties, seed):
    rng = np.random.default_rng(seed)
    control, experiment = (
        (rng.integers(0, 4, size) if has_ties else rng.normal(size=size)).tolist() for size in sizes
    )
    found = compare(control, experiment)
    assert found.p_value == pytest.approx(plain_p(control, experiment))
    pairs = [y - x for x in control for y in experiment]
    assert found.superiority == wins(control, experiment) / len(pairs)
    assert found.shift == pytest.approx(statistics.median(pairs))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"].replace(" ", "-"))
def test_decision_is_as_listed(case):
    control, experiment = (eval_values(case[side]) for side in ("control", "experiment"))
    found = compare(control, experiment, confidence=case.get("confidence", 0.95))
    options = {key: case[key] for key in ("tolerance", "tolerance_ratio") if key in case}
    assert decide(found, **options).value == case["says"]


def eval_values(written):
    """A list of numbers; or {values, times} for the same over and over; or seeded noise."""
    if isinstance(written, dict) and "values" in written:
        return written["values"] * written["times"]
    if isinstance(written, dict):
        noise = np.random.default_rng(written["seed"]).normal(size=written["count"])
        return written["mean"] + written["deviation"] * noise
    return [math.nan if v == "_" else float(v) for v in written]


def test_every_decision_has_a_case():
    assert {case["says"] for case in CASES} == {d.value for d in Difference}


def test_what_is_not_finite_is_dropped_and_counted():
    found = compare([1, 2, math.nan, 3, math.inf], [4, -math.inf, 5])
    counts = (found.control_count, found.experiment_count)
    assert (*counts, found.control_gaps, found.experiment_gaps) == (3, 2, 2, 1)
    assert found.shift == compare([1, 2, 3], [4, 5]).shift


def test_empty_side_has_no_numbers_and_is_too_few():
    found = compare([math.nan], [1, 2])
    assert math.isnan(found.p_value)
    assert math.isnan(found.shift)
    assert math.isnan(found.cliffs_delta)
    assert decide(found) is Difference.TOO_FEW


@pytest.mark.parametrize(
    ("control", "experiment"), [([3], [3, 3, 5]), ([1, 1, 9], [1]), ([1], [2])]
)
def test_single_value_is_no_error(control, experiment):
    found = compare(control, experiment)
    assert 0.3 < found.p_value <= 1
    assert decide(found) is Difference.TOO_FEW


def test_too_few_values_leave_the_shift_unbounded():
    found = compare([1, 2], [8, 9])
    assert (found.shift, found.lower, found.upper) == (7, -math.inf, math.inf)


@pytest.mark.parametrize(
    ("sizes", "confidence", "is_enough"),
    [
        ((3, 4), 0.95, False),
        ((4, 4), 0.95, True),
        ((3, 5), 0.95, True),
        ((2, 7), 0.95, False),
        ((2, 8), 0.95, True),
        ((4, 4), 0.98, False),
        ((4, 5), 0.98, True),
    ],
)
def test_smallest_sizes_are_those_of_the_page(sizes, confidence, is_enough):
    control, experiment = np.arange(sizes[0]), 100.0 + np.arange(sizes[1])
    found = compare(control, experiment, confidence=confidence)
    assert found.p_value == pytest.approx(found.p_least)
    assert (decide(found) is Difference.HIGHER) is is_enough


def test_interval_holds_the_true_shift_as_often_as_it_says():
    rng = np.random.default_rng(1)
    found = [compare(x, y + 1) for x, y in rng.normal(size=(300, 2, 15))]
    assert sum(f.lower <= 1 <= f.upper for f in found) / 300 >= 0.93


def test_equal_populations_are_rarely_told_apart():
    rng = np.random.default_rng(2)
    pairs = [rng.normal(size=(2, 30)) for _ in range(300)]
    assert sum(compare(*pair).p_value <= 0.05 for pair in pairs) / 300 <= 0.08


@pytest.mark.parametrize(("deviations", "count"), [(1.0, 18), (0.5, 67)])
def test_shift_is_told_from_chance_four_times_in_five(deviations, count):
    rng = np.random.default_rng(4)
    pairs = rng.normal(size=(300, 2, count))
    found = [compare(x, y + deviations).p_value <= 0.05 for x, y in pairs]
    assert 0.74 < sum(found) / 300 < 0.87


def test_values_that_depend_on_each_other_look_different():
    """What the page warns of, and what it recommends: means of many steps."""
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(200, 2, 600))
    for step in range(1, 600):
        noise[..., step] += 0.6 * noise[..., step - 1]
    alarms = {
        width: sum(
            compare(*pair[:, : 60 * width].reshape(2, 60, width).mean(axis=-1)).p_value <= 0.05
            for pair in noise
        )
        / 200
        for width in (1, 10)
    }
    assert alarms[1] > 0.25
    assert alarms[10] < 0.15


def test_nonsense_is_refused():
    with pytest.raises(BadData, match="a population has one axis, not 2"):
        compare([[1, 2]], [3])
    with pytest.raises(BadData, match="a tolerance is not negative"):
        decide(compare([1], [2]), tolerance=-1)
    with pytest.raises(BadData, match="confidence 0 is not between"):
        compare([1], [2], confidence=0)


def test_too_many_pairs_are_refused():
    side = np.zeros(math.isqrt(PAIRS_MAX) + 1)
    with pytest.raises(LimitExceeded, match="too many pairs"):
        compare(side, side)
