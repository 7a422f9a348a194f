"""One run, from document to verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from chaosctl.context import Context
from chaosctl.engine.journal import Event
from chaosctl.engine.plan import Plan
from chaosctl.experiment.model import Experiment
from chaosctl.judge.verdict import UndoState, Verdict
from monkeys.target import Fault, Target

Listen = Callable[[Event], None]
"""Gets every event of the journal, in the run's thread, right after it was written."""


class Store(Protocol):
    """What the engine asks of a query backend; called in a worker thread."""

    def fetch(
        self, queries: Sequence[str], start_ms: int, end_ms: int, timeout_s: float
    ) -> Mapping[str, Mapping[int, float]]:
        """Values by query and step end (ms), steps in (start, end]; no entry where no data is.

        Raises StoreSilent when it does not answer in time.
        """


@dataclass(frozen=True, slots=True)
class World:
    """What is broken, and what watches it. about: goes into the `platform` event."""

    target: Target
    store: Store
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything a run is handed.

    document: the text of the experiment, copied into the run folder.
    open_world: connects to (or starts) target and store; called once, in the main thread, with a
        function that takes one line of news for people; raises ChaosctlError. Closing is the
        caller's.
    approve: shown the plan before anything is touched; False ends as not-started.
    watchdog_argv: how to start the watchdog; the run folder is appended.
    """

    experiment: Experiment
    document: str
    seed: int
    faults: Mapping[str, type[Fault]]
    open_world: Callable[[Callable[[str], None]], World]
    listen: Listen = lambda _event: None
    approve: Callable[[Plan], bool] = lambda _plan: True
    watchdog_argv: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended; result.json holds the same. folder: None if none could be made."""

    run_id: str
    folder: Path | None
    verdict: Verdict
    undo: UndoState
    exit_code: int
    reason: str
    fix: str
    detail: Mapping[str, Any]  # checks with outcome and worst value, recovery_ms, undo k of n, …

    def as_json(self) -> dict[str, Any]:
        """This result as plain JSON values (schema chaosctl/result/v1)."""
        raise NotImplementedError


def run_experiment(setup: Setup, context: Context) -> RunResult:
    """Run it: everything that goes wrong ends as a verdict, with whatever was injected undone.

    Never raises for what a user, a target or a store can do; a bug of ours comes out as the
    exception it is, after the undo. Signals are taken from start to end and given back.
    """
    raise NotImplementedError
