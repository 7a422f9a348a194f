"""The dashboard as a program: screens, keys, and what they run.

Drawing happens once a second and whenever somebody did something; it never waits for anybody.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from chaosctl.context import Context
from chaosctl.dashboard import keys
from chaosctl.dashboard.desk import make_desk
from chaosctl.dashboard.dialogs import Choose, Dialog, Output, Prompt, Told
from chaosctl.dashboard.jobs import command_text, only_reads
from chaosctl.dashboard.operations import Operations
from chaosctl.dashboard.panes import CursorPane, Heard, Pane
from chaosctl.dashboard.screens.overview import Overview
from chaosctl.dashboard.screens.query import Query
from chaosctl.dashboard.screens.run import RunScreen
from chaosctl.dashboard.screens.store import StoreScreen
from chaosctl.report.glyphs import Glyphs, fitted
from chaosctl.stores.atlas import AtlasStore

WIDE = 110
TICK_S = 1.0
TOLD_S = 8.0
CLIPBOARD_MAX = 4000


class Dashboard(App[None]):
    """Overview, run, query and store; everything else is a dialog over them."""

    TITLE = "chaosctl"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    ContentSwitcher { height: 1fr; }
    #foot { height: 1; }
    Screen { overflow: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"show('{name}')", show=False) for key, name, _ in keys.SCREENS),
        *(Binding(key, f"later('{name}')", show=False) for key, name in keys.LATER),
        *(Binding(key, action, show=False) for key, _, action, _ in keys.COMMON),
    ]

    overview: Overview
    run_screen: RunScreen
    query_screen: Query
    store_screen: StoreScreen

    def __init__(
        self, context: Context, store: AtlasStore, glyphs: Glyphs, *, tick_s: float = TICK_S
    ) -> None:
        super().__init__(ansi_color=True)
        self._tick_s = tick_s
        self.glyphs = glyphs
        self.context = context
        self.desk = make_desk(context, store, glyphs, self.heard)
        self.operations = Operations(self)
        self.is_paused = False
        self._told = ""
        self._told_s = 0.0

    def compose(self) -> ComposeResult:
        """The screens, one of which is shown, and the line of keys."""
        self.overview, self.run_screen = Overview(self.desk), RunScreen(self.desk)
        self.query_screen, self.store_screen = Query(self.desk), StoreScreen(self.desk)
        with ContentSwitcher(initial="overview"):
            yield self.overview
            yield self.run_screen
            yield self.query_screen
            yield self.store_screen
        yield Pane(self._foot, name="foot")

    def on_mount(self) -> None:
        """Begin to ask."""
        self.overview.grid.focus()
        self.set_interval(self._tick_s, self.tick)
        self.tick()

    def on_resize(self, event: Resize) -> None:
        """More room shows more."""
        self.screen_stack[0].set_class(event.size.width >= WIDE, "wide")

    @property
    def shown(self) -> Overview | RunScreen | Query | StoreScreen:
        """The screen that is shown."""
        names = {s.id: s for s in self._screens}
        return names[self.screen_stack[0].query_one(ContentSwitcher).current]

    @property
    def _screens(self) -> Sequence[Overview | RunScreen | Query | StoreScreen]:
        return self.overview, self.run_screen, self.query_screen, self.store_screen

    @property
    def _is_whole(self) -> bool:
        """Whether everything is there: on the way out the timer may tick once more."""
        return bool(self.screen_stack) and bool(self.screen_stack[0].query("#foot"))

    def heard(self) -> None:
        """An answer came; may be called from any thread."""
        self.post_message(Heard())

    def on_heard(self, _message: Heard) -> None:
        """Draw at once what somebody waits for; the rest has time until the tick."""
        if not self._is_whole:
            return
        self.operations.follow()
        if isinstance(self.screen, Dialog):
            self.screen.redraw()
        if self.shown.heard():
            self.redraw()

    def tick(self) -> None:
        """Once a second: ask what is due, and draw."""
        if not self._is_whole:
            return
        if not self.is_paused:
            self.desk.runs.ask_if_due()
            self.shown.tick()
        self.operations.follow()
        self.redraw()

    def redraw(self) -> None:
        """Draw what is shown again; while it is paused, only the line of keys."""
        base = self.screen_stack[0]
        if not self.is_paused:
            for pane in self.shown.query(Pane):
                pane.refresh()
        base.query_one("#foot", Pane).refresh()

    def tell(self, text: str) -> None:
        """Say something in the last line for a while."""
        self._told, self._told_s = text, self.context.monotonic()
        self.screen_stack[0].query_one("#foot", Pane).refresh()

    def action_show(self, name: str) -> None:
        """Another screen."""
        self.screen_stack[0].query_one(ContentSwitcher).current = name
        first: dict[str, Widget] = {
            "overview": self.overview.grid,
            "run": self.run_screen.pane,
            "query": self.query_screen.chart,
        }
        (first.get(name) or self.store_screen.query_one(CursorPane)).focus()
        self.tick()

    def action_later(self, name: str) -> None:
        """A key whose screen there is not yet."""
        self.tell(f"there is no {name} screen yet")

    async def action_back(self) -> None:
        """Escape: to the overview; there, no filter any more."""
        if self.shown is not self.overview:
            self.action_show("overview")
        else:
            self._filter("")

    def action_help(self) -> None:
        """Every key."""
        self.push_screen(Told("keys", keys.help_lines(), self.glyphs))

    def action_pause(self) -> None:
        """Space: stop the screen, or the replay of a run."""
        if self.shown is self.run_screen:
            self.tell(self.run_screen.toggle())
            return
        self.is_paused = not self.is_paused
        self.tell("the screen stands still; space goes on" if self.is_paused else "going on")
        self.redraw()

    def action_filter(self) -> None:
        """Show only what has some letters in it."""
        if self.shown in (self.overview, self.query_screen):
            before = self.overview.wanted
            prompt = Prompt("show only what has this in it", before, self.glyphs, self._filter)
            self.push_screen(prompt, lambda text: self._filter(text or ""))

    def action_command(self) -> None:
        """Write a command."""
        self.push_screen(Prompt("a chaosctl command, as: run kill-one", "", self.glyphs), self._do)

    def action_sort(self) -> None:
        """Another order."""
        shown = self.shown
        if isinstance(shown, Overview | Query):
            self.tell(shown.next_sort())
            self.redraw()

    def action_span(self) -> None:
        """Another length of time."""
        shown = self.shown
        if isinstance(shown, Overview | Query):
            self.tell(shown.next_span())

    def action_copy(self) -> None:
        """What is shown, as a command, into the terminal's clipboard."""
        text = command_text(self.shown.command())[:CLIPBOARD_MAX]
        self.copy_to_clipboard(text)
        self.tell(f"copied: {text}")

    def action_run(self) -> None:
        """Run the selected experiment; on the run screen that of the run."""
        shown = self.desk.find_run(self.run_screen.run_id)
        if self.shown is self.run_screen and shown is not None:
            self.operations.run(["run", shown.experiment])
        elif experiment := self.overview.experiment():
            self.operations.run(["run", experiment])
        else:
            self.tell("select an experiment on the overview first (1, then tab)")

    def action_kill(self) -> None:
        """Kill the selected instance."""
        instance = self.overview.instance()
        if instance is None or self.shown is not self.overview:
            self.tell("select an instance on the overview first (1, then the arrow keys)")
        else:
            self.operations.kill(instance)

    def action_undo(self) -> None:
        """Take the selected run back."""
        run = self.overview.run()
        run_id = self.run_screen.run_id if self.shown is self.run_screen else run and run.id
        if run_id:
            self.operations.undo(run_id)
        else:
            self.tell("there is no run to undo")

    def action_halt(self) -> None:
        """Stop every run."""
        self.operations.halt()

    async def action_quit(self) -> None:
        """End, unless there is a run of ours that somebody has to decide about."""
        mine = self.operations.own_runs()
        if not mine:
            self.exit()
            return
        lines = ["this dashboard started what has not ended yet:", *(f"  $ {j.text}" for j in mine)]
        lines += ["", "h  stop it, have it undo everything, and quit then", "l  leave it running"]
        decide: Callable[[str | None], None] = partial(self.operations.leave, mine)
        self.push_screen(Choose("quit", lines, ("h", "l"), self.glyphs), decide)

    def on_cursor_pane_chosen(self, message: CursorPane.Chosen) -> None:
        """Enter: open the run, or show the plan of the experiment."""
        run = self.overview.run()
        if message.pane is self.overview.runs and run is not None:
            self.run_screen.open(run.id)
            self.action_show("run")
        elif message.pane is self.overview.experiments and self.overview.experiment():
            self.show_output(["plan", self.overview.experiment(), "--explain"])
        elif message.pane is self.overview.grid and self.overview.instance() is not None:
            self.tell("k kills it; r runs an experiment")

    def show_output(self, arguments: Sequence[str]) -> None:
        """Run a command and show what it prints."""
        self.push_screen(Output(self.operations.start(arguments), self.glyphs))

    def _filter(self, wanted: str) -> None:
        shown = self.shown
        if isinstance(shown, Overview | Query):
            shown.wanted = wanted.strip()
            self.redraw()

    def _do(self, text: str | None) -> None:
        """A line that was written after `:`."""
        try:
            words = shlex.split((text or "").strip().removeprefix("chaosctl "))
        except ValueError as error:
            self.tell(f"this cannot be read: {error}")
            return
        if not words:
            return
        names = {name for _, name, _ in keys.SCREENS}
        if words[0] in ("q", "quit"):
            self.call_later(self.action_quit)
        elif words[0] in names and len(words) == 1 and words[0] != "run":
            self.action_show(words[0])
        elif words[0] == "dashboard":
            self.tell("this is the dashboard")
        elif words[0] == "run":
            self.operations.run(words)
        elif only_reads(words):
            self.show_output(words)
        else:
            self.operations.anything(words)

    def _foot(self, width: int, _height: int) -> list[Text]:
        line = Text(no_wrap=True)
        if self.is_paused:
            line.append(" paused ", style="reverse bold")
        if self._told and self.context.monotonic() - self._told_s < TOLD_S:
            line.append(f" {self._told}", style="bold")
            return [fitted(line, width)]
        for key, name, _ in keys.SCREENS:
            is_shown = name == self.shown.id
            line.append(f" {key} ", style="bold")
            line.append(f"[{name}]" if is_shown else name, style="bold" if is_shown else "")
        line.append("  ")
        for key, _, _, short in keys.COMMON:
            if short:
                line.append(f" {key_text(key)}", style="bold")
                line.append(f" {short}")
        return [fitted(line, width)]


def key_text(key: str) -> str:
    """A key as it is printed on it."""
    return keys.PRINTED.get(key, key)
