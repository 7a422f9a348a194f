"""Queries end when their time is up, when they read too much, and when nobody waits for them."""

from __future__ import annotations

import asyncio
import threading

import pytest

from atlas.server.query_work import QueryWork
from atlas.settings import QueryBounds, RequestSettings
from atlas.store.budget import Budget, Cancelled


class _Request:
    """As much of a request as the work looks at; `gone` is when its client leaves."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}


def test_query_ends_when_its_client_goes_away():
    async def scenario():
        request, queries = _Request(), QueryWork(QueryBounds())
        started = threading.Event()

        def work(budget: Budget) -> None:
            started.set()
            while True:
                budget.check()

        running = asyncio.ensure_future(queries.run(request, "q", work))
        await asyncio.to_thread(started.wait, 5)
        request.gone.set()
        with pytest.raises(Cancelled):
            await asyncio.wait_for(running, 5)

    asyncio.run(scenario())


def test_answer_comes_back_and_nothing_is_left_watching():
    async def scenario():
        assert await QueryWork(QueryBounds()).run(_Request(), "q", lambda _: 42) == 42
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


def test_what_was_short_the_last_time_is_done_at_once_and_all_else_in_a_thread():
    took_s = {"short": 0.001, "long": 0.5, "sometimes": 0.001}
    now_s = [0.0]
    queries = QueryWork(QueryBounds(), lambda: now_s[0])
    here = threading.get_ident()

    def ask(question):
        def work(_):
            now_s[0] += took_s[question]
            return threading.get_ident() == here

        return asyncio.run(queries.run(_Request(), question, work))

    assert [ask(question) for question in took_s] == [False, False, False]
    assert [ask(question) for question in took_s] == [True, False, True]
    took_s["sometimes"] = 0.3
    assert [ask("sometimes"), ask("sometimes")] == [True, False]
    for number in range(2000):
        took_s[number] = 0.0
        ask(number)
    assert not ask("short")  # forgotten, as so many others came since


def test_what_takes_long_on_the_loop_for_once_goes_on_in_a_thread():
    queries = QueryWork(QueryBounds(), lambda: 0.0)
    here = threading.get_ident()
    heavy = [False]
    threads = []

    def work(budget):
        threads.append("loop" if threading.get_ident() == here else "thread")
        while heavy[0] and threads[-1] == "loop":
            budget.check()
        return threads[-1]

    def ask():
        return asyncio.run(queries.run(_Request(), "q", work))

    answers = [ask(), ask()]
    heavy[0] = True
    answers.append(ask())
    assert answers == ["thread", "loop", "thread"]
    assert threads == ["thread", "loop", "loop", "thread"]


def test_a_failure_counts_as_an_answer():
    queries = QueryWork(QueryBounds(), lambda: 0.0)
    threads = []

    def work(_):
        threads.append(threading.get_ident())
        raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            asyncio.run(queries.run(_Request(), "q", work))
    assert threads[0] != threads[1] == threading.get_ident()


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
