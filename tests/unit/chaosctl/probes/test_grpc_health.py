"""gRPC probes, against a real health server."""

from __future__ import annotations

import math
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from chaosctl.probes import PROBES, CannotAsk


@pytest.fixture(scope="module")
def address():
    import grpc
    from grpc_health.v1 import health, health_pb2, health_pb2_grpc

    server = grpc.server(ThreadPoolExecutor(2))
    servicer = health.HealthServicer()
    servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    servicer.set("tired", health_pb2.HealthCheckResponse.NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


@pytest.mark.parametrize(
    ("parameters", "value", "text"),
    [
        ({}, 1, "status SERVING"),
        ({"service": "tired"}, 0, "status NOT_SERVING"),
        ({"service": "tired", "expect": {"status": "NOT_SERVING"}}, 1, "status NOT_SERVING"),
        ({"service": "nobody"}, 0, "not found"),
    ],
)
def test_status_is_held_against_what_is_expected(address, parameters, value, text):
    answer = PROBES["grpc"]({"address": address, **parameters}).ask(5)
    assert answer.value == value
    assert text in answer.text


def test_latency_is_taken_and_silence_is_for_ever(address):
    assert 0 < PROBES["grpc"]({"address": address, "take": "latency"}).ask(5).value < 5000
    with socket.create_server(("127.0.0.1", 0)) as mute:
        silent = f"127.0.0.1:{mute.getsockname()[1]}"
        answer = PROBES["grpc"]({"address": silent, "take": "latency"}).ask(0.3)
        assert answer.value == math.inf


def test_lacking_library_is_said_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "grpc_health.v1", None)
    with pytest.raises(CannotAsk, match="not installed") as caught:
        PROBES["grpc"]({"address": "127.0.0.1:1"})
    assert caught.value.fix == "pip install 'chaosctl[grpc]'"
