"""Ketama: which of a zone's nodes a key belongs to, so that a lost node takes only its own keys.

Each node stands at 160 points of a circle of 2**32, at the MD5 of its name and a number; a key
belongs to the node of the first point at or after the key's own. The points are those of libketama
and of the Java clients: `tests/unit/demo_platform/evcache/test_ketama.py` holds their values.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from hashlib import md5

DIGESTS_PER_NODE = 40
"""Each makes four points."""


def position(key: bytes) -> int:
    """Where on the circle a key stands."""
    return int.from_bytes(md5(key, usedforsecurity=False).digest()[:4], "little")


def points(name: str) -> Iterator[int]:
    """Where on the circle a node stands."""
    for n in range(DIGESTS_PER_NODE):
        digest = md5(f"{name}-{n}".encode(), usedforsecurity=False).digest()
        for at in range(0, 16, 4):
            yield int.from_bytes(digest[at : at + 4], "little")


class Ring:
    """The nodes of one zone, by name: `address:port`."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        found = sorted((point, name) for name in self.names for point in points(name))
        self._points = [point for point, _ in found]
        self._owners = [name for _, name in found]

    def name_for(self, key: bytes) -> str | None:
        """The node that a key belongs to; None when there is none at all."""
        if len(self.names) < 2:
            return self.names[0] if self.names else None
        at = bisect_left(self._points, position(key))
        return self._owners[at % len(self._owners)]
