"""What the store said: values by query and step; and the arithmetic of steps, spans and gaps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from chaosctl.experiment.windows import STEP_MS

__all__ = [
    "NO_SERIES",
    "STEP_MS",
    "Samples",
    "Series",
    "Span",
    "longest_gap_ms",
    "mean",
    "step_ends",
    "value_at",
]

Series = Mapping[int, float]
"""Values by the end of their step, epoch ms. The step that ends at T covers T−step up to T.

NaN, or no entry, is a step without data.
"""

Samples = Mapping[str, Series]
"""Series by query, exactly as the query stands in the document."""

NO_SERIES: Series = {}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, epoch ms: start in, end out."""

    start_ms: int
    end_ms: int


def step_ends(span: Span, step_ms: int = STEP_MS) -> range:
    """Ends of all steps that lie wholly inside the span.

    >>> list(step_ends(Span(1500, 4200)))
    [3000, 4000]
    """
    first = -(-span.start_ms // step_ms) * step_ms + step_ms
    return range(first, span.end_ms + 1, step_ms)


def value_at(series: Series, end_ms: int) -> float:
    """The value of the step that ends at end_ms; NaN without data."""
    return series.get(end_ms, math.nan)


def mean(series: Series, ends: range) -> float:
    """Mean over those steps that have data; NaN if none has."""
    found = [v for v in (value_at(series, end) for end in ends) if not math.isnan(v)]
    if not found:
        return math.nan
    if any(math.isinf(v) for v in found):  # fsum refuses ∞ − ∞
        return sum(found) / len(found)
    return math.fsum(found) / len(found)


def longest_gap_ms(series: Series, ends: range, step_ms: int = STEP_MS) -> int:
    """Longest time on end without data; silence at either end of the span counts."""
    longest = current = 0
    for end in ends:
        current = current + step_ms if math.isnan(value_at(series, end)) else 0
        longest = max(longest, current)
    return longest
