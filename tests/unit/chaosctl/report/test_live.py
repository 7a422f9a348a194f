"""The live view of recorded runs: what a person sees at an instant."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from chaosctl.engine.journal import read_journal
from chaosctl.report.live import LiveView, draw
from chaosctl.report.snapshot import snapshot_of
from tests.screens import FAILED, PASSED, RUNS, compare

INSTANTS = {"start": 100, "baseline": 0.25, "fault": 0.6, "verdict": 1.0}


def picture(events, until_ms, *, width=80, height=24, unicode=True, late_ms=0):
    snapshot = snapshot_of(events, until_ms)
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, no_color=True)
    console.print(
        draw(snapshot, now_ms=snapshot.t_ms + late_ms, width=width, height=height, unicode=unicode)
    )
    return out.getvalue()


def instant(events, when):
    last_ms = events[-1]["t_ms"]
    return INSTANTS[when] if INSTANTS[when] > 1 else INSTANTS[when] * last_ms


@pytest.mark.parametrize("when", INSTANTS)
@pytest.mark.parametrize("width", [80, 160])
def test_live_view_shows_a_run(when, width, request):
    events = read_journal(RUNS / FAILED)
    text = picture(events, instant(events, when), width=width, height=23 if width == 80 else 45)
    compare(f"live-{when}-{width}", text, accept=request.config.getoption("--accept"))


def test_live_view_in_ascii(request):
    events = read_journal(RUNS / PASSED)
    text = picture(events, instant(events, "fault"), height=23, unicode=False)
    assert text.isascii()
    compare("live-ascii", text, accept=request.config.getoption("--accept"))


def test_silence_is_said_and_the_last_value_is_not():
    events = read_journal(RUNS / PASSED)
    until_ms = instant(events, "fault")
    assert "no data" not in picture(events, until_ms)
    silent = picture(events, until_ms, late_ms=9000)
    assert silent.count("no data 9 s") + silent.count("no data 10 s") == 3
    assert " 100 % ✔" not in silent


@pytest.mark.parametrize(("width", "height"), [(20, 8), (40, 12), (80, 24), (300, 100)])
@pytest.mark.parametrize("until_ms", [0, 10_000, 1e9])
def test_picture_never_leaves_the_screen(width, height, until_ms):
    events = read_journal(RUNS / FAILED)
    lines = picture(events, until_ms, width=width, height=height).splitlines()
    assert len(lines) == height
    assert max(map(len, lines)) == width


def test_live_view_redraws_once_for_a_burst_of_events():
    out, now = io.StringIO(), [0.0]
    view = LiveView(out, clock=lambda: now[0])
    drawn = []
    view._live.refresh = lambda: drawn.append(view._draw())
    for event in read_journal(RUNS / PASSED)[:60]:
        view(event)
    assert len(drawn) <= 1
    now[0] += 1
    view(read_journal(RUNS / PASSED)[60])
    assert len(drawn) <= 2
