"""Frozen values that every other module speaks in. Instants are epoch milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Tags = Mapping[str, str]
"""What identifies a series; always holds the key `name`."""


@dataclass(frozen=True, slots=True)
class Datapoint:
    """One value of one series; a NaN says that there was nothing to measure."""

    tags: Tags
    timestamp_ms: int
    value: float


@dataclass(frozen=True, slots=True)
class EvalContext:
    """A window of steps: `start_ms` is the first step evaluated, `end_ms` is past the last one.

    A step stamped T stands for the time (T - step_ms, T]. `now_ms` is what a program means by
    `now`; None for the end of the window.
    """

    start_ms: int
    end_ms: int
    step_ms: int
    now_ms: int | None = None

    @property
    def step_count(self) -> int:
        """How many steps the window holds."""
        return max(0, (self.end_ms - self.start_ms) // self.step_ms)


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """One line of an answer: `values[i]` belongs to `start_ms + i * step_ms`; NaN is a gap."""

    label: str
    tags: Tags
    start_ms: int
    step_ms: int
    values: tuple[float, ...]

    def points(self) -> dict[int, float]:
        """Values by the end of their step, gaps left out."""
        stamped = ((self.start_ms + i * self.step_ms, v) for i, v in enumerate(self.values))
        return {t: v for t, v in stamped if v == v}  # noqa: PLR0124 (NaN is not equal to itself)


@dataclass(frozen=True, slots=True)
class CustomAverage:
    """A word that divides a query's sum by that of `base_query`, matched on `keys` alone."""

    name: str
    base_query: str
    keys: tuple[str, ...]


_INSTANCE_KEYS = ("account", "app", "ami", "asg", "cluster", "stack", "zone", "region", "node")
_AVERAGE_KEYS = tuple(f"nf.{key}" for key in (*_INSTANCE_KEYS, "ns", "vmtype"))

AVERAGES_DEFAULT = (
    CustomAverage("node-avg", "name,poller.asg.instance,:eq", _AVERAGE_KEYS),
    CustomAverage("eureka-avg", "name,discovery.status,:eq,state,UP,:eq,:and", _AVERAGE_KEYS),
)
"""Averages per instance: over all that are known, and over those that take requests."""


@dataclass(frozen=True, slots=True)
class CustomWord:
    """A word that stands for a program; `examples` are what may stand before it."""

    name: str
    body: str
    summary: str = ""
    examples: tuple[str, ...] = ()
