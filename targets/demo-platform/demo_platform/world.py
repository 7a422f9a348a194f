"""How a world begins and ends: namespaces, zygote, supervisor, and the folder's last rites.

The keeper forks W; W enters the new namespaces and forks S, the first process of the new pid
namespace; W exits, and S becomes the keeper's own child, because the keeper adopts orphans. When
S dies, however it dies, the kernel kills every process of the world and takes its links, mounts
and namespaces. When the keeper dies, S is told by a signal and by the end of a pipe that only the
keeper holds open; S then removes the runtime folder itself and exits.
"""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demo_platform import host_names, namespaces, rundir
from demo_platform.document import ProcessRef
from demo_platform.errors import DemoError
from demo_platform.knobs import Knobs
from demo_platform.process import (
    die_with_parent,
    host_pid,
    reset_signals,
    set_name,
)
from demo_platform.rundir import RunDir
from demo_platform.settings import Settings
from demo_platform.topology import Addresses, Style

if TYPE_CHECKING:
    from demo_platform.fabric import Fabric
    from demo_platform.supervisor import Supervisor

FILES_BYTES_MAX = 256 * 2**20
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Birth:
    """What a world is given by its keeper.

    status_fd: JSON lines to the keeper: born, refused, up, ready, failed.
    alive_fd: reads end-of-file once the keeper is dead; the keeper's own end is keeper_fd.
    go_fd: a byte is read here when S has become the keeper's child.
    aws: the host's socket on which S is to serve the AWS APIs.
    """

    settings: Settings
    rundir: RunDir
    style: Style
    fabric_reason: str
    keeper: ProcessRef
    status_fd: int
    alive_fd: int
    keeper_fd: int
    go_fd: int
    aws: socket.socket | None

    def say(self, event: str, **fields: Any) -> None:
        """Tell the keeper; one that is gone needs no telling."""
        with suppress(BrokenPipeError):
            os.write(self.status_fd, json.dumps({"event": event, **fields}).encode() + b"\n")


def be_born(birth: Birth) -> int:
    """Run as the keeper's forked child; returns the exit code of whichever process this is."""
    reset_signals()
    os.close(birth.keeper_fd)
    if birth.style is not Style.NETNS:
        os.setsid()
        birth.say("born", pid=os.getpid())
        return _live(birth)
    try:
        namespaces.enter_world()
    except DemoError as error:
        birth.say("refused", **error.as_dict())
        return 1
    pid = os.fork()
    if pid:
        birth.say("born", pid=pid)
        return 0
    os.setsid()
    return _live(birth)


def _live(birth: Birth) -> int:
    """Be the supervisor's process: fork the zygote first, then load what must not be forked."""
    # Until the event loop listens, the keeper's death is kept for it by the pipe that ends.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if not os.read(birth.go_fd, 1):
        _end(birth)
        return 1  # the keeper died while we were being born
    die_with_parent(signal.SIGTERM)
    set_name("demo:supervisor")
    knobs = Knobs(starts_per_second=birth.settings.starts_per_second)
    for name, is_on in birth.settings.switches:
        knobs.set(name, is_on)
    try:
        _make_files(birth)
    except OSError as error:
        birth.say("refused", **namespaces.refused(error).as_dict())
        return 1
    zygote = _fork_zygote(birth, knobs)
    failure = asyncio.run(_supervise(birth, knobs, zygote))
    zygote.close()
    if failure is not None:
        birth.say("failed", **failure.as_dict(), has_details=failure.has_details)
    _end(birth)
    return 0 if failure is None else 1


def _make_files(birth: Birth) -> None:
    birth.rundir.files.mkdir(mode=0o700, exist_ok=True)
    birth.rundir.filters.mkdir(mode=0o700, exist_ok=True)
    if birth.style is Style.NETNS:
        namespaces.mount_files(birth.rundir.files, size_bytes=FILES_BYTES_MAX)
        namespaces.share_mounts(birth.rundir.files)
        host_names.ask_dns_only(birth.rundir.files)


