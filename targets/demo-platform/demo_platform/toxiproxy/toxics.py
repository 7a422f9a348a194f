"""The kinds of toxics: what each does to the bytes that pass one direction of a connection.

A toxic is handed a chunk and passes it `onward`, later, in pieces, or not at all. Whatever it waits
for, it waits for through the link, which ends the wait when the toxics change.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from typing import Any, Protocol

BANDWIDTH_STEP_S = 0.1


@dataclass(slots=True)
class Chunk:
    """Bytes, and when they came by the loop's clock; a wait moves that on."""

    data: bytes
    since_s: float


Onward = Callable[[Chunk], Awaitable[None]]


class Way(Protocol):
    """What a toxic needs of the link it stands on."""

    @property
    def now_s(self) -> float:
        """The loop's clock."""

    async def wait(self, for_s: float) -> bool:
        """Wait; False when the toxics changed meanwhile."""

    def passed_bytes(self, toxic: object, more: int) -> int:
        """Count bytes that passed a toxic of this link; their sum."""

    def close(self) -> None:
        """End the connection."""

    def reset(self) -> None:
        """End the connection as one that broke."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What all kinds share: nothing happens to what passes, nor to its end."""

    @property
    def silence_s(self) -> float | None:
        """How long nothing may come before the connection is closed; None: for ever."""
        return None

    @property
    def ends_when_removed(self) -> bool:
        """Whether the connections it was on are closed when it is taken off."""
        return False

    @property
    def close_delay_s(self) -> float:
        """How much later the end of the stream is passed on."""
        return 0.0

    async def carry(self, chunk: Chunk, onward: Onward, way: Way) -> None:
        """Pass a chunk on."""
        await onward(chunk)


@dataclass(frozen=True, slots=True)
class Noop(Kind):
    """Does nothing."""


@dataclass(frozen=True, slots=True)
class Latency(Kind):
    """Holds what passes for `latency` ms, give or take `jitter`."""

    latency: int = 0
    jitter: int = 0

    async def carry(self, chunk: Chunk, onward: Onward, way: Way) -> None:
        """Later; chunks that came together leave together."""
        spread = random.uniform(-self.jitter, self.jitter)  # noqa: S311 - no secret
        chunk.since_s += max(0.0, self.latency + spread) / 1000
        await way.wait(chunk.since_s - way.now_s)
        await onward(chunk)


@dataclass(frozen=True, slots=True)
class Bandwidth(Kind):
    """Lets `rate` KB a second pass."""

    rate: int = 0

    async def carry(self, chunk: Chunk, onward: Onward, way: Way) -> None:
        """In pieces, each as late as its size asks for."""
        if self.rate <= 0:
            while await way.wait(3600.0):
                pass
            return await onward(chunk)
        step = max(1, int(self.rate * 1000 * BANDWIDTH_STEP_S))
        for start in range(0, len(chunk.data), step):
            piece = chunk.data[start : start + step]
            if not await way.wait(len(piece) / (self.rate * 1000)):
                return await onward(Chunk(chunk.data[start:], way.now_s))
            await onward(Chunk(piece, way.now_s))
        return None


@dataclass(frozen=True, slots=True)
class SlowClose(Kind):
    """Passes the end of the stream on `delay` ms later."""

    delay: int = 0

    @property
    def close_delay_s(self) -> float:
        """As it says."""
        return self.delay / 1000


@dataclass(frozen=True, slots=True)
class Timeout(Kind):
    """Lets nothing pass, and closes the connection after `timeout` ms of silence; 0: never."""

    timeout: int = 0

    @property
    def silence_s(self) -> float | None:
        """As it says."""
        return self.timeout / 1000 or None

    @property
    def ends_when_removed(self) -> bool:
        """What was lost cannot be made good: the stream is broken."""
        return True

    async def carry(self, chunk: Chunk, onward: Onward, way: Way) -> None:
        """Nothing passes."""


@dataclass(frozen=True, slots=True)
class Slicer(Kind):
    """Cuts into pieces of `average_size` bytes, give or take; `delay` µs after each."""

    average_size: int = 0
    size_variation: int = 0
    delay: int = 0

    async def carry(self, chunk: Chunk, onward: Onward, way: Way) -> None:
        """Piece by piece."""
        start = 0
        while start < len(chunk.data):
            spread = random.randint(-self.size_variation, self.size_variation)  # noqa: S311
            size = max(1, self.average_size + spread)
            await onward(Chunk(chunk.data[start : start + size], chunk.since_s))
            start += size
            if self.delay and not await way.wait(self.delay / 1e6):
                if start < len(chunk.data):
                    await onward(Chunk(chunk.data[start:], chunk.since_s))
                return


@dataclass(frozen=True, slots=True)
class LimitData(Kind):
    """Closes the connection when `bytes` have passed."""

    bytes: int = 0

    async def carry(self, chunk: Chunk, onward: Onward, way: Way) -> None:
        """As much as is left."""
        before = way.passed_bytes(self, 0)
        piece = chunk.data[: max(0, self.bytes - before)]
        if piece:
            await onward(Chunk(piece, chunk.since_s))
        if way.passed_bytes(self, len(piece)) >= self.bytes:
            way.close()


@dataclass(frozen=True, slots=True)
class ResetPeer(Kind):
    """Resets the connection `timeout` ms after something came."""

    timeout: int = 0

    async def carry(self, chunk: Chunk, onward: Onward, way: Way) -> None:
        """Nothing passes."""
        if await way.wait(self.timeout / 1000):
            way.reset()


KINDS: dict[str, type[Kind]] = {
    "bandwidth": Bandwidth,
    "latency": Latency,
    "limit_data": LimitData,
    "noop": Noop,
    "reset_peer": ResetPeer,
    "slicer": Slicer,
    "slow_close": SlowClose,
    "timeout": Timeout,
}


def attributes_of(kind: Kind) -> dict[str, int]:
    """As they stand in the API."""
    return {each.name: getattr(kind, each.name) for each in fields(kind)}


def kind_with(kind: type[Kind], attributes: dict[str, Any]) -> Kind:
    """A toxic of a kind; what it does not know is ignored. Raises ValueError for no number."""
    known = {each.name for each in fields(kind)}
    wanted = {name: value for name, value in attributes.items() if name in known}
    for name, value in wanted.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ValueError(f"{name} is no number of 0 or more: {value!r}")
    return kind(**{name: int(value) for name, value in wanted.items()})
