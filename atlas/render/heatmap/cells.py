"""The cells of a heat map: for each step, how many lines have a value in each range of the axis.

Ranges end at the ticks of the axis. A line of a histogram's bucket counts with its rate, spread
over the values that its bucket holds. Source: Atlas `Heatmap.scala`, `PlotDef.bounds`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from atlas.errors import BadData
from atlas.expr.sketch_expr import BUCKET_BOUNDS, NANOS_PER_SECOND, PERCENTILE_KEY
from atlas.graph import Axis, FloatArray, HeatMapOptions, Line, LineStyle
from atlas.render.heatmap.color_scale import ColorScale, gradient
from atlas.render.heatmap.ticks import Tick, cell_ticks

Range = tuple[float, float]
_LARGEST = 1e300
_FILLED = (LineStyle.AREA, LineStyle.STACK)


def _bucket_ranges() -> Mapping[str, Range]:
    """Smallest and largest value of each bucket by its tag, those of timers in seconds."""
    ranges = {}
    for i, (low, high) in enumerate(pairwise((0, *BUCKET_BOUNDS))):
        ranges[f"D{i:04X}"] = (float(low), float(high))
        ranges[f"T{i:04X}"] = (low / NANOS_PER_SECOND, high / NANOS_PER_SECOND)
    return ranges


_RANGES = _bucket_ranges()


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Counts of shape (steps, cells): cell i reaches from edge i up to edge i + 1.

    Edges ascend: the lower bound of the axis, its ticks, its upper bound.
    """

    options: HeatMapOptions
    ticks: tuple[Tick, ...]
    edges: FloatArray
    counts: FloatArray
    colors: tuple[str, ...]

    @property
    def count_min(self) -> float:
        """The smallest count that is not 0; 0 if all are."""
        return (
            float(self.counts.min(initial=np.inf, where=self.counts > 0)) if self.count_max else 0.0
        )

    @property
    def count_max(self) -> float:
        """The largest count."""
        return float(self.counts.max(initial=0.0))

    @property
    def color_scale(self) -> ColorScale:
        """From counts to colours."""
        lower, upper = self.options.lower, self.options.upper
        low = self.count_min if _is_automatic(lower) else float(lower)
        high = self.count_max if _is_automatic(upper) else float(upper)
        if not (high >= 0 and math.isfinite(low) and math.isfinite(high)):
            raise BadData("requirement failed", fix="use a heatmap_u of 0 or more, both finite")
        return ColorScale(self.options.scale, low, high, len(self.colors))

    def color_indexes(self) -> npt.NDArray[np.int64]:
        """Which of the colours each cell has, -1 where the count is 0; shaped as the counts."""
        lower, upper = self.options.lower, self.options.upper
        counts = self.counts if _is_automatic(lower) else np.maximum(self.counts, float(lower))
        counts = counts if _is_automatic(upper) else np.minimum(counts, float(upper))
        return np.where(self.counts > 0, self.color_scale.indexes(counts), -1)


def heat_map(axis: Axis, canvas_height: int) -> HeatMap | None:
    """The heat map of an axis on a canvas of that height in pixels; None without lines for it."""
    lines = [line for line in axis.lines if line.style is LineStyle.HEATMAP]
    if not lines:
        return None
    lower, upper = _bounds(axis)
    ticks = cell_ticks(lower, upper, canvas_height, axis.scale, axis.tick_labels)
    colors = axis.heat_map.colors or gradient(lines[0].color)
    edges = np.array([lower, *(tick.value for tick in ticks), upper])
    return HeatMap(axis.heat_map, ticks, edges, _counts(lines, edges), colors)


def _is_automatic(bound: str) -> bool:
    return bound.startswith("auto")


def _bucket_range(line: Line) -> Range | None:
    return _RANGES.get(line.tags.get(PERCENTILE_KEY, ""))


def _counts(lines: Sequence[Line], edges: FloatArray) -> FloatArray:
    """Counts of shape (steps, cells)."""
    placed = [line.values for line in lines if _bucket_range(line) is None]
    spread = [line for line in lines if _bucket_range(line) is not None]
    counts: FloatArray = np.zeros((len(lines[0].values), len(edges) - 1))
    if placed:
        counts += _placed(np.stack(placed), edges)
    if spread:
        counts += _spread(spread, edges)
    return counts


def _placed(values: FloatArray, edges: FloatArray) -> FloatArray:
    """How many of the values, of shape (lines, steps), lie in each cell; shape (steps, cells)."""
    step_count, cell_count = values.shape[1], len(edges) - 1
    cells = np.searchsorted(edges[1:-1], values, side="right")
    numbers = np.arange(step_count) * cell_count + cells
    is_inside = (values >= edges[0]) & (values <= edges[-1])
    found = np.bincount(numbers[is_inside], minlength=step_count * cell_count)
    return found.reshape(step_count, cell_count).astype(np.float64)


def _spread(lines: Sequence[Line], edges: FloatArray) -> FloatArray:
    """Rates of buckets, each spread over the cells that its range overlaps; (steps, cells)."""
    rates = np.stack([line.values for line in lines], axis=1)
    ranges = np.array([_bucket_range(line) for line in lines])
    low, high = ranges[:, :1], ranges[:, 1:]
    overlaps = np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1])
    shares = np.maximum(overlaps, 0.0) / (high - low)
    rates = np.where(np.isfinite(rates) & (rates > 0), rates, 0.0)
    with np.errstate(over="ignore"):
        return np.asarray(np.minimum(rates @ shares, _LARGEST))


def _bounds(axis: Axis) -> Range:
    """From where to where the axis goes: as asked for, else as far as there are values.

    Where asked and found bounds do not go together, the one that was found is moved by 1.
    """
    low, high = _data_bounds(axis.lines)
    is_filled = any(line.style in _FILLED for line in axis.lines)
    if is_filled and axis.lower == "auto-style":
        low = min(low, 0.0)
    if is_filled and axis.upper == "auto-style":
        high = max(high, 0.0)
    lower = low if _is_automatic(axis.lower) else float(axis.lower)
    upper = high if _is_automatic(axis.upper) else float(axis.upper)
    if lower < upper:
        return lower, upper
    return (lower, lower + 1) if _is_automatic(axis.upper) else (upper - 1, upper)


def _data_bounds(lines: Sequence[Line]) -> Range:
    """Smallest and largest value; of a histogram where its used buckets begin and end."""
    stacked = [line.values for line in lines if line.style is LineStyle.STACK]
    others = [line for line in lines if line.style not in (LineStyle.STACK, LineStyle.VSPAN)]
    buckets = [line for line in others if _is_histogram(line)]
    found = [line.values for line in others if not _is_histogram(line)]
    found += [np.array(used) for line in buckets if (used := _used_range(line)) is not None]
    if stacked:
        values = np.stack(stacked)
        values = np.where(np.isfinite(values), values, 0.0)
        with np.errstate(over="ignore"):
            tops, bottoms = (np.where(s, values, 0).sum(axis=0) for s in (values > 0, values < 0))
        found += [stacked[0], tops[tops > 0], bottoms[bottoms < 0]]
    known = np.concatenate(found) if found else np.empty(0)
    known = known[np.isfinite(known)]
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)


def _is_histogram(line: Line) -> bool:
    return line.style is LineStyle.HEATMAP and PERCENTILE_KEY in line.tags


def _used_range(line: Line) -> Range | None:
    is_used = ~np.isnan(line.values) & (line.values != 0)
    return _bucket_range(line) if is_used.any() else None
