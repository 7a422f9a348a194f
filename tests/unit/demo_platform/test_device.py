"""How often a member's device asks, whom, and what it tells of a failure."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from demo_platform.balancer import Peer
from demo_platform.device import Devices, Outcome
from demo_platform.knobs import Knobs
from demo_platform.pool import Pool
from demo_platform.registry import Registered
from demo_platform.transport import Ending, Reply

Jump = Callable[[Coroutine[Any, Any, Any]], Any]

OK = Reply(Ending.ANSWERED, b"{}")
BLAMES = Reply(Ending.FAILED, cause="playback")
SILENT = Reply(Ending.TIMED_OUT)
GONE = Reply(Ending.UNREACHABLE)


class ScriptedEdges(Pool):
    """Three edges, one a zone, that answer from a script; a silent one takes its whole time."""

    def __init__(self, *replies: Reply, edges: int = 3) -> None:
        self.replies = list(replies)
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.peers = [
            Peer(Registered(zone, "edge", "r", zone, "127.0.0.1", 1, "UP"))
            for zone in "abc"[:edges]
        ]

    def choose(
        self, service: str, *, tried: Sequence[Peer], avoid_zones: frozenset[str]
    ) -> Peer | None:
        assert service == "edge"
        assert avoid_zones == {peer.zone for peer in tried}
        return next((peer for peer in self.peers if peer not in tried), None)

    async def post(
        self, peer: Peer, route: str, *, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Reply:
        self.asked.append(peer.id)
        self.headers.append(headers)
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        if reply is SILENT:
            await asyncio.sleep(timeout_s)
        return reply


async def step(edges: ScriptedEdges, *, within_s: float = 3.0, on: str = "") -> Outcome:
    knobs = Knobs()
    if on:
        knobs.set(on, True)
    devices = Devices(edges, knobs, random.Random(1))
    return await devices.step("play", {"member": 1}, request_id="r-1", within_s=within_s)


@pytest.mark.parametrize(
    ("replies", "asked", "outcome"),
    [
        ((OK,), "a", Outcome(True, "none")),
        ((GONE, OK), "ab", Outcome(True, "none")),
        ((SILENT, BLAMES, OK), "abc", Outcome(True, "none")),
        ((BLAMES,), "abc", Outcome(False, "playback")),
        ((GONE,), "abc", Outcome(False, "unreachable")),
        ((BLAMES, GONE, GONE), "abc", Outcome(False, "playback")),
    ],
)
def test_asks_up_to_three_edges(
    jump: Jump, replies: tuple[Reply, ...], asked: str, outcome: Outcome
) -> None:
    edges = ScriptedEdges(*replies)
    assert jump(step(edges)) == outcome
    assert "".join(edges.asked) == asked


def test_gives_up_when_the_step_has_taken_long_enough(jump: Jump) -> None:
    async def scene() -> float:
        began = asyncio.get_running_loop().time()
        assert await step(ScriptedEdges(SILENT), within_s=1.5) == Outcome(False, "unreachable")
        return asyncio.get_running_loop().time() - began

    assert jump(scene()) <= 1.5


def test_is_unreachable_when_there_is_no_edge(jump: Jump) -> None:
    assert jump(step(ScriptedEdges(OK, edges=0))) == Outcome(False, "unreachable")


def test_says_how_long_the_answer_is_wanted(jump: Jump) -> None:
    edges = ScriptedEdges(GONE, OK)
    jump(step(edges))
    assert [headers["x-retry-attempt"] for headers in edges.headers] == ["0", "1"]
    assert edges.headers[0]["x-deadline-ms"] == "970"


def test_does_not_say_so_with_long_timeouts(jump: Jump) -> None:
    edges = ScriptedEdges(OK)
    jump(step(edges, on="long-timeouts"))
    assert "x-deadline-ms" not in edges.headers[0]
