"""Keys of a run on a real terminal, which is as it was before, however the run ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from chaosctl.engine.folder import TERMINAL
from chaosctl.engine.ledger import find_run
from chaosctl.engine.process import is_alive
from chaosctl.engine.recover import recover
from tests.integration.engine.test_bad_days import RUN, Bench
from tests.process_target import ProcessTarget

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

IN_FRONT = 'trap : INT TERM; "$@"; echo "ended $?"; read -r _'
IN_A_PIPE = 'trap : INT TERM; "$@" | cat; echo ended; read -r _'
IN_BACKGROUND = 'set -m; "$@" & wait $!; echo "ended $?"; read -r _'
SUSPENDED = 'set -m; "$@"; echo suspended; read -r _; fg; echo "ended $?"; read -r _'
"""For a shell that leaves the terminal as it finds it; those with a line editor do not."""


class Desk(Bench):
    """A shell on a terminal, in which a run is started."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.ours, self.theirs = os.openpty()
        self.before = self.attributes()
        self.screen = b""
        # Of its own: a run that outlives its test must not have this read what is the next desk's.
        reader = os.dup(self.ours)
        threading.Thread(target=self._read, args=(reader,), daemon=True).start()

    def run(self, script: str = IN_FRONT, **environment: str) -> None:
        """Have a shell do the script, to which the run is handed over as arguments."""
        run = [sys.executable, str(RUN), *(str(victim.pid) for victim in self.victims)]
        self.runs.append(
            subprocess.Popen(
                ["setsid", "--ctty", "sh", "-c", script, "sh", *run],
                env=self.environment | {"LIVE": "1", "TERM": "xterm", "CI": ""} | environment,
                **dict.fromkeys(("stdin", "stdout", "stderr"), self.theirs),
            )
        )

    def attributes(self) -> Any:
        """How the terminal is set."""
        return termios.tcgetattr(self.theirs)

    def press(self, keys: bytes) -> None:
        os.write(self.ours, keys)

    def sees(self, text: str) -> None:
        self.wait_until(lambda: text.encode() in self.screen, 15)

    def close(self) -> None:
        super().close()
        os.close(self.theirs)
        os.close(self.ours)

    def _read(self, reader: int) -> None:
        with suppress(OSError):
            while text := os.read(reader, 65536):
                self.screen += text
        os.close(reader)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    try:
        yield made
    finally:
        made.close()


def run_pid(desk: Desk) -> int:
    return int(desk.events()[0]["process"]["pid"])


def given_back(desk: Desk) -> bool:
    folder = find_run(desk.context, "last").folder
    return desk.attributes() == desk.before and not (folder / TERMINAL).exists()


def test_a_key_stops_the_fault_and_others_show_more(desk: Desk) -> None:
    desk.run(MANUAL="pull the plug")
    desk.sees("press enter")
    desk.press(b"\n")
    desk.sees("confirmed")
    desk.sees("s stop fault now")
    assert desk.attributes() != desk.before
    desk.press(b"?")
    desk.sees("takes the fault out now")
    desk.press(b"v")
    desk.sees("newest 1")
    assert desk.stopped() == 2
    desk.press(b"\x1b[As")  # after arrow up, which is no key of ours; a slow run gets both at once
    took_s = desk.wait_until(lambda: not desk.stopped(), 2)
    print(f"stopped by hand: out after {took_s:.2f} s")
    desk.sees("ended 4")
    desk.wait_until(lambda: given_back(desk), 2)
    run = find_run(desk.context, "last")
    assert (run.verdict, run.undo) == ("inconclusive", "clean")
    assert run.reason.startswith("stopped by hand after")
    assert [e["took_ms"] is not None for e in desk.events() if e["event"] == "recovery"] == [True]


def test_ctrl_c_is_what_it_was(desk: Desk) -> None:
    desk.run()
    desk.sees("confirmed")
    desk.press(b"\x03")
    desk.sees("ended 130")
    desk.wait_until(lambda: given_back(desk), 2)
    assert (desk.stopped(), find_run(desk.context, "last").verdict) == (0, "aborted")


@pytest.mark.parametrize(
    ("number", "limit_s"), [(signal.SIGTERM, 2), (signal.SIGKILL, 10), (signal.SIGSTOP, 10)]
)
def test_terminal_is_given_back_by_whoever_is_left(
    desk: Desk, number: signal.Signals, limit_s: float
) -> None:
    desk.run()
    desk.sees("confirmed")
    desk.screen = b""
    os.kill(run_pid(desk), number)
    took_s = desk.wait_until(lambda: given_back(desk) and not desk.stopped(), limit_s)
    print(f"{number.name}: given back after {took_s:.2f} s")
    desk.sees("\x1b[?25h")  # the cursor is there again


def test_terminal_of_run_and_watchdog_killed_together_is_given_back_by_the_next_command(
    desk: Desk,
) -> None:
    desk.run()
    desk.sees("confirmed")
    watchdog = desk.watchdog()
    os.kill(watchdog.pid, signal.SIGSTOP)  # so that it cannot be the quicker one
    os.kill(run_pid(desk), signal.SIGKILL)
    desk.sees("ended 137")
    os.kill(watchdog.pid, signal.SIGKILL)
    desk.wait_until(lambda: not is_alive(watchdog), 2)
    assert not given_back(desk)
    assert [r.state for r in recover(desk.context, lambda _driver: ProcessTarget())] == ["clean"]
    assert given_back(desk)


def test_run_in_the_background_leaves_the_terminal_alone(desk: Desk) -> None:
    desk.run(IN_BACKGROUND)
    desk.wait_until(lambda: desk.stopped() == 2, 15)
    assert desk.attributes() == desk.before
    desk.press(b"s")  # is the shell's
    os.kill(run_pid(desk), signal.SIGTERM)
    desk.sees("ended 143")
    assert find_run(desk.context, "last").verdict == "aborted"


def test_run_whose_output_goes_elsewhere_leaves_the_keys_to_others(desk: Desk) -> None:
    desk.run(IN_A_PIPE)
    desk.sees("confirmed")
    assert desk.attributes() == desk.before
    desk.press(b"\x03")
    desk.sees("ended")
    desk.wait_until(lambda: find_run(desk.context, "last").verdict == "aborted", 5)


def test_run_takes_keys_again_when_it_comes_back_to_the_front(desk: Desk) -> None:
    desk.run(SUSPENDED)
    desk.sees("confirmed")
    desk.press(b"\x1a")
    desk.sees("suspended")
    termios.tcsetattr(desk.theirs, termios.TCSANOW, desk.before)  # as a shell does that is one
    desk.press(b"\n")
    desk.wait_until(lambda: desk.attributes() != desk.before, 3)
    desk.press(b"s")
    desk.sees("ended 4")
    desk.wait_until(lambda: given_back(desk), 2)
