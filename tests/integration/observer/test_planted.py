"""The observer sees each kind of residue when it is planted, and nothing when nothing is."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.observer.difference import Residue, diff, settle
from tests.integration.observer.snapshot import Scope, Snapshot, become_subreaper, take

pytestmark = pytest.mark.integration
OBSERVER = "tests.integration.observer"
ROOT = Path(__file__).parents[3]
POINT = str(ROOT / "LICENSE")
"""Any file will do to mount a namespace on: it is seen so in the tiny world only."""


@dataclass(frozen=True, slots=True)
class World:
    """The tiny world, the picture of it untouched, and what is to be looked at."""

    process: subprocess.Popen[str]
    scope: Scope
    before: Snapshot
    folder: Path

    def member(self, place: str) -> int:
        """Process number of a member: `10.1.2` is an instance, `root` the world's own."""
        now = take(self.scope)
        for process in now.processes:
            space = now.spaces.get(process.namespace("net"))
            if space is None or process.parent == os.getpid():
                continue
            if (place == "root" and space.has_bridge) or space.place == place:
                return process.pid
        raise AssertionError(f"nobody in {place}: {now.spaces}")

    def plant(self, place: str, action: str, argument: str = "") -> None:
        """Plant from outside, by a fresh process."""
        program = [sys.executable, "-m", f"{OBSERVER}.plant", str(self.member(place)), action]
        subprocess.run([*program, argument], check=True, timeout=30, cwd=ROOT)

    def residue(self) -> list[Residue]:
        """What the observer says now."""
        return diff(self.before, take(self.scope))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    become_subreaper()
    folder = tmp_path_factory.mktemp("world")
    scope = Scope(root=os.getpid(), folders=(folder,), lock_folders=(folder,))
    process = subprocess.Popen(
        [sys.executable, "-m", f"{OBSERVER}.tiny_world"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield World(process, scope, take(scope), folder)
    finally:
        process.stdin.close()
        process.wait(timeout=10)
        process.stdout.close()


@pytest.fixture(autouse=True)
def _untouched(world: World) -> Iterator[None]:
    """Each test starts from, and returns to, a world as it was."""
    assert settle(world.before, world.scope, 2)[0] == []
    yield
    assert settle(world.before, world.scope, 5)[0] == []


def test_picture_shows_the_world_as_it_is(world: World) -> None:
    roots = [space for space in world.before.spaces.values() if space.has_bridge]
    assert [sum(link.master == "br0" for link in root.links) for root in roots] == [3]
    assert world.before.answers == {f"10.1.{n}.10:8080": True for n in (1, 2, 3)}
    assert world.before.took_s < 2


def test_replaced_instance_is_ordinary_life(world: World) -> None:
    assert world.process.stdin is not None
    assert world.process.stdout is not None
    first = world.member("10.1.3")
    world.process.stdin.write("replace 3\n")
    world.process.stdin.flush()
    assert world.process.stdout.readline() == "replaced\n"
    assert world.member("10.1.3") != first
    assert world.residue() == []


def test_sees_a_stopped_process(world: World) -> None:
    pid = world.member("10.1.1")
    os.kill(pid, signal.SIGSTOP)
    try:
        kinds = {residue.kind for residue in _seen(world)}
    finally:
        os.kill(pid, signal.SIGCONT)
    assert kinds == {"stopped process", "unreachable"}


def test_sees_a_killed_instance(world: World) -> None:
    assert world.process.stdin is not None
    assert world.process.stdout is not None
    os.kill(world.member("10.1.3"), signal.SIGKILL)
    try:
        assert {"process", "namespace", "link", "unreachable"} <= {r.kind for r in _seen(world)}
    finally:
        world.process.stdin.write("replace 3\n")
        world.process.stdin.flush()
        assert world.process.stdout.readline() == "replaced\n"


def test_sees_an_orphan_process(world: World) -> None:
    script = "import os,sys,time\nif os.fork(): os._exit(0)\nos.setsid()\nprint(os.getpid())\n"
    script += "sys.stdout.flush(); os.close(1); time.sleep(60)"
    program = [sys.executable, "-c", script]
    pid = int(subprocess.run(program, stdout=-1, text=True, check=True).stdout)
    try:
        assert [residue.kind for residue in _seen(world)] == ["process"]
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_sees_an_orphan_process_inside_the_world(world: World) -> None:
    pid = world.member("10.1.1")
    users = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
    enter = ["nsenter", "--target", str(pid), *users, "--net", "sleep", "60"]
    sleeper = subprocess.Popen(enter)
    try:
        assert "process" in {residue.kind for residue in _seen(world)}
    finally:
        sleeper.kill()
        sleeper.wait(timeout=5)


def test_sees_a_network_namespace_held_by_a_descriptor(world: World) -> None:
    program = _python("kernel.become_root_of_new_world(); print(flush=True); sys.stdin.read()")
    maker = subprocess.Popen(program, stdin=-1, stdout=-1, cwd=ROOT)
    with maker:
        assert maker.stdout is not None
        maker.stdout.readline()
        held = os.open(f"/proc/{maker.pid}/ns/net", os.O_RDONLY)
    try:
        assert {residue.kind for residue in _seen(world)} == {"namespace"}
    finally:
        os.close(held)


def test_sees_another_listener_inside_the_world(world: World) -> None:
    users = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
    enter = ["nsenter", "--target", str(world.member("10.1.1")), *users, "--net"]
    listen = "import socket,time; s=socket.socket(); s.bind(('',9)); s.listen(); time.sleep(60)"
    listener = subprocess.Popen([*enter, sys.executable, "-c", listen])
    try:
        deadline_s = time.monotonic() + 5
        kinds: set[str] = set()
        while "listener" not in kinds and time.monotonic() < deadline_s:
            kinds = {residue.kind for residue in world.residue()}
        assert {"listener", "process"} <= kinds
    finally:
        listener.kill()
        listener.wait(timeout=5)


PLANTED = {
    "nft": ("10.1.1", "nft", "", {"nft"}),
    "nft in the world's root": ("root", "nft", "", {"nft"}),
    "veth off the bridge": ("root", "off-bridge", "v1x10", {"link", "unreachable"}),
    "extra veth pair": ("root", "veth", "", {"link"}),
    "queue": ("10.1.1", "queue", "", {"queue"}),
    "mount": ("root", "mount", "/mnt", {"mount"}),
    "namespace held by a mount": ("root", "held-mount", POINT, {"namespace", "mount"}),
    "unreachable": ("10.1.1", "dead-route", "", {"route", "unreachable"}),
}


@pytest.mark.parametrize("name", PLANTED)
def test_sees_what_is_planted_in_a_world(world: World, name: str) -> None:
    place, action, argument, expected = PLANTED[name]
    with ExitStack() as stack:
        world.plant(place, action, argument)
        stack.callback(world.plant, place, f"no-{action}", argument)
        assert {residue.kind for residue in _seen(world)} == expected


def test_sees_a_full_disk(world: World) -> None:
    with ExitStack() as stack:
        world.plant("root", "mount", "/mnt")
        stack.callback(world.plant, "root", "no-mount", "/mnt")
        with pytest.raises(OSError, match="No space"):
            Path("/proc", str(world.member("root")), "root", "mnt", "all").write_bytes(
                bytes(1 << 17)
            )
        assert {residue.kind for residue in _seen(world)} == {"mount", "full disk"}


def test_sees_a_lowered_limit(world: World) -> None:
    pid = world.member("10.1.1")
    usual, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (usual - 1, hard))
    try:
        assert [residue.kind for residue in _seen(world)] == ["limit"]
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (usual, hard))


