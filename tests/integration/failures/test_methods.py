"""A method with several things at once, as the kernel and the platform see it from outside."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from chaosctl.control import Control
from tests.integration.bed import Bed
from tests.integration.failures.documents import document
from tests.integration.observer.difference import settle, steady
from tests.integration.observer.processes import descendants, every_process

pytestmark = [pytest.mark.integration, pytest.mark.timeout(150)]

METHOD = """\
  - parallel:
      - fault: instance-hang
        select: {service: recs, zone: us-east-1a}
        for: 2s
        repeat: {times: 2, pause: 1s}
      - fault: network-latency
        select: {service: api, zone: us-east-1a}
        ramp: {delay: {from: 100ms, to: 300ms}, over: 6s, steps: 3}
        for: 6s
      - {load: {times: 2}, after: 1s, for: 3s}
"""


@dataclass(slots=True)
class Watcher:
    """What is seen a few times a second: how many hang, which delays are on, what is offered."""

    bed: Bed
    hanging: list[int] = field(default_factory=list)
    delays: list[tuple[int, ...]] = field(default_factory=list)
    offered: list[float] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Look until it is said to be over."""
        control = Control(self.bed.runtime / "demo" / "control.sock")
        while not self.ended.wait(0.1):
            mine = descendants(every_process(), os.getpid())
            self.hanging.append(sum(process.state == "T" for process in mine.values()))
            words = " ".join(process.command for process in mine.values())
            on = (float(found) for found in re.findall(r'"delay_ms": ?([0-9.]+)', words))
            self.delays.append(tuple(sorted({round(ms) for ms in on})))
            self.offered.append(control.platform()["starts_per_second"])


def changes(values: Sequence[Any]) -> list[Any]:
    """Each value that differs from the one before it."""
    return [v for i, v in enumerate(values) if i == 0 or v != values[i - 1]]


def test_several_things_at_once_are_seen_from_outside_and_leave_nothing(bed: Bed) -> None:
    before = steady(bed.scope)
    watcher = Watcher(bed)
    thread = threading.Thread(target=watcher.watch)
    thread.start()
    text = document().replace("method:\n", f"method:\n{METHOD}")
    said = bed.chaosctl("run", "--json", bed.document(text))
    watcher.ended.set()
    thread.join()
    assert said.code == 0, said.text
    result = json.loads(said.out.splitlines()[-1])
    assert result["undo"] == "clean"
    usual = watcher.offered[0]
    assert changes([bool(count) for count in watcher.hanging]) == [False, True, False, True, False]
    assert changes([d for d in watcher.delays if d]) == [(100,), (200,), (300,)]
    assert changes(watcher.offered) == [usual, 2 * usual, usual]
    together = zip(watcher.hanging, watcher.delays, watcher.offered, strict=True)
    assert any(hang and delay and offered > usual for hang, delay, offered in together)
    left, _ = settle(before, bed.scope, 2)
    assert left == []
