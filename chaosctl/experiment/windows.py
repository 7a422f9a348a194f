"""How much time a condition needs: the step of the samples, and windows made of steps."""

from __future__ import annotations

from chaosctl.experiment.model import Condition

STEP_MS = 1000


def window_ms(condition: Condition, step_ms: int = STEP_MS) -> int:
    """Length of one window: whole steps, at least one."""
    return max(1, -(-condition.over_ms // step_ms)) * step_ms


def own_window_ms(condition: Condition, step_ms: int = STEP_MS) -> int:
    """How much data a condition needs before it can say anything: for_steps windows in a row."""
    return window_ms(condition, step_ms) + (condition.for_steps - 1) * step_ms
