"""Queries end when their time is up, when they read too much, and when nobody waits for them."""

from __future__ import annotations

import asyncio
import threading

import pytest

from atlas.server.app import make_app
from atlas.server.query_work import off_the_loop
from atlas.settings import QueryBounds, RequestSettings
from atlas.store.budget import Budget, Cancelled
from atlas.store.memory import MemoryStore, StoreConfig


class _Request:
    """As much of a request as the work looks at; `gone` is when its client leaves."""

    def __init__(self, bounds: QueryBounds) -> None:
        self.app = make_app(MemoryStore(StoreConfig()), lambda: 0, RequestSettings(query=bounds))
        self.gone = asyncio.Event()

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}


def test_query_ends_when_its_client_goes_away():
    async def scenario():
        request = _Request(QueryBounds())
        started = threading.Event()

        def work(budget: Budget) -> None:
            started.set()
            while True:
                budget.check()

        running = asyncio.ensure_future(off_the_loop(request, work))
        await asyncio.to_thread(started.wait, 5)
        request.gone.set()
        with pytest.raises(Cancelled):
            await asyncio.wait_for(running, 5)

    asyncio.run(scenario())


def test_answer_comes_back_and_nothing_is_left_watching():
    async def scenario():
        assert await off_the_loop(_Request(QueryBounds()), lambda _: 42) == 42
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["/api/v1/graph?format=json&q={q}", "/api/v2/fetch?q={q}"])
@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (QueryBounds(datapoint_count_max=1), "too many input datapoints"),
        (QueryBounds(timeout_ms=0), "query timed out after 0 s"),
    ],
)
def test_bounds_of_a_server_hold(filled_with, now_ms, path, bounds, message):
    caller = filled_with(RequestSettings(query=bounds))
    answer = caller.call("GET", path.format(q="name,cpu,:eq") + f"&e={now_ms}&s=e-30m")
    assert message in answer.body.decode()
    if "graph" in path:
        assert answer.status == (503 if "timed out" in message else 400)
        assert answer.json["fix"]
