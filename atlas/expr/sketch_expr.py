"""Estimates from sketches: percentiles from counts by bucket, distinct values from registers.

A sketch is published as many series, told apart by a key of its own: `percentile` is the bucket of
a histogram, `T0042` for timers and `D0042` otherwise, `distinct` the register of a HyperLogLog.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from atlas.errors import requirement_failed
from atlas.expr.data_expr import Aggregate, GroupBy, keys_text, offset_suffix
from atlas.expr.query_expr import Compare, Query, both, either
from atlas.expr.text import number_text
from atlas.expr.tree import Node, TimeSeriesExpr, rewritten_expr

PERCENTILE_KEY = "percentile"
REGISTER_KEY = "distinct"
NANOS_PER_SECOND = 1e9

_LONG_MAX = 2**63 - 1


def _bucket_bounds() -> Iterator[int]:
    """The upper bounds of buckets: nine to each power of four, of equal width."""
    yield from (1, 2, 3)
    for exponent in range(2, 62, 2):
        power = 1 << exponent
        width = power // 3
        yield from range(power, 4 * power - width, width)
    yield _LONG_MAX


BUCKET_BOUNDS: tuple[int, ...] = tuple(_bucket_bounds())
"""Bucket i holds what is at least bound i - 1 and below bound i; the first one begins at 0."""


def bucket_of(value: float) -> int:
    """The bucket that clients count a value in, which is taken as a whole number.

    The last values below a power of four go one bucket too high; so they are published.
    """
    if value <= 4:
        return max(0, int(value))
    if value >= 1 << 62:
        return len(BUCKET_BOUNDS) - 1
    power = 1 << (int(value).bit_length() - 1) // 2 * 2
    steps = (int(value) - power) // (power // 3)
    return min(bisect_left(BUCKET_BOUNDS, power) + steps, len(BUCKET_BOUNDS) - 2) + 1


def sample_count(query: Query, low: float, high: float) -> Aggregate:
    """Samples from `low` to `high`, as counted by all buckets that have a part in that range."""
    if not low < high:  # nor is NaN
        raise requirement_failed(f"min >= max (min={number_text(low)}, max={number_text(high)})")
    if low < 0:
        raise requirement_failed(f"min < 0 (min={number_text(low)})")
    seconds = _bucket_range("T", low * NANOS_PER_SECOND, high * NANOS_PER_SECOND)
    return Aggregate("sum", both(query, either(_bucket_range("D", low, high), seconds)))


def _bucket_range(prefix: str, low: float, high: float) -> Query:
    first, last = (f"{prefix}{bucket_of(value):04X}" for value in (low, high))
    return both(Compare(PERCENTILE_KEY, first, "ge"), Compare(PERCENTILE_KEY, last, "le"))


@dataclass(frozen=True, slots=True)
class Percentiles(TimeSeriesExpr):
    """Estimated percentiles, a line each; `counts` is grouped by bucket and by other keys."""

    counts: GroupBy
    percentiles: tuple[float, ...]

    def __post_init__(self) -> None:
        for percentile in self.percentiles:
            if not 0 <= percentile <= 100:
                raise requirement_failed(
                    f"invalid percentile {number_text(percentile)}, value must be 0.0 <= p <= 100.0"
                )
        object.__setattr__(self, "percentiles", tuple(sorted(set(self.percentiles))))

    @property
    def group_keys(self) -> tuple[str, ...]:
        """The keys by which the counts are grouped, but for the bucket."""
        return tuple(key for key in self.counts.keys if key != PERCENTILE_KEY)

    @property
    def grouping(self) -> tuple[str, ...]:
        """The keys, with a percentile in the place of the bucket."""
        return self.counts.keys

    def __str__(self) -> str:
        keys = f",{keys_text(self.group_keys)},:by" if self.group_keys else ""
        numbers = keys_text(tuple(map(number_text, self.percentiles)))
        function = self.counts.aggregate.consolidation
        consolidation = "" if function is None else f",:cf-{function}"
        offset = offset_suffix(self.counts.offset_ms)
        return f"{self.counts.query}{keys},{numbers},:percentiles{consolidation}{offset}"


def percentiles(of: Aggregate | GroupBy, wanted: tuple[float, ...]) -> Percentiles:
    """Percentiles of what `of` selects, in its groups; whatever it computes, counts are summed."""
    aggregate, keys = (of.aggregate, of.keys) if isinstance(of, GroupBy) else (of, ())
    counts = Aggregate("sum", aggregate.query, offset_ms=aggregate.offset_ms)
    return Percentiles(GroupBy(counts, (PERCENTILE_KEY, *keys)), wanted)


def percentile_text(percentile: float) -> str:
    """A percentile as the value of a tag, padded so that numbers stand below each other."""
    padding = "  " if percentile < 10 else " " if percentile < 100 else ""
    return padding + number_text(percentile)


@dataclass(frozen=True, slots=True)
class ApproxDistinct(TimeSeriesExpr):
    """The estimated number of distinct values. `inner` is as the program has it.

    What is evaluated is `registers`: the same, but every aggregate is the largest value of each
    register.
    """

    inner: TimeSeriesExpr

    def __post_init__(self) -> None:
        if REGISTER_KEY not in (self.registers.grouping or ()):
            raise requirement_failed(
                f"input must have an aggregate that can be grouped by '{REGISTER_KEY}'"
            )

    def parts(self) -> Iterator[Node]:
        """What is evaluated, so that it is what is fetched, too."""
        yield self.registers

    @property
    def registers(self) -> TimeSeriesExpr:
        """The lines of registers, in groups."""

        def change(node: Node) -> Node | None:
            match node:
                case GroupBy():
                    return GroupBy(_largest(node.aggregate), (REGISTER_KEY, *node.keys))
                case Aggregate():
                    return GroupBy(_largest(node), (REGISTER_KEY,))
                case _:
                    return None

        return rewritten_expr(self.inner, change)

    @property
    def grouping(self) -> tuple[str, ...] | None:
        """The keys of the registers' lines, but for the register."""
        keys = tuple(key for key in self.registers.grouping or () if key != REGISTER_KEY)
        return keys or None

    def __str__(self) -> str:
        return f"{self.inner},:approx-distinct"


def _largest(aggregate: Aggregate) -> Aggregate:
    return Aggregate("max", aggregate.query, offset_ms=aggregate.offset_ms)
