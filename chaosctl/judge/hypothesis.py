"""Judges checks and stop conditions over spans of samples. Pure: time and data are arguments.

A condition is looked at in windows. A window ends with a step and is `over` long (or that one step
long); its value is the mean of the steps in it that have data. Only windows wholly inside the span
are judged, so that what happened before the span cannot colour it. A check is broken when
`for_steps` windows in a row breach; windows without data neither breach nor heal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chaosctl.experiment.model import Check, Comparison, Condition, NoData, StopCondition
from chaosctl.experiment.windows import STEP_MS, window_ms
from chaosctl.experiment.windows import own_window_ms as condition_needs_ms
from chaosctl.judge.limits import Bounds, bounds_of, distance, is_met
from chaosctl.judge.populations import compare_populations
from chaosctl.judge.populations import in_words as compared_in_words
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
from chaosctl.judge.verdict import Outcome, merge


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
    has_nothing_to_compare: bool
    """The baseline has no data, or is too short."""


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
    if check.hold.population is not None:
        return _judge_populations(check, samples, span, step_ms)
    series = samples.get(check.query, NO_SERIES)
    bounds = bounds_of(check.hold, series, baseline, step_ms)
    windows = [w for w in _windows(check.hold, bounds, series, span, step_ms) if _has_value(w)]
    breach = _first_run(windows, check.hold.for_steps, is_met=False)
    worst = _worst(windows, check.hold.for_steps)
    gap_ms = longest_gap_ms(series, step_ends(span, step_ms), step_ms)
    has_data = any(not math.isnan(value_at(series, end)) for end in step_ends(span, step_ms))
    outcome, reason = _outcome(check, windows, breach, gap_ms, has_data=has_data)
    return CheckState(
        name=check.name,
        outcome=outcome,
        value=windows[-1].value if windows else math.nan,
        worst=worst.value if worst else math.nan,
        limit_text=bounds.text(_last_ends(check.hold, span, step_ms)),
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
    spans: Sequence[Span],
    baseline: Span | None,
    step_ms: int = STEP_MS,
) -> float:
    """The share of the windows in the spans with data in which the check held, 0…1.

    NaN without data. A comparison of populations held or it did not.
    """
    if check.hold.population is not None:
        states = [_judge_populations(check, samples, span, step_ms) for span in spans]
        outcome = merge(state.outcome for state in states)
        return {Outcome.PASS: 1.0, Outcome.FAIL: 0.0, Outcome.UNKNOWN: math.nan}[outcome]
    series = samples.get(check.query, NO_SERIES)
    bounds = bounds_of(check.hold, series, baseline, step_ms)
    found = [w for span in spans for w in _windows(check.hold, bounds, series, span, step_ms)]
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
    bounds = bounds_of(stop.when, series, baseline, step_ms)
    span = Span(start_ms, end_ms)
    windows = [w for w in _windows(stop.when, bounds, series, span, step_ms) if _has_value(w)]
    known = [window for window in windows if not math.isnan(window.distance)]
    run = _first_run(known, stop.when.for_steps, is_met=True)
    return StopState(
        name=stop.name,
        fired=bool(run),
        value=(run or windows)[-1].value if windows else math.nan,
        limit_text=bounds.text(_last_ends(stop.when, span, step_ms)),
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
    if check.hold.population is not None:
        if baseline is None:
            return False
        before = compare_populations(check.hold, check.query, samples, baseline, step_ms)
        return before.outcome is Outcome.FAIL
    series = samples.get(check.query, NO_SERIES)
    bounds = bounds_of(check.hold, series, baseline, step_ms)
    length_ms = window_ms(check.hold, step_ms)
    end_ms = breach_ms
    while end_ms > injected_ms - length_ms:
        window = _window(check.hold, bounds, series, end_ms, step_ms)
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


def _judge_populations(check: Check, samples: Samples, span: Span, step_ms: int) -> CheckState:
    """Of two populations: worst and value are the shift; a breach has been there all the time."""
    found = compare_populations(check.hold, check.query, samples, span, step_ms)
    series = samples.get(check.query, NO_SERIES)
    ends = step_ends(span, step_ms)
    gap_ms = longest_gap_ms(series, ends, step_ms)
    if check.hold.population is not None:
        other = samples.get(check.hold.population.query, NO_SERIES)
        gap_ms = max(gap_ms, longest_gap_ms(other, ends, step_ms))
    outcome, reason = found.outcome, found.reason
    is_silent = gap_ms > check.gap_ms and check.no_data is not NoData.IGNORE
    if outcome is not Outcome.FAIL and is_silent:
        outcome = Outcome.FAIL if check.no_data is NoData.FAIL else Outcome.UNKNOWN
        reason = f"no data for {gap_ms / 1000:g} s"
    has_breach = found.outcome is Outcome.FAIL and len(ends) > 0
    return CheckState(
        name=check.name,
        outcome=outcome,
        value=found.shift,
        worst=found.shift,
        limit_text=compared_in_words(check.hold),
        first_breach_ms=ends[0] if has_breach else None,
        breach_known_ms=ends[-1] if has_breach else None,
        windows=found.values,
        longest_gap_ms=gap_ms,
        margin=found.margin,
        reason=reason,
    )


def _is_steady(
    check: Check, samples: Samples, span: Span, baseline: Span | None, step_ms: int
) -> bool:
    """Whether the check holds from the very start of the span for its own window."""
    end_ms = span.start_ms + own_window_ms(check, step_ms)
    if end_ms > span.end_ms:
        return False
    series = samples.get(check.query, NO_SERIES)
    bounds = bounds_of(check.hold, series, baseline, step_ms)
    own = Span(span.start_ms, end_ms)
    first_ms = span.start_ms + step_ms
    first = value_at(series, first_ms)
    if math.isnan(first):
        if check.no_data is not NoData.IGNORE:
            return False
    elif not is_met(
        check.hold, first, bounds.over(range(first_ms, first_ms + 1))
    ):  # a good mean must not hide a bad start
        return False
    if check.no_data is not NoData.IGNORE:
        gap_ms = longest_gap_ms(series, step_ends(own, step_ms), step_ms)
        if gap_ms > check.gap_ms:
            return False
    windows = [w for w in _windows(check.hold, bounds, series, own, step_ms) if _has_value(w)]
    return bool(windows) and all(w.is_met and not w.has_nothing_to_compare for w in windows)


def _outcome(
    check: Check,
    windows: Sequence[_Window],
    breach: Sequence[_Window],
    gap_ms: int,
    *,
    has_data: bool,
) -> tuple[Outcome, str]:
    if breach:
        return Outcome.FAIL, "breached"
    if gap_ms > check.gap_ms and check.no_data is not NoData.IGNORE:
        outcome = Outcome.FAIL if check.no_data is NoData.FAIL else Outcome.UNKNOWN
        return outcome, f"no data for {gap_ms / 1000:g} s"
    if not windows:
        return Outcome.UNKNOWN, "too little data for one window" if has_data else "no data"
    if any(window.has_nothing_to_compare for window in windows):
        what = "no data in the baseline to compare with"
        if check.hold.comparison is Comparison.WITHIN:
            what = "the baseline is too short to forecast so far ahead"
        return Outcome.UNKNOWN, what
    if len(windows) < check.hold.for_steps:
        return Outcome.UNKNOWN, "too little data for one window"
    return Outcome.PASS, ""


def _windows(
    condition: Condition, bounds: Bounds, series: Series, span: Span, step_ms: int
) -> Iterator[_Window]:
    """Every window wholly inside the span, in order."""
    first = window_ms(condition, step_ms) // step_ms - 1
    for end_ms in step_ends(span, step_ms)[first:]:
        yield _window(condition, bounds, series, end_ms, step_ms)


def _window(
    condition: Condition, bounds: Bounds, series: Series, end_ms: int, step_ms: int
) -> _Window:
    ends = step_ends(Span(end_ms - window_ms(condition, step_ms), end_ms), step_ms)
    value, numbers = mean(series, ends), bounds.over(ends)
    return _Window(
        end_ms,
        value,
        distance(condition.comparison, value, numbers),
        is_met(condition, value, numbers),
        any(number is not None and math.isnan(number) for number in numbers),
    )


def _last_ends(condition: Condition, span: Span, step_ms: int) -> range:
    """The steps of the last window of the span."""
    ends = step_ends(span, step_ms)[-(window_ms(condition, step_ms) // step_ms) :]
    return ends or range(span.end_ms, span.end_ms + 1)


def _has_value(window: _Window) -> bool:
    return not math.isnan(window.value)


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
