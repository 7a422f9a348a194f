"""Lines over time in a terminal: dots of braille, gaps as gaps, limits across. Pure.

Each cell has 2 × 4 dots. Every curve becomes, for each column of dots, a lowest and a highest row:
of many steps the least and the greatest, of few steps the straight way between two that have data.
A column that does not touch the one before is stretched towards it, so that a jump is a line. A
column without data has no dots, and nothing is drawn across it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from rich.text import Text

from chaosctl.report.glyphs import Glyphs
from chaosctl.report.symbols import number

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

AXIS_WIDTH = 8
"""Cells left of the plot: a number and a tick."""

NOTES_FROM_WIDTH = 24
"""On less, every cell is the plot's."""

SHADE = "on grey23"
BRAILLE_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.int64)
ASCII_CELLS = " '.:"
LEVEL_STYLES = {"limit": "yellow", "stop": "red", "usual": "blue"}


@dataclass(frozen=True, slots=True)
class Curve:
    """A line. values: shape (steps,), NaN is a gap; letter: what stands at its last value."""

    values: FloatArray
    style: str = "cyan"
    letter: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """A line across at a value. kind: `limit`, `stop` or `usual` (the mean of the baseline)."""

    value: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What is to be drawn: curves over the steps in (start_ms, end_ms], all equally many.

    shaded: spans of time, as of a fault. first, last: what the time axis says at its ends.
    say: a value as the axis writes it.
    """

    curves: Sequence[Curve]
    start_ms: int
    end_ms: int
    levels: Sequence[Level] = ()
    shaded: Sequence[tuple[int, int]] = ()
    shaded_text: str = "fault"
    first: str = ""
    last: str = ""
    say: Callable[[float], str] = field(default=number)


def render_chart(chart: Chart, width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """The chart as `height` lines of `width` cells, the last one its time axis."""
    rows = max(1, height - 1)
    notes_width = _notes_width(chart, width)
    columns = max(4, width - AXIS_WIDTH - notes_width)
    low, high = value_range(chart)
    cells, styles = _plot(chart, columns, rows, glyphs, low=low, high=high)
    shade = _shaded_cells(chart, columns)
    level_rows = {_row(level.value, low, high, rows): level for level in reversed(chart.levels)}
    ends = _ends(chart, rows, low, high)
    lines = []
    for row in range(rows):
        level = level_rows.get(row)
        line = Text(no_wrap=True)
        line.append(_axis_label(row, rows, level, chart.say, low=low, high=high), style="dim")
        line.append(glyphs.tick, style="dim")
        _append_cells(line, cells[row], styles[row], shade, level=level, glyphs=glyphs)
        if notes_width:
            _append_note(line, level, ends.get(row, ()), notes_width)
        lines.append(line)
    return [*lines, _time_axis(chart, columns, notes_width, shade, glyphs)]


def value_range(chart: Chart) -> tuple[float, float]:
    """Least and greatest value that the chart has room for; from 0 on if that is near."""
    known = [curve.values[np.isfinite(curve.values)] for curve in chart.curves]
    levels = [level.value for level in chart.levels if np.isfinite(level.value)]
    values = np.concatenate([*known, np.array(levels, np.float64)])
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if low >= 0 and low < 0.4 * high:
        low = 0.0
    if high == low:
        return (0.0, 1.0) if high == 0 else (min(0.0, 2 * low), max(0.0, 2 * high))
    return low, high


def _plot(
    chart: Chart, columns: int, rows: int, glyphs: Glyphs, *, low: float, high: float
) -> tuple[list[str], list[list[str]]]:
    """For each row its cells, and the style of each."""
    wide, tall = (2, 4) if glyphs.braille else (1, 2)
    bits = np.zeros((rows, columns), np.int64)
    owner = np.full((rows, columns), -1, np.int64)
    for index, curve in enumerate(chart.curves):
        dots = dots_of(curve.values, columns * wide, rows * tall, low, high)
        parts = dots.reshape(rows, tall, columns, wide)
        weights = BRAILLE_BITS if glyphs.braille else np.array([[1], [2]], np.int64)
        own = np.einsum("rtcw,tw->rc", parts.astype(np.int64), weights)
        bits |= own
        owner[own > 0] = index
    names = [curve.style for curve in chart.curves]
    signs = [chr(0x2800 + n) for n in range(256)] if glyphs.braille else list(ASCII_CELLS)
    signs[0] = " "
    return (
        ["".join(signs[bit] for bit in row) for row in bits.tolist()],
        [[names[o] if o >= 0 else "" for o in row] for row in owner.tolist()],
    )


def dots_of(values: FloatArray, columns: int, rows: int, low: float, high: float) -> BoolArray:
    """The dots of one curve, shape (rows, columns), the top row first."""
    least, most = _columns_of(values, columns)
    has_value = ~np.isnan(least)
    scale = (rows - 1) / (high - low)
    # Row 0 is the lowest here, and what is outside the range stays at its edge.
    bottom = np.where(has_value, np.clip(np.rint((least - low) * scale), 0, rows - 1), -1)
    top = np.where(has_value, np.clip(np.rint((most - low) * scale), 0, rows - 1), -1)
    touches = has_value[1:] & has_value[:-1]
    rise = touches & (bottom[1:] > top[:-1] + 1)
    fall = touches & (top[1:] < bottom[:-1] - 1)
    bottom[1:], top[1:] = (
        np.where(rise, top[:-1] + 1, bottom[1:]),
        np.where(fall, bottom[:-1] - 1, top[1:]),
    )
    row = np.arange(rows)[:, None]
    filled: BoolArray = (row >= bottom) & (row <= top) & has_value
    return filled[::-1]


def _columns_of(values: FloatArray, columns: int) -> tuple[FloatArray, FloatArray]:
    """Least and greatest value of each column; NaN where there is none."""
    count = values.size
    if not count:
        nothing = np.full(columns, np.nan)
        return nothing, nothing
    if count > columns:
        edges = np.arange(columns) * count // columns
        return np.fmin.reduceat(values, edges), np.fmax.reduceat(values, edges)
    at = (np.arange(columns) + 0.5) / columns * count - 0.5
    before = np.clip(np.floor(at), 0, count - 1).astype(np.int64)
    after = np.minimum(before + 1, count - 1)
    share = np.clip(at - before, 0, 1)
    left, right = values[before], values[after]
    between = left * (1 - share) + right * share
    # Next to a gap a step reaches half its length, so that a single one can be seen.
    nearest = np.where(share < 0.5, left, right)
    drawn = np.where(np.isnan(between), nearest, between)
    return drawn, drawn.copy()


def _row(value: float, low: float, high: float, rows: int) -> int:
    """The row of cells that a value stands in, 0 at the top; -1 if it is no number."""
    if not np.isfinite(value):
        return -1
    share = min(1.0, max(0.0, (value - low) / (high - low)))
    return rows - 1 - min(rows - 1, int(share * rows))


def _ends(chart: Chart, rows: int, low: float, high: float) -> dict[int, list[Curve]]:
    """The curves with a letter, by the row of their last value."""
    found: dict[int, list[Curve]] = {}
    for curve in chart.curves:
        known = curve.values[np.isfinite(curve.values)]
        if curve.letter and known.size:
            found.setdefault(_row(float(known[-1]), low, high, rows), []).append(curve)
    return found


def _notes_width(chart: Chart, width: int) -> int:
    if width < NOTES_FROM_WIDTH:
        return 0
    texts = [len(level.text) + 1 for level in chart.levels]
    letters = sum(bool(curve.letter) for curve in chart.curves)
    wanted = max([*texts, min(letters, 8) + 1 if letters else 0], default=0)
    return min(wanted, max(0, width // 5))


def _append_note(line: Text, level: Level | None, curves: Sequence[Curve], width: int) -> None:
    note = Text(" ", no_wrap=True)
    for curve in curves:
        note.append(curve.letter, style=curve.style)
    if level is not None and not curves:
        note.append(level.text, style=LEVEL_STYLES[level.kind])
    note.truncate(width, pad=True)
    line.append_text(note)


def _axis_label(
    row: int,
    rows: int,
    level: Level | None,
    say: Callable[[float], str],
    *,
    low: float,
    high: float,
) -> str:
    text = ""
    if level is not None:
        text = say(level.value)
    elif row == 0:
        text = say(high)
    elif row == rows - 1:
        text = say(low)
    return f"{text[: AXIS_WIDTH - 1]:>{AXIS_WIDTH - 1}}"


def _append_cells(
    line: Text,
    cells: str,
    styles: Sequence[str],
    shade: Sequence[bool],
    *,
    level: Level | None,
    glyphs: Glyphs,
) -> None:
    across = getattr(glyphs, level.kind) if level is not None else "  "
    level_style = LEVEL_STYLES[level.kind] if level is not None else ""
    run, run_style = "", ""
    for column, (cell, style) in enumerate(zip(cells, styles, strict=True)):
        sign, own = (cell, style) if cell != " " else (across[column % 2], level_style)
        wanted = f"{own} {SHADE}".strip() if shade[column] else own
        if wanted != run_style:
            line.append(run, style=run_style)
            run, run_style = "", wanted
        run += sign
    line.append(run, style=run_style)


def _shaded_cells(chart: Chart, columns: int) -> list[bool]:
    span_ms = max(1, chart.end_ms - chart.start_ms)
    middles = [chart.start_ms + (column + 0.5) / columns * span_ms for column in range(columns)]
    return [any(start <= at <= end for start, end in chart.shaded) for at in middles]


def _time_axis(
    chart: Chart, columns: int, notes_width: int, shade: Sequence[bool], glyphs: Glyphs
) -> Text:
    """The line below: where the shaded time is, in words too, and what the ends of the axis are."""
    signs = [glyphs.heavy if is_shaded else glyphs.flat for is_shaded in shade]
    if any(shade):
        first, count = shade.index(True), sum(shade)
        text = f" {chart.shaded_text} "
        if count >= len(text) + 2 and all(shade[first : first + count]):
            at = first + (count - len(text)) // 2
            signs[at : at + len(text)] = text
    for text, at in ((chart.first, 0), (chart.last, columns - len(chart.last))):
        if text and len(chart.first) + len(chart.last) + 4 <= columns:
            signs[at : at + len(text)] = text
    line = Text(" " * (AXIS_WIDTH - 1) + glyphs.corner, style="dim", no_wrap=True)
    line.append("".join(signs), style="dim")
    line.append(" " * notes_width)
    return line
