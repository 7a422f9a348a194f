"""Performs activities under the runner, and ends them when told to."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from chaosctl.drivers.activities import tolerating
from chaosctl.drivers.activities.activity import (
    LIMIT_S,
    LIMIT_S_MAX,
    Activity,
    Answer,
    Surroundings,
)
from chaosctl.drivers.activities.given import Given
from chaosctl.drivers.activities.substituting import substitute
from chaosctl.procfs import arguments_of_all
from monkeys.errors import MonkeyError, TargetFailed

RUNNER = str(Path(__file__).with_name("runner.py"))
OVERTIME_S = 3.0
"""What the runner may need beyond an activity's own time, to end it and to say so."""

GONE_WITHIN_S = 3.0
TEXT_MAX = 300
ERROR_STATUS = 400


class Performer:
    """Performs activities; `end_all` ends those that run, and no other begins."""

    def __init__(self, given: Given, where: Surroundings) -> None:
        self.given, self._where = given, where
        self._running: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._is_ended = False

    def perform(self, activity: Activity, extra: Mapping[str, Any] | None = None) -> Answer:
        """Its value, or why there is none. Never raises for what the activity does.

        extra: arguments besides its own.
        """
        try:
            asked = self._asked(activity, extra or {})
        except (MonkeyError, KeyError, TypeError, ValueError) as error:
            return Answer(False, text=self.given.hide(f"cannot be performed: {error}"))
        reply = self._run(asked)
        how, trouble = reply.get("how"), self.given.hide(str(reply.get("error") or ""))[:TEXT_MAX]
        if how == "done":
            value = reply.get("value")
            return Answer(True, value, self.given.hide(_in_words(value)))
        if how == "timeout":
            after = f"did not end within {asked['within_s']:g} s"
            return Answer(False, text=f"{after}: {trouble}" if trouble else after)
        return Answer(False, text=trouble or "was ended")

    def is_within(self, activity: Activity, answer: Answer) -> bool:
        """Whether an answer is within the activity's tolerance; a failure never is."""
        if not answer.ok:
            return False

        def ask(tolerance: Mapping[str, Any], value: Any) -> bool:
            provider = tolerance["provider"]
            probe = Activity(str(tolerance.get("name")), False, provider, limit_s=activity.limit_s)
            said = self.perform(probe, {"value": value})
            return said.ok and bool(said.value)

        tolerance = substitute(activity.tolerance, self.given.values(activity.secrets))
        return tolerating.is_within(tolerance, answer.value, ask)

    def did(self, activity: Activity, answer: Answer) -> str:
        """Why an action failed, empty if it did not. Stricter than a document's home is."""
        if not answer.ok:
            return answer.text
        if activity.has_tolerance:
            return "" if self.is_within(activity, answer) else f"out of tolerance: {answer.text}"
        kind, value = activity.provider.get("type"), answer.value
        if kind == "process" and value["status"] != 0:
            return f"ended with {answer.text}"
        if kind == "http" and value["status"] >= ERROR_STATUS:
            return f"was answered with {answer.text}"
        return ""

    def seconds(self, written: float | str, scopes: tuple[str, ...] = ()) -> float:
        """A pause or limit, once its name is replaced. Raises TargetFailed if it is no number."""
        value = substitute(written, self.given.values(scopes))
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = -1.0
        if not 0 <= number <= LIMIT_S_MAX:
            raise TargetFailed(
                f"{written!r} is no number of seconds",
                where="document",
                fix=f"give a number from 0 to {LIMIT_S_MAX:g}",
            )
        return number

    def end_all(self, within_s: float = GONE_WITHIN_S) -> None:
        """End what runs, with its process groups, and begin nothing any more.

        within_s: how long to wait until it is gone; it goes without that too.
        """
        with self._guard:
            self._is_ended = True
            running = list(self._running)
        for process in running:
            with suppress(OSError):
                if process.stdin is not None:
                    process.stdin.close()  # the lifeline
        if within_s:
            wait_until_gone(self._where.marker, within_s)

    def _asked(self, activity: Activity, extra: Mapping[str, Any]) -> dict[str, Any]:
        provider, scopes = dict(activity.provider), activity.secrets
        values = self.given.values(scopes)
        within_s = self.seconds(activity.limit_s, scopes) or LIMIT_S
        asked: dict[str, Any] = {
            "kind": provider["type"],
            "cwd": self._where.cwd,
            "within_s": within_s,
        }
        arguments = substitute(provider.get("arguments"), values)
        if provider["type"] == "process":
            return asked | {"command": _command(substitute(provider["path"], values), arguments)}
        if provider["type"] == "http":
            told = {k: substitute(provider.get(k), values) for k in _HTTP_KEYS}
            told["verify_tls"] = provider.get("verify_tls", True)
            return asked | told | {"arguments": arguments, "timeout_s": within_s}
        return asked | {
            "module": provider["module"],
            "func": provider["func"],
            "arguments": {**(arguments or {}), **extra},
            "paths": list(self._where.paths),
            "configuration": dict(self.given.configuration),
            "secrets": self.given.secrets_of(scopes),
        }

    def _run(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        isolated = [] if asked["kind"] == "python" else ["-I", "-S"]
        python = self._where.python or sys.executable
        try:
            process = subprocess.Popen(
                [python, *isolated, RUNNER, self._where.marker],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd=self._where.cwd,
            )
        except OSError as error:
            return {"how": "failed", "error": f"cannot be started: {error}"}
        with self._guard:
            self._running.add(process)
            is_ended = self._is_ended
        try:
            return {} if is_ended else _talk(process, asked)
        finally:
            with self._guard:
                self._running.discard(process)
            _let_go(process)


_HTTP_KEYS = ("url", "method", "headers", "max_retries")


def _talk(process: subprocess.Popen[bytes], asked: Mapping[str, Any]) -> dict[str, Any]:
    asking, answering = process.stdin, process.stdout
    if asking is None or answering is None:
        return {}
    try:
        asking.write(json.dumps(asked, default=_as_json).encode() + b"\n")
        asking.flush()
        line = answering.readline()
        found = json.loads(line) if line else {}
    except (OSError, ValueError) as error:
        return {"how": "failed", "error": str(error)}
    return dict(found) if isinstance(found, dict) else {}


def _let_go(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        with suppress(OSError, ValueError):
            if stream is not None:
                stream.close()
    try:
        process.wait(OVERTIME_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_gone(marker: str, within_s: float) -> list[int]:
    """Process ids of the runners with the marker that are still there after that time."""
    until = time.monotonic() + within_s
    while True:
        alive = [pid for pid, words in arguments_of_all() if RUNNER in words and marker in words]
        if not alive or time.monotonic() >= until:
            return alive
        time.sleep(0.02)


def _command(path: Any, arguments: Any) -> str | list[str]:
    """A list to execute, or, where the arguments are one text, a line for the shell."""
    program = str(path)
    if isinstance(arguments, str):
        return f"{program} {arguments}"
    if isinstance(arguments, Mapping):
        return [
            program,
            *(str(w) for k, v in arguments.items() for w in (k, v) if w not in ("", None)),
        ]
    return [program, *(str(word) for word in arguments or ())]


def _as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    return str(value)


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping) and "status" in value:
        more = next(
            (str(value[k]).strip() for k in ("stderr", "stdout", "body") if value.get(k)), ""
        )
        text = f"status {value['status']}"
        return f"{text}: {more}"[:TEXT_MAX] if more else text
    return json.dumps(value, ensure_ascii=False, default=str)[:TEXT_MAX]
