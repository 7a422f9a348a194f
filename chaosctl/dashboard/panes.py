"""Widgets that show what a panel draws, and those with a cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from chaosctl.report.glyphs import Glyphs, plain_signs

Draw = Callable[[int, int], Sequence[Text]]
"""Width and height in cells to lines."""


FAR = 100_000
"""More rows than any list has: to its first or its last."""


class Heard(Message):
    """A feed has an answer, or a command has said something."""


class Pane(Widget):
    """What a function draws for its size; drawn when it is refreshed, and only then."""

    DEFAULT_CSS = "Pane { width: 1fr; height: 1fr; }"

    def __init__(self, draw: Draw, *, name: str, id: str | None = None) -> None:  # noqa: A002 - the name that Widget gives it
        super().__init__(name=name, id=id or name)
        self._draw = draw

    def render(self) -> Text:
        """The lines as one text."""
        width, height = self.size.width, self.size.height
        if width <= 0 or height <= 0:
            return Text()
        lines = self._draw(width, height)[:height]
        glyphs: Glyphs | None = getattr(self.app, "glyphs", None)
        if glyphs is not None:
            lines = [plain_signs(line, glyphs) for line in lines]
        return Text("\n", no_wrap=True, end="").join(lines)


class CursorPane(Pane, can_focus=True):
    """A pane in which something is selected. row, column: from 0."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1, 0)", show=False),
        Binding("down", "move(1, 0)", show=False),
        Binding("left", "move(0, -1)", show=False),
        Binding("right", "move(0, 1)", show=False),
        Binding("pageup", "move(-10, 0)", show=False),
        Binding("pagedown", "move(10, 0)", show=False),
        Binding("home", f"move({-FAR}, 0)", show=False),
        Binding("end", f"move({FAR}, 0)", show=False),
        Binding("enter", "choose", show=False),
    ]

    class Chosen(Message):
        """Enter was pressed on the selection."""

        def __init__(self, pane: CursorPane) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, draw: Draw, *, name: str, shape: Callable[[], Sequence[int]]) -> None:
        """shape: how many columns each row has."""
        super().__init__(draw, name=name)
        self.row = self.column = 0
        self._shape = shape

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor, as far as there is anything."""
        shape = self._shape()
        self.row = min(max(0, self.row + rows), max(0, len(shape) - 1))
        count = shape[self.row] if shape else 1
        self.column = min(max(0, self.column + columns), max(0, count - 1))
        self.refresh()

    def action_choose(self) -> None:
        """Say that the selection is meant."""
        self.post_message(self.Chosen(self))

    def on_focus(self, _event: events.Focus) -> None:
        """The title shows it."""
        self.refresh()

    def on_blur(self, _event: events.Blur) -> None:
        """The title shows it."""
        self.refresh()


class ListPane(CursorPane):
    """A list with a title in its first line; a click selects the row, another one chooses it."""

    def on_click(self, event: events.Click) -> None:
        """Select what was clicked."""
        from chaosctl.dashboard.panels.lists import first_shown  # noqa: PLC0415 - beside its use

        count, room = len(self._shape()), self.size.height - 1
        row = first_shown(count, room, self.row) + event.y - 1
        if event.y < 1 or row >= count:
            return
        was_chosen, self.row = row == self.row, row
        if was_chosen:
            self.action_choose()
        self.refresh()
