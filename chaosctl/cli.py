"""The command line: the table of commands and the one error boundary, nothing else."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from chaosctl.commands import atlas as atlas_commands
from chaosctl.commands import config as config_commands
from chaosctl.commands import demo as demo_commands
from chaosctl.commands.audit import audit
from chaosctl.commands.dashboard import dashboard
from chaosctl.commands.doctor import doctor
from chaosctl.commands.gate import gate
from chaosctl.commands.halt import halt
from chaosctl.commands.import_ import import_
from chaosctl.commands.journal import journal
from chaosctl.commands.list import list_things
from chaosctl.commands.plan import plan
from chaosctl.commands.recover import recover
from chaosctl.commands.report import report
from chaosctl.commands.run import run
from chaosctl.commands.schema import schema
from chaosctl.commands.status import status
from chaosctl.commands.undo import undo
from chaosctl.commands.validate import validate
from chaosctl.errors import ChaosctlError, UndoIncomplete
from chaosctl.judge.verdict import EXIT_CODES, OUR_BUG, SIGINT, UNDO_INCOMPLETE, Verdict
from chaosctl.report.errors import render_error
from monkeys.errors import MonkeyError

COMMANDS: dict[str, Callable[..., int]] = {
    "run": run,
    "plan": plan,
    "validate": validate,
    "schema": schema,
    "list": list_things,
    "import": import_,
    "status": status,
    "halt": halt,
    "undo": undo,
    "recover": recover,
    "journal": journal,
    "audit": audit,
    "report": report,
    "gate": gate,
    "dashboard": dashboard,
    "doctor": doctor,
}
GROUPS: dict[str, typer.Typer] = {
    "demo": demo_commands.app,
    "atlas": atlas_commands.app,
    "config": config_commands.app,
}

EPILOG = (
    "Exit codes: 0 passed, 1 failed, 2 invalid, 3 not started, 4 inconclusive, 5 aborted, "
    "6 undo incomplete (wins over all), 70 our bug, 129/130/143 ended by a signal and undone. "
    "Several runs: the worst, in the order 6, 70, signal, 1, 5, 4, 3, 2, 0."
)


class Interrupted(Exception):
    """Somebody pressed Ctrl-C inside of a command, where no run takes it as its own end."""


class Group(TyperGroup):
    """The commands; typer would end an interrupted one without a word."""

    def make_context(self, *given: Any, **more: Any) -> Any:
        """Read the command line. Raises Interrupted."""
        try:
            return super().make_context(*given, **more)
        except KeyboardInterrupt as error:
            raise Interrupted from error

    def invoke(self, ctx: Any) -> Any:
        """Call the command. Raises Interrupted."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Interrupted from error


def build() -> typer.Typer:
    """The typer app with every command of the tables."""
    app = typer.Typer(
        name="chaosctl",
        cls=Group,
        help="Break a system on purpose and say, from its metrics, whether anybody noticed.",
        epilog=EPILOG,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={
            "help_option_names": ["-h", "--help"],
            "auto_envvar_prefix": "CHAOSCTL",
        },
    )

    @app.callback()
    def root(
        version_wanted: Annotated[
            bool,
            typer.Option(
                "--version",
                help="Print the version.",
                callback=print_version,
                is_eager=True,
                show_envvar=False,
            ),
        ] = False,
    ) -> None:
        # Eager, because without a command nothing else would be called.
        del version_wanted

    for name, function in COMMANDS.items():
        app.command(name)(function)
    for name, group in GROUPS.items():
        app.add_typer(group, name=name)
    return app


def print_version(is_wanted: bool) -> None:
    """Print the version and end, if that is what was asked for."""
    if is_wanted:
        typer.echo(f"chaosctl {version('chaosctl')}")
        raise typer.Exit


def run_cli(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; no traceback reaches the user."""
    try:
        result = build()(args=list(arguments), prog_name="chaosctl", standalone_mode=False)
        return int(result or 0)
    except typer.Exit as done:
        return done.exit_code
    except Interrupted:
        return tell_interrupted()
    except (typer.Abort, KeyboardInterrupt):
        print("interrupted; nothing is running", file=sys.stderr)
        return SIGINT
    except Exception as error:  # noqa: BLE001 - the boundary: every error ends as an exit code
        return tell_error(error, arguments)


def tell_interrupted() -> int:
    """Say what an interrupted command leaves; 130 claims that everything is undone."""
    from chaosctl.context import Context  # noqa: PLC0415 - not for `--help`
    from chaosctl.engine.ledger import list_open_runs  # noqa: PLC0415

    left = [run for run in list_open_runs(Context()) if run.is_left]
    if not left:
        print("interrupted; nothing is left to undo", file=sys.stderr)
        return SIGINT
    print(f"interrupted; left to undo: {', '.join(run.id for run in left)}", file=sys.stderr)
    print("  fix: chaosctl recover", file=sys.stderr)
    return UNDO_INCOMPLETE


def tell_error(error: Exception, arguments: Sequence[str]) -> int:
    """Print an error as its kind deserves, and return its exit code."""
    if isinstance(error, typer.TyperException):
        return usage_error(error)
    if not isinstance(error, ChaosctlError | MonkeyError):
        return our_bug(error, arguments)
    if "CHAOSCTL_DEBUG" in os.environ:
        traceback.print_exception(error)
    print(render_error(error), file=sys.stderr)
    if isinstance(error, UndoIncomplete):
        return UNDO_INCOMPLETE
    verdict = error.verdict if isinstance(error, ChaosctlError) else Verdict.NOT_STARTED
    return EXIT_CODES[verdict]


def usage_error(mistake: typer.TyperException) -> int:
    """Print a mistake on the command line in the form what, fix; exit code `invalid`."""
    message = mistake.format_message().rstrip(".").replace("Value error, ", "")
    if message.startswith("Usage:"):  # a group without a command: its help is the answer
        print(message, file=sys.stderr)
        return EXIT_CODES[Verdict.INVALID]
    context = getattr(mistake, "ctx", None)
    where = context.command_path if context is not None else "chaosctl"
    print(f"{where}: {message[:1].lower()}{message[1:]}", file=sys.stderr)
    print(f"  fix: see `{where} --help`", file=sys.stderr)
    return EXIT_CODES[Verdict.INVALID]


def our_bug(error: Exception, arguments: Sequence[str]) -> int:
    """Write the details of a bug of ours to a file and say so in one line."""
    details = "".join(traceback.format_exception(error))
    if "CHAOSCTL_DEBUG" in os.environ:
        print(details, file=sys.stderr)
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="chaosctl-bug-", suffix=".txt", delete=False
        ) as file:
            file.write(f"chaosctl {' '.join(arguments)}\n\n{details}")
            where = file.name
    except OSError as problem:
        where = f"nowhere: {problem}"
    print(
        f"chaosctl: a bug of ours: {type(error).__name__}: {error}; details: {where}",
        file=sys.stderr,
    )
    return OUR_BUG
