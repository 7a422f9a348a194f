"""Screen 1: the heartbeat, who is up, what runs, how the last runs ended, what can be run."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from chaosctl.dashboard.desk import Desk, next_span
from chaosctl.dashboard.panels import overview as panels
from chaosctl.dashboard.panels.lists import draw_list
from chaosctl.dashboard.panes import CursorPane, ListPane, Pane
from chaosctl.dashboard.snapshots import ExperimentRow, InstanceCell, RunRow

TITLES_FROM_WIDTH = 50
RUN_SORTS = ("time", "experiment", "verdict", "score")


class Overview(Vertical):
    """Selections: an instance in the grid, a run, an experiment."""

    DEFAULT_CSS = """
    Overview #header { height: 1; }
    Overview #heartbeat { height: 6; }
    Overview #side { width: 36; }
    Overview #experiments { height: 7; }
    Overview #score { height: 2; }
    .wide Overview #heartbeat { height: 11; }
    .wide Overview #side { width: 40%; }
    .wide Overview #experiments { height: 13; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(id="overview")
        self._desk = desk
        self._answered = 0
        self.wanted = ""
        self.sort = RUN_SORTS[0]
        self.grid = CursorPane(self._grid, name="grid", shape=self._grid_shape)
        self.runs = ListPane(self._runs, name="runs", shape=lambda: [1] * len(self.run_rows()))
        self.experiments = ListPane(
            self._experiments, name="experiments", shape=lambda: [1] * len(self.experiment_rows())
        )

    def compose(self) -> ComposeResult:
        """The panes."""
        yield Pane(self._header, name="header")
        yield Pane(self._heartbeat, name="heartbeat")
        with Horizontal():
            yield self.grid
            with Vertical(id="side"):
                yield self.runs
                yield self.experiments
                yield Pane(self._score, name="score")

    def tick(self) -> None:
        """Ask what is due."""
        for feed in (self._desk.platform, self._desk.heart, self._desk.experiments):
            feed.ask_if_due()

    def heard(self) -> bool:
        """Whether one of the feeds has answered for the first time; the rest waits for the tick."""
        desk = self._desk
        feeds = (desk.platform, desk.heart, desk.runs, desk.experiments)
        answered = sum(feed.value is not None for feed in feeds)
        is_new, self._answered = answered > self._answered, answered
        return is_new

    def instance(self) -> InstanceCell | None:
        """The instance under the cursor; none while nobody knows how they are."""
        platform = self._desk.platform.fresh
        if platform is None:
            return None
        rows = panels.grid_rows(platform, self.wanted)
        return panels.chosen_instance(rows, (self.grid.row, self.grid.column))

    def run_rows(self) -> list[RunRow]:
        """The runs that are listed."""
        rows = [run for run in self._desk.run_rows() if self.wanted in f"{run.experiment} {run.id}"]
        if self.sort == "experiment":
            rows.sort(key=lambda run: run.experiment)
        elif self.sort == "verdict":
            rows.sort(key=lambda run: run.verdict)
        elif self.sort == "score":
            rows.sort(key=lambda run: 101 if run.score is None else run.score)
        return rows

    def run(self) -> RunRow | None:
        """The run under the cursor."""
        rows = self.run_rows()
        return rows[min(self.runs.row, len(rows) - 1)] if rows else None

    def experiment_rows(self) -> list[ExperimentRow]:
        """The experiments that are listed."""
        rows = self._desk.experiments.value or ()
        return [row for row in rows if self.wanted in row.name]

    def experiment(self) -> str:
        """The experiment under the cursor; of the run there, while that list has the focus."""
        run = self.run()
        names = [row.name for row in self.experiment_rows()]
        if self.runs.has_focus and run is not None:
            return run.experiment
        return names[min(self.experiments.row, len(names) - 1)] if names else ""

    def next_sort(self) -> str:
        """List the runs in another order; says which."""
        self.sort = RUN_SORTS[(RUN_SORTS.index(self.sort) + 1) % len(RUN_SORTS)]
        return f"runs by {self.sort}"

    def next_span(self) -> str:
        """Show another length of the heartbeat; says which."""
        source = self._desk.heart_source
        source.span_ms = next_span(source.span_ms)
        self._desk.heart.ask()
        return f"heartbeat over {source.span_ms // 1000} s"

    def command(self) -> list[str]:
        """What is selected, as a command."""
        instance, run = self.instance(), self.run()
        if self.runs.has_focus and run is not None:
            return ["report", run.id]
        if self.experiments.has_focus and self.experiment():
            return ["run", self.experiment()]
        return kill_command(instance) if instance is not None else ["status"]

    def _header(self, width: int, _height: int) -> list[Text]:
        feed = self._desk.platform
        return panels.header(feed.fresh, feed.silent_s(), width, self._desk.glyphs)

    def _heartbeat(self, width: int, height: int) -> list[Text]:
        feed = self._desk.heart
        return panels.heartbeat(
            feed.fresh,
            silent_s=feed.silent_s(),
            now_ms=self._desk.context.now_ms(),
            width=width,
            height=height,
            glyphs=self._desk.glyphs,
        )

    def _grid(self, width: int, height: int) -> list[Text]:
        return panels.grid(
            self._desk.platform.fresh,
            self._desk.heart.fresh,
            self._desk.broken(),
            cursor=(self.grid.row, self.grid.column),
            focused=self.grid.has_focus,
            wanted=self.wanted,
            width=width,
            height=height,
            glyphs=self._desk.glyphs,
        )

    def _grid_shape(self) -> Sequence[int]:
        platform = self._desk.platform.fresh
        return [] if platform is None else [len(r) for r in panels.grid_rows(platform, self.wanted)]

    def _runs(self, width: int, height: int) -> list[Text]:
        rows, glyphs = self.run_rows(), self._desk.glyphs
        now_ms = self._desk.context.now_ms()
        running = sum(run.state == "active" for run in rows)
        empty = "no run yet" if self._desk.runs.value is not None else "reading the run folders"
        return draw_list(
            f"{running} running, then the last verdicts" if running else "last verdicts",
            [panels.run_line(run, now_ms, glyphs, width - 2) for run in rows],
            cursor=min(self.runs.row, len(rows) - 1),
            focused=self.runs.has_focus,
            width=width,
            height=height,
            glyphs=glyphs,
            said="" if self.sort == "time" else f"by {self.sort}",
            empty=f"none with {self.wanted!r} in it" if self.wanted else empty,
        )

    def _experiments(self, width: int, height: int) -> list[Text]:
        rows = self.experiment_rows()
        name_width = max((len(row.name) for row in rows), default=0)
        titles = [f"  {row.title}" if width >= TITLES_FROM_WIDTH else "" for row in rows]
        return draw_list(
            "experiments",
            [
                Text(f"{row.name:<{name_width}}{title}", no_wrap=True)
                for row, title in zip(rows, titles, strict=True)
            ],
            cursor=min(self.experiments.row, len(rows) - 1),
            focused=self.experiments.has_focus,
            width=width,
            height=height,
            glyphs=self._desk.glyphs,
            said="r run",
            empty=f"none with {self.wanted!r} in it" if self.wanted else "none",
        )

    def _score(self, width: int, _height: int) -> list[Text]:
        return panels.score_trend(self._desk.runs.value or (), width, self._desk.glyphs)


def kill_command(instance: InstanceCell) -> list[str]:
    """The run that kills one instance: a bundled experiment with that one selected."""
    return ["run", "kill-one", "--set", f"method.0.select={{id: {instance.id}}}"]
