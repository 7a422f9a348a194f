"""Charts of a run as PNG images, drawn by the store's own renderer."""

from __future__ import annotations

import math
from collections.abc import Mapping

from chaosctl.engine.series import Line, RunSeries
from chaosctl.judge.samples import NO_SERIES, Series, Span
from chaosctl.report.evidence import (
    Evidence,
    band_of,
    check_facts,
    fault_spans,
    judged_span,
    windows_of,
)

WIDTH, HEIGHT = 700, 200
COLORS = {
    "step": "ff7fa6d6",
    "judged": "ff1a3f78",
    "limit": "ffb3261e",
    "usual": "ff146c2e",
    "other": "ff8a5300",
    "fault": "38b3261e",
}


def chosen_lines(evidence: Evidence, count: int) -> list[Line]:
    """The checks that a reader wants to see first: broken, then unknown, then the closest ones."""
    order = {"fail": 0, "unknown": 1, "pass": 2}
    facts = {check.name: check for check in check_facts(evidence)}
    lines = [line for line in evidence.series.lines if not line.is_stop and line.name in facts]

    def rank(line: Line) -> tuple[int, float]:
        check = facts[line.name]
        share = check.margin / abs(check.worst) if check.worst else math.inf
        return order[check.outcome], math.inf if math.isnan(share) else share

    return sorted(lines, key=rank)[:count]


def draw_images(evidence: Evidence, lines: list[Line]) -> Mapping[str, bytes]:
    """PNG files by the name of the check."""
    return {line.name: _draw(evidence, line) for line in lines}


def _draw(evidence: Evidence, line: Line) -> bytes:
    import numpy as np  # noqa: PLC0415 - loads slowly, and few reports have images

    from atlas.graph import Axis, Graph, LegendType, LineStyle  # noqa: PLC0415
    from atlas.graph import Line as Drawn  # noqa: PLC0415
    from atlas.render.png import render_png  # noqa: PLC0415

    series: RunSeries = evidence.series
    span = judged_span(evidence)
    step_ms = series.step_ms
    start_ms = span.start_ms // step_ms * step_ms
    ends = range(start_ms + step_ms, span.end_ms + step_ms, step_ms)

    def drawn(label: str, values: Series, color: str, **looks: object) -> Drawn:
        row = np.array([values.get(end, math.nan) for end in ends], np.float64)
        return Drawn(label, {}, row, COLORS[color], **looks)  # type: ignore[arg-type]

    faulted = {end: 1.0 for end in ends if _is_in(fault_spans(evidence), end)}
    values = series.of(line)
    lines = [drawn("fault in", faulted, "fault", style=LineStyle.VSPAN)]
    lines.append(drawn("step", values, "step"))
    if line.over_ms > step_ms:
        label = f"mean over {line.over_ms / 1000:g} s"
        lines.append(drawn(label, windows_of(line, values, step_ms), "judged", width=2.0))
    if math.isfinite(line.usual):
        lines.append(drawn("baseline", dict.fromkeys(ends, line.usual), "usual"))
    for limit in line.limits:
        if math.isfinite(limit):
            lines.append(drawn(line.limit_text, dict.fromkeys(ends, limit), "limit", width=2.0))
    for name, band in zip(("least", "greatest"), band_of(line, step_ms), strict=True):
        if band:
            lines.append(drawn(f"{name} of the forecast", band, "limit"))
    if line.against:
        lines.append(drawn(line.against, series.samples.get(line.against, NO_SERIES), "other"))
    graph = Graph(
        start_ms + step_ms,
        span.end_ms + step_ms,
        step_ms,
        axes=(Axis(0, tuple(lines)),),
        width=WIDTH,
        height=HEIGHT,
        title=line.name,
        legend=LegendType.LABELS_ONLY,
    )
    return render_png(graph, source=line.query, description=f"run {series.run_id}")


def _is_in(spans: list[Span], end_ms: int) -> bool:
    return any(span.start_ms < end_ms <= span.end_ms for span in spans)
