"""A build is brought out and taken back by its record; how it serves is asked of everybody."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any, cast

import pytest

from chaosctl.control import NotUp
from chaosctl.drivers.network import builds
from chaosctl.procfs import started_ticks
from demo_platform.http_message import Handler, HttpRequest, HttpResponse
from demo_platform.metrics import Ipc, Meters, server_calls
from demo_platform.prometheus_page import with_metrics
from monkeys.errors import TargetFailed
from monkeys.target import Instance, Serving, UndoRecord

NO_HELPER: Any = None
DETAIL = {"group": "recs-r", "build": "slow", "instances": 2, "disables": False}


class FakeControl:
    """Deployments in memory; each is gone once it has been looked at so often."""

    def __init__(self, looks: int = 2) -> None:
        self.orders: dict[str, Any] = {}
        self.ending: dict[str, int] = {}
        self.looks, self.is_up = looks, True

    def deploy(self, token: str, order: Any) -> None:
        self.orders[token] = order

    def end_deployment(self, token: str) -> None:
        if token in self.orders:
            self.ending[token] = self.looks

    def deployments(self) -> dict[str, Any]:
        if not self.is_up:
            raise NotUp("gone", where="here", fix="none")
        for token in list(self.ending):
            self.ending[token] -= 1
            if self.ending[token] < 0:
                del self.ending[token], self.orders[token]
        return self.orders


def instance(id_: str, pid: int = 0, **more: Any) -> Instance:
    pid = pid or os.getpid()
    handle = {"pid": pid, "started_ticks": started_ticks(pid) or 1, "port": 1, "link": ""}
    there = {"service": "recs", "group": "recs-r", "region": "r", "zone": "z", **more}
    return Instance(id_, **there, address=id_, handle=handle)


def record(**more: Any) -> UndoRecord:
    chosen = (instance("i-1"), instance("i-2"))
    return UndoRecord("r1", "bad-deploy", "demo", "deployment", chosen, 10_000, {**DETAIL, **more})


@pytest.mark.parametrize(("disables", "replaces"), [(False, []), (True, ["i-1", "i-2"])])
def test_a_record_is_an_order_that_ends_at_its_deadline(
    disables: bool, replaces: list[str]
) -> None:
    control: Any = FakeControl()
    builds.deploy(control, record(disables=disables), now_ms=4_000)
    wanted = {"group": "recs-r", "build": "slow", "instances": 2, "for_s": 6.0}
    assert control.orders == {"r1": {**wanted, "replaces": replaces}}
    with pytest.raises(TargetFailed, match="deadline has passed"):
        builds.deploy(control, record(), now_ms=10_000)


def test_taking_back_waits_until_it_is_gone_and_again_is_nothing() -> None:
    control: Any = FakeControl(looks=3)
    builds.deploy(control, record(), now_ms=0)
    slept: list[float] = []
    for _ in range(2):
        builds.take_back(control, record(), sleep=slept.append)
        assert control.orders == {}
    assert len(slept) == 3


def test_what_does_not_end_in_time_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    control: Any = FakeControl(looks=1_000_000)
    builds.deploy(control, record(), now_ms=0)
    monkeypatch.setattr(builds, "BACK_WITHIN_S", 0.01)
    with pytest.raises(TargetFailed, match="beside recs-r has not ended"):
        builds.take_back(control, record())


def test_with_its_platform_a_deployment_is_gone() -> None:
    control: Any = FakeControl()
    builds.deploy(control, record(), now_ms=0)
    control.is_up = False
    builds.take_back(control, record())


def page(*, well: int, wrong: int = 0, given_up: int = 0, seconds: float = 0.0) -> str:
    counts = {"success": well, "unexpected_error": wrong, "cancelled": given_up, "throttled": 99}
    name = "ipc_server_call_seconds"
    return "\n".join(
        [
            f"# TYPE {name} summary",
            *(f'{name}_count{{nf_app="recs",ipc_status="{s}"}} {n}.0' for s, n in counts.items()),
            f'{name}_sum{{nf_app="recs",ipc_status="success"}} {seconds}',
            f'{name}_sum{{nf_app="recs",ipc_status="throttled"}} 0.01',
            'ipc_client_call_total{ipc_vip="abtest"} 1000.0',
            'server_seconds_total{nf_app="recs"} 1e3',
        ]
    )


PAGES = {
    "i-1": page(well=10, seconds=0.5),
    "i-2": page(well=28, wrong=2, seconds=1.5),
    "n-1": page(well=1, wrong=3, given_up=6, seconds=5.0),
    "n-2": page(well=0),
    "e-1": json.dumps(
        {
            "application": {
                "instance": [
                    {"instanceId": "i-1", "status": "UP"},
                    {"instanceId": "i-2", "status": "OUT_OF_SERVICE"},
                    {"instanceId": "n-1", "status": "UP"},
                    {"instanceId": "n-2", "status": "UP"},
                ]
            }
        }
    ),
}


@pytest.fixture(autouse=True)
def _pages(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(addresses: Any, path: str, headers: Any, timeout_s: float) -> list[str | None]:
        del headers, timeout_s
        assert path == ("/eureka/v2/apps/RECS" if addresses[0][0][0] == "e" else "/metrics")
        return [PAGES.get(address) for address, _ in addresses]

    monkeypatch.setattr(builds.pages, "read", read)


def new(id_: str, build: str = "slow", **more: Any) -> Instance:
    return replace(instance(id_, group="recs-r-v001", **more), labels={"build": build})


def test_each_build_is_told_as_one() -> None:
    old = [instance("i-1"), instance("i-2")]
    eureka = [instance(id_, service="eureka", group="eureka-r") for id_ in ("e-0", "e-1")]
    everybody = [*eureka, *old, new("n-1"), new("n-2"), new("n-1", "wrong")]
    everybody.append(new("n-2", region="elsewhere"))
    told = builds.serving(NO_HELPER, old, everybody, "slow")
    assert set(told) == {"i-1", "i-2"}
    usual, flawed = told["i-1"]
    assert told["i-2"] == (usual, flawed)
    mib = usual.memory_mib
    assert mib is not None
    assert mib > 1
    assert usual == Serving(2, 1, 1, answer_ms=50.0, wrong_ratio=0.05, memory_mib=mib)
    assert flawed.answer_ms == 500.0
    assert flawed == replace(flawed, living=2, listed=2, asked=1, wrong_ratio=0.75)


def test_who_is_dead_and_who_is_not_there_is_not_told() -> None:
    dead = instance("i-1", pid=2**22 - 1)
    usual, flawed = builds.serving(NO_HELPER, [dead], [dead], "slow")["i-1"]
    assert usual == flawed == Serving()


def test_the_platforms_own_page_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    meters, no_handler = Meters({"nf.app": "recs"}), cast("Handler", None)
    calls = server_calls(meters)
    took_s = {Ipc.SUCCESS: 0.05, Ipc.UNEXPECTED_ERROR: 0.03, Ipc.CANCELLED: 0.25}
    for status, seconds in {**took_s, Ipc.THROTTLED: 0.0}.items():
        calls[status].record(seconds)
    request = HttpRequest("GET", "/metrics", headers={}, body=b"")
    answer = cast("HttpResponse", asyncio.run(asked(with_metrics(meters, no_handler)(request))))
    monkeypatch.setitem(PAGES, "i-1", answer.body.decode())
    old = [instance("i-1")]
    usual, _ = builds.serving(NO_HELPER, old, [instance("e-1", service="eureka"), *old], "slow")[
        "i-1"
    ]
    assert usual.asked == 1
    assert usual.answer_ms == pytest.approx(110.0)
    assert usual.wrong_ratio == 0.5


async def asked(answer: Awaitable[Any]) -> Any:
    return await answer
