"""The keeper: stays on the host, starts a world and its companions, and sweeps up after them.

It does little on purpose, so that it has few reasons to die. Every process here dies with
another: the supervisor and the companions with the keeper, the world with the supervisor, and the
keeper leaves when the world is gone.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from demo_platform import rundir
from demo_platform.document import ProcessRef
from demo_platform.ec2.listening import listen
from demo_platform.errors import DemoError
from demo_platform.memory import check_memory
from demo_platform.process import (
    adopt_orphans,
    die_with_parent,
    host_pid,
    reset_signals,
    started_ticks,
)
from demo_platform.rundir import RunDir
from demo_platform.settings import Settings
from demo_platform.shared_loopback import check_ports, style_without_namespaces
from demo_platform.topology import Style, slots_of, viewer_slots_of
from demo_platform.world import Birth, be_born

STOP_WITHIN_S = 4.0
KILL_WITHIN_S = 2.0
BORN_WITHIN_S = 30.0


@dataclass(slots=True)
class _World:
    """A running world as its keeper sees it."""

    pid: int
    status_fd: int
    keeper_fd: int
    heard: bytes = b""


def keep(settings: Settings) -> int:
    """Make the world, keep it, take it down on a signal; returns the exit code.

    Raises DemoError when the world cannot be made, and then nothing is left of it.
    """
    os.umask(0o077)
    claimed = rundir.claim(settings.folder)
    settings = replace(settings, folder=claimed.path)
    try:
        check_memory(len(slots_of(settings.size) + viewer_slots_of(settings.size)))
        return _Keeper(settings, claimed).run()
    finally:
        rundir.remove(claimed.path)


class _Keeper:
    def __init__(self, settings: Settings, claimed: RunDir) -> None:
        self._settings = settings
        self._rundir = claimed
        self._itself = ProcessRef(host_pid(), started_ticks())
        self._aws = listen(settings.aws_port)
        self._companions: list[subprocess.Popen[bytes]] = []
        self._world: _World | None = None
        self._log_fd = os.open(
            claimed.path / rundir.LOG_FILE,
            os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC,
            0o600,
        )
        self._woken, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._asked_to_stop = False

    def run(self) -> int:
        adopt_orphans()
        self._listen()
        try:
            self._write_keeper_file()
            for argv in self._settings.companions:
                self._companions.append(self._start_companion(argv))
            self._write_keeper_file()
            self._world = self._make_world()
            if self._aws is not None:
                self._aws.close()  # the supervisor listens
            return self._watch(self._world)
        finally:
            self._end_world()
            self._end_companions()

    def _listen(self) -> None:
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)

    def _stop(self, _number: int, _frame: object) -> None:
        self._asked_to_stop = True

    def _write_keeper_file(self) -> None:
        rundir.write_keeper(
            self._rundir,
            {
                "schema": "chaosctl-demo/keeper/v1",
                **self._itself.as_dict(),
                "size": self._settings.size.name,
                "seed": self._settings.seed,
                "companions": [
                    {"argv": list(argv), "pid": companion.pid}
                    for argv, companion in zip(
                        self._settings.companions, self._companions, strict=False
                    )
                ],
            },
        )

    def _start_companion(self, argv: tuple[str, ...]) -> "subprocess.Popen[bytes]":
        keeper = os.getpid()

        def die_with_keeper() -> None:
            reset_signals()
            die_with_parent(signal.SIGKILL)
            if os.getppid() != keeper:
                os._exit(1)

        try:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=self._log_fd,
                stderr=self._log_fd,
                # A terminal's Ctrl-C is for the keeper; it ends its companions in good order.
                start_new_session=True,
                # The keeper has one thread, which is what makes this hook safe.
                preexec_fn=die_with_keeper,  # noqa: PLW1509
            )
        except OSError as error:
            raise DemoError(
                f"cannot start a companion: {error.strerror}",
                where=argv[0],
                fix="name an installed program in --companion",
            ) from error

    def _make_world(self) -> _World:
        asked = self._settings.fabric
        if asked in {"auto", "netns"}:
            try:
                return self._start_world(Style.NETNS, "")
            except DemoError as error:
                if asked == "netns" or self._asked_to_stop:
                    raise
                reason = f"{error.what} ({error.where}); fix: {error.fix}"
        else:
            reason = f"asked for by --fabric {asked}"
        style = style_without_namespaces(asked)
        check_ports(self._settings, style)
        return self._start_world(style, reason)

    def _start_world(self, style: Style, reason: str) -> _World:
        status_fd, status_there = os.pipe()
        alive_there, keeper_fd = os.pipe()
        go_there, go_fd = os.pipe()
        birth = Birth(
            settings=self._settings,
            rundir=self._rundir,
            style=style,
            fabric_reason=reason,
            keeper=self._itself,
            status_fd=status_there,
            alive_fd=alive_there,
            keeper_fd=keeper_fd,
            go_fd=go_there,
            aws=self._aws,
        )
        child = os.fork()
        if child == 0:
            for fd in (status_fd, go_fd, self._woken, self._waker):
                os.close(fd)
            _become_world(birth, self._log_fd)
        for fd in (status_there, alive_there, go_there):
            os.close(fd)
        world = _World(0, status_fd, keeper_fd)
        try:
            world.pid = self._await_event(world, "born")["pid"]
            if world.pid != child:
                os.waitpid(child, 0)  # from here on the world's first process is our own child
            os.write(go_fd, b"g")
            self._await_event(world, "up")
        except DemoError:
            self._world = world
            os.close(go_fd)  # a world that still waits for its birth ends by this
            go_fd = -1
            self._end_world()
            self._world = None
            _reap_all_of(child)
            raise
        finally:
            if go_fd >= 0:
                os.close(go_fd)
        return world

    def _await_event(self, world: _World, wanted: str) -> dict[str, Any]:
        """Wait for one event of the world; a refusal, or its silence, is an error."""
        deadline = time.monotonic() + BORN_WITHIN_S
        while time.monotonic() < deadline and not self._asked_to_stop:
            for event in self._events(world, deadline - time.monotonic()):
                if event["event"] == wanted:
                    return event
                if event["event"] in {"refused", "failed", "gone"}:
                    error = _error_of(event)
                    raise self._with_log(error) if error.has_details else error
        raise DemoError(
            f"the world is not {wanted} after {BORN_WITHIN_S:.0f} s"
            if not self._asked_to_stop
            else "stopped by a signal before the world was up",
            where=str(self._rundir.path),
            fix="run `up` again",
        )

    def _events(self, world: _World, timeout_s: float) -> list[dict[str, Any]]:
        """What the world has said within a time-out; "gone" when it can say no more."""
        readable, _, _ = select.select([world.status_fd, self._woken], [], [], max(timeout_s, 0))
        if self._woken in readable:
            os.read(self._woken, 4096)
        if world.status_fd not in readable:
            return []
        data = os.read(world.status_fd, 65536)
        *lines, world.heard = (world.heard + data).split(b"\n")
        events = [json.loads(line) for line in lines]
        return events if data else [*events, {"event": "gone"}]

    def _watch(self, world: _World) -> int:
        """Stay until the world ends or somebody ends it."""
        failure: DemoError | None = None
        while not self._asked_to_stop:
            for event in self._events(world, 60.0):
                if event["event"] == "ready":
                    _announce(f"ready: {event['registered']} registered, {event['seconds']:.1f} s")
                elif event["event"] == "failed":
                    failure = _error_of(event)
                elif event["event"] == "gone":
                    return self._world_ended(world, failure)
            self._notice_companions()
        return 0

    def _world_ended(self, world: _World, failure: DemoError | None) -> int:
        _, status = os.waitpid(world.pid, 0)
        world.pid = 0
        if failure is not None:
            raise self._with_log(failure) if failure.has_details else failure
        if os.waitstatus_to_exitcode(status) == 0:
            return 0
        died = DemoError(
            f"the world ended by itself: {_describe(status)}",
            where=str(self._rundir.path),
            fix="run `up` again; everything of it is gone",
        )
        raise died if os.WIFSIGNALED(status) else self._with_log(died)

    def _with_log(self, error: DemoError) -> DemoError:
        """The same error, its details saved where the folder's removal does not take them."""
        saved = rundir.keep_log(self._rundir.path)
        return DemoError(error.what, where=error.where, fix=f"{error.fix}; details: {saved}")

    def _notice_companions(self) -> None:
        """Write down a companion that ended; the platform runs on without it."""
        for companion in list(self._companions):
            if companion.poll() is not None:
                self._companions.remove(companion)
                line = f"companion {companion.args!r} ended with {companion.returncode}\n"
                os.write(self._log_fd, line.encode())

    def _end_world(self) -> None:
        world = self._world
        if world is None:
            return
        # A world that is not up yet is deaf to signals, and reads this as soon as it can.
        os.close(world.keeper_fd)
        if world.pid:
            for number, within_s in ((signal.SIGTERM, STOP_WITHIN_S), (signal.SIGKILL, 60.0)):
                with suppress(ProcessLookupError):
                    os.kill(world.pid, number)
                if _ended(world.pid, within_s):
                    break
            # On the loopback fabric nothing but the process group holds the world together.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(world.pid, signal.SIGKILL)
            world.pid = 0
        os.close(world.status_fd)

    def _end_companions(self) -> None:
        for companion in self._companions:
            companion.terminate()
        deadline = time.monotonic() + KILL_WITHIN_S
        for companion in self._companions:
            try:
                companion.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                companion.kill()
                companion.wait()


def _become_world(birth: Birth, log_fd: int) -> NoReturn:
    code = 70
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log_fd, 1)
        os.dup2(log_fd, 2)
        os.umask(0o077)
        code = be_born(birth)
    finally:
        # Nothing of the keeper's stack may run in the child, whatever went wrong.
        if code == 70:
            import traceback  # noqa: PLC0415

            traceback.print_exc()
        sys.stderr.flush()
        os._exit(code)


def _ended(pid: int, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while True:
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return True
        except ChildProcessError:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)


def _reap_all_of(child: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(child, 0)


def _error_of(event: dict[str, Any]) -> DemoError:
    if event["event"] == "gone":
        return DemoError(
            "the world died while it was being made",
            where="supervisor",
            fix="report it",
            has_details=True,
        )
    has_details = bool(event.get("has_details"))
    return DemoError(event["what"], where=event["where"], fix=event["fix"], has_details=has_details)


def _describe(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"its first process was killed by signal {os.WTERMSIG(status)}"
    return f"its first process exited with code {os.waitstatus_to_exitcode(status)}"


def _announce(line: str) -> None:
    """Say something to whoever started the keeper; nobody listening is fine."""
    with suppress(BrokenPipeError):
        os.write(1, line.encode() + b"\n")
