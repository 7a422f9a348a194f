"""Says what one picture has that another had not, leaving ordinary platform life aside.

Ordinary life is that scaling groups replace instances: processes, network namespaces and links may
then be others, as long as there are as many of each kind in each place, and each answers.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from tests.integration.observer.processes import Process
from tests.integration.observer.snapshot import Scope, Snapshot, Space, take

STEADY_S = 0.8


@dataclass(frozen=True, slots=True)
class Residue:
    """One thing that is there and should not be, or is missing and should be there."""

    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


def settle(before: Snapshot, scope: Scope, within_s: float) -> tuple[list[Residue], float]:
    """Look again until nothing is left or the time is over; what is left, and seconds it took."""
    started_s = time.monotonic()
    while True:
        asked_s = time.monotonic() - started_s
        left = diff(before, take(scope))
        if not left or asked_s >= within_s:
            return left, asked_s
        time.sleep(0.05)


def steady(scope: Scope, within_s: float = 20) -> Snapshot:
    """A picture of a time in which nothing is being replaced: all answer, and nothing changes."""
    deadline_s = time.monotonic() + within_s
    first, since_s = take(scope), time.monotonic()
    while time.monotonic() < deadline_s:
        time.sleep(0.1)
        now = take(scope)
        if diff(first, now) or not all(now.answers.values()):
            first, since_s = now, time.monotonic()
        elif time.monotonic() - since_s >= STEADY_S:
            return now
    raise AssertionError(f"nothing steady to compare with within {within_s} s")


def diff(before: Snapshot, after: Snapshot) -> list[Residue]:
    """Everything that changed and is not ordinary life; empty when all is as it was."""
    return [
        *_processes(before, after),
        *_namespaces(before, after),
        *_links(before, after),
        *_insides(before, after),
        *_mounts(before, after),
        *(Residue("full disk", point) for point in sorted(after.full_disks - before.full_disks)),
        *_sets("file", before.files, after.files),
        *(Residue("lock", name) for name in sorted(after.held_locks - before.held_locks)),
        *_answers(before, after),
    ]


def _processes(before: Snapshot, after: Snapshot) -> Iterator[Residue]:
    outside = {p.pid for p in (*before.processes, *after.processes) if _is_outside(p)}
    known = {(p.pid, p.start_ticks) for p in before.processes}
    now = {(p.pid, p.start_ticks) for p in after.processes}
    for process in after.processes:
        if process.state == "T" and not _was_stopped(process, before):
            yield Residue("stopped process", _described(process))
        if process.pid in outside and (process.pid, process.start_ticks) not in known:
            yield Residue("process", _described(process))
    for process in before.processes:
        if process.pid in outside and (process.pid, process.start_ticks) not in now:
            yield Residue("missing process", _described(process))
    yield from _limits(before, after)
    yield from _counts("process", _population(before), _population(after))


def _limits(before: Snapshot, after: Snapshot) -> Iterator[Residue]:
    known = {(p.pid, p.start_ticks): p for p in before.processes}
    for process in after.processes:
        was = known.get((process.pid, process.start_ticks), process)
        for old, new in zip(was.limits, process.limits, strict=False):
            if old != new:
                yield Residue("limit", f"{_described(process)}: {new}, was {old}")
        if was.lent_code and process.lent_code not in (0, was.lent_code):
            yield Residue("clock", f"{_described(process)}: its code to ask the time was changed")


def _was_stopped(process: Process, before: Snapshot) -> bool:
    return any(
        (p.pid, p.start_ticks, p.state) == (process.pid, process.start_ticks, "T")
        for p in before.processes
    )


def _is_outside(process: Process) -> bool:
    """Whether it lives among the machine's own processes, not inside a world."""
    return process.namespace("pid") in ("", _own("pid"))


def _own(kind: str) -> str:
    return str(Path(f"/proc/self/ns/{kind}").readlink())


def _population(snapshot: Snapshot) -> Counter[str]:
    """How many processes of each name live in each place of a world."""
    counted: Counter[str] = Counter()
    for process in snapshot.processes:
        if not _is_outside(process):
            space = snapshot.spaces.get(process.namespace("net"))
            counted[f"{process.name} in {space.place if space else 'an unseen place'}"] += 1
    return counted


def _namespaces(before: Snapshot, after: Snapshot) -> Iterator[Residue]:
    homes, new_homes = _homes(before), _homes(after)
    old = {name for name in before.namespaces - homes.keys() if not name.startswith("net:")}
    new = {name for name in after.namespaces - new_homes.keys() if not name.startswith("net:")}
    yield from _sets("namespace", old, new)
    yield from _counts("namespace", Counter(homes.values()), Counter(new_homes.values()))
    for space in after.spaces.values():
        known = before.spaces.get(space.id)
        is_held = space.member_count == 0 and not space.is_lingering
        if is_held and (known is None or known.member_count):
            yield Residue("namespace", f"{space.id} held by {', '.join(space.holders)}")
    yield from _counts("namespace", _places(before), _places(after))


def _homes(snapshot: Snapshot) -> dict[str, str]:
    """Mount namespaces of instances, and where these are: they come and go with them."""
    found: dict[str, set[str]] = {}
    for process in snapshot.processes:
        if not _is_outside(process):
            space = snapshot.spaces.get(process.namespace("net"))
            place = "" if space is None or space.has_bridge else space.place
            found.setdefault(process.namespace("mnt"), set()).add(place)
    return {
        name: f"mount namespace in {place}"
        for name, places in found.items()
        for place in places
        if places == {place} and place
    }


