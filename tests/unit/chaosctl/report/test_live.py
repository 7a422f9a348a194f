"""The live view of recorded runs: what a person sees at an instant."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from chaosctl.engine.journal import read_journal
from chaosctl.report.live import LiveView, Shown, draw
from chaosctl.report.snapshot import snapshot_of
from tests.screens import FAILED, PASSED, RUNS, compare

INSTANTS = {"start": 100, "baseline": 0.25, "fault": 0.6, "verdict": 1.0}


def picture(events, until_ms, *, width=80, height=24, unicode=True, late_ms=0, **more):
    snapshot = snapshot_of(events, until_ms)
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, no_color=True)
    now_ms = snapshot.t_ms + late_ms
    console.print(
        draw(snapshot, now_ms=now_ms, width=width, height=height, unicode=unicode, **more)
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


@pytest.mark.parametrize("shown", [Shown.DETAILS, Shown.KEYS])
@pytest.mark.parametrize("width", [80, 160])
def test_keys_show_more(shown, width, request):
    events = read_journal(RUNS / FAILED)
    height = 23 if width == 80 else 45
    text = picture(
        events, instant(events, "fault"), width=width, height=height, shown=shown, has_keys=True
    )
    compare(f"live-{shown.value}-{width}", text, accept=request.config.getoption("--accept"))


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
@pytest.mark.parametrize("shown", Shown)
def test_picture_never_leaves_the_screen(width, height, until_ms, shown):
    events = read_journal(RUNS / FAILED)
    lines = picture(events, until_ms, width=width, height=height, shown=shown).splitlines()
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


def test_keys_change_what_is_shown_and_back():
    view = LiveView(io.StringIO())
    drawn = []
    view._live.refresh = lambda: drawn.append(view._shown)
    for key in "vv??v?xs\x04":
        view.press(key)
    assert [shown.value for shown in drawn] == [
        "details", "charts", "keys", "charts", "details", "keys",
    ]  # fmt: skip


def test_keys_are_offered_only_where_they_are_heard():
    events = read_journal(RUNS / FAILED)
    assert "s stop fault now" in picture(events, 20_000, has_keys=True)
    assert "s stop fault now" not in picture(events, 20_000, has_keys=False)


def test_nothing_is_drawn_while_somebody_is_asked():
    view = LiveView(io.StringIO())
    with view:
        with view.paused():
            assert not view._live.is_started
        assert view._live.is_started
    assert not view._live.is_started
