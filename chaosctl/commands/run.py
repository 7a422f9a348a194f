"""`chaosctl run`: break it, watch it, take it back, and say what was found."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chaosctl.commands.audit import keep_audit
from chaosctl.commands.options import (
    AsJson,
    DryRun,
    FailFast,
    Html,
    Junit,
    KeepGoing,
    Markdown,
    Plain,
    Quiet,
    Repeat,
    ReportFolder,
    Sarif,
    Seed,
    Settings,
    Store,
    Summary,
    TrustActions,
    UntilFailure,
    Yes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from chaosctl.context import Context
    from chaosctl.engine.approval import Approval
    from chaosctl.engine.plan import Plan
    from chaosctl.engine.result import RunResult
    from chaosctl.engine.rounds import Rounds
    from chaosctl.experiment.model import TargetSpec
    from chaosctl.keyboard import Keyboard
    from chaosctl.report.wanted import Outputs

    View = AbstractContextManager[Callable[[Mapping[str, Any]], None]]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line wants of all its runs."""

    seed: int | None
    store: str
    yes: bool
    plain: bool
    quiet: bool
    as_json: bool
    junit: Path | None
    report: Path | None
    outputs: Outputs
    trust_actions: bool = False


@dataclass(frozen=True, slots=True)
class Screen:
    """How a run is shown; keyboard: who takes keys meanwhile; paused: while a person is asked."""

    view: View
    keyboard: Keyboard | None = None
    paused: Callable[[], AbstractContextManager[None]] = nullcontext


