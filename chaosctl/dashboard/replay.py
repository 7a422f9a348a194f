"""A run at any instant of its life: live, or played again from its journal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from chaosctl.report.snapshot import Snapshot

STEP_MS = 1000


class Replay:
    """The events of one run and where one stands in them.

    at_ms: the instant that is shown, ms since the start; None follows what is new. is_playing:
    whether the instant moves with the clock.
    """

    def __init__(self) -> None:
        self.events: Sequence[Mapping[str, Any]] = ()
        self.at_ms: float | None = None
        self.is_playing = False
        self._snapshot = Snapshot()
        self._folded = 0
        self._until_ms = -math.inf

    @property
    def end_ms(self) -> float:
        """Time of the newest event."""
        return float(self.events[-1]["t_ms"]) if self.events else 0.0

    def snapshot(self) -> Snapshot:
        """The run at the instant. Folds only what is new, unless one went back."""
        until_ms = math.inf if self.at_ms is None else self.at_ms
        if until_ms < self._until_ms:
            self._snapshot, self._folded = Snapshot(), 0
        while self._folded < len(self.events):
            event = self.events[self._folded]
            if event["t_ms"] > until_ms:
                break
            self._snapshot.take(event)
            self._folded += 1
        self._until_ms = min(until_ms, self.end_ms)
        return self._snapshot

    def step(self, steps: int) -> None:
        """Go so many seconds back (negative) or on, and stay there."""
        self.is_playing = False
        here_ms = self.end_ms if self.at_ms is None else self.at_ms
        self.at_ms = min(max(0.0, here_ms + steps * STEP_MS), self.end_ms)

    def toggle(self) -> None:
        """Stop where it is, or go on; at the end, from the beginning."""
        if self.at_ms is None:
            self.at_ms, self.is_playing = self.end_ms, False
        else:
            self.is_playing = not self.is_playing

    def restart(self) -> None:
        """Play from the beginning."""
        self.at_ms, self.is_playing = 0.0, True

    def follow(self) -> None:
        """Show what is new again."""
        self.at_ms, self.is_playing = None, False

    def pass_time(self, ms: float) -> None:
        """The clock moved on."""
        if not self.is_playing or self.at_ms is None:
            return
        self.at_ms = min(self.at_ms + ms, self.end_ms)
        self.is_playing = self.at_ms < self.end_ms
