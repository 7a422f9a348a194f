"""Ask the probes of a run, each in the background and on its own; one that hangs holds nobody up.

An answer belongs to the step in which it came, and stands until the next is due: for the time
between two questions, and the time that the next one may take. There is at most one a step. A
question that could not be put says nothing of the system: then there is no data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from chaosctl.context import Context, Inbox
from chaosctl.errors import ChaosctlError
from chaosctl.experiment.model import Check, ProbeSpec, StopCondition
from chaosctl.judge.samples import STEP_MS


class Said(Protocol):
    """An answer: a number (NaN: there was none in it), and what it was in words."""

    @property
    def value(self) -> float:
        """The number."""

    @property
    def text(self) -> str:
        """One short line."""


class Probe(Protocol):
    """What the engine asks of a probe; called in a worker thread."""

    def ask(self, timeout_s: float) -> Said:
        """Ask once. Raises if the question cannot be put."""


MakeProbe = Callable[[ProbeSpec], Probe]


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """Message: what came of question `number` of the probe `key`, and when; or its exception."""

    key: str
    number: int
    at_ms: int
    content: Said | BaseException


class Asker:
    """One probe, asked every now and then. values, texts: by step end, epoch ms."""

    def __init__(
        self, key: str, probe: Probe, spec: ProbeSpec, context: Context, inbox: Inbox
    ) -> None:
        self.key = key
        self.values: dict[int, float] = {}
        self.texts: dict[int, str] = {}
        self._probe, self._spec = probe, spec
        self._context, self._inbox = context, inbox
        self._number = 0
        self._is_waiting = False
        self._next_ms = 0

    def ask_if_due(self) -> None:
        """Put the next question if its time has come and the last one is answered."""
        now_ms = self._context.now_ms()
        if self._is_waiting or now_ms < self._next_ms:
            return
        self._number += 1
        number, timeout_s = self._number, self._spec.timeout_ms / 1000

        def ask() -> Said:
            return self._probe.ask(timeout_s)

        def answer(content: Said | BaseException) -> None:
            self._inbox.put(ProbeAnswer(self.key, number, self._context.now_ms(), content))

        self._is_waiting = True
        self._next_ms = _end_of_step(now_ms) - STEP_MS + self._spec.every_ms
        self._context.in_background(ask, answer)

    def due_ms(self) -> float:
        """When `ask_if_due` has something to do; ∞ while an answer is waited for."""
        return math.inf if self._is_waiting else self._next_ms

    def take(self, answer: ProbeAnswer) -> None:
        """Keep an answer."""
        if answer.number == self._number:
            self._is_waiting = False
        end_ms = _end_of_step(answer.at_ms)
        self._next_ms = max(self._next_ms, end_ms)  # never two answers in one step
        content = answer.content
        value = math.nan if isinstance(content, BaseException) else content.value
        self.texts[end_ms] = str(content) if isinstance(content, BaseException) else content.text
        stands_ms = self._spec.every_ms + self._spec.timeout_ms
        for later_ms in [end for end in self.values if end >= end_ms]:
            del self.values[later_ms]
        if not math.isnan(value):
            ends = range(end_ms, end_ms + stands_ms, STEP_MS)
            self.values.update(dict.fromkeys(ends, value))

    def text_at(self, end_ms: int) -> str:
        """What was said last by the end of that step."""
        said = [end for end in self.texts if end <= end_ms]
        return self.texts[max(said)] if said else ""


def askers_of(
    asking: Iterable[Check | StopCondition], make_probe: MakeProbe, context: Context, inbox: Inbox
) -> list[Asker]:
    """One for each check and stop condition that has a probe. Raises what make_probe raises."""
    return [
        Asker(each.query, make_probe(each.probe), each.probe, context, inbox)
        for each in asking
        if each.probe is not None
    ]


def no_probes(spec: ProbeSpec) -> Probe:
    """Of a world that has none. Raises ChaosctlError."""
    fix = "use a query, or another driver"
    raise ChaosctlError(f"probes of kind '{spec.kind}' cannot be asked here", fix=fix)


def _end_of_step(at_ms: int) -> int:
    return at_ms // STEP_MS * STEP_MS + STEP_MS
