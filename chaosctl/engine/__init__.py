"""The engine: plans, runs, journals, undoes. These names are what commands call.

Drivers, fault tables and stores are passed in; the engine imports none of them.
"""

from chaosctl.engine.choosing import PlannedStep
from chaosctl.engine.halt import Halted, halt_all
from chaosctl.engine.journal import Event, read_journal, verify_journal
from chaosctl.engine.ledger import RunState, RunSummary, find_run, list_runs
from chaosctl.engine.plan import Plan, plan_experiment
from chaosctl.engine.recover import recover, undo_run
from chaosctl.engine.result import RunResult, read_result
from chaosctl.engine.run import Setup, Store, World, run_experiment
from chaosctl.engine.series import Line, RunSeries, read_series
from chaosctl.engine.session import WaitForPerson
from chaosctl.engine.undo import UndoerFor, UndoReport, UndoResult

__all__ = [
    "Event",
    "Halted",
    "Line",
    "Plan",
    "PlannedStep",
    "RunResult",
    "RunSeries",
    "RunState",
    "RunSummary",
    "Setup",
    "Store",
    "UndoReport",
    "UndoResult",
    "UndoerFor",
    "WaitForPerson",
    "World",
    "find_run",
    "halt_all",
    "list_runs",
    "plan_experiment",
    "read_journal",
    "read_result",
    "read_series",
    "recover",
    "run_experiment",
    "undo_run",
    "verify_journal",
]
