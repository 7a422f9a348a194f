"""What the edge of a region that is being left passes on to the edges of another region.

The dial `proxy-REGION` says which share of its members that is; while it stands, a member is
always passed on, or never. What was passed on says so, and is answered where it arrives: nothing
goes in circles. Nobody is passed on to a region that passes on itself, or whose edges are unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from demo_platform.eureka.directory import Directory
from demo_platform.knobs import Knobs
from demo_platform.metrics import Counter
from demo_platform.service import COHORT_HEADER, MEMBER_HEADER
from demo_platform.topology import EDGE
from demo_platform.zuul.addresses import FORWARDED_HEADER, address_of
from demo_platform.zuul.cohort import Cohort
from demo_platform.zuul.context import Answer, SessionContext
from demo_platform.zuul.origin import Origin

FROM_HEADER = "x-forwarded-region"
"""The region whose edge has passed a request on."""

AUTHORIZATION = "authorization"
CARRIED = (AUTHORIZATION, MEMBER_HEADER, COHORT_HEADER)
"""Of the device's own headers, those that another edge goes by."""

TIMEOUT_S = 1.0
"""As long as a device waits; usually its deadline is nearer."""

LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another region: its edges, as far as they are known, and how many requests went there."""

    region: str
    edges: Directory
    origin: Origin
    forwarded: Counter


class Forwarding:
    """What one edge needs to pass requests on; without neighbours it never does."""

    def __init__(self, region: str, knobs: Knobs, neighbours: Sequence[Neighbour] = ()) -> None:
        self.region = region
        self.neighbours = neighbours
        self._knobs = knobs

    def share(self) -> float:
        """Share of the members whose requests are passed on, 0…1, now."""
        return self._share_of(self.region) if self.neighbours else 0.0

    def members(self) -> Cohort:
        """Whose requests are passed on, as the dial stands."""
        return Cohort(share=self.share(), salt=f"proxy-{self.region}")

    def neighbour(self) -> Neighbour | None:
        """Where to pass requests on to; None: nowhere, they are to be answered here."""
        there = (one for one in self.neighbours if not self._share_of(one.region))
        return next((one for one in there if one.edges.peers(EDGE)), None)

    async def ask(
        self, neighbour: Neighbour, context: SessionContext, *, is_idempotent: bool
    ) -> Answer:
        """What an edge there answers, asked as the device has asked. Raises Refused."""
        neighbour.forwarded.add()
        context.path = context.incoming.path.removeprefix("/")
        headers = {name: context.headers[name] for name in CARRIED if name in context.headers}
        headers |= {FROM_HEADER: self.region, FORWARDED_HEADER: address_of(context)}
        return await neighbour.origin.ask(context, is_idempotent=is_idempotent, carried=headers)

    def _share_of(self, region: str) -> float:
        return self._knobs.dial(f"proxy-{region}")


async def look_while(is_wanted: Callable[[], object], look: Callable[[], Awaitable[None]]) -> None:
    """Look who is there, but only while that is wanted; for ever."""
    while True:
        while not is_wanted():
            await asyncio.sleep(LOOK_S)
        looking = asyncio.ensure_future(look())
        try:
            while is_wanted() and not looking.done():
                await asyncio.sleep(LOOK_S)
            if looking.done():
                looking.result()
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
