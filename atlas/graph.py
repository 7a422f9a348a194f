"""A graph: lines on axes with everything that a renderer needs to know, and nothing to look up.

The words of the original are kept where clients see them: the values of the enumerations are those
of `v2.json`. Instants are epoch milliseconds. Source: Atlas `GraphDef.scala`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import msgspec
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

AXIS_COUNT_MAX = 5


class LineStyle(StrEnum):
    """How a line is drawn."""

    LINE = "LINE"
    AREA = "AREA"
    STACK = "STACK"
    VSPAN = "VSPAN"
    HEATMAP = "HEATMAP"


class Scale(StrEnum):
    """How values of an axis become heights."""

    LINEAR = "LINEAR"
    LOGARITHMIC = "LOGARITHMIC"
    LOG_LINEAR = "LOG_LINEAR"
    POWER_2 = "POWER_2"
    SQRT = "SQRT"


class TickLabels(StrEnum):
    """How the numbers of an axis are written."""

    OFF = "OFF"
    DECIMAL = "DECIMAL"
    BINARY = "BINARY"
    DURATION = "DURATION"


class Layout(StrEnum):
    """What width and height are of: the plotting area, or the whole image, or one of each."""

    CANVAS = "CANVAS"
    IMAGE = "IMAGE"
    IMAGE_WIDTH = "IMAGE_WIDTH"
    IMAGE_HEIGHT = "IMAGE_HEIGHT"


class LegendType(StrEnum):
    """What stands below the axis."""

    OFF = "OFF"
    LABELS_ONLY = "LABELS_ONLY"
    LABELS_WITH_STATS = "LABELS_WITH_STATS"


@dataclass(frozen=True, slots=True)
class LineStats:
    """A line's values in one number each; NaN if it has none, but for `count`."""

    count: int
    avg: float
    total: float
    max: float
    min: float
    last: float


class Line(msgspec.Struct, frozen=True, dict=True, eq=False):
    """One line. `values` has shape (steps,), NaN is a gap. `color` is ARGB in 8 hex digits.

    `query` is the expression of the line as it prints, `keys` the keys that it is grouped by.
    """

    label: str
    tags: Mapping[str, str]
    values: FloatArray
    color: str = "ff000000"
    style: LineStyle = LineStyle.LINE
    width: float = 1.0
    query: str = ""
    keys: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The line's identity."""
        return line_id(self.tags, self.query)

    @cached_property
    def stats(self) -> LineStats:
        """Count, mean, total, extremes and the last value, of the values that are shown."""
        return line_stats(self.values)


@dataclass(frozen=True, slots=True)
class HeatMapOptions:
    """How counts become colours in the heat map of an axis.

    `lower` and `upper` bound the counts, as those of an axis its values. Without `colors` a count
    is the more opaque the higher it is, in the colour of the first line.
    """

    scale: Scale = Scale.LINEAR
    lower: str = "auto-style"
    upper: str = "auto-style"
    colors: tuple[str, ...] = ()
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """A vertical axis, its lines in the order in which they are shown.

    `lower` and `upper` are a number as text, `auto-style` or `auto-data`. Lines in the style of a
    heat map are drawn as one, of cells.
    """

    number: int
    lines: tuple[Line, ...] = ()
    ylabel: str | None = None
    color: str | None = None
    scale: Scale = Scale.LINEAR
    lower: str = "auto-style"
    upper: str = "auto-style"
    tick_labels: TickLabels = TickLabels.DECIMAL
    messages: tuple[str, ...] = ()
    heat_map: HeatMapOptions = HeatMapOptions()


@dataclass(frozen=True, slots=True)
class Graph:
    """Everything that a request draws.

    Step i of a line belongs to `start_ms + i * step_ms`; `end_ms` is past the last one.
    """

    start_ms: int
    end_ms: int
    step_ms: int
    axes: tuple[Axis, ...] = ()
    zones: tuple[str, ...] = ("UTC",)
    width: int = 700
    height: int = 300
    layout: Layout = Layout.CANVAS
    zoom: float = 1.0
    title: str | None = None
    legend: LegendType = LegendType.LABELS_WITH_STATS
    is_only_graph: bool = False
    theme: str = "light"
    notices: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of all axes, axis by axis."""
        return tuple(line for axis in self.axes for line in axis.lines)

    @property
    def step_count(self) -> int:
        """How many steps a line has."""
        return max(0, (self.end_ms - self.start_ms) // self.step_ms)


def line_id(tags: Mapping[str, str], query: str) -> str:
    """The identity of a line of an answer: SHA-1 of its tags and its expression, in hex."""
    named = {**tags, "atlas.query": query}
    text = ",".join(f"{k}={v}" for k, v in sorted(named.items()))
    return hashlib.sha1(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def line_stats(values: FloatArray) -> LineStats:
    """The statistics of values of shape (steps,), gaps left out."""
    kept = values[~np.isnan(values)]
    if not len(kept):
        return LineStats(0, *[float("nan")] * 5)
    with np.errstate(all="ignore"):  # infinities of both signs have no sum
        total = float(kept.sum())
    return LineStats(
        len(kept),
        total / len(kept),
        total,
        float(kept.max()),
        float(kept.min()),
        float(kept[-1]),
    )
