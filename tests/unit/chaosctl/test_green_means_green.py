"""Situations in which the best-known tool of this kind exits 0 or leaves the fault in: we do not.

Each is a whole `chaosctl run` from the command line to the exit code; only the target, its store
and the clock are simulated.
"""

from __future__ import annotations

import itertools
import math
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chaosctl.cli import run_cli
from chaosctl.engine.audit import audit_file, read_audit
from chaosctl.engine.lock import lock_target
from chaosctl.judge.verdict import EXIT_CODES, Verdict
from tests.simulated_cli import DOCUMENT, ERRORS, STARTS, simulated_command_line
from tests.simulated_target import FOREVER, SimulatedWorld

Arrange = Callable[[SimulatedWorld], None]


@dataclass(frozen=True, slots=True)
class Situation:
    """What goes wrong, and what the run must end with.

    peer: what the other tool was measured to do. says: a part of what we print. replaces: in the
    document. is_touched: whether anything was injected; it is undone all the same, unless is_left.
    """

    name: str
    peer: str
    code: int
    says: str
    arrange: Arrange = lambda _world: None
    replaces: tuple[str, str] = ("", "")
    is_touched: bool = False
    is_left: bool = False


def answers(query: str, value: Callable[[int, bool], float]) -> Arrange:
    def arrange(world: SimulatedWorld) -> None:
        world.store.values[query] = value

    return arrange


def target(**changes: Any) -> Arrange:
    def arrange(world: SimulatedWorld) -> None:
        for name, value in changes.items():
            setattr(world.target, name, value)

    return arrange


def signalled(number: int, event: str, after_s: float, *, inject_s: float = 0.01) -> Arrange:
    def arrange(world: SimulatedWorld) -> None:
        world.target.inject_takes_s = inject_s
        world.at_event(event, lambda: world.signals.send(number), after_s=after_s)

    return arrange


def sickens_in_the_baseline(world: SimulatedWorld) -> None:
    begun_ms: list[int] = []
    world.at_event("baseline", lambda: begun_ms.append(world.time.now_ms()))

    def starts(end_ms: int, _is_hit: bool) -> float:
        return 0.5 if begun_ms and end_ms > begun_ms[0] + 2_000 else 1.0

    world.store.values[STARTS] = starts


def heals_before_the_end(world: SimulatedWorld) -> None:
    """Half of all requests fail for the first eight of the fault's twenty seconds."""
    injected_ms: list[int] = []
    world.at_event("confirm", lambda: injected_ms.append(world.time.now_ms()))

    def errors(end_ms: int, _is_hit: bool) -> float:
        is_broken = bool(injected_ms) and 0 < end_ms - injected_ms[0] < 8_000
        return 0.5 if is_broken else 0.001

    world.store.values[ERRORS] = errors


def target_is_taken(world: SimulatedWorld) -> None:
    lock_target(world.context, world.target.id, Path("20260225-0600-abc"))


SITUATIONS = (
    Situation(
        "sick baseline",
        "completed, exit 0",
        3,
        "baseline not healthy",
        sickens_in_the_baseline,
    ),
    Situation(
        "sick from the start",
        "completed, exit 0",
        3,
        "not steady within",
        answers(STARTS, lambda _end, _hit: 0.5),
    ),
    Situation(
        "NaN while the fault is in",
        "an uncaught error, no journal",
        4,
        "no data",
        answers(STARTS, lambda _end, hit: math.nan if hit else 1.0),
        is_touched=True,
    ),
    Situation(
        "NaN before the fault",
        "an uncaught error, no journal",
        3,
        "not steady within",
        answers(STARTS, lambda _end, _hit: math.nan),
    ),
    Situation(
        "NaN as tolerance",
        "an uncaught error, no journal",
        2,
        "'.nan' is not a limit",
        replaces=("at-least: 97%", "at-least: .nan"),
    ),
    Situation(
        "failed action",
        "completed, exit 0",
        4,
        "injection failed",
        target(inject_error="no such program"),
        is_touched=True,
    ),
    Situation(
        "action that does nothing",
        "completed, exit 0",
        4,
        "the fault was not seen at the target",
        target(is_deaf=True),
        is_touched=True,
    ),
    Situation(
        "failed undo",
        "status and exit code as if it had worked",
        6,
        "chaosctl undo 2026",
        target(undo_failures=FOREVER),
        is_touched=True,
        is_left=True,
    ),
    Situation(
        "misspelled hypothesis",
        "runs without a hypothesis, exit 0",
        2,
        "did you mean 'hypothesis'?",
        replaces=("hypothesis:", "hypotesis:"),
    ),
    Situation(
        "misspelled recovery",
        "runs without a rollback, exit 0",
        2,
        "did you mean 'recovery'?",
        replaces=("recovery:", "recovry:"),
    ),
    Situation(
        "Ctrl-C during the method",
        "leaves the fault in",
        130,
        "ended by SIGINT",
        signalled(signal.SIGINT, "confirm", 3),
        is_touched=True,
    ),
    Situation(
        "SIGTERM while an action runs",
        "swallowed: goes on to the end, exit 0",
        143,
        "ended by SIGTERM",
        signalled(signal.SIGTERM, "inject", 2, inject_s=5),
        is_touched=True,
    ),
    Situation(
        "closed terminal",
        "leaves the fault in, no journal",
        129,
        "ended by SIGHUP",
        signalled(signal.SIGHUP, "confirm", 3),
        is_touched=True,
    ),
    Situation(
        "breach that heals before the end of the fault",
        "completed, not deviated, exit 0",
        1,
        "errors stay rare: 0.5 (limit",
        heals_before_the_end,
        is_touched=True,
    ),
    Situation(
        "another experiment on the same target",
        "each undoes the other's fault, exit 0",
        3,
        "target is taken by run 20260225-0600-abc",
        target_is_taken,
    ),
)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedWorld:
    return simulated_command_line(tmp_path, monkeypatch)


def test_run_in_which_nothing_goes_wrong_exits_with_0(world: SimulatedWorld, tmp_path: Path):
    """Else the situations below would say nothing."""
    path = tmp_path / "losing.yaml"
    path.write_text(DOCUMENT)
    assert run_cli(["run", "--plain", str(path)]) == 0
    assert [what for what, _ in itertools.groupby(name for name, _ in world.target.log)] == [
        "inject",
        "undo",
    ]


@pytest.mark.parametrize("case", SITUATIONS, ids=lambda case: case.name)
def test_situation_that_is_not_green_does_not_look_green(
    world: SimulatedWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: Situation
) -> None:
    path = tmp_path / "losing.yaml"
    path.write_text(DOCUMENT.replace(*case.replaces) if case.replaces[0] else DOCUMENT)
    case.arrange(world)
    code = run_cli(["run", "--plain", str(path)])
    said = "".join(capsys.readouterr()) + world.context.stderr.getvalue()
    assert code == case.code, said
    assert code != 0
    assert case.says in said
    assert any(name == "inject" for name, _ in world.target.log) == case.is_touched
    assert bool(world.target.in_force) == case.is_left
    audited = [(one["exit_code"], one["undo"]) for one in read_audit(audit_file(world.context))]
    undo = "incomplete" if case.is_left else "clean"
    assert audited == ([] if case.code == EXIT_CODES[Verdict.INVALID] else [(case.code, undo)])
    if case.is_left:
        assert [watchdog.last_word for watchdog in world.watchdogs] == ["left"]
