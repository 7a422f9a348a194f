"""Tells other regions what has changed, over HTTP between cache nodes.

    service → POST /relay/changes → a node of its own region → POST /relay/apply → a node of each
    other region, which has all zones of its region forget the entry

Both bodies are JSON lists of changes. A change is kept until it was taken, in order and for as long
as there is room; a region that is cut off is told everything when it is back.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

import msgspec

from demo_platform.evcache.changes import Change, ChangeQueue
from demo_platform.metrics import Meters
from demo_platform.transport import Ending
from demo_platform.wires.http_client import HttpClient

CHANGES_PATH = "/relay/changes"
APPLY_PATH = "/relay/apply"
CHANGES_PER_REQUEST = 500
GATHER_S = 0.5
TIMEOUT_S = 1.0
RETRY_S = 0.25
RETRY_S_MAX = 2.0

_JSON = {"Content-Type": "application/json"}


class Relay:
    """Carries changes to one place: any node of those that `find` names.

    find: their addresses and ports, best first; asked for at each try.
    """

    def __init__(
        self,
        http: HttpClient,
        path: str,
        find: Callable[[], Sequence[tuple[str, int]]],
        *,
        rng: random.Random,
    ) -> None:
        self.queue = ChangeQueue()
        self._http = http
        self._path = path
        self._find = find
        self._rng = rng
        self._now = asyncio.get_running_loop().time
        self.wanted = asyncio.Event()
        """Set while there is something to tell."""
        self._told = 0

    def publish(self, meters: Meters, **tags: str) -> None:
        """Have lag, length and losses published from now on."""
        queue = self.queue
        meters.gauge("evcache.relay.lag", lambda: queue.lag_s(self._now()), **tags)
        meters.gauge("evcache.relay.waiting", lambda: float(len(queue)), **tags)
        meters.gauge("evcache.relay.dropped", lambda: float(queue.dropped), **tags)
        meters.gauge("evcache.relay.told", lambda: float(self._told), **tags)

    def add(self, change: Change) -> None:
        """Tell of a change soon."""
        self.queue.add(change, self._now())
        self.wanted.set()

    async def run(self) -> None:
        """Tell what there is to tell, until cancelled."""
        failures = 0
        while True:
            if not len(self.queue):
                self.wanted.clear()
                await self.wanted.wait()
                await asyncio.sleep(GATHER_S)
            if await self.tell():
                failures = 0
                continue
            failures = min(failures + 1, 10)
            retry_s = min(RETRY_S_MAX, RETRY_S * 2 ** (failures - 1))
            await asyncio.sleep(retry_s * (0.5 + 0.5 * self._rng.random()))

    async def tell(self) -> bool:
        """Tell of the oldest changes once; False when nobody has taken them."""
        batch = self.queue.first(CHANGES_PER_REQUEST)
        body = msgspec.json.encode([change for change, _ in batch])
        for place in self._find():
            reply = await self._http.request(
                "POST", place, self._path, body=body, headers=_JSON, timeout_s=TIMEOUT_S
            )
            if reply.ending is Ending.ANSWERED and reply.body == TAKEN:
                self.queue.told(batch)
                self._told += len(batch)
                return True
        return False


TAKEN = b"taken\n"
"""What is answered to changes that are in good hands now; any other answer leaves them waiting."""


def parse_changes(body: bytes) -> list[Change]:
    """The changes of a request. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(body, type=list[Change])
