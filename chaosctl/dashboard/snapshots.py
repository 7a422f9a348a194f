"""What the panels draw: values of one instant, gathered by `sources`. Frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class InstanceCell:
    """One instance of the platform. state: `up`, `starting` or `dead`."""

    id: str
    service: str
    region: str
    zone: str
    state: str
    address: str = ""
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Platform:
    """The platform as it says it is."""

    id: str
    state: str
    instances: tuple[InstanceCell, ...]
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def regions(self) -> list[str]:
        """Names of the regions, sorted."""
        return sorted({one.region for one in self.instances})

    @property
    def zones(self) -> list[str]:
        """Names of the zones, sorted."""
        return sorted({one.zone for one in self.instances})


@dataclass(frozen=True, slots=True)
class Heart:
    """What viewers feel. starts: stream starts a second, shape (steps,), NaN is a gap.

    start_ms: the first step ends one step after it. error_ratio: of the newest step, NaN without
    data. rates, error_ratios, p99_s: by service, requests a second, the share that failed, and what
    one in a hundred took longer than.
    """

    start_ms: int
    end_ms: int
    starts: FloatArray
    error_ratio: float
    rates: Mapping[str, float] = field(default_factory=dict)
    error_ratios: Mapping[str, float] = field(default_factory=dict)
    p99_s: Mapping[str, float] = field(default_factory=dict)

    def silent_ms(self, now_ms: int) -> float:
        """How long there has been no stream start on record by now; inf if there is none."""
        known = np.flatnonzero(~np.isnan(self.starts))
        if not known.size:
            return float("inf")
        step_ms = (self.end_ms - self.start_ms) / self.starts.size
        return float(now_ms - (self.start_ms + (int(known[-1]) + 1) * step_ms))


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run in a list. state: `active`, `finished`, `unfinished`; score: None if it has none.

    broken: ids of the instances that it has broken and not taken back yet; outcomes: what each
    check says now. Both only while it is active.
    """

    id: str
    experiment: str
    state: str
    phase: str
    verdict: str
    undo: str
    reason: str
    started_ms: int
    score: float | None = None
    broken: frozenset[str] = frozenset()
    outcomes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExperimentRow:
    """One experiment that can be run: its name or file, and its title."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """One line of an answer of the store; values: shape (steps,), NaN is a gap."""

    label: str
    values: FloatArray


@dataclass(frozen=True, slots=True)
class Answer:
    """The lines of an expression in (start_ms, end_ms]."""

    expression: str
    start_ms: int
    end_ms: int
    step_ms: int
    lines: Sequence[AnswerLine]


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What the store says of itself. refused: datapoints by reason; names: series by name."""

    series: float
    used_bytes: float
    datapoints: float
    refused: Mapping[str, float]
    block_bytes: Mapping[str, float]
    at_s: float
    per_second: float = float("nan")
