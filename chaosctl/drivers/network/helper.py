"""The client of the process that enters namespaces.

It is started when first needed, or ahead of that by `warm`, and started anew when it hangs, dies,
or is wanted for another world. Every question has a time-out.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

from monkeys.errors import MonkeyError, TargetFailed

_MODULE = "chaosctl.drivers.network"
_END_TIMEOUT_S = 1.0
_STDERR_BYTES = 2000


class PlaceGone(MonkeyError):
    """The process whose namespaces were to be entered is no more."""


class EntryDenied(MonkeyError):
    """The kernel does not let this user into the namespaces."""


class NetworkHelper:
    """A helper process; safe to share between threads, one question at a time."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = 0

    def warm(self) -> None:
        """Start the process if it is not there, and don't wait for it."""
        with self._lock:
            self._started()

    @property
    def pid(self) -> int | None:
        """Process id of the helper, None if it is not there."""
        return None if self._process is None else self._process.pid

    def ask(self, op: str, *, timeout_s: float, **fields: Any) -> dict[str, Any]:
        """Have one thing done.

        Raises PlaceGone, EntryDenied, or TargetFailed when it failed or took too long.
        """
        with self._lock:
            answer = self._ask_once(op, fields, timeout_s)
            if answer.get("error", {}).get("kind") == "other-world":
                self._end()
                answer = self._ask_once(op, fields, timeout_s)
        if "error" not in answer:
            result: dict[str, Any] = answer["result"]
            return result
        what = answer["error"]["what"]
        match answer["error"]["kind"]:
            case "gone":
                raise PlaceGone(what, where=op)
            case "denied":
                raise EntryDenied(
                    f"cannot enter the network namespaces: {what}",
                    where=op,
                    fix="run as the user who started the platform, or as root",
                )
            case _:
                raise TargetFailed(what, where=op, fix="`chaosctl recover` takes back what is left")

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _ask_once(self, op: str, fields: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        process = self._started()
        self._asked += 1
        request = json.dumps({"id": self._asked, "op": op, **fields}).encode() + b"\n"
        until_s = self._clock() + timeout_s
        try:
            _write(process.stdin, request)
            return self._answer_by(process, until_s)
        except TimeoutError:
            self._end()
            raise TargetFailed(
                f"the network helper did not answer within {timeout_s:g} s",
                where=op,
                fix="try again: it is started anew; is the machine overloaded?",
            ) from None
        except (BrokenPipeError, EOFError):
            why = self._last_words(process)
            self._end()
            raise TargetFailed(
                f"the network helper ended: {why}",
                where=op,
                fix="`python -m pip install --force-reinstall chaosctl` mends a broken install",
            ) from None

    def _answer_by(self, process: subprocess.Popen[bytes], until_s: float) -> dict[str, Any]:
        """The answer to the last question. Raises TimeoutError, EOFError."""
        line = b""
        with selectors.DefaultSelector() as selector:
            output = _registered(selector, process.stdout)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, until_s - self._clock())):
                    raise TimeoutError
                piece = os.read(output, 1 << 16)
                if not piece:
                    raise EOFError
                line += piece
        answer: dict[str, Any] = json.loads(line)
        if answer["id"] != self._asked:
            raise EOFError  # out of step: as good as dead
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            # It must find the modules that we have found, and must outlive a Ctrl-C: undo needs it.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()  # it holds nothing: what it made is named for its record
        with suppress(subprocess.TimeoutExpired):  # stuck in the kernel: it dies when it gets out
            process.wait(_END_TIMEOUT_S)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                _close(pipe)

    def _last_words(self, process: subprocess.Popen[bytes]) -> str:
        with selectors.DefaultSelector() as selector:
            errors = _registered(selector, process.stderr)
            if not selector.select(_END_TIMEOUT_S):
                return "no reason given"
        words = os.read(errors, _STDERR_BYTES).decode(errors="replace")
        lines = words.strip().splitlines()
        return lines[-1] if lines else "no reason given"


def _write(pipe: IO[bytes] | None, data: bytes) -> None:
    if pipe is None:
        raise EOFError
    pipe.write(data)
    pipe.flush()


def _registered(selector: selectors.BaseSelector, pipe: IO[bytes] | None) -> int:
    """The pipe's descriptor, watched for something to read."""
    if pipe is None:
        raise EOFError
    selector.register(pipe, selectors.EVENT_READ)
    return pipe.fileno()


def _close(pipe: IO[bytes]) -> None:
    """Close our end; what was still to be written to a dead process has nowhere to go."""
    try:
        pipe.close()
    except BrokenPipeError:
        return
