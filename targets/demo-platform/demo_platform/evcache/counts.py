"""What a node has done since it started, as the protocol's `stats` tells it. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from demo_platform.evcache.storage import Storage

VERSION = b"1.6-demo"


@dataclass(slots=True)
class Counts:
    """Commands and how they ended, by the names that the original gives them."""

    cmd_get: int = 0
    cmd_set: int = 0
    cmd_flush: int = 0
    cmd_touch: int = 0
    get_hits: int = 0
    get_misses: int = 0
    delete_hits: int = 0
    delete_misses: int = 0
    incr_hits: int = 0
    incr_misses: int = 0
    decr_hits: int = 0
    decr_misses: int = 0
    cas_hits: int = 0
    cas_badval: int = 0
    cas_misses: int = 0
    touch_hits: int = 0
    touch_misses: int = 0
    total_connections: int = 0
    curr_connections: int = 0
    rejected_connections: int = 0

    def reset(self) -> None:
        """Begin again; connections that are open stay counted."""
        for field in dataclasses.fields(self):
            if field.name != "curr_connections":
                setattr(self, field.name, 0)


def stats_lines(
    counts: Counts, storage: Storage, process: Mapping[str, int], now: float
) -> Iterator[bytes]:
    """The `STAT` lines of a bare `stats`. process: what only the process knows, its pid first."""
    known = {
        **process,
        "time": int(now),
        "version": VERSION.decode(),
        **dataclasses.asdict(counts),
        "bytes": storage.size_bytes,
        "curr_items": len(storage),
        "total_items": storage.tally.stored,
        "evictions": storage.tally.evicted,
        "reclaimed": storage.tally.expired,
        "limit_maxbytes": storage.limit_bytes,
        "threads": 1,
    }
    return (f"STAT {name} {value}\r\n".encode() for name, value in known.items())
