"""Commands in a running world: Turbine's sum, heard from outside, and circuits forced by hand."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.integration.demo.streams import hear
from tests.integration.demo.worlds import ROOT, World, world

pytestmark = pytest.mark.integration

FORCE_OPEN = "hystrix.command.recs.circuitBreaker.forceOpen"
WITHIN_S = 25.0


@contextmanager
def door(one: World) -> Iterator[str]:
    """Somebody looks into the world; yields the address of a cluster's stream but for its name."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [sys.executable, "-m", "demo_platform", "streams", "--dir", str(one.folder)]
    running = subprocess.Popen(
        [*program, "--port", str(port)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "targets/demo-platform")},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        yield running.stdout.readline().strip().removesuffix("api")
    finally:
        running.terminate()
        assert running.wait(timeout=5) == 0


def said_by_a_second_door(one: World, clusters: str) -> str:
    """What `streams` says on a port that is taken."""
    port = clusters.split(":")[2].split("/", maxsplit=1)[0]
    program = [sys.executable, "-m", "demo_platform", "streams", "--dir", str(one.folder)]
    done = subprocess.run(
        [*program, "--port", port],
        env={**os.environ, "PYTHONPATH": str(ROOT / "targets/demo-platform")},
        stderr=subprocess.PIPE,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr


def until(url: str, claim: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first frame of the command recs of which the claim holds."""

    async def listen() -> dict[str, Any]:
        async for frame in hear(url, WITHIN_S):
            is_recs = (frame["type"], frame["name"]) == ("HystrixCommand", "recs")
            if is_recs and claim(frame):
                return frame
        raise AssertionError(f"{url} ended")

    return asyncio.run(listen())


def test_a_circuit_that_is_forced_open_is_seen_by_turbine() -> None:
    with world("--size", "small", "--rate", "8") as one:
        one.until_ready()
        with door(one) as clusters:
            api = clusters + "api"
            assert "choose another --port" in said_by_a_second_door(one, clusters)
            sound = until(api, lambda frame: frame["rollingCountSuccess"] > 20)
            assert (sound["reportingHosts"], sound["isCircuitBreakerOpen"]) == (3, False)
            assert one.ask("PUT", "/v1/properties/api", {FORCE_OPEN: True})[0] == 200
            forced = until(api, lambda frame: frame["rollingCountShortCircuited"] > 5)
            assert forced["propertyValue_circuitBreakerForceOpen"] is True
            assert forced["rollingCountFallbackSuccess"] > 0
            first = next(i["id"] for i in one.platform()["instances"] if i["service"] == "api")
            assert one.ask("PUT", f"/v1/properties/{first}", {FORCE_OPEN: False})[0] == 200
            mixed = until(clusters + first, lambda frame: True)
            assert mixed["propertyValue_circuitBreakerForceOpen"] is False
            assert one.ask("PUT", "/v1/properties/api", {FORCE_OPEN: None})[1] == {
                first: {FORCE_OPEN: False}
            }
        refused = [
            one.ask("PUT", "/v1/properties/apl", {FORCE_OPEN: True}),
            one.ask("PUT", "/v1/properties/api", {FORCE_OPEN: "yes"}),
            one.ask("PUT", "/v1/properties/api", {FORCE_OPEN + "ed": True}),
        ]
        assert [status for status, _ in refused] == [400, 400, 400]
        assert "did you mean 'api'" in refused[0][1]["error"]["fix"]
        assert one.ask("GET", "/v1/properties")[1] == {first: {FORCE_OPEN: False}}
