"""What a process learns of the instances that it calls, and whether it heeds that."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest

from demo_platform.balancer import Peer
from demo_platform.eureka.directory import Directory
from demo_platform.eureka.listing import Registered
from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters
from demo_platform.pool import Pool
from demo_platform.transport import Ending, Reply

Jump = Callable[[Coroutine[Any, Any, Any]], Any]
DEAD = "i-a"


class Wire:
    """One of the instances is not there."""

    async def post(
        self, peer: Peer, route: str, *, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> Reply:
        del route, body, headers, timeout_s
        return Reply(Ending.UNREACHABLE if peer.id == DEAD else Ending.ANSWERED)


class Scene:
    """A caller in zone a, with an instance in each zone."""

    def __init__(self, *on: str) -> None:
        self.knobs = Knobs()
        for name in on:
            self.knobs.set(name, True)
        self.directory = Directory()
        self.learn("abc")
        rng = random.Random(1)
        self.pool = Pool(Wire(), self.directory, own_zone="a", rng=rng, knobs=self.knobs)
        self.meters = Meters({})
        self.pool.publish(self.meters)

    def learn(self, zones: str) -> None:
        self.directory.learn(
            Registered(f"i-{zone}", "api", "r", zone, "127.0.0.1", 1, "UP") for zone in zones
        )

    async def call(self) -> str:
        """Whom one call goes to."""
        peer = self.pool.choose("api", tried=(), avoid_zones=frozenset())
        assert peer is not None
        await self.pool.post(peer, "play", body=b"", headers={}, timeout_s=1.0)
        return peer.id

    async def asked(self, calls: int = 30) -> int:
        """How many of some calls, a tenth of a second apart, went to the dead one."""
        count = 0
        for _ in range(calls):
            count += await self.call() == DEAD
            await asyncio.sleep(0.1)
        return count

    def ejected(self) -> float:
        return next(one.value for one in self.meters.samples() if one.name == "client.ejected")


@pytest.mark.parametrize(
    ("on", "least", "most", "ejected"),
    [((), 2, 3, 1), (("no-next-server",), 30, 30, 0), (("no-ejection",), 5, 15, 0)],
)
def test_who_does_not_answer_is_left_alone_unless_a_switch_says_no(
    jump: Jump, on: tuple[str, ...], least: int, most: int, ejected: int
) -> None:
    async def scene() -> None:
        stage = Scene(*on)
        assert least <= await stage.asked() <= most
        assert stage.ejected() == ejected

    jump(scene())


def test_who_is_no_longer_listed_is_not_counted_as_left_alone(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        await stage.call()
        assert stage.ejected() == 1
        stage.learn("bc")
        assert stage.ejected() == 0

    jump(scene())


def test_who_was_left_alone_before_is_asked_and_not_counted(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        await stage.asked(3)
        stage.knobs.set("no-next-server", True)
        assert stage.ejected() == 0
        await asyncio.sleep(5)  # until what it failed before is forgotten
        assert await stage.asked(5) == 5

    jump(scene())


def test_a_switch_is_heeded_at_the_next_call(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene("no-next-server")
        await stage.asked(3)
        stage.knobs.set("no-next-server", False)
        assert await stage.asked(5) == 1

    jump(scene())
