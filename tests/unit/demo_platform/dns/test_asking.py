"""How long a process keeps a name's addresses, and who waits for them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from demo_platform.dns import asking
from demo_platform.dns.asking import KnownName, ask_c_library

Jump = Callable[[Coroutine[Any, Any, Any]], Any]
FIRST, SECOND = frozenset({"10.0.0.1"}), frozenset({"10.0.0.2"})


class Resolver:
    """Answers the first time at once, then as it is told to."""

    def __init__(self) -> None:
        self.asked_at: list[float] = []
        self.says = FIRST
        self.takes_s = 0.0

    async def __call__(self, name: str) -> frozenset[str]:
        self.asked_at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.takes_s)
        return self.says


def test_an_answer_is_shared_and_asked_for_anew_before_it_is_too_old(jump: Jump) -> None:
    async def scene() -> None:
        resolver = Resolver()
        name = KnownName("x", ask=resolver)
        assert await asyncio.gather(*(name.addresses(1.0) for _ in range(9))) == [FIRST] * 9
        resolver.says, resolver.takes_s = SECOND, 0.9  # as with a zone's server that is away
        seen = []
        for _ in range(25):
            began = asyncio.get_running_loop().time()
            seen.append(await name.addresses(1.0))
            assert asyncio.get_running_loop().time() == began  # nobody waits
            await asyncio.sleep(0.1)
        assert seen[0] == FIRST
        assert seen[-1] == SECOND
        assert len(resolver.asked_at) == 2

    jump(scene())


def test_who_waits_long_enough_leaves_and_the_others_get_the_answer(jump: Jump) -> None:
    async def scene() -> None:
        resolver = Resolver()
        resolver.takes_s = 1.5
        name = KnownName("x", ask=resolver)
        answers = await asyncio.gather(name.addresses(1.0), name.addresses(2.0))
        assert answers == [frozenset(), FIRST]
        assert len(resolver.asked_at) == 1

    jump(scene())


def test_an_answer_that_is_too_old_is_none(jump: Jump) -> None:
    async def scene() -> None:
        resolver = Resolver()
        name = KnownName("x", ask=resolver)
        await name.addresses(1.0)
        resolver.says = frozenset()
        await asyncio.sleep(asking.TTL_S)
        assert await name.addresses(1.0) == frozenset()

    jump(scene())


def test_the_c_library_says_addresses_or_nothing(monkeypatch: Any) -> None:
    async def ask(name: str) -> frozenset[str]:
        return await ask_c_library(name)

    assert asyncio.run(ask("127.0.0.1")) == {"127.0.0.1"}

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert asyncio.run(ask("edge.r.demo.")) == frozenset()