def test_sees_a_clock_that_is_set(world: World) -> None:
    pid = world.member("10.1.1")
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    (place,) = [line.split("-")[0] for line in lines if line.endswith("[vdso]")]
    end = int(place, 16) + 8000  # behind all functions: nobody comes by
    with Path(f"/proc/{pid}/mem").open("rb+", buffering=0) as memory:
        memory.seek(end)
        usual = memory.read(1)
        try:
            memory.seek(end)
            memory.write(bytes([usual[0] ^ 1]))
            assert [residue.kind for residue in _seen(world)] == ["clock"]
        finally:
            memory.seek(end)
            memory.write(usual)


def test_sees_a_file(world: World) -> None:
    left = world.folder / "left"
    left.touch()
    try:
        assert _seen(world) == [Residue("file", str(left))]
    finally:
        left.unlink()


def test_sees_a_held_lock_but_not_its_file_alone(world: World, tmp_path: Path) -> None:
    scope = Scope(root=os.getpid(), lock_folders=(tmp_path,))
    before = take(scope)
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert diff(before, take(scope)) == [Residue("lock", str(tmp_path / "lock"))]
    assert diff(before, take(scope)) == []


def _python(statements: str) -> list[str]:
    return [sys.executable, "-c", f"import sys; from {OBSERVER} import kernel; {statements}"]


def _seen(world: World) -> list[Residue]:
    """What the observer says once it says anything; at most two seconds later."""
    deadline_s = time.monotonic() + 2
    while not (residue := world.residue()) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    return residue