def run(
    experiments: Annotated[
        list[str], typer.Argument(metavar="FILE|NAME...", help="Files, or bundled experiments.")
    ],
    yes: Yes = False,
    dry_run: DryRun = False,
    settings: Settings = None,
    seed: Seed = None,
    store: Store = "",
    plain: Plain = False,
    junit: Junit = None,
    html: Html = None,
    markdown: Markdown = None,
    sarif: Sarif = None,
    summary: Summary = "",
    report: ReportFolder = None,
    repeat: Repeat = None,
    until_failure: UntilFailure = False,
    fail_fast: FailFast = False,
    keep_going: KeepGoing = False,
    trust_actions: TrustActions = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> int:
    """Run experiments and say whether anybody would have noticed.

    On the bundled demo platform it starts what is not up, and says so. Ctrl-C undoes and ends.
    Several runs end early after a signal, a halt, or an undo that is not complete.

    Examples: chaosctl run zone-outage | chaosctl run mine.yaml --set method.0.for=10s --json
    """
    from chaosctl.commands.plan import plan as show_plan
    from chaosctl.engine.rounds import choose_rounds
    from chaosctl.experiment.load import find
    from chaosctl.importers.toolkit_experiment import load_any
    from chaosctl.judge.verdict import worst
    from chaosctl.report.wanted import Outputs

    if dry_run:
        return worst(
            [show_plan(one, settings=settings, seed=seed, as_json=as_json) for one in experiments]
        )
    rounds = choose_rounds(
        repeat=repeat, fail_fast=fail_fast, keep_going=keep_going, until_failure=until_failure
    )
    # All documents are checked before the first run touches anything.
    documents = [load_any(find(name), settings or ()) for name in experiments]
    outputs = Outputs(html, markdown, sarif, summary=summary)
    wishes = Wishes(seed, store, yes, plain, quiet, as_json, junit, report, outputs, trust_actions)
    return run_rounds(documents, rounds, wishes)


def run_rounds(documents: Sequence[Any], rounds: Rounds, wishes: Wishes) -> int:
    """Run the documents, tell and keep each result, and say how the command ends."""
    from chaosctl.context import Context
    from chaosctl.judge.verdict import SIGINT, worst
    from chaosctl.report.result_files import make_report_folder
    from chaosctl.report.wanted import refuse_unwritable

    context = Context()
    refuse_unwritable(wishes.outputs, len(documents) * rounds.times)
    write_junit(wishes.junit, [])  # or say now that it cannot be written
    if wishes.report is not None:
        make_report_folder(wishes.report)
    take_back_leftovers(context)
    results: list[RunResult] = []
    kept: list[int] = []
    try:
        for loaded in rounds.order(documents):
            results.append(run_once(loaded, context, wishes))
            kept += tell_and_keep(results[-1], context, wishes)
            if rounds.is_over(results[-1]):
                break
        kept.append(keep(partial(write_reports, context, wishes.outputs, results)))
        kept.append(keep(partial(write_junit, wishes.junit, results)))
    except KeyboardInterrupt:  # between runs or after them: how they ended stands
        if not results:
            raise
        print("interrupted before everything was written", file=sys.stderr)
        kept.append(SIGINT)
    return worst([*(result.exit_code for result in results), *kept])


def run_once(loaded: Any, context: Context, wishes: Wishes) -> RunResult:
    """One of the runs, in the view that is wanted."""
    return run_one(
        loaded,
        context,
        choose_screen(context, plain=wishes.plain, quiet=wishes.quiet, as_json=wishes.as_json),
        seed=context.new_seed() if wishes.seed is None else wishes.seed,
        store=wishes.store,
        yes=wishes.yes,
        trust_actions=wishes.trust_actions,
        is_told=not (wishes.quiet or wishes.as_json),
    )


def tell_and_keep(result: RunResult, context: Context, wishes: Wishes) -> list[int]:
    """Print a result and write what is wanted of it alone; an exit code if that did not work."""
    try:
        tell(result, context, as_json=wishes.as_json)
    except OSError:  # the terminal is closed, or who read our pipe is gone
        fall_silent()
    return [keep(partial(write_report, wishes.report, result, context))]


def keep(write: Callable[[], None]) -> int:
    """Write something about the runs; an error is told, and does not hide how they ended."""
    from chaosctl.errors import ChaosctlError
    from chaosctl.judge.verdict import EXIT_CODES, Verdict
    from chaosctl.report.errors import render_error

    try:
        write()
    except ChaosctlError as error:
        print(render_error(error), file=sys.stderr)
        return EXIT_CODES[Verdict.INVALID]
    return 0


def write_reports(context: Context, outputs: Outputs, results: Sequence[RunResult]) -> None:
    """Write what is wanted of all runs, if anything is. Raises ChaosctlError if it cannot be."""
    if outputs.are_wanted:
        from chaosctl.report.outputs import write_outputs

        write_outputs(context, outputs, results)


def write_report(folder: Path | None, result: RunResult, context: Context) -> None:
    """Write one result and its reports, if anybody wants them. Raises ChaosctlError."""
    if folder is None:
        return
    from chaosctl.report.result_files import write_result_file

    write_result_file(folder, result)
    if result.folder is not None:
        from chaosctl.report.outputs import write_into

        write_into(context, folder, result)


def write_junit(path: Path | None, results: Sequence[RunResult]) -> None:
    """Write the results there are, if anybody wants them. Raises ChaosctlError if it cannot be."""
    if path is None:
        return
    from chaosctl.engine.journal import write_whole
    from chaosctl.errors import ChaosctlError
    from chaosctl.report.junit import render_junit

    try:
        write_whole(path, render_junit(results))
    except OSError as error:
        raise ChaosctlError(
            f"results cannot be written: {error.strerror}",
            where=str(path),
            fix="name a file in a folder that exists and may be written to",
        ) from error


def take_back_leftovers(context: Context) -> None:
    """Undo what killed runs left, before anything new is broken. Raises UndoIncomplete."""
    from chaosctl.engine.recover import recover
    from chaosctl.errors import UndoIncomplete
    from chaosctl.judge.verdict import UndoState
    from chaosctl.report.runs import render_undo
    from chaosctl.worlds import undoer_for

    reports = recover(context, undoer_for(context), by="run")
    for report in reports:
        keep_audit(context, "recover", runs=[report.run_id], undo=report.state)
    for report in reports:
        print(f"an earlier run left something behind:\n{render_undo(report)}", file=sys.stderr)
        if report.state is not UndoState.CLEAN:
            raise UndoIncomplete(
                "an earlier run could not be taken back",
                where=report.run_id,
                fix=f"chaosctl undo {report.run_id}",
            )


def run_one(
    loaded: Any,
    context: Context,
    screen: Screen,
    *,
    seed: int,
    store: str,
    yes: bool,
    trust_actions: bool = False,
    is_told: bool = True,
) -> RunResult:
    """One experiment, from checked document to result. is_told: the screen is for people."""
    from chaosctl.config import load_config
    from chaosctl.engine.run import Setup, run_experiment
    from chaosctl.engine.session import leave_alone
    from chaosctl.person import person_at
    from chaosctl.provenance import about_run
    from chaosctl.worlds import opener

    experiment = loaded.experiment
    machine_guards = load_config(context).guards

    keyboard = screen.keyboard
    with (
        keyboard or nullcontext(),
        screen.view as listen,
        opener(loaded, context, store, trust_actions) as (faults, connect),
    ):
        setup = Setup(
            experiment=experiment,
            document=loaded.text,
            seed=seed,
            faults=faults,
            open_world=connect,
            listen=listen,
            approve=partial(is_approved, context, screen, experiment.target, yes=yes),
            about=about_run(experiment.source, loaded.settings, context.env, Path.cwd()),
            machine_guards=machine_guards,
            wait_for_person=person_at(context, is_told=is_told, keyboard=keyboard),
            attend=keyboard.attend if keyboard else leave_alone,
        )
        result = run_experiment(setup, context)
    audit_result(context, result)
    return result


def is_approved(
    context: Context, screen: Screen, target: TargetSpec, plan: Plan, *, yes: bool
) -> bool:
    """Whether a person agrees to break that target, if they need to be asked."""
    from chaosctl.engine.approval import Approval, approval_for

    approval = Approval.NONE if yes else approval_for(target)
    if approval is Approval.NONE:
        return True
    with screen.paused():
        return ask(context, plan, approval)


def audit_result(context: Context, result: RunResult) -> None:
    """Note in the audit log how a run ended, if there was one."""
    if not result.run_id:
        return
    said = {"verdict": result.verdict, "undo": result.undo, "exit_code": result.exit_code}
    stopped = result.detail.get("stopped_by_hand")
    said |= {"stopped_by_hand": stopped} if stopped else {}
    keep_audit(context, "run", runs=[result.run_id], **said, reason=result.reason)


def ask(context: Context, plan: Plan, approval: Approval) -> bool:
    """Show the plan and ask; without a terminal the answer is no."""
    from chaosctl.engine.approval import is_yes, question
    from chaosctl.report.plan_text import render_plan

    print(render_plan(plan), file=context.stderr)
    if not (context.stdin.isatty() and context.stderr.isatty()):
        print("not a terminal, so the answer is no; --yes says yes", file=context.stderr)
        return False
    print(question(approval, plan), end="", file=context.stderr)
    context.stderr.flush()
    return is_yes(approval, plan, context.stdin.readline())


def choose_screen(context: Context, *, plain: bool, quiet: bool, as_json: bool) -> Screen:
    """Live on a terminal, else a line an event; JSON lines on request; nothing when quiet.

    Only the live view takes keys, if there is a keyboard.
    """
    from chaosctl.report.json_lines import JsonView
    from chaosctl.report.plain import PlainView
    from chaosctl.report.quiet import QuietView

    if as_json:
        return Screen(JsonView(context.stdout))
    if quiet:
        return Screen(QuietView())
    is_dumb = context.env.get("TERM") == "dumb" or context.env.get("CI") == "true"
    if plain or is_dumb or not context.stderr.isatty():
        return Screen(PlainView(context.stderr))
    from chaosctl.keyboard import Keyboard
    from chaosctl.report.live import LiveView

    # Where the output goes into a pipe, a pager may be at its end, whose keys these are.
    is_ours = context.stdin.isatty() and context.stdout.isatty()
    keyboard = Keyboard(context.stdin) if is_ours else None
    view = LiveView(context.stderr, keyboard)
    return Screen(view, keyboard, view.paused)


def fall_silent() -> None:
    """Nobody reads what we print any more; the exit code and the run folder still tell."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())


def tell(result: RunResult, context: Context, *, as_json: bool) -> None:
    """Print the result on standard output, beside that of the last run if there was one."""
    from chaosctl.engine.history import result_before
    from chaosctl.report.json_lines import to_json_line
    from chaosctl.report.result_text import render_result
    from chaosctl.report.symbols import speaks_unicode

    if as_json:
        print(to_json_line(result.as_json()), flush=True)
    else:
        unicode = speaks_unicode(sys.stdout.encoding)
        before = result_before(context, result)
        print(render_result(result, before=before, unicode=unicode), flush=True)
