"""Setting the clock of one running process, from outside and for it alone.

A process asks the time of code that the kernel maps into it. Over that code's functions others are
written, which ask the kernel itself and add so many seconds to the time of day; the time since boot
stays right, as on a machine whose clock is set. The pages that are written to are the process's own
from then on: nobody else's clock moves. Behind the code stands whose record it is, so that
everybody takes back only his own. What was there before is in every other process.
"""

from __future__ import annotations

import hashlib
import os
import platform
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from chaosctl.drivers.processes.stopping import may_stop, stopped_outside
from chaosctl.drivers.processes.vdso import Image, NoVdso, Span, image, place_in
from chaosctl.procfs import is_alive
from monkeys.target import Lack

MACHINE = "x86_64"

_GETTIME = "__vdso_clock_gettime"
_OFFSET = struct.Struct("<i")
_SYSCALL = "0f05"

_CODE = {
    # mov eax, 228; syscall; if it failed, or the clock is neither that of the day nor its coarse
    # sister (0 and 5): return; add qword [rsi], OFFSET; return
    _GETTIME: f"b8e4000000{_SYSCALL}85c0751085ff740583ff057507 488106OFFSET c3",
    # mov eax, 96; syscall; if it failed, or rdi is null: return; add qword [rdi], OFFSET; return
    "__vdso_gettimeofday": f"b860000000{_SYSCALL}85c0750c4885ff7407 488107OFFSET c3",
    # mov eax, 201; syscall; add rax, OFFSET; if rdi is not null: mov [rdi], rax; return
    "__vdso_time": f"b8c9000000{_SYSCALL} 4805OFFSET 4885ff7403488907c3",
}
"""Machine code in place of the functions that tell the time of day: ask the kernel, and add."""


class ClockTaken(Exception):
    """A process whose clock somebody else has set already."""


def lack(pid: int) -> Lack | None:
    """Why the clocks of processes like this one cannot be set; None if they can."""
    why = _why_not()
    if why:
        return Lack(why, "run it on another machine")
    if not may_stop(pid):
        return Lack(
            f"this user may not do to process {pid} what a debugger does",
            "run as the user who started it; where kernel.yama.ptrace_scope forbids it, as root",
        )
    return None


def _why_not() -> str:
    if platform.machine() != MACHINE:
        return f"the code that reads clocks is known for {MACHINE} only, not {platform.machine()}"
    try:
        _patches(image(), 0, "")
    except (NoVdso, KeyError) as error:
        return str(error)
    return ""


def set_clock(pid: int, ticks: int, offset_s: int, record: str) -> None:
    """Move the time of day of this very process. Raises ClockTaken, Busy, NoVdso, OSError.

    offset_s: positive is ahead. Doing it again for the same record changes nothing.
    """
    original = image().code
    patches = _patches(image(), offset_s, record)
    begin, end = place_in(pid)
    with _memory(pid) as memory:
        now = os.pread(memory, end - begin, begin)
        if _is_held(now, record):
            return
        if now != original:
            raise ClockTaken(f"the clock of process {pid} is set already")
        _write(pid, ticks, memory, begin, patches)


def put_back(pid: int, ticks: int, record: str) -> bool:
    """Let this very process have the time again; False if the record has not taken it.

    Raises Busy, OSError.
    """
    if not is_alive(pid, ticks):
        return False
    try:
        begin, end = place_in(pid)
        with _memory(pid) as memory:
            if not _is_held(os.pread(memory, end - begin, begin), record):
                return False
            original = image().code
            spans = _patches(image(), 0, record)
            patches = {span: original[span.offset :][: span.size] for span in spans}
            _write(pid, ticks, memory, begin, patches)
    except (FileNotFoundError, ProcessLookupError):
        return False  # it has ended meanwhile
    return True


@contextmanager
def _memory(pid: int) -> Iterator[int]:
    memory = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)
    try:
        yield memory
    finally:
        os.close(memory)


def _write(pid: int, ticks: int, memory: int, begin: int, patches: Mapping[Span, bytes]) -> None:
    """Write into the process while none of its threads is in there."""
    first = min(span.offset for span in patches)
    last = max(span.offset + span.size for span in patches)
    with stopped_outside(pid, begin + first, begin + last):
        if not is_alive(pid, ticks):
            raise ProcessLookupError(f"process {pid} is gone")
        for span, code in patches.items():
            os.pwrite(memory, code, begin + span.offset)


def _patches(original: Image, offset_s: int, record: str) -> dict[Span, bytes]:
    """What is written where. Raises KeyError for a function that is missing, NoVdso for room."""
    found: dict[Span, bytes] = {}
    for name, text in _CODE.items():
        code = bytes.fromhex(text.replace("OFFSET", _OFFSET.pack(offset_s).hex()))
        if name == _GETTIME:
            code += _tag(record)
        span = original.functions[name]
        if span.size < len(code):
            raise NoVdso(f"{name} has {span.size} bytes, too few to write {len(code)} over them")
        found[Span(span.offset, len(code))] = code
    return found


def _is_held(now: bytes, record: str) -> bool:
    """Whether the record's mark stands in the code."""
    span = next(iter(_patches(image(), 0, record)))
    return now[span.offset :][: span.size].endswith(_tag(record))


def _tag(record: str) -> bytes:
    return b"clock:" + hashlib.sha256(record.encode()).digest()[:12]
