"""The query screen: the chart of an answer, its legend, what can follow and what words do. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from rich.text import Text

from chaosctl.dashboard.snapshots import Answer, AnswerLine
from chaosctl.report.chart import Chart, Curve, render_chart
from chaosctl.report.glyphs import Glyphs, fitted, rule
from chaosctl.report.symbols import duration, number

STYLES = ("cyan", "green", "yellow", "magenta", "blue", "red", "bright_blue", "bright_magenta")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
LINES_MAX = len(LETTERS)
COLUMNS = ("max", "min", "avg", "last")
SORTS = ("label", *COLUMNS)


@dataclass(frozen=True, slots=True)
class Statistics:
    """A line in numbers; NaN for each without data."""

    max: float
    min: float
    avg: float
    last: float


def statistics(line: AnswerLine) -> Statistics:
    """Greatest, least, mean and newest value of a line."""
    known = line.values[np.isfinite(line.values)]
    if not known.size:
        return Statistics(*[float("nan")] * 4)
    return Statistics(float(known.max()), float(known.min()), float(known.mean()), float(known[-1]))


def sorted_lines(answer: Answer, sort: str, wanted: str = "") -> list[AnswerLine]:
    """The lines whose label has `wanted` in it: by label, or the greatest of a column first."""
    lines = [line for line in answer.lines if wanted in line.label]
    if sort == "label":
        return sorted(lines, key=lambda line: line.label)
    key: Callable[[AnswerLine], float] = lambda line: _rank(statistics(line), sort)  # noqa: E731
    return sorted(lines, key=key, reverse=True)


def chart(
    answer: Answer | None,
    lines: Sequence[AnswerLine],
    *,
    silent_s: float,
    width: int,
    height: int,
    glyphs: Glyphs,
    title: str,
) -> list[Text]:
    """The lines over time, or since when there is none."""
    said = Text(title, style="dim")
    if answer is None:
        said = Text(f"no data {duration(round(silent_s) * 1000)} ?", style="yellow")
    head = rule("chart", said, width, glyphs)
    if answer is None or not answer.lines:
        told = "no data in this time" if answer and answer.expression else "write an expression"
        lines_out = [head, Text(f"  {told}", style="dim")]
        return _filled(lines_out, width, height)
    drawn = Chart(
        [
            Curve(line.values, STYLES[i % len(STYLES)], LETTERS[i] if len(lines) > 1 else "")
            for i, line in enumerate(lines[:LINES_MAX])
        ],
        answer.start_ms,
        answer.end_ms,
        first=_clock(answer.start_ms),
        last=_clock(answer.end_ms),
    )
    return _filled([head, *render_chart(drawn, width, height - 1, glyphs)], width, height)


def legend(
    lines: Sequence[AnswerLine], *, sort: str, width: int, height: int, glyphs: Glyphs
) -> list[Text]:
    """A row a line: its letter in the chart, its label, and its numbers."""
    label_width = max(10, width - 4 * 10 - 5)
    head = Text(f"    {'label':<{label_width}}", style="bold", no_wrap=True)
    for name in COLUMNS:
        head.append(f"{name + ('*' if name == sort else ''):>10}")
    rows = [rule("legend", Text(f"{len(lines)} lines", style="dim"), width, glyphs), head]
    for index, line in enumerate(lines[: max(0, height - 2)]):
        letter = LETTERS[index] if index < LINES_MAX else " "
        row = Text(f"  {letter} ", style=STYLES[index % len(STYLES)], no_wrap=True)
        found = statistics(line)
        row.append(f"{line.label[:label_width]:<{label_width}}", style="default")
        for name in COLUMNS:
            row.append(f"{number(getattr(found, name)):>10}", style="default")
        rows.append(row)
    return _filled(rows, width, height)


def help_lines(text: Text, offered: Sequence[str], width: int, glyphs: Glyphs) -> list[Text]:
    """Two lines under the expression: what can come next, and what the word at hand does."""
    words = Text("  ", no_wrap=True)
    for index, word in enumerate(offered):
        words.append(word, style="bold cyan" if index == 0 else "cyan")
        words.append("  ")
    if not offered:
        words.append("nothing to complete here", style="dim")
    lines = [words, text.copy()]
    for line in lines:
        line.truncate(width, overflow="ellipsis" if glyphs.braille else "crop")
    return [fitted(line, width) for line in lines]


def _rank(found: Statistics, column: str) -> float:
    value: float = getattr(found, column)
    return value if value == value else float("-inf")  # noqa: PLR0124 - NaN is unlike itself


def _clock(epoch_ms: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(epoch_ms / 1000))


def _filled(lines: Sequence[Text], width: int, height: int) -> list[Text]:
    shown = [fitted(line, width) for line in lines[:height]]
    return shown + [Text(" " * width) for _ in range(height - len(shown))]