def _places(snapshot: Snapshot) -> Counter[str]:
    return Counter(
        f"network namespace in {space.place}"
        for space in snapshot.spaces.values()
        if space.member_count
    )


def _links(before: Snapshot, after: Snapshot) -> Iterator[Residue]:
    """In roots, where links come and go with instances, the count by kind and bridge is held."""
    for space in after.spaces.values():
        known = before.spaces.get(space.id)
        if known is not None and space.has_bridge:
            usual = _link_kinds(known)
            usual[f"veth on {_bridge(space)}"] += _lingering(after) - _lingering(before)
            yield from _counts("link", usual, _link_kinds(space))


def _lingering(snapshot: Snapshot) -> int:
    """Places kept for a while after their instance was replaced, unless its link went before."""
    return sum(
        space.is_lingering and any(link.kind == "veth" for link in space.links)
        for space in snapshot.spaces.values()
    )


def _bridge(space: Space) -> str:
    return next(link.name for link in space.links if link.kind == "bridge")


def _link_kinds(space: Space) -> Counter[str]:
    return Counter(
        f"{link.kind or link.name} {'on ' + link.master if link.master else 'on no bridge'}"
        + ("" if link.is_up else ", down")
        for link in space.links
    )


def _insides(before: Snapshot, after: Snapshot) -> Iterator[Residue]:
    """Contents of each network namespace, against itself or, when it is new, its neighbours."""
    for space in after.spaces.values():
        known = before.spaces.get(space.id)
        # The kernel gives a namespace's number again at once: with another address it is another.
        if known is None or known.is_lingering or known.addresses != space.addresses:
            neighbours = [s for s in before.spaces.values() if s.place == space.place]
            yield from _newcomer(space, neighbours)
            continue
        if space.error:
            yield Residue("namespace", f"{space.id} can't be entered: {space.error}")
        where = f"in {_named(space)}: "
        yield from _sets("nft", set(known.rules), set(space.rules), where)
        yield from _sets("route", set(known.dead_routes), set(space.dead_routes), where)
        if not space.has_bridge and not space.is_lingering:
            yield from _sets("queue", set(known.queues), set(space.queues), where)
            yield from _counts("link", _inner(known), _inner(space), where)
            if known.listening != space.listening and space.id != _own("net"):
                yield Residue("listener", f"{where}{space.listening}, were {known.listening}")


def _newcomer(space: Space, neighbours: list[Space]) -> Iterator[Residue]:
    usual_rules = {rule for other in neighbours for rule in other.rules}
    where = f"in {_named(space)}: "
    yield from _sets("nft", usual_rules & set(space.rules), set(space.rules), where)
    yield from _sets("route", set(), set(space.dead_routes), where)
    if neighbours and _inner(space) not in [_inner(other) for other in neighbours]:
        yield Residue("link", f"{where}{dict(_inner(space))}")


def _inner(space: Space) -> Counter[str]:
    return Counter(
        f"{link.kind or link.name}{'' if link.is_up else ' down'}" for link in space.links
    )


def _mounts(before: Snapshot, after: Snapshot) -> Iterator[Residue]:
    """Instances' disks, which are mounted in a mount, come and go with them: the count is held.

    So it is of what is mounted in an instance's own mount namespace, which goes with it.
    """
    old, new = _disks(before), _disks(after)
    yield from _counts("mount", _plain(before, old), _plain(after, new))
    yield from _counts("mount", _folders(old), _folders(new))


def _plain(snapshot: Snapshot, disks: frozenset[tuple[str, str, str]]) -> Counter[str]:
    homes = _homes(snapshot)
    return Counter(
        f"{homes.get(namespace, namespace)} {point} {kind}"
        for namespace, point, kind in snapshot.mounts - disks
    )


def _disks(snapshot: Snapshot) -> frozenset[tuple[str, str, str]]:
    points = {(namespace, point) for namespace, point, kind in snapshot.mounts if kind == "tmpfs"}
    return frozenset(
        (namespace, point, kind)
        for namespace, point, kind in snapshot.mounts
        if kind == "tmpfs"
        and point.rpartition("/")[0].endswith("/files")
        and (namespace, point.rpartition("/")[0]) in points
    )


def _folders(disks: frozenset[tuple[str, str, str]]) -> Counter[str]:
    return Counter(f"disk in {point.rpartition('/')[0]}" for _, point, _ in disks)


def _answers(before: Snapshot, after: Snapshot) -> Iterator[Residue]:
    for place, answered in sorted(after.answers.items()):
        if not answered and before.answers.get(place, True):
            yield Residue("unreachable", place)
    missing = len(before.answers) - len(after.answers)
    if missing > 0:
        yield Residue("unreachable", f"{missing} instances listen no more")


def _sets(kind: str, before: Set[str], after: Set[str], where: str = "") -> Iterator[Residue]:
    for name in sorted(after - before):
        yield Residue(kind, where + name)
    for name in sorted(before - after):
        yield Residue(f"missing {kind}", where + name)


def _counts(
    kind: str, before: Counter[str], after: Counter[str], where: str = ""
) -> Iterator[Residue]:
    for name in sorted(before | after):
        if before[name] != after[name]:
            yield Residue(kind, f"{where}{after[name]} × {name}, were {before[name]}")


def _named(space: Space) -> str:
    return space.addresses[0] if space.addresses else space.id


def _described(process: Process) -> str:
    return f"{process.pid} {process.command or process.name} ({process.state})"
