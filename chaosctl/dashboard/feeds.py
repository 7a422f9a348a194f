"""Questions that are asked again and again in the background, and what the last answer was.

The screen never waits: a feed has at most one thread, which is a daemon, so that an answer that
never comes holds up neither the next drawing nor the end of the program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from chaosctl.context import Context

T = TypeVar("T")
STALE_S = 3.0
"""An answer that is older than this is no longer shown as if it were true."""


class Feed(Generic[T]):
    """One question. `value` is the last answer; `error` why there is no newer one.

    is_waiting: whether a question is open.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], T],
        context: Context,
        *,
        every_s: float,
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.value: T | None = None
        self.error: Exception | None = None
        self._work, self._context, self._every_s = work, context, every_s
        self._heard = heard
        self._asked_s: float | None = None
        self._answered_s: float | None = None
        self._born_s = context.monotonic()
        self.is_waiting = False

    def ask_if_due(self) -> None:
        """Ask, unless the last question is still open or was asked only just now."""
        now_s = self._context.monotonic()
        is_due = self._asked_s is None or now_s - self._asked_s >= self._every_s - 0.05
        if not self.is_waiting and is_due:
            self.ask()

    def ask(self) -> None:
        """Ask now, unless the last question is still open."""
        if self.is_waiting:
            return
        self.is_waiting = True
        self._asked_s = self._context.monotonic()
        self._context.in_background(self._work, self._take)

    def silent_s(self) -> float:
        """Seconds since the last answer, or since the beginning."""
        since_s = self._born_s if self._answered_s is None else self._answered_s
        return self._context.monotonic() - since_s

    @property
    def fresh(self) -> T | None:
        """The last answer, unless it is too old to be shown."""
        return None if self.silent_s() > max(STALE_S, 2.5 * self._every_s) else self.value

    def _take(self, answer: T | Exception) -> None:
        """The answer came; in the thread that asked."""
        self.is_waiting = False
        if isinstance(answer, Exception):
            self.error = answer
        else:
            self.value, self.error = answer, None
            self._answered_s = self._context.monotonic()
        self._heard()
