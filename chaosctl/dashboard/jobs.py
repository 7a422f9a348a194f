"""What changes anything: a `chaosctl` command in a process of its own, and what it prints.

Its output is read in a thread. If the dashboard ends first, the command goes on: a run does not
need anybody who reads what it says.
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence

from chaosctl.context import Context

LINES_MAX = 2000
LINE_LENGTH_MAX = 2000
RUN_MARK = "run="
READ_ONLY = frozenset(
    {"plan", "schema", "list", "status", "journal", "doctor", "--help", "--version"}
)
READ_ONLY_IN_GROUP = frozenset({("demo", "status"), ("demo", "logs"), ("atlas", "query")})
READ_ONLY_IN_GROUP |= {("atlas", "tags")}


def command_text(arguments: Sequence[str]) -> str:
    """The command as one would type it."""
    return shlex.join(["chaosctl", *arguments])


def only_reads(arguments: Sequence[str]) -> bool:
    """Whether a command changes nothing, so that nobody need be asked."""
    return bool(arguments) and (
        arguments[0] in READ_ONLY
        or tuple(arguments[:2]) in READ_ONLY_IN_GROUP
        or "--help" in arguments
    )


class Job:
    """One command on its way. code: None until it has ended; lines: the newest of its output."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arguments = tuple(arguments)
        self.lines: deque[str] = deque(maxlen=LINES_MAX)
        self.code: int | None = None
        self.run_id = ""
        self._process: subprocess.Popen[str] | None = None

    @property
    def text(self) -> str:
        """The command as one would type it."""
        return command_text(self.arguments)

    @property
    def is_run(self) -> bool:
        """Whether it breaks something, and does not only show what it would."""
        return self.arguments[:1] == ("run",) and "--dry-run" not in self.arguments

    @property
    def owns_run(self) -> bool:
        """Whether it is a run that has not ended."""
        return self.is_run and self.code is None

    def start(self, context: Context, heard: Callable[[], None]) -> None:
        """Start it; `heard` is called, from another thread, whenever there is something new."""

        def work() -> int:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "chaosctl", *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**context.env, "NO_COLOR": "1"},
                text=True,
                errors="replace",
            )
            with self._process as process:
                for line in process.stdout or ():
                    self._take(line.rstrip("\n")[:LINE_LENGTH_MAX])
                    heard()
                return process.wait()

        def ended(code: int | Exception) -> None:
            if isinstance(code, Exception):
                self.lines.append(f"cannot be started: {code}")
                code = 70
            self.code = code
            heard()

        context.in_background(work, ended)

    def interrupt(self) -> None:
        """As Ctrl-C would: a run undoes everything and ends."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def _take(self, line: str) -> None:
        self.lines.append(line)
        words = line.split()
        if not self.run_id and "start" in words[:3]:
            marks = [word for word in words if word.startswith(RUN_MARK)]
            self.run_id = marks[0].removeprefix(RUN_MARK) if marks else ""
