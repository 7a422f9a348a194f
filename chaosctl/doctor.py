"""What works on this machine: each finding with its fix."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from chaosctl.context import Context

NAMESPACE_FIX = (
    "allow unprivileged user namespaces (`sysctl kernel.unprivileged_userns_clone=1`, "
    "`sysctl kernel.apparmor_restrict_unprivileged_userns=0`), or run as root; until then the "
    "demo uses the loopback fabric: process faults work, network faults are refused; with `demo up "
    "--fabric proxy` latency, rate and zone-outage work on bytes and from everybody, loss and "
    "partitions are refused, and a dead instance resets instead of refusing; on both, names are "
    "not resolved and dns-failure is refused"
)
EXTRAS = {"docker": "docker", "kubernetes": "kubernetes", "aws": "boto3"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `needed`: the main job does not work in full without it."""

    name: str
    works: bool
    what: str
    fix: str = ""
    needed: bool = True


def examine(context: Context) -> list[Finding]:
    """Every finding, in the order a reader needs them."""
    return [
        python_version(),
        *kernel(),
        *(folder(name, path) for name, path in folders(context).items()),
        socket_path(context.runtime_dir),
        memory(),
        *extras(),
    ]


def python_version() -> Finding:
    """The interpreter, which pip has checked already; said for bug reports."""
    return Finding("python", sys.version_info >= (3, 11), sys.version.split()[0])


def kernel() -> Iterator[Finding]:
    """Namespaces and what the network faults need, tried for real in a process of its own."""
    if not sys.platform.startswith("linux"):
        yield Finding("namespaces", False, f"{sys.platform} has none", NAMESPACE_FIX)
        return
    try:
        done = subprocess.run(
            [sys.executable, "-m", "chaosctl.drivers.network.abilities"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        found: dict[str, str] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as problem:
        yield Finding("namespaces", False, f"cannot be tried: {problem}", NAMESPACE_FIX)
        return
    uses = {
        "namespaces": "fabric netns: each instance has a network of its own",
        "links": "bridge and virtual links",
        "packet filter": "zone-outage, network-partition, dns-failure (nftables)",
        "raw frames": "network-latency, -loss, -rate and the like (splice)",
    }
    for name, use in uses.items():
        why_not = found.get(name, "not tried: no namespaces")
        yield Finding(name, not why_not, why_not or use, NAMESPACE_FIX if why_not else "")


def folders(context: Context) -> dict[str, Path]:
    """Where chaosctl writes."""
    return {
        "state": context.state_dir,
        "runtime": context.runtime_dir,
        "locks": context.lock_dir,
    }


def folder(name: str, path: Path) -> Finding:
    """Whether a folder, or its nearest parent that exists, can be written."""
    existing = path
    while not existing.exists():
        existing = existing.parent
    if os.access(existing, os.W_OK | os.X_OK):
        free_mb = shutil.disk_usage(existing).free // 2**20
        enough = free_mb >= 50
        fix = "" if enough else "free some disk: a run that cannot write its journal is refused"
        return Finding(f"{name} folder", enough, f"{path}, {free_mb} MB free", fix)
    fix = f"set CHAOSCTL_{name.rstrip('s').upper()}_DIR to a folder that you can write"
    return Finding(f"{name} folder", False, f"{path} cannot be written", fix)


def socket_path(runtime_dir: Path) -> Finding:
    """Unix sockets have paths of at most 107 bytes."""
    length = len(os.fsencode(runtime_dir / "demo" / "control.sock"))
    fix = "" if length < 100 else "set CHAOSCTL_RUNTIME_DIR to a shorter path"
    return Finding("socket path", length < 100, f"{length} bytes of 100", fix)


def memory() -> Finding:
    """The demo platform and its store need about a gigabyte."""
    available_mb = psutil.virtual_memory().available // 2**20
    fix = "" if available_mb >= 1000 else "use `--size small`: 48 instances instead of 96"
    return Finding("memory", available_mb >= 1000, f"{available_mb} MB available", fix)


def extras() -> Iterator[Finding]:
    """Drivers whose library is an extra of the package."""
    for extra, module in EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        what = "installed" if there else "not installed"
        fix = "" if there else f"pip install 'chaosctl[{extra}]'"
        yield Finding(f"{extra} library", there, what, fix, needed=False)
