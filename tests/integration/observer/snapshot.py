"""Takes a picture of everything a run could leave behind, asking only the kernel.

The observer knows nothing of journals, run folders or control interfaces. It sees processes,
namespaces (also those that only a descriptor or a mount keeps alive), what is in each network
namespace, mounts, files, held locks, and which ports answer from the bridge's side.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.observer.processes import (
    KINDS,
    Handle,
    Process,
    descendants,
    every_process,
    handles,
    mounts,
)

SET_CHILD_SUBREAPER = 36
ROOT = Path(__file__).parents[3]
INSIDE = "tests.integration.observer.inside"
TURNED_LOG = "logs/*.old.jsonl"
"""A zone's log that was full: the platform turns it over when it likes."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What belongs in the picture.

    root: only descendants of this process (make it a subreaper first); 0: every process of this
        user, or of the whole machine as root.
    folders: files under these; `lock_folders`: there only locks that are held count.
    prefixes: paths that start with one of these, for shared folders such as /tmp.
    """

    root: int = 0
    folders: tuple[Path, ...] = ()
    lock_folders: tuple[Path, ...] = ()
    prefixes: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A network link; `master` is the name of the bridge it belongs to."""

    name: str
    kind: str
    master: str
    is_up: bool


@dataclass(frozen=True, slots=True)
class Space:
    """What is in one network namespace, and who keeps it alive.

    is_lingering: nobody lives in it, and only the world that it is part of keeps it: scaling groups
        do so for some seconds with the place of an instance that they have replaced.
    """

    id: str
    holders: tuple[str, ...] = ()
    member_count: int = 0
    links: tuple[Link, ...] = ()
    addresses: tuple[str, ...] = ()
    listening: tuple[int, ...] = ()
    rules: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    dead_routes: tuple[str, ...] = ()
    is_lingering: bool = False
    error: str = ""

    @property
    def has_bridge(self) -> bool:
        """Whether this is a world's root."""
        return any(link.kind == "bridge" for link in self.links)

    @property
    def place(self) -> str:
        """The zone it is in, as the first three bytes of its address; `bare` without one."""
        return self.addresses[0].rpartition(".")[0] if self.addresses else "bare"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One picture. answers: `address:port` to whether HTTP was answered."""

    took_s: float
    processes: tuple[Process, ...]
    namespaces: frozenset[str]
    spaces: Mapping[str, Space]
    mounts: frozenset[tuple[str, str, str]]
    files: frozenset[str]
    held_locks: frozenset[str]
    answers: Mapping[str, bool] = field(default_factory=dict)
    full_disks: frozenset[str] = frozenset()


def become_subreaper() -> None:
    """Have every orphaned descendant come back to this process, so that none leaves the scope."""
    if ctypes.CDLL(None, use_errno=True).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


def take(scope: Scope, probe_timeout_s: float = 0.7) -> Snapshot:
    """The picture of now; takes a few hundred ms for a world of seventy instances."""
    started_s = time.monotonic()
    processes = _in_scope(scope)
    held = [handle for pid in (*processes, os.getpid()) for handle in handles(pid)]
    mounted, bound = _mounts(processes.values())
    own = frozenset(_own(kind) for kind in KINDS)
    ways = _ways_in(processes, [*held, *bound], own)
    seen = _look_inside(ways, probe_timeout_s)
    return Snapshot(
        took_s=time.monotonic() - started_s,
        processes=tuple(p for p in processes.values() if p.state not in "ZX"),
        namespaces=frozenset(
            {name for p in processes.values() for _, name in p.namespaces}
            | {handle.namespace for handle in (*held, *bound)}
        )
        - own,
        spaces={space.id: space for space in _spaces(seen["spaces"], ways)},
        mounts=frozenset(mounted),
        files=frozenset(_files(scope)),
        held_locks=frozenset(_held_locks(scope)),
        answers=seen["answers"],
        full_disks=frozenset(_full_disks(processes.values())),
    )


def _in_scope(scope: Scope) -> dict[int, Process]:
    everything = every_process()
    if scope.root:
        return descendants(everything, scope.root)
    me = os.geteuid()
    ancestors = _ancestors(everything)
    return {
        pid: process
        for pid, process in everything.items()
        if process.command and me in (0, process.user) and pid not in ancestors
    }


def _ancestors(processes: Mapping[int, Process]) -> set[int]:
    found, pid = set(), os.getpid()
    while pid in processes:
        found.add(pid)
        pid = processes[pid].parent
    return found


def _own(kind: str) -> str:
    return str(Path(f"/proc/self/ns/{kind}").readlink())


def _mounts(processes: Iterable[Process]) -> tuple[set[tuple[str, str, str]], list[Handle]]:
    """Mounts by mount namespace, ours among them, and the namespaces that they hold."""
    found: set[tuple[str, str, str]] = set()
    held: list[Handle] = []
    members: dict[str, int | str] = {_own("mnt"): "self"}
    for process in processes:
        members.setdefault(process.namespace("mnt"), process.pid)
    for namespace, pid in members.items():
        seen, bound = mounts(pid)
        found |= {(namespace, mount.point, mount.kind) for mount in seen}
        held += bound
    return found, held


def _full_disks(processes: Iterable[Process]) -> Iterable[str]:
    """File systems in memory, in other mount namespaces than ours, that have no room left."""
    members = {process.namespace("mnt"): process.pid for process in processes}
    devices: set[str] = set()
    for namespace, pid in members.items():
        if not namespace or namespace == _own("mnt"):
            continue
        for point, kind, device in mounts(pid)[0]:
            if kind != "tmpfs" or device in devices:
                continue
            devices.add(device)
            try:
                status = os.statvfs(f"/proc/{pid}/root{point}")
            except OSError:  # it went with its instance
                continue
            if status.f_blocks and not status.f_bavail:
                yield point


def _ways_in(
    processes: Mapping[int, Process], held: Iterable[Handle], own: frozenset[str]
) -> dict[str, dict[str, Any]]:
    """Each network namespace with a path to open it by, its members and its other holders."""
    ways: dict[str, dict[str, Any]] = {}
    for process in processes.values():
        name = process.namespace("net")
        if name and name not in own and process.state not in "ZX":
            path = f"/proc/{process.pid}/ns/net"
            ways.setdefault(name, _way(name, path))["members"] += 1
    for handle in held:
        if handle.namespace.startswith("net:") and handle.namespace not in own:
            way = ways.setdefault(handle.namespace, _way(handle.namespace, handle.path))
            way["holders"].append(handle.holder)
            holder = processes.get(handle.pid)
            way["kept_outside"] |= holder is None or holder.namespace("pid") in own
    return ways


def _way(name: str, path: str) -> dict[str, Any]:
    return {"id": name, "path": path, "members": 0, "holders": [], "kept_outside": False}


def _look_inside(ways: Mapping[str, dict[str, Any]], timeout_s: float) -> dict[str, Any]:
    request = {
        "spaces": [
            {"id": _own("net"), "path": "/proc/self/ns/net"},
            *({"id": way["id"], "path": way["path"]} for way in ways.values()),
        ],
        "probe_timeout_s": timeout_s,
    }
    answer = subprocess.run(
        [sys.executable, "-E", "-S", "-m", INSIDE],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=30,
        check=True,
    )
    result: dict[str, Any] = json.loads(answer.stdout)
    return result


def _spaces(seen: Iterable[dict[str, Any]], ways: Mapping[str, dict[str, Any]]) -> list[Space]:
    found = []
    for space in seen:
        way = ways.get(space["id"], {"members": 1, "holders": (), "kept_outside": True})
        holders, members = tuple(way["holders"]), int(way["members"])
        if space["error"]:
            found.append(Space(space["id"], holders, members, error=space["error"]))
            continue
        names = {link["index"]: link["name"] for link in space["links"]}
        found.append(
            Space(
                space["id"],
                holders,
                members,
                links=tuple(
                    Link(link["name"], link["kind"], names.get(link["master"], ""), link["up"])
                    for link in space["links"]
                ),
                addresses=tuple(space["addresses"]),
                listening=tuple(space["listening"]),
                rules=tuple(space["rules"]),
                queues=tuple(space["queues"]),
                dead_routes=tuple(space["dead_routes"]),
                is_lingering=not members and not way["kept_outside"],
            )
        )
    return found


def _files(scope: Scope) -> set[str]:
    found: set[str] = set()
    for folder in scope.folders:
        found |= {str(path) for path in folder.rglob("*") if not path.match(TURNED_LOG)}
    for prefix in scope.prefixes:
        for path in prefix.parent.glob(prefix.name + "*"):
            found |= {str(path), *(str(inner) for inner in path.rglob("*"))}
    return found


def _held_locks(scope: Scope) -> set[str]:
    """Files under the lock folders that somebody holds a lock on, as the kernel lists it."""
    held = set()
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if "->" not in fields:  # those who wait are told with an arrow
            held.add(int(fields[5].rpartition(":")[2]))
    return {
        str(path)
        for folder in scope.lock_folders
        for path in folder.rglob("*")
        if path.is_file() and path.stat().st_ino in held
    }
