"""What switches make of a call."""

import asyncio

import pytest

from demo_platform.transport import Ending, Reply
from tests.unit.demo_platform.clients import (
    DEEPER,
    FAILED,
    GONE,
    OK,
    SHED,
    SILENT,
    Jump,
    Scene,
    ScriptedPool,
    failure,
)


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


def test_without_bulkheads_the_slow_leave_no_place_to_the_others(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(OK, takes_s=0.15), "no-bulkhead")
        slow = [asyncio.create_task(stage.call("steering")) for _ in range(16)]
        await asyncio.sleep(0.01)
        assert await failure(stage.call()) == ("catalog", 502)
        await asyncio.gather(*slow)
        assert stage.counted() == {
            "client.calls failed catalog": 1,
            "client.calls ok steering": 16,
            "hystrix.rejected catalog": 1,
        }
        stage.knobs.set("no-bulkhead", False)
        slow = [asyncio.create_task(stage.call("steering")) for _ in range(40)]
        await asyncio.sleep(0.01)
        assert await stage.call() == {"fine": True}
        await asyncio.gather(*slow)
        assert stage.counted()["hystrix.rejected steering"] == 8

    jump(scene())


def test_what_is_left_undeclared_is_as_set_for_all_again(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(OK), "no-bulkhead")
        name = "hystrix.command.default.threadPoolKeyOverride"
        stage.knobs.properties.write({"api": {name: "all"}})
        for on, pool in ((True, "shared"), (False, "all")):
            stage.knobs.set("no-bulkhead", on)
            await stage.call()
            assert stage.properties("catalog").pool_override == pool

    jump(scene())


def test_without_a_next_server_there_is_one_try(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(GONE, OK), "no-next-server")
        assert await failure(stage.call()) == ("catalog", 502)
        assert len(stage.pool.calls) == 1

    jump(scene())


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ((GONE, GONE, Reply(Ending.ANSWERED, b'{"caches":["provider-2.r"]}')), "bigger-artwork"),
        ((GONE, GONE, OK), "control"),
        ((GONE,), None),
        ((GONE, GONE, SILENT), None),
    ],
)
def test_a_fallback_that_calls_a_service_fails_with_it(
    jump: Jump, replies: tuple[Reply, ...], expected: str | None
) -> None:
    async def scene() -> None:
        stage = Scene(ScriptedPool(*replies), "fallback-calls-service")
        if expected is None:
            assert await failure(stage.call("abtest")) == ("abtest", 502)
            assert "client.calls fallback abtest" not in stage.counted()
        else:
            assert (await stage.call("abtest"))["cell"] == expected
            assert stage.counted()["client.calls fallback abtest"] == 1
        assert stage.calls_made() == {"allocate": 2, "rank": len(stage.pool.calls) - 2}
        stage.knobs.set("fallback-calls-service", False)
        stage.pool.replies = [GONE]
        assert (await stage.call("abtest"))["cell"] == "control"

    jump(scene())


def test_what_stands_in_for_recommendations_may_be_asked_of_the_catalog(jump: Jump) -> None:
    async def scene() -> None:
        counted = Reply(Ending.ANSWERED, b'{"rows":[{"name":"popular","titles":[7]}]}')
        stage = Scene(ScriptedPool(GONE, GONE, counted, GONE), "fallback-calls-catalog")
        rows = [{"name": "popular", "titles": [7]}]
        assert await stage.call("recs") == {"rows": rows, "fallback": True}
        assert stage.calls_made() == {"rows": 2, "popular": 1}
        assert await failure(stage.call("recs")) == ("recs", 502)
        stage.knobs.set("fallback-calls-catalog", False)
        assert (await stage.call("recs"))["rows"] != rows

    jump(scene())
