"""Screen 4: an expression, its chart and its numbers."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from chaosctl.dashboard.desk import Desk, next_span
from chaosctl.dashboard.feeds import Feed
from chaosctl.dashboard.panels import query as panels
from chaosctl.dashboard.panes import CursorPane, Pane
from chaosctl.dashboard.snapshots import Answer, AnswerLine
from chaosctl.dashboard.words import Advice, completed

SPAN_MS_MIN, SPAN_MS_MAX = 15_000, 3_600_000
EXPRESSION = "name,playback.starts,:eq,(,ipc.result,),:by"


class ExpressionInput(Input):
    """The line of the expression; tab takes the first piece that is offered."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", show=False),
        Binding("down", "leave", show=False),
    ]

    class Complete(Message):
        """Tab was pressed."""

    def action_complete(self) -> None:
        """Take what is offered."""
        self.post_message(self.Complete())

    def action_leave(self) -> None:
        """To the chart."""
        self.screen.focus_next()


class Query(Vertical):
    """The window follows the clock until one goes back in time."""

    DEFAULT_CSS = """
    Query Input { padding: 0 1; }
    Query #help { height: 2; }
    Query #legend { height: 7; }
    .wide Query #legend { height: 14; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "zoom(-1)", show=False),
        Binding("minus", "zoom(1)", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(id="query")
        self._desk = desk
        self._advice: Feed[Advice] | None = None
        self._known: tuple[object, ...] = ()
        self.sort = panels.SORTS[0]
        self.wanted = ""
        self.input = ExpressionInput(EXPRESSION, id="expression", compact=True)
        self.input.select_on_focus = False
        self.chart = QueryPane(self._chart, name="chart", shape=list)
        desk.query_source.expression = EXPRESSION

    def compose(self) -> ComposeResult:
        """The panes."""
        yield self.input
        yield Pane(self._help, name="help")
        yield self.chart
        yield Pane(self._legend, name="legend")

    def tick(self) -> None:
        """Ask again, while the window follows the clock."""
        if not self._desk.query_source.back_ms or self._desk.answer.value is None:
            self._desk.answer.ask_if_due()
        self._ask_advice()

    def heard(self) -> bool:
        """Whether there is anything new; what was typed meanwhile is asked for now."""
        self._ask_advice()
        answer, advice = self._desk.answer, self._fresh_advice()
        news = (id(answer.value), id(answer.error), advice)
        is_new, self._known = news != self._known, news
        return is_new

    def ask(self) -> None:
        """Ask for what is written."""
        self._desk.query_source.expression = self.input.value.strip()
        self._desk.answer.ask()

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Enter: ask, and leave the line so that keys zoom."""
        self.ask()
        self.chart.focus()

    def on_expression_input_complete(self, _event: ExpressionInput.Complete) -> None:
        """Tab: the first piece that is offered, or on to the chart."""
        advice = self._fresh_advice()
        if advice is None or not advice.offered:
            return
        self.input.value, self.input.cursor_position = completed(advice)
        self._ask_advice()

    def on_input_changed(self, _event: Input.Changed) -> None:
        """Each change asks for help with the word at hand."""
        self._ask_advice()

    def action_zoom(self, direction: int) -> None:
        """A shorter or a longer window with the same end."""
        source = self._desk.query_source
        span_ms = source.span_ms * 2 if direction > 0 else source.span_ms // 2
        source.span_ms = min(max(SPAN_MS_MIN, span_ms), SPAN_MS_MAX)
        self._desk.answer.ask()

    def shift(self, direction: int) -> None:
        """A quarter of the window back or on; not beyond now."""
        source = self._desk.query_source
        moved_ms = source.back_ms - direction * source.span_ms // 4
        source.back_ms = min(max(0, moved_ms), SPAN_MS_MAX)
        self._desk.answer.ask()

    def next_sort(self) -> str:
        """List the lines in another order; says which."""
        sorts = panels.SORTS
        self.sort = sorts[(sorts.index(self.sort) + 1) % len(sorts)]
        return f"lines by {self.sort}"

    def next_span(self) -> str:
        """Another length of the window; says which."""
        source = self._desk.query_source
        source.span_ms = next_span(source.span_ms)
        self._desk.answer.ask()
        return f"window of {source.span_ms // 1000} s"

    def command(self) -> list[str]:
        """The question on the command line."""
        return self._desk.query_source.command()

    def _ask_advice(self) -> None:
        text, cursor = self.input.value, self.input.cursor_position
        if self._advice is not None:
            known = self._advice.value
            is_known = known is not None and (known.text, known.cursor) == (text, cursor)
            if is_known or self._advice.is_waiting:
                return
        self._advice = self._desk.advice(text, cursor)
        self._advice.ask()

    def _fresh_advice(self) -> Advice | None:
        advice = self._advice.value if self._advice is not None else None
        here = (self.input.value, self.input.cursor_position)
        return advice if advice is not None and (advice.text, advice.cursor) == here else None

    def _answer(self) -> Answer | None:
        """The answer to what is asked now, unless it is too old."""
        source, feed = self._desk.query_source, self._desk.answer
        answer = feed.value if source.back_ms else feed.fresh
        if feed.error is not None and answer is not None and source.back_ms:
            return None
        return answer if answer is not None and answer.expression == source.expression else None

    def _help(self, width: int, _height: int) -> list[Text]:
        advice = self._fresh_advice()
        line, offered = (advice.line(), advice.offered) if advice else (Text(), ())
        return panels.help_lines(line, offered, width, self._desk.glyphs)

    def _chart(self, width: int, height: int) -> list[Text]:
        source, answer = self._desk.query_source, self._answer()
        back = f", {source.back_ms // 1000} s back" if source.back_ms else ""
        error = self._desk.answer.error
        drawn = panels.chart(
            answer,
            self._lines(answer),
            silent_s=self._desk.answer.silent_s(),
            width=width,
            height=height,
            glyphs=self._desk.glyphs,
            title=f"{source.span_ms // 1000} s{back}   + - zoom   left right time",
        )
        if answer is None and error is not None and height > 3:
            drawn[1:3] = [Text(f"  {line}", style="yellow") for line in str(error).splitlines()[:2]]
        return drawn

    def _legend(self, width: int, height: int) -> list[Text]:
        lines = self._lines(self._answer())
        return panels.legend(
            lines, sort=self.sort, width=width, height=height, glyphs=self._desk.glyphs
        )

    def _lines(self, answer: Answer | None) -> list[AnswerLine]:
        return panels.sorted_lines(answer, self.sort, self.wanted) if answer is not None else []


class QueryPane(CursorPane):
    """The chart: left and right go through time."""

    def action_move(self, rows: int, columns: int) -> None:
        """Left and right; up goes back to the line."""
        screen = self.query_ancestor(Query)
        if columns:
            screen.shift(columns)
        elif rows < 0:
            screen.input.focus()
