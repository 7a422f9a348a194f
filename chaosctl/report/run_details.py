"""What the charts of a run leave no room for: checks in numbers, every target; and the keys."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.text import Text

from chaosctl.report.glyphs import Glyphs, fitted, rule
from chaosctl.report.run_panels import (
    LIST_LINES_MIN,
    WIDE,
    beside,
    events,
    say_of,
    targets,
    value_text,
)
from chaosctl.report.snapshot import CheckView, Snapshot

RIGHT_SHARE = 0.5


def details(
    snapshot: Snapshot, now_ms: float, width: int, height: int, glyphs: Glyphs
) -> list[Text]:
    """Checks, targets and events in lines of exactly `width` cells, `height` of them."""
    if width + 2 >= WIDE:
        side = round(width * RIGHT_SHARE)
        main = width - side - 1
        left = _checks(snapshot, now_ms, main, height - LIST_LINES_MIN - 1, glyphs)
        left += events(snapshot, main, height - len(left), glyphs)
        right = targets(snapshot, side, height, glyphs)
        return beside(left, right, (main, side), height, glyphs)
    events_height = LIST_LINES_MIN if height > 3 * LIST_LINES_MIN else 0
    targets_height = min(len(snapshot.targets) + 1, max(2, (height - events_height) // 2))
    body = _checks(snapshot, now_ms, width, height - events_height - targets_height, glyphs)
    body += targets(snapshot, width, targets_height, glyphs)
    return body + events(snapshot, width, height - len(body), glyphs)


def keys_help(
    keys: Mapping[str, str],
    _snapshot: Snapshot,
    _now_ms: float,
    width: int,
    height: int,
    glyphs: Glyphs,
) -> list[Text]:
    """What can be pressed, and what it does."""
    lines = [rule("keys", Text(), width, glyphs)]
    for key, does in keys.items():
        line = Text(no_wrap=True)
        line.append(f" {key:<7} ", style="bold")
        line.append(does)
        lines.append(line)
    return _cut(lines, width, height, is_filled=True)


def _checks(
    snapshot: Snapshot, now_ms: float, width: int, height: int, glyphs: Glyphs
) -> list[Text]:
    """Two lines for each check and stop condition: what it says now, and what that rests on."""
    lines = []
    for name, check in [*snapshot.checks.items(), *snapshot.stops.items()]:
        title = f"stop: {name}" if check.is_stop else name
        lines.append(rule(title, value_text(check, now_ms, glyphs), width, glyphs))
        lines.append(_numbers(check, snapshot))
    return _cut(lines, width, height)


def _numbers(check: CheckView, snapshot: Snapshot) -> Text:
    known = [(end_ms, step) for end_ms, step, _ in check.steps if not math.isnan(step)]
    said = [f"newest {say_of(check, known[-1][1])}"] if known else ["no data yet"]
    if not math.isnan(check.usual):
        said.append(f"baseline {say_of(check, check.usual)}")
    if snapshot.injected_ms:
        inside = [step for end_ms, step in known if end_ms > snapshot.injected_ms]
        if inside:
            low, high = say_of(check, min(inside)), say_of(check, max(inside))
            said.append(f"since the fault {low} to {high}")
    if gaps := sum(math.isnan(step) for _, step, _ in check.steps):
        said.append(f"{gaps} of {len(check.steps)} steps without data")
    return Text(f"   {'   '.join(said)}", style="dim", no_wrap=True)


def _cut(lines: Sequence[Text], width: int, height: int, *, is_filled: bool = False) -> list[Text]:
    """At most so many lines; the last one says if there were more."""
    height = max(0, height)
    shown = [fitted(line, width) for line in lines[:height]]
    if len(lines) > height >= 1:
        shown[-1] = fitted(Text(f" and {len(lines) - height + 1} lines more", style="dim"), width)
    if is_filled:
        shown += [fitted(Text(), width)] * (height - len(shown))
    return shown
