"""What the replicas of one request have said so far, and whether that is enough.

Fed by the coordinator; `decided` is over once it is known how the request ends, or that no more can
be known before the time is up.
"""

from __future__ import annotations

import asyncio

from demo_platform.widecolumn.consistency import Need
from demo_platform.widecolumn.messages import Failed, Reply, Scanned
from demo_platform.widecolumn.ring import Place


class Answers:
    """Answers by place. wants_data: whether one of them must be rows and not only their digest."""

    def __init__(self, need: Need, *, wants_data: bool = False) -> None:
        self.need = need
        self.good: dict[Place, Reply] = {}
        self.failed: dict[Place, str] = {}
        self.silent: set[Place] = set()
        self.asked: set[Place] = set()
        self._wants_data = wants_data
        self._has_changed = False
        self._waiter: asyncio.Future[None] | None = None

    def add(self, place: Place, reply: Reply | None) -> None:
        """Note what a place has said; None when it cannot be reached."""
        if reply is None:
            self.silent.add(place)
        elif isinstance(reply, Failed):
            self.failed[place] = reply.why
        else:
            self.good[place] = reply
        self._has_changed = True
        if self._waiter is not None:
            _wake(self._waiter)

    async def change(self, within_s: float) -> bool:
        """Wait for the next answer; False when there was none in time. Only one may wait."""
        if not self._has_changed:
            # An event and a time-out would cost as much as all else that is done for a read.
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            giving_up = loop.call_later(max(0.0, within_s), _wake, self._waiter)
            try:
                await self._waiter
            finally:
                giving_up.cancel()
                self._waiter = None
        has_changed, self._has_changed = self._has_changed, False
        return has_changed

    @property
    def is_enough(self) -> bool:
        """Whether the request is good."""
        return self.need.is_met(by_region(self.good)) and (
            not self._wants_data or any(isinstance(one, Scanned) for one in self.good.values())
        )

    @property
    def outstanding(self) -> int:
        """Places that have answered well, or may still."""
        return len(self.asked) - len(self.failed) - len(self.silent)

    @property
    def received(self) -> int:
        """Good answers that count."""
        return self.need.counted(by_region(self.good))

    def is_hopeless(self, spares: list[Place]) -> bool:
        """Whether too many have said that they cannot, whatever the others will say."""
        if not self.failed:
            return False
        others = (self.asked | set(spares)) - set(self.failed)
        return not self.need.is_met(by_region(others))


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def by_region(places: dict[Place, Reply] | set[Place] | list[Place]) -> dict[str, int]:
    """How many places there are in each region."""
    counts: dict[str, int] = {}
    for place in places:
        counts[place.region] = counts.get(place.region, 0) + 1
    return counts
