"""The live view of a run on a terminal: drawn on the error stream, at least once a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from chaosctl.report.glyphs import glyphs_for
from chaosctl.report.plain import QUIET_EVENTS
from chaosctl.report.snapshot import Snapshot

LINES_MAX = 44
REDRAW_S_MIN = 0.2
"""Many events come at once when a fault goes in; more pictures than this nobody sees."""

KEYS = "Ctrl-C aborts and undoes (a second says how far it is) · chaosctl halt stops every run"


class LiveView:
    """Shows a run as it goes. Leaves nothing on the screen; the result is printed after it."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = Console(file=stream, highlight=False)
        self._clock = clock
        self._heard_s = clock()
        self._drawn_s = 0.0
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
        """Take an event in and show it; details wait for the next step."""
        self._snapshot.take(event)
        self._heard_s = self._clock()
        is_detail = event["event"] in QUIET_EVENTS - {"sample"}
        if not is_detail and self._heard_s - self._drawn_s >= REDRAW_S_MIN:
            self._live.refresh()

    def _draw(self) -> RenderableType:
        self._drawn_s = self._clock()
        now_ms = self._snapshot.t_ms + (self._drawn_s - self._heard_s) * 1000
        size = self._console.size
        unicode = not self._console.options.ascii_only
        height = min(size.height - 1, LINES_MAX)
        return draw(self._snapshot, now_ms=now_ms, width=size.width, height=height, unicode=unicode)


def draw(
    snapshot: Snapshot, *, now_ms: float, width: int = 80, height: int = 24, unicode: bool = True
) -> RenderableType:
    """A snapshot as a picture; now_ms: since the start of the run. Pure."""
    # numpy comes with it, which a run that is still starting has no time for.
    from chaosctl.report.run_panels import draw_run  # noqa: PLC0415

    keys = KEYS if unicode else KEYS.replace("·", "-")
    lines = draw_run(
        snapshot,
        now_ms=now_ms,
        width=width,
        height=max(8, height),
        glyphs=glyphs_for(unicode=unicode),
        keys=keys,
    )
    return Text("\n", no_wrap=True).join(lines)
