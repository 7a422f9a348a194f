"""Several runs in one command: their order and their end."""

from __future__ import annotations

import pytest

from chaosctl.engine.result import RunResult
from chaosctl.engine.rounds import Rounds, choose_rounds
from chaosctl.errors import ChaosctlError
from chaosctl.judge.verdict import UndoState, Verdict


def ended(verdict: Verdict, *, undo: UndoState = UndoState.CLEAN, **detail: object) -> RunResult:
    return RunResult("20260101-0000-aaa", None, verdict, undo, 0, "", "", detail)


def test_documents_are_run_round_by_round():
    assert list(Rounds(2).order(["a", "b"])) == ["a", "b", "a", "b"]


@pytest.mark.parametrize("verdict", Verdict)
def test_runs_go_on_after_everything_but_an_abort(verdict):
    assert Rounds().is_over(ended(verdict)) is (verdict is Verdict.ABORTED)
    assert not Rounds(keep_going=True).is_over(ended(verdict))
    assert Rounds(fail_fast=True).is_over(ended(verdict)) is (verdict is not Verdict.PASSED)


@pytest.mark.parametrize("rounds", [Rounds(), Rounds(keep_going=True), Rounds(fail_fast=True)])
def test_nothing_goes_on_after_a_signal_a_halt_or_an_undo_that_is_not_complete(rounds):
    assert rounds.is_over(ended(Verdict.ABORTED, signal=2))
    assert rounds.is_over(ended(Verdict.ABORTED, ended_by="halt"))
    assert rounds.is_over(ended(Verdict.PASSED, undo=UndoState.INCOMPLETE))
    assert rounds.is_over(ended(Verdict.PASSED, undo=UndoState.UNKNOWN))


def choose(**changes: object) -> Rounds:
    given = {"repeat": None, "fail_fast": False, "keep_going": False, "until_failure": False}
    return choose_rounds(**(given | changes))  # type: ignore[arg-type]


def test_until_failure_is_bounded():
    assert choose() == Rounds(1)
    assert choose(until_failure=True) == Rounds(100, fail_fast=True)
    assert choose(until_failure=True, repeat=3) == Rounds(3, fail_fast=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"repeat": 0},
        {"repeat": 1001},
        {"keep_going": True, "fail_fast": True},
        {"keep_going": True, "until_failure": True},
    ],
)
def test_options_that_make_no_sense_are_refused(changes):
    with pytest.raises(ChaosctlError) as caught:
        choose(**changes)
    assert caught.value.fix
