"""Asks the probes of a hypothesis again and again, each in a thread of its own, as a store does.

An answer is 1 within its tolerance, else 0. It stands until the next one comes; of several in one
step the worst counts. A probe that says nothing for longer than its time has no data.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chaosctl.drivers.activities.activity import Activity, Answer
from chaosctl.drivers.activities.performing import Performer

STEP_MS = 1000
KEPT = 2_000
PREFIX = "probe:"
SLACK_MS = 2_000


@dataclass(frozen=True, slots=True)
class Look:
    """One question and its answer, epoch ms."""

    asked_ms: int
    answered_ms: int
    is_met: bool
    text: str


class Looking:
    """The probes' answers by step, asked for like the queries of a store."""

    def __init__(
        self,
        probes: Sequence[Activity],
        performer: Performer,
        *,
        every_ms: int,
        now_ms: Callable[[], int],
    ) -> None:
        self._performer, self._every_ms, self._now_ms = performer, every_ms, now_ms
        self._looks: dict[str, deque[Look]] = {p.name: deque(maxlen=KEPT) for p in probes}
        self._limits_ms = {
            p.name: round(1000 * performer.seconds(p.limit_s, p.secrets)) for p in probes
        }
        self._ended = threading.Event()
        for probe in probes:
            threading.Thread(target=self._ask, args=(probe,), daemon=True).start()

    def fetch(
        self, queries: Sequence[str], start_ms: int, end_ms: int, timeout_s: float
    ) -> Mapping[str, Mapping[int, float]]:
        """Values by `probe:<name>` and step end, steps in (start, end]."""
        del timeout_s
        return {query: self._values(query, start_ms, end_ms) for query in queries}

    def has_looked_since(self, at_ms: int) -> bool:
        """Whether each probe was asked, and answered, since then."""
        return all(looks and looks[-1].asked_ms >= at_ms for looks in self._looks.values())

    def last_trouble(self, name: str) -> str:
        """What the probe last said when it was out of tolerance; empty if it never was."""
        looks = list(self._looks.get(name, ()))
        return next((look.text for look in reversed(looks) if not look.is_met), "")

    def end(self) -> None:
        """Ask no more."""
        self._ended.set()
        self._performer.end_all(within_s=0)

    def _ask(self, probe: Activity) -> None:
        while not self._ended.is_set():
            asked_ms = self._now_ms()
            answer: Answer = self._performer.perform(probe)
            is_met = self._performer.is_within(probe, answer)
            if self._ended.is_set():
                return
            look = Look(asked_ms, self._now_ms(), is_met, answer.text)
            self._looks[probe.name].append(look)
            left_ms = asked_ms + self._every_ms - self._now_ms()
            self._ended.wait(max(0.05, left_ms / 1000))

    def _values(self, query: str, start_ms: int, end_ms: int) -> dict[int, float]:
        name = query.removeprefix(PREFIX)
        looks = list(self._looks.get(name, ()))
        stands_ms = self._limits_ms.get(name, 0) + self._every_ms + SLACK_MS
        first = (start_ms // STEP_MS + 1) * STEP_MS
        found = {}
        for end in range(first, end_ms + 1, STEP_MS):
            known = [look for look in looks if look.answered_ms <= end]
            inside = [look for look in known if look.answered_ms > end - STEP_MS]
            if inside or (known and known[-1].answered_ms > end - stands_ms):
                found[end] = float(all(look.is_met for look in inside or known[-1:]))
        return found
