"""Every key, what it asks, and that exactly the shown command is run."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from chaosctl.dashboard.app import Dashboard
from chaosctl.dashboard.dialogs import Ask, Choose, Output
from chaosctl.dashboard.jobs import Job
from chaosctl.dashboard.keys import COMMON, LATER, SCREENS
from tests.integration.dashboard.conftest import text_of
from tests.screens import FAILED, PASSED

pytestmark = pytest.mark.integration

WAIT_S = 30


def at(world, drive, *, size=(100, 30), threads=False):
    """Let `drive(app, pilot)` use a dashboard; what it returns."""

    async def use():
        app = world.dashboard(threads=threads)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            return await drive(app, pilot)

    return asyncio.run(use())


async def until(pilot, is_so):
    """Until it is so; fails after a while."""
    end = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end, text_of(pilot.app)
        await pilot.pause(0.02)


def test_every_key_stands_in_the_table_once():
    keys = [row[0] for row in (*SCREENS, *LATER, *COMMON)]
    assert sorted(keys) == sorted(set(keys))
    assert "".join(sorted(key for key in keys if key.isdigit())) == "123456"
    assert set("rkuHqstc") < set(keys)
    assert {"slash", "question_mark", "colon", "escape", "space"} < set(keys)
    bound = {binding.key: binding.action for binding in Dashboard.BINDINGS}
    actions = {action.partition("(")[0] for action in bound.values()}
    assert all(hasattr(Dashboard, f"action_{action}") for action in actions)


def test_keys_show_screens_and_escape_goes_back(store):
    async def drive(app, pilot):
        seen = []
        for key in ("3", "4", "6", "1", "4"):
            await pilot.press(key)
            seen.append(app.shown.id)
        await pilot.press("escape")
        return [*seen, app.shown.id]

    assert at(store, drive) == ["run", "query", "store", "overview", "query", "overview"]


def test_keys_of_later_screens_say_so(world):
    async def drive(app, pilot):
        await pilot.press("2")
        return text_of(app)

    assert "there is no map screen yet" in at(world, drive)


def test_space_stops_the_screen(store):
    async def drive(app, pilot):
        await pilot.press("space")
        store.pass_time(30)
        app.tick()
        await pilot.pause()
        stopped = text_of(app)
        await pilot.press("space")
        app.tick()
        await pilot.pause()
        return stopped, text_of(app)

    stopped, going = at(store, drive)
    assert " paused " in stopped
    assert "no data" not in stopped.splitlines()[1]
    assert " paused " not in going


def test_filter_leaves_what_has_the_letters(store):
    async def drive(app, pilot):
        await pilot.press("slash", *"zone")
        await pilot.press("enter")
        text = text_of(app)
        await pilot.press("escape")
        return text, text_of(app)

    filtered, everything = at(store, drive)
    assert "latency-recs" not in filtered
    assert "zone-outage" in filtered
    assert "latency-recs" in everything


def test_sort_and_time_say_what_they_did(store):
    async def drive(app, pilot):
        await pilot.press("s")
        by = text_of(app)
        await pilot.press("t")
        return by, text_of(app), app.desk.heart_source.span_ms

    by, over, span_ms = at(store, drive)
    assert "runs by experiment" in by
    assert "heartbeat over 300 s" in over
    assert span_ms == 300_000


def test_copy_gives_the_command(store):
    async def drive(app, pilot):
        await pilot.press("4", "c")
        return app.clipboard

    copied = at(store, drive)
    assert copied.startswith("chaosctl atlas query 'name,playback.starts")


def test_enter_opens_the_selected_run(store):
    async def drive(app, pilot):
        await pilot.press("tab", "down", "enter")
        await pilot.pause()
        return app.shown.id, app.run_screen.run_id

    assert at(store, drive) == ("run", PASSED)


def test_click_selects_and_opens(store):
    async def drive(app, pilot):
        await pilot.click("#runs", offset=(5, 2))
        first = app.overview.run().id, app.shown.id
        await pilot.click("#runs", offset=(5, 2))
        await pilot.pause()
        return first, app.shown.id

    assert at(store, drive) == ((PASSED, "overview"), "run")


def test_kill_asks_with_the_command_for_that_instance(store):
    async def drive(app, pilot):
        await pilot.press("down", "right", "k")
        await pilot.pause()
        chosen = app.overview.instance()
        return chosen, app.screen, text_of(app)

    chosen, screen, text = at(store, drive)
    assert isinstance(screen, Ask)
    assert screen.arguments == (
        "run", "kill-one", "--set", f"method.0.select={{id: {chosen.id}}}",
    )  # fmt: skip
    assert f"$ chaosctl run kill-one --set 'method.0.select={{id: {chosen.id}}}'" in text
    assert "instance-kill on 1 of 96 instances" in text
    assert "y: yes" in text


def test_yes_is_no_answer_to_a_plan_that_does_not_stand(world):
    async def drive(app, pilot):
        await pilot.press("colon", *"run", "space", *"nope", "enter")
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()
        return app.screen, text_of(app), app.operations.own_runs()

    screen, text, own = at(world, drive)
    assert isinstance(screen, Ask)
    assert "this cannot be run" in text
    assert own == []


def test_run_shows_the_plan_and_runs_exactly_the_shown_command(runs, monkeypatch):
    started = []
    start = Job.start

    def note(job, context, heard):
        started.append(job.arguments)
        if "--dry-run" in job.arguments:
            start(job, context, heard)  # the plan is really made; only the run itself is not

    monkeypatch.setattr(Job, "start", note)

    async def drive(app, pilot):
        app.overview.experiments.focus()
        await pilot.press("down", "down", "down", "r")
        await pilot.pause()
        text = text_of(app)
        await pilot.press("y")
        await pilot.pause()
        return text

    text = at(runs, drive)
    assert "$ chaosctl run kill-one " in text
    assert "instance-kill on 1 of 96 instances" in text
    assert started == [("run", "kill-one", "--dry-run"), ("run", "kill-one")]


def test_run_needs_an_experiment_that_is_shown(runs):
    async def drive(app, pilot):
        await pilot.press("slash", *"nope", "enter", "r")
        await pilot.pause()
        return app.screen, text_of(app)

    screen, text = at(runs, drive)
    assert not isinstance(screen, Ask)
    assert text.count("none with 'nope' in it") == 2
    assert "select an experiment on the overview first" in text


def test_run_on_the_run_screen_is_of_the_experiment_that_is_shown(runs):
    async def drive(app, pilot):
        app.overview.runs.focus()
        await pilot.press("enter", "r")
        await pilot.pause()
        return app.shown.id, app.screen

    shown, screen = at(runs, drive)
    assert (shown, screen.arguments) == ("run", ("run", "zone-outage-no-headroom"))


def test_halt_is_one_confirmation_and_its_default_is_yes(runs):
    async def drive(app, pilot):
        await pilot.press("H", "enter")
        await until(pilot, lambda: isinstance(app.screen, Output))
        await until(pilot, lambda: app.screen.job.code is not None)
        await pilot.pause()
        return app.screen.job, text_of(app)

    job, text = at(runs, drive, threads=True)
    assert job.arguments == ("halt", "--reason", "H in the dashboard")
    assert job.code == 0
    assert "nothing was running" in text


def test_undo_takes_the_selected_run_back(runs):
    async def drive(app, pilot):
        await until(pilot, lambda: app.overview.run() is not None)
        await pilot.press("u", "y")
        await until(pilot, lambda: isinstance(app.screen, Output))
        await until(pilot, lambda: app.screen.job.code is not None)
        await pilot.pause()
        return app.screen.job, text_of(app)

    job, text = at(runs, drive, threads=True)
    assert job.arguments == ("undo", FAILED)
    assert f"$ chaosctl undo {FAILED}" in text
    assert job.code == 0, text


@pytest.mark.parametrize("key", ["n", "escape"])
def test_no_runs_nothing(runs, key):
    async def drive(app, pilot):
        await pilot.press("H", key)
        await pilot.pause()
        return len(app.screen_stack), app.operations.own_runs()

    assert at(runs, drive) == (1, [])


def test_command_line_reads_at_once_and_asks_before_it_changes(runs):
    async def drive(app, pilot):
        await pilot.press("colon", *"status", "space", "minus", "minus", *"all", "enter")
        await until(pilot, lambda: isinstance(app.screen, Output))
        await until(pilot, lambda: app.screen.job.code is not None)
        await pilot.pause()
        read = text_of(app)
        await pilot.press("escape", "colon", *"recover", "enter")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        return read, app.screen.arguments

    read, asked = at(runs, drive, threads=True)
    assert PASSED in read
    assert asked == ("recover",)


def test_quit_asks_if_a_run_was_started_here(world, monkeypatch):
    monkeypatch.setattr(Job, "start", lambda *_: None)

    async def drive(app, pilot):
        app.operations.start(["run", "kill-one"])
        await pilot.press("q")
        await pilot.pause()
        asked = isinstance(app.screen, Choose)
        await pilot.press("escape")
        await pilot.pause()
        stays = app.is_running
        await pilot.press("q", "l")
        await pilot.pause()
        return asked, stays, app._exit

    assert at(world, drive) == (True, True, True)


def test_dashboard_works_while_store_and_platform_hang(runs):
    """Both accept and never answer: keys work, and halt ends."""
    listeners = []
    for name in ("control.sock", "store.sock"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(runs.home / "RUNTIME" / "demo" / name))
        listener.listen(64)
        listeners.append(listener)

    async def drive(app, pilot):
        were_open = []
        for key in ("4", "3", "1", "down", "s", "H"):
            await pilot.press(key)
            were_open.append(app.desk.platform.is_waiting or app.desk.heart.is_waiting)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Output))
        await until(pilot, lambda: app.screen.job.code is not None)
        return were_open, app.screen.job.code

    try:
        were_open, code = at(runs, drive, threads=True)
    finally:
        for listener in listeners:
            listener.close()
    assert code == 0
    assert any(were_open)  # keys were answered while the questions were not


def test_expression_is_completed_and_explained(store):
    async def drive(app, pilot):
        await pilot.press("4")
        app.query_screen.input.focus()
        app.query_screen.input.value = ""
        seen = []
        for keys in (["n"], ["tab"], ["p", "l"], ["tab"], [":", "e", "q"]):
            await pilot.press(*[{":": "colon"}.get(key, key) for key in keys])
            await pilot.pause()
            seen.append((app.query_screen.input.value, text_of(app).splitlines()[1:3]))
        return seen

    seen = at(store, drive)
    assert "name" in seen[0][1][0]
    assert seen[1][0] == "name,"
    assert "playback.starts" in seen[2][1][0]
    assert seen[3][0] == "name,playback.starts,"
    assert seen[4][1][1].strip().startswith(":eq")


def test_a_mistake_in_an_expression_is_said(store):
    async def drive(app, pilot):
        await pilot.press("4")
        app.query_screen.input.focus()
        app.query_screen.input.value = "name,sps,:eq,:frob,2"
        await pilot.press("end")
        await pilot.pause()
        return text_of(app)

    assert "unknown word ':frob'" in at(store, drive)


def test_zoom_and_time_move_the_window(store):
    async def drive(app, pilot):
        await pilot.press("4", "plus", "plus", "minus")
        source = app.desk.query_source
        spans = [source.span_ms]
        await pilot.press("left", "left", "right", "right", "right")
        spans.append(source.back_ms)
        await pilot.press("left")
        return [*spans, source.back_ms, text_of(app)]

    span_ms, now, back_ms, text = at(store, drive)
    assert (span_ms, now, back_ms) == (150_000, 0, 37_500)
    assert "37 s back" in text
