"""Answers are compressed for those who ask for it, if it is worth it."""

from __future__ import annotations

import gzip
import json

import pytest


def publish(server, now_ms, count):
    tags = [{"name": "cpu", "node": f"{number:060d}"} for number in range(count)]
    metrics = [{"tags": each, "timestamp": now_ms, "value": 1.0} for each in tags]
    assert server.post("/api/v1/publish", {"metrics": metrics}).status == 200


@pytest.mark.parametrize(
    ("accepts", "count", "is_compressed"),
    [
        ({"accept_encoding": "gzip"}, 40, True),
        ({"accept_encoding": "br, gzip;q=0.5"}, 40, True),
        ({"accept_encoding": "identity"}, 40, False),
        ({}, 40, False),
        ({"accept_encoding": "gzip"}, 3, False),  # too short to be worth it
    ],
)
def test_who_asks_for_it_gets_it(server, now_ms, accepts, count, is_compressed):
    publish(server, now_ms, count)
    answer = server.call("GET", "/api/v1/tags/node", **accepts)
    assert (answer.headers.get("content-encoding") == "gzip") is is_compressed
    assert ("Accept-Encoding" in answer.headers.get("vary", "")) >= is_compressed
    body = gzip.decompress(answer.body) if is_compressed else answer.body
    assert len(json.loads(body)) == count
