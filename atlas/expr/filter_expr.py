"""Lines kept or dropped as a whole, and the statistics by which that is decided."""

from __future__ import annotations

from dataclasses import dataclass

from atlas.errors import requirement_failed
from atlas.expr.text import encode, iso_duration_text
from atlas.expr.tree import TimeSeriesExpr

STATISTICS = ("avg", "max", "min", "last", "count", "total")
"""What sums up a line in one number. Which one is asked for is checked when it is evaluated."""


@dataclass(frozen=True, slots=True)
class Consolidate(TimeSeriesExpr):
    """Each value replaced by what `function` makes of the longer step around it."""

    inner: TimeSeriesExpr
    function: str
    step_ms: int

    @property
    def grouping(self) -> tuple[str, ...] | None:
        """That of the lines inside."""
        return self.inner.grouping

    def __str__(self) -> str:
        return f"{self.inner},{self.function},{iso_duration_text(self.step_ms)},:consolidate"


@dataclass(frozen=True, slots=True)
class Stat(TimeSeriesExpr):
    """A statistic of each line, at every step.

    In the condition of a filter it is written without the expression that it is the statistic of.
    """

    inner: TimeSeriesExpr
    statistic: str
    is_in_condition: bool = False

    @property
    def grouping(self) -> tuple[str, ...] | None:
        """That of the lines inside."""
        return self.inner.grouping

    def __str__(self) -> str:
        if self.is_in_condition:
            return f":stat-{self.statistic}"
        return f"{self.inner},{encode(self.statistic)},:stat"


@dataclass(frozen=True, slots=True)
class ConditionStat(TimeSeriesExpr):
    """A statistic of whatever comes to be filtered; outside of a condition it has no line."""

    statistic: str

    @property
    def original_name(self) -> str:
        """`StatAvg`, `StatMax` …"""
        return f"Stat{self.statistic.capitalize()}"

    def __str__(self) -> str:
        return f":stat-{self.statistic}"


@dataclass(frozen=True, slots=True)
class Filter(TimeSeriesExpr):
    """The lines for which a condition holds at some step."""

    inner: TimeSeriesExpr
    condition: TimeSeriesExpr

    def __post_init__(self) -> None:
        if self.inner.grouping is None and self.condition.grouping is not None:
            raise requirement_failed("filter grouping must match expr grouping")

    @property
    def grouping(self) -> tuple[str, ...] | None:
        """That of the lines inside."""
        return self.inner.grouping

    def __str__(self) -> str:
        return f"{self.inner},{self.condition},:filter"


@dataclass(frozen=True, slots=True)
class PriorityFilter(TimeSeriesExpr):
    """So many lines with the largest statistic, or the smallest; the others dropped, or combined.

    word: `topk` or `bottomk`, and `-others-` with a function to combine the others.
    """

    word: str
    inner: TimeSeriesExpr
    statistic: str
    line_count: int

    def __post_init__(self) -> None:
        if self.line_count <= 0:
            raise requirement_failed(f"k must be positive ({self.line_count} <= 0)")

    @property
    def is_top(self) -> bool:
        """Whether the largest are kept."""
        return self.word.startswith("topk")

    @property
    def others(self) -> str | None:
        """The function that combines the others; None if they are dropped."""
        return self.word.partition("-others-")[2] or None

    @property
    def original_name(self) -> str:
        """`TopK`, `BottomKOthersSum` …"""
        end = "" if self.others is None else f"Others{self.others.capitalize()}"
        return f"{'TopK' if self.is_top else 'BottomK'}{end}"

    @property
    def grouping(self) -> tuple[str, ...] | None:
        """That of the lines inside."""
        return self.inner.grouping

    def __str__(self) -> str:
        return f"{self.inner},{encode(self.statistic)},{self.line_count},:{self.word}"
