"""The code that the kernel lends every process to read clocks by (vDSO), as bytes.

It is the same in all processes of a machine and a word size, so our own is the original of theirs.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_DYNAMIC_SYMBOLS = 11
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")


class NoVdso(Exception):
    """A machine, or a process, whose clocks are not read in the way that is known here."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a function stands in the image, in bytes."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Image:
    """The whole code, and its functions by name."""

    code: bytes
    functions: Mapping[str, Span]


@cache
def image() -> Image:
    """The original: ours. Raises NoVdso."""
    begin, end = place_in(os.getpid())
    with open("/proc/self/mem", "rb", buffering=0) as memory:  # noqa: PTH123 - a device, not a path
        code = os.pread(memory.fileno(), end - begin, begin)
    if code[:5] != b"\x7fELF\x02":
        raise NoVdso("the code that reads clocks is not of 64 bits")
    return Image(code, _functions(code))


def place_in(pid: int) -> tuple[int, int]:
    """First address of it in a process, and the one after its end. Raises NoVdso, OSError."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        if line.endswith("[vdso]"):
            begin, _, end = line.split()[0].partition("-")
            return int(begin, 16), int(end, 16)
    raise NoVdso(f"process {pid} reads its clocks by system calls only")


def _functions(code: bytes) -> dict[str, Span]:
    """Of the table of dynamic symbols; names without a version."""
    table_at, size, count = _section_table(code)
    sections = [_SECTION.unpack_from(code, table_at + n * size) for n in range(count)]
    found: dict[str, Span] = {}
    for section in sections:
        if section[1] != _DYNAMIC_SYMBOLS:
            continue
        names_at = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], _SYMBOL.size):
            name, _, _, _, value, length = _SYMBOL.unpack_from(code, at)
            begin = names_at + name
            found[code[begin : code.index(b"\0", begin)].decode()] = Span(value, length)
    return found


def _section_table(code: bytes) -> tuple[int, int, int]:
    """Where the table of sections begins, the size of a row, and how many there are."""
    (at,) = struct.unpack_from("<Q", code, 0x28)
    size, count = struct.unpack_from("<HH", code, 0x3A)
    return at, size, count
