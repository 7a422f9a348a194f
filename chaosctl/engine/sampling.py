"""Fetch every query each step, in the background; a store that hangs holds nobody up.

A step that ends at T is asked for at T + 0.4 s and again a step later; with the second answer it is
settled and judged. So a process that publishes late is still in, and a breach is told within 2 s of
its window's end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from chaosctl.context import Context, Inbox
from chaosctl.engine.probing import Asker, ProbeAnswer
from chaosctl.experiment.model import Check
from chaosctl.judge.samples import NO_SERIES, STEP_MS

ASK_AFTER_MS = 400
ANSWER_WITHIN_MS = 1_000
GIVE_UP_MS = 3_000
LOOK_BACK_MS = 6_000
"""How far back each question reaches, for data that comes late."""

FIRST_LOOK_BACK_MS = 10_000


class Store(Protocol):
    """What the engine asks of a query backend; called in a worker thread."""

    def fetch(
        self, queries: Sequence[str], start_ms: int, end_ms: int, timeout_s: float
    ) -> Mapping[str, Mapping[int, float]]:
        """Values by query and step end (ms), steps in (start, end]; no entry where no data is.

        Raises StoreSilent when it does not answer in time.
        """


@dataclass(frozen=True, slots=True)
class StoreAnswer:
    """Message: what came back of question `number`; an exception if the store failed."""

    number: int
    edge_ms: int
    content: Mapping[str, Mapping[int, float]] | BaseException


class Sampler:
    """Asks the store once a step, the probes as often as they want it, and keeps what came."""

    def __init__(
        self,
        queries: Iterable[str],
        store: Store,
        context: Context,
        inbox: Inbox,
        askers: Sequence[Asker] = (),
    ) -> None:
        self.queries = tuple(dict.fromkeys(queries))
        self.askers = {asker.key: asker for asker in askers}
        names = (*self.queries, *self.askers)
        self.samples: dict[str, dict[int, float]] = {name: {} for name in names}
        self.settled_ms = 0
        """End of the last step whose data will not change any more; 0 before the first answer."""
        self.error: BaseException | None = None
        """Of the last answer; None if that was well."""
        self._store, self._context, self._inbox = store, context, inbox
        self._number = 0
        self._asked_ms = 0
        self._next_ms = _edge(context.now_ms())
        self._is_waiting = False

    def ask_if_due(self) -> None:
        """Put the next questions if their time has come and the last are answered or given up."""
        for asker in self.askers.values():
            asker.ask_if_due()
        now_ms = self._context.now_ms()
        if self._is_waiting and now_ms - self._asked_ms < GIVE_UP_MS:
            return
        if now_ms < self._next_ms + ASK_AFTER_MS and self._number:
            return
        self._number += 1
        number, edge_ms = self._number, _edge(now_ms - ASK_AFTER_MS)
        back_ms = LOOK_BACK_MS if self.settled_ms else FIRST_LOOK_BACK_MS
        # After a silence everything since the last settled step is asked for again.
        start_ms = min(edge_ms - back_ms, self.settled_ms or edge_ms)

        def ask() -> Mapping[str, Mapping[int, float]]:
            timeout_s = ANSWER_WITHIN_MS / 1000
            if not self.queries:
                return {}
            return self._store.fetch(self.queries, start_ms, edge_ms, timeout_s)

        def answer(content: Mapping[str, Mapping[int, float]] | BaseException) -> None:
            self._inbox.put(StoreAnswer(number, edge_ms, content))

        self._is_waiting, self._asked_ms = True, now_ms
        self._next_ms = edge_ms + STEP_MS
        self._context.in_background(ask, answer)

    def due_in_s(self) -> float:
        """Until `ask_if_due` has something to do."""
        due_ms = self._asked_ms + GIVE_UP_MS if self._is_waiting else self._next_ms + ASK_AFTER_MS
        soonest_ms = min([due_ms, *(asker.due_ms() for asker in self.askers.values())])
        return max(0.0, (soonest_ms - self._context.now_ms()) / 1000)

    def take_probe(self, answer: ProbeAnswer) -> None:
        """Keep a probe's answer; it can be judged once its step is settled."""
        self.askers[answer.key].take(answer)

    def said_at(self, check: Check, end_ms: int) -> str:
        """What the check's probe said last by the end of that step; empty if it has none."""
        asker = self.askers.get(check.query)
        return asker.text_at(end_ms) if asker else ""

    def take(self, answer: StoreAnswer) -> bool:
        """Keep an answer; True if steps were settled by it."""
        if answer.number == self._number:
            self._is_waiting = False
        if isinstance(answer.content, BaseException):
            self.error = answer.content
            return False
        self.error = None
        for query, series in answer.content.items():
            kept = self.samples[query]
            kept.update((end, value) for end, value in series.items() if not math.isnan(value))
        before_ms, self.settled_ms = (
            self.settled_ms,
            max(self.settled_ms, answer.edge_ms - STEP_MS),
        )
        for asker in self.askers.values():
            found = ((end, v) for end, v in asker.values.items() if end <= self.settled_ms)
            self.samples[asker.key].update(found)
        return self.settled_ms > before_ms

    def silent_ms(self, check: Check, since_ms: int) -> int:
        """How long the check has had no data up to now, as far as that can be known by now.

        since_ms: from when on data is expected.
        """
        known_ms = max(self.settled_ms, self._overdue_ms())
        last_ms = max(self.samples.get(check.query, NO_SERIES), default=0)
        return max(0, known_ms - max(last_ms, since_ms))

    def unanswered_ms(self, since_ms: int) -> int:
        """How long the store has said nothing at all; since_ms: from when on that counts."""
        answered_ms = self.settled_ms + STEP_MS if self.settled_ms else 0
        return max(0, self._overdue_ms() - max(answered_ms, since_ms))

    def _overdue_ms(self) -> int:
        """Without an answer a step counts as silent once its second answer is overdue."""
        return _edge(self._context.now_ms() - ASK_AFTER_MS - ANSWER_WITHIN_MS) - STEP_MS


def _edge(at_ms: int) -> int:
    """The last edge between steps at or before this moment."""
    return at_ms // STEP_MS * STEP_MS
