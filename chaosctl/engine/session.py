"""One run while it lives: what it knows, the inbox it listens to, and what it tells."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaosctl.context import Context, Inbox, SignalCame, Work
from chaosctl.engine.choosing import PlannedStep
from chaosctl.engine.folder import HALT
from chaosctl.engine.journal import Event, Journal
from chaosctl.engine.lease import StartWatchdog, Watchdog, WatchdogDied, start_watchdog
from chaosctl.engine.lock import TargetLock
from chaosctl.engine.plan import Plan
from chaosctl.engine.probing import MakeProbe, ProbeAnswer, no_probes
from chaosctl.engine.sampling import Sampler, Store, StoreAnswer
from chaosctl.engine.undo import UndoResult
from chaosctl.experiment.model import Experiment, Guards
from chaosctl.judge.decide import Facts
from chaosctl.judge.hypothesis import CheckState
from chaosctl.judge.samples import Span
from chaosctl.judge.traffic import NO_TRAFFIC, Traffic
from monkeys.target import Fault, Reading, RecordIds, Target, UndoRecord

if TYPE_CHECKING:
    from chaosctl.engine.script import Script

Listen = Callable[[Event], None]
"""Gets every event of the journal, in the run's thread, right after it was written."""

WaitForPerson = Callable[[str, Callable[[], bool]], bool]
"""Told what there is to do, and whom to ask whether to give up; called in a thread.

Comes back with True when a person says that it is done, with False if nobody can say so any more.
"""


class Order(StrEnum):
    """What a person can tell a run that goes on."""

    STOP_FAULT = "stop-fault"


Attend = Callable[[Path, Callable[[Order], None]], None]
"""Told, once a watchdog is there, the run's folder and where a person's orders go; returns at once.

Orders may come from any thread.
"""


def leave_alone(_folder: Path, _put: Callable[[Order], None]) -> None:
    """Nobody is there to give orders."""


DRIVER_CALL_S = 60.0
"""The lease allows this for one call of a driver, which has its own, shorter time-out."""

SLACK_S = 3.0

CLOCK_SET_MS = 2_000
"""A clock that is set by more than this shifts data by whole steps; less is kept right by NTP."""


