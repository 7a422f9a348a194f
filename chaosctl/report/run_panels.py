"""A run as a picture: phases, a chart for each check, targets and events. Pure.

What stands between the phases and the keys can be something else, see `run_details`. The live view
and the dashboard draw the same. Every function gives lines of exactly `width` cells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from rich.text import Text

from chaosctl.report.chart import Chart, Curve, Level, render_chart
from chaosctl.report.glyphs import Glyphs, fitted, plain_signs, rule
from chaosctl.report.snapshot import CheckView, Snapshot
from chaosctl.report.symbols import duration, number

WIDE = 110
"""From this width on targets and events stand beside the charts."""

SIDE_SHARE = 0.42
CHART_LINES_MIN, CHART_LINES_MAX = 4, 16
LIST_LINES_MIN = 3
OUTCOME_STYLES = {"pass": "green", "fail": "bold red", "unknown": "yellow"}
VERDICT_STYLES = {"passed": "green", "failed": "bold red", "inconclusive": "yellow"}
VERDICT_STYLES |= {"aborted": "magenta", "not-started": "blue", "invalid": "blue"}
STEP_MS = 1000
WINDOW_STEPS_MIN = 20


Body = Callable[[Snapshot, float, int, int, Glyphs], list[Text]]
"""Draws a snapshot at an instant in so many columns and lines."""


def draw_run(
    snapshot: Snapshot,
    *,
    now_ms: float,
    width: int,
    height: int,
    glyphs: Glyphs,
    keys: str,
    body: Body | None = None,
) -> list[Text]:
    """A whole run. now_ms: since its start; keys: what the last line says can be pressed."""
    inner = width - 2
    middle = (body or overview)(snapshot, now_ms, inner, max(2, height - 5), glyphs)
    top, bottom = glyphs.top, glyphs.bottom
    head = f"{snapshot.name or 'run'} {glyphs.dot} run {snapshot.run_id or '-'}"
    lines = [rule(head, state_text(snapshot, now_ms, glyphs), width, glyphs, ends=top)]
    framed = [phases(snapshot, now_ms, inner, glyphs), *middle]
    framed += [Text(glyphs.flat * inner), fitted(Text(f" {keys}", style="dim"), inner)]
    lines += [_framed(line, inner, glyphs) for line in framed]
    lines.append(Text(bottom[0] + glyphs.flat * inner + bottom[1]))
    return [plain_signs(line, glyphs) for line in lines]


def overview(
    snapshot: Snapshot, now_ms: float, inner: int, body_height: int, glyphs: Glyphs
) -> list[Text]:
    """Charts, targets and events."""
    if inner + 2 >= WIDE:
        side = round(inner * SIDE_SHARE)
        left = charts(snapshot, now_ms, inner - side - 1, body_height, glyphs)
        targets_height = min(len(snapshot.targets) + 1, body_height // 2)
        right = targets(snapshot, side, targets_height, glyphs)
        right += events(snapshot, side, body_height - len(right), glyphs)
        return beside(left, right, (inner - side - 1, side), body_height, glyphs)
    events_height = max(LIST_LINES_MIN, min(8, body_height // 4))
    targets_height = 2 if body_height > 12 else 0
    left = charts(snapshot, now_ms, inner, body_height - events_height - targets_height, glyphs)
    left += targets_in_brief(snapshot, inner, targets_height, glyphs)
    return left + events(snapshot, inner, body_height - len(left), glyphs)


def state_text(snapshot: Snapshot, now_ms: float, glyphs: Glyphs) -> Text:
    """Time, whether it is steady, the fault and the undo, for the line at the top."""
    text = Text(f"T+{clock(now_ms)}  ", no_wrap=True)
    if snapshot.verdict:
        sign = {"passed": glyphs.ok, "failed": glyphs.fail}.get(snapshot.verdict, "!")
        text.append(f"{sign} {snapshot.verdict}", style=VERDICT_STYLES.get(snapshot.verdict, ""))
    else:
        outcomes = [check.outcome for check in snapshot.checks.values()]
        worst = next((o for o in ("fail", "unknown", "pass") if o in outcomes), "unknown")
        word = {"pass": "steady", "fail": "not steady", "unknown": "not known"}[worst]
        text.append(f"{word} {glyphs.marks[worst]}", style=OUTCOME_STYLES[worst])
    if snapshot.injected_ms and not snapshot.removed_ms:
        seen, count = snapshot.seen, len(snapshot.targets)
        text.append(f"  {glyphs.fault} in, seen {seen}/{count}", style="magenta")
    done = (
        "ready"
        if not snapshot.undone
        else f"{snapshot.undone}/{max(snapshot.undone, snapshot.undo_steps)}"
    )
    text.append(f"  undo {snapshot.undo or done}")
    return text


def phases(snapshot: Snapshot, now_ms: float, width: int, glyphs: Glyphs) -> Text:
    """The phases in order, the present one with how far it is, and how long each is at most."""
    order = ["warm-up", "baseline", "fault", "recovery", "verdict"]
    now = {"inject": "fault", "confirm": "fault", "remove": "fault"}.get(
        snapshot.phase, snapshot.phase
    )
    lengths = {
        "baseline": snapshot.baseline_ms,
        "fault": snapshot.fault_ms,
        "recovery": snapshot.recovery_ms,
    }
    line = Text(no_wrap=True)
    for index, name in enumerate(order):
        length_ms = lengths.get(name, 0)
        line.append(f"{glyphs.left} " if index else " ", style="dim")
        if name == now:
            words = name if snapshot.phase == name else f"{name}: {snapshot.phase}"
            since_ms = max(0.0, now_ms - snapshot.phase_since_ms)
            line.append(f"{words} ", style="bold reverse")
            if length_ms and snapshot.phase == name:
                cells = max(4, width // 8)
                filled = min(cells, round(cells * since_ms / length_ms))
                line.append(" " + glyphs.full * filled, style="cyan")
                line.append(glyphs.empty * (cells - filled), style="dim")
                line.append(f" {duration(round(since_ms, -3))} of {duration(length_ms)} ")
            elif name != "verdict":
                line.append(f" {duration(round(since_ms, -3))} ")
        elif name in snapshot.phases:
            line.append(f"{name} {glyphs.ok} ", style="green")
        else:
            limit = f"{glyphs.at_most if name == 'recovery' else ''}{duration(length_ms)} "
            line.append(f"{name} {limit if length_ms else ''}", style="dim")
    return fitted(line, width)


def charts(
    snapshot: Snapshot, now_ms: float, width: int, height: int, glyphs: Glyphs
) -> list[Text]:
    """A chart for each check and stop condition while there is room; a line for each other."""
    shared = {check.query for check in snapshot.checks.values() if check.query}
    wanted = [*snapshot.checks.items()]
    wanted += [(n, s) for n, s in snapshot.stops.items() if s.query not in shared]
    if not wanted:
        text = "waiting for the first step with data"
        return [fitted(Text(f" {text}", style="dim"), width), *_blank(width, height - 1)]
    count = next(
        (n for n in range(len(wanted), 0, -1) if height >= n * CHART_LINES_MIN + len(wanted) - n), 0
    )
    if count < len(wanted):  # those that are broken first: they are what one looks for
        wanted.sort(key=lambda pair: pair[1].outcome != "fail")
    room = height - (len(wanted) - count)
    lines: list[Text] = []
    for index, (name, check) in enumerate(wanted):
        said = value_text(check, now_ms, glyphs)
        title = f"stop: {name}" if check.is_stop else name
        lines.append(rule(title, said, width, glyphs))
        if index < count:
            rows = min(CHART_LINES_MAX, room // count + (index < room % count)) - 1
            chart = chart_of(check, snapshot, _stops_on(check, snapshot))
            lines += render_chart(chart, width, max(2, rows), glyphs)
    return [fitted(line, width) for line in lines[:height]] + _blank(width, height - len(lines))


def value_text(check: CheckView, now_ms: float, glyphs: Glyphs) -> Text:
    """What a check says now: its value, mark and limit; how long it has been silent, if it is."""
    text = Text(no_wrap=True)
    silent_ms = check.silent_ms(now_ms)
    if silent_ms:
        text.append(f"no data {duration(round(silent_ms, -3))} ?", style="yellow")
    elif math.isnan(check.value):  # there is data, but its first window is not full
        text.append("not judged yet ?", style="yellow")
    else:
        style = OUTCOME_STYLES[check.outcome] if not check.is_stop else ""
        sign = "" if check.is_stop else f" {glyphs.marks[check.outcome]}"
        if check.is_stop and check.outcome == "fail":
            sign, style = f" {glyphs.fail} stopped", "bold red"
        text.append(f"{say_of(check, check.value)}{sign}", style=style)
    text.append(f"  {check.limit}", style="dim")
    return text


def chart_of(check: CheckView, snapshot: Snapshot, stops: Sequence[CheckView] = ()) -> Chart:
    """The chart of a check: its steps, the judged value over them, its limits and the fault."""
    ends = [end_ms for end_ms, _, _ in check.steps]
    end_ms = max(ends, default=0)
    count = max(WINDOW_STEPS_MIN, (end_ms - min(ends, default=0)) // STEP_MS + 1)
    start_ms = end_ms - count * STEP_MS
    steps, judged = np.full(count, np.nan), np.full(count, np.nan)
    for at_ms, value, mean in check.steps:
        index = (at_ms - start_ms) // STEP_MS - 1
        steps[index], judged[index] = value, mean
    curves = [Curve(steps, "cyan")]
    if check.over_ms:
        curves = [Curve(steps, "bright_blue"), Curve(judged, "cyan")]
    levels = [Level(check.usual, "usual", "baseline")] if not math.isnan(check.usual) else []
    kind, word = ("stop", "stop") if check.is_stop else ("limit", "limit")
    known = [limit for limit in check.limits if not math.isnan(limit)]
    levels = [Level(limit, kind, word) for limit in known] + levels
    levels += [Level(limit, "stop", "stop") for stop in stops for limit in stop.limits]
    span = snapshot.fault_span
    return Chart(
        curves,
        start_ms,
        end_ms,
        levels=levels,
        shaded=[span] if span else [],
        first=f"{max(0, start_ms) / 1000:+.0f} s" if start_ms > 0 else "",
        last=f"{end_ms / 1000:+.0f} s" if ends else "",
        say=partial(say_of, check),
    )


def say_of(check: CheckView, value: float) -> str:
    """A value of a check as people read it: shares as percent."""
    if check.is_share and not math.isnan(value):
        return f"{value * 100:.3g} %"
    return number(value)


def targets(snapshot: Snapshot, width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """Whom the run acts on, a line each, and what is seen of the fault there."""
    count = len(snapshot.targets)
    head = Text(f"{count} of {snapshot.population}") if count else Text()
    lines = [rule("targets", head, width, glyphs)]
    for name, target in snapshot.targets.items():
        style, words = _target_words(target.state, target.after_ms, glyphs)
        line = Text(f" {name:<12} {target.service:<10} {target.zone:<11} ", no_wrap=True)
        line.append(words, style=style)
        lines.append(line)
    return _listed(lines, width, height, count)


def targets_in_brief(snapshot: Snapshot, width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """Whom the run acts on, in two lines: how many in which state, and which services."""
    if height < 2:
        return []
    states: dict[str, int] = {}
    services: dict[str, int] = {}
    for target in snapshot.targets.values():
        states[target.state] = states.get(target.state, 0) + 1
        services[target.service] = services.get(target.service, 0) + 1
    said = Text(f"{len(snapshot.targets)} of {snapshot.population}")
    line = Text(" ", no_wrap=True)
    for state, count in states.items():
        style, words = _target_words(state, 0, glyphs)
        line.append(f"{words} {count}", style=style)
        line.append("  ")
    line.append("  ".join(f"{name} {count}" for name, count in services.items() if name))
    line.truncate(width, overflow="ellipsis" if glyphs.braille else "crop")
    return [rule("targets", said, width, glyphs), fitted(line, width)]


def events(snapshot: Snapshot, width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """The newest events, the last one at the bottom."""
    lines = [rule("events", Text(), width, glyphs)]
    for t_ms, kind, text in snapshot.events[-max(0, height - 1) :] if height > 1 else ():
        line = Text(no_wrap=True)
        line.append(f"{f'+{t_ms / 1000:.1f}':>7} ", style="dim")
        line.append(f"{kind:<9} ", style="bold")
        line.append(text.replace("\n", " "))
        line.truncate(width, overflow="ellipsis" if glyphs.braille else "crop")
        lines.append(line)
    return _listed(lines, width, height, 0)


def beside(
    left: Sequence[Text],
    right: Sequence[Text],
    widths: tuple[int, int],
    height: int,
    glyphs: Glyphs,
) -> list[Text]:
    """Two blocks next to each other, with a line between."""
    lines = []
    for row in range(height):
        line = fitted(left[row] if row < len(left) else Text(), widths[0])
        line.append(glyphs.left, style="dim")
        line.append_text(fitted(right[row] if row < len(right) else Text(), widths[1]))
        lines.append(line)
    return lines


def clock(ms: float) -> str:
    """Time since a start: 00:21."""
    seconds = max(0, int(ms // 1000))
    hours, rest = divmod(seconds, 3600)
    text = f"{rest // 60:02d}:{rest % 60:02d}"
    return f"{hours}:{text}" if hours else text


def _target_words(state: str, after_ms: int, glyphs: Glyphs) -> tuple[str, str]:
    after = f" {duration(after_ms)}" if after_ms else ""
    return {
        "planned": ("dim", "planned"),
        "hit": ("magenta", f"{glyphs.fault} hit"),
        "seen": ("magenta", f"{glyphs.fault} confirmed{after}"),
        "unseen": ("yellow", "? not seen"),
        "undone": ("green", f"{glyphs.undo} undone{after}"),
    }[state]


def _stops_on(check: CheckView, snapshot: Snapshot) -> list[CheckView]:
    """Stop conditions on the very query of a check, which belong into its chart."""
    if check.is_stop or not check.query:
        return []
    return [stop for stop in snapshot.stops.values() if stop.query == check.query]


def _listed(lines: list[Text], width: int, height: int, count: int) -> list[Text]:
    """A list cut to its height; its last line says how many are not shown."""
    if len(lines) > height >= 2 and count:
        hidden = len(lines) - height + 1
        lines = [*lines[: height - 1], Text(f" and {hidden} more", style="dim")]
    lines = [fitted(line, width) for line in lines[:height]]
    return lines + _blank(width, height - len(lines))


def _blank(width: int, count: int) -> list[Text]:
    return [Text(" " * width) for _ in range(count)]


def _framed(line: Text, width: int, glyphs: Glyphs) -> Text:
    framed = Text(glyphs.left, no_wrap=True, style="")
    framed.append_text(fitted(line, width))
    framed.append(glyphs.left)
    return framed
