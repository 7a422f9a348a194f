"""A watchdog that undoes nothing, for runs in virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field

from chaosctl.context import Inbox
from chaosctl.engine.lease import WatchdogDied
from chaosctl.engine.process import ProcessId


@dataclass(slots=True)
class SimulatedWatchdog:
    """A watchdog that only notes what it is told."""

    inbox: Inbox
    process: ProcessId = field(default_factory=lambda: ProcessId(1, 0))
    last_word: str = ""

    def extend(self, seconds: float) -> None:
        assert seconds >= 0

    def done(self) -> None:
        self.last_word = "done"

    def leave(self) -> None:
        self.last_word = "left"

    def die(self) -> None:
        self.inbox.put(WatchdogDied())
