"""Screen 6: the store about itself."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical

from chaosctl.dashboard.desk import Desk
from chaosctl.dashboard.panels.store import store
from chaosctl.dashboard.panes import CursorPane


class StoreScreen(Vertical):
    """Numbers only."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(id="store")
        self._desk = desk
        self._is_known = False

    def compose(self) -> ComposeResult:
        """One pane."""
        yield CursorPane(self._draw, name="facts", shape=list)

    def tick(self) -> None:
        """Ask what is due."""
        self._desk.facts.ask_if_due()

    def heard(self) -> bool:
        """Whether there is a first answer; the others wait for the tick."""
        is_new, self._is_known = not self._is_known, self._desk.facts.value is not None
        return is_new and self._is_known

    def command(self) -> list[str]:
        """What the command line knows of it."""
        return ["atlas", "tags"]

    def _draw(self, width: int, height: int) -> list[Text]:
        feed = self._desk.facts
        return store(
            feed.fresh,
            silent_s=feed.silent_s(),
            where=self._desk.store.address,
            trouble=str(feed.error or ""),
            width=width,
            height=height,
            glyphs=self._desk.glyphs,
        )
