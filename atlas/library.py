"""The store in the caller's own process, without a server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import numpy as np

from atlas.asl import parse_exprs, parse_query
from atlas.errors import BadData
from atlas.eval.evaluate import evaluate
from atlas.ingest.samples import PublishResult, Samples, publish_samples
from atlas.model import Datapoint, EvalContext, TimeSeries
from atlas.store.memory import MemoryStore, StoreConfig


def system_now_ms() -> int:
    """The clock of the machine."""
    return time.time_ns() // 1_000_000


class Atlas:
    """A store as a library. All methods may be called from any thread.

    >>> from atlas import Datapoint
    >>> atlas = Atlas(StoreConfig(step_ms=1000), now_ms=lambda: 60_000)
    >>> tags = {"name": "requests", "atlas.dstype": "gauge"}
    >>> atlas.publish([Datapoint(tags, 60_000, 2.0)]).accepted_count
    1
    >>> [line.values for line in atlas.fetch("name,requests,:eq,3,:mul", 59_000, 60_000, 1000)]
    [(6.0,)]
    """

    def __init__(
        self, config: StoreConfig | None = None, *, now_ms: Callable[[], int] = system_now_ms
    ) -> None:
        self.store = MemoryStore(config or StoreConfig())
        self._now_ms = now_ms

    def publish(self, batch: Iterable[Datapoint]) -> PublishResult:
        """Take datapoints; each is checked by itself, and those taken can be queried at once."""
        points = list(batch)
        samples = Samples(
            [p.tags for p in points],
            np.array([p.timestamp_ms for p in points], np.int64),
            np.array([p.value for p in points], np.float64),
        )
        return publish_samples(self.store, samples, self._now_ms())

    def fetch(self, program: str, start_ms: int, end_ms: int, step_ms: int) -> list[TimeSeries]:
        """The lines of a program for the steps after `start_ms` up to and with `end_ms`."""
        if step_ms % self.store.config.step_ms or start_ms % step_ms or end_ms % step_ms:
            raise BadData(
                f"start {start_ms}, end {end_ms} and step {step_ms} must be multiples of the step",
                fix=f"the store's step is {self.store.config.step_ms} ms",
            )
        context = EvalContext(start_ms + step_ms, end_ms + step_ms, step_ms, self._now_ms())
        exprs = [styled.expr for styled in parse_exprs(program)]
        return [
            TimeSeries(label, tags, context.start_ms, step_ms, tuple(values.tolist()))
            for lines in evaluate(self.store, exprs, context)
            for label, tags, values in zip(lines.labels, lines.tags, lines.values, strict=True)
        ]

    def tags(self, key: str | None = None, query: str | None = None) -> list[str]:
        """Keys, or the values of one key, that the series of a query have; sorted."""
        wanted = None if query is None else parse_query(query)
        with self.store.locked():
            if key is None:
                return self.store.index.keys(wanted)
            return list(self.store.index.values(key, wanted))
