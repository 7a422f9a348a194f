"""How often a member's device asks, whom, and what it tells of a failure."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from itertools import pairwise
from typing import Any

import pytest

from demo_platform.balancer import Peer
from demo_platform.dns.asking import KnownName
from demo_platform.eureka.listing import Registered
from demo_platform.knobs import Knobs
from demo_platform.members.device import Answer, Device, Devices, Outcome
from demo_platform.pool import Pool
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
        self.asked_at: list[float] = []
        self.headers: list[dict[str, str]] = []
        self.peers = [
            Peer(Registered(zone, "edge", "r", zone, f"10.0.0.{n}", 1, "UP"))
            for n, zone in enumerate("abc"[:edges])
        ]

    def choose(
        self,
        service: str,
        *,
        tried: Sequence[Peer],
        avoid_zones: frozenset[str],
        among: frozenset[str] | None = None,
    ) -> Peer | None:
        assert service == "edge"
        assert avoid_zones == {peer.zone for peer in tried}
        known = [peer for peer in self.peers if among is None or peer.address in among]
        left = [peer for peer in known if peer not in tried]
        return left[0] if left else known[0] if known else None

    def is_good(self, service: str, peer: Peer) -> bool:
        return peer in self.peers

    async def post(
        self, peer: Peer, route: str, *, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Reply:
        self.asked.append(peer.id)
        self.asked_at.append(asyncio.get_running_loop().time())
        self.headers.append(headers)
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        if reply is SILENT:
            await asyncio.sleep(timeout_s)
        return reply


def devices_of(edges: ScriptedEdges, *, on: str = "", **dials: float) -> Devices:
    knobs = Knobs()
    if on:
        knobs.set(on, True)
    for name, value in dials.items():
        knobs.turn(name.replace("_", "-"), value)
    return Devices(edges, knobs, random.Random(1))


async def step(
    edges: ScriptedEdges, *, within_s: float = 3.0, on: str = "", cohort: str = "", **dials: float
) -> Answer:
    devices = devices_of(edges, on=on, **dials)
    device = Device(1, cohort)
    return await devices.step(device, "play", {"member": 1}, request_id="r-1", within_s=within_s)


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
    answer = jump(step(edges))
    assert (answer.outcome, answer.tries) == (outcome, len(asked))
    assert "".join(edges.asked) == asked


def test_gives_up_when_the_step_has_taken_long_enough(jump: Jump) -> None:
    async def scene() -> float:
        began = asyncio.get_running_loop().time()
        answer = await step(ScriptedEdges(SILENT), within_s=1.5)
        assert answer.outcome == Outcome(False, "unreachable")
        return asyncio.get_running_loop().time() - began

    assert jump(scene()) <= 1.5


def test_is_unreachable_when_there_is_no_edge(jump: Jump) -> None:
    assert jump(step(ScriptedEdges(OK, edges=0))).outcome == Outcome(False, "unreachable")


def test_says_how_long_the_answer_is_wanted(jump: Jump) -> None:
    edges = ScriptedEdges(GONE, OK)
    jump(step(edges))
    assert [headers["x-retry-attempt"] for headers in edges.headers] == ["0", "1"]
    assert edges.headers[0]["x-deadline-ms"] == "970"


def test_does_not_say_so_with_long_timeouts(jump: Jump) -> None:
    edges = ScriptedEdges(OK)
    jump(step(edges, on="long-timeouts"))
    assert "x-deadline-ms" not in edges.headers[0]


def test_says_who_asks_and_in_which_cohort(jump: Jump) -> None:
    edges = ScriptedEdges(OK)
    jump(step(edges))
    jump(step(edges, cohort="experiment"))
    assert [headers["x-member"] for headers in edges.headers] == ["1", "1"]
    assert [headers.get("x-cohort") for headers in edges.headers] == [None, "experiment"]


def test_stays_with_the_edge_that_answered(jump: Jump) -> None:
    async def scene() -> str:
        edges = ScriptedEdges(GONE, OK, OK, OK, GONE, OK)
        devices, device = devices_of(edges), Device(1)
        for _ in range(3):
            await devices.step(device, "home", {}, request_id="r", within_s=3.0)
        edges.peers = [peer for peer in edges.peers if peer.id != "b"]  # discovery knows it no more
        await devices.step(device, "home", {}, request_id="r", within_s=3.0)
        return "".join(edges.asked)

    assert jump(scene()) == "abbbac"


def test_the_second_try_is_at_once_and_later_ones_wait(jump: Jump) -> None:
    dials = {"device_tries": 6, "device_jitter_ratio": 0, "device_backoff_max_s": 0.3}

    async def scene() -> list[float]:
        edges = ScriptedEdges(GONE)
        await step(edges, **dials)
        return [round(later - earlier, 3) for earlier, later in pairwise(edges.asked_at)]

    assert jump(scene()) == [0.0, 0.1, 0.2, 0.3, 0.3]


def test_chance_keeps_devices_apart(jump: Jump) -> None:
    async def scene() -> float:
        edges = ScriptedEdges(GONE)
        await step(edges, device_tries=3, device_jitter_ratio=1)
        return edges.asked_at[2] - edges.asked_at[1]

    assert 0 < jump(scene()) < 0.1


def test_storming_devices_ask_at_once_and_all_the_time(jump: Jump) -> None:
    async def scene() -> tuple[int, float]:
        edges = ScriptedEdges(BLAMES)
        answer = await step(edges, on="storming-devices")
        return answer.tries, edges.asked_at[-1] - edges.asked_at[0]

    assert jump(scene()) == (10, 0.0)


@pytest.mark.parametrize(
    ("answer", "shown"),
    [(b'{"token":"t.s"}', "Bearer t.s"), (b'{"token":null}', None), (b"{}", None), (b"no", None)],
)
def test_shows_the_token_that_it_was_signed_in_with(
    jump: Jump, answer: bytes, shown: str | None
) -> None:
    async def scene() -> None:
        edges = ScriptedEdges(OK)
        device = Device(1)
        device.keep_token(answer)
        await devices_of(edges).step(device, "play", {}, request_id="r-1", within_s=1.0)
        assert edges.headers[0].get("Authorization") == shown

    jump(scene())


class Resolver:
    """A C library that answers as it is told, after a while."""

    def __init__(self, *addresses: str, takes_s: float = 0.0) -> None:
        self.addresses = frozenset(addresses)
        self.takes_s = takes_s
        self.asked = 0

    async def __call__(self, name: str) -> frozenset[str]:
        assert name == "edge.r.demo."
        self.asked += 1
        await asyncio.sleep(self.takes_s)
        return self.addresses


def named(edges: ScriptedEdges, resolver: Resolver) -> Devices:
    name = KnownName("edge.r.demo.", ask=resolver)
    return Devices(edges, Knobs(), random.Random(1), edges=name)


async def sign_in(devices: Devices, device: Device) -> Answer:
    return await devices.step(device, "signin", {}, request_id="r-1", within_s=3.0)


def test_goes_to_no_edge_that_it_is_not_told_of(jump: Jump) -> None:
    async def scene() -> None:
        edges = ScriptedEdges(BLAMES)
        await sign_in(named(edges, Resolver("10.0.0.1", "10.0.0.2", "10.9.9.9")), Device(1))
        assert "".join(edges.asked) == "bcb"
        edges = ScriptedEdges(OK)
        answer = await sign_in(named(edges, Resolver("10.9.9.9")), Device(1))
        assert answer.outcome == Outcome(False, "unreachable")

    jump(scene())


@pytest.mark.parametrize(("takes_s", "least_s", "asked"), [(0.0, 0.0, 3), (3.0, 2.0, 1)])
def test_who_is_told_of_no_edge_fails_by_dns_after_the_usual_tries(
    jump: Jump, takes_s: float, least_s: float, asked: int
) -> None:
    async def scene() -> None:
        edges, resolver = ScriptedEdges(OK), Resolver(takes_s=takes_s)
        began = asyncio.get_running_loop().time()
        answer = await sign_in(named(edges, resolver), Device(1))
        assert (answer.outcome, answer.tries) == (Outcome(False, "dns"), 3)
        assert edges.asked == []
        assert resolver.asked == asked
        assert least_s <= asyncio.get_running_loop().time() - began <= 3.0

    jump(scene())


def test_who_has_an_edge_needs_no_name(jump: Jump) -> None:
    async def scene() -> None:
        edges, resolver = ScriptedEdges(OK), Resolver("10.0.0.1")
        devices, device = named(edges, resolver), Device(1)
        await sign_in(devices, device)
        resolver.addresses = frozenset()
        await asyncio.sleep(10)
        assert (await sign_in(devices, device)).outcome.is_ok
        assert not (await sign_in(devices, Device(2))).outcome.is_ok

    jump(scene())
