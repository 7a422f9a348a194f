"""Reads processes, their namespaces, mounts and open namespace handles from /proc."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

KINDS = ("mnt", "net", "pid", "user")
NAMESPACE = re.compile(r"^(mnt|net|pid|user):\[(\d+)\]$")


@dataclass(frozen=True, slots=True)
class Process:
    """One process; (pid, start_ticks) names it for ever.

    namespaces: kind to `net:[123]`; limits: soft and hard, as the kernel prints them;
    lent_code: a sum over what the kernel maps into it to ask the time by, 0 if we may not look.
    """

    pid: int
    start_ticks: int
    parent: int
    user: int
    state: str
    name: str
    command: str
    namespaces: tuple[tuple[str, str], ...]
    limits: tuple[str, ...] = ()
    lent_code: int = 0

    def namespace(self, kind: str) -> str:
        """Its namespace of one kind, empty where we may not look."""
        return dict(self.namespaces).get(kind, "")


@dataclass(frozen=True, slots=True)
class Handle:
    """A namespace that something other than a member process keeps alive, and a way in."""

    namespace: str
    path: str
    holder: str
    pid: int = 0


def every_process() -> dict[int, Process]:
    """All processes that /proc shows, by pid."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            process = _read(int(entry.name))
            if process is not None:
                found[process.pid] = process
    return found


def descendants(processes: dict[int, Process], root: int) -> dict[int, Process]:
    """Those that descend from root; root must be a subreaper for that to be all of them."""
    children: dict[int, list[int]] = {}
    for process in processes.values():
        children.setdefault(process.parent, []).append(process.pid)
    found, todo = {}, list(children.get(root, ()))
    while todo:
        pid = todo.pop()
        found[pid] = processes[pid]
        todo += children.get(pid, ())
    return found


def handles(pid: int) -> list[Handle]:
    """Namespaces that a process holds by an open descriptor."""
    found = []
    try:
        entries = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return []
    for entry in entries:
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        if NAMESPACE.match(target):
            holder = f"descriptor {entry.name} of process {pid}"
            found.append(Handle(target, str(entry), holder, pid))
    return found


class Mount(NamedTuple):
    """device: major:minor; the same in each mount namespace that sees the file system."""

    point: str
    kind: str
    device: str


def mounts(pid: int | str) -> tuple[list[Mount], list[Handle]]:
    """Mounts that a process sees, and namespaces kept alive by a bind mount."""
    try:
        text = Path(f"/proc/{pid}/mountinfo").read_text(errors="replace")
    except OSError:
        return [], []
    seen, held = [], []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        root, point, kind = fields[3], fields[4], right.split()[0]
        seen.append(Mount(point, kind, fields[2]))
        if kind == "nsfs" and NAMESPACE.match(root):
            held.append(Handle(root, f"/proc/{pid}/root{point}", f"mount on {point}"))
    return seen, held


def _lent_code(folder: Path) -> int:
    try:
        lines = (folder / "maps").read_text().splitlines()
        for line in lines:
            if line.endswith("[vdso]"):
                begin, end = (int(word, 16) for word in line.split()[0].split("-"))
                with (folder / "mem").open("rb", buffering=0) as memory:
                    memory.seek(begin)
                    return zlib.crc32(memory.read(end - begin))
    except OSError:
        pass  # not ours, or gone
    return 0


def _read(pid: int) -> Process | None:
    folder = Path(f"/proc/{pid}")
    try:
        text = (folder / "stat").read_text(errors="replace")
        limits = (folder / "limits").read_text().splitlines()
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        user = folder.stat().st_uid
    except OSError:
        return None
    name = text[text.index("(") + 1 : text.rindex(")")]
    fields = text[text.rindex(")") + 2 :].split()
    namespaces = []
    for kind in KINDS:
        try:
            namespaces.append((kind, str((folder / "ns" / kind).readlink())))
        except OSError:
            break
    return Process(
        pid=pid,
        start_ticks=int(fields[19]),
        parent=int(fields[1]),
        user=user,
        state=fields[0],
        name=name,
        command=command.strip(),
        namespaces=tuple(namespaces),
        limits=tuple(" ".join(line.split()) for line in limits),
        lent_code=_lent_code(folder),
    )
