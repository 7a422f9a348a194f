"""The live view of a run on a terminal: drawn on the error stream, at least once a second."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from chaosctl.judge.verdict import Outcome
from chaosctl.report.snapshot import CheckView, Snapshot
from chaosctl.report.symbols import OUTCOME_MARKS, duration, mark, number

BARS = " ▁▂▃▄▅▆▇█"
ASCII_BARS = " .:-=+*#%@"
EVENTS_SHOWN = 6
LABEL_WIDTH = 24
OUTCOME_STYLES = {Outcome.PASS: "green", Outcome.FAIL: "red", Outcome.UNKNOWN: "yellow"}


class LiveView:
    """Shows a run as it goes. Leaves nothing on the screen; the result is printed after it."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = Console(file=stream, highlight=False)
        self._clock = clock
        self._heard_s = clock()
        self._snapshot = Snapshot()
        self._live = Live(
            console=self._console,
            get_renderable=self._draw,
            refresh_per_second=1,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the terminal is closed: nobody looks
            self._live.stop()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Take an event in and show it."""
        self._snapshot.take(event)
        self._heard_s = self._clock()
        self._live.refresh()

    def _draw(self) -> RenderableType:
        since_ms = (self._clock() - self._heard_s) * 1000
        unicode = not self._console.options.ascii_only
        width = self._console.width
        return draw(self._snapshot, since_ms=since_ms, width=width, unicode=unicode)


def draw(
    snapshot: Snapshot, *, since_ms: float = 0, width: int = 80, unicode: bool = True
) -> RenderableType:
    """A snapshot as panels; since_ms: how long ago its last event was. Pure."""
    now_ms = snapshot.t_ms + since_ms
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=LABEL_WIDTH, no_wrap=True, overflow="ellipsis")
    table.add_column(ratio=1, no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    for name, check in snapshot.checks.items():
        table.add_row(*_check_row(name, check, snapshot, width - LABEL_WIDTH - 34, unicode=unicode))
    tail = [_event_line(event) for event in snapshot.events[-EVENTS_SHOWN:]]
    body: list[RenderableType] = [_phases(snapshot, now_ms), Text()]
    if snapshot.checks:
        body += [table, Text()]
    body += [*tail, Text("Ctrl-C aborts and undoes", style="dim")]
    title = f"{snapshot.name} · run {snapshot.run_id} · T+{now_ms / 1000:.0f} s"
    return Panel(Group(*body), title=title, title_align="left", subtitle=_fault(snapshot))


def _phases(snapshot: Snapshot, now_ms: float) -> Text:
    lengths = {
        "baseline": snapshot.baseline_ms,
        "fault": snapshot.fault_ms,
        "recovery": snapshot.recovery_ms,
    }
    text = Text(no_wrap=True, overflow="ellipsis")
    for name in ("warm-up", "baseline", "inject", "confirm", "fault", "recovery", "verdict"):
        is_now = name == snapshot.phase
        label = name
        if is_now:
            label += f" {duration(max(0, now_ms - snapshot.phase_since_ms))}"
        if lengths.get(name):
            label += f" of {duration(lengths[name])}" if is_now else f" {duration(lengths[name])}"
        text.append(f" {label} ", style="reverse bold" if is_now else "dim")
    return text


def _check_row(
    name: str, check: CheckView, snapshot: Snapshot, width: int, *, unicode: bool
) -> tuple[RenderableType, RenderableType, RenderableType]:
    outcome = Outcome(check.outcome)
    style = OUTCOME_STYLES[outcome]
    sign = mark(OUTCOME_MARKS[outcome], unicode=unicode)
    said = Text(f"{number(check.value)} {sign}", style=style)
    said.append(f"  {check.limit}", style="dim")
    return Text(name), _spark(check.steps, snapshot, max(10, width), unicode=unicode), said


def _spark(
    steps: Sequence[tuple[int, float]], snapshot: Snapshot, width: int, *, unicode: bool
) -> Text:
    """The newest steps as bars, gaps as gaps, the time of the fault on a ground of its own."""
    bars = BARS if unicode else ASCII_BARS
    shown = steps[-width:]
    known = [value for _, value in shown if not math.isnan(value)]
    top = max(known, default=0.0)
    text = Text(no_wrap=True)
    for t_ms, value in shown:
        in_fault = bool(snapshot.injected_ms) and t_ms >= snapshot.injected_ms
        in_fault &= not snapshot.removed_ms or t_ms <= snapshot.removed_ms
        if math.isnan(value):
            bar = "×" if unicode else "x"
        else:
            bar = bars[1 + round((len(bars) - 2) * value / top)] if top > 0 else bars[1]
        text.append(bar, style="on grey30" if in_fault else "")
    return text


def _fault(snapshot: Snapshot) -> str:
    if not snapshot.injected_ms:
        return f"{snapshot.targets} of {snapshot.population} instances · undo ready when needed"
    undone = f"undo {snapshot.undone}/{snapshot.undo_steps}"
    return f"seen on {snapshot.seen}/{snapshot.targets} instances · {undone}"


def _event_line(event: tuple[int, str, str]) -> Text:
    t_ms, kind, text = event
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{f'+{t_ms / 1000:.1f}':>6} ", style="dim")
    line.append(f"{kind:<9} ", style="bold")
    line.append(text)
    return line
