"""POST /api/v1/publish: status and answer; what the bodies mean is in tests/data/ingest."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

BAD = {"name": "cpu", "nf.foo": "x"}


def metric(now_ms, tags=None):
    return {"tags": tags or {"name": "cpu"}, "timestamp": now_ms, "value": 1.0}


def test_batch_that_is_taken_is_answered_with_nothing(server, now_ms):
    answer = server.post("/api/v1/publish", {"metrics": [metric(now_ms)]})
    assert (answer.status, answer.body) == (200, b"")


def test_batch_taken_in_part(server, now_ms):
    answer = server.post("/api/v1/publish", {"metrics": [metric(now_ms), metric(now_ms, BAD)]})
    assert answer.status == 202
    assert answer.json == {
        "type": "partial",
        "errorCount": 1,
        "message": [
            'invalid key for reserved prefix \'nf.\': nf.foo (tags={"name":"cpu","nf.foo":"x"})'
        ],
    }


def test_batch_refused_as_a_whole(server, now_ms):
    answer = server.post("/api/v1/publish-fast", {"metrics": [metric(now_ms, BAD)] * 7})
    assert answer.status == 400
    assert answer.json["type"] == "error"
    assert answer.json["errorCount"] == 7
    assert len(answer.json["message"]) == 5


def test_series_beyond_the_bound_are_refused_by_name(server, now_ms):
    metrics = [metric(now_ms, {"name": "cpu", "node": f"i-{i}"}) for i in range(51)]
    answer = server.post("/api/v1/publish", {"metrics": metrics})
    assert answer.status == 202
    assert answer.json["message"][0].startswith("too many series: 51 > 50")
    assert b'atlas_refused_total{reason="series"} 1.0' in server.get("/metrics").body


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_packed_body(server, now_ms, pack):
    body = pack(json.dumps({"metrics": [metric(now_ms)]}).encode())
    encoding = "gzip" if pack is gzip.compress else "deflate"
    assert server.post("/api/v1/publish", body, content_encoding=encoding).status == 200


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_body_that_is_not_packed_as_it_says(server, encoding):
    answer = server.post("/api/v1/publish", b"{}", content_encoding=encoding)
    assert answer.status == 400
    assert answer.json["fix"]


def test_body_beyond_the_limit_is_refused(server):
    assert server.post("/api/v1/publish", b" " * (8 * 1024 * 1024 + 1)).status == 413
    bomb = gzip.compress(b" " * (8 * 1024 * 1024 + 1))
    assert server.post("/api/v1/publish", bomb, content_encoding="gzip").status == 413


def test_empty_payload(server):
    answer = server.post("/api/v1/publish", b"")
    assert answer.status == 400
    assert answer.json["message"] == "empty payload"
