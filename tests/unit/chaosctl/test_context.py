"""The process as an argument: where things are kept, and signals as messages."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from chaosctl import interrupts
from chaosctl.context import (
    Context,
    ProcessSignals,
    QueueInbox,
    SignalCame,
    clock_set_by_ms,
    epoch_ms,
    in_thread,
    own_runtime_dir,
)
from chaosctl.errors import NotStarted


@pytest.mark.parametrize(
    ("env", "state"),
    [
        ({"HOME": "/h"}, "/h/.local/state/chaosctl"),
        ({"HOME": "/h", "XDG_STATE_HOME": "/x"}, "/x/chaosctl"),
        ({"XDG_STATE_HOME": "/x", "CHAOSCTL_STATE_DIR": "/own"}, "/own"),
    ],
)
def test_state_is_kept_where_the_environment_says(env: dict[str, str], state: str) -> None:
    assert Context(env=env).runs_dir == Path(state) / "runs"


def test_clock_that_is_set_is_told_and_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    true_ns, before_ms = time.time_ns, epoch_ms()
    assert abs(clock_set_by_ms()) < 1000
    monkeypatch.setattr(time, "time_ns", lambda: true_ns() - 3_600 * 10**9)
    assert abs(clock_set_by_ms() + 3_600_000) < 1000
    assert 0 <= epoch_ms() - before_ms < 60_000


def test_runtime_folder_of_others_is_refused(tmp_path: Path) -> None:
    fine = Context(env={"CHAOSCTL_RUNTIME_DIR": str(tmp_path / "mine")})
    assert own_runtime_dir(fine).stat().st_mode & 0o777 == 0o700
    (tmp_path / "mine").chmod(0o777)
    with pytest.raises(NotStarted, match="another user could write"):
        own_runtime_dir(fine)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(NotStarted):
        own_runtime_dir(Context(env={"CHAOSCTL_RUNTIME_DIR": str(tmp_path / "link")}))


def test_runtime_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("file", "file/below"):
        with pytest.raises(NotStarted, match=f"{name}: runtime folder cannot be made"):
            own_runtime_dir(Context(env={"CHAOSCTL_RUNTIME_DIR": str(tmp_path / name)}))


def test_signals_become_messages_and_are_given_back() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    signals, inbox = ProcessSignals(), QueueInbox()
    signals.deliver_to(inbox)
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert inbox.get(1.0) == SignalCame(signal.SIGUSR1)
    finally:
        signals.restore()
    assert signal.getsignal(signal.SIGUSR1) == before
    assert inbox.get(0.0) is None


def test_signal_interrupts_what_asks_for_it() -> None:
    signals, inbox = ProcessSignals(), QueueInbox()
    signals.deliver_to(inbox)
    try:
        with pytest.raises(KeyboardInterrupt), signals.interrupting():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signals.restore()
    assert inbox.get(0.0) == SignalCame(signal.SIGTERM)


def test_ctrl_c_that_a_library_swallowed_ends_the_run_that_begins() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    signals, inbox = ProcessSignals(), QueueInbox()
    try:
        interrupts.watch()
        with suppress(KeyboardInterrupt):  # as an extension module does while it is imported
            signal.raise_signal(signal.SIGINT)
        signals.deliver_to(inbox)
        assert inbox.get(0.0) == SignalCame(signal.SIGINT)
        signals.restore()
        signals.deliver_to(inbox)
        assert inbox.get(0.0) is None, "it is told once"
        signals.restore()
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupts.watch()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_background_work_replies_with_its_value_or_its_error() -> None:
    inbox = QueueInbox()
    in_thread(lambda: 42, inbox.put)
    assert inbox.get(5.0) == 42
    in_thread(lambda: 1 // 0, inbox.put)
    assert isinstance(inbox.get(5.0), ZeroDivisionError)
