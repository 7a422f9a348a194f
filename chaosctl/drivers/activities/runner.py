"""Runs one activity, and lets nothing of it outlive its time or its asker. A program of its own.

Standard library only, and by path: a document's functions may need another Python than ours. One
JSON line comes on standard input, one goes out. The input then is a lifeline: when it closes, the
asker is gone, and the activity is ended with all of its process group. What an activity that ended
well has left running on purpose is left alone.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import inspect
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

OUTPUT_BYTES_MAX = 64 << 10
GRACE_S = 0.5
DRAIN_S = 0.5
"""How long output is waited for that a child of the ended process still holds."""

BYTES = "$bytes"
OWN_FOLDER = str(Path(__file__).resolve().parent)
RESET = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGTSTP,
    signal.SIGUSR1,
    signal.SIGPIPE,
)


def main() -> None:
    """Read what to do, do it, say what came of it."""
    for number in RESET:  # a watchdog is deaf to some, and its children would inherit that
        signal.signal(number, signal.SIG_DFL)
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(0, 65536)
        if not part:
            return
        line += part
    asked = json.loads(line, object_hook=_bytes)
    try:
        started = _start_process(asked) if asked["kind"] == "process" else _start_call(asked)
    except (OSError, ValueError) as error:
        reply: dict[str, Any] = {"how": "failed", "error": f"cannot be started: {error}"}
    else:
        reply = _watch(started, time.monotonic() + asked["within_s"], asked["kind"])
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(reply, default=str).encode() + b"\n")


def _bytes(found: dict[str, Any]) -> Any:
    """Bytes, which JSON has not."""
    return base64.b64decode(found[BYTES]) if found.keys() == {BYTES} else found


Started = tuple[int, dict[int, str]]
"""Process id, and what each descriptor to read from carries."""


def _start_process(asked: dict[str, Any]) -> Started:
    pipes = {name: os.pipe() for name in ("stdout", "stderr")}
    process = subprocess.Popen(
        asked["command"],
        shell=isinstance(asked["command"], str),  # as the document wants it
        cwd=asked["cwd"],
        stdin=subprocess.DEVNULL,
        stdout=pipes["stdout"][1],
        stderr=pipes["stderr"][1],
        start_new_session=True,
    )
    process.returncode = 0  # so that its end is ours alone to wait for
    return process.pid, _read_ends(pipes)


def _start_call(asked: dict[str, Any]) -> Started:
    """A child of this process that calls the function; its value comes through a pipe."""
    pipes = {name: os.pipe() for name in ("stdout", "stderr", "value")}
    pid = os.fork()
    if pid == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, null), (1, pipes["stdout"][1]), (2, pipes["stderr"][1])):
            os.dup2(source, target)
        _call(asked, pipes["value"][1])
        os._exit(0)
    return pid, _read_ends(pipes)


def _read_ends(pipes: dict[str, tuple[int, int]]) -> dict[int, str]:
    for _, written in pipes.values():
        os.close(written)
    return {read: name for name, (read, _) in pipes.items()}


def _call(asked: dict[str, Any], value: int) -> None:
    try:
        os.chdir(asked["cwd"])
        said = {"value": _call_python(asked) if asked["kind"] == "python" else _call_web(asked)}
    except BaseException as error:  # noqa: BLE001 - whatever a stranger's function does is its failure
        traceback.print_exc()
        said = {"error": f"{type(error).__name__}: {error}"}
    text = json.dumps(said, default=str).encode()
    if len(text) > OUTPUT_BYTES_MAX:
        text = json.dumps({"error": f"value is larger than {OUTPUT_BYTES_MAX} bytes"}).encode()
    os.write(value, text)


def _call_python(asked: dict[str, Any]) -> Any:
    sys.path[:] = [*asked["paths"], *(path for path in sys.path if path != OWN_FOLDER)]
    function = getattr(importlib.import_module(asked["module"]), asked["func"])
    try:
        parameters = set(inspect.signature(function).parameters)
    except ValueError:  # some built-in functions have none to show
        parameters = set()
    known = {name: asked[name] for name in ("configuration", "secrets") if name in parameters}
    return function(**{**known, **asked["arguments"]})


def _call_web(asked: dict[str, Any]) -> Any:
    sys.path.insert(0, OWN_FOLDER)
    return importlib.import_module("http_call").call_http(asked)


def _watch(started: tuple[int, dict[int, str]], until: float, kind: str) -> dict[str, Any]:
    """Until it ends, its time is up, or the asker is gone."""
    pid, names = started
    said = dict.fromkeys(names.values(), b"")
    status: int | None = None
    how = ""
    while True:
        ready = select.select([0, *names], [], [], 0.02)[0]
        for descriptor in ready:
            if descriptor == 0:
                how = how or ("" if os.read(0, 4096) else "stopped")
                continue
            part = os.read(descriptor, 65536)
            if not part:
                del names[descriptor]
                continue
            name = names[descriptor]
            said[name] = (said[name] + part)[:OUTPUT_BYTES_MAX]
        if status is None:
            status = _status_of(pid)
            if status is not None:
                until = time.monotonic() + DRAIN_S
        is_over = time.monotonic() >= until
        if status is not None and (not names or is_over):
            break
        if status is None and (how or is_over):
            _end(pid)
            return {"how": how or "timeout", "error": _tail(said)}
    return _reply(status, said, kind)


def _reply(status: int, said: dict[str, bytes], kind: str) -> dict[str, Any]:
    text = {name: part.decode("utf-8", "replace") for name, part in said.items()}
    if kind == "process":
        return {"how": "done", "value": {"status": status, **text}}
    try:
        outcome = json.loads(text["value"])
    except ValueError:
        return {"how": "failed", "error": f"ended with status {status}: {_tail(said)}"}
    if "error" in outcome:
        return {"how": "failed", "error": outcome["error"]}
    return {"how": "done", "value": outcome["value"]}


def _tail(said: dict[str, bytes]) -> str:
    return said.get("stderr", b"")[-500:].decode("utf-8", "replace").strip()


def _status_of(pid: int) -> int | None:
    """Exit code, negative for a signal; None while it runs."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _end(pid: int) -> None:
    """End its process group: asked first, then by force."""
    until = time.monotonic() + GRACE_S
    status = None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
        while status is None and time.monotonic() < until:
            time.sleep(0.01)
            status = _status_of(pid)
        os.killpg(pid, signal.SIGKILL)
    if status is None:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
