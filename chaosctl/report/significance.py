"""How a check's values under the fault differ from others: its baseline's, or another query's.

What `atlas.analysis.compare` says, as a table. The verdict rests on it only where a check is a
comparison; elsewhere it helps to read the charts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from chaosctl.engine.series import Line
from chaosctl.judge.samples import Series, Span, step_ends
from chaosctl.report.evidence import Evidence, moments

VALUES_MAX = 2_000
"""Of a longer span every second, third … step is taken: all pairs are looked at."""

SIZES = ((0.147, "negligible"), (0.33, "small"), (0.474, "medium"))
"""Cliff's delta up to which an effect is called so (Romano et al., 2006); beyond it is large."""


@dataclass(frozen=True, slots=True)
class Significance:
    """The values of a check under the fault against others.

    against: `baseline`, or the other query. median, other_median, shift with its interval from
    lower to upper: in the query's unit. delta: Cliff's, −1 to 1. counts: steps with data.
    """

    name: str
    against: str
    is_judged: bool
    other_count: int
    count: int
    other_median: float
    median: float
    shift: float
    lower: float
    upper: float
    delta: float
    p_value: float

    @property
    def size(self) -> str:
        """The effect in a word."""
        return next((word for most, word in SIZES if abs(self.delta) < most), "large")

    @property
    def p_text(self) -> str:
        """The p-value as people read it."""
        return "< 0.001" if self.p_value < 0.001 else f"{self.p_value:.3f}"


def significances(evidence: Evidence) -> list[Significance]:
    """Each check against its baseline, and against what it is compared with."""
    return [
        found
        for line in evidence.series.lines
        if not line.is_stop
        for found in _of_line(evidence, line)
    ]


def _of_line(evidence: Evidence, line: Line) -> Iterator[Significance]:
    spans = fault_spans_of(evidence, line.name)
    series, step_ms = evidence.series, evidence.series.step_ms
    own = _values(series.of(line), spans, step_ms)
    if series.baseline is not None:
        before = _values(series.of(line), [series.baseline], step_ms)
        yield from _compared(line.name, "baseline", before, own, is_judged=False)
    if line.against:
        other = _values(series.samples.get(line.against, {}), spans, step_ms)
        yield from _compared(line.name, line.against, other, own, is_judged=True)


def fault_spans_of(evidence: Evidence, name: str) -> list[Span]:
    """When the check was judged under the fault; all of the fault for runs that did not say so."""
    for check in evidence.result.detail.get("checks", ()):
        if check["name"] == name and "fault_spans" in check:
            return [Span(one["start_ms"], one["end_ms"]) for one in check["fault_spans"]]
    at = moments(evidence)
    return [Span(at.injected_ms, at.removing_ms or at.ended_ms)] if at.injected_ms else []


def _values(series: Series, spans: Sequence[Span], step_ms: int) -> list[float]:
    ends = [end for span in spans for end in step_ends(span, step_ms)]
    known = [series[end] for end in ends if end in series and math.isfinite(series[end])]
    return known[:: math.ceil(len(known) / VALUES_MAX) or 1]


def _compared(
    name: str, against: str, others: list[float], own: list[float], *, is_judged: bool
) -> Iterator[Significance]:
    from atlas.analysis.compare import compare  # noqa: PLC0415 - takes long

    if not others or not own:
        return
    found = compare(others, own)
    yield Significance(
        name=name,
        against=against,
        is_judged=is_judged,
        other_count=found.control_count,
        count=found.experiment_count,
        other_median=found.control_median,
        median=float(median(own)),
        shift=found.shift,
        lower=found.lower,
        upper=found.upper,
        delta=found.cliffs_delta,
        p_value=found.p_value,
    )
