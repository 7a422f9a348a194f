"""How much time a condition needs: the step of the samples, and windows made of steps."""

from __future__ import annotations

from collections.abc import Sequence

from chaosctl.experiment.model import Check, Comparison, Condition, Phase

STEP_MS = 1000


def window_ms(condition: Condition, step_ms: int = STEP_MS) -> int:
    """Length of one window: whole steps, at least one."""
    return max(1, -(-condition.over_ms // step_ms)) * step_ms


def own_window_ms(condition: Condition, step_ms: int = STEP_MS) -> int:
    """How much data a condition needs before it can say anything: for_steps windows in a row."""
    return window_ms(condition, step_ms) + (condition.for_steps - 1) * step_ms


def fault_needs_ms(check: Check, step_ms: int = STEP_MS) -> int:
    """How long the fault must last for the check to have a window; 0 if it is not judged then.

    A step more than the windows: a fault begins in the middle of one.
    """
    if not check.is_judged(Phase.DURING):
        return 0
    return check.grace_ms + own_window_ms(check.hold, step_ms) + step_ms


def baseline_needs_ms(
    checks: Sequence[Check], rest_ms: int, step_ms: int = STEP_MS
) -> tuple[int, str]:
    """How long the baseline must be for all the checks, and the name of the one that needs most.

    rest_ms: the longest time from the end of the baseline that a forecast has to reach.
    """
    return max((_needs_ms(check, rest_ms, step_ms), check.name) for check in checks)


def _needs_ms(check: Check, rest_ms: int, step_ms: int) -> int:
    own_ms = own_window_ms(check.hold, step_ms) if check.is_judged(Phase.BEFORE) else 0
    if check.hold.comparison is not Comparison.WITHIN:
        return own_ms
    from atlas.analysis.forecast import history_needed  # noqa: PLC0415 - takes long to load

    steps = history_needed(-(-rest_ms // step_ms), confidence=check.hold.confidence)
    return max(own_ms, steps * step_ms)
