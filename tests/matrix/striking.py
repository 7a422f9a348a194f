"""How each event of the table is made to happen, for real, to a run that is under way."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.bed import ROOT, Bed, wait_until
from tests.integration.observer import kernel

PRELOAD = Path(__file__).with_name("preload")
HOUR_NS = 3600 * 10**9
FILLER_BYTES = 64 << 10
DISK_BYTES_MAX = 16 << 20


@dataclass(slots=True)
class Stage:
    """What an event needs besides the run. options, variables: for the run's command."""

    bed: Bed
    event: str
    options: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    _relay: subprocess.Popen[bytes] | None = None

    @property
    def clock(self) -> Path:
        """Eight bytes: by how many nanoseconds the run's clock is off."""
        return self.bed.folder / "clock"

    def start(self) -> None:
        """After the observer's first look: what is to die with the event."""
        if self.event == "store dead":
            listen = self.bed.folder / "relay.sock"
            listen.unlink(missing_ok=True)
            store = str(self.bed.runtime / "demo" / "store.sock")
            program = [sys.executable, "-m", "tests.matrix.relay", str(listen), store]
            self._relay = subprocess.Popen(program, cwd=ROOT)
            wait_until(listen.exists, 10, "relay to the store")
            self.options = ("--store", f"unix:{listen}")

    def kill_relay(self) -> None:
        """The store is dead, as far as the run can see."""
        if self._relay is not None:
            self._relay.kill()
            self._relay.wait()


@contextmanager
def set_stage(bed: Bed, event: str) -> Iterator[Stage]:
    """Before the observer's first look: what is there all the time."""
    stage = Stage(bed, event)
    if event.startswith("clock"):
        stage.clock.write_bytes(struct.pack("<q", 0))
        stage.variables["MATRIX_CLOCK"] = str(stage.clock)
    if event == "disk full":
        bed.state.mkdir(exist_ok=True)
        kernel.mount("tmpfs", str(bed.state), "tmpfs", f"size={DISK_BYTES_MAX}")
    try:
        yield stage
    finally:
        stage.kill_relay()
        if event == "disk full":
            kernel.unmount(str(bed.state))


def preloading(bed: Bed, variables: dict[str, str]) -> dict[str, str]:
    """The same, with the modules that act on them in the way."""
    if not variables:
        return {}
    path = os.pathsep.join([str(PRELOAD), bed.environment()["PYTHONPATH"]])
    return {**variables, "PYTHONPATH": path}


def watchdogs(bed: Bed, folder: Path | None) -> list[int]:
    """Process numbers of the watchdog of a run, if it has one yet."""
    return [] if folder is None else bed.processes("chaosctl.watchdog", folder.name)


def _signalled(number: signal.Signals) -> Callable[[Stage, int, Path | None], None]:
    def strike(_stage: Stage, pid: int, _folder: Path | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    return strike


def _both(stage: Stage, pid: int, folder: Path | None) -> None:
    """The watchdog is stopped first, so that it cannot act between the one and the other."""
    others = watchdogs(stage.bed, folder)
    for number, pids in ((signal.SIGSTOP, others), (signal.SIGKILL, [pid, *others])):
        for each in pids:
            with suppress(ProcessLookupError):
                os.kill(each, number)


def _fill_disk(stage: Stage, _pid: int, _folder: Path | None) -> None:
    with (stage.bed.state / "filler").open("wb", buffering=0) as file:
        size = FILLER_BYTES
        while size:
            try:
                file.write(b"\0" * size)
            except OSError:
                size //= 2


def _kill_store(stage: Stage, _pid: int, _folder: Path | None) -> None:
    stage.kill_relay()


def _shift(offset_ns: int) -> Callable[[Stage, int, Path | None], None]:
    def strike(stage: Stage, _pid: int, _folder: Path | None) -> None:
        with stage.clock.open("r+b", buffering=0) as file:
            file.write(struct.pack("<q", offset_ns))

    return strike


STRIKES: dict[str, Callable[[Stage, int, Path | None], None]] = {
    "SIGINT": _signalled(signal.SIGINT),
    "SIGTERM": _signalled(signal.SIGTERM),
    "SIGHUP": _signalled(signal.SIGHUP),
    "SIGKILL": _signalled(signal.SIGKILL),
    "SIGKILL of both": _both,
    "SIGSTOP": _signalled(signal.SIGSTOP),
    "disk full": _fill_disk,
    "store dead": _kill_store,
    "clock +1 h": _shift(HOUR_NS),
    "clock -1 h": _shift(-HOUR_NS),
}
