"""Runs that are killed, stopped, interrupted and halted, with real processes all round."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chaosctl.context import Context
from chaosctl.engine.audit import audit_file, read_audit
from chaosctl.engine.halt import halt_all
from chaosctl.engine.journal import read_journal
from chaosctl.engine.ledger import RunState, find_run, list_open_runs
from chaosctl.engine.process import ProcessId, from_json, is_alive
from chaosctl.engine.recover import recover
from chaosctl.engine.undo import UndoReport
from tests.process_target import ProcessTarget

pytestmark = pytest.mark.integration

RUN = Path(__file__).with_name("run_victims.py")
ROOT = Path(__file__).resolve().parents[3]


class Bench:
    """Victims, and runs over them."""

    def __init__(self, folder: Path) -> None:
        self.victims = [subprocess.Popen(["sleep", "600"]) for _ in range(2)]
        self.runs: list[subprocess.Popen[str]] = []
        self.environment = os.environ | {
            "CHAOSCTL_STATE_DIR": str(folder / "state"),
            "CHAOSCTL_LOCK_DIR": str(folder / "locks"),
            "CHAOSCTL_RUNTIME_DIR": str(folder / "runtime"),
            "PYTHONPATH": str(ROOT),
        }
        self.context = Context(env=self.environment)

    def start(self, **environment: str) -> subprocess.Popen[str]:
        run = subprocess.Popen(
            [sys.executable, str(RUN), *(str(v.pid) for v in self.victims)],
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.runs.append(run)
        return run

    def wait_for(self, run: subprocess.Popen[str], event: str, limit_s: float = 15) -> None:
        self.wait_until(lambda: any(e["event"] == event for e in self.events()), limit_s)

    def events(self) -> list[dict[str, Any]]:
        folders = sorted(self.context.runs_dir.iterdir(), key=lambda f: f.stat().st_mtime_ns)
        return read_journal(folders[-1]) if folders else []

    def wait_until(self, is_so: Callable[[], bool], limit_s: float) -> float:
        began = time.monotonic()
        while True:
            try:
                if is_so():
                    return time.monotonic() - began
            except (OSError, Exception) as error:  # noqa: BLE001 - a folder that is not there yet
                last: BaseException | None = error
            else:
                last = None
            assert time.monotonic() - began < limit_s, f"not within {limit_s} s: {last}"
            time.sleep(0.01)

    def stopped(self) -> int:
        """How many victims hang, as the kernel says."""
        target = ProcessTarget(tuple(v.pid for v in self.victims))
        return sum(target.state(i) == "stopped" for i in target.instances())

    def watchdog(self) -> ProcessId:
        return from_json(next(e for e in self.events() if e["event"] == "watchdog")["process"])

    def close(self) -> None:
        for process in [*self.runs, *self.victims]:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    try:
        yield made
    finally:
        made.close()


PHASES = ["watchdog", "baseline", "look", "record", "inject", "injected", "confirm", "remove",
          "removed"]  # fmt: skip


@pytest.mark.parametrize("phase", PHASES)
def test_run_killed_at_each_phase_leaves_nothing(bench: Bench, phase: str) -> None:
    run = bench.start(SLOW_S="0.6", FOR_MS="2500")
    bench.wait_for(run, phase)
    if phase == "confirm":
        time.sleep(0.5)
    watchdog = bench.watchdog()
    run.kill()
    run.wait()
    took_s = bench.wait_until(lambda: not bench.stopped() and not is_alive(watchdog), 10)
    print(f"killed at {phase}: clean after {took_s:.2f} s")
    summary = find_run(bench.context, "last")
    assert summary.state is RunState.FINISHED
    assert (summary.verdict, summary.undo) == ("aborted", "clean")
    result = json.loads((summary.folder / "result.json").read_text())
    assert result["verdict"] == "aborted"


def test_run_that_is_stopped_loses_its_lease_and_cannot_wake_up_again(bench: Bench) -> None:
    run = bench.start()
    bench.wait_for(run, "confirm")
    watchdog = bench.watchdog()
    run.send_signal(signal.SIGSTOP)
    took_s = bench.wait_until(lambda: not bench.stopped(), 10)
    print(f"stopped: clean after {took_s:.2f} s")
    run.send_signal(signal.SIGCONT)
    assert run.wait(5) == -signal.SIGKILL
    bench.wait_until(lambda: not is_alive(watchdog), 5)
    assert find_run(bench.context, "last").reason.startswith("ended by watchdog: the run did not")
    (line,) = read_audit(audit_file(bench.context), verify=True)
    assert (line["command"], line["undo"]) == ("watchdog", "clean")
    assert line["runs"] == [find_run(bench.context, "last").id]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("phase", ["baseline", "confirm"])
def test_run_interrupted_is_clean_within_two_seconds(
    bench: Bench, phase: str, number: signal.Signals
) -> None:
    run = bench.start()
    bench.wait_for(run, phase)
    watchdog = bench.watchdog()
    began = time.monotonic()
    run.send_signal(number)
    code = run.wait(5)
    took_s = time.monotonic() - began
    print(f"{number.name} at {phase}: ended after {took_s:.2f} s")
    assert (code, bench.stopped()) == (128 + number, 0)
    assert took_s <= 2
    bench.wait_until(lambda: not is_alive(watchdog), 2)
    assert find_run(bench.context, "last").state is RunState.FINISHED


def test_run_interrupted_while_the_target_starts_does_not_wait_for_it(bench: Bench) -> None:
    run = bench.start(OPEN_S="30")
    bench.wait_for(run, "note")
    began = time.monotonic()
    run.send_signal(signal.SIGTERM)
    assert run.wait(5) == 143
    assert time.monotonic() - began < 2
    assert find_run(bench.context, "last").verdict == "aborted"


def test_run_interrupted_three_times_leaves_undo_to_the_watchdog(
    bench: Bench, tmp_path: Path
) -> None:
    run = bench.start(SLOW_S="4")
    bench.wait_for(run, "confirm", 20)
    watchdog = bench.watchdog()
    for _ in range(3):
        run.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert run.wait(3) == 6
    said = run.stdout.read() if run.stdout else ""
    assert "a third Ctrl-C leaves it to the watchdog" in said
    bench.wait_until(lambda: not bench.stopped() and not is_alive(watchdog), 10)
    summary = find_run(bench.context, "last")
    assert (summary.verdict, summary.undo, summary.state) == (
        "aborted", "clean", RunState.FINISHED,
    )  # fmt: skip


def test_run_whose_watchdog_is_killed_ends_at_once(bench: Bench) -> None:
    run = bench.start()
    bench.wait_for(run, "confirm")
    began = time.monotonic()
    os.kill(bench.watchdog().pid, signal.SIGKILL)
    assert run.wait(5) == 5
    assert time.monotonic() - began < 2
    assert bench.stopped() == 0


def test_watchdog_is_deaf_to_signals(bench: Bench) -> None:
    run = bench.start()
    bench.wait_for(run, "confirm")
    watchdog = bench.watchdog()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(watchdog.pid, number)
    time.sleep(0.3)
    assert is_alive(watchdog)
    assert os.getsid(watchdog.pid) not in (os.getsid(0), os.getsid(run.pid))


def test_second_run_on_the_same_target_is_refused(bench: Bench) -> None:
    first = bench.start()
    bench.wait_for(first, "lock")
    second = bench.start()
    assert second.wait(10) == 3
    said = second.stdout.read() if second.stdout else ""
    assert "target is taken by run" in said
    assert first.poll() is None


def test_lock_lives_as_long_as_the_watchdog(bench: Bench, tmp_path: Path) -> None:
    stubborn = tmp_path / "stubborn"
    stubborn.touch()
    first = bench.start(STUBBORN=str(stubborn))
    bench.wait_for(first, "confirm")
    first.kill()
    first.wait()
    second = bench.start()
    assert second.wait(10) == 3
    stubborn.unlink()
    bench.wait_until(lambda: not bench.stopped(), 10)


def test_run_and_watchdog_killed_together_are_recovered_by_the_next_command(bench: Bench) -> None:
    run = bench.start()
    bench.wait_for(run, "confirm")
    watchdog = bench.watchdog()
    os.kill(watchdog.pid, signal.SIGSTOP)  # so that it cannot be the quicker one
    run.kill()
    run.wait()
    os.kill(watchdog.pid, signal.SIGKILL)
    bench.wait_until(lambda: not is_alive(watchdog), 2)
    assert bench.stopped() == 2
    assert find_run(bench.context, "last").state is RunState.UNFINISHED
    (report,) = recover(bench.context, lambda _driver: ProcessTarget())
    assert (report.state, bench.stopped()) == ("clean", 0)
    assert find_run(bench.context, "last").state is RunState.FINISHED
    assert recover(bench.context, lambda _driver: ProcessTarget()) == []


def test_undo_that_never_works_is_left_to_the_watchdog_until_it_does(
    bench: Bench, tmp_path: Path
) -> None:
    stubborn = tmp_path / "stubborn"
    stubborn.touch()
    run = bench.start(STUBBORN=str(stubborn), FOR_MS="2500")
    assert run.wait(30) == 6
    said = run.stdout.read() if run.stdout else ""
    assert "chaosctl undo" in said
    assert bench.stopped() == 2
    stubborn.unlink()
    bench.wait_until(lambda: not bench.stopped(), 12)


@pytest.mark.parametrize("hangs", ["nothing", "store", "run", "driver"])
def test_halt_stops_a_run_within_two_seconds(bench: Bench, tmp_path: Path, hangs: str) -> None:
    hang = tmp_path / "hang"
    driver = tmp_path / "driver" if hangs == "driver" else None
    if driver:
        driver.touch()
    run = bench.start(HANG=str(hang), HANG_DRIVER=str(driver or ""))
    bench.wait_for(run, "inject" if driver else "confirm")
    if driver:
        bench.wait_until(lambda: bench.stopped() > 0, 5)
    if hangs == "store":
        hang.touch()
        time.sleep(1)
    if hangs == "run":
        run.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    halted = halt_all(bench.context, lambda _driver: ProcessTarget(), reason="pager")
    took_s = time.monotonic() - began
    print(f"halt with hanging {hangs}: clean after {took_s:.2f} s")
    (one,) = halted
    is_deaf = hangs in ("run", "driver")
    assert (one.how, one.undo) == ("killed" if is_deaf else "stopped", "clean")
    assert (bench.stopped(), run.wait(2)) == (0, -9 if is_deaf else 5)
    # A killed run may have had one last order on its way, for which the watchdog waits a second.
    assert took_s < (3 if driver else 2)
    if not is_deaf:
        assert find_run(bench.context, "last").reason == "ended by halt: pager"


def test_halt_stops_every_run_of_the_machine_at_once(tmp_path: Path) -> None:
    benches = [Bench(tmp_path) for _ in range(3)]
    try:
        runs = [bench.start() for bench in benches]
        context = benches[0].context
        benches[0].wait_until(
            lambda: sum(r.phase == "watch" for r in list_open_runs(context)) == 3, 20
        )
        began = time.monotonic()
        halted = halt_all(context, lambda _driver: ProcessTarget(), reason="pager")
        took_s = time.monotonic() - began
        print(f"halt of three runs: clean after {took_s:.2f} s")
        assert [(one.how, one.undo) for one in halted] == [("stopped", "clean")] * 3
        assert [bench.stopped() for bench in benches] == [0, 0, 0]
        assert [run.wait(2) for run in runs] == [5, 5, 5]
        assert took_s < 2
    finally:
        for bench in benches:
            bench.close()


def test_lock_of_killed_holders_is_free_and_their_fault_is_taken_back(bench: Bench) -> None:
    first = bench.start()
    bench.wait_for(first, "confirm")
    watchdog = bench.watchdog()
    os.kill(watchdog.pid, signal.SIGSTOP)  # so that it cannot be the quicker one
    first.kill()
    first.wait()
    second = bench.start()
    assert second.wait(10) == 3  # the watchdog has the lock yet
    os.kill(watchdog.pid, signal.SIGKILL)
    bench.wait_until(lambda: not is_alive(watchdog), 2)
    assert [r.state for r in recover_all(bench)] == ["clean"]
    assert bench.stopped() == 0
    third = bench.start(FOR_MS="2500")
    assert third.wait(30) == 0


def recover_all(bench: Bench) -> list[UndoReport]:
    return recover(bench.context, lambda _driver: ProcessTarget())