def _fork_zygote(birth: Birth, knobs: Knobs) -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    supervisor = os.getpid()
    pid = os.fork()
    if pid:
        theirs.close()
        return ours
    try:
        die_with_parent(signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(1)
        ours.close()
        for fd in (birth.rundir.lock_fd, birth.status_fd, birth.alive_fd, birth.go_fd):
            os.close(fd)
        if birth.aws is not None:
            birth.aws.close()
        # Here and no earlier: the supervisor does not need what the zygote loads.
        from demo_platform.zygote import Nursery, run_zygote  # noqa: PLC0415

        nursery = Nursery(birth.settings.instances, birth.rundir.files, birth.style is Style.NETNS)
        run_zygote(theirs, nursery, knobs)
    finally:
        # run_zygote() never returns; whatever went wrong, the supervisor's stack is not ours.
        traceback.print_exc()
        theirs.send(json.dumps({"failed": f"the zygote failed: {sys.exc_info()[1]!r}"}).encode())
        os._exit(1)


async def _supervise(birth: Birth, knobs: Knobs, zygote: socket.socket) -> DemoError | None:
    """Run the platform until it is to end; returns why, when nobody asked for it."""
    # Here and no earlier: this module is also the zygote's, which must stay small and unthreaded.
    from demo_platform.control import serve_control  # noqa: PLC0415
    from demo_platform.ec2.server import serve_aws  # noqa: PLC0415
    from demo_platform.supervisor import Supervisor  # noqa: PLC0415

    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s"
    )
    fabric = _fabric_of(birth)
    try:
        await fabric.open()
    except DemoError as error:
        birth.say("refused", **error.as_dict())
        return error
    supervisor = Supervisor(
        birth.settings,
        fabric,
        fabric_reason=birth.fabric_reason,
        addresses=Addresses(birth.style, birth.settings.port, has_names=host_names.can_be_told()),
        knobs=knobs,
        zygote=zygote,
        keeper=birth.keeper,
        aws=birth.aws,
        on_ready=lambda registered, seconds: birth.say(
            "ready", registered=registered, seconds=seconds
        ),
    )
    _listen_for_the_end(birth, supervisor)
    runner = await serve_control(supervisor, birth.rundir.control_socket)
    aws = await serve_aws(supervisor.cloud, birth.aws, inside=fabric.probe_address)
    birth.say("up", pid=host_pid())
    await supervisor.run()
    # The pipe can end well before the signal of the keeper's death comes, and the loop's end
    # brings back the signal's default: from here on nothing may stop us from sweeping up.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    await runner.cleanup()
    await aws.cleanup()
    await fabric.close()
    return supervisor.failure


def _listen_for_the_end(birth: Birth, supervisor: "Supervisor") -> None:
    loop = asyncio.get_running_loop()
    for number in ENDING_SIGNALS:
        loop.add_signal_handler(number, supervisor.stop)
    # As process 1 this also inherits any orphan; those and the zygote are reaped alike.
    loop.add_signal_handler(signal.SIGCHLD, _reap)

    def keeper_is_gone() -> None:
        loop.remove_reader(birth.alive_fd)
        supervisor.stop()

    loop.add_reader(birth.alive_fd, keeper_is_gone)


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _fabric_of(birth: Birth) -> "Fabric":
    from demo_platform.fabric import LoopbackFabric, NetnsFabric  # noqa: PLC0415
    from demo_platform.proxy_fabric import ProxyFabric  # noqa: PLC0415

    if birth.style is Style.PROXY:
        return ProxyFabric(birth.settings.toxiproxy)
    return NetnsFabric() if birth.style is Style.NETNS else LoopbackFabric()


def _end(birth: Birth) -> None:
    """Leave; and when the keeper is dead, leave nothing."""
    if _has_ended(birth.alive_fd):
        if birth.style is Style.NETNS:
            with suppress(OSError):
                namespaces.unmount(birth.rundir.files)
        rundir.remove(birth.rundir.path)


def _has_ended(alive_fd: int) -> bool:
    """Whether the pipe that only the keeper holds open has ended."""
    os.set_blocking(alive_fd, False)
    try:
        return os.read(alive_fd, 1) == b""
    except BlockingIOError:
        return False
