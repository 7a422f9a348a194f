"""One run, from document to verdict: the order of the phases, and what each failure means.

Everything that is injected stands between `carry_out` and the undo in `_make_safe`, which runs on
every way out: error, signal, time-out, stop condition and bugs of our own.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from chaosctl.context import Context, Inbox
from chaosctl.engine.breaking import (
    FaultOver,
    apply_settings,
    confirm_all_removed,
    state_of_undo,
    take_out,
)
from chaosctl.engine.detail import detail_of
from chaosctl.engine.flows import ask_flows
from chaosctl.engine.folder import DOCUMENT, PLAN, RESULT, make_run_folder, not_writable
from chaosctl.engine.guards import (
    guards_in_words,
    refuse_by_clock,
    refuse_by_target,
    refuse_if_leashed,
)
from chaosctl.engine.journal import create_journal, to_json, write_whole
from chaosctl.engine.judging import judge_fault
from chaosctl.engine.lock import lock_target
from chaosctl.engine.method import carry_out, refuse_without_person
from chaosctl.engine.plan import plan_experiment
from chaosctl.engine.probing import askers_of
from chaosctl.engine.process import identify
from chaosctl.engine.result import RunResult
from chaosctl.engine.sampling import Sampler, Store
from chaosctl.engine.script import with_trust
from chaosctl.engine.series import lines_of, series_of, write_series
from chaosctl.engine.session import LeftToWatchdog, RunEnded, Session, Setup, World
from chaosctl.engine.watching import (
    all_queries,
    explain,
    measure_recovery,
    take_baseline,
    warm_up,
)
from chaosctl.errors import ChaosctlError, NotStarted
from chaosctl.judge.decide import Decision, decide
from chaosctl.judge.hypothesis import CheckState
from chaosctl.judge.verdict import Outcome, UndoState, Verdict, exit_code
from monkeys.errors import MonkeyError

__all__ = ["RunResult", "Setup", "Store", "World", "run_experiment"]


def run_experiment(setup: Setup, context: Context) -> RunResult:
    """Run it: everything that goes wrong ends as a verdict, with whatever was injected undone.

    Never raises for what a user, a target or a store can do; a bug of ours comes out as the
    exception it is, after the undo. Signals are taken from start to end and given back.
    """
    inbox = context.make_inbox()
    context.signals.deliver_to(inbox)
    try:
        session = _begin(setup, context, inbox)
    except ChaosctlError as error:
        context.signals.restore()
        return RunResult(
            run_id="",
            folder=None,
            verdict=error.verdict,
            undo=UndoState.CLEAN,
            exit_code=exit_code(error.verdict, UndoState.CLEAN),
            reason=str(error),
            fix=error.fix,
            detail={},
        )
    try:
        _phases_or_facts(session)
        return _finish(session)
    except BaseException:
        _make_safe(session)
        _conclude(session, Decision(Verdict.INCONCLUSIVE, "a bug in chaosctl ended the run"), [])
        raise
    finally:
        _let_go(session)
        context.signals.restore()


def _begin(setup: Setup, context: Context, inbox: Inbox) -> Session:
    """The run folder and its journal, or NotStarted."""
    folder = make_run_folder(context)
    try:
        journal = create_journal(folder, context)
        write_whole(folder / DOCUMENT, setup.document)
    except OSError as error:
        raise not_writable("journal cannot be made", folder, error) from error
    session = Session(setup, context, inbox, folder, journal)
    experiment = setup.experiment
    session.emit(
        "start",
        run=session.run_id,
        experiment=experiment.name,
        title=experiment.title,
        source=experiment.source,
        sha256=experiment.sha256,
        driver=experiment.target.driver,
        seed=setup.seed,
        process=identify().as_json(),
    )
    return session


def _phases_or_facts(session: Session) -> None:
    """Go through the phases; what ends them early becomes facts for the verdict."""
    try:
        _prepare(session)
        apply_settings(session)
        _tell_lines(session)
        warm_up(session)
        take_baseline(session)
        if session.facts.baseline is not Outcome.PASS:
            return
        _tell_lines(session)
        _keep_series(session, is_whole=False)
        refuse_by_clock(session, budget=False)  # warm-up and baseline took their time
        carry_out(session)
        if session.removed_ms and session.facts.removed:  # else it may still be in
            measure_recovery(session)
    except LeftToWatchdog:
        session.is_left = True
    except (RunEnded, FaultOver):
        pass  # the facts say why, and by whom
    except ChaosctlError as error:
        session.fix = error.fix
        if error.verdict is Verdict.INVALID:
            session.know(invalid=str(error))
        elif error.verdict is Verdict.NOT_STARTED:
            session.know(refused=str(error))
        else:
            session.know(injection_error=str(error))
    except MonkeyError as error:
        session.fix = error.fix
        if session.records:
            session.know(injection_error=str(error))
        else:
            session.know(refused=f"target: {error}")


def _prepare(session: Session) -> None:
    """World, plan, approval, lock, watchdog: everything that must be there before the baseline."""
    setup = session.setup
    session.phase = "plan"
    refuse_by_clock(session)
    try:
        with session.context.signals.interrupting():
            session.world = setup.open_world(session.note)
            target = session.world.target
            session.emit("platform", target=target.id, name=target.name, **session.world.about)
            session.plan = plan_experiment(
                setup.experiment,
                faults=setup.faults,
                instances=target.instances(),
                target_id=target.id,
                lacks=target.lacks,
                seed=setup.seed,
                guards=guards_in_words(session),
            )
            _write_plan(session)
            refuse_if_leashed(session)
            refuse_without_person(session)
            if not setup.approve(session.plan):
                raise NotStarted("the answer was no", where="plan", fix="--yes says yes")
    except KeyboardInterrupt:
        session.listen_to_all()  # the signal is in the inbox, and says how the run ends
        raise
    checks, stops = setup.experiment.hypothesis, setup.experiment.stop
    session.sampler = Sampler(
        all_queries(checks, stops),
        session.world.store,
        session.context,
        session.inbox,
        askers_of((*checks, *stops), session.world.make_probe, session.context, session.inbox),
    )
    session.phase = "lock"
    session.lock = lock_target(session.context, target.id, session.folder)
    session.emit("lock", target=target.id)
    refuse_by_target(session)
    session.listen_to_all()  # who wants it to end need not wait for a watchdog to start
    session.watchdog = setup.start_watchdog(session.folder, session.lock.descriptor, session.inbox)
    session.emit("watchdog", process=session.watchdog.process.as_json())
    setup.attend(session.folder, session.inbox.put)
    session.listen_to_all()


def _write_plan(session: Session) -> None:
    plan = session.plan
    try:
        write_whole(session.folder / PLAN, to_json(plan.as_json(), indent=1))
    except OSError as error:
        raise not_writable("plan cannot be written", session.folder, error) from error
    session.emit(
        "plan",
        seed=plan.seed,
        steps=[
            {
                "fault": step.fault,
                "for_ms": step.for_ms,
                "targets": [i.id for i in step.targets],
                "places": [[i.service, i.zone] for i in step.targets],
                "left_out": step.left_out,
            }
            for step in plan.steps
        ],
        population=sum(plan.population.values()),
        undo_steps=plan.undo_steps,
        baseline_ms=plan.baseline_ms,
        fault_ms=plan.fault_ms,
        recovery_ms=plan.recovery_ms,
        at_most_ms=plan.at_most_ms,
    )


def _finish(session: Session) -> RunResult:
    _make_safe(session)
    states: list[CheckState] = []
    if session.injected_ms and session.removing_ms:
        states = judge_fault(session)
        if not session.facts.ended_by:  # who ended it does not want to wait for that
            session.because = explain(session, states)
            session.traffic = ask_flows(session)
    return _conclude(session, decide(session.facts), states)


def _make_safe(session: Session) -> None:
    """Undo what is not undone, and see that it is gone. From here on no signal breaks anything."""
    session.is_undoing = True
    if session.is_left:
        return
    try:
        take_out(session, session.records)
        confirm_all_removed(session)
    except LeftToWatchdog:
        session.is_left = True


def _conclude(session: Session, decision: Decision, states: list[CheckState]) -> RunResult:
    """Write the verdict down and make the result."""
    session.phase = "report"
    undo = state_of_undo(session)
    code = exit_code(decision.verdict, undo, session.signal_number)
    result = RunResult(
        run_id=session.run_id,
        folder=session.folder,
        verdict=decision.verdict,
        undo=undo,
        exit_code=code,
        reason=with_trust(session, decision.reason),
        fix=session.fix,
        detail=detail_of(session, states),
    )
    if undo is not UndoState.CLEAN:
        errors = "; ".join(result.detail["undo"]["errors"]) or "it may still be in"
        result = replace(
            result,
            reason=f"{result.reason}; undo {undo}: {errors}",
            fix=f"chaosctl undo {session.run_id}",
        )
    session.emit(
        "verdict",
        verdict=result.verdict,
        undo=result.undo,
        exit_code=result.exit_code,
        reason=result.reason,
        fix=result.fix,
        by="run",
    )
    _keep_series(session, is_whole=True)
    with suppress(OSError):  # a full disk: the verdict is in the journal as far as that goes
        write_whole(session.folder / RESULT, to_json(result.as_json(), indent=1))
    return result


def _tell_lines(session: Session) -> None:
    """What each check and stop condition is held against, as far as it is known by now."""
    lines = lines_of(session.setup.experiment, session.sampler.samples, session.baseline)
    session.emit("lines", durable=False, lines=[line.as_json() for line in lines])


def _keep_series(session: Session, *, is_whole: bool) -> None:
    """The samples so far; a disk that does not take them changes no verdict."""
    if not hasattr(session, "sampler"):
        return
    series = series_of(
        session.run_id,
        session.setup.experiment,
        session.sampler.samples,
        session.baseline,
        is_whole=is_whole,
        traffic=session.traffic,
    )
    with suppress(OSError):
        write_series(session.folder, series)


def _let_go(session: Session) -> None:
    """Send the watchdog home, or leave the rest to it; then the lock and the journal."""
    with suppress(OSError):
        session.journal.close()
    is_over = not session.pending()
    if session.watchdog is not None:
        if is_over:
            session.watchdog.done()
        else:
            session.watchdog.leave()
    if session.lock is not None:
        session.lock.release(is_over=is_over)
