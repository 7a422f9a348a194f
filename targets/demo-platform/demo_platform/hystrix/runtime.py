"""What the commands of one process share: a clock, properties, pools; and the list of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from demo_platform.hystrix.bulkhead import Pool
from demo_platform.hystrix.properties import PoolProperties, Source, Value

if TYPE_CHECKING:
    from demo_platform.hystrix.command import Command


class Runtime:
    """Commands and pools by name; the clock is the event loop's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, source: Source) -> None:
        self.loop = loop
        self.source = source
        self.commands: dict[str, Command] = {}
        self.pools: dict[str, Pool] = {}

    def pool(self, name: str, declared: Mapping[str, Value] | None = None) -> Pool:
        """The pool of a name, made at its first call; `declared` is what the code sets of it."""
        found = self.pools.get(name)
        if found is None:
            properties = PoolProperties(name, self.source, declared or {})
            found = self.pools[name] = Pool(name, properties, now_ms=self.now_ms())
        return found

    def now_ms(self) -> float:
        """The clock, in milliseconds."""
        return self.loop.time() * 1000
