"""How each service came through a run, as rows of a table with a small chart. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chaosctl.judge.samples import Series, Span
from chaosctl.judge.traffic import ServiceRecovery, service_recoveries
from chaosctl.report.evidence import Evidence, moments
from chaosctl.report.symbols import duration

WIDTH, HEIGHT = 160, 26


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service. outcome: steady or when again; is_late: it was not seen to be steady again.

    path: its rate over the run, from 0; faulted: where the fault was in, as x and width.
    """

    facts: ServiceRecovery
    outcome: str
    is_late: bool
    path: str
    faulted: tuple[float, float]


def service_rows(evidence: Evidence) -> list[ServiceRow]:
    """Every service that was asked anything in the baseline, those in trouble first."""
    series, at = evidence.series, moments(evidence)
    ends = [end for flow in series.traffic.flows for end in flow.rate]
    if series.baseline is None or not at.removed_ms or not ends:
        return []
    fault = Span(at.injected_ms, at.removed_ms)
    found = service_recoveries(
        series.traffic, baseline=series.baseline, fault=fault, end_ms=max(ends)
    )
    rates = {flow.service: flow.rate for flow in series.traffic.flows if not flow.caller}
    shown = Span(min(ends), max(ends))
    step_ms = series.traffic.step_ms
    return [
        ServiceRow(
            one,
            _outcome(one, step_ms),
            one.took_ms is None,
            _path(rates[one.service], shown, step_ms),
            _stretch(fault, shown),
        )
        for one in sorted(found, key=_trouble)
    ]


def nothing_known(evidence: Evidence) -> str:
    """Why there is nothing to say of single services."""
    traffic, ended_by = evidence.series.traffic, evidence.result.detail.get("ended_by")
    if traffic.trouble:
        return f"the store did not say: {traffic.trouble}"
    if traffic.flows:
        return "no fault was put in and taken out"
    if ended_by:
        return f"the run was ended by {ended_by}, and then nobody waits for the store"
    return (
        "this run did not come to its end, or its target has no metrics of services that are "
        "known, or an earlier version of chaosctl made it"
    )


def _trouble(one: ServiceRecovery) -> tuple[float, str]:
    """In the order of the time that it took; then by name."""
    if one.took_ms is None:
        return -math.inf, one.service
    return -float(one.took_ms) if not one.was_steady else 0.0, one.service


def _outcome(one: ServiceRecovery, step_ms: int) -> str:
    if one.took_ms is None:
        return f"not yet, {duration(one.seen_ms)} after the removal, when the run ended"
    if not one.was_steady:
        return f"steady after {duration(one.took_ms)}"
    if one.took_ms > step_ms:
        return f"steady under the fault, and again {duration(one.took_ms)} after it"
    return "steady all the time"


def _path(values: Series, shown: Span, step_ms: int) -> str:
    """An SVG path of a series, broken where it has no data; no more points than pixels."""
    size_ms = step_ms * math.ceil((shown.end_ms - shown.start_ms) / step_ms / WIDTH or 1)
    stretches: dict[int, list[float]] = {}
    for end, value in values.items():
        stretches.setdefault(-(-end // size_ms) * size_ms, []).append(value)
    means = {end: math.fsum(found) / len(found) for end, found in sorted(stretches.items())}
    most = max(means.values(), default=0.0) or 1.0
    parts = []
    last_ms = None
    for end, value in means.items():
        y = round((HEIGHT - 2) * (1 - value / most) + 1, 1)
        is_next = last_ms is not None and end - last_ms <= size_ms
        parts.append(f"{'L' if is_next else 'M'}{min(_x(end, shown), WIDTH):g} {y:g}")
        last_ms = end
    return "".join(parts)


def _stretch(fault: Span, shown: Span) -> tuple[float, float]:
    left = max(0.0, _x(fault.start_ms, shown))
    return left, round(max(1.0, min(WIDTH, _x(fault.end_ms, shown)) - left), 1)


def _x(at_ms: int, shown: Span) -> float:
    return round(WIDTH * (at_ms - shown.start_ms) / max(1, shown.end_ms - shown.start_ms), 1)
