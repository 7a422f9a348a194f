"""What went between the services of a target during a run, and how each came back. Pure.

A flow is what a service was asked, as itself counted it, or what one service asked another, as the
caller counted it. Both are kept: a service that is cut off counts no failure of its own, but those
who call it do.

When is a service steady? A few requests a second are noise, so its usual range is the mean of the
baseline give or take 30 %, or four standard deviations of so many independent requests in a window
if that is more; and its usual share of failures is that of the baseline and one point more, or
three requests of a window if that is more. A stretch is steady by the rule for the whole hypothesis
(`judge.hypothesis.recovery`): the checks are made here, the rule is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chaosctl.experiment.model import Check, Comparison, Condition, Limit, NoData
from chaosctl.judge.hypothesis import judge_check, recovery
from chaosctl.judge.samples import STEP_MS, Samples, Series, Span, mean, step_ends
from chaosctl.judge.verdict import Outcome

WINDOW_STEPS = 3
RANGE_RATIO, RANGE_DEVIATIONS = 0.3, 4.0
FAILED_RATIO, FAILED_REQUESTS = 0.01, 3.0


@dataclass(frozen=True, slots=True)
class Flow:
    """Requests to a service. caller: who counted them as calls; empty: the service itself.

    rate: all of them, per second by step end. failed: those without a usable answer. replaced:
    those that the caller answered by a fallback. No entry in these two where there is a rate: none.
    open: in how many of the caller's instances the circuit to the service is open, by step end.
    """

    service: str
    caller: str
    rate: Series
    failed: Series = field(default_factory=dict)
    replaced: Series = field(default_factory=dict)
    open: Series = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Traffic:
    """All flows of a run. left_out: how many were too many to keep; trouble: why there are none.

    registered: how many instances discovery knows, by step end.
    """

    flows: tuple[Flow, ...] = ()
    step_ms: int = STEP_MS
    left_out: int = 0
    trouble: str = ""
    registered: Series = field(default_factory=dict)


NO_TRAFFIC = Traffic()


@dataclass(frozen=True, slots=True)
class FlowState:
    """A flow over a span, beside its baseline. rate: per second; shares 0…1. NaN: no data.

    is_worse: more of it failed or was replaced than the baseline explains. drift: −1 or 1 if there
    was less or more of it than the baseline explains, else 0.
    """

    service: str
    caller: str
    rate: float
    failed: float
    replaced: float
    usual_rate: float
    usual_bad: float
    is_worse: bool
    drift: int


@dataclass(frozen=True, slots=True)
class ServiceRecovery:
    """How a service fared. Rates per second, shares 0…1, times in ms; NaN where there is no data.

    bad: the share of requests that failed where they arrived; unanswered: of the calls to it that
    failed or were replaced where they came from, NaN if nobody calls it. usual: in the baseline;
    worst, lowest_rate: of a window while the fault was in. took_ms: from the removal to steady;
    None if that was not seen in the seen_ms after it. was_steady: throughout the fault.
    """

    service: str
    usual_rate: float
    lowest_rate: float
    usual_bad: float
    worst_bad: float
    usual_unanswered: float
    worst_unanswered: float
    was_steady: bool
    took_ms: int | None
    seen_ms: int


def flow_states(traffic: Traffic, span: Span, baseline: Span | None) -> list[FlowState]:
    """Every flow over a span."""
    return [_state(flow, span, baseline, traffic.step_ms) for flow in traffic.flows]


def service_recoveries(
    traffic: Traffic, *, baseline: Span, fault: Span, end_ms: int
) -> list[ServiceRecovery]:
    """How each service that was asked anything in the baseline fared.

    fault: from the injection to the removal. end_ms: to when the flows are known.
    """
    windows = _Windows(baseline, fault, end_ms, traffic.step_ms)
    found = []
    for own in traffic.flows:
        if not own.caller and mean(own.rate, step_ends(baseline, traffic.step_ms)) > 0:
            calls = [one for one in traffic.flows if one.caller and one.service == own.service]
            found.append(_recovered(own, _together(calls), windows))
    return found


def most_bad(usual_bad: float, usual_rate: float, window_s: float) -> float:
    """The share of bad requests that is still as usual.

    >>> most_bad(0.0, 8.0, 3.0), most_bad(0.02, 1000.0, 3.0)
    (0.125, 0.03)
    """
    few = FAILED_REQUESTS / (usual_rate * window_s) if usual_rate > 0 else math.inf
    return usual_bad + max(FAILED_RATIO, few)


def usual_range(usual_rate: float, window_s: float) -> tuple[float, float]:
    """The rates that are still as usual.

    >>> usual_range(100.0, 3.0), usual_range(3.0, 3.0)
    ((70.0, 130.0), (0.0, 7.0))
    """
    chance = RANGE_DEVIATIONS * math.sqrt(usual_rate / window_s)
    reach = max(RANGE_RATIO * usual_rate, chance)
    return max(0.0, usual_rate - reach), usual_rate + reach


@dataclass(frozen=True, slots=True)
class _Windows:
    """The times of a run that its flows are looked at."""

    baseline: Span
    fault: Span
    end_ms: int
    step_ms: int

    @property
    def length_ms(self) -> int:
        return WINDOW_STEPS * self.step_ms

    def inside(self, span: Span) -> Iterator[range]:
        """The steps of every window that lies in the span."""
        for end in step_ends(span, self.step_ms)[WINDOW_STEPS - 1 :]:
            yield step_ends(Span(end - self.length_ms, end), self.step_ms)


def _state(flow: Flow, span: Span, baseline: Span | None, step_ms: int) -> FlowState:
    ends = step_ends(span, step_ms)
    rate = mean(flow.rate, ends)
    failed, replaced = (_share(part, flow.rate, ends) for part in (flow.failed, flow.replaced))
    usual_rate = usual_bad = math.nan
    if baseline is not None:
        before = step_ends(baseline, step_ms)
        usual_rate = mean(flow.rate, before)
        usual_bad = _share(_bad(flow), flow.rate, before)
    window_s = len(ends) * step_ms / 1000
    is_known = not any(math.isnan(value) for value in (failed, replaced, usual_bad))
    # By how many came now: of two requests one is half, and may be chance.
    is_worse = is_known and failed + replaced > most_bad(usual_bad, rate, window_s)
    low, high = usual_range(usual_rate, window_s) if ends else (math.nan, math.nan)
    return FlowState(
        service=flow.service,
        caller=flow.caller,
        rate=rate,
        failed=failed,
        replaced=replaced,
        usual_rate=usual_rate,
        usual_bad=usual_bad,
        is_worse=is_worse,
        drift=(rate > high) - (rate < low),
    )


def _share(part: Series, rate: Series, ends: range) -> float:
    """The share of a span's requests, which is not the mean of its steps' shares."""
    known = [end for end in ends if end in rate]
    whole = math.fsum(rate[end] for end in known)
    return math.fsum(part.get(end, 0.0) for end in known) / whole if whole > 0 else math.nan


def _bad(flow: Flow) -> dict[int, float]:
    """Requests per second that failed or were replaced."""
    return {end: flow.failed.get(end, 0.0) + flow.replaced.get(end, 0.0) for end in flow.rate}


def _together(flows: Sequence[Flow]) -> Flow | None:
    """All calls to a service as one flow; None without any."""
    if not flows:
        return None
    rate: dict[int, float] = {}
    failed: dict[int, float] = {}
    for flow in flows:
        for end, bad in _bad(flow).items():
            rate[end] = rate.get(end, 0.0) + flow.rate[end]
            failed[end] = failed.get(end, 0.0) + bad
    return Flow(flows[0].service, "all", rate, failed)


def _recovered(own: Flow, calls: Flow | None, at: _Windows) -> ServiceRecovery:
    checks, samples = _checks(own, calls, at)
    states = [
        judge_check(
            check,
            samples,
            start_ms=at.fault.start_ms,
            end_ms=at.fault.end_ms,
            baseline=None,
            step_ms=at.step_ms,
        )
        for check in checks
    ]
    before = step_ends(at.baseline, at.step_ms)
    rates = (mean(own.rate, ends) for ends in at.inside(at.fault))
    return ServiceRecovery(
        service=own.service,
        usual_rate=mean(own.rate, before),
        lowest_rate=min((rate for rate in rates if not math.isnan(rate)), default=math.nan),
        usual_bad=_share(_bad(own), own.rate, before),
        worst_bad=_worst_share(own, at),
        usual_unanswered=_share(_bad(calls), calls.rate, before) if calls else math.nan,
        worst_unanswered=_worst_share(calls, at) if calls else math.nan,
        was_steady=all(state.outcome is Outcome.PASS for state in states),
        took_ms=recovery(
            checks,
            samples,
            removed_ms=at.fault.end_ms,
            now_ms=at.end_ms,
            baseline=None,
            step_ms=at.step_ms,
        ),
        seen_ms=max(0, at.end_ms - at.fault.end_ms),
    )


def _checks(own: Flow, calls: Flow | None, at: _Windows) -> tuple[list[Check], Samples]:
    """What steady means for a service. Failures are counted: a share of a few is noise."""
    before, window_s = step_ends(at.baseline, at.step_ms), at.length_ms / 1000
    usual_rate = mean(own.rate, before)
    low, high = usual_range(usual_rate, window_s)
    limits = (Limit(low, False, f"{low:.3g}"), Limit(high, False, f"{high:.3g}"))
    checks = [Check("rate", "rate", Condition(Comparison.BETWEEN, limits, at.length_ms))]
    samples: dict[str, Series] = {"rate": own.rate}
    for name, flow in (("bad", own), ("unanswered", calls)):
        rate = mean(flow.rate, before) if flow else math.nan
        if flow and rate > 0:
            most = rate * most_bad(_share(_bad(flow), flow.rate, before), rate, window_s)
            limit = Limit(most, False, f"{most:.3g}")
            hold = Condition(Comparison.AT_MOST, (limit,), at.length_ms)
            checks.append(Check(name, name, hold, NoData.IGNORE))
            samples[name] = _bad(flow)
    return checks, samples


def _worst_share(flow: Flow, at: _Windows) -> float:
    shares = (_share(_bad(flow), flow.rate, ends) for ends in at.inside(at.fault))
    return max((share for share in shares if not math.isnan(share)), default=math.nan)
