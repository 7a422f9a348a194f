"""Lines whose value at a step depends on the steps before it.

What each of them computes is written in `atlas.eval.algorithms`; windows and weights are checked
there too, when the expression is evaluated, as in the original.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from atlas.expr.text import iso_duration_text, number_text
from atlas.expr.tree import TimeSeriesExpr


class StatefulExpr(TimeSeriesExpr):
    """The base of all: one line for each line inside, with its tags and its place in a grouping."""

    __slots__ = ()
    word: ClassVar[str]
    inner: TimeSeriesExpr

    @property
    def grouping(self) -> tuple[str, ...] | None:
        """That of the lines inside."""
        return self.inner.grouping

    def arguments(self) -> tuple[str, ...]:
        """What stands between the expression inside and the word."""
        return ()

    def __str__(self) -> str:
        return ",".join([str(self.inner), *self.arguments(), f":{self.word}"])


class WindowedExpr(StatefulExpr):
    """What looks at windows of `size` steps."""

    __slots__ = ()
    size: int

    def arguments(self) -> tuple[str, ...]:
        """The size."""
        return (str(self.size),)


@dataclass(frozen=True, slots=True)
class Delay(WindowedExpr):
    """Each value `size` steps later."""

    word: ClassVar[str] = "delay"
    inner: TimeSeriesExpr
    size: int


@dataclass(frozen=True, slots=True)
class RollingCount(WindowedExpr):
    """How many values of each window are neither zero nor a gap."""

    word: ClassVar[str] = "rolling-count"
    inner: TimeSeriesExpr
    size: int


@dataclass(frozen=True, slots=True)
class RollingMin(WindowedExpr):
    """The smallest value of each window."""

    word: ClassVar[str] = "rolling-min"
    inner: TimeSeriesExpr
    size: int


@dataclass(frozen=True, slots=True)
class RollingMax(WindowedExpr):
    """The largest value of each window."""

    word: ClassVar[str] = "rolling-max"
    inner: TimeSeriesExpr
    size: int


@dataclass(frozen=True, slots=True)
class RollingSum(WindowedExpr):
    """The sum of each window."""

    word: ClassVar[str] = "rolling-sum"
    inner: TimeSeriesExpr
    size: int


@dataclass(frozen=True, slots=True)
class RollingMean(StatefulExpr):
    """The mean of each window that has at least so many values."""

    word: ClassVar[str] = "rolling-mean"
    inner: TimeSeriesExpr
    size: int
    value_count_min: int

    def arguments(self) -> tuple[str, ...]:
        """The size and the number of values."""
        return (str(self.size), str(self.value_count_min))


@dataclass(frozen=True, slots=True)
class Trend(StatefulExpr):
    """The mean over a length of time, gaps counting as zero; superseded by `RollingMean`."""

    word: ClassVar[str] = "trend"
    inner: TimeSeriesExpr
    window_ms: int

    def arguments(self) -> tuple[str, ...]:
        """The length of time, as the original prints it."""
        return (iso_duration_text(self.window_ms),)


@dataclass(frozen=True, slots=True)
class Integral(StatefulExpr):
    """The sum of everything so far."""

    word: ClassVar[str] = "integral"
    inner: TimeSeriesExpr


@dataclass(frozen=True, slots=True)
class Derivative(StatefulExpr):
    """How much each value is above the one before it."""

    word: ClassVar[str] = "derivative"
    inner: TimeSeriesExpr


@dataclass(frozen=True, slots=True)
class CumulativeMax(StatefulExpr):
    """The largest value so far."""

    word: ClassVar[str] = "cumulative-max"
    inner: TimeSeriesExpr


class SmoothedExpr(StatefulExpr):
    """Double exponential smoothing; `training` is a number of values."""

    __slots__ = ()
    training: int
    alpha: float
    beta: float

    def __post_init__(self) -> None:
        # One NaN for all, or else the expression would not equal itself after printing and parsing.
        for name in ("alpha", "beta"):
            if math.isnan(getattr(self, name)):
                object.__setattr__(self, name, math.nan)

    def arguments(self) -> tuple[str, ...]:
        """The number of values and the weights of level and slope."""
        return (str(self.training), number_text(self.alpha), number_text(self.beta))


@dataclass(frozen=True, slots=True)
class Des(SmoothedExpr):
    """What is expected at each step from everything before it."""

    word: ClassVar[str] = "des"
    inner: TimeSeriesExpr
    training: int
    alpha: float
    beta: float


@dataclass(frozen=True, slots=True)
class SlidingDes(SmoothedExpr):
    """What is expected at each step from the training period before it."""

    word: ClassVar[str] = "sdes"
    inner: TimeSeriesExpr
    training: int
    alpha: float
    beta: float
