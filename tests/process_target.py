"""A target of real processes: each instance is a process, and the only mechanism is a signal.

Small enough to be read at a glance, and real enough to be killed under: the engine's integration
tests use it in the run, in the watchdog and in other commands, each a process of its own.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaosctl.engine.process import ProcessId, identify, send
from monkeys.errors import TargetFailed
from monkeys.target import (
    Capability,
    Echoes,
    Instance,
    Lack,
    ProcessState,
    Resource,
    UndoRecord,
    Usage,
)


def make_instance(pid: int) -> Instance:
    process = identify(pid)
    return Instance(
        id=f"p-{pid}",
        service="victim",
        group="victims",
        region="here",
        zone="here-a",
        handle={"pid": pid, "started_ticks": process.started_ticks},
    )


@dataclass(slots=True)
class ProcessTarget:
    """Signals to processes. Slowness is real, so that a test can strike in the middle.

    stubborn_file: as long as it exists, no undo works. hang_file: as long as it exists, an inject
    does not return.
    """

    pids: tuple[int, ...] = ()
    slow_s: float = 0.0
    stubborn_file: str = ""
    hang_file: str = ""
    name: str = "process"

    @property
    def id(self) -> str:
        return f"processes-{'-'.join(map(str, self.pids))}"

    def instances(self) -> Sequence[Instance]:
        return [make_instance(pid) for pid in self.pids]

    def lacks(self, capability: Capability) -> Lack | None:
        return None if capability is Capability.SIGNAL else Lack("processes only", "use another")

    def state(self, instance: Instance) -> ProcessState:
        try:
            text = open(f"/proc/{instance.handle['pid']}/stat").read()  # noqa: PTH123, SIM115
        except OSError:
            return ProcessState.GONE
        state = text.rpartition(")")[2].split()[0]
        return {"T": ProcessState.STOPPED, "Z": ProcessState.GONE}.get(state, ProcessState.RUNNING)

    def probe(
        self,
        instances: Sequence[Instance],
        *,
        origin: Instance | None = None,
        timeout_ms: int = 200,
    ) -> Mapping[str, float | None]:
        return {i.id: None for i in instances}

    def echo(
        self, instances: Sequence[Instance], *, count: int, size_bytes: int, timeout_ms: int
    ) -> Mapping[str, Echoes]:
        return {i.id: Echoes(count, size_bytes) for i in instances}

    def usage(self, instances: Sequence[Instance], resource: Resource) -> Mapping[str, Usage]:
        del instances, resource
        return {}

    def flush_counts(self, instances: Sequence[Instance]) -> Mapping[str, int]:
        del instances
        return {}

    def clocks(self, instances: Sequence[Instance]) -> Mapping[str, float | None]:
        return {each.id: None for each in instances}

    def asked_per_second(self, instances: Sequence[Instance]) -> Mapping[str, float | None]:
        return {each.id: None for each in instances}

    def inject(self, record: UndoRecord) -> None:
        time.sleep(self.slow_s / 2)
        self._signal(record, signal.Signals[record.detail["signal"]])
        time.sleep(self.slow_s / 2)
        while self.hang_file and os.path.exists(self.hang_file):  # noqa: PTH110
            time.sleep(0.05)

    def undo(self, record: UndoRecord) -> None:
        time.sleep(self.slow_s)
        if self.stubborn_file and os.path.exists(self.stubborn_file):  # noqa: PTH110
            raise TargetFailed("it will not let go", where="process", fix="remove the file")
        if record.detail["undo_signal"]:
            self._signal(record, signal.Signals[record.detail["undo_signal"]])

    def _signal(self, record: UndoRecord, number: int) -> None:
        for instance in record.instances:
            handle = instance.handle
            boot = identify().boot
            send(ProcessId(int(handle["pid"]), int(handle["started_ticks"]), boot), number)
