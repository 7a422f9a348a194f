"""Probes over the loopback device."""

from __future__ import annotations

import socket
import time

from chaosctl.drivers.network.probing import probe


def test_a_listener_and_a_refusal_are_answers():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            refused = closed.getsockname()[1]
            answers = probe([("127.0.0.1", port), ("127.0.0.1", refused)], timeout_ms=1000)
    assert all(answer is not None and 0 <= answer < 1000 for answer in answers)


def test_no_route_is_a_miss_that_takes_the_whole_timeout():
    begun = time.monotonic()
    assert probe([("255.255.255.255", 1)], timeout_ms=30) == [None]
    assert time.monotonic() - begun >= 0.03


def test_nobody_to_probe_is_no_answer():
    assert probe([], timeout_ms=1000) == []
