"""Words whose value at a step depends on the steps before it: they see the window's first step."""

from __future__ import annotations

from collections.abc import Callable

from atlas.errors import requirement_failed
from atlas.eval.algorithms import FloatArray
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
from atlas.eval.evaluation import Evaluation, evaluates
from atlas.eval.lines import Lines
from atlas.expr.stateful_expr import (
    CumulativeMax,
    Delay,
    Derivative,
    Des,
    Integral,
    RollingCount,
    RollingMax,
    RollingMean,
    RollingMin,
    RollingSum,
    SlidingDes,
    StatefulExpr,
    Trend,
    WindowedExpr,
)

WINDOW_STEPS_MAX = 86_400


@evaluates(Delay)
def _delay(expr: Delay, evaluation: Evaluation) -> Lines:
    return _windowed(expr, evaluation, delayed)


@evaluates(RollingCount)
def _rolling_count(expr: RollingCount, evaluation: Evaluation) -> Lines:
    return _windowed(expr, evaluation, rolling_count)


@evaluates(RollingMin)
def _rolling_min(expr: RollingMin, evaluation: Evaluation) -> Lines:
    return _windowed(expr, evaluation, rolling_min)


@evaluates(RollingMax)
def _rolling_max(expr: RollingMax, evaluation: Evaluation) -> Lines:
    return _windowed(expr, evaluation, rolling_max)


@evaluates(RollingSum)
def _rolling_sum(expr: RollingSum, evaluation: Evaluation) -> Lines:
    return _windowed(expr, evaluation, rolling_sum)


@evaluates(RollingMean)
def _rolling_mean(expr: RollingMean, evaluation: Evaluation) -> Lines:
    def compute(values: FloatArray) -> FloatArray:
        size = _checked_size(expr.size)
        if expr.value_count_min < 1:
            raise requirement_failed("minimum number of values must be >= 1")
        if expr.value_count_min > size:
            raise requirement_failed("minimum number of values must be <= window size")
        return rolling_mean(values, size, expr.value_count_min)

    return _computed(expr, evaluation, compute)


@evaluates(Trend)
def _trend(expr: Trend, evaluation: Evaluation) -> Lines:
    size = expr.window_ms // evaluation.context.step_ms

    def compute(values: FloatArray) -> FloatArray:
        return values if size <= 1 else trailing_mean(values, _checked_size(size))

    return _computed(expr, evaluation, compute)


@evaluates(Integral)
def _integral(expr: Integral, evaluation: Evaluation) -> Lines:
    return _computed(expr, evaluation, running_sum)


@evaluates(Derivative)
def _derivative(expr: Derivative, evaluation: Evaluation) -> Lines:
    return _computed(expr, evaluation, difference)


@evaluates(CumulativeMax)
def _cumulative_max(expr: CumulativeMax, evaluation: Evaluation) -> Lines:
    return _computed(expr, evaluation, running_max)


@evaluates(Des)
def _des(expr: Des, evaluation: Evaluation) -> Lines:
    def compute(values: FloatArray) -> FloatArray:
        return des(values, expr.training, expr.alpha, expr.beta)

    return _computed(expr, evaluation, compute)


@evaluates(SlidingDes)
def _sliding_des(expr: SlidingDes, evaluation: Evaluation) -> Lines:
    context = evaluation.context

    def compute(values: FloatArray) -> FloatArray:
        if expr.training < 1:
            raise requirement_failed(f"training size must be >= 1: {expr.training}")
        # What lies before a multiple of the training period, counted from 1970, is not looked at.
        ignored = -(context.start_ms // context.step_ms) % expr.training
        return sliding_des(values, expr.training, expr.alpha, expr.beta, ignored)

    return _computed(expr, evaluation, compute)


def _windowed(
    expr: WindowedExpr, evaluation: Evaluation, algorithm: Callable[[FloatArray, int], FloatArray]
) -> Lines:
    return _computed(expr, evaluation, lambda values: algorithm(values, _checked_size(expr.size)))


def _computed(
    expr: StatefulExpr, evaluation: Evaluation, compute: Callable[[FloatArray], FloatArray]
) -> Lines:
    """The lines inside with computed values. Without a line nothing is computed, nor checked."""
    lines = evaluation.lines(expr.inner)
    return lines.wrapped(expr.word, compute(lines.values)) if lines.count else lines


def _checked_size(size: int) -> int:
    if 1 <= size <= WINDOW_STEPS_MAX:
        return size
    raise requirement_failed(f"window size must be between 1 and {WINDOW_STEPS_MAX}: {size}")
