"""A test bed: chaosctl with folders of its own, as subprocesses, so that tests never collide.

Everything it starts descends from this process, which is made a subreaper: the observer's scope is
then complete, whatever else runs on the machine.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.integration.observer.processes import descendants, every_process
from tests.integration.observer.snapshot import Scope, become_subreaper

ROOT = Path(__file__).parents[2]
UP_SECONDS_MAX = 60
OUR_BUG = 70
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def text(self) -> str:
        """All of it."""
        return self.out + self.err


@dataclass(frozen=True, slots=True)
class Bed:
    """Folders and environment of one group of tests.

    python: the interpreter to run with; user: whom to run as, -1 for ourselves.
    """

    folder: Path
    python: str = sys.executable
    user: int = -1

    @property
    def runtime(self) -> Path:
        """Where the platform's sockets are."""
        return self.folder / "run"

    @property
    def state(self) -> Path:
        """Where run folders are."""
        return self.folder / "state"

    @property
    def scope(self) -> Scope:
        """What the observer looks at: all that this process started, and its folders."""
        return Scope(
            root=os.getpid(),
            folders=(self.runtime, self.folder / "tmp"),
            lock_folders=(self.folder / "locks",),
        )

    def environment(self, **more: str) -> dict[str, str]:
        """Environment that keeps chaosctl inside this bed."""
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(self._paths()),
            "CHAOSCTL_RUNTIME_DIR": str(self.runtime),
            "CHAOSCTL_STATE_DIR": str(self.state),
            "CHAOSCTL_LOCK_DIR": str(self.folder / "locks"),
            "TMPDIR": str(self.folder / "tmp"),
            "COLUMNS": "100",
            **more,
        }

    def _paths(self) -> list[str]:
        """Our sources; and what they need, should another interpreter run them."""
        sources = [str(ROOT), str(ROOT / "targets" / "demo-platform")]
        given = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        needed = [] if self.python == sys.executable else [sysconfig.get_paths()["purelib"]]
        return [*sources, *given, *needed]

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command; its output goes to pipes unless `options` say otherwise."""
        environment = self.environment(**options.pop("variables", {}))
        streams = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        who = {"user": self.user, "group": self.user, "extra_groups": []} if self.user >= 0 else {}
        return subprocess.Popen(
            [self.python, "-m", "chaosctl", *arguments],
            **{**streams, **who, **options},
            env=environment,
            cwd=self.folder,
            text=True,
        )

    def chaosctl(self, *arguments: str, timeout_s: float = 120, **options: Any) -> Said:
        """Run a command to its end."""
        began_s = time.monotonic()
        return self.finish(self.start(*arguments, **options), timeout_s, began_s)

    def finish(
        self, process: subprocess.Popen[str], timeout_s: float = 60, began_s: float = 0
    ) -> Said:
        """Wait for a started command and take what it said; a traceback never reaches a user."""
        began_s = began_s or time.monotonic()
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"still running after {timeout_s} s:\n{out}{err}") from None
        said = Said(process.returncode, out or "", err or "", time.monotonic() - began_s)
        assert "Traceback" not in said.text, said.text
        assert said.code != OUR_BUG, said.text
        return said

    def document(self, text: str, name: str = "tried") -> str:
        """Write an experiment down; its path."""
        path = self.folder / f"{name}.yaml"
        path.write_text(text)
        return str(path)

    def run_folders(self) -> set[Path]:
        """Folders of all runs so far."""
        runs = self.state / "runs"
        return set(runs.iterdir()) if runs.is_dir() else set()

    def processes(self, *words: str) -> list[int]:
        """Numbers of our descendants whose command line has all these words."""
        mine = descendants(every_process(), os.getpid())
        return [pid for pid, p in mine.items() if all(word in p.command for word in words)]

    def up(self, *options: str) -> None:
        """Start the platform."""
        said = self.chaosctl("demo", "up", *options, timeout_s=UP_SECONDS_MAX)
        assert said.code == 0, said.text

    def down(self) -> None:
        """Stop the platform."""
        said = self.chaosctl("demo", "down", timeout_s=30)
        assert said.code == 0, said.text


@contextmanager
def made_bed(python: str = sys.executable, user: int = -1) -> Iterator[Bed]:
    """A bed in a short temporary folder (socket paths are short); all it started ends with it."""
    become_subreaper()
    bed = Bed(Path(tempfile.mkdtemp(prefix="bed-", dir="/tmp")), python, user)
    (bed.folder / "tmp").mkdir()
    if user >= 0:
        os.chown(bed.folder, user, user)
        os.chown(bed.folder / "tmp", user, user)
    try:
        yield bed
    finally:
        with suppress(AssertionError, OSError):
            bed.chaosctl("demo", "down", timeout_s=30)
        for pid in bed.processes(str(bed.folder)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(bed.folder, ignore_errors=True)


def journal(folder: Path) -> list[dict[str, Any]]:
    """Whole events of a run so far; for timing and checking runs, never for the observer."""
    try:
        text = (folder / "journal.jsonl").read_text(errors="replace")
    except OSError:
        return []
    events = []
    for line in text.split("\n")[:-1]:
        with suppress(ValueError):
            events.append(json.loads(line))
    return events


def wait_for_event(bed: Bed, known: set[Path], names: Sequence[str], timeout_s: float = 60) -> Path:
    """Folder of the run that is not among the known ones, as soon as it journals such an event."""

    def found() -> Path | None:
        for folder in bed.run_folders() - known:
            if any(event["event"] in names for event in journal(folder)):
                return folder
        return None

    folder = wait_until(found, timeout_s, f"event {' or '.join(names)}")
    assert folder is not None
    return folder


def wait_until(ask: Callable[[], _Answer], timeout_s: float, what: str) -> _Answer:
    """The first true answer; an AssertionError when there is none in time."""
    deadline_s = time.monotonic() + timeout_s
    while not (answer := ask()):
        if time.monotonic() > deadline_s:
            raise AssertionError(f"no {what} within {timeout_s} s")
        time.sleep(0.005)
    return answer
