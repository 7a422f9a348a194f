"""The demo platform: seconds to start, memory and processor time, seen from /proc."""

from __future__ import annotations

import argparse
import os
import pwd
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

from tests.bench.figure import Figure, missing
from tests.integration.bed import Bed, made_bed
from tests.integration.observer.processes import descendants, every_process

SETTLED_S = 60
CPU_S = 30
STORE = "-m atlas serve"


def measure(_options: argparse.Namespace) -> list[Figure]:
    """Start it as ourselves, leave it alone for a while, weigh it; then start it as a user."""
    with made_bed() as bed:
        began_s = time.monotonic()
        bed.up()
        figures = [Figure("demo up", time.monotonic() - began_s, "s", 15)]
        time.sleep(SETTLED_S)
        store, rest = _members(bed)
        figures += [
            Figure("memory of the platform (PSS)", _pss_mb(rest), "MB", 1000),
            Figure("memory of the store (PSS)", _pss_mb(store), "MB", 300),
            _cores(bed),
        ]
    return [*figures, _as_user()]


def _members(bed: Bed) -> tuple[list[int], list[int]]:
    """Store and all else that the bed started."""
    store = bed.processes(STORE)
    everything = descendants(every_process(), os.getpid())
    rest = [pid for pid, p in everything.items() if pid not in store and p.state not in "ZX"]
    return store, rest


def _pss_mb(pids: list[int]) -> float:
    total_kb = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total_kb += int(line.split()[1])
    return total_kb / 1000


def _cores(bed: Bed) -> Figure:
    """Processor time of everything over a while; 30 stream starts a second are the default."""
    before, began_s = _ticks(bed), time.monotonic()
    time.sleep(CPU_S)
    ticks = sum(now - before.get(pid, 0) for pid, now in _ticks(bed).items())
    cores = ticks / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began_s)
    return Figure("processor at 30 starts a second", cores, "cores", 1.0, note=f"over {CPU_S} s")


def _ticks(bed: Bed) -> dict[int, int]:
    store, rest = _members(bed)
    found = {}
    for pid in (*store, *rest):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        found[pid] = int(fields[11]) + int(fields[12])
    return found


def _as_user() -> Figure:
    """Start it as an ordinary user: ourselves, or if we are root, nobody."""
    name = "demo up, as an ordinary user"
    if os.geteuid() != 0:
        user, python = -1, sys.executable
    else:
        user = pwd.getpwnam("nobody").pw_uid
        found = _readable_python(user)
        if not found:
            return missing(name, "s", 15, "no interpreter that an ordinary user can read")
        python = found
    with made_bed(python, user) as bed:
        began_s = time.monotonic()
        bed.up()
        return Figure(name, time.monotonic() - began_s, "s", 15, note=python)


def _readable_python(user: int) -> str:
    """An interpreter of our own version that this user may run, with our packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = [sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"]
    for python in places:
        try:
            asked = subprocess.run(
                [python, "-c", "import aiohttp, pyroute2, uvloop"],
                env={"PYTHONPATH": sysconfig.get_paths()["purelib"]},
                user=user,
                group=user,
                extra_groups=[],
                capture_output=True,
                cwd="/",
                check=False,
            )
        except OSError:
            continue
        if asked.returncode == 0:
            return python
    return ""
