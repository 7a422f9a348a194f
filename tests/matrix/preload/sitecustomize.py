"""Loaded by the run, its watchdog and all else that they start, when the matrix asks for it.

MATRIX_CLOCK names a file of eight bytes: nanoseconds by which this process tree's clock is off.
MATRIX_SLOW is `EVENT:SECONDS`: writing that event's line takes so much longer, as on a slow disk.
Both only change what Python code sees of the system; the product is as it is shipped.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path


def _shift_clock(path: str) -> None:
    with Path(path).open("rb") as file:
        shared = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
    true_ns = time.time_ns

    def time_ns() -> int:
        return true_ns() + int(struct.unpack("<q", shared[:8])[0])

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


def _slow_down(event: str, seconds: float) -> None:
    mark, true_write = f'"event":"{event}"'.encode(), os.write

    def write(descriptor: int, data: bytes) -> int:
        written = true_write(descriptor, data)
        if mark in data:
            time.sleep(seconds)
        return written

    os.write = write


if "MATRIX_CLOCK" in os.environ:
    _shift_clock(os.environ["MATRIX_CLOCK"])
if "MATRIX_SLOW" in os.environ:
    _event, _, _seconds = os.environ["MATRIX_SLOW"].partition(":")
    _slow_down(_event, float(_seconds))