@dataclass(frozen=True, slots=True)
class World:
    """What is broken, and what watches it.

    about: goes into the `platform` event. settings: what the document wants set at the target for
    the whole run (the demo's fragility switches), as undo records like any other. explain: from a
    broken check's state, the baseline and the end of the breach to why, computed from the store.
    make_probe: from a document's probe to one that can be asked; raises ChaosctlError.
    expected: how many instances of each service there should be, where that is known.
    script: what the method is, where it is not faults of ours.
    flows: from a span and a step (ms) to what went between the services; called in a thread.
    """

    target: Target
    store: Store
    about: Mapping[str, Any] = field(default_factory=dict)
    settings: Callable[[RecordIds], tuple[UndoRecord, ...]] = lambda _ids: ()
    explain: Callable[[CheckState, Span, int], list[str]] = lambda _state, _baseline, _end: []
    make_probe: MakeProbe = no_probes
    expected: Callable[[], Mapping[str, int]] = dict
    script: Script | None = None
    flows: Callable[[Span, int], Traffic] = lambda _span, _step_ms: NO_TRAFFIC


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything a run is handed.

    document: the text of the experiment, copied into the run folder.
    open_world: connects to (or starts) target and store; called once, in the main thread, with a
        function that takes one line of news for people; raises ChaosctlError. Closing is the
        caller's.
    about: versions, settings and the like, for whoever reads the result later.
    approve: shown the plan before anything is touched; False ends as not-started.
    machine_guards: those that hold for every run here, besides the document's own.
    wait_for_person: None where there is nobody to ask.
    attend: hands over whom a person at the keyboard gives orders to.
    """

    experiment: Experiment
    document: str
    seed: int
    faults: Mapping[str, type[Fault]]
    open_world: Callable[[Callable[[str], None]], World]
    listen: Listen = lambda _event: None
    approve: Callable[[Plan], bool] = lambda _plan: True
    machine_guards: tuple[Guards, ...] = ()
    start_watchdog: StartWatchdog = start_watchdog
    wait_for_person: WaitForPerson | None = None
    attend: Attend = leave_alone
    about: Mapping[str, Any] = field(default_factory=dict)


class RunEnded(Exception):
    """The run is to end now: a signal, a halt, the death of its watchdog, a clock that was set."""


class StoppedByHand(Exception):
    """A person wants the fault out now; what comes after it is done as usual."""


class LeftToWatchdog(Exception):
    """The user would not wait for the undo any longer."""


@dataclass(frozen=True, slots=True)
class _CallDone:
    number: int
    value: Any


@dataclass(slots=True)
class Hit:
    """One step of the method on its way: the fault, whom it hit, how they looked before.

    records: those that were injected for it, at the level it has now; trouble: why it was
    not seen, or not seen to be gone, at the last look.
    """

    step: PlannedStep
    fault: Fault
    before: Mapping[str, Reading]
    records: list[UndoRecord] = field(default_factory=list)
    removed: bool = False
    confirmed_ms: int = 0
    """Of its last level, if it has several; 0: not seen."""
    out_ms: int = 0
    """When it was to be taken out; 0: not yet, or with everything else."""
    trouble: str = ""


class Session:
    """The state of one run. Only the main thread touches it; others put into its inbox."""

    plan: Plan
    world: World
    sampler: Sampler

    def __init__(
        self, setup: Setup, context: Context, inbox: Inbox, folder: Path, journal: Journal
    ) -> None:
        self.setup, self.context, self.inbox = setup, context, inbox
        self.folder, self.journal = folder, journal
        self.run_id = folder.name
        self.facts = Facts(recovery_within_ms=setup.experiment.recovery_ms)
        self.fix = ""
        self.lock: TargetLock | None = None
        self.watchdog: Watchdog | None = None
        self.phase = "validate"
        self.hits: list[Hit] = []
        self.records: list[UndoRecord] = []
        self.settings: set[str] = set()
        """Ids of the records that stand for the whole run."""
        self.undone: dict[str, UndoResult] = {}
        self.is_undoing = False
        self.is_left = False
        self.signal_number = 0
        self.presses = 0
        self.baseline: Span | None = None
        self.method_ms = 0
        """When the method began; 0 before that."""
        self.injected_ms = self.confirmed_ms = self.removing_ms = self.removed_ms = 0
        self.stopped_ms = 0
        """When a person wanted the fault out; 0: nobody did."""
        self.said: dict[str, str] = {}
        self.judged_from_ms = 0
        """From when on the fault is judged; 0: from the injection."""
        self.unjudged = ""
        """Why the time of the fault is not judged; empty if it is."""
        self.trusted: tuple[str, ...] = ()
        """Actions that nobody saw, and that the user wants to be taken as done."""
        self.because: dict[str, list[str]] = {}
        self.traffic = NO_TRAFFIC
        self._calls = 0
        self._answers: dict[int, Any] = {}
        self._listen: Listen | None = setup.listen
        self._noted_trouble = False

    def emit(
        self, event: str, *, durable: bool = True, required: bool = False, **fields: Any
    ) -> None:
        """Journal an event and tell the listener. Raises JournalNotWritable only if required."""
        line = self.journal.append(event, durable=durable, required=required, **fields)
        self._tell(line)
        if self.journal.trouble and not self._noted_trouble:
            self._noted_trouble = True
            text = f"journal cannot be written ({self.journal.trouble}); going on from memory"
            self._tell(self.journal.append("note", text=text))

    def note(self, text: str) -> None:
        """Say something to people."""
        self.emit("note", durable=False, text=text)

    def know(self, **changes: Any) -> None:
        """Add to the facts that the verdict is made from."""
        self.facts = replace(self.facts, **changes)

    def pending(self) -> list[UndoRecord]:
        """Records that are not taken back yet, in order of injection."""
        done = {name for name, result in self.undone.items() if result.ok}
        return [record for record in self.records if record.id not in done]

    def pending_faults(self) -> list[UndoRecord]:
        """Those of them that do not stand for the whole run."""
        return [record for record in self.pending() if record.id not in self.settings]

    def busy(self, seconds: float = DRIVER_CALL_S) -> None:
        """Tell the watchdog that the next thing may take so long."""
        if self.watchdog is not None:
            self.watchdog.extend(seconds)

    def listen(self, timeout_s: float = 0.0) -> bool:
        """Wait for one message and act on it; True if it settled a step.

        Raises RunEnded or LeftToWatchdog when that is what the message means.
        """
        self.busy(timeout_s + SLACK_S)
        return self._act_on(self.inbox.get(timeout_s))

    def listen_to_all(self) -> None:
        """Act on everything that is waiting, without waiting for more."""
        while (message := self.inbox.get(0.0)) is not None:
            self._act_on(message)

    def listen_and_ask(self, until_ms: int) -> bool:
        """Keep the store asked, and wait for one message until then; True if a step settled.

        Raises RunEnded, also when the system's clock was set: steps are not what they were then.
        """
        self._refuse_clock()
        self.sampler.ask_if_due()
        left_s = (until_ms - self.context.now_ms()) / 1000
        return self.listen(max(0.0, min(left_s, self.sampler.due_in_s(), 1.0)))

    def bounded(self, work: Work, timeout_s: float) -> Any:
        """Work in the background while listening; its value, its exception, or TimeoutError."""
        number = self.begin(work)
        until = self.context.monotonic() + timeout_s
        while number not in self._answers:
            left_s = until - self.context.monotonic()
            if left_s <= 0:
                return TimeoutError()
            self.listen(left_s)
        return self._answers.pop(number)

    def begin(self, work: Work) -> int:
        """Have work done in the background; the number that its answer will have."""
        self._calls += 1
        number = self._calls

        def reply(value: Any) -> None:
            self.inbox.put(_CallDone(number, value))

        self.context.in_background(work, reply)
        return number

    def answer(self, number: int) -> Any:
        """What came of background work: its value, its exception, or None: not done yet."""
        return self._answers.pop(number, None)

    def _act_on(self, message: object | None) -> bool:
        match message:
            case SignalCame(number):
                self._on_signal(number)
            case Order():
                self._on_order(message)
            case WatchdogDied():
                self._end("the death of its watchdog")
            case StoreAnswer():
                return self.sampler.take(message)
            case ProbeAnswer():
                self.sampler.take_probe(message)
            case _CallDone(number, value):
                self._answers[number] = value
        return False

    def _on_signal(self, number: int) -> None:
        name = signal.Signals(number).name
        self.emit("signal", number=number, name=name)
        if number == signal.SIGUSR1:
            reason = self._halt_reason()
            self.emit("halt", reason=reason)
            self._end(f"halt: {reason}")
            return
        self.presses += 1
        self.signal_number = self.signal_number or number
        if self.is_undoing and self.presses == 2 and self.pending():
            done, count = len(self.records) - len(self.pending()), len(self.records)
            self.note(
                f"undo is still running ({done} of {count}); a third Ctrl-C leaves it to the "
                "watchdog"
            )
        if self.is_undoing and self.presses >= 3 and self.pending():
            raise LeftToWatchdog
        self._end(name)

    def _on_order(self, order: Order) -> None:
        """Raises StoppedByHand, unless the fault is on its way out already."""
        if self.stopped_ms:
            return
        if not self.method_ms or self.phase in ("recover", "report"):
            self.note("there is no fault in that could be stopped")
            return
        self.stopped_ms = self.context.now_ms()
        after_ms = self.stopped_ms - self.injected_ms if self.injected_ms else 0
        self.emit("order", order=order, after_ms=after_ms)
        is_looked_for = any(one.out_ms and not one.removed for one in self.hits)
        if not self.is_undoing and (self.pending_faults() or not is_looked_for):
            raise StoppedByHand

    def _end(self, by: str) -> None:
        """Note why the run ends, and end it, unless it is on its way out already."""
        if not self.facts.ended_by:
            self.know(ended_by=by)
        if not self.is_undoing:
            raise RunEnded

    def _refuse_clock(self) -> None:
        """Say once that the clock was set, and end the run, unless it is on its way out already."""
        off_ms = self.context.clock_set_by_ms()
        if abs(off_ms) < CLOCK_SET_MS or self.facts.clock:
            return
        self.know(
            clock=f"the system's clock was set by {off_ms / 1000:+.0f} s, or the machine slept"
        )
        self.fix = "run it again, now that the clock is right"
        self.note(self.facts.clock)
        if not self.is_undoing:
            raise RunEnded

    def _halt_reason(self) -> str:
        with suppress(OSError, UnicodeDecodeError):
            text = (self.folder / HALT).read_text(encoding="utf-8").strip()
            if text:
                return text[:500]
        return "no reason given"

    def _tell(self, event: Event) -> None:
        if self._listen is None:
            return
        try:
            self._listen(event)
        except OSError:  # the terminal or pipe is gone; the run is not its servant
            self._listen = None
