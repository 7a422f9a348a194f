"""Judges checks and stop conditions over spans of samples. Pure: time and data are arguments.

A condition is looked at in windows. A window ends with a step and is `over` long (or that one step
long); its value is the mean of the steps in it that have data. Only windows wholly inside the span
are judged, so that what happened before the span cannot colour it. A check is broken when
`for_steps` windows in a row breach; windows without data neither breach nor heal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chaosctl.experiment.model import Check, Comparison, Condition, Limit, NoData, StopCondition
from chaosctl.experiment.windows import STEP_MS, window_ms
from chaosctl.experiment.windows import own_window_ms as condition_needs_ms
from chaosctl.judge.samples import (
    NO_SERIES,
    Samples,
    Series,
    Span,
    longest_gap_ms,
    mean,
    step_ends,
    value_at,
)
from chaosctl.judge.verdict import Outcome

TOLERANCE = 1e-9
"""Relative: a mean of ten times 0.97 is not below 97 % because of its last binary digit."""


@dataclass(frozen=True, slots=True)
class CheckState:
    """What a check says of a span.

    value: of the last window with data. worst: the worst value that lasted for_steps windows.
    margin: how far `worst` was inside its limit, in the query's unit; negative if broken. All three
    are NaN without data. first_breach_ms: end of the first window of the breach;
    breach_known_ms: end of the window that made it count. Both None unless broken by a value
    (and not by silence). windows: how many had data.
    """

    name: str
    outcome: Outcome
    value: float
    worst: float
    limit_text: str
    first_breach_ms: int | None
    breach_known_ms: int | None
    windows: int
    longest_gap_ms: int
    margin: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StopState:
    """Whether a stop condition has become true; known_ms: end of the window that made it so."""

    name: str
    fired: bool
    value: float
    limit_text: str
    known_ms: int | None


@dataclass(frozen=True, slots=True)
class _Window:
    end_ms: int
    value: float
    distance: float
    """How far inside its limits the value is; negative: outside. NaN: cannot be told."""
    is_met: bool


def judge_check(
    check: Check,
    samples: Samples,
    *,
    start_ms: int,
    end_ms: int,
    baseline: Span | None,
    step_ms: int = STEP_MS,
) -> CheckState:
    """What the check says of [start_ms, end_ms).

    baseline: where `of baseline` limits take their mean from. None while there is no baseline yet:
    then such limits hold for any data.
    """
    span = Span(start_ms, end_ms)
    series = samples.get(check.query, NO_SERIES)
    limits = _resolve(check.hold.limits, series, baseline, step_ms)
    windows = [w for w in _windows(check.hold, limits, series, span, step_ms) if _has_value(w)]
    breach = _first_run(windows, check.hold.for_steps, is_met=False)
    worst = _worst(windows, check.hold.for_steps)
    gap_ms = longest_gap_ms(series, step_ends(span, step_ms), step_ms)
    outcome, reason = _outcome(check, limits, windows, breach, gap_ms)
    return CheckState(
        name=check.name,
        outcome=outcome,
        value=windows[-1].value if windows else math.nan,
        worst=worst.value if worst else math.nan,
        limit_text=_limit_text(check.hold, limits),
        first_breach_ms=breach[0].end_ms if breach else None,
        breach_known_ms=breach[-1].end_ms if breach else None,
        windows=len(windows),
        longest_gap_ms=gap_ms,
        margin=worst.distance if worst else math.nan,
        reason=reason,
    )


def held_share(
    check: Check,
    samples: Samples,
    *,
    start_ms: int,
    end_ms: int,
    baseline: Span | None,
    step_ms: int = STEP_MS,
) -> float:
    """The share of the windows in [start_ms, end_ms) with data in which the check held, 0…1.

    NaN without data.
    """
    series = samples.get(check.query, NO_SERIES)
    limits = _resolve(check.hold.limits, series, baseline, step_ms)
    found = _windows(check.hold, limits, series, Span(start_ms, end_ms), step_ms)
    are_met = [window.is_met for window in found if _has_value(window)]
    return sum(are_met) / len(are_met) if are_met else math.nan


def judge_stop(
    stop: StopCondition,
    samples: Samples,
    *,
    start_ms: int,
    end_ms: int,
    baseline: Span | None,
    step_ms: int = STEP_MS,
) -> StopState:
    """Whether the stop condition was true for long enough within [start_ms, end_ms).

    Silence does not fire it: a silent store is the hypothesis' business.
    """
    series = samples.get(stop.query, NO_SERIES)
    limits = _resolve(stop.when.limits, series, baseline, step_ms)
    span = Span(start_ms, end_ms)
    windows = [w for w in _windows(stop.when, limits, series, span, step_ms) if _has_value(w)]
    is_known = not any(limit.of_baseline or math.isnan(limit.value) for limit in limits)
    run = _first_run(windows, stop.when.for_steps, is_met=True) if is_known else []
    return StopState(
        name=stop.name,
        fired=bool(run),
        value=(run or windows)[-1].value if windows else math.nan,
        limit_text=_limit_text(stop.when, limits),
        known_ms=run[-1].end_ms if run else None,
    )


def began_before(
    check: Check,
    samples: Samples,
    *,
    breach_ms: int,
    injected_ms: int,
    baseline: Span | None,
    step_ms: int = STEP_MS,
) -> bool:
    """Whether the breach whose first window ends at breach_ms was there before the injection.

    Followed backwards window by window, across those that straddle the injection: if an unbroken
    row of breaches reaches a window that had ended by then, the fault is not to blame.
    """
    series = samples.get(check.query, NO_SERIES)
    limits = _resolve(check.hold.limits, series, baseline, step_ms)
    length_ms = window_ms(check.hold, step_ms)
    end_ms = breach_ms
    while end_ms > injected_ms - length_ms:
        window = _window(check.hold, limits, series, end_ms, step_ms)
        if not _has_value(window) or window.is_met:
            return False
        if end_ms <= injected_ms:
            return True
        end_ms -= step_ms
    return False


def recovery(
    checks: Sequence[Check],
    samples: Samples,
    *,
    removed_ms: int,
    now_ms: int,
    baseline: Span | None,
    step_ms: int = STEP_MS,
) -> int | None:
    """From the removal of the fault to the start of the first steady stretch, ms; None: none yet.

    A stretch is steady when every check holds from its start for the check's own window. Silence
    is not steady, except as far as the check's own policy says.
    """
    span = Span(removed_ms, now_ms)
    for end_ms in step_ends(span, step_ms):
        start_ms = end_ms - step_ms
        if all(_is_steady(c, samples, Span(start_ms, now_ms), baseline, step_ms) for c in checks):
            return start_ms - removed_ms
    return None


def own_window_ms(check: Check, step_ms: int = STEP_MS) -> int:
    """How much time a check needs before it can say anything."""
    return condition_needs_ms(check.hold, step_ms)


def watch_ms(checks: Sequence[Check], within_ms: int, step_ms: int = STEP_MS) -> int:
    """How long to watch after removal before 'not recovered within within_ms' is certain."""
    longest = max((own_window_ms(check, step_ms) for check in checks), default=0)
    return within_ms + longest + step_ms


def _is_steady(
    check: Check, samples: Samples, span: Span, baseline: Span | None, step_ms: int
) -> bool:
    """Whether the check holds from the very start of the span for its own window."""
    end_ms = span.start_ms + own_window_ms(check, step_ms)
    if end_ms > span.end_ms:
        return False
    series = samples.get(check.query, NO_SERIES)
    limits = _resolve(check.hold.limits, series, baseline, step_ms)
    own = Span(span.start_ms, end_ms)
    first = value_at(series, span.start_ms + step_ms)
    if math.isnan(first):
        if check.no_data is not NoData.IGNORE:
            return False
    elif not _is_met(check.hold, first, _values(limits)):  # a good mean must not hide a bad start
        return False
    if check.no_data is not NoData.IGNORE:
        gap_ms = longest_gap_ms(series, step_ends(own, step_ms), step_ms)
        if gap_ms > check.gap_ms:
            return False
    windows = [w for w in _windows(check.hold, limits, series, own, step_ms) if _has_value(w)]
    return bool(windows) and all(w.is_met for w in windows)


def _outcome(
    check: Check,
    limits: Sequence[Limit],
    windows: Sequence[_Window],
    breach: Sequence[_Window],
    gap_ms: int,
) -> tuple[Outcome, str]:
    if breach:
        return Outcome.FAIL, "breached"
    if gap_ms > check.gap_ms and check.no_data is not NoData.IGNORE:
        outcome = Outcome.FAIL if check.no_data is NoData.FAIL else Outcome.UNKNOWN
        return outcome, f"no data for {gap_ms / 1000:g} s"
    if not windows:
        return Outcome.UNKNOWN, "no data"
    if any(math.isnan(limit.value) for limit in limits):
        return Outcome.UNKNOWN, "no data in the baseline to compare with"
    if len(windows) < check.hold.for_steps:
        return Outcome.UNKNOWN, "too little data for one window"
    return Outcome.PASS, ""


def _resolve(
    limits: Sequence[Limit], series: Series, baseline: Span | None, step_ms: int
) -> tuple[Limit, ...]:
    """The limits as numbers. Before there is a baseline, its share is left as it stands."""
    if baseline is None or not any(limit.of_baseline for limit in limits):
        return tuple(limits)
    usual = mean(series, step_ends(baseline, step_ms))
    return tuple(
        replace(limit, value=limit.value * usual, of_baseline=False) if limit.of_baseline else limit
        for limit in limits
    )


def _values(limits: Sequence[Limit]) -> tuple[float | None, ...]:
    """Numbers to compare with; None where there is no baseline yet."""
    return tuple(None if limit.of_baseline else limit.value for limit in limits)


def _windows(
    condition: Condition, limits: Sequence[Limit], series: Series, span: Span, step_ms: int
) -> Iterator[_Window]:
    """Every window wholly inside the span, in order."""
    first = window_ms(condition, step_ms) // step_ms - 1
    for end_ms in step_ends(span, step_ms)[first:]:
        yield _window(condition, limits, series, end_ms, step_ms)


def _window(
    condition: Condition, limits: Sequence[Limit], series: Series, end_ms: int, step_ms: int
) -> _Window:
    start_ms = end_ms - window_ms(condition, step_ms)
    value = mean(series, step_ends(Span(start_ms, end_ms), step_ms))
    numbers = _values(limits)
    return _Window(
        end_ms,
        value,
        _distance(condition.comparison, value, numbers),
        _is_met(condition, value, numbers),
    )


def _has_value(window: _Window) -> bool:
    return not math.isnan(window.value)


def _is_met(condition: Condition, value: float, limits: Sequence[float | None]) -> bool:
    """Whether the value is within its limits; equal (to rounding) is within unless strict."""
    if None in limits:
        return True
    numbers = [limit for limit in limits if limit is not None]
    if any(math.isnan(number) for number in numbers):
        return True  # nothing to compare with: said as unknown, never blamed as a breach
    if any(_is_close(value, number) for number in numbers):
        return condition.comparison not in (Comparison.ABOVE, Comparison.BELOW)
    return _distance(condition.comparison, value, numbers) > 0


def _is_close(value: float, limit: float) -> bool:
    return math.isclose(value, limit, rel_tol=TOLERANCE, abs_tol=0.0)


def _distance(comparison: Comparison, value: float, limits: Sequence[float | None]) -> float:
    numbers = [math.nan if limit is None else limit for limit in limits]
    if comparison is Comparison.BETWEEN:
        return min(value - numbers[0], numbers[1] - value)
    if comparison in (Comparison.AT_LEAST, Comparison.ABOVE):
        return value - numbers[0]
    return numbers[0] - value


def _first_run(windows: Sequence[_Window], length: int, *, is_met: bool) -> list[_Window]:
    """The first `length` windows in a row that are (or are not) met; empty if there is no such."""
    run: list[_Window] = []
    for window in windows:
        run = [*run, window] if window.is_met is is_met else []
        if len(run) == length:
            return run
    return []


def _worst(windows: Sequence[_Window], length: int) -> _Window | None:
    """The mildest window of the worst `length` in a row: what would have to pass the limit."""
    known = [w for w in windows if not math.isnan(w.distance)]
    size = max(1, min(length, len(known)))
    runs = (known[i : i + size] for i in range(len(known) - size + 1))
    mildest = (max(run, key=lambda w: w.distance) for run in runs if run)
    return min(mildest, key=lambda w: w.distance, default=windows[-1] if windows else None)


def _limit_text(condition: Condition, limits: Sequence[Limit]) -> str:
    """How the limit reads: 'at least 97%', 'below 50% of baseline (14.9)', '… for 3 steps'."""
    words = condition.comparison.value.replace("-", " ")
    parts = [
        f"{written.text} ({now.value:.3g})"
        if written.of_baseline and not now.of_baseline
        else written.text
        for written, now in zip(condition.limits, limits, strict=True)
    ]
    text = f"{words} {' and '.join(parts)}"
    if condition.over_ms:
        text += f" over {condition.over_ms / 1000:g} s"
    if condition.for_steps > 1:
        text += f" for {condition.for_steps} steps"
    return text
