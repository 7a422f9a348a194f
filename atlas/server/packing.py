"""Closed blocks are packed in the background, by one thread, for as long as the server runs.

It looks every few seconds. A block whose time is over and that nobody has written to for half a
minute is packed in chunks of some milliseconds, with a pause after each, so that requests go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from atlas.store.memory import MemoryStore

_PERIOD_S = 5.0
_PAUSE_S = 0.002
_END_S = 5.0


class _Stopped(Exception):
    """The server stops; what is packed by half is dropped."""


@contextmanager
def packing(
    store: MemoryStore, now_ms: Callable[[], int], period_s: float = _PERIOD_S
) -> Iterator[None]:
    """Pack closed blocks while inside."""
    stopping = threading.Event()

    def pause() -> None:
        if stopping.wait(_PAUSE_S):
            raise _Stopped

    def pack() -> None:
        try:
            while not stopping.wait(period_s):
                store.pack(now_ms(), pause)
        except _Stopped:
            return

    thread = threading.Thread(target=pack, name="packing", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(_END_S)
