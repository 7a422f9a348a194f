"""Screen 3: one run, live or played again."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from chaosctl.dashboard.desk import Desk
from chaosctl.dashboard.feeds import Feed
from chaosctl.dashboard.panels.lists import draw_list
from chaosctl.dashboard.panes import FAR, CursorPane
from chaosctl.dashboard.replay import Replay
from chaosctl.report.run_panels import clock, draw_run

TICK_MS = 1000


class RunScreen(Vertical):
    """Shows the run that was opened; the newest one until then."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "step(-1)", show=False),
        Binding("right_square_bracket", "step(1)", show=False),
        Binding("left_curly_bracket", "step(-10)", show=False),
        Binding("right_curly_bracket", "step(10)", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(id="run")
        self._desk = desk
        self._tail: Feed[tuple[dict[str, Any], ...]] | None = None
        self._known = 0
        self.run_id = ""
        self.replay = Replay()
        self.pane = RunPane(self._draw, name="run-picture", shape=list)

    def compose(self) -> ComposeResult:
        """One picture."""
        yield self.pane

    def open(self, run_id: str) -> None:
        """Show this run; one that has ended is shown from its end."""
        if run_id == self.run_id:
            return
        self.run_id, self.replay = run_id, Replay()
        self._tail = self._desk.tail_of(run_id, self._heard)
        self._tail.ask()

    def tick(self) -> None:
        """Ask what is due, and let time pass."""
        rows = self._desk.run_rows()
        if not self.run_id and rows:
            self.open(rows[0].id)
        if self._tail is not None and not self.is_over:
            self._tail.ask_if_due()
        self.replay.pass_time(TICK_MS)

    def heard(self) -> bool:
        """Whether there are new events."""
        count = len(self.replay.events)
        is_new, self._known = count != self._known, count
        return is_new

    @property
    def is_over(self) -> bool:
        """Whether nothing new can come."""
        events = self.replay.events
        return bool(events) and any(event["event"] == "verdict" for event in events[-20:])

    def toggle(self) -> str:
        """Space: stop or go on; says which."""
        replay = self.replay
        if self.is_over and (replay.at_ms is None or replay.at_ms >= replay.end_ms):
            replay.restart()
        else:
            replay.toggle()
        self.pane.refresh()
        return "playing" if replay.is_playing else "paused"

    def action_step(self, steps: int) -> None:
        """Seconds back or on."""
        self.replay.step(steps)
        self.pane.refresh()

    def action_restart(self) -> None:
        """To the beginning, and play."""
        self.replay.restart()
        self.pane.refresh()

    def action_follow(self) -> None:
        """To the newest."""
        self.replay.follow()
        self.pane.refresh()

    def command(self) -> list[str]:
        """This run on the command line."""
        return ["report", self.run_id or "last"]

    def _heard(self) -> None:
        """In the thread of the feed: the app draws."""
        if self._tail is not None and self._tail.value is not None:
            self.replay.events = self._tail.value
        self._desk.heard()

    def _draw(self, width: int, height: int) -> list[Text]:
        glyphs = self._desk.glyphs
        if not self.replay.events:
            error = self._tail.error if self._tail is not None else None
            told = str(error) if error is not None else "no run yet: `r` on the overview starts one"
            return draw_list(
                "run",
                [],
                cursor=-1,
                focused=False,
                width=width,
                height=height,
                glyphs=glyphs,
                empty=told,
            )
        snapshot = self.replay.snapshot()
        now_ms: float = snapshot.t_ms
        if self.replay.at_ms is not None:
            now_ms = self.replay.at_ms
        elif not self.is_over and self._is_alive():
            now_ms = max(now_ms, self._desk.context.now_ms() - snapshot.started_ms)
        return draw_run(
            snapshot, now_ms=now_ms, width=width, height=height, glyphs=glyphs, keys=self._keys()
        )

    def _is_alive(self) -> bool:
        run = self._desk.find_run(self.run_id)
        return run is None or run.state == "active"

    def _keys(self) -> str:
        replay, dot = self.replay, self._desk.glyphs.dot
        end = clock(replay.end_ms)
        if replay.at_ms is None:
            state = f"ended after {end}" if self.is_over else "live"
        else:
            word = "playing" if replay.is_playing else "paused"
            state = f"{word} {clock(replay.at_ms)} of {end}"
        what = "play" if self.is_over and not replay.is_playing else "pause"
        return f"{state}  {dot}  [ ] step  space {what}  home end  u undo  H halt"


class RunPane(CursorPane):
    """The picture: arrows, pages, home and end go through its time."""

    def action_move(self, rows: int, columns: int) -> None:
        """Home plays from the beginning, end follows what is new, the others step."""
        screen, steps = self.query_ancestor(RunScreen), rows + columns
        if abs(steps) < FAR:
            screen.action_step(steps)
        elif steps < 0:
            screen.action_restart()
        else:
            screen.action_follow()
