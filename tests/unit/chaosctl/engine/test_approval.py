"""What a person must say before a run, and what counts as a yes."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from chaosctl.commands.run import ask
from chaosctl.context import Context
from chaosctl.engine.approval import Approval, approval_for
from chaosctl.engine.plan import Plan
from chaosctl.engine.run import Setup, World, run_experiment
from chaosctl.experiment.model import TargetSpec
from chaosctl.judge.verdict import Verdict
from monkeys.faults import FAULTS
from tests.simulated_run import ERRORS, assert_clean, make_experiment
from tests.simulated_target import SimulatedWorld

KINDS = {
    ("demo", ""): Approval.NONE,
    ("demo", "test"): Approval.LETTER,
    ("demo", "real"): Approval.NAME,
    ("docker", "test"): Approval.LETTER,
    ("docker", "real"): Approval.NAME,
    ("docker", ""): Approval.NAME,
}
ANSWERS = [
    (Approval.LETTER, "y\n", True),
    (Approval.LETTER, "Yes\n", True),
    (Approval.LETTER, "\n", False),
    (Approval.LETTER, "simulated\n", False),
    (Approval.LETTER, "", False),
    (Approval.NAME, "simulated\n", True),
    (Approval.NAME, "y\n", False),
    (Approval.NAME, "simulate\n", False),
    (Approval.NAME, "x" * 1_000_000, False),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def world(tmp_path: Path) -> SimulatedWorld:
    made = SimulatedWorld(tmp_path)
    made.store.values[ERRORS] = lambda _end, _hit: 0.001
    return made


def run_asking(world: SimulatedWorld, context: Context, approval: Approval) -> Verdict:
    """A whole run over the simulated target, in which the command's own question is asked."""

    def approve(plan: Plan) -> bool:
        return ask(context, plan, approval)

    setup = Setup(
        experiment=make_experiment(),
        document="",
        seed=1,
        faults=FAULTS,
        open_world=lambda _say: World(world.target, world.store),
        listen=world.listen,
        approve=approve,
        start_watchdog=world.start_watchdog,
    )
    result = run_experiment(setup, world.context)
    assert_clean(world, result)
    if result.verdict is Verdict.NOT_STARTED:
        assert world.target.log == []
        assert (result.exit_code, result.fix) == (3, "--yes says yes")
    return result.verdict


@pytest.mark.parametrize(("driver", "kind"), KINDS)
def test_kind_of_target_says_how_much_is_asked(driver: str, kind: str) -> None:
    assert approval_for(TargetSpec(driver, kind=kind)) is KINDS[driver, kind]


@pytest.mark.parametrize(("approval", "answer", "is_yes"), ANSWERS)
def test_only_the_answer_that_was_asked_for_starts_the_run(
    world: SimulatedWorld, approval: Approval, answer: str, is_yes: bool
) -> None:
    screen = Terminal()
    context = replace(world.context, stdin=Terminal(answer), stderr=screen)
    verdict = run_asking(world, context, approval)
    assert verdict is (Verdict.PASSED if is_yes else Verdict.NOT_STARTED)
    shown = screen.getvalue()
    assert "on 4 of 8 instances" in shown  # the plan stands above the question
    question = "is a test target" if approval is Approval.LETTER else "is real"
    assert f"simulated {question}" in shown


@pytest.mark.parametrize("approval", [Approval.LETTER, Approval.NAME])
@pytest.mark.parametrize("closed", ["stdin", "stderr"])
def test_without_a_terminal_the_answer_is_no(
    world: SimulatedWorld, approval: Approval, closed: str
) -> None:
    streams = {"stdin": Terminal("simulated\ny\n"), "stderr": Terminal()}
    streams[closed] = io.StringIO("simulated\n")  # type: ignore[assignment]
    context = replace(world.context, **streams)
    assert run_asking(world, context, approval) is Verdict.NOT_STARTED
    assert "not a terminal, so the answer is no; --yes says yes" in context.stderr.getvalue()
