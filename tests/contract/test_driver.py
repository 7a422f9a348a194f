"""What every driver must do, for each row of DRIVERS."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from chaosctl.drivers import DRIVERS
from monkeys.errors import MonkeyError, TargetFailed
from monkeys.faults import check_fault, make_fault
from monkeys.selection import matches
from monkeys.target import Capability, ProcessState, UndoRecord

ROWS = pytest.mark.parametrize("name", DRIVERS)
# Whatever a Chaos Toolkit document reaches is there for its own activities to find and to break:
# that target is never down, and can do none of our faults.
FAULTED = [each for each in DRIVERS if each != "toolkit"]
CAN_BE_DOWN = pytest.mark.parametrize("name", FAULTED)
ZONE = {"zone": ("us-east-1a",)}
FAULTS = [
    ("zone-outage", {}, ZONE),
    ("instance-hang", {}, {"service": ("recs",)}),
    ("network-latency", {"delay": "150ms", "jitter": "10ms"}, {"service": ("recs", "api")}),
    ("network-loss", {"loss": "20%"}, {"service": ("recs", "api")}),
    ("network-duplicate", {"duplicate": "20%"}, {"service": ("recs",)}),
    ("network-corrupt", {"corrupt": "20%"}, {"service": ("recs",)}),
    ("network-reorder", {"reorder": "20%"}, {"service": ("recs",)}),
    ("network-rate", {"rate": "1mbit"}, {"service": ("recs",)}),
    ("network-partition", {"from": {"zone": "us-east-1b"}}, ZONE),
    ("network-partition", {"from": {"service": "api"}, "direction": "in"}, {"service": ("recs",)}),
    ("dns-failure", {}, {"service": ("recs", "auth")}),
    ("dns-failure", {"answer": "servfail"}, {"service": ("recs", "auth")}),
    ("dns-failure", {"answer": "nxdomain"}, {"service": ("recs",)}),
    ("dns-failure", {"answer": "late", "delay": "300ms"}, {"service": ("recs",)}),
    ("dns-failure", {}, {"service": ("dns",), "zone": ("us-east-1b",)}),
    ("dns-failure", {"answer": "servfail"}, {"service": ("dns",)}),
    ("dns-failure", {"answer": "late", "delay": "300ms"}, {"service": ("dns",)}),
    ("clock-skew", {}, {"service": ("recs", "auth")}),
    ("clock-skew", {"by": "10m", "direction": "behind"}, {"service": ("evcache", "eureka")}),
    ("dependency-overload", {"per-second": 60}, {"service": ("recs", "catalog")}),
    ("cpu-burn", {}, {"service": ("recs",)}),
    ("memory-fill", {"left": "4MiB"}, {"service": ("recs",)}),
    ("fd-exhaust", {"left": 4}, {"service": ("recs",)}),
    ("disk-fill", {}, {"service": ("recs",)}),
    ("instance-kill", {"replacement": "suspend"}, {"service": ("abtest",)}),
    ("cache-flush", {}, {"service": ("evcache",)}),
    ("instance-terminate", {}, {"service": ("auth",)}),
    ("zone-outage", {"mode": "dead"}, {"zone": ("us-east-1c",)}),
]


@CAN_BE_DOWN
def test_a_target_that_is_not_up_is_said_with_the_fix(name, tmp_path):
    target = DRIVERS[name](tmp_path / "none")
    assert target.name == name
    for ask in (target.instances, lambda: target.id, lambda: target.lacks(Capability.CUT)):
        with pytest.raises(TargetFailed) as caught:
            ask()
        assert caught.value.fix


@ROWS
@pytest.mark.parametrize("way", ["inject", "undo"])
def test_a_record_of_another_version_is_refused(name, way, tmp_path):
    record = UndoRecord("r1", "test", name, "magic")
    with pytest.raises(MonkeyError, match="magic"):
        getattr(DRIVERS[name](tmp_path / "none"), way)(record)


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """Each row's target, up; for the demo a small platform."""
    folder = tmp_path_factory.mktemp("d")
    command = [sys.executable, "-m", "demo_platform", "up", "--dir", str(folder / "demo")]
    command += ["--size", "small", "--rate", "2", "--fabric", "netns"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    target = DRIVERS["demo"](folder / "demo" / "control.sock")
    with subprocess.Popen(command, env=environment, start_new_session=True) as keeper:
        count = len(target.planned_instances("small"))
        wait_until(lambda: is_ready(target, keeper, count), 40)
        target.warm()
        yield {"demo": target, "toolkit": DRIVERS["toolkit"](folder / "none")}
        target.close()
        keeper.send_signal(signal.SIGTERM)
        keeper.wait(15)


def is_ready(target, keeper, count) -> bool:
    if keeper.poll() is not None:
        pytest.skip("this machine cannot have a platform with namespaces")
    try:
        instances = target.instances()
        answers = target.probe(instances)
    except TargetFailed:
        return False
    return len(instances) == count and None not in answers.values()


def wait_until(is_so, timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < until, "in vain"
        time.sleep(0.1)


@pytest.mark.integration
@ROWS
def test_instances_are_stable_live_and_complete(name, live):
    target = live[name]
    first, second = target.instances(), target.instances()
    assert first == second
    assert all(target.state(each) is ProcessState.RUNNING for each in first)
    assert all(each.id and each.service and each.zone and each.region for each in first)
    lacks = {each: target.lacks(each) for each in Capability}
    assert all(lack is None or (lack.what and lack.fix) for lack in lacks.values())
    lacking = [each for each, lack in lacks.items() if lack is not None]
    # A small platform has one region: there is none to take over.
    assert (lacking == [Capability.EVACUATE]) == (name in FAULTED)


@pytest.mark.integration
@pytest.mark.parametrize("name", FAULTED)
@pytest.mark.parametrize(("fault_name", "given", "where"), FAULTS)
def test_each_fault_takes_effect_and_is_undone(name, live, fault_name, given, where):
    target = live[name]
    wait_until(lambda: None not in target.probe(target.instances()).values(), 20)
    fault = make_fault(fault_name, check_fault(fault_name, given)[0])
    chosen = [each for each in target.instances() if matches(each, where)]
    before = fault.look(chosen, target)
    numbers = itertools.count()
    deadline_ms = time.time_ns() // 1_000_000 + 30_000
    stamp = f"{fault_name}-{time.monotonic_ns()}"
    records = fault.prepare(chosen, name, lambda: f"{stamp}-{next(numbers)}", deadline_ms)
    begun = time.monotonic()
    try:
        for record in records:
            target.inject(record)
        injected = time.monotonic()
        wait_until(lambda: all(fault.took_effect(before, fault.look(chosen, target)).values()), 5)
        confirmed = time.monotonic()
    finally:
        for record in reversed(records):
            target.undo(UndoRecord.from_json(record.as_json()))
    undone = time.monotonic()
    wait_until(lambda: all(fault.was_removed(before, fault.look(chosen, target)).values()), 5)
    for record in reversed(records):
        target.undo(record)
    spans = zip((begun, injected, confirmed), (injected, confirmed, undone), strict=True)
    print(fault_name, given, len(chosen), [round((end - start) * 1000) for start, end in spans])


@pytest.mark.integration
@pytest.mark.parametrize("name", FAULTED)
def test_undo_of_a_world_that_is_gone_is_done(name, live):
    target = live[name]
    gone = [
        replace(
            each,
            handle={**each.handle, "pid": 2**22 + 1, "world_pid": 2**22 + 1, "world": "gone"},
        )
        for each in target.instances()[:2]
    ]
    for fault_name, given, _ in FAULTS:
        fault = make_fault(fault_name, check_fault(fault_name, given)[0])
        numbers = itertools.count()
        for record in fault.prepare(gone, name, lambda n=numbers: f"gone-{next(n)}", 1):
            target.undo(record)
