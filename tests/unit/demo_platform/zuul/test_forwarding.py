"""What an edge passes on to another region's, and what it never does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from demo_platform.transport import Ending, Reply
from demo_platform.zuul.forwarding import FROM_HEADER, look_while
from demo_platform.zuul.routes import ROUTES
from tests.unit.demo_platform.zuul.edges import EdgeScene, ScriptedPool

Jump = Callable[[Coroutine[Any, Any, Any]], Any]
HERE, THERE = "us-east-1", "us-west-2"


class Stage(EdgeScene):
    """An edge with a neighbour, and how its dial stands."""

    def __init__(self, folder: Path, share: float, *replies: Reply) -> None:
        self.abroad = ScriptedPool(replies) if replies else ScriptedPool()
        super().__init__(folder, abroad=self.abroad)
        self.turn(HERE, share)

    def turn(self, region: str, share: float) -> None:
        self.knobs.turn(f"proxy-{region}", share)

    async def where(self, path: str = "/play", member: int = 7, **headers: str) -> str:
        """Who is asked for one request, here or abroad."""
        before = len(self.pool.calls), len(self.abroad.calls)
        await self.ask(path, b'{"member":%d}' % member, **headers)
        here, there = len(self.pool.calls) - before[0], len(self.abroad.calls) - before[1]
        return "here" * bool(here) + "there" * bool(there)


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_is_passed_on_as_it_was_asked_for(
    jump: Jump, tmp_path: Path, route: str
) -> None:
    async def scene() -> None:
        stage = Stage(tmp_path, 1.0)
        headers = {"authorization": "Bearer x", "x-member": "7", "x-cohort": "control"}
        stage.set(zuul__filter__check_token__disabled=True)
        named = {name.replace("-", "_"): value for name, value in headers.items()}
        answer = await stage.ask(f"/{route}", x_request_id="r-1", x_deadline_ms="500", **named)
        assert (answer.status, answer.body, stage.pool.calls) == (200, b'{"fine":true}', [])
        ((peer, path, sent, body),) = stage.abroad.calls
        assert (peer.service, path, body) == ("edge", route, b'{"member":7}')
        assert headers.items() <= sent.items()
        assert sent[FROM_HEADER] == HERE
        assert sent["x-forwarded-for"] == "10.1.1.9"
        assert sent["x-request-id"] == "r-1"
        assert 0 < int(sent["x-deadline-ms"]) <= 490
        counted = stage.counted()
        assert counted["edge.forwarded us-west-2"] == 1
        assert counted[f"none edge.requests {route} 2xx"] == 1

    jump(scene())


def test_what_was_passed_on_is_never_passed_on_again(jump: Jump, tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Stage(tmp_path, 1.0)
        assert await stage.where(x_forwarded_region=THERE) == "here"
        assert "edge.forwarded us-west-2" not in stage.counted()

    jump(scene())


def test_two_regions_that_both_pass_on_answer_for_themselves(jump: Jump, tmp_path: Path) -> None:
    async def scene() -> list[str]:
        stage = Stage(tmp_path, 1.0)
        found = [await stage.where()]
        stage.turn(THERE, 0.5)
        return [*found, await stage.where()]

    assert jump(scene()) == ["there", "here"]


def test_a_share_is_of_the_members_always_the_same_ones(jump: Jump, tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Stage(tmp_path, 0.25)
        first = [await stage.where(member=n) for n in range(400)]
        assert [await stage.where("/heartbeat", member=n) for n in range(400)] == first
        assert 60 <= first.count("there") <= 140
        stage.turn(HERE, 0.0)
        assert {await stage.where(member=n) for n in range(400)} == {"here"}
        stage.turn(HERE, 1.0)
        assert {await stage.where(member=n) for n in range(400)} == {"there"}

    jump(scene())


def test_who_knows_no_edge_there_answers_here(jump: Jump, tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Stage(tmp_path, 1.0)
        stage.abroad.directory.forget()
        assert await stage.where() == "here"

    jump(scene())


def test_an_edge_that_is_not_there_is_followed_by_another_in_time(
    jump: Jump, tmp_path: Path
) -> None:
    async def scene() -> list[Any]:
        stage = Stage(tmp_path, 1.0, Reply(Ending.UNREACHABLE), Reply(Ending.ANSWERED, status=200))
        answer = await stage.ask()
        return [answer.status, len(stage.abroad.calls), len(stage.pool.calls)]

    assert jump(scene()) == [200, 2, 0]


def test_who_failed_over_there_is_named_here(jump: Jump, tmp_path: Path) -> None:
    async def scene() -> list[Any]:
        failed = Reply(Ending.FAILED, cause="playback", status=502)
        stage = Stage(tmp_path, 1.0, failed)
        answer = await stage.ask()
        return [answer.status, answer.headers["x-failed-service"], len(stage.abroad.calls)]

    assert jump(scene()) == [502, "playback", 1]


def test_looks_who_is_there_only_while_that_is_wanted(jump: Jump) -> None:
    async def scene() -> list[int]:
        wanted, begun, ended = [False], [0], [0]

        async def look() -> None:
            begun[0] += 1
            try:
                await asyncio.sleep(1000)
            finally:
                ended[0] += 1

        looking = asyncio.create_task(look_while(lambda: wanted[0], look))
        seen = []
        for is_wanted in (False, True, False, True):
            wanted[0] = is_wanted
            await asyncio.sleep(1.0)
            seen.append(begun[0] * 10 + ended[0])
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        return [*seen, ended[0]]

    assert jump(scene()) == [0, 10, 11, 21, 2]


def test_a_look_that_fails_is_heard_of(jump: Jump) -> None:
    async def scene() -> None:
        async def look() -> None:
            await asyncio.sleep(0.1)
            raise RuntimeError("broken")

        with pytest.raises(RuntimeError, match="broken"):
            await look_while(lambda: True, look)

    jump(scene())
