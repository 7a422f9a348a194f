"""Percentiles from counts by bucket, distinct values from registers: all groups at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from atlas.errors import AtlasError, requirement_failed
from atlas.eval.evaluation import Evaluation, evaluates
from atlas.eval.lines import Lines, keys_of
from atlas.expr.data_expr import data_exprs
from atlas.expr.label import group_labels, query_label
from atlas.expr.sketch_expr import (
    BUCKET_BOUNDS,
    PERCENTILE_KEY,
    REGISTER_KEY,
    ApproxDistinct,
    Percentiles,
    percentile_text,
)
from atlas.store.block import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]

REGISTER_COUNT = 64
_ALPHA = 0.7213 / (1 + 1.079 / REGISTER_COUNT)
_SECONDS_PER_NANO = 1e-9
_CELLS_AT_ONCE = 1 << 20
_NUMBER = re.compile(r"[+-]?[0-9a-fA-F]+")
_BOUNDS: FloatArray = np.array((0, *BUCKET_BOUNDS), np.float64)


class _Sketches:
    """Lines sorted by group, and by their number within the sketch of the group.

    `order` are positions of lines, `numbers` their numbers in that order; sketch i consists of the
    lines from `starts[i]` to before `starts[i + 1]`.
    """

    def __init__(self, lines: Lines, key: str, group_keys: Sequence[str]) -> None:
        group_of: dict[tuple[str, ...], int] = {}
        places = []
        for i, tags in enumerate(lines.tags):
            group = group_of.setdefault(tuple(tags[k] for k in group_keys), len(group_of))
            places.append((group, _number(tags[key]), i))
        places.sort()
        groups, numbers, order = np.array(places, np.int64).T
        self.order: IntArray = order
        self.numbers: IntArray = numbers
        self.starts: IntArray = np.searchsorted(groups, np.arange(len(group_of) + 1))
        self.keys = tuple(group_of)
        self._refuse_doubles(lines, key, groups)
        firsts = [min(lines.tags[i][key] for i in members) for members in self.members()]
        self.prefixes = [text[:1] for text in firsts]
        self.tags = [
            {k: v for k, v in lines.tags[i].items() if k != key}
            for i in order[self.starts[:-1]].tolist()
        ]

    def members(self) -> Iterator[list[int]]:
        """The positions of the lines of each sketch."""
        for start, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            yield self.order[start:end].tolist()

    def _refuse_doubles(self, lines: Lines, key: str, groups: IntArray) -> None:
        again = (np.diff(groups) == 0) & (np.diff(self.numbers) == 0)
        if again.any():
            at = int(again.argmax())
            is_same = (groups == groups[at]) & (self.numbers == self.numbers[at])
            texts = sorted(lines.tags[i][key] for i in self.order[is_same].tolist())
            raise requirement_failed(f"invalid {key} encoding: [{','.join(texts)}]")


def _number(text: str) -> int:
    """The number within a sketch: hexadecimal, after a letter."""
    if _NUMBER.fullmatch(text[1:]) is None:
        raise AtlasError(
            f'For input string: "{text[1:]}" under radix 16',
            fix="publish sketches by a client library, as in 'T0042'",
            original_class="NumberFormatException",
        )
    return int(text[1:], 16)


@evaluates(Percentiles)
def _percentiles(expr: Percentiles, evaluation: Evaluation) -> Lines:
    inner = evaluation.lines(expr.counts)
    if not inner.count:
        return inner
    if not expr.percentiles:
        raise AtlasError("pct array cannot be empty", fix="name a percentile, as in '(,50,)'")
    sketches = _Sketches(inner, PERCENTILE_KEY, expr.group_keys)
    values = _estimated(sketches, inner.values, expr.percentiles)
    texts = [percentile_text(p) for p in expr.percentiles]
    tags = tuple({**own, PERCENTILE_KEY: text} for own in sketches.tags for text in texts)
    names = group_labels(expr.group_keys, sketches.keys)
    if not expr.group_keys:
        names = (query_label(expr.counts.query),)
    labels = tuple(f"percentile({name}, {text})" for name in names for text in texts)
    return Lines(tags, labels, keys_of(tags, expr.grouping), values)


def _estimated(sketches: _Sketches, values: FloatArray, wanted: Sequence[float]) -> FloatArray:
    """Estimates of shape (sketches · percentiles, steps)."""
    if sketches.numbers.min() < 0 or sketches.numbers.max() >= len(BUCKET_BOUNDS):
        raise AtlasError(
            f"there is no bucket {sketches.numbers.max():04X}",
            fix=f"buckets go from 0000 to {len(BUCKET_BOUNDS) - 1:04X}",
        )
    sizes = np.diff(sketches.starts)
    step_count = values.shape[1]
    out: FloatArray = np.empty((len(sizes), len(wanted), step_count))
    by_size = np.argsort(-sizes, kind="stable")
    begin = 0
    while begin < len(sizes):
        # Sketches of about the same size are padded to the longest of them.
        longest = int(sizes[by_size[begin]])
        chosen = by_size[begin : begin + max(1, _CELLS_AT_ONCE // (longest * step_count))]
        at = sketches.starts[chosen][:, None] + np.arange(longest)
        is_there = np.arange(longest) < sizes[chosen][:, None]
        at = np.where(is_there, at, 0)
        counts = np.where(is_there[:, :, None], values[sketches.order[at]], 0.0)
        out[chosen] = estimate_percentiles(counts, sketches.numbers[at], wanted)
        begin += len(chosen)
    # Clients count timers in nanoseconds; the first series of a sketch says which it is.
    scales = [_SECONDS_PER_NANO if prefix == "T" else 1.0 for prefix in sketches.prefixes]
    out *= np.array(scales)[:, None, None]
    return out.reshape(-1, step_count)


def estimate_percentiles(
    counts: FloatArray, buckets: IntArray, wanted: Sequence[float]
) -> FloatArray:
    """Percentiles by linear interpolation in the bucket where each is reached.

    counts: shape (sketches, buckets, steps), buckets ascending. buckets: their numbers, shape
    (sketches, buckets). The result has shape (sketches, percentiles, steps), NaN without counts.
    """
    counts = np.where(np.isfinite(counts) & (counts > 0), counts, 0.0)
    counted = np.cumsum(counts, axis=1)
    total = counted[:, -1]
    reached = 100 * counted / total[:, None]
    before = np.concatenate((np.zeros_like(reached[:, :1]), reached[:, :-1]), axis=1)
    rows = np.arange(len(counts))[:, None]
    last = counts.shape[1] - 1 - (counts[:, ::-1] != 0).argmax(axis=1)
    out: FloatArray = np.empty((len(counts), len(wanted), counts.shape[2]))
    for i, percentile in enumerate(wanted):
        is_reached = reached >= percentile
        at = is_reached.argmax(axis=1)
        cell = (rows, at, np.arange(counts.shape[2]))
        share = (percentile - before[cell]) / (reached[cell] - before[cell])
        low, high = _BOUNDS[buckets[rows, at]], _BOUNDS[buckets[rows, at] + 1]
        # Rounding may leave the last percentile unreached.
        end = _BOUNDS[buckets[rows, last] + 1]
        values = np.where(is_reached.any(axis=1), low + share * (high - low), end)
        out[:, i] = np.where(total > 0, values if percentile else 0.0, np.nan)
    return out


@evaluates(ApproxDistinct)
def _approx_distinct(expr: ApproxDistinct, evaluation: Evaluation) -> Lines:
    inner = evaluation.lines(expr.registers)
    if not inner.count:
        return inner
    keys = expr.grouping or ()
    sketches = _Sketches(inner, REGISTER_KEY, keys)
    is_known = (sketches.numbers >= 0) & (sketches.numbers < REGISTER_COUNT)
    # A register that does not exist counts as one without a value.
    ranks = np.where(is_known[:, None], inner.values[sketches.order], 0.0)
    values = estimate_distinct(ranks, sketches.starts)
    query = next(data_exprs(expr)).query
    if keys:
        labels = group_labels(keys, sketches.keys)
    else:
        labels = (f"approx-distinct({query_label(query)})",)
    tags = tuple(sketches.tags)
    return Lines(tags, labels, keys_of(tags, keys), values)


def estimate_distinct(ranks: FloatArray, starts: IntArray) -> FloatArray:
    """The HyperLogLog estimate, with linear counting where few registers are set.

    ranks: shape (lines, steps); sketch i has the lines from `starts[i]` to before `starts[i + 1]`,
    and its other registers are not set. NaN where no register is. Source: Flajolet et al., 2007.
    """
    ranks = np.where(np.isfinite(ranks) & (ranks > 0), ranks, 0.0)
    unset = REGISTER_COUNT - np.diff(starts)[:, None]
    firsts = starts[:-1]
    harmonic = np.add.reduceat(np.exp2(-ranks), firsts, axis=0) + unset
    empty = np.add.reduceat((ranks == 0).astype(np.float64), firsts, axis=0) + unset
    estimate = _ALPHA * REGISTER_COUNT**2 / harmonic
    counted = REGISTER_COUNT * np.log(REGISTER_COUNT / empty)
    is_small = (estimate <= 2.5 * REGISTER_COUNT) & (empty > 0)
    return np.where(empty < REGISTER_COUNT, np.where(is_small, counted, estimate), np.nan)
