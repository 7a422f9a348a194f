"""Whoever of a world dies, and however: within two seconds nothing of it is left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_platform.process import started_ticks
from tests.integration.demo.worlds import PLAIN, World, world

pytestmark = pytest.mark.integration
WITHIN_S = 2.0
COMPANION = """--companion=["sleep", "600"]"""
OPTIONS = ("--size", "small", COMPANION)
KINDS = ("user", "net", "mnt", "pid")


@pytest.fixture(params=["netns", "loopback"])
def small(request: pytest.FixtureRequest) -> Iterator[World]:
    port = "8080" if request.param == "netns" else "18080"
    with world(*OPTIONS, "--fabric", request.param, "--port", port, instances=PLAIN) as started:
        document = started.until_ready()
        assert document["fabric"] == request.param
        yield started


def pids_named(of: World, names: tuple[str, ...]) -> list[int]:
    document = of.platform()
    known = {role: int(document[role]["pid"]) for role in ("keeper", "supervisor")}
    children = Path(f"/proc/{known['supervisor']}/task/{known['supervisor']}/children")
    known["zygote"] = int(children.read_text().split()[0])
    return [known[name] for name in names]


def namespaces_of(of: World) -> frozenset[str]:
    """Namespaces of the world that are not also this process's own."""
    document = of.platform()
    pids = [int(i["pid"]) for i in (document["supervisor"], *document["instances"])]
    found = {str(Path(f"/proc/{pid}/ns/{kind}").readlink()) for pid in pids for kind in KINDS}
    return frozenset(found) - {str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in KINDS}


def namespaces_alive(since_ticks: int) -> dict[str, str]:
    """Namespaces of every process on the machine that is older than this, where they may be read.

    To each the last such process, by number, name and state.

    Younger ones cannot be of the world in question, but may have got its namespaces' numbers.
    """
    found = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or not 0 < started_ticks(int(process.name)) <= since_ticks:
            continue
        for kind in KINDS:
            try:
                space = str((process / "ns" / kind).readlink())
                found[space] = (process / "stat").read_text()[:40]
            except OSError:  # gone, a zombie, or another user's
                continue
    return found


def held(spaces: frozenset[str], since_ticks: int) -> dict[str, str]:
    """Those of the namespaces that still have a process of their time."""
    return {s: who for s, who in namespaces_alive(since_ticks).items() if s in spaces}


def now_ticks() -> int:
    """Now, as the kernel counts the start of processes."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def until_gone(
    of: World, spaces: frozenset[str] = frozenset(), *, leaves_folder: bool = False
) -> float:
    """Seconds until nothing is left; fails when something is after the time.

    spaces: its namespaces. One that ended holds some of them until its parent has looked.
    """
    ended_ticks = now_ticks()
    began_s = time.monotonic()
    while True:
        left, _ = of.left(0)
        if leaves_folder:
            left = [residue for residue in left if residue.kind != "file"]
        stay = held(spaces, ended_ticks) if spaces and not left else {}
        took_s = time.monotonic() - began_s
        if not left and not stay:
            return took_s
        assert took_s < WITHIN_S, [*map(str, left), stay]


@pytest.mark.parametrize(
    "victims", [("supervisor",), ("keeper",), ("zygote",), ("keeper", "supervisor")], ids="+".join
)
def test_nothing_is_left_after_a_kill(small: World, victims: tuple[str, ...]) -> None:
    spaces = namespaces_of(small)
    pids = pids_named(small, victims)
    both = len(victims) == 2
    for pid in pids if both else ():
        os.kill(pid, signal.SIGSTOP)  # so that neither can clean up after the other
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    took_s = until_gone(small, spaces, leaves_folder=both)
    assert both == small.folder.exists()
    print(f"{'+'.join(victims)}: nothing left after {took_s:.2f} s")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left_after_a_signal(small: World, number: signal.Signals) -> None:
    spaces = namespaces_of(small)
    small.keeper.send_signal(number)
    assert small.keeper.wait(timeout=10) == 0
    took_s = until_gone(small, spaces)
    print(f"{number.name}: nothing left after {took_s:.2f} s")


def test_nothing_is_left_after_down(small: World) -> None:
    assert small.ask("POST", "/v1/down") == (202, {"state": "stopping"})
    assert small.keeper.wait(timeout=10) == 0
    until_gone(small)


def test_killed_supervisor_is_reported(small: World) -> None:
    os.kill(small.supervisor_pid(), signal.SIGKILL)
    assert small.keeper.wait(timeout=10) == 1
    said = small.said()
    assert "the world ended by itself: its first process was killed by signal 9" in said
    assert "fix:" in said
    assert "Traceback" not in said


def test_next_up_takes_away_what_a_double_kill_left() -> None:
    with world(*OPTIONS, instances=PLAIN) as first:
        first.until_ready()
        pids = pids_named(first, ("keeper", "supervisor"))
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                os.kill(pid, number)
        first.keeper.wait(timeout=10)
        assert (first.folder / "keeper.json").exists()
        with world(*OPTIONS, instances=PLAIN, folder=first.folder) as second:
            second.until_ready()
        assert not first.folder.exists()


def test_dead_companion_does_not_end_the_world() -> None:
    with world("--size", "small", '--companion=["true"]', instances=PLAIN) as started:
        started.until_ready()
        assert "companion ['true'] ended with 0" in started.log().replace("(", "[").replace(
            ",)", "]"
        )


@pytest.mark.parametrize("fabric", ["netns", "loopback"])
@pytest.mark.parametrize("after_s", [0.1, 0.3, 0.5, 0.8, 1.2])
def test_no_process_is_left_when_the_keeper_is_killed_early(fabric: str, after_s: float) -> None:
    """At any moment of the start; a folder may be left, and is the next `up`'s to take away."""
    with world(*OPTIONS, "--fabric", fabric, "--port", "18083", instances=PLAIN) as started:
        time.sleep(after_s)
        started.keeper.kill()
        started.keeper.wait(timeout=10)
        until_gone(started, leaves_folder=True)
