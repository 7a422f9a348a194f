"""Queries off the event loop: in a worker thread, within bounds, while someone waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from atlas.server.state import state_of
from atlas.store.budget import Budget

T = TypeVar("T")


async def off_the_loop(request: Request, work: Callable[[Budget], T]) -> T:
    """What `work` returns, within the server's bounds; it ends early if the client goes away."""
    budget = new_budget(request)
    watch = asyncio.create_task(_cancel_when_gone(request, budget))
    try:
        return await run_in_threadpool(work, budget)
    finally:
        watch.cancel()


def new_budget(request: Request) -> Budget:
    """What one query of this server may use."""
    bounds = state_of(request).settings.query
    return Budget(
        timeout_s=bounds.timeout_ms / 1000, datapoint_count_max=bounds.datapoint_count_max
    )


async def _cancel_when_gone(request: Request, budget: Budget) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    budget.cancel()
