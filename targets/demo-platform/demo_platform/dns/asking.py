"""Asking for a name as any program does: by the C library, which asks the servers it was told of.

A question blocks one of the event loop's threads until it is answered, or given up after seconds;
so the loop itself never waits, and a process asks for a name once, however many want to know it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from demo_platform.dns.answering import TTL_S

AGAIN_S = TTL_S / 2
"""An answer that is used is asked for anew when it is so old: a zone's server that is away costs a
second, and nobody has to wait for that as long as another one answers."""

Ask = Callable[[str], Awaitable[frozenset[str]]]


class KnownName:
    """One name's addresses: shared by a process, and kept as long as a server lets them be."""

    def __init__(self, name: str, *, ask: Ask | None = None) -> None:
        self._name = name
        self._ask: Ask = ask or ask_c_library
        self._now = asyncio.get_running_loop().time
        self._found: frozenset[str] = frozenset()
        self._heard_s = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def addresses(self, within_s: float) -> frozenset[str]:
        """The addresses, waited for so long at most; none when nobody says them."""
        if self._age_s() >= AGAIN_S and self._asking is None:
            self._asking = asyncio.create_task(self._renew())
        if self._age_s() >= TTL_S and self._asking is not None:
            # Whoever has waited long enough leaves; the others still want the answer.
            await asyncio.wait({self._asking}, timeout=within_s)
        return self._found if self._age_s() < TTL_S else frozenset()

    def _age_s(self) -> float:
        return self._now() - self._heard_s

    async def _renew(self) -> None:
        try:
            found = await self._ask(self._name)
        finally:
            self._asking = None
        if found:
            self._found, self._heard_s = found, self._now()


async def ask_c_library(name: str) -> frozenset[str]:
    """IPv4 addresses of a name; none when nobody answers, or there is no such name."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            name, None, family=socket.AF_INET, type=socket.SOCK_STREAM
        )
    except socket.gaierror:
        return frozenset()
    return frozenset(str(place[0]) for *_, place in found)
