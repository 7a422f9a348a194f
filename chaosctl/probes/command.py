"""What a program says, and with which exit code it ends.

The program is the leader of a process group that is killed as a whole when it has ended, when its
time is over, or when we die: a shell in the group waits for the end of a pipe that only we hold.
So nothing that a probe starts outlives the run, unless it leaves the group on purpose.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chaosctl.probes.answer import OUTPUT_BYTES_MAX, Answer, CannotAsk, Probe, unmet
from chaosctl.probes.expecting import Expectation

READ_BYTES_MAX = 16 * 1024 * 1024
"""Who prints more than this is stopped; all but the beginning is thrown away."""

_LOOK_EVERY_S = 0.02
_CHUNK_BYTES = 1 << 16
_GUARD = """
exec 3<&0 </dev/null
(exec >&- 2>&-; read -r _ <&3; kill -KILL 0) &
exec 3<&-
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class CommandProbe:
    """One run of a program, without a shell. exits: the codes that are wanted."""

    argv: tuple[str, ...]
    expect: Expectation
    exits: tuple[int, ...] = (0,)
    clock: Callable[[], float] = time.monotonic

    def ask(self, timeout_s: float) -> Answer:
        """Its output and exit code held against what is wanted. Raises CannotAsk."""
        program = shutil.which(self.argv[0])
        if program is None:
            raise CannotAsk(f"no program {self.argv[0]!r}", "install it, or give its path")
        began = self.clock()
        try:
            code, output = _run((program, *self.argv[1:]), began + timeout_s, self.clock)
        except OSError as error:
            words = (error.strerror or "unknown").lower()
            raise CannotAsk(f"program cannot be started: {words}", "see `ulimit -a`") from error
        took_ms = (self.clock() - began) * 1000
        take = self.expect.take
        if len(output) > READ_BYTES_MAX:
            return unmet(f"stopped: printed more than {READ_BYTES_MAX >> 20} MiB", take)
        if code is None:
            return unmet(f"did not end within {timeout_s:g} s", take)
        if code not in self.exits:
            ended = f"exit code {code}" if code >= 0 else f"ended by signal {-code}"
            last = output[:OUTPUT_BYTES_MAX].decode("utf-8", "replace").strip().rpartition("\n")[2]
            return unmet(f"{ended}: {last}" if last else ended, take)
        return self.expect.judge(bytes(output), took_ms, f"exit code {code}")


def command_probe(parameters: Mapping[str, Any]) -> Probe:
    """From a document's parameters."""
    exits = parameters.get("expect", {}).get("exit", (0,))
    return CommandProbe(tuple(parameters["argv"]), Expectation.of(parameters), tuple(exits))


def _run(
    argv: tuple[str, ...], until: float, clock: Callable[[], float]
) -> tuple[int | None, bytearray]:
    """Exit code (None: had to be stopped) and output, standard error with it."""
    ours, theirs = os.pipe()  # the guard reads `ours`, and we hold the other end open
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "probe", *argv],
            stdin=ours,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError:
        os.close(theirs)
        raise
    finally:
        os.close(ours)
    try:
        output, has_ended = _read(process, until, clock)
        _kill_group(process.pid)  # its number is not free as long as the leader is not reaped
        process.wait(timeout=5)
    finally:
        os.close(theirs)
        if process.stdout is not None:
            process.stdout.close()
    return (process.returncode if has_ended else None), output


def _read(
    process: subprocess.Popen[bytes], until: float, clock: Callable[[], float]
) -> tuple[bytearray, bool]:
    """What it prints until it ends; whether it ended by itself in time."""
    output = bytearray()
    pipe = process.stdout
    if pipe is None:
        raise AssertionError
    os.set_blocking(pipe.fileno(), False)
    thrown_away = 0
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            has_ended = _has_ended(process.pid)
            chunk = _read_now(pipe.fileno())
            kept = chunk[: max(0, OUTPUT_BYTES_MAX + 1 - len(output))]
            output += kept
            thrown_away += len(chunk) - len(kept)
            if thrown_away > READ_BYTES_MAX:
                output += b"\0" * READ_BYTES_MAX
                return output, False
            if has_ended and not chunk:
                return output, True
            left_s = until - clock()
            if left_s <= 0:
                return output, has_ended
            if not chunk:
                selector.select(min(left_s, _LOOK_EVERY_S))


def _read_now(descriptor: int) -> bytes:
    with suppress(BlockingIOError):
        return os.read(descriptor, _CHUNK_BYTES)
    return b""


def _has_ended(pid: int) -> bool:
    """Whether it is a zombie; it is left one."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
