"""What a call does with the endings of its tries."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from demo_platform.balancer import Peer
from demo_platform.client import Client
from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters
from demo_platform.pool import Pool
from demo_platform.registry import Registered
from demo_platform.service import Body, Dependency, Request, ServiceFailed
from demo_platform.transport import Ending, Reply

Jump = Callable[[Coroutine[Any, Any, Any]], Any]

OK = Reply(Ending.ANSWERED, b'{"fine":true}')
SHED = Reply(Ending.SHED, cause="catalog")
DEEPER = Reply(Ending.FAILED, cause="customer")
FAILED = Reply(Ending.FAILED, cause="catalog")
SILENT = Reply(Ending.TIMED_OUT)
GONE = Reply(Ending.UNREACHABLE)
DEPENDENCIES = (
    Dependency("catalog", timeout_s=0.3, in_flight_max=2),
    Dependency("recs", timeout_s=0.2, is_optional=True),
)


class ScriptedPool(Pool):
    """Answers from a script; the last line is repeated for ever."""

    def __init__(self, *replies: Reply, instances: int = 3, takes_s: float = 0.0) -> None:
        self.replies = list(replies)
        self.takes_s = takes_s
        self.peers = [
            Peer(Registered(f"i-{n}", "x", "r", "abc"[n], "127.0.0.1", 1, "UP"))
            for n in range(instances)
        ]
        self.calls: list[tuple[str, dict[str, str], float]] = []
        self.avoided: list[frozenset[str]] = []

    def choose(
        self, service: str, *, tried: Sequence[Peer], avoid_zones: frozenset[str]
    ) -> Peer | None:
        self.avoided.append(avoid_zones)
        return next((peer for peer in self.peers if peer not in tried), None)

    async def post(
        self, peer: Peer, route: str, *, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Reply:
        self.calls.append((peer.id, headers, timeout_s))
        await asyncio.sleep(self.takes_s)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class Scene:
    """A client on a scripted pool; must be made inside a running loop."""

    def __init__(self, pool: ScriptedPool, *on: str) -> None:
        knobs = Knobs()
        for name in on:
            knobs.set(name, True)
        self.pool = pool
        self.meters = Meters({})
        self.client = Client(DEPENDENCIES, pool=pool, knobs=knobs, meters=self.meters)

    async def call(self, service: str = "catalog", *, left_s: float = 1.0) -> Body:
        deadline = asyncio.get_running_loop().time() + left_s
        request = Request("play", {}, deadline, "r-1")
        return await self.client.call(service, "title", {}, request)

    def counted(self) -> dict[str, float]:
        """Series that are not 0, as name target [outcome]."""
        metrics = json.loads(self.meters.take(timestamp_ms=0, span_s=1.0))["metrics"]
        return {
            " ".join(value for key, value in sorted(metric["tags"].items()) if "." not in key): (
                metric["value"]
            )
            for metric in metrics
            if metric["value"]
        }


def failure(coroutine: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, tuple[str, int]]:
    """The cause and status that a call fails with."""

    async def run() -> tuple[str, int]:
        with pytest.raises(ServiceFailed) as caught:
            await coroutine
        return caught.value.cause, caught.value.status

    return run()


@pytest.mark.parametrize(
    ("replies", "tries", "expected"),
    [
        ((OK,), 1, None),
        ((GONE, OK), 2, None),
        ((SILENT, OK), 2, None),
        ((SHED, OK), 2, None),
        ((GONE,), 2, ("catalog", 502)),
        ((SILENT,), 2, ("catalog", 504)),
        ((SHED,), 2, ("catalog", 502)),
        ((FAILED, OK), 1, ("catalog", 502)),
        ((DEEPER, OK), 1, ("customer", 502)),
        ((Reply(Ending.ANSWERED, b"<html>"),), 1, ("catalog", 502)),
    ],
)
def test_tries_again_only_what_another_instance_may_do_better(
    jump: Jump, replies: tuple[Reply, ...], tries: int, expected: tuple[str, int] | None
) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(*replies))
        if expected is None:
            assert await stage.call() == {"fine": True}
        else:
            assert await failure(stage.call()) == expected
        assert len(stage.pool.calls) == tries

    jump(scene())


def test_a_retry_says_so_and_avoids_the_silent_zone(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(GONE, OK))
        await stage.call()
        (first, first_headers, _), (second, second_headers, _) = stage.pool.calls
        assert (first, second) == ("i-0", "i-1")
        assert "x-retry-attempt" not in first_headers
        assert second_headers["x-retry-attempt"] == "1"
        assert first_headers["x-request-id"] == second_headers["x-request-id"] == "r-1"
        assert stage.pool.avoided == [frozenset(), frozenset({"a"})]
        assert stage.counted() == {"client.calls ok catalog": 1, "client.retries catalog": 1}

    jump(scene())


def test_retries_stay_within_the_budget_when_everything_is_shed(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(Reply(Ending.SHED, cause="other")))
        for _ in range(300):
            await failure(stage.call())
        retries = len(stage.pool.calls) - 300
        assert retries <= 10 + 0.2 * 300

    jump(scene())


def test_carries_what_is_left_of_the_deadline(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(OK))
        await stage.call(left_s=0.1)
        _, headers, timeout_s = stage.pool.calls[0]
        assert timeout_s == pytest.approx(0.09)
        assert int(headers["x-deadline-ms"]) in {89, 90}

    jump(scene())


def test_does_not_try_when_the_deadline_has_passed(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(OK))
        assert await failure(stage.call(left_s=0.0)) == ("catalog", 504)
        assert stage.pool.calls == []

    jump(scene())


def test_fails_when_there_is_no_instance(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(OK, instances=0))
        assert await failure(stage.call()) == ("catalog", 504)

    jump(scene())


def test_opens_the_circuit_when_the_service_keeps_failing(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(FAILED))
        for _ in range(10):
            await failure(stage.call())
        asked = len(stage.pool.calls)
        assert await failure(stage.call()) == ("catalog", 502)
        assert len(stage.pool.calls) == asked
        assert stage.counted() == {
            "breaker.open catalog": 1,
            "client.calls failed catalog": 10,
            "client.calls short-circuited catalog": 1,
        }

    jump(scene())


def test_keeps_the_circuit_closed_when_somebody_further_down_fails(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(DEEPER))
        for _ in range(30):
            assert await failure(stage.call()) == ("customer", 502)
        assert "breaker.open catalog" not in stage.counted()

    jump(scene())


def test_the_bulkhead_refuses_when_too_many_calls_are_under_way(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(OK, takes_s=0.2))
        calls = [stage.call() for _ in range(5)]
        endings = await asyncio.gather(*calls, return_exceptions=True)
        assert [isinstance(ending, ServiceFailed) for ending in endings] == [False] * 2 + [True] * 3

    jump(scene())


@pytest.mark.parametrize("reply", [GONE, SILENT, SHED, FAILED, DEEPER])
def test_an_optional_dependency_falls_back(jump: Jump, reply: Reply) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(reply))
        assert (await stage.call("recs"))["fallback"] is True
        assert stage.counted()["client.calls fallback recs"] == 1

    jump(scene())


def test_an_optional_dependency_is_not_waited_for_twice(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(SILENT))
        await stage.call("recs")
        assert len(stage.pool.calls) == 1

    jump(scene())


def test_falls_back_while_the_circuit_is_open(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(SILENT))
        for _ in range(12):
            await stage.call("recs")
        assert stage.counted() == {"breaker.open recs": 1, "client.calls fallback recs": 12}

    jump(scene())


def test_no_fallback_lets_an_optional_dependency_fail_its_caller(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(GONE), "no-fallback")
        assert await failure(stage.call("recs")) == ("recs", 502)

    jump(scene())


def test_long_timeouts_carry_no_deadline(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(OK), "long-timeouts")
        await stage.call(left_s=0.1)
        _, headers, timeout_s = stage.pool.calls[0]
        assert timeout_s == 10.0
        assert "x-deadline-ms" not in headers

    jump(scene())


@pytest.mark.parametrize("reply", [GONE, SILENT, SHED, FAILED, DEEPER])
def test_a_retry_storm_tries_three_times_whatever_went_wrong(jump: Jump, reply: Reply) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(reply), "retry-storm")
        await failure(stage.call())
        assert len(stage.pool.calls) == 3

    jump(scene())
