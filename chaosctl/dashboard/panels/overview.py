"""The overview: heartbeat, who is up, what runs, how the last runs ended. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.text import Text

from chaosctl.dashboard.snapshots import Heart, InstanceCell, Platform, RunRow
from chaosctl.report.chart import Chart, Curve, render_chart
from chaosctl.report.glyphs import Glyphs, fitted, rule
from chaosctl.report.run_panels import OUTCOME_STYLES, VERDICT_STYLES, clock
from chaosctl.report.symbols import duration

SERVICE_WIDTH = 10
RATES = ("rps", "errors", "p99")
RATE_WIDTH = 8
"""The columns to the right of the instances, as many as there is room for."""

SILENT_MS = 3000
TREND_RUNS = 30
DIGITS = {
    "0": "┏━┓┃ ┃┗━┛", "1": " ╻  ┃  ╹ ", "2": "╺━┓┏━┛┗━╸", "3": "╺━┓ ━┫╺━┛", "4": "╻ ╻┗━┫  ╹",
    "5": "┏━╸┗━┓╺━┛", "6": "┏━╸┣━┓┗━┛", "7": "╺━┓  ┃  ╹", "8": "┏━┓┣━┫┗━┛", "9": "┏━┓┗━┫╺━┛",
    ".": "      •  ", "?": "╺━┓ ┏┛ • ", " ": "         ",
}  # fmt: skip


def header(platform: Platform | None, silent_s: float, width: int, glyphs: Glyphs) -> list[Text]:
    """One line: which platform, its regions, how many instances are up, and what is wrong."""
    said = Text(no_wrap=True)
    if platform is None:
        said.append(f"platform: no data {duration(round(silent_s) * 1000)} ?", style="yellow")
        return [rule("chaosctl", said, width, glyphs)]
    up = sum(one.state == "up" for one in platform.instances)
    said.append(f"{up} of {len(platform.instances)} up")
    if platform.problems:
        said.append(f"  {len(platform.problems)} cannot start", style="yellow")
    name = f" {glyphs.flat} ".join(["chaosctl", "demo", *platform.regions])
    return [rule(name, said, width, glyphs)]


def heartbeat(
    heart: Heart | None,
    *,
    silent_s: float,
    now_ms: int,
    width: int,
    height: int,
    glyphs: Glyphs,
    faults: Sequence[tuple[int, int]] = (),
) -> list[Text]:
    """Stream starts a second, in large digits and over time. faults: spans, epoch ms."""
    silent_ms = silent_s * 1000 if heart is None else heart.silent_ms(now_ms)
    is_silent = heart is None or silent_ms > SILENT_MS
    value = math.nan if heart is None or is_silent else _last(heart)
    said = Text(no_wrap=True)
    if is_silent:
        told = duration(round(silent_ms, -3)) if math.isfinite(silent_ms) else ""
        said.append(f"no data {told} ?".replace("  ", " "), style="yellow")
    elif heart is not None and not math.isnan(heart.error_ratio):
        style = "bold red" if heart.error_ratio > 0.01 else ""
        said.append(f"errors {heart.error_ratio * 100:.1f} %", style=style)
    lines = [rule("stream starts a second (SPS)", said, width, glyphs)]
    room = height - 1
    if heart is None or room < 2:
        return [fitted(line, width) for line in [*lines, *[Text()] * room]]
    text = "?" if is_silent else f"{value:.1f}" if value < 100 else f"{value:.0f}"
    digits = large(text, glyphs)
    digits_width = max(16, digits[0].cell_len + 2)
    span_ms = heart.end_ms - heart.start_ms
    chart = Chart(
        [Curve(heart.starts, "cyan")],
        heart.start_ms,
        heart.end_ms,
        shaded=faults,
        first=f"-{duration(span_ms)}",
        last="now",
    )
    drawn = render_chart(chart, width - digits_width, room, glyphs)
    pad = max(0, (room - len(digits)) // 2)
    column = [Text()] * pad + digits
    for row, line in enumerate(drawn[:room]):
        whole = fitted(column[row] if row < len(column) else Text(), digits_width)
        whole.append_text(line)
        lines.append(fitted(whole, width))
    return lines


def large(text: str, glyphs: Glyphs) -> list[Text]:
    """A number in digits of three rows; in ASCII as it is, with room around it."""
    if not glyphs.braille:
        return [Text(), Text(f"   {text}", style="bold"), Text()]
    rows = [
        "".join(DIGITS.get(sign, DIGITS[" "])[row * 3 : row * 3 + 3] for sign in text)
        for row in range(3)
    ]
    return [Text(f" {row}", style="bold cyan", no_wrap=True) for row in rows]


def grid_rows(platform: Platform, wanted: str = "") -> list[list[InstanceCell]]:
    """Instances by service, each row by zone and id; only services with `wanted` in their name."""
    services = sorted({one.service for one in platform.instances if wanted in one.service})
    return [
        sorted(
            (one for one in platform.instances if one.service == service),
            key=lambda one: (one.zone, one.id),
        )
        for service in services
    ]


def grid(
    platform: Platform | None,
    heart: Heart | None,
    broken: Mapping[str, str],
    *,
    cursor: tuple[int, int],
    focused: bool,
    wanted: str,
    width: int,
    height: int,
    glyphs: Glyphs,
) -> list[Text]:
    """Services by zones, a sign an instance. broken: run ids by instance; cursor: row, column."""
    title = "[instances]" if focused else "instances"
    said = Text(f"/{wanted}" if wanted else "", style="yellow")
    lines = [rule(title, said, width, glyphs)]
    if platform is None:
        lines.append(Text("  no data: the platform does not answer", style="yellow"))
        lines.append(Text("  chaosctl demo up starts it, `r` does too", style="dim"))
        return _filled(lines, width, height)
    rows = grid_rows(platform, wanted)
    chosen = chosen_instance(rows, cursor)
    zones = platform.zones
    cells = _cell_width(rows, zones, width)
    room = width - 1 - SERVICE_WIDTH - 2 - cells * len(zones)  # the last column stays free
    rate_count = max(0, min(len(RATES), room // RATE_WIDTH))
    lines.append(_zone_names(zones, cells, RATES[:rate_count]))
    for row in rows:
        line = _grid_row(row, zones, cells, broken, chosen=chosen, focused=focused, glyphs=glyphs)
        if row:
            for text, style in _rates(row[0].service, heart)[:rate_count]:
                line.append(f"{text:>{RATE_WIDTH}}", style=style)
        lines.append(line)
    lines = lines[: max(1, height - 2)]
    lines += [Text()] * (height - 2 - len(lines))
    lines.append(_about(chosen, broken, width - 1, glyphs))
    lines.append(_meaning(glyphs))
    # What stands to the right begins at once, so the last column stays free.
    return _filled([lines[0], *(fitted(line, width - 1) for line in lines[1:])], width, height)


def chosen_instance(
    rows: Sequence[Sequence[InstanceCell]], cursor: tuple[int, int]
) -> InstanceCell | None:
    """The instance under the cursor; None if there is none at all."""
    if not rows:
        return None
    row = rows[min(max(0, cursor[0]), len(rows) - 1)]
    return row[min(max(0, cursor[1]), len(row) - 1)] if row else None


def run_line(run: RunRow, now_ms: int, glyphs: Glyphs, width: int) -> Text:
    """One run in a list: mark, experiment, how it stands, since when."""
    line = Text(no_wrap=True)
    age = f"{age_text(now_ms - run.started_ms):>4}"
    if run.state == "active":
        line.append(f"{glyphs.fault} ", style="magenta")
        marks = " ".join(glyphs.marks[outcome] for outcome in run.outcomes[:4])
        tail = f" {run.phase} {marks}".rstrip()
        line.append(f"{run.experiment[: max(8, width - len(tail) - 10)]}{tail}")
        line.append(f" +{clock(now_ms - run.started_ms)}", style="dim")
        return line
    mark, style = _verdict_mark(run, glyphs)
    score = f"{run.score:>4.0f}" if run.score is not None else "   -"
    room = max(8, width - len(mark) - len(score) - len(age) - 6)
    line.append(f"{mark} ", style=style)
    line.append(f"{run.experiment[:room]:<{room}}")
    line.append(score)
    line.append(f" {age}", style="dim")
    return line


def score_trend(runs: Sequence[RunRow], width: int, glyphs: Glyphs) -> list[Text]:
    """The scores of the last runs, oldest first, as bars; how the newest one is."""
    scores = [run.score for run in reversed(runs) if run.score is not None][-TREND_RUNS:]
    said = Text(f"{scores[-1]:.0f} of 100" if scores else "no run yet")
    line = Text(" ", no_wrap=True)
    for score in scores:
        level = min(len(glyphs.bars) - 1, int(score / 100 * len(glyphs.bars)))
        style = OUTCOME_STYLES["pass" if score >= 80 else "unknown" if score >= 50 else "fail"]
        line.append(glyphs.bars[level], style=style)
    return [rule("score", said, width, glyphs), fitted(line, width)]


def age_text(ms: float) -> str:
    """How long ago, in two or three signs: 45s, 12m, 3h, 9d."""
    seconds = max(0, int(ms // 1000))
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _verdict_mark(run: RunRow, glyphs: Glyphs) -> tuple[str, str]:
    if run.state == "unfinished":
        return f"{glyphs.undo} left", "bold red"
    signs = {"passed": glyphs.ok, "failed": glyphs.fail, "inconclusive": glyphs.unknown}
    return signs.get(run.verdict, "!"), VERDICT_STYLES.get(run.verdict, "")


def _last(heart: Heart) -> float:
    known = [float(value) for value in heart.starts[-5:] if not math.isnan(value)]
    return known[-1] if known else math.nan


def _cell_width(rows: Sequence[Sequence[InstanceCell]], zones: Sequence[str], width: int) -> int:
    """Cells a zone needs for its most instances and its name, and what there is room for."""
    name = max((len(_short(zone)) for zone in zones), default=0)
    most = max((sum(one.zone == zone for one in row) for row in rows for zone in zones), default=1)
    room = (width - SERVICE_WIDTH - 2) // max(1, len(zones))
    return max(3, min(max(2 * most, name) + 1, room))


def _zone_names(zones: Sequence[str], cells: int, rates: Sequence[str]) -> Text:
    line = Text(" " * (SERVICE_WIDTH + 2), style="dim", no_wrap=True)
    for zone in zones:
        line.append(f"{_short(zone)[: cells - 1]:<{cells}}")
    for rate in rates:
        line.append(f"{rate:>{RATE_WIDTH}}")
    return line


def _short(zone: str) -> str:
    """us-east-1a as e1a: enough to tell zones of several regions apart in three cells."""
    parts = zone.split("-")
    return f"{parts[1][:1]}{parts[2]}" if len(parts) == 3 else zone


def _grid_row(
    row: Sequence[InstanceCell],
    zones: Sequence[str],
    cells: int,
    broken: Mapping[str, str],
    *,
    chosen: InstanceCell | None,
    focused: bool,
    glyphs: Glyphs,
) -> Text:
    has_chosen = chosen is not None and row and row[0].service == chosen.service
    line = Text(f"{glyphs.cursor if has_chosen else ' '} ", no_wrap=True)
    line.append(f"{row[0].service[:SERVICE_WIDTH]:<{SERVICE_WIDTH}}")
    for zone in zones:
        here = [one for one in row if one.zone == zone]
        shown = here[: max(1, (cells - 1) // 2)]
        text = Text(no_wrap=True)
        for one in shown:
            sign, style = _sign(one, broken, glyphs)
            is_chosen = chosen is not None and one.id == chosen.id
            text.append(sign, style=f"{style} reverse" if is_chosen and focused else style)
            text.append("<" if is_chosen else " ")
        if len(here) > len(shown):
            text.append("+")
        line.append_text(fitted(text, cells))
    return line


def _sign(one: InstanceCell, broken: Mapping[str, str], glyphs: Glyphs) -> tuple[str, str]:
    if one.id in broken:
        return glyphs.broken, "bold magenta"
    if one.state == "up":
        return glyphs.up, "green"
    return (glyphs.starting, "yellow") if one.state == "starting" else (glyphs.down, "bold red")


def _rates(service: str, heart: Heart | None) -> list[tuple[str, str]]:
    """Text and style of each of RATES; a dash where there is no data."""
    if heart is None:
        return [("-", "")] * len(RATES)
    rate = heart.rates.get(service)
    errors = heart.error_ratios.get(service)
    p99_s = heart.p99_s.get(service)
    return [
        ("-" if rate is None else f"{rate:.0f}/s", ""),
        ("-", "") if errors is None else (f"{errors * 100:.1f} %", "bold red" * (errors > 0.01)),
        ("-" if p99_s is None else duration(p99_s * 1000), ""),
    ]


def _about(
    chosen: InstanceCell | None, broken: Mapping[str, str], width: int, glyphs: Glyphs
) -> Text:
    if chosen is None:
        return Text("  no instance matches", style="dim")
    state = f"broken by {broken[chosen.id]}" if chosen.id in broken else chosen.state
    line = Text(f"{glyphs.cursor} {chosen.id} ", style="bold", no_wrap=True)
    whole, short = (
        f"{chosen.service} {zone} {state}  pid {chosen.pid}"
        for zone in (chosen.zone, _short(chosen.zone))
    )
    return line.append(whole if line.cell_len + len(whole) <= width else short, "not bold")


def _meaning(glyphs: Glyphs) -> Text:
    line = Text("  ", style="dim", no_wrap=True)
    line.append(f"{glyphs.up} up  {glyphs.starting} starting  ")
    line.append(f"{glyphs.broken} broken by us  {glyphs.down} down")
    return line


def _filled(lines: list[Text], width: int, height: int) -> list[Text]:
    lines = [fitted(line, width) for line in lines[:height]]
    return lines + [Text(" " * width) for _ in range(height - len(lines))]
