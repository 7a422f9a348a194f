"""The zygote: imports everything once, then forks each instance on request, reaps and reports.

It stays single-threaded, opens no sockets of its own and freezes its heap, so that sixty children
share its pages. The supervisor talks to it over one seqpacket pair in JSON; a request to fork
carries the instance's end of a channel, on which the child says who it is, waits until its link
has been wired, and goes on to become the instance.

    supervisor → zygote   {"fork": spec, "peers": [address]} + fd,
                          {"kill": id, "signal": number}
    zygote → supervisor   {"loaded": seconds}, {"failed": text},
                          {"exited": id, "code": n, "signal": s}
    child → supervisor    {"pid": n, "started_ticks": n}
    supervisor → child    b"go"
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from demo_platform import disk, host_names, namespaces
from demo_platform.knobs import Knobs
from demo_platform.process import (
    die_with_parent,
    host_pid,
    reset_signals,
    set_name,
    started_ticks,
)
from demo_platform.topology import InstanceSpec

MESSAGE_BYTES_MAX = 65536
WIRED_WITHIN_S = 30.0
INSTANCE_LINK = "e0"

RunInstance = Callable[[InstanceSpec, Knobs], None]


@dataclass(frozen=True, slots=True)
class Nursery:
    """What the zygote needs to know to raise instances."""

    instances: str
    files: Path
    has_namespaces: bool


def run_zygote(control: socket.socket, nursery: Nursery, knobs: Knobs) -> NoReturn:
    """Serve the supervisor until it is gone; never returns."""
    set_name("demo:zygote")
    began = time.monotonic()
    try:
        run_instance: RunInstance = importlib.import_module(nursery.instances).run_instance
    except ImportError as error:
        traceback.print_exc()
        _tell(control, {"failed": f"cannot import {nursery.instances}: {error}"})
        os._exit(1)
    gc.collect()
    gc.freeze()
    _tell(control, {"loaded": round(time.monotonic() - began, 3)})
    _Zygote(control, nursery, knobs, run_instance).serve()
    os._exit(0)


class _Zygote:
    def __init__(
        self, control: socket.socket, nursery: Nursery, knobs: Knobs, run_instance: RunInstance
    ) -> None:
        self._control = control
        self._nursery = nursery
        self._knobs = knobs
        self._run_instance = run_instance
        self._children: dict[int, InstanceSpec] = {}
        self._woken, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def serve(self) -> None:
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        while True:
            readable, _, _ = select.select([self._control.fileno(), self._woken], [], [])
            if self._woken in readable:
                os.read(self._woken, 4096)
                self._reap()
            if self._control.fileno() in readable and not self._obey():
                break
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)

    def _obey(self) -> bool:
        """Do what one message asks; False when the supervisor has closed its end."""
        data, fds, _, _ = socket.recv_fds(self._control, MESSAGE_BYTES_MAX, 1)
        if not data:
            return False
        message: dict[str, Any] = json.loads(data)
        if "fork" in message:
            channel = socket.socket(fileno=fds[0])
            spec = msgspec.convert(message["fork"], InstanceSpec)
            self._fork(spec, message["peers"], channel)
            channel.close()
        elif "kill" in message:
            for pid, spec in self._children.items():
                if spec.id == message["kill"]:
                    os.kill(pid, message["signal"])
        return True

    def _fork(self, spec: InstanceSpec, peers: list[str], channel: socket.socket) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            self._children[pid] = spec
            return
        code = 1
        try:
            die_with_parent(signal.SIGKILL)
            if os.getppid() == parent:
                self._forget_the_zygote()
                self._become(spec, peers, channel)
            code = 0
        finally:
            # Nothing of the zygote's stack may run in the child, whatever went wrong.
            if code:
                traceback.print_exc()
            os._exit(code)

    def _forget_the_zygote(self) -> None:
        reset_signals()
        self._control.close()
        os.close(self._woken)
        os.close(self._waker)

    def _become(self, spec: InstanceSpec, peers: list[str], channel: socket.socket) -> None:
        set_name(f"demo:{spec.service}")
        if self._nursery.has_namespaces:
            namespaces.leave_network()
        _tell(channel, {"pid": host_pid(), "started_ticks": started_ticks()})
        channel.settimeout(WIRED_WITHIN_S)
        if channel.recv(16) != b"go":
            raise ConnectionError(f"{spec.id}: supervisor went away before the link was wired")
        channel.close()
        if self._nursery.has_namespaces:
            _quieten_ipv6()
            namespaces.raise_link("lo")
            namespaces.raise_link(INSTANCE_LINK, spec.address)
            namespaces.remember_neighbours(INSTANCE_LINK, peers)
        folder = disk.attach(self._nursery.files, spec, has_namespaces=self._nursery.has_namespaces)
        host_names.ask_own_servers(self._nursery.files, spec)
        os.chdir(folder)
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
        self._run_instance(spec, self._knobs)

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            spec = self._children.pop(pid)
            disk.detach(self._nursery.files, spec, has_namespaces=self._nursery.has_namespaces)
            was_killed = os.WIFSIGNALED(status)
            _tell(
                self._control,
                {
                    "exited": spec.id,
                    "code": 0 if was_killed else os.waitstatus_to_exitcode(status),
                    "signal": os.WTERMSIG(status) if was_killed else 0,
                },
            )


def _quieten_ipv6() -> None:
    """Keep neighbour discovery, which floods to every port of the bridge, from being spoken."""
    setting = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")
    try:
        setting.write_text("1")
    except OSError:
        return  # no IPv6 here, or a read-only procfs: a little more noise on the bridge


def _tell(to: socket.socket, message: dict[str, object]) -> None:
    to.send(json.dumps(message).encode())
