"""A flawed build on a real platform: what callers see of it, and that nothing stays of it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest

from chaosctl.context import epoch_ms
from chaosctl.control import Control
from chaosctl.drivers.demo import DemoTarget
from chaosctl.drivers.network.builds import pages_of
from chaosctl.drivers.network.helper import NetworkHelper
from monkeys.faults.bad_deploy import BadDeploy
from monkeys.target import Instance
from tests.integration.bed import Bed, wait_for_event, wait_until
from tests.integration.failures.documents import document
from tests.integration.observer.difference import settle, steady
from tests.matrix.cells import Cell
from tests.matrix.striking import watchdogs
from tests.matrix.trying import try_cell

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
GROUP, NEW = "recs-us-east-1", "recs-us-east-1-v001"
CALLS = "name,client.calls,:eq,target,recs,:eq,:and,nf.app,api,:eq,:and"
FAILING = f"{CALLS},outcome,ok,:eq,:not,:and,:sum,{CALLS},:sum,:div"
"""Share of the api's calls of recs that recs does not answer."""

LEASE_S = 3 + BadDeploy.seen_within_ms / 1000 + 10
"""Fault, confirmation and margin, of a fault of three seconds."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A small platform, as an operator and as the store see it."""

    bed: Bed
    target: DemoTarget
    control: Control

    def of(self, group: str) -> list[Instance]:
        """Those of a group whose processes are there."""
        return [each for each in self.target.instances() if each.group == group]

    def mean(self, query: str) -> float:
        """Of the last five seconds."""
        said = self.bed.chaosctl("atlas", "query", query, "--start", "e-5s", "--json")
        assert said.code == 0, said.text
        (line,) = json.loads(said.out)["lines"]
        known = [value for value in line["values"] if isinstance(value, int | float)]
        return sum(known) / len(known)

    @contextmanager
    def deployed(self, fault: BadDeploy) -> Iterator[list[Instance]]:
        """What there is of recs before; the flawed build is out, is seen, and goes."""
        old = self.of(GROUP)
        ids = iter(f"test-{fault.flaw}-{fault.old}-{n}" for n in range(9))
        deadline_ms = epoch_ms() + 90_000
        (record,) = fault.prepare(old, "demo", lambda: next(ids), deadline_ms)
        before = fault.look(old, self.target)
        try:
            self.target.inject(record)
            self.target.inject(record)
            within_s = fault.seen_within_ms / 1000
            took_s = until(
                lambda: fault.took_effect(before, fault.look(old, self.target)), within_s
            )
            print(f"{fault.flaw}, {fault.old}: seen after {took_s:.1f} s")
            yield old
        finally:
            began_s = time.monotonic()
            self.target.undo(record)
            self.target.undo(record)
            print(f"taken back in {time.monotonic() - began_s:.1f} s")
        assert not self.of(NEW)
        assert NEW not in self.control.groups()
        until(lambda: fault.was_removed(before, fault.look(old, self.target)), 5)
        assert self.of(GROUP) == old


def until(look: Callable[[], Mapping[str, bool]], within_s: float) -> float:
    """Seconds until it is so for each."""
    began_s = time.monotonic()
    wait_until(lambda: all(look().values()), within_s, "it to be seen everywhere")
    return time.monotonic() - began_s


@pytest.fixture
def scene(bed: Bed) -> Iterator[Scene]:
    path = bed.runtime / "demo" / "control.sock"
    target = DemoTarget(path)
    yield Scene(bed, target, Control(path))
    target.close()


@pytest.mark.parametrize("flaw", ["slow", "wrong"])
def test_callers_of_a_build_that_replaces_the_good_one_get_no_answers(
    scene: Scene, flaw: str
) -> None:
    assert scene.mean(FAILING) <= 0.1
    with scene.deployed(BadDeploy(flaw=flaw, old="disable")) as old:
        wait_until(lambda: scene.mean(FAILING) >= 0.4, 20, "calls that fail")
        assert len(scene.of(NEW)) == len(old) == 3
        assert {each.labels["build"] for each in scene.of(NEW)} == {flaw}
        assert {each.labels["version"] for each in scene.of(NEW)} == {"v001"}
    wait_until(lambda: scene.mean(FAILING) <= 0.1, 20, "calls that succeed")


def test_a_leaky_build_grows_until_it_dies_and_is_replaced_by_another(scene: Scene) -> None:
    with scene.deployed(BadDeploy(flaw="leaky", old="disable", instances=1)) as old:
        (first,) = scene.of(NEW)
        begun = scene.target.serving(old, "leaky")[old[0].id][1].memory_mib or 0.0
        seen = [begun]

        def is_gone() -> bool:
            now = scene.target.serving(old, "leaky")[old[0].id][1].memory_mib
            seen.append(now or 0.0)
            return first.id not in [each.id for each in scene.of(NEW)]

        wait_until(is_gone, 40, "the first one's end")
        assert begun + 20 <= max(seen) <= begun + 110
        wait_until(lambda: scene.of(NEW), 15, "another one of the same build")
        assert {each.labels["build"] for each in scene.of(NEW)} == {"leaky"}


def test_an_instance_says_its_version_in_discovery(scene: Scene) -> None:
    with scene.deployed(BadDeploy(instances=1)):
        (new,) = scene.of(NEW)
        server = next(each for each in scene.target.instances() if each.service == "eureka")
        said = listed(scene, server, new)
        assert said["metadata"] == {"region": "us-east-1", "version": "v001", "build": "slow"}
        assert said["asgName"] == NEW
        assert said["dataCenterInfo"]["metadata"]["ami-id"].startswith("ami-")


@pytest.mark.parametrize("event", ["SIGKILL", "SIGINT", "SIGKILL of both"])
def test_nothing_is_left_of_a_deployment(scene: Scene, event: str) -> None:
    sizes = {name: group["desired"] for name, group in scene.control.groups().items()}
    result = try_cell(scene.bed, Cell("watch", event, "deploy"))
    print(f"{event}: clean after {result.clean_s} s, hit in {result.hit}")
    assert not result.left, result
    assert {name: group["desired"] for name, group in scene.control.groups().items()} == sizes
    assert scene.control.deployments() == {}


def test_when_run_and_watchdog_are_dead_it_goes_with_its_lease(scene: Scene) -> None:
    bed, known = scene.bed, scene.bed.run_folders()
    before = steady(bed.scope)
    run = bed.start("run", "--plain", bed.document(document("deploy", for_s=3)))
    folder = wait_for_event(bed, known, ["confirm"])
    began_s = time.monotonic()
    for pid in (*watchdogs(bed, folder), run.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert len(scene.of(NEW)) == 3
    wait_until(lambda: not scene.control.deployments(), LEASE_S + 8, "the lease's end")
    print(f"gone {time.monotonic() - began_s:.1f} s after both were killed, lease {LEASE_S:g} s")
    bed.finish(run, 5)
    assert settle(before, bed.scope, 20)[0] == []
    assert bed.chaosctl("recover").code == 0


def listed(scene: Scene, server: Instance, instance: Instance) -> dict[str, Any]:
    """What a discovery server has of an instance; it is asked where it lives."""
    helper, path = NetworkHelper(), f"/eureka/v2/apps/RECS/{instance.id}"
    try:
        (page,) = pages_of(helper, [server], path, {"Accept": "application/json"})
    finally:
        helper.close()
    assert page is not None
    found: dict[str, Any] = json.loads(page)["instance"]
    return found
