"""Undo from records: reverse order, every step tried, again and again, and never twice at once."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chaosctl.engine.undo import UndoResult, undo_lock, undo_records, undo_state
from chaosctl.errors import ChaosctlError
from chaosctl.judge.verdict import UndoState
from monkeys.errors import TargetFailed
from monkeys.target import UndoRecord
from tests.simulated_target import SimulatedWorld

RECORDS = [UndoRecord(f"r{n}", "fault", "demo", "signal") for n in (1, 2, 3)]


class Stubborn:
    """Refuses a record so many times."""

    def __init__(self, **refusals: int) -> None:
        self.refusals, self.asked = refusals, list[str]()

    def undo(self, record: UndoRecord) -> None:
        self.asked.append(record.id)
        if self.refusals.get(record.id, 0) > 0:
            self.refusals[record.id] -= 1
            raise TargetFailed("busy", where="here", fix="wait")


@pytest.fixture
def world(tmp_path: Path) -> SimulatedWorld:
    return SimulatedWorld(tmp_path)


def undo(
    world: SimulatedWorld, undoes: Any, find: Callable[[str], Any] | None = None
) -> tuple[UndoResult, ...]:
    def bounded(work: Callable[[], Any], _timeout_s: float) -> Any:
        try:
            return work()
        except (TargetFailed, ChaosctlError, RuntimeError) as error:
            return error

    return undo_records(
        RECORDS,
        find or (lambda _driver: undoes),
        context=world.context,
        bounded=bounded,
        report=lambda _result: None,
    )


def test_undo_goes_backwards(world: SimulatedWorld) -> None:
    target = Stubborn()
    assert undo_state(undo(world, target)) is UndoState.CLEAN
    assert target.asked == ["r3", "r2", "r1"]


def test_undo_tries_every_step_and_then_again(world: SimulatedWorld) -> None:
    target = Stubborn(r3=2)
    assert undo_state(undo(world, target)) is UndoState.CLEAN
    assert target.asked == ["r3", "r2", "r1", "r3", "r3"]


def test_undo_that_never_works_says_what_and_how_to_fix(world: SimulatedWorld) -> None:
    results = undo(world, Stubborn(r2=99))
    assert undo_state(results) is UndoState.INCOMPLETE
    (bad,) = [r for r in results if not r.ok]
    assert (bad.record_id, bad.error) == ("r2", "here: busy; fix: wait")


def test_undo_survives_a_driver_that_cannot_be_loaded(world: SimulatedWorld) -> None:
    def find(_driver: str) -> Any:
        raise ChaosctlError("unknown driver 'demo'", fix="install it")

    results = undo(world, None, find)
    assert {r.error for r in results} == {"unknown driver 'demo'; fix: install it"}


def test_undo_survives_a_bug_in_a_driver(world: SimulatedWorld) -> None:
    def find(_driver: str) -> Any:
        raise RuntimeError("oops")

    assert {r.error for r in undo(world, None, find)} == {"RuntimeError: oops"}


def test_undo_lock_keeps_a_second_out(world: SimulatedWorld, tmp_path: Path) -> None:
    def bounded(work: Callable[[], Any], _timeout_s: float) -> Any:
        return work()

    with (tmp_path / "undo.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with undo_lock(tmp_path, world.context, bounded) as is_ours:
            assert not is_ours
    with undo_lock(tmp_path, world.context, bounded) as is_ours:
        assert is_ours
    with undo_lock(tmp_path / "gone", world.context, bounded) as is_ours:
        assert is_ours
