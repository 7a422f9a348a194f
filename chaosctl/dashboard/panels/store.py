"""The store about itself: series, memory, what comes in and what is refused. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from rich.text import Text

from chaosctl.dashboard.snapshots import StoreFacts
from chaosctl.report.glyphs import Glyphs, fitted, rule
from chaosctl.report.symbols import duration

BAR_WIDTH = 24


def store(
    facts: StoreFacts | None,
    *,
    silent_s: float,
    where: str,
    trouble: str,
    width: int,
    height: int,
    glyphs: Glyphs,
) -> list[Text]:
    """Everything on one screen; since when there is no answer, if there is none."""
    if facts is None:
        said = Text(f"no data {duration(round(silent_s) * 1000)} ?", style="yellow")
        lines = [rule("store", said, width, glyphs), Text(f"  {where}")]
        lines += [Text(f"  {trouble}", style="yellow")] if trouble else []
        return _filled(lines, width, height)
    refused = sum(facts.refused.values())
    rate = "measuring" if math.isnan(facts.per_second) else f"{facts.per_second:,.0f}/s"
    lines = [
        rule("store", Text(where, style="dim"), width, glyphs),
        Text(f"  series       {facts.series:>14,.0f}"),
        Text(f"  memory       {size_text(facts.used_bytes):>14}"),
        Text(f"  datapoints   {facts.datapoints:>14,.0f}   {rate}"),
        Text(f"  refused      {refused:>14,.0f}", style="bold red" if refused else ""),
        Text(),
        rule("refused, by reason", Text(), width, glyphs),
        *_bars(facts.refused, glyphs, lambda value: f"{value:,.0f}"),
        Text(),
        rule("memory of blocks, by kind", Text(), width, glyphs),
        *_bars(facts.block_bytes, glyphs, size_text),
    ]
    return _filled(lines, width, height)


def size_text(count: float) -> str:
    """Bytes as people read them.

    >>> size_text(512), size_text(3_400_000)
    ('512 B', '3.2 MiB')
    """
    units = ["B", "KiB", "MiB", "GiB"]
    power = min(len(units) - 1, int(math.log(count, 1024))) if count >= 1 else 0
    return f"{count / 1024**power:.1f} {units[power]}" if power else f"{count:.0f} B"


def _bars(values: Mapping[str, float], glyphs: Glyphs, say: Callable[[float], str]) -> list[Text]:
    most = max(values.values(), default=0.0)
    lines = []
    for name, value in sorted(values.items(), key=lambda pair: -pair[1]):
        filled = round(BAR_WIDTH * value / most) if most else 0
        line = Text(f"  {name:<12} ", no_wrap=True)
        line.append(glyphs.full * filled, style="cyan")
        line.append(glyphs.empty * (BAR_WIDTH - filled), style="dim")
        line.append(f" {say(value)}")
        lines.append(line)
    return lines


def _filled(lines: list[Text], width: int, height: int) -> list[Text]:
    shown = [fitted(line, width) for line in lines[:height]]
    return shown + [Text(" " * width) for _ in range(height - len(shown))]
