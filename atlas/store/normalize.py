"""Raw samples to values on step boundaries, for many series at once.

A step stamped T stands for the time (T − step, T], so a sample that lies between two boundaries
says something about both of its steps. What, depends on the kind (tag `atlas.dstype`):

* gauge: the largest value of a step; sum: the total of a step. The step is the boundary at or
  after the sample.
* rate (also the default): each sample holds for the time back to the sample before it, and a step
  gets the mean over its time. State per series: the last time `last` and the part of the step
  that is known already, `partial`. A step is written when a later sample crosses its end.
* counter: the difference to the sample before, per second and never negative, taken as a rate.

Nearly all clients stamp on the boundary; then a rate is just written, which is tested for first.
A sample that comes late but lies on a boundary is written too, if its step is still empty: it
needs no state, and the original, which drops it, leaves a gap there.

Source: Atlas `core/norm`. Rows in a call are distinct; the caller splits a batch that repeats one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from atlas.store.layout import BoolArray, FloatArray, IntArray, RowArray

GAUGE, SUM, RATE, COUNTER = range(4)
KINDS: Mapping[str, int] = MappingProxyType(
    {"gauge": GAUGE, "sum": SUM, "rate": RATE, "counter": COUNTER}
)
"""Kinds by the value of `atlas.dstype`; anything else is a rate."""

STATE_BYTES = 1 + 4 * 8
"""State of a row."""

_NEVER = np.iinfo(np.int64).min // 2
_COUNTER_HEARTBEAT_MS_MIN = 120_000


class Sink(Protocol):
    """Where step values go. Times are on boundaries, rows distinct, a NaN is a gap."""

    def put(self, rows: RowArray, times_ms: IntArray, values: FloatArray) -> None:
        """Write."""

    def put_max(self, rows: RowArray, times_ms: IntArray, values: FloatArray) -> None:
        """Write, keeping the larger."""

    def put_sum(self, rows: RowArray, times_ms: IntArray, values: FloatArray) -> None:
        """Add."""

    def put_if_absent(self, rows: RowArray, times_ms: IntArray, values: FloatArray) -> None:
        """Write where nothing stands."""


class _Samples(NamedTuple):
    """One sample for each row of a batch."""

    rows: RowArray
    times_ms: IntArray
    values: FloatArray

    def where(self, kept: BoolArray) -> _Samples:
        return _Samples(self.rows[kept], self.times_ms[kept], self.values[kept])


class Normalizer:
    """State of normalisation for every row of a store."""

    def __init__(self, step_ms: int) -> None:
        self.step_ms = step_ms
        self._kinds: npt.NDArray[np.int8] = np.full(0, RATE, np.int8)
        self._last_ms: IntArray = np.full(0, _NEVER, np.int64)
        self._partial: FloatArray = np.zeros(0)
        self._counted_ms: IntArray = np.full(0, _NEVER, np.int64)
        self._counted: FloatArray = np.zeros(0)

    def grow(self, row_count: int) -> None:
        """Make room for `row_count` rows."""
        more = row_count - len(self._kinds)
        if more <= 0:
            return
        self._kinds = np.concatenate((self._kinds, np.full(more, RATE, np.int8)))
        self._last_ms = np.concatenate((self._last_ms, np.full(more, _NEVER, np.int64)))
        self._partial = np.concatenate((self._partial, np.zeros(more)))
        self._counted_ms = np.concatenate((self._counted_ms, np.full(more, _NEVER, np.int64)))
        self._counted = np.concatenate((self._counted, np.zeros(more)))

    @property
    def size_bytes(self) -> int:
        """What the state of all rows takes."""
        return len(self._kinds) * STATE_BYTES

    def rewind(self, time_ms: int) -> None:
        """Forget samples from after a time: the clock has gone back, and will bring later ones."""
        for last_ms in (self._last_ms, self._counted_ms):
            last_ms[last_ms > time_ms] = _NEVER

    def start(self, row: int, kind: int) -> None:
        """Begin a new series in the row."""
        self._kinds[row] = kind
        self._last_ms[row] = self._counted_ms[row] = _NEVER
        self._partial[row] = self._counted[row] = 0.0

    def kinds(self, rows: RowArray) -> npt.NDArray[np.int8]:
        """The kind of each row."""
        return np.asarray(self._kinds[rows])

    def are_gauges(self, rows: RowArray) -> BoolArray:
        """Whether means over time divide by the steps that have a value, for each row."""
        return np.asarray(self._kinds[rows] == GAUGE)

    def is_counting(self, rows: RowArray, since_ms: int) -> BoolArray:
        """Which rows are counters with a sample not older than `since_ms`."""
        return np.asarray(self._counted_ms[rows] >= since_ms)

    def update(
        self, kind: int, rows: RowArray, times_ms: IntArray, values: FloatArray, *, sink: Sink
    ) -> None:
        """Take one sample for each of the rows, all of one kind."""
        if kind in (GAUGE, SUM):
            boundary_ms = -(-times_ms // self.step_ms) * self.step_ms
            put = sink.put_max if kind == GAUGE else sink.put_sum
            put(rows, boundary_ms, values)
        elif kind == COUNTER:
            self._update_counters(_Samples(rows, times_ms, values), sink)
        else:
            self._update_rates(_Samples(rows, times_ms, values), self.step_ms, sink)

    def _update_counters(self, samples: _Samples, sink: Sink) -> None:
        rows, times_ms, values = samples
        before_ms = self._counted_ms[rows]
        elapsed_ms = times_ms - before_ms
        is_known = before_ms != _NEVER
        is_late = is_known & (elapsed_ms <= 0)
        with np.errstate(invalid="ignore"):
            rates = (values - self._counted[rows]) / np.maximum(elapsed_ms, 1) * 1000
        rates = np.where(rates > 0, rates, 0.0)
        taken = samples.where(~is_late)
        self._counted_ms[taken.rows] = taken.times_ms
        self._counted[taken.rows] = taken.values
        heartbeat_ms = _COUNTER_HEARTBEAT_MS_MIN if self.step_ms < 60_000 else 2 * self.step_ms
        known = _Samples(rows, times_ms, rates).where(is_known & ~is_late)
        self._update_rates(known, heartbeat_ms, sink)

    def _update_rates(self, samples: _Samples, heartbeat_ms: int, sink: Sink) -> None:
        on_boundary = samples.times_ms % self.step_ms == 0
        if not on_boundary.all():
            self._update_weighted(samples, heartbeat_ms, sink)
            return
        late = samples.times_ms <= self._last_ms[samples.rows]
        if late.any():
            sink.put_if_absent(*samples.where(late))
            samples = samples.where(~late)
        rows, times_ms, values = samples
        elapsed_ms = times_ms - self._last_ms[rows]
        # One step after a boundary, or nothing known before: the value is the mean of its step.
        if ((elapsed_ms == self.step_ms) | (elapsed_ms > heartbeat_ms)).all():
            sink.put(rows, times_ms, values)
            self._last_ms[rows] = times_ms
            self._partial[rows] = 0.0
        else:
            self._update_weighted(samples, heartbeat_ms, sink)

    def _update_weighted(self, samples: _Samples, heartbeat_ms: int, sink: Sink) -> None:
        step_ms = self.step_ms
        rows, times_ms, values = samples.where(samples.times_ms > self._last_ms[samples.rows])
        last_ms = self._last_ms[rows]
        over_ms = times_ms % step_ms
        boundary_ms = times_ms - over_ms
        is_fresh = times_ms - last_ms > heartbeat_ms
        is_crossed = is_fresh | (last_ms < boundary_ms)
        partial = np.where(is_fresh, 0.0, self._partial[rows])

        alone = values * ((step_ms - over_ms) / step_ms)
        sink.put(*_Samples(rows, boundary_ms, alone).where(is_fresh))

        is_after = is_crossed & ~is_fresh
        into_ms = last_ms % step_ms
        next_ms = last_ms - into_ms + step_ms
        finished = partial + values * ((step_ms - into_ms) / step_ms)
        sink.put(*_Samples(rows, next_ms, finished).where(is_after))
        later_count = int((boundary_ms - next_ms)[is_after].max(initial=0)) // step_ms
        for i in range(1, later_count + 1):  # bounded by the heartbeat: 120 steps at the most
            later_ms = next_ms + i * step_ms
            sink.put(*_Samples(rows, later_ms, values).where(is_after & (later_ms <= boundary_ms)))

        grown = partial + values * ((times_ms - last_ms) / step_ms)
        self._partial[rows] = np.where(is_crossed, values * (over_ms / step_ms), grown)
        self._last_ms[rows] = times_ms
