"""A row of the comparison: what was measured of each server, and the tables of rows."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.store.servers import OURS


@dataclass(frozen=True, slots=True)
class Measured:
    """Median and best of some rounds."""

    p50: float
    best: float
    rounds: int

    @classmethod
    def of(cls, rounds: Sequence[float], *, at_least: bool = False) -> Measured:
        """Of the numbers of all rounds; the best is the least, or with `at_least` the most."""
        best = max(rounds) if at_least else min(rounds)
        return cls(statistics.median(rounds), best, len(rounds))


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was measured, by name of the server."""

    name: str
    unit: str
    of: Mapping[str, Measured]

    def ratio(self, peer: str) -> Measured | None:
        """Ours to a peer's; None if that was not measured, or too small to be."""
        ours, theirs = self.of.get(OURS), self.of.get(peer)
        if ours is None or theirs is None or not theirs.p50 or not theirs.best:
            return None
        return Measured(ours.p50 / theirs.p50, ours.best / theirs.best, ours.rounds)


def comparison(rows: Iterable[Row], servers: Sequence[str]) -> str:
    """A Markdown table: what each server needs, then ours to each peer's, as `median (best)`."""
    peers = [name for name in servers if name != OURS]
    head = ["", *servers, *(f"{OURS} / {peer}" for peer in peers)]
    lines = []
    for row in rows:
        cells = [_text(row.of.get(name)) for name in servers]
        cells += [_text(row.ratio(peer)) for peer in peers]
        lines.append([f"{row.name}, {row.unit}", *cells])
    return markdown(head, lines)


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are numbers."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines))


def number(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _text(measured: Measured | None) -> str:
    if measured is None:
        return "–"
    p50, best = number(measured.p50), number(measured.best)
    return p50 if measured.rounds == 1 else f"{p50} ({best})"
