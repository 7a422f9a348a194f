"""Undo records made real by the platform's own deployments, and how each build serves."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chaosctl.control import Control, NotUp
from chaosctl.drivers.network import pages
from chaosctl.drivers.network.helper import NetworkHelper
from chaosctl.procfs import is_alive
from monkeys.errors import TargetFailed
from monkeys.target import Instance, Serving, UndoRecord

DISCOVERY = "eureka"
BUILD_LABEL = "build"
BACK_WITHIN_S = 14.0
"""Less than the time that the record says its undo needs."""

_LOOK_EVERY_S = 0.1
_LOOK_TIMEOUT_S, _PAGE_TIMEOUT_S = 10.0, 1.0
_SAMPLE = re.compile(r"^([a-z_]+)(?:\{([^}]*)\})? ([0-9.e+-]+)", re.MULTILINE)
_STATUS = re.compile(r'ipc_status="([a-z_]+)"')
_CALLS = "ipc_server_call_seconds"
_OWN_MEMORY = re.compile(r"^RssAnon:\s+(\d+) kB", re.MULTILINE)


def deploy(control: Control, record: UndoRecord, now_ms: int) -> None:
    """Have the build brought out; the platform takes it back itself at the deadline."""
    left_ms = record.deadline_ms - now_ms
    if left_ms <= 0:
        raise TargetFailed(
            "its deadline has passed before it was injected",
            where=record.fault,
            fix="run it again; `chaosctl status` shows all",
        )
    detail = record.detail
    order = {
        "group": detail["group"],
        "build": detail["build"],
        "instances": detail["instances"],
        "replaces": [each.id for each in record.instances] if detail["disables"] else [],
        "for_s": left_ms / 1000,
    }
    control.deploy(record.id, order)


def take_back(
    control: Control, record: UndoRecord, *, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Have all as it was, and wait until it is. Raises TargetFailed."""
    control.end_deployment(record.id)
    until_s = time.monotonic() + BACK_WITHIN_S
    while record.id in _deployments(control):
        if time.monotonic() > until_s:
            raise TargetFailed(
                f"the deployment beside {record.detail['group']} has not ended after "
                f"{BACK_WITHIN_S:g} s",
                where=record.fault,
                fix="`chaosctl recover` waits for it again; `chaosctl demo scale` shows the groups",
            )
        sleep(_LOOK_EVERY_S)


def serving(
    helper: NetworkHelper,
    instances: Sequence[Instance],
    everybody: Sequence[Instance],
    build: str,
) -> Mapping[str, tuple[Serving, Serving]]:
    """How those of each one's group serve that are asked about, and those of a build beside it."""
    found: dict[str, tuple[Serving, Serving]] = {}
    for group in sorted({each.group for each in instances}):
        own = [each for each in instances if each.group == group]
        service, region = own[0].service, own[0].region
        beside = [
            each
            for each in everybody
            if (each.service, each.region) == (service, region)
            and each.labels.get(BUILD_LABEL) == build
        ]
        servers = [each for each in everybody if (each.service, each.region) == (DISCOVERY, region)]
        listed = _listed(helper, servers, service)
        two = _serving(helper, own, listed), _serving(helper, beside, listed)
        found |= {each.id: two for each in own}
    return found


def _deployments(control: Control) -> Mapping[str, Any]:
    try:
        return control.deployments()
    except NotUp:
        return {}  # with the platform everything of it is gone


def _serving(
    helper: NetworkHelper, instances: Sequence[Instance], listed: frozenset[str]
) -> Serving:
    memories = {each.id: _own_memory_mib(each) for each in instances}
    living = [each for each in instances if memories[each.id] is not None]
    told = pages_of(helper, living, "/metrics", {})
    counts = {each.id: _counts(page or "") for each, page in zip(living, told, strict=True)}
    up = [each.id for each in living if each.id in listed]
    answered, taken = (_sum(counts.values(), name) for name in ("answered", "taken"))
    return Serving(
        living=len(living),
        listed=len(up),
        asked=sum(counts[id_]["taken"] > 0 for id_ in up),
        answer_ms=1000 * _sum(counts.values(), "seconds") / taken if taken else None,
        wrong_ratio=_sum(counts.values(), "wrong") / answered if answered else None,
        memory_mib=_mean([one for one in memories.values() if one is not None]),
    )


def _listed(helper: NetworkHelper, servers: Sequence[Instance], service: str) -> frozenset[str]:
    """Whom a discovery server of the region lists as up: the first of them that answers."""
    path, headers = f"/eureka/v2/apps/{service.upper()}", {"Accept": "application/json"}
    for server in servers:
        (page,) = pages_of(helper, [server], path, headers)
        if page is not None:
            listed = json.loads(page)["application"]["instance"]
            return frozenset(one["instanceId"] for one in listed if one["status"] == "UP")
    return frozenset()


def pages_of(
    helper: NetworkHelper, instances: Sequence[Instance], path: str, headers: Mapping[str, str]
) -> list[str | None]:
    """A page of each, read from their own network; None where there is none."""
    if not instances:
        return []
    addresses = [(each.address, int(each.handle["port"])) for each in instances]
    handle = instances[0].handle
    if not handle["link"]:
        return pages.read(addresses, path, headers, _PAGE_TIMEOUT_S)
    world = {"pid": handle["world_pid"], "ticks": handle["world_started_ticks"]}
    found: list[str | None] = helper.ask(
        "pages",
        timeout_s=_LOOK_TIMEOUT_S + _PAGE_TIMEOUT_S * len(instances),
        world=world,
        addresses=addresses,
        path=path,
        headers=dict(headers),
    )["pages"]
    return found


def _counts(page: str) -> dict[str, float]:
    """What an instance has counted since it was started, from its page for Prometheus.

    taken: requests that it has let in, and seconds: what those took until they were answered or
    their callers gave up; answered: of those, all but the given up; wrong: those that it failed.
    """
    counts = dict.fromkeys(("taken", "seconds", "answered", "wrong"), 0.0)
    for name, labels, value in _SAMPLE.findall(page):
        found = _STATUS.search(labels)
        status, number = found[1] if found else "", float(value)
        if not name.startswith(_CALLS) or status == "throttled":
            continue
        if name == f"{_CALLS}_sum":
            counts["seconds"] += number
        elif name == f"{_CALLS}_count":
            counts["taken"] += number
            counts["answered"] += number if status != "cancelled" else 0.0
            counts["wrong"] += number if status == "unexpected_error" else 0.0
    return counts


def _own_memory_mib(instance: Instance) -> float | None:
    """What the process has in memory of its own, as the kernel says; None if it is gone."""
    pid, ticks = int(instance.handle["pid"]), int(instance.handle["started_ticks"])
    try:
        found = _OWN_MEMORY.search(Path(f"/proc/{pid}/status").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(found[1]) / 1024 if found and is_alive(pid, ticks) else None


def _sum(counts: Iterable[Mapping[str, float]], name: str) -> float:
    return sum(one[name] for one in counts)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
