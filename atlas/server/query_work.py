"""Queries within bounds: short ones at once, others off the event loop while someone waits."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from atlas.settings import QueryBounds
from atlas.store.budget import Budget, TimedOut

T = TypeVar("T")

_SHORT_S = 0.005
_ON_LOOP_S_MAX = 0.05
_WATCHED_S = 0.02
_QUESTIONS_MAX = 1024


class QueryWork:
    """Runs what answers a question, and remembers which questions took how long.

    What was short the last time runs on the event loop: a thread would cost it as much again. All
    else runs in a worker thread, so that batches are taken meanwhile.
    """

    def __init__(
        self, bounds: QueryBounds, clock_s: Callable[[], float] = time.perf_counter
    ) -> None:
        self._bounds = bounds
        self._clock_s = clock_s
        self._took_s: dict[Hashable, float] = {}
        self._lock = threading.Lock()

    def budget(self, timeout_s: float = math.inf) -> Budget:
        """What one query may use."""
        return Budget(
            timeout_s=min(timeout_s, self._bounds.timeout_ms / 1000),
            datapoint_count_max=self._bounds.datapoint_count_max,
        )

    async def run(self, request: Request, question: Hashable, work: Callable[[Budget], T]) -> T:
        """What `work` returns; it ends early if the client goes away."""

        def timed(budget: Budget) -> T:
            began_s = self._clock_s()
            try:
                return work(budget)
            finally:
                self._note(question, self._clock_s() - began_s)

        if self._took_s.get(question, _SHORT_S) < _SHORT_S:
            # The same program over other data may take long; then it starts again in a thread.
            with suppress(TimedOut):
                return timed(self.budget(_ON_LOOP_S_MAX))
        budget = self.budget()
        return await _off_the_loop(request, budget, lambda: timed(budget))

    def _note(self, question: Hashable, took_s: float) -> None:
        with self._lock:
            self._took_s.pop(question, None)
            self._took_s[question] = took_s
            if len(self._took_s) > _QUESTIONS_MAX:
                del self._took_s[next(iter(self._took_s))]


async def _off_the_loop(request: Request, budget: Budget, work: Callable[[], T]) -> T:
    watching: list[asyncio.Task[None]] = []

    def watch() -> None:
        watching.append(asyncio.create_task(_cancel_when_gone(request, budget)))

    # Nobody goes away so soon, and a task for each query would be felt.
    timer = asyncio.get_running_loop().call_later(_WATCHED_S, watch)
    try:
        return await run_in_threadpool(work)
    finally:
        timer.cancel()
        for task in watching:
            task.cancel()


async def _cancel_when_gone(request: Request, budget: Budget) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    budget.cancel()
