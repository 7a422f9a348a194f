"""The demo driver over a control API and processes that are not there, or ours."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from chaosctl.control import Control, NotUp
from chaosctl.drivers import demo
from chaosctl.drivers.demo import DemoTarget
from chaosctl.drivers.network import loads, regions
from chaosctl.procfs import started_ticks
from monkeys.errors import TargetFailed
from monkeys.target import Capability, Instance, ProcessState, Resource, UndoRecord


class FakeControl:
    """A platform in memory."""

    def __init__(self, platform):
        self.document, self.path = platform, Path("control.sock")
        self.suspended, self.evacuated = {}, {}

    def platform(self):
        return self.document

    def set_switches(self, switches):
        self.document["switches"] |= switches

    def set_traffic(self, starts_per_second):
        self.document["starts_per_second"] = starts_per_second

    def suspend(self, token, groups):
        self.suspended[token] = groups

    def release(self, token):
        self.suspended.pop(token, None)

    def evacuate_for(self, region, *, token, for_s):
        self.evacuated[token] = region, for_s

    def end_evacuation(self, token):
        self.evacuated.pop(token, None)


def described(id_, pid, **more):
    return {
        "id": id_,
        "service": "api",
        "group": "api-r",
        "region": "r",
        "zone": "z",
        "address": "127.0.0.1",
        "port": 1,
        "cache_port": 0,
        "pid": pid,
        "started_ticks": started_ticks(pid) or 0,
        "link": "",
        "state": "up",
        "labels": {},
        **more,
    }


@pytest.fixture
def child():
    # It is there once it speaks: an interpreter that still starts opens files of its own.
    command = [sys.executable, "-c", "print('up', flush=True); input()"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdout.readline() == b"up\n"
        yield process
        process.kill()


@pytest.fixture
def platform(child):
    return {
        "id": "w1",
        "fabric": "loopback",
        "fabric_reason": "user namespaces are forbidden",
        "switches": {"no-fallback": False, "no-headroom": True},
        "supervisor": {"pid": os.getpid(), "started_ticks": started_ticks(os.getpid())},
        "instances": [
            described("i-2", child.pid),
            described("i-1", os.getpid()),
            described("i-3", child.pid, state="dead"),
            described("i-4", 2**22 + 1, region="other"),
        ],
    }


@pytest.fixture
def target(platform, monkeypatch):
    made = DemoTarget(Path("control.sock"))
    control = FakeControl(platform)
    made._control = control
    monkeypatch.setattr(demo, "Control", lambda _path: control)
    return made


def record(target, mechanism, detail, *ids):
    chosen = tuple(each for each in target.instances() if each.id in ids)
    return UndoRecord("r1", "test", "demo", mechanism, chosen, detail=detail)


def wait_for(target, instance, state):
    until = time.monotonic() + 5
    while target.state(instance) is not state:
        assert time.monotonic() < until


def test_the_target_is_this_world_and_lists_who_lives(target):
    assert target.id == "demo-w1"
    assert [each.id for each in target.instances()] == ["i-1", "i-2"]
    handle = target.instances()[0].handle
    assert handle["world"] == "w1"
    assert handle["world_pid"] == os.getpid()


def test_a_platform_that_is_not_up_says_how_to_start_it(tmp_path):
    with pytest.raises(NotUp) as caught:
        DemoTarget(tmp_path / "none").instances()
    assert caught.value.fix == "chaosctl demo up"


@pytest.mark.parametrize("capability", Capability)
def test_without_namespaces_only_the_network_is_lacking(target, capability):
    lack = target.lacks(capability)
    netted = (Capability.CUT, Capability.DELAY, Capability.NAMES)
    assert (lack is not None) == (capability in netted)
    if lack:
        is_about_names = capability is Capability.NAMES
        assert ("not resolved" if is_about_names else "namespaces are forbidden") in lack.what
        assert "chaosctl doctor" in lack.fix


def test_probes_of_the_loopback_fabric_need_no_helper(target):
    answers = target.probe(target.instances(), timeout_ms=500)
    assert set(answers) == {"i-1", "i-2"}
    assert all(answer is not None for answer in answers.values())  # refused, which is an answer
    assert target.probe([]) == {}


def test_a_hang_is_undone_and_undone_twice(target, child):
    hang = record(target, "signal", {"signal": "SIGSTOP", "undo_signal": "SIGCONT"}, "i-2")
    target.inject(hang)
    wait_for(target, hang.instances[0], ProcessState.STOPPED)
    for _ in range(2):
        target.undo(hang)
        wait_for(target, hang.instances[0], ProcessState.RUNNING)


def test_a_kill_has_no_undo_and_the_dead_cannot_be_hit(target, child):
    kill = record(target, "signal", {"signal": "SIGKILL", "undo_signal": ""}, "i-2")
    target.inject(kill)
    wait_for(target, kill.instances[0], ProcessState.GONE)
    target.undo(kill)
    with pytest.raises(TargetFailed, match="'i-2' is gone"):
        target.inject(kill)


def test_a_termination_that_was_cut_short_is_completed_for_who_has_no_link_left(
    target, child, monkeypatch
):
    end = record(target, "termination", {}, "i-1", "i-2")
    monkeypatch.setattr(demo.mechanisms, "unlinked", lambda _helper, _record: [])
    target.undo(end)
    assert target.state(end.instances[1]) is ProcessState.RUNNING  # it was never hit
    hit = [each for each in end.instances if each.id == "i-2"]
    monkeypatch.setattr(demo.mechanisms, "unlinked", lambda _helper, _record: hit)
    for _ in range(2):
        target.undo(end)
        wait_for(target, hit[0], ProcessState.GONE)


def test_a_termination_of_the_dead_asks_nobody(target, child, monkeypatch):
    end = record(target, "termination", {}, "i-2")
    child.kill()
    child.wait()
    monkeypatch.delattr(demo.mechanisms, "unlinked")
    target.undo(end)


def test_a_limit_is_held_and_put_back_and_put_back_twice(target, child):
    held = record(target, "limit", {"limit": "files", "left": 0}, "i-2")
    held = replace(held, deadline_ms=time.time_ns() // 1_000_000 + 20_000)
    before = target.usage(held.instances, Resource.FILES)
    target.inject(held)
    assert target.usage(held.instances, Resource.FILES)["i-2"].limit == 3
    for _ in range(2):
        target.undo(held)
        assert target.usage(held.instances, Resource.FILES) == before


def test_a_hang_of_who_died_meanwhile_is_undone(target, child):
    hang = record(target, "signal", {"signal": "SIGSTOP", "undo_signal": "SIGCONT"}, "i-2")
    target.inject(hang)
    child.kill()
    child.wait()
    target.undo(hang)


def test_a_suspension_is_by_record_and_only_of_its_world(target, platform):
    groups = [{"group": "api-r", "zone": "z"}]
    suspension = record(target, "suspension", {"groups": groups}, "i-1")
    target.inject(suspension)
    assert target._control.suspended == {"r1": groups}
    platform["id"] = "w2"
    target.undo(suspension)
    assert target._control.suspended == {"r1": groups}  # another world's: not ours to take back
    platform["id"] = "w1"
    for _ in range(2):
        target.undo(suspension)
        assert target._control.suspended == {}


def test_a_suspension_of_a_world_that_is_gone_is_undone(target, monkeypatch, tmp_path):
    suspension = record(target, "suspension", {"groups": []}, "i-1")
    monkeypatch.setattr(demo, "Control", lambda _path: Control(tmp_path / "none"))
    target.undo(suspension)


def test_switches_go_back_to_what_they_were(target):
    wanted = {"no-fallback": True, "no-headroom": True}
    turned = target.prepare_switches(wanted, "r2")
    assert turned.detail["previous"] == {"no-fallback": False, "no-headroom": True}
    target.inject(turned)
    assert target.switches() == wanted
    assert target.prepare_switches(wanted, "r3") is None
    target.undo(turned)
    target.undo(turned)
    assert target.switches() == {"no-fallback": False, "no-headroom": True}


@pytest.mark.parametrize("way", ["inject", "undo"])
def test_an_unknown_mechanism_is_refused(target, way):
    with pytest.raises(TargetFailed, match="unknown mechanism 'magic'"):
        getattr(target, way)(record(target, "magic", {}, "i-1"))


def test_a_load_is_set_and_taken_back_but_not_over_somebody_elses_rate(target, platform):
    platform["starts_per_second"] = 30.0
    record = target.prepare_load(2.0, "r1")
    assert platform["starts_per_second"] == 30.0
    target.inject(record)
    target.inject(record)
    assert target.offered_per_second() == 60.0
    target.undo(record)
    target.undo(record)
    assert target.offered_per_second() == 30.0
    target.inject(record)
    target._control.set_traffic(45.0)
    target.undo(record)
    assert target.offered_per_second() == 45.0
    target.inject(record)
    platform["id"] = "another world"
    target.undo(record)
    assert target.offered_per_second() == 60.0


def test_a_region_is_left_for_as_long_as_its_deadline_says_and_given_back(target):
    target._now_ms = lambda: 4_000
    one = replace(record(target, "evacuation", {"region": "r"}, "i-1"), deadline_ms=10_000)
    target.inject(one)
    assert target._control.evacuated == {"r1": ("r", 6.0)}
    for _ in range(2):
        target.undo(one)
        assert target._control.evacuated == {}
    with pytest.raises(TargetFailed, match="deadline has passed"):
        target.inject(replace(one, deadline_ms=4_000))


def test_a_region_of_a_world_that_is_gone_is_left_alone(target):
    target._now_ms = lambda: 0
    one = replace(record(target, "evacuation", {"region": "r"}, "i-1"), deadline_ms=10_000)
    target.inject(one)
    target._control.document["id"] = "another"
    target.undo(one)
    assert target._control.evacuated == {"r1": ("r", 10.0)}


def test_one_region_cannot_be_left(target, platform):
    assert target.lacks(Capability.EVACUATE) is None
    platform["instances"].pop()
    lack = target.lacks(Capability.EVACUATE)
    assert "one region" in lack.what
    assert "demo up --size normal" in lack.fix


def test_what_a_region_keeps_is_what_its_edges_say_together(monkeypatch):
    told = {"e-1": 10.0, "e-2": 2.5, "e-3": None, "f-1": None}
    everybody = [edge(id_, "r" if id_[0] == "e" else "other") for id_ in told]
    monkeypatch.setattr(loads, "kept_per_second", lambda _helper, edges: told)
    asked = [*everybody, replace(edge("a-1", "r"), service="api"), edge("x", "nowhere")]
    kept = regions.kept_per_second(None, asked, everybody)
    assert kept == {"e-1": 12.5, "e-2": 12.5, "e-3": 12.5, "f-1": None, "a-1": 12.5, "x": None}


def edge(id_, region):
    return Instance(id_, "edge", "g", region, "z")


@pytest.mark.parametrize(
    ("fabric", "has_names", "what"),
    [
        ("proxy", False, "not resolved on the fabric proxy"),
        ("loopback", False, "not resolved on the fabric loopback"),
        ("netns", False, "no /etc/resolv.conf"),
    ],
)
def test_names_cannot_be_broken_where_there_are_none(target, platform, fabric, has_names, what):
    platform.update(fabric=fabric, has_names=has_names, faults_api="http://127.0.0.1:1")
    lack = target.lacks(Capability.NAMES)
    assert what in lack.what
    assert "demo up" in lack.fix
