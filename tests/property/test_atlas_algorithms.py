"""Each algorithm on arrays gives what a plain loop over the values of a line gives."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.eval.algorithms.enclosing import enclosing
from atlas.eval.algorithms.priority import best
from atlas.eval.algorithms.rolling import (
    rolling_count,
    rolling_max,
    rolling_mean,
    rolling_min,
    rolling_sum,
    trailing_mean,
)
from atlas.eval.algorithms.running import delayed, difference, running_max, running_sum
from atlas.eval.algorithms.smoothing import des, sliding_des
from atlas.eval.algorithms.summary import STATISTICS

NAN, INF = math.nan, math.inf
FINITE = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-13, 1e300, -1e300, 5e-324, 1e16, 0.1]),
    st.floats(-1e300, 1e300),
    st.integers(-5, 5).map(float),
)
VALUES = st.one_of(FINITE, FINITE, st.just(NAN), st.sampled_from([INF, -INF, NAN]))
SIZES = st.one_of(st.integers(1, 6), st.integers(1, 40), st.sampled_from([1000, 86_400]))
WEIGHTS = st.one_of(st.sampled_from([0.0, 0.02, 0.1, 0.5, 1.0]), st.floats(0, 1))


def arrays(values=VALUES):
    """Lines of equal length, as lists."""
    return st.tuples(st.integers(1, 3), st.integers(1, 30)).flatmap(
        lambda shape: st.lists(
            st.lists(values, min_size=shape[1], max_size=shape[1]),
            min_size=shape[0],
            max_size=shape[0],
        )
    )


@pytest.fixture(autouse=True)
def quiet():
    """Arithmetic with infinities is meant; whoever evaluates has silenced numpy."""
    with np.errstate(all="ignore"):
        yield


def windows(line, size):
    """For each step the window that ends at it."""
    return [line[max(0, i + 1 - size) : i + 1] for i in range(len(line))]


def known(values):
    return [v for v in values if not math.isnan(v)]


def added(values):
    """The sum in an order of its own; NaN is nothing."""
    total = 0.0
    for value in known(values):
        total += value
    return total


def agree(found, expected, scale=None):
    """Equal, or as close as sums of the values in `scale` can be told apart."""
    found = found.tolist()
    assert len(found) == len(expected)
    for i, (x, y) in enumerate(zip(found, expected, strict=True)):
        if math.isnan(y) or math.isinf(y):
            assert x == y or (math.isnan(x) and math.isnan(y)), (i, x, y)
        else:
            slack = 1e-14 * sum(abs(v) for v in known(scale[i])) if scale else 0.0
            assert abs(x - y) <= slack, (i, x, y)


@given(arrays(), SIZES)
def test_rolling_count(lines, size):
    found = rolling_count(np.array(lines), size)
    for line, row in zip(lines, found, strict=True):
        agree(row, [float(sum(abs(v) >= 1e-12 for v in w)) for w in windows(line, size)])


@given(arrays(), SIZES)
def test_rolling_min_and_max(lines, size):
    lowest, highest = rolling_min(np.array(lines), size), rolling_max(np.array(lines), size)
    for line, low, high in zip(lines, lowest, highest, strict=True):
        agree(low, [min(known(w), default=NAN) for w in windows(line, size)])
        agree(high, [max(known(w), default=NAN) for w in windows(line, size)])


def loses_infinity(line, i, size):
    """Whether an infinity leaves the window at step i, and another value takes its place."""
    return i >= size and math.isinf(line[i - size]) and line[i - size] != line[i]


@given(arrays(), SIZES, st.integers(1, 5))
def test_rolling_sum_and_mean(lines, size, at_least):
    sums = rolling_sum(np.array(lines), size)
    means = rolling_mean(np.array(lines), size, at_least)
    for line, row, mean_row in zip(lines, sums, means, strict=True):
        at = windows(line, size)
        expected = [
            NAN if loses_infinity(line, i, size) or not known(w) else added(w)
            for i, w in enumerate(at)
        ]
        agree(row, expected, at)
        agree(
            mean_row,
            [s / len(known(w)) if len(known(w)) >= at_least else NAN
             for s, w in zip(expected, at, strict=True)],
            at,
        )  # fmt: skip


def as_the_original_sums(line, size):
    """A running sum, begun again from the window where its size in bits changes suddenly."""

    def exponent(value):
        if math.isnan(value) or math.isinf(value):
            return 1024
        return 0 if abs(value) < 2.0**-1022 else math.frexp(value)[1] - 1

    def plus(a, b):
        return b if math.isnan(a) else a if math.isnan(b) else a + b

    window = deque([NAN] * size, size)
    total, result = 0.0, []
    for value in line:
        left = window[0]
        window.append(value)
        if not (math.isnan(left) and math.isnan(value)):
            changed = plus(-left, value)
            if math.isinf(left) and left == value:
                changed = NAN
            after = plus(total, changed)
            total = after if abs(exponent(total) - exponent(after)) < 15 else added(window)
        result.append(total if known(window) else NAN)
    return result


@given(
    st.lists(st.integers(-1000, 1000).map(float), min_size=1, max_size=30),
    st.integers(1, 8),
    st.sampled_from([INF, -INF]),
    st.sets(st.integers(0, 4).map(lambda i: 7 * i)),
)
def test_lone_infinities_leave_a_rolling_sum_as_in_the_original(line, size, infinity, places):
    line = [infinity if i in places else v for i, v in enumerate(line)]
    agree(rolling_sum(np.array([line]), size)[0], as_the_original_sums(line, size))


@given(arrays(), st.integers(2, 40))
def test_trailing_mean(lines, size):
    found = trailing_mean(np.array(lines), size)
    for line, row in zip(lines, found, strict=True):
        at = windows(line, size)
        is_lost = [any(map(math.isinf, line[: max(0, i + 1 - size)])) for i in range(len(line))]
        expected = [
            NAN if lost or len(w) < size or not known(w) else added(w) / size
            for w, lost in zip(at, is_lost, strict=True)
        ]
        agree(row, expected, at)


@given(arrays())
def test_running_sum(lines):
    found = running_sum(np.array(lines))
    for line, row in zip(lines, found, strict=True):
        total, expected = NAN, []
        for value in line:
            if not math.isnan(value):
                total = value if math.isnan(total) else total + value
            expected.append(total)
        agree(row, expected)


@given(arrays())
def test_running_max(lines):
    found = running_max(np.array(lines))
    for line, row in zip(lines, found, strict=True):
        agree(row, [max(known(line[: i + 1]), default=NAN) for i in range(len(line))])


@given(arrays(), SIZES)
def test_delayed(lines, steps):
    found = delayed(np.array(lines), steps)
    for line, row in zip(lines, found, strict=True):
        agree(row, ([NAN] * steps + line)[: len(line)])


@given(arrays())
def test_difference(lines):
    found = difference(np.array(lines))
    for line, row in zip(lines, found, strict=True):
        agree(row, [b - a for a, b in zip([NAN, *line], line, strict=False)])


@given(arrays(st.integers(-1000, 1000).map(float)))
def test_difference_undoes_running_sum(lines):
    values = np.array(lines)
    assert np.array_equal(difference(running_sum(values))[:, 1:], values[:, 1:])


class Des:
    """Double exponential smoothing, a value at a time."""

    def __init__(self, training, alpha, beta):
        self.training, self.alpha, self.beta = training, alpha, beta
        self.seen, self.level, self.slope = 0, NAN, NAN

    def expected_before(self, value):
        result = self.level if self.seen >= self.training else NAN
        if not math.isnan(value):
            if self.seen == 0:
                self.level, self.slope = value, 0.0
            else:
                level = self.alpha * value + (1 - self.alpha) * (self.level + self.slope)
                self.slope = self.beta * (level - self.level) + (1 - self.beta) * self.slope
                self.level = level
            self.seen += 1
        return result


@given(arrays(), st.integers(0, 12), WEIGHTS, WEIGHTS)
def test_des(lines, training, alpha, beta):
    found = des(np.array(lines), training, alpha, beta)
    for line, row in zip(lines, found, strict=True):
        loop = Des(training, alpha, beta)
        agree(row, [loop.expected_before(v) for v in line])


@given(arrays(), st.integers(1, 12), WEIGHTS, WEIGHTS, st.integers(0, 12))
def test_sliding_des_takes_turns(lines, training, alpha, beta, ignored):
    found = sliding_des(np.array(lines), training, alpha, beta, ignored)
    for line, row in zip(lines, found, strict=True):
        used, other = Des(training, alpha, beta), Des(training, alpha, beta)
        expected = []
        for i, value in enumerate(line):
            seen = NAN if i < ignored else value
            result, _ = used.expected_before(seen), other.expected_before(seen)
            expected.append(result)
            if (i + 1) % training == 0:
                used, other = other, Des(training, alpha, beta)
        agree(row, expected)


@given(arrays(), arrays(), SIZES)
def test_lines_do_not_see_each_other(some, others, size):
    length = min(len(some[0]), len(others[0]))
    some, others = np.array(some)[:, :length], np.array(others)[:, :length]
    both = np.concatenate([some, others])
    for algorithm in (
        lambda v: rolling_count(v, size),
        lambda v: rolling_sum(v, size),
        lambda v: rolling_min(v, size),
        lambda v: trailing_mean(v, size),
        running_sum,
        running_max,
        lambda v: des(v, 2, 0.1, 0.5),
        lambda v: sliding_des(v, 3, 0.1, 0.5, 1),
    ):
        apart = np.concatenate([algorithm(some), algorithm(others)])
        assert np.array_equal(algorithm(both), apart, equal_nan=True)


@given(arrays(), SIZES, st.integers(1, 29))
def test_what_comes_later_changes_nothing(lines, size, cut):
    values = np.array(lines)
    cut = min(cut, values.shape[1])
    for algorithm in (
        lambda v: rolling_count(v, size),
        lambda v: rolling_max(v, size),
        lambda v: delayed(v, size),
        running_sum,
        difference,
        lambda v: des(v, 2, 0.1, 0.5),
        lambda v: sliding_des(v, 3, 0.1, 0.5, 1),
    ):
        whole = algorithm(values)[:, :cut]
        assert np.array_equal(algorithm(values[:, :cut]), whole, equal_nan=True)


@given(arrays())
def test_statistics(lines):
    values = np.array(lines)
    expected = {
        "count": lambda v: float(len(v)),
        "total": lambda v: added(v) if v else NAN,
        "avg": lambda v: added(v) / len(v) if v else NAN,
        "max": lambda v: max(v, default=NAN),
        "min": lambda v: min(v, default=NAN),
        "last": lambda v: v[-1] if v else NAN,
    }
    assert STATISTICS.keys() == expected.keys()
    for name, of_one in expected.items():
        agree(STATISTICS[name](values), [of_one(known(line)) for line in lines], lines)


@given(
    arrays(),
    st.sampled_from(["sum", "avg", "min", "max"]),
    st.integers(1, 40),
    st.integers(0, 100),
    st.booleans(),
)
def test_enclosing(lines, function, multiple, first, is_rate):
    found = enclosing(function, np.array(lines), multiple, first, np.full(len(lines), is_rate))
    for line, row in zip(lines, found, strict=True):
        longer = [-(-(first + i) // multiple) for i in range(len(line))]
        same = [[v for v, n in zip(line, longer, strict=True) if n == mine] for mine in longer]
        agree(row, [consolidated(function, known(v), is_rate and multiple) for v in same], same)


def consolidated(function, values, multiple):
    if not values:
        return NAN
    if function in ("min", "max"):
        return min(values) if function == "min" else max(values)
    return added(values) if function == "sum" else added(values) / (multiple or len(values))


def java_order(number):
    """Java compares doubles by value; −0.0 comes before 0.0, and NaN after everything."""
    is_nan = math.isnan(number)
    return (is_nan, 0.0 if is_nan else number, math.copysign(1, number) if not is_nan else 0)


@given(st.lists(VALUES, max_size=30), st.integers(1, 12), st.booleans())
def test_best_are_the_first_in_order(numbers, count, is_top):
    kept, others = best(np.array(numbers), count, is_top=is_top)
    assert sorted(kept + others) == list(range(len(numbers)))
    ordered = sorted(map(java_order, numbers), reverse=is_top)
    assert sorted((java_order(numbers[i]) for i in kept), reverse=is_top) == ordered[:count]


@given(st.lists(FINITE, unique=True, max_size=30), st.integers(1, 12))
def test_others_drop_out_when_a_better_one_comes(numbers, count):
    _, others = best(np.array(numbers), count, is_top=False)
    dropped = []
    for seen in range(len(numbers)):
        so_far = sorted(range(seen + 1), key=lambda i: java_order(numbers[i]))
        dropped += [i for i in so_far[count:] if i not in dropped]
    assert others == dropped


@pytest.mark.parametrize(
    ("numbers", "count", "kept"),
    [
        ([1, 1, 2], 2, {1, 2}),  # the earlier of two equal ones is on top of the heap
        ([0, 7, 7, 0], 3, {0, 2, 3}),
        ([7, 7, 7, 7], 2, {0, 1}),  # an equal one is not better
    ],
)
def test_ties_are_broken_by_the_heap(numbers, count, kept):
    is_top = numbers[-1] > numbers[0]
    assert set(best(np.array(numbers, float), count, is_top=is_top)[0]) == kept
