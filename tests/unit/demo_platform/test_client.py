"""What a call does with the endings of its tries."""

import asyncio

import pytest

from demo_platform.hystrix.frames import frames
from demo_platform.service import ServiceFailed
from demo_platform.transport import Ending, Reply
from tests.unit.demo_platform.clients import (
    DEEPER,
    FAILED,
    GONE,
    OK,
    SHED,
    SILENT,
    SNAPSHOT_S,
    Jump,
    Scene,
    ScriptedPool,
    failure,
)


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
        assert stage.counted() == {
            "client.calls ok catalog": 1,
            "second success catalog ipc.client.call": 1,
        }

    jump(scene())


def test_retries_stay_within_the_budget_when_everything_is_shed(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(Reply(Ending.SHED, cause="other")))
        for _ in range(300):
            await failure(stage.call())
        retries = len(stage.pool.calls) - 300
        assert retries <= 10 + 0.2 * 300

    jump(scene())


def test_what_a_request_carries_is_done_to_it_alone_and_goes_on(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(OK))
        assert await failure(stage.call(fit="catalog=fail")) == ("catalog", 502)
        assert stage.pool.calls == []
        assert await stage.call() == {"fine": True}
        assert await stage.call(fit="abtest=fail") == {"fine": True}
        headers = [headers.get("x-fit") for _, headers, _ in stage.pool.calls]
        assert headers == [None, "abtest=fail"]
        assert stage.counted() == {
            "client.calls failed catalog": 1,
            "client.calls ok catalog": 2,
            "client.injected catalog": 1,
        }

    jump(scene())


def test_what_a_request_carries_is_fallen_back_from(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(OK))
        answer = await stage.call("recs", fit="recs=delay:1s")
        assert "rows" in answer
        assert stage.pool.calls == []

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
        await asyncio.sleep(SNAPSHOT_S)
        asked = len(stage.pool.calls)
        assert await failure(stage.call()) == ("catalog", 502)
        assert len(stage.pool.calls) == asked
        assert stage.counted() == {
            "hystrix.open catalog": 1,
            "client.calls failed catalog": 10,
            "client.calls short-circuited catalog": 1,
        }

    jump(scene())


def test_keeps_the_circuit_closed_when_somebody_further_down_fails(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(DEEPER))
        for _ in range(30):
            assert await failure(stage.call()) == ("customer", 502)
        assert "hystrix.open catalog" not in stage.counted()

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


def test_the_last_answer_stands_in_for_the_next(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(OK, GONE))
        assert await stage.call("steering") == {"fine": True}
        assert await stage.call("steering") == {"fine": True, "fallback": True}
        assert stage.counted()["client.calls fallback steering"] == 1

    jump(scene())


def test_there_is_no_last_answer_before_the_first(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(GONE))
        assert await failure(stage.call("steering")) == ("steering", 502)
        assert stage.counted() == {
            "client.calls failed steering": 1,
            "second failure steering ipc.client.call": 1,
        }

    jump(scene())


def test_falls_back_while_the_circuit_is_open(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(SILENT))
        for _ in range(10):
            await stage.call("recs")
        await asyncio.sleep(SNAPSHOT_S)
        asked = len(stage.pool.calls)
        for _ in range(2):
            await stage.call("recs")
        assert len(stage.pool.calls) == asked
        assert stage.counted() == {"hystrix.open recs": 1, "client.calls fallback recs": 12}

    jump(scene())


def test_a_service_that_blames_another_counts_as_a_bad_request(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(DEEPER))
        await failure(stage.call())
        await asyncio.sleep(1.0)
        (frame, *_) = frames(stage.client.runtime, wall_ms=0)
        assert (frame["name"], frame["rollingCountBadRequests"]) == ("catalog", 1)
        assert (frame["requestCount"], frame["rollingCountFallbackMissing"]) == (0, 0)

    jump(scene())


def test_a_service_that_takes_too_long_counts_as_a_time_out(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(SILENT))
        await failure(stage.call())
        await asyncio.sleep(1.0)
        (frame, *_) = frames(stage.client.runtime, wall_ms=0)
        assert (frame["rollingCountTimeout"], frame["errorCount"]) == (1, 1)

    jump(scene())


def test_a_command_times_out_after_all_its_tries(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(OK, takes_s=0.9))
        assert await failure(stage.call(left_s=9.0)) == ("catalog", 504)
        assert stage.properties("catalog").timeout_ms == 850
        stage.knobs.set("long-timeouts", True)
        await stage.call()
        assert stage.properties("catalog").timeout_ms == 20_250

    jump(scene())


def test_properties_are_obeyed_at_the_next_call(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(OK))
        name = "hystrix.command.catalog.circuitBreaker.forceOpen"
        await stage.call()
        stage.knobs.properties.write({"api": {name: True}})
        assert stage.counted()["hystrix.open catalog"] == 1
        assert await failure(stage.call()) == ("catalog", 502)
        stage.knobs.properties.write({"api": {name: True}, "i-7": {name: False}})
        await stage.call()
        assert "hystrix.open catalog" not in stage.counted()

    jump(scene())
