"""Words whose value at a step depends on the steps before it: they see the window's first step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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

_WINDOWED: Mapping[type[WindowedExpr], Callable[[FloatArray, int], FloatArray]] = {
    Delay: delayed,
    RollingCount: rolling_count,
    RollingMax: rolling_max,
    RollingMin: rolling_min,
    RollingSum: rolling_sum,
}
_PLAIN: Mapping[type[StatefulExpr], Callable[[FloatArray], FloatArray]] = {
    CumulativeMax: running_max,
    Derivative: difference,
    Integral: running_sum,
}


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


def _windowed(expr: WindowedExpr, evaluation: Evaluation) -> Lines:
    algorithm = _WINDOWED[type(expr)]
    return _computed(expr, evaluation, lambda values: algorithm(values, _checked_size(expr.size)))


def _plain(expr: StatefulExpr, evaluation: Evaluation) -> Lines:
    return _computed(expr, evaluation, _PLAIN[type(expr)])


for _windowed_kind in _WINDOWED:
    evaluates(_windowed_kind)(_windowed)
for _plain_kind in _PLAIN:
    evaluates(_plain_kind)(_plain)
