"""A measured figure and the limit it is held against."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. limit: at most this, or at least it where `at_least`; NaN: could not be had."""

    name: str
    value: float
    unit: str
    limit: float
    at_least: bool = False
    note: str = ""

    @property
    def ratio(self) -> float:
        """Share of the limit that is used up; over 1 is over."""
        return self.limit / self.value if self.at_least else self.value / self.limit

    @property
    def is_met(self) -> bool:
        """Whether it was measured and keeps its limit."""
        return not math.isnan(self.value) and self.ratio <= 1


def missing(name: str, unit: str, limit: float, why: str, *, at_least: bool = False) -> Figure:
    """A figure that could not be measured; it fails the benchmark."""
    return Figure(name, math.nan, unit, limit, at_least, why)


def table(figures: Sequence[Figure]) -> str:
    """The figures as text, a line each."""
    lines = [f"{'figure':<46}{'value':>10}  {'limit':>12}  {'used':>6}"]
    for figure in figures:
        bound = f"{'≥' if figure.at_least else '≤'} {figure.limit:g} {figure.unit}"
        mark = "" if figure.is_met else "  MISSING" if math.isnan(figure.value) else "  OVER"
        used = f"{figure.ratio * 100:.0f} %"
        line = f"{figure.name:<46}{figure.value:>10.3g}  {bound:>12}  {used:>6}{mark}"
        lines.append(f"{line}  {figure.note}".rstrip())
    return "\n".join(lines)
