"""What a run left on this machine, seen without asking any of our own programs.

Processes are found by the tag CI_RUN in their environment, which children inherit; links and
mounted namespaces by comparison with a list made before; runtime folders by their name.

    python3 .ci/leftovers.py before FILE     note the links and mounts that are there now
    python3 .ci/leftovers.py check FILE      print what is left and exit 1 if anything is
    python3 .ci/leftovers.py end             kill every tagged process
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE_S = 2.0


def tagged() -> dict[int, str]:
    """Command lines of the processes that carry our tag, by process id; not this one."""
    mark = f"CI_RUN={os.environ['CI_RUN']}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = words.decode(errors="replace").strip() or "(zombie)"
        except OSError:  # it ended while we looked, or is the kernel's own
            continue
    return {pid: line for pid, line in found.items() if pid != os.getpid()}


def links_and_mounts() -> set[str]:
    """Network links of this machine, and namespaces that are kept alive by a mount."""
    links = {f"link {path.name}" for path in Path("/sys/class/net").iterdir()}
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return links | {f"mount {line.split()[4]}" for line in mounts if " - nsfs " in line}


def left(before: set[str]) -> Iterator[str]:
    """One line for each thing that is left."""
    yield from (f"process {pid}: {line}" for pid, line in tagged().items())
    yield from sorted(links_and_mounts() - before)
    folders = [p for p in Path("/tmp").glob("chaosctl-[0-9]*/demo") if any(p.iterdir())]
    yield from (f"runtime folder {folder}" for folder in folders)


def check(before: set[str]) -> int:
    """Print what is left once it has had its time to go."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := list(left(before))) and time.monotonic() < deadline:
        time.sleep(0.1)
    print("\n".join(f"left over: {line}" for line in found) or "nothing is left over")
    return 1 if found else 0


def end() -> int:
    """Kill what carries our tag, until nothing does."""
    for _ in range(20):
        for pid in (found := tagged()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if not found:
            return 0
        time.sleep(0.1)
    return 1


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "before":
        Path(rest[0]).write_text("\n".join(links_and_mounts()), encoding="utf-8")
    elif what == "check":
        sys.exit(check(set(Path(rest[0]).read_text(encoding="utf-8").splitlines())))
    elif what == "end":
        sys.exit(end())
