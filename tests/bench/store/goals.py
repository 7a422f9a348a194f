"""What is promised of each row: ours to VictoriaMetrics's, at the median and at the best."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.bench.figure import Figure, missing
from tests.bench.store.row import Measured, Row
from tests.bench.store.servers import OURS, VICTORIA


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on a row at one size: on the ratio to a peer, or without peer on ours alone."""

    size: str
    row: str
    unit: str
    limit: float
    at_least: bool = False
    peer: str | None = VICTORIA

    def figures(self, row: Row | None) -> list[Figure]:
        """The figures that must be met; one where there was one round only."""
        measured = None
        if row is not None:
            measured = row.of.get(OURS) if self.peer is None else row.ratio(self.peer)
        unit = self.unit if self.peer is None else "×"
        name = f"{self.row}, {self.unit}"
        if measured is None:
            why = f"{name} was not measured" if row is None else "too small to be measured"
            return [missing(name, unit, self.limit, why, at_least=self.at_least)]
        return [
            Figure(f"{name}, {which}", value, unit, self.limit, self.at_least, f"size {self.size}")
            for which, value in _named(measured)
        ]


def _named(measured: Measured) -> list[tuple[str, float]]:
    if measured.rounds == 1:
        return [("once", measured.p50)]
    return [("p50", measured.p50), ("best", measured.best)]


GOALS = (
    Goal("M", "warm ingest", "CPU-s/M", 1.3),
    Goal("M", "warm ingest", "datapoints/s", 0.7, at_least=True),
    Goal("M", "single series", "ms", 2.5),
    Goal("M", "wide sum", "ms", 0.04),
    Goal("M", "by cluster", "ms", 0.05),
    Goal("M", "by node", "ms", 0.5),
    Goal("M", "top ten", "ms", 0.4),
    Goal("M", "tag values", "ms", 0.1),
    Goal("L", "warm ingest", "CPU-s/M", 1.0),
    Goal("L", "new series until they answer", "CPU-s/M", 0.4),
    Goal("L", "new series are visible after", "s", 0.5, peer=None),
    Goal("L", "sum", "ms", 0.03),
    Goal("L", "wide sum", "ms", 0.013),
    Goal("L", "by cluster", "ms", 0.018),
    Goal("L", "ratio", "ms", 0.03),
    Goal("L", "max", "ms", 0.04),
    Goal("L", "pattern", "ms", 0.08),
    Goal("L", "mean latency", "ms", 0.1),
    Goal("L", "percentiles", "ms", 0.04),
    Goal("L", "rolling mean", "ms", 0.015),
    Goal("L", "resident after an hour", "B/series", 1.0),
    Goal("L", "resident after an hour", "B/series", 1500, peer=None),
)
"""Sums are of 10 k (`sum`) and 100 k rows (`wide sum`) at L, of 10 k (`wide sum`) at M."""


def judged(rows: Iterable[Row], size: str, *, with_peers: bool) -> list[Figure]:
    """The figures of all goals of a size that can be judged."""
    found = {(row.name, row.unit): row for row in rows}
    return [
        figure
        for goal in GOALS
        if goal.size == size and (with_peers or goal.peer is None)
        for figure in goal.figures(found.get((goal.row, goal.unit)))
    ]
