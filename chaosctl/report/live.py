"""The live view of a run on a terminal: drawn on the error stream, at least once a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

if TYPE_CHECKING:
    from chaosctl.keyboard import Keyboard
    from chaosctl.report.run_panels import Body

from chaosctl.report.glyphs import glyphs_for
from chaosctl.report.plain import QUIET_EVENTS
from chaosctl.report.snapshot import Snapshot

LINES_MAX = 44
REDRAW_S_MIN = 0.2
"""Many events come at once when a fault goes in; more pictures than this nobody sees."""

NO_KEYS = "Ctrl-C aborts and undoes (a second says how far it is) · chaosctl halt stops every run"
SHORT_KEYS = "Ctrl-C abort and undo   s stop fault now, keep judging   v detail   ? keys"
KEYS = {
    "Ctrl-C": "aborts: undoes everything at once and ends the run",
    "": "(a second says how far that is, a third leaves it to the watchdog)",
    "s": "takes the fault out now and goes on: recovery, then the verdict,",
    " ": "which is not passed: nobody knows what the rest would have shown",
    "v": "every check in numbers and every target, or the charts again",
    "enter": "says that a manual step is done, when the run asks for one",
    "?": "these keys, or the run again",
}


class Shown(Enum):
    """What stands in the middle of the picture."""

    CHARTS = "charts"
    DETAILS = "details"
    KEYS = "keys"


class LiveView:
    """Shows a run as it goes. Leaves nothing on the screen; the result is printed after it.

    Events come from the run's thread and keys from the keyboard's; a third one draws each second.
    """

    def __init__(
        self,
        stream: TextIO,
        keyboard: Keyboard | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = Console(file=stream, highlight=False)
        self._clock = clock
        self._keyboard = keyboard
        self._lock = threading.Lock()
        self._heard_s = clock()
        self._drawn_s = 0.0
        self._snapshot = Snapshot()
        self._shown = Shown.CHARTS
        if keyboard is not None:
            keyboard.pressed = self.press
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
        """Take an event in and show it; details wait for the next step."""
        with self._lock:
            self._snapshot.take(event)
            self._heard_s = self._clock()
        is_detail = event["event"] in QUIET_EVENTS - {"sample"}
        if not is_detail and self._heard_s - self._drawn_s >= REDRAW_S_MIN:
            self._live.refresh()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing on the screen, so that somebody can be asked something there."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start(refresh=True)

    def press(self, key: str) -> None:
        """Show something else, if that is what the key is for."""
        wanted = {"v": Shown.DETAILS, "?": Shown.KEYS}.get(key)
        if wanted is not None:
            self._shown = Shown.CHARTS if self._shown is wanted else wanted
            self._live.refresh()

    def _draw(self) -> RenderableType:
        with self._lock:
            self._drawn_s = self._clock()
            size = self._console.size
            return draw(
                self._snapshot,
                now_ms=self._snapshot.t_ms + (self._drawn_s - self._heard_s) * 1000,
                width=size.width,
                height=min(size.height - 1, LINES_MAX),
                unicode=not self._console.options.ascii_only,
                shown=self._shown,
                has_keys=self._keyboard is not None and self._keyboard.is_open,
            )


def draw(
    snapshot: Snapshot,
    *,
    now_ms: float,
    width: int = 80,
    height: int = 24,
    unicode: bool = True,
    shown: Shown = Shown.CHARTS,
    has_keys: bool = False,
) -> RenderableType:
    """A snapshot as a picture; now_ms: since the start of the run. Pure."""
    # numpy comes with them, which a run that is still starting has no time for.
    from chaosctl.report.run_details import details, keys_help  # noqa: PLC0415
    from chaosctl.report.run_panels import draw_run, overview  # noqa: PLC0415

    keys = SHORT_KEYS if has_keys else NO_KEYS
    bodies: dict[Shown, Body] = {
        Shown.CHARTS: overview,
        Shown.DETAILS: details,
        Shown.KEYS: partial(keys_help, KEYS),
    }
    lines = draw_run(
        snapshot,
        now_ms=now_ms,
        width=width,
        height=max(8, height),
        glyphs=glyphs_for(unicode=unicode),
        keys=keys if unicode else keys.replace("·", "-"),
        body=bodies[shown],
    )
    return Text("\n", no_wrap=True).join(lines)
