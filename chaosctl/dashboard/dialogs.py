"""What is asked before anything changes, and what is shown over the screens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from chaosctl.dashboard.consent import Consent
from chaosctl.dashboard.feeds import Feed
from chaosctl.dashboard.jobs import Job, command_text
from chaosctl.dashboard.panes import Pane
from chaosctl.report.glyphs import Glyphs, fitted, rule


class Dialog(ModalScreen[str]):
    """A box over the screen. Ends with a word that says what was answered; empty: nothing."""

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > Vertical { width: 94%; height: 85%; max-width: 130; }
    Dialog Input { padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer('')", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("pagedown", "scroll(10)", show=False),
    ]

    def __init__(self, title: str, glyphs: Glyphs) -> None:
        super().__init__()
        self.heading, self.glyphs = title, glyphs
        self.offset_lines = 0

    def compose(self) -> ComposeResult:
        """One pane; those that ask for text add a line to write in."""
        with Vertical():
            yield Pane(self._boxed, name="dialog")

    def body(self) -> Sequence[Text]:
        """The lines inside."""
        return []

    def keys(self) -> str:
        """What the last line says."""
        return "esc closes"

    def action_answer(self, answer: str) -> None:
        """End with this answer."""
        self.dismiss(answer)

    def action_scroll(self, lines: int) -> None:
        """Show what is further up or down."""
        self.offset_lines = max(0, self.offset_lines + lines)
        self.redraw()

    def redraw(self) -> None:
        """Draw again what is inside."""
        self.query_one("#dialog", Pane).refresh()

    def _boxed(self, width: int, height: int) -> list[Text]:
        glyphs, inner = self.glyphs, width - 2
        room = max(1, height - 3)
        lines = wrapped(self.body(), inner - 1)
        self.offset_lines = min(self.offset_lines, max(0, len(lines) - room))
        shown = lines[self.offset_lines : self.offset_lines + room]
        shown += [Text()] * (room - len(shown))
        hidden = len(lines) - self.offset_lines - room
        more = Text(f"{hidden} more lines: down" if hidden > 0 else "")
        top = rule(self.heading, more, width, glyphs, ends=glyphs.top)
        rows = [self._side(Text(" ").append_text(line), inner) for line in shown]
        rows.append(self._side(Text(f" {self.keys()}", style="bold"), inner))
        bottom = Text(glyphs.bottom[0] + glyphs.flat * inner + glyphs.bottom[1])
        return [top, *rows, bottom]

    def _side(self, line: Text, inner: int) -> Text:
        row = Text(self.glyphs.left, no_wrap=True)
        row.append_text(fitted(line, inner))
        row.append(self.glyphs.left)
        return row


class Ask(Dialog):
    """May this command be run? Shows it, and what it would do. Ends with `yes` or nothing.

    plan: a command that only reads, whose output says what would happen; its failure means no.
    consent: what must be said, and the command then; none: `y`. default_yes: enter says yes.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", show=False),
        Binding("n", "answer('')", show=False),
        Binding("enter", "enter", show=False),
    ]

    def __init__(
        self,
        title: str,
        arguments: Sequence[str],
        glyphs: Glyphs,
        *,
        about: str = "",
        plan: Job | None = None,
        consent: Feed[Consent] | None = None,
        default_yes: bool = False,
    ) -> None:
        super().__init__(title, glyphs)
        self._arguments, self._plan, self._consent = tuple(arguments), plan, consent
        self._about, self._default_yes = about, default_yes
        self._is_asking = False

    @property
    def arguments(self) -> tuple[str, ...]:
        """The command that a yes is for."""
        known = self._consent.value if self._consent is not None else None
        return known.arguments if known is not None else self._arguments

    @property
    def typed(self) -> str:
        """What must be written for a yes; empty: `y` is enough."""
        known = self._consent.value if self._consent is not None else None
        return known.typed if known is not None else ""

    def redraw(self) -> None:
        """With a line to write in, once it is known that something must be written."""
        super().redraw()
        if self.typed and not self._is_asking:
            self._is_asking = True
            line = Input(placeholder=f"type {self.typed} to go on", id="typed", compact=True)
            self.query_one(Vertical).mount(line)
            line.focus()

    def body(self) -> Sequence[Text]:
        """The command, what it is for, and its plan."""
        lines = [Text(f"$ {command_text(self.arguments)}", style="bold cyan"), Text()]
        lines += [Text(line) for line in self._about.splitlines()]
        if self._consent is not None and self._consent.error is not None:
            lines += [Text(line, style="yellow") for line in str(self._consent.error).splitlines()]
        if self._plan is None:
            return lines
        lines += [Text(line) for line in self._plan.lines]
        if self._plan.code is None:
            lines.append(Text("making the plan", style="dim"))
        elif self._plan.code:
            lines += [Text(), Text("this cannot be run: there is nothing to say yes to")]
        return lines

    def keys(self) -> str:
        """What can be answered now."""
        if not self._may:
            return "esc or n: no"
        if self.typed:
            return f"type {self.typed} and enter to go on   esc: no"
        return "enter or y: yes   esc or n: no" if self._default_yes else "y: yes   esc or n: no"

    def action_yes(self) -> None:
        """Yes, if there is a plan that stands and nothing has to be written."""
        if self._may and not self.typed:
            self.dismiss("yes")

    def action_enter(self) -> None:
        """The default."""
        if self._default_yes:
            self.action_yes()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Yes, if it is what was to be written."""
        if self._may and event.value.strip() == self.typed:
            self.dismiss("yes")

    @property
    def _may(self) -> bool:
        is_known = self._consent is None or self._consent.value is not None
        return is_known and (self._plan is None or self._plan.code == 0)


class Output(Dialog):
    """What a command prints, as it comes. Closing it does not end the command."""

    def __init__(self, job: Job, glyphs: Glyphs) -> None:
        super().__init__("command", glyphs)
        self.job = job

    def body(self) -> Sequence[Text]:
        """The command and its lines."""
        return [Text(f"$ {self.job.text}", style="bold cyan"), Text(), *map(Text, self.job.lines)]

    def keys(self) -> str:
        """How it ended, if it has."""
        if self.job.code is None:
            return "running; esc closes this, the command goes on"
        return f"ended with exit code {self.job.code}   esc closes"


class Told(Dialog):
    """Text to read."""

    def __init__(self, title: str, lines: Sequence[str], glyphs: Glyphs) -> None:
        super().__init__(title, glyphs)
        self._lines = [Text(line) for line in lines]

    def body(self) -> Sequence[Text]:
        """The text."""
        return self._lines


class Choose(Dialog):
    """A question with a key for each answer; ends with the key."""

    def __init__(self, title: str, lines: Sequence[str], answers: Sequence[str], glyphs: Glyphs):
        super().__init__(title, glyphs)
        self._lines, self._answers = [Text(line) for line in lines], answers

    def body(self) -> Sequence[Text]:
        """The question."""
        return self._lines

    def keys(self) -> str:
        """Which keys answer."""
        return f"{', '.join(self._answers)}; esc goes back"

    def on_key(self, event: events.Key) -> None:
        """An answer."""
        if event.character in self._answers:
            event.stop()
            self.dismiss(event.character)


class Prompt(Dialog):
    """One line to write; ends with it. changed: told of each change on the way."""

    DEFAULT_CSS = """
    Prompt { align: center bottom; }
    Prompt > Vertical { width: 100%; height: 1; max-width: 1000; }
    """

    def __init__(
        self, sign: str, text: str, glyphs: Glyphs, changed: Callable[[str], None] | None = None
    ) -> None:
        super().__init__(sign, glyphs)
        self._text, self._changed = text, changed

    def compose(self) -> ComposeResult:
        """The line."""
        with Vertical():
            yield Input(self._text, placeholder=self.heading, id="prompt", compact=True)

    def redraw(self) -> None:
        """Nothing but the line is shown."""

    def on_input_changed(self, event: Input.Changed) -> None:
        """Told on the way."""
        if self._changed is not None:
            self._changed(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Done."""
        self.dismiss(event.value)


def wrapped(lines: Sequence[Text], width: int) -> list[Text]:
    """Lines broken between words where they are longer than the width."""
    rows = []
    for line in lines:
        rest = line
        while len(rest) > width:
            space = rest.plain.rfind(" ", width // 2, width + 1)
            at = space + 1 if space >= 0 else width
            first, rest = rest.divide([at])
            rows.append(first)
        rows.append(rest)
    return rows
