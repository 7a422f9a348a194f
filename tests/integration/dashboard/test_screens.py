"""What each screen shows, at both sizes; tests/data/screens has the pictures."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.integration.dashboard.conftest import text_of
from tests.screens import FAILED, compare

pytestmark = pytest.mark.integration

SIZES = {"80x24": (80, 24), "160x50": (160, 50)}
KEYS = {
    "overview": [],
    "run": ["3"],
    "replay": ["3", "home", "space", *["]"] * 25],
    "query": ["4"],
    "store": ["6"],
    "help": ["question_mark"],
}


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def picture(world, size, keys, **options):
    """The screen after these keys."""

    async def look():
        app = world.dashboard(**options)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            for key in keys:
                await pilot.press(key)
            await pilot.pause()
            return text_of(app)

    return asyncio.run(look())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", KEYS)
def test_screen_looks_like_this(store, name, size, request):
    text = picture(store, SIZES[size], KEYS[name])
    text = text.replace(str(store.home), "/tmp/dash-00000000")  # as long as any of them
    compare(f"{name}-{size}", text, accept=request.config.getoption("--accept"))


@pytest.mark.parametrize("name", KEYS)
def test_screen_in_ascii_is_ascii(store, name, request):
    text = picture(store, (80, 24), KEYS[name], unicode=False)
    assert text.isascii(), [sign for sign in text if not sign.isascii()]
    if name == "overview":
        compare("overview-ascii", text, accept=request.config.getoption("--accept"))


@pytest.mark.parametrize("name", KEYS)
def test_screen_without_anything_up_says_so(world, name):
    text = picture(world, (80, 24), KEYS[name])
    assert "Traceback" not in text
    if name == "overview":
        assert text.count("no data") >= 3
        assert "no run yet" in text
    if name in ("query", "store"):
        assert "no data" in text
        assert "nobody listens there" in text


def test_values_are_no_longer_shown_when_they_are_old(store):
    async def look():
        app = store.dashboard()
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            assert "90 of 90 up" in text_of(app)
            (store.home / "RUNTIME" / "demo" / "control.sock").unlink()
            (store.home / "RUNTIME" / "demo" / "store.sock").unlink()
            store.pass_time(7)
            app.tick()
            await pilot.pause()
            return text_of(app)

    text = asyncio.run(look())
    assert "platform: no data 7 s" in text
    assert "90 of 90" not in text
    assert text.splitlines()[1].endswith("no data 7 s ? ─")
    assert "●" not in text


def test_replay_goes_back_and_forth(runs):
    async def look():
        app = runs.dashboard()
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            assert app.run_screen.run_id == FAILED
            shown = [app.run_screen.replay.at_ms]
            for key in ("[", "[", "]", "space", "{", "home", "end"):
                await pilot.press({"[": "left_square_bracket", "]": "right_square_bracket",
                                   "{": "left_curly_bracket"}.get(key, key))  # fmt: skip
                shown.append(app.run_screen.replay.at_ms)
            return shown, app.run_screen.replay.end_ms

    shown, end_ms = asyncio.run(look())
    back = [end_ms - ms if ms is not None else None for ms in shown]
    assert back == [None, 1000, 2000, 1000, 1000, 11_000, end_ms, None]
